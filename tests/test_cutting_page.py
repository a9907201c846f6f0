"""What docs/cutting.md says is so: its code and its command run, what it names exists."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_biogans
from napari_biogans.cells import CutConfig, SegmentationConfig, simulate_field
from napari_biogans.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "cutting.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two fields."""
    (tmp_path / "raw").mkdir()
    for k in range(2):
        field = simulate_field(20, shape=(500, 600), seed=k).field
        tifffile.imwrite(tmp_path / "raw" / f"red-{k}.tif", field.red)
        tifffile.imwrite(tmp_path / "raw" / f"green-{k}.tif", field.green)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_code_and_the_command_run(folder):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(block, names)
    assert len(names["cells"]) == len(names["cut"].cells) > 10
    assert names["outlines"].shape == (len(names["kept"]), 4, 2)
    assert names["red"].shape == (500, 600)
    assert names["same"].shape == (2, 500, 600)
    (command,) = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    assert main(shlex.split(command)[1:]) == 0
    by_command = napari_biogans.read_cells("cells-2")
    assert all(np.array_equal(a, b) for a, b in zip(by_command.images, names["cells"].images, strict=True))


def test_every_setting_that_it_names_is_one_and_the_defaults_are_those():
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| ([^|]*) \|$", PAGE.partition("| reason |")[2], re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert {"min_area", "min_solidity", "max_outside"} <= named
    cut, found = CutConfig(), SegmentationConfig()
    assert all(hasattr(cut, name) or hasattr(found, name) for name in named)
    assert f"fills less than {cut.min_solidity:g} of its" in PAGE
    assert cut.max_outside == 0.1
    assert f"squares of {found.background} pixels" in PAGE
    assert f"overlap by {found.overlap} pixels" in PAGE
    assert f"The ring is {found.ring} pixels wide" in PAGE
    assert found.split == 0.1
    assert f"percentiles {cut.low_percentile:g} and {cut.high_percentile:g} come back" in " ".join(PAGE.split())
    assert "`low_percentile=0, high_percentile=100` to keep everything" in PAGE
    CutConfig(normalisation="set", low_percentile=0, high_percentile=100)


def test_every_function_that_it_names_is_public():
    named = set(re.findall(r"biogans\.(\w+)\(", PAGE)) | {"place_in_field", "class_table"}
    assert named <= set(napari_biogans.__all__)
