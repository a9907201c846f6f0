"""The verbs that test how far cells are apart."""

import json
import signal
import subprocess
import sys
import time

import pytest

from napari_biogans.cells import simulate_cells, write_cells
from napari_biogans.cli import main
from napari_biogans.training import train

SMALL = ["--splits", "2", "--steps", "2", "--width", "2", "--batch-size", "4", "--device", "cpu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Cells of two classes, and a star-shaped run on them with two checkpoints."""
    path = tmp_path_factory.mktemp("scoring")
    cells = simulate_cells(12, classes=["nucleus", "tips"], size=(24, 40), all_greens=False).cells
    write_cells(cells, path / "cells")
    settings = {"steps": 2, "checkpoint_every": 1, "width": 2, "latent_size": 8, "batch_size": 4, "device": "cpu"}
    train(cells, path / "run", architecture="star-shaped", progress=False, **settings)
    return path


@pytest.fixture(autouse=True)
def own_store(monkeypatch, tmp_path):
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("arguments", "rows", "columns"),
    [
        (["c2st", "run", "cells"], 3, 2),
        (["c2st", "cells", "cells", "--no-band"], 3, 1),
        (["c2st-matrix", "cells"], 2, 2),
        (["c2st-model", "run", "cells", "--also", "run/model.safetensors"], 3, 3),
        (["c2st-run", "run", "cells"], 3, 3),
        (["c2st-run", "run", "cells", "--steps-of-run", "2", "--no-band"], 1, 3),
    ],
)
def test_each_verb_prints_its_table(arguments, rows, columns, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main([*arguments, *SMALL, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (len(printed["rows"]), len(printed["columns"])) == (rows, columns)
    assert len(printed["tests"]) == rows * columns
    assert printed["settings"]["splits"] == 2
    assert printed["complete"] is True


def test_output_gets_table_figures_and_report_with_settings_and_versions(folder, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(folder)
    out = tmp_path / "out"
    assert main(["c2st-model", "run", "cells", *SMALL, "--seed", "7", "--output", str(out)]) == 0
    captured = capsys.readouterr()
    assert "C2ST of run against 24 cells" in captured.out
    assert "report.md" in captured.err
    report = (out / "report.md").read_text()
    assert "| seed | 7 |" in report
    assert "| torch |" in report
    assert {path.name for path in out.iterdir()} >= {
        "table.csv",
        "splits.csv",
        "result.json",
        "figures",
        "diversity.csv",
    }


def test_a_preset_fills_what_is_not_given(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    arguments = ["c2st-matrix", "cells", "--preset", "quick", "--steps", "2", "--json"]
    assert main(arguments) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert (settings["splits"], settings["width"], settings["steps"]) == (3, 8, 2)
    assert main([*arguments[:2], "--preset", "paper", *SMALL, "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert (settings["protocol"], settings["learning_rate"], settings["width"]) == ("paper", 1e-4, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["c2st", "cells"], 2, "--b"),
        (["c2st", "cells", "nowhere"], 1, "nowhere"),
        (["c2st", "cells", "cells", "--splits", "0"], 2, "splits: Input should be greater than or equal to 1"),
        (["c2st-model", "cells", "cells"], 1, "not a model"),
        (["c2st-run", "cells", "cells"], 1, "no run in this folder"),
        (["c2st-run", "run", "cells", "--steps-of-run", "9"], 1, "there are 1, 2"),
        (["c2st", "cells", "cells", "--preset", "small"], 2, "small"),
        (["c2st", "cells", "cells", "--device", "cuda:99"], 1, "not available"),
        (["c2st", "cells", "cells", "--output", "run/config.json"], 1, "Choose another folder"),
    ],
)
def test_mistakes_get_a_message_and_a_code(arguments, code, message, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert not captured.out


@pytest.mark.parametrize("verb", ["c2st", "c2st-matrix", "c2st-model", "c2st-run"])
def test_help_names_the_settings(verb, capsys):
    assert main([verb, "--help"]) == 0
    told = capsys.readouterr().out
    for flag in ("--splits", "--protocol", "--preset", "--scheduler", "--json", "--output"):
        assert flag in told


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C of another process is not sent so there")
def test_ctrl_c_keeps_what_is_done_and_says_so(folder, tmp_path):
    store = tmp_path / "store"
    command = [sys.executable, "-m", "napari_biogans.cli", "c2st-matrix", str(folder / "cells"), "--store", str(store)]
    command += ["--splits", "50", "--steps", "40", "--width", "4", "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(list(store.rglob("*.npz"))) < 2 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "C2ST of every class" in out
    assert "the same command goes on" in err
    assert "Traceback" not in err
