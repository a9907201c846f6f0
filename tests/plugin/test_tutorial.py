"""The tutorial of docs/tutorial.md in a real viewer, by menus, mouse and keys: from raw fields to doses of a cell."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from napari_biogans import load_model, read_cells
from napari_biogans.plugin.cell_features import features_of, fields_of

HOUSE = Path(__file__).parents[2]
PAGE = (HOUSE / "docs" / "tutorial.md").read_text(encoding="utf-8")
DOSES = ("dose 00", "dose 05", "dose 09")
SMALL = {"Steps": 100_000, "Width": 2, "Batch size": 4, "Critic steps": 1, "Sample every": 1}


@pytest.fixture
def pictures():
    return []


@pytest.fixture
def tutorial(viewer, pictures):
    spec = importlib.util.spec_from_file_location("tutorial", HOUSE / "tools" / "tutorial.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Tutorial(viewer, pictures.append)


def test_the_whole_way(tutorial, viewer, simulated_bbbc013, pictures, fresh_session, tmp_path, notes):
    layers = viewer.layers
    tutorial.open_fields()
    assert layers["BBBC013 DNA"].data.shape == (6, 400, 400)

    panel = tutorial.find_cells(1.3)
    (outlines,) = [layer for layer in layers if layer.name.startswith("found in")]
    kept = int((outlines.features["decision"] == "kept").sum())
    assert f"{kept:,} cells kept" in panel.counts.text()
    tutorial.cut_cells(panel, tmp_path / "cells")
    cells = read_cells(tmp_path / "cells")
    assert len(cells) == kept > 20
    assert cells.class_names == DOSES
    for name, images, features in zip(DOSES, cells.images, cells.features, strict=True):
        np.testing.assert_array_equal(layers[f"{name} red"].data, images[:, 0])
        np.testing.assert_array_equal(layers[f"{name} green"].data, images[:, 1])
        assert list(features_of(layers[f"{name} red"])["label"]) == list(features["label"])
        assert set(features["scale"]) == {1.3}
        assert set(fields_of(layers[f"{name} red"])) == set(features["field"])

    for colour in ("red", "green"):
        assert len({tuple(layers[f"{name} {colour}"].contrast_limits) for name in DOSES}) == 1, "doses can be compared"

    tutorial.train(tmp_path / "run", len(DOSES), seconds=0, **SMALL)
    model = load_model(tmp_path / "run")
    assert (model.architecture.name, model.class_names) == ("star-shaped", DOSES)
    assert fresh_session.runs == (tmp_path / "run",)

    tutorial.draw()
    sheet = layers["red"]
    assert sheet.metadata["biogans"]["model"] == str(tmp_path / "run")

    panel = tutorial.every_class(3)
    means = [layers[f"{name} mean"] for name in DOSES]
    assert tuple(means[0].metadata["biogans"]["cells"]) == (3,)
    row = features_of(layers["dose 00 red"]).iloc[[3]].reset_index(drop=True)
    assert all(features_of(mean).equals(row) for mean in means)

    tutorial.put_back(panel)
    put = [layers[f"{row.field[0]} {name} mean"] for name in DOSES]
    assert [layer.visible for layer in put] == [True, False, False]
    field = layers["BBBC013 FKHR-GFP"]
    well = viewer.dims.current_step[0]
    assert field.metadata["biogans"]["wells"][well] == row.field[0]
    differs = np.abs(put[0].data[0].astype(int) - field.data[well]) > 0
    # What has changed is the cell, and stands where the cell was.
    assert np.hypot(*(np.argwhere(differs).mean(axis=0) - row[["y", "x"]].to_numpy(float)[0])) < 12
    assert 0 < differs.sum() < 3000
    assert not [told for told in notes if told[0] == "error"]
    named = [line.partition("images/tutorial/")[2].partition(".png")[0] for line in PAGE.splitlines() if "![" in line]
    assert named == pictures
