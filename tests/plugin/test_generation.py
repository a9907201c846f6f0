"""Drawing cells, without a window."""

import numpy as np

from napari_biogans import CellSet, read_cells, train
from napari_biogans.cli import main
from napari_biogans.plugin.generation import AT_A_TIME, DrawRequest, draw

from .conftest import TINY


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


def test_greens_of_each_class_are_drawn_in_parts(tmp_path, pixels):
    cells = CellSet([pixels, pixels], ["Alp14", "Tea1"])
    model = train(cells, tmp_path, progress=False, **{**TINY, "steps": 1, "architecture": "star-shaped"})
    request = DrawRequest(tmp_path, AT_A_TIME + 2, seed=1, classes=("Tea1",), own_greens=True)
    done, drawn = exhaust(draw(request, lambda: False))
    assert done == [0, AT_A_TIME, AT_A_TIME + 2]
    latents = drawn.metadata["latents"]
    assert latents.shape == (2, AT_A_TIME + 2, 4)
    np.testing.assert_array_equal(latents, model.draw_latents(AT_A_TIME + 2, seed=1, green_latents="per-class"))
    np.testing.assert_array_equal(drawn.images, model.generate(latents=latents, classes=["Tea1"]))
