import json

import numpy as np
import pytest

from napari_biogans.cells import write_cells
from napari_biogans.cli import main


@pytest.fixture
def folder(tmp_path, star, drawn, monkeypatch):
    star.save(tmp_path / "star.safetensors")
    write_cells(drawn[0], tmp_path / "cells")
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
    arguments = ["complete", "star.safetensors", "cells", "--draws", "2", "-o", "all", *SMALL]
    assert main([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["cells"]
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
    ],
)
def test_mistakes_get_a_message_and_a_code(arguments, code, message, folder, capsys):
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
