"""Real cells by the stage of their cycle, and the way between them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from napari_biogans import CellSet, LatentError, cell_cycle, simulate_cells
from napari_biogans.cells.neighbours import flipped
from napari_biogans.models import Model

from .conftest import SIZE, varied


@pytest.fixture(scope="module")
def cells():
    return simulate_cells(60, classes=["nucleus", "tips"], size=SIZE, seed=3, all_greens=False).cells


@pytest.fixture(scope="module")
def star():
    model = varied("star-shaped", classes=2)
    return Model(replace(model.header, class_names=("nucleus", "tips")), model.networks)


@pytest.fixture(scope="module")
def cycle(star, cells):
    return cell_cycle(star, cells, stages=5, frames=21, steps=10, device="cpu", progress=False)


def test_stages_are_real_cells_at_equal_steps_of_length(cycle, cells):
    lengths = np.concatenate([table["length"] for table in cells.features])
    np.testing.assert_allclose(cycle.values, np.linspace(*np.quantile(lengths, [0.02, 0.98]), 5), atol=0.5)
    assert (np.diff(cycle.values) > 0).all()
    table = cycle.to_frame()
    assert table["stage"].tolist() == [0, 1, 2, 3, 4]
    assert table["frame"].tolist() == [0, 5, 10, 15, 20] == cycle.way.keys.tolist()
    for stage, target in enumerate(cycle.stages.targets):
        of_class, index = cells.class_names.index(cycle.stages.class_names[stage]), table["index"][stage]
        assert any((flipped(cells.images[of_class][index], code) == target).all() for code in range(4))
        assert cells.features[of_class]["length"][index] == cycle.values[stage]


def test_cells_of_following_stages_lie_in_the_same_way(cycle):
    reds = cycle.stages.targets[:, 0].astype(float)
    reds /= reds.max(axis=(1, 2), keepdims=True)
    for before, after in pairwise(reds):
        distances = [np.square(before - flipped(after, code)).sum() for code in range(4)]
        # They are flipped by the first of the four of either stage, of which this may be another.
        assert distances[0] < 1.1 * min(distances)


def test_classes_that_share_red_get_one_green_latent(cycle, star):
    size = star.red_latent_size
    assert cycle.stages.config.mode == "red-only"
    keys = cycle.way.latents[cycle.way.keys]
    np.testing.assert_allclose(keys[:, :size], cycle.stages.latents[:, :size], atol=1e-5)
    np.testing.assert_allclose(keys[:, size:], np.tile(star.draw_latents(1, seed=0)[0, size:], (5, 1)), atol=1e-5)


def test_other_models_match_green_as_well(cells):
    cycle = cell_cycle(varied("joint"), cells, stages=3, frames=5, steps=10, device="cpu", progress=False)
    assert cycle.stages.config.mode == "full"
    np.testing.assert_allclose(cycle.way.latents[cycle.way.keys], cycle.stages.latents, atol=1e-5)


def test_features_that_are_missing_are_measured(star, cells):
    bare = CellSet(cells.images, cells.class_names, pixel_size=cells.pixel_size)
    settings = {"stages": 3, "frames": 3, "steps": 2, "device": "cpu", "progress": False}
    for order_by in ("length", "area", "mean_green"):
        cycle = cell_cycle(star, bare, order_by=order_by, **settings)
        assert (np.diff(cycle.values) > 0).all()
        assert order_by in cycle.to_frame()
    lengths = [cell_cycle(star, some, **settings).values for some in (bare, cells)]
    np.testing.assert_allclose(*lengths, atol=1.5)


def test_cells_without_a_number_are_left_out(star, cells):
    features = [table.assign(age=np.where(table.index < 5, table["length"], np.nan)) for table in cells.features]
    with_age = CellSet(cells.images, cells.class_names, features=features)
    cycle = cell_cycle(star, with_age, order_by="age", stages=4, frames=4, steps=2, device="cpu", progress=False)
    assert (cycle.to_frame()["index"] < 5).all()
    with pytest.raises(LatentError, match="Only 10 cells have a number"):
        cell_cycle(star, with_age, order_by="age", stages=11, progress=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"stages": 1}, "at least 2 stages"),
        ({"stages": 121}, "as many cells as stages"),
        ({"stages": 5, "frames": 4}, "5 frames at least"),
        ({"order_by": "mood"}, "no feature 'mood'; order them by .*length.*mean_green"),
        ({"order_by": "source"}, "no numbers"),
        ({"steps": 0}, "steps"),
        ({"way": "winding"}, "spherical or linear, not 'winding'"),
    ],
)
def test_what_makes_no_sense_is_refused(star, cells, arguments, says):
    events = []
    with pytest.raises(LatentError, match=says):
        cell_cycle(star, cells, progress=False, on_event=events.append, **arguments)
    assert not events, "it is refused after a search"


def test_a_folder_gets_the_way_the_stages_and_a_figure(cycle, tmp_path):
    paths = cycle.save(tmp_path / "cycle")
    assert all(path.stat().st_size for path in paths)
    names = {str(path.relative_to(tmp_path / "cycle")) for path in paths}
    assert {"film.gif", "film.mp4", "frames.tif", "cell-cycle.png", "stages/cells.csv"} <= names
    assert len(pd.read_csv(tmp_path / "cycle" / "stages" / "cells.csv")) == 5
    above = cycle.plot().subfigs[0].axes[0]
    assert [text.get_text() for text in above.get_yticklabels()] == ["real", "nucleus", "tips"]
    assert [text.get_text() for text in above.get_xticklabels()] == [f"{value:.3g}" for value in cycle.values]
    assert str(cycle).startswith("5 stages by length, from ")
