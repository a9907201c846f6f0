import json

import numpy as np
import pytest

from napari_biogans.cells import write_cells
from napari_biogans.cli import main


@pytest.fixture
def folder(tmp_path, star, drawn, monkeypatch):
    star.save(tmp_path / "star.safetensors")
    write_cells(drawn[0], tmp_path / "cells")
    np.save(tmp_path / "keys.npy", star.draw_latents(3, seed=0))
    monkeypatch.chdir(tmp_path)
    return tmp_path


SMALL = ["--steps", "5", "--starts", "1", "--device", "cpu"]


def test_reconstruct_prints_medians_and_writes_a_folder(folder, capsys):
    arguments = ["reconstruct", "star.safetensors", "cells", "--training-cells", "cells", "-o", "out", *SMALL]
    assert main([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["cells"] == 18
    assert printed["complete"] is True
    assert printed["median"]["neighbour_rmse"] > 0, "each cell is among the training cells, and compared with others"
    assert np.load(folder / "out" / "latents.npy").shape == (18, 8)
    assert (folder / "out" / "reconstructions.png").is_file()
    assert main(arguments) == 0
    assert "18 cells rebuilt" in capsys.readouterr().out


def test_complete_prints_and_writes_a_folder(folder, capsys):
    arguments = ["complete", "star.safetensors", "cells", "--draws", "2", "-o", "all", "--batch-size", "4", *SMALL]
    assert main([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["complete"] is True
    printed = answer["cells"]
    assert len(printed) == 18
    assert printed[0]["green_rmse"] > 0
    assert (folder / "all" / "completions.png").is_file()
    assert main(arguments) == 0
    assert "18 cells completed" in capsys.readouterr().out
    assert main([*arguments, "--draws", "1"]) in (1, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["reconstruct", "star.safetensors"], 2, "--cells"),
        (["reconstruct", "nothing", "cells"], 1, "nothing"),
        (["reconstruct", "star.safetensors", "cells", "--starts", "0"], 2, "starts"),
        (["reconstruct", "star.safetensors", "cells", "--output", "star.safetensors"], 1, "Choose another folder"),
        (["interpolate", "star.safetensors", "--rows", "1"], 1, "give the file, too"),
        (["interpolate", "star.safetensors", "--latents", "keys.npy", "-n", "2"], 1, "not both"),
        (["interpolate", "star.safetensors", "--latents", "keys.npy", "--rows", "1", "3"], 1, "rows 0 to 2, not 3"),
        (["interpolate", "star.safetensors", "--frames", "1"], 1, "4 frames at least"),
        (["interpolate", "star.safetensors", "-o", "star.safetensors"], 1, "Choose another folder"),
        (["cell-cycle", "star.safetensors", "cells", "--order-by", "mood"], 1, "no feature 'mood'"),
        (["cell-cycle", "star.safetensors", "cells", "--stages", "99"], 1, "as many cells as stages"),
        (["colocalisation", "star.safetensors", "cells", "--draws", "1"], 1, "two draws"),
    ],
)
def test_mistakes_get_a_message_and_a_code(arguments, code, message, folder, capsys):
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["interpolate", "star.safetensors", "--frames", "1"],
        ["cell-cycle", "star.safetensors", "cells", "--order-by", "mood", "-o", "some/where"],
        ["reconstruct", "nothing", "cells", "-o", "out"],
    ],
)
def test_a_mistake_leaves_no_empty_folders(arguments, folder):
    before = sorted(folder.iterdir())
    assert main(arguments) == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("verb", ["reconstruct", "complete", "colocalisation", "cell-cycle"])
@pytest.mark.parametrize("output", ["cells", "cells/results"])
def test_results_do_not_go_among_the_cells(verb, output, folder, capsys):
    before = sorted((folder / "cells").rglob("*"))
    assert main([verb, "star.safetensors", "cells", "-o", output]) == 1
    assert "where cells are read from" in capsys.readouterr().err
    assert sorted((folder / "cells").rglob("*")) == before


def test_interpolate_films_new_cells_or_given_latents(folder, capsys):
    assert (
        main(["interpolate", "star.safetensors", "-n", "3", "--seed", "1", "--frames", "5", "-o", "way", "--json"]) == 0
    )
    printed = json.loads(capsys.readouterr().out)
    assert (printed["frames"], printed["keys"]) == (5, [0, 2, 4])
    for name in ("film.gif", "film.mp4", "frames.tif", "measurements.csv", "frames.png"):
        assert (folder / "way" / name).stat().st_size
    kept = np.load(folder / "way" / "latents.npy")
    arguments = ["interpolate", "star.safetensors", "--latents", "way/latents.npy", "--rows", "4", "0"]
    assert main([*arguments, "--frames", "4", "--loop", "-o", "back"]) == 0
    way = np.load(folder / "back" / "latents.npy")
    np.testing.assert_allclose(way[[0, 2]], kept[[4, 0]], atol=1e-5)


def test_cell_cycle_films_stages_of_real_cells(folder, capsys):
    arguments = [
        "cell-cycle",
        "star.safetensors",
        "cells",
        "--stages",
        "3",
        "--frames",
        "5",
        "--steps",
        "3",
        "-o",
        "out",
    ]
    arguments += ["--device", "cpu", "--order-by", "mean_green"]
    assert main([*arguments, "--json"]) == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert [stage["frame"] for stage in stages] == [0, 2, 4]
    assert stages[0]["mean_green"] < stages[2]["mean_green"]
    assert (folder / "out" / "film.mp4").is_file()
    assert (folder / "out" / "stages" / "cells.csv").is_file()
    assert main(arguments) == 0
    assert "3 stages by mean_green" in capsys.readouterr().out


def test_colocalisation_prints_and_writes_a_folder(folder, capsys):
    arguments = ["colocalisation", "star.safetensors", "cells", "--draws", "2", "--steps", "3", "--device", "cpu"]
    assert main([*arguments, "-o", "overlap", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert len(printed["pairs"]) == 6
    assert printed["complete"] is True
    assert "were never seen together" in printed["assumption"]
    assert (folder / "overlap" / "colocalisation.csv").is_file()
    assert main(arguments) == 0
    assert "Overlap of 3 proteins in 18 cells" in capsys.readouterr().out
