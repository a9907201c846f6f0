"""Overlap of greens that were never seen together."""

import numpy as np
import pandas as pd
import pytest

from napari_biogans import LatentError, colocalisation
from napari_biogans.latent.colocalisation import ASSUMPTION, SHARED_LATENT, overlap_of
from napari_biogans.latent.complete import Drawing

from .conftest import varied

QUICK = {"draws": 3, "steps": 10, "starts": 1, "device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def overlap(star, drawn):
    return colocalisation(star, drawn[0], **QUICK)


def test_overlap_of_pictures_whose_overlap_is_known():
    inside = np.zeros((4, 10), bool)
    inside[:, :8] = True
    left, middle, flat = np.zeros((3, 4, 10))
    left[:, :4] = 1
    middle[:, 2:6] = 1
    left[:, 8:] = 9  # outside, which does not count
    pearson, manders = overlap_of(np.stack([left, middle, 1 - left, flat]), inside)
    assert pearson[0, 1] == pearson[1, 0] == pytest.approx(0)
    assert pearson[0, 2] == pytest.approx(-1)
    assert manders[0, 1] == manders[1, 0] == pytest.approx(0.5)
    assert manders[0, 2] == 0
    assert np.isnan(pearson[3, :3]).all()
    assert np.isnan(manders[:3, 3]).all()


def test_parts_of_the_light_differ_by_direction():
    inside = np.ones((4, 10), bool)
    small, large = np.zeros((2, 4, 10))
    small[:, :2] = 1
    large[:, :8] = 1
    _, manders = overlap_of(np.stack([small, large]), inside)
    assert (manders[0, 1], manders[1, 0]) == (1, 0.25)


def test_every_pair_in_every_cell_and_draw(overlap, star):
    assert overlap.pearson.shape == overlap.manders.shape == (3, 3, 18, 3)
    np.testing.assert_array_equal(overlap.pearson, overlap.pearson.swapaxes(0, 1))
    assert ((overlap.manders >= 0) & (overlap.manders <= 1)).all()
    table = overlap.to_frame()
    assert list(zip(table["a"], table["b"], strict=True)) == [
        (a, b) for a in star.class_names for b in star.class_names if a != b
    ]
    row = table.iloc[0]
    assert row["pearson"] == pytest.approx(overlap.pearson[0, 1].mean())
    assert row["pearson_over_draws"] == pytest.approx(overlap.pearson[0, 1].std(axis=1, ddof=1).mean())
    assert row["pearson_over_cells"] == pytest.approx(overlap.pearson[0, 1].mean(axis=1).std(ddof=1))


def test_greens_are_drawn_independently_where_the_model_can(overlap, drawn):
    assert overlap.assumption == ASSUMPTION
    assert str(overlap).endswith(ASSUMPTION)
    shared = colocalisation(varied("multi-channel-separable", classes=3), drawn[0], **QUICK)
    assert shared.assumption == SHARED_LATENT


def test_the_same_seed_gives_the_same(overlap, star, drawn):
    again, other = (colocalisation(star, drawn[0], seed=seed, **QUICK) for seed in (0, 1))
    np.testing.assert_array_equal(overlap.pearson, again.pearson)
    assert (overlap.pearson[0, 1] != other.pearson[0, 1]).any()


@pytest.mark.parametrize(
    ("architecture", "classes", "arguments", "says"),
    [
        ("joint-separable", 1, {}, "two classes or more"),
        ("independent-separable", 3, {}, "whose classes share red"),
        ("star-shaped", 3, {"draws": 1}, "At least two draws"),
    ],
)
def test_what_makes_no_sense_is_refused(drawn, architecture, classes, arguments, says):
    with pytest.raises(LatentError, match=says):
        colocalisation(varied(architecture, classes), drawn[0], progress=False, **arguments)


def test_comparing_can_be_stopped_and_keeps_the_cells_that_are_done(overlap, star, drawn):
    seen = []
    stopped = colocalisation(star, drawn[0], should_stop=lambda: Drawing(2, 18) in seen, on_event=seen.append, **QUICK)
    assert not stopped.is_complete
    assert "2 cells" in str(stopped)
    np.testing.assert_array_equal(stopped.pearson, overlap.pearson[:, :, :2])


def test_table_and_figure(overlap, tmp_path):
    paths = overlap.save(tmp_path / "overlap")
    assert all(path.stat().st_size for path in paths)
    assert len(pd.read_csv(paths[0])) == 6
    pearson, manders = overlap.plot().axes[:2]
    assert len(pearson.texts) == len(manders.texts) == 6
    assert pearson.images[0].norm.vmin == -1
    assert [text.get_text() for text in pearson.get_yticklabels()] == list(overlap.class_names)
