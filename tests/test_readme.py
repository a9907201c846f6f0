"""What the README tells people to type works."""

import os
import re
import shlex
from pathlib import Path

import matplotlib
import pytest

from napari_biogans.cells import simulate_cells, write_cells
from napari_biogans.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def code_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def folder_with_cells(tmp_path, monkeypatch):
    write_cells(
        simulate_cells(20, size=(24, 40), classes=["nucleus", "tips"], all_greens=False).cells, tmp_path / "cells"
    )
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    return tmp_path


def test_the_python_tour_runs(folder_with_cells):
    names = {}
    small = {"steps=2000, width=16": "steps=2, width=2, batch_size=4", "splits=10": "splits=2, steps=2, width=2"}
    small |= {"steps=150": "steps=5", "frames=120": "frames=9, stages=3"}
    for code in code_blocks("python"):
        assert any(text in code for text in small)
        for text, smaller in small.items():
            code = code.replace(text, smaller)
        exec(code, names)
    assert names["images"].shape == (1, 64, 2, 24, 40)
    greens = names["greens"][0]
    assert greens.shape == (8, 2, 24, 40)
    assert (greens[:, 0] == greens[0, 0]).all()
    assert (names["same_red"][:, :, 0] == names["same_red"][0, :, 0]).all()
    assert (names["one_class"][0] == names["same_red"][0]).all()
    assert names["score"].rows == ("nucleus", "tips", "all classes")
    assert (folder_with_cells / "runs" / "star" / "c2st" / "report.md").is_file()
    assert len(names["rebuilt"]) == len(names["test_cells"])
    assert (folder_with_cells / "runs" / "star" / "rebuilt" / "cells.csv").is_file()
    assert (folder_with_cells / "runs" / "star" / "cycle" / "film.mp4").is_file()
    assert names["whole"].mean.shape[:2] == (2, len(names["test_cells"]))


def test_the_command_line_tour_runs(folder_with_cells):
    (block,) = [block for block in code_blocks("sh") if "napari-biogans train" in block]
    commands = [shlex.split(line)[1:] for line in block.splitlines() if line]
    verbs = ["train", "generate", "c2st-model", "reconstruct", "complete", "cell-cycle"]
    assert [command[0] for command in commands] == verbs
    assert main([*commands[0], "--steps", "2", "--width", "2", "--batch-size", "4"]) == 0
    assert main(commands[1]) == 0
    assert list((folder_with_cells / "generated").glob("*.tif"))
    (folder_with_cells / "cells").rename("test-cells")
    assert main([*commands[2], "--steps", "2", "--width", "2"]) == 0
    assert (folder_with_cells / "runs" / "first" / "c2st" / "report.md").is_file()
    assert main([*commands[3], "--steps", "3"]) == 0
    assert (folder_with_cells / "runs" / "first" / "rebuilt" / "reconstructions.png").is_file()
    star = [
        "--architecture",
        "star-shaped",
        "--output",
        "runs/star",
        "--steps",
        "1",
        "--width",
        "2",
        "--batch-size",
        "4",
    ]
    assert main(["train", "test-cells", *star]) == 0
    assert main([*commands[4], "--steps", "3", "--draws", "2"]) == 0
    assert (folder_with_cells / "runs" / "star" / "whole" / "completions.png").is_file()
    assert main([*commands[5], "--steps", "3"]) == 0
    assert (folder_with_cells / "runs" / "star" / "cycle" / "film.gif").is_file()


def test_links_and_pictures_are_there():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert "docs/images/train.png" in targets
    missing = [target for target in targets if "://" not in target and not (ROOT / target).exists()]
    assert not missing


def test_the_make_targets_that_it_names_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in README
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
