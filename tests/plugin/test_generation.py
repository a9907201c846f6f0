"""Drawing cells, without a window."""

import numpy as np

from napari_biogans import read_cells
from napari_biogans.cli import main
from napari_biogans.plugin.generation import AT_A_TIME, DrawRequest, draw


def exhaust(generator):
    seen = []
    while True:
        try:
            seen.append(next(generator))
        except StopIteration as end:
            return seen, end.value


def test_the_same_seed_draws_the_same_cells_as_on_the_command_line(trained_run, tmp_path):
    run = trained_run()
    _, drawn = exhaust(draw(DrawRequest(run, 5, seed=3, truncation=0.7, one_red=True), lambda: False))
    arguments = ["--n", "1", "--greens-per-red", "5", "--seed", "3", "--truncation", "0.7"]
    assert main(["generate", str(run), *arguments, "--output", str(tmp_path / "out.npz")]) == 0
    (expected,) = read_cells(tmp_path / "out.npz").images
    np.testing.assert_array_equal(drawn.images[0], expected)


def test_many_cells_are_drawn_in_parts_and_can_be_stopped(trained_run):
    request = DrawRequest(trained_run(), 2 * AT_A_TIME + 1, seed=0)
    done, drawn = exhaust(draw(request, lambda: False))
    assert done == [0, AT_A_TIME, 2 * AT_A_TIME, 2 * AT_A_TIME + 1]
    assert drawn.images.shape == (1, 2 * AT_A_TIME + 1, 2, 12, 12)
    assert exhaust(draw(request, lambda: True)) == ([0], None)
