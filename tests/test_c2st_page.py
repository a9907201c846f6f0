"""What docs/c2st.md says is so: its code and its commands run, and its presets are those that there are."""

import re
import shlex
from pathlib import Path

import pytest

from napari_biogans.cells import simulate_cells, write_cells
from napari_biogans.cli import main
from napari_biogans.evaluation import C2STConfig
from napari_biogans.evaluation.settings import C2ST_PRESETS
from napari_biogans.training import train

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "c2st.md").read_text(encoding="utf-8")
SMALL = ["--splits", "2", "--steps", "2", "--width", "2"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with all that the page names, but smaller."""
    cells = simulate_cells(20, size=(24, 40), classes=["nucleus", "tips"], all_greens=False).cells
    write_cells(cells, tmp_path / "cells")
    write_cells(cells, tmp_path / "test-cells")
    settings = {"steps": 1, "width": 2, "latent_size": 8, "batch_size": 4, "device": "cpu"}
    train(cells, tmp_path / "runs" / "star", architecture="star-shaped", progress=False, **settings)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_python_code_runs(folder):
    names = {}
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(block.replace("splits=10", "splits=2, steps=2, width=2, batch_size=4"), names)
    assert names["result"].rows == ("nucleus", "tips", "all classes")
    assert names["table"].rows == names["table"].columns == ("nucleus", "tips")
    assert names["course"].rows[0] == "1"
    assert names["models"].columns[0] == "star"
    for name in ("score.png", "telling.png", "report/report.md"):
        assert (folder / name).is_file()


def test_the_commands_run(folder):
    block = next(block for block in re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL) if "c2st-run" in block)
    commands = [shlex.split(line)[1:] for line in block.splitlines()]
    assert len(commands) == 4
    for command in commands:
        assert main([*command, *SMALL]) == 0
    assert (folder / "matrix" / "report.md").is_file()
    assert (folder / "score" / "report.md").is_file()


def test_links_and_pictures_are_there():
    targets = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert "images/c2st_power.png" in targets
    assert not [target for target in targets if "://" not in target and not (DOCS / target).is_file()]


def test_the_numbers_of_the_presets_are_theirs():
    said = " ".join(PAGE.split())
    quick, standard = C2STConfig(**C2ST_PRESETS["quick"].settings), C2STConfig()
    for name, config in (("`quick`", quick), ("`standard`", standard)):
        numbers = f"{config.splits} splits, width {config.resolved_width}, {config.resolved_steps} steps"
        assert re.search(rf"{name}[^;]*\({numbers}\)", said)
