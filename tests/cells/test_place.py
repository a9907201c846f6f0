"""A cell that is put back into its field lies on itself."""

import numpy as np
import pandas as pd
import pytest

from napari_biogans.cells import CellsError, cut_cells, place_in_field, simulate_field
from napari_biogans.cells.place import iterate_placing

# Noise of single pixels is smoothed by any resampling; here there is little of it.
FIELD = simulate_field(50, shape=(800, 1000), noise=0.2, seed=7)


def correlations(before, after, labels, names, margin=2):
    """Correlate two pictures within each cell, some pixels from its outline."""
    from scipy import ndimage

    found = []
    for label in names:
        inside = ndimage.binary_erosion(labels == label, iterations=margin)
        assert inside.sum() > 50
        for one, other in zip(before, after, strict=True):
            found.append(np.corrcoef(one[inside].astype(float), other[inside].astype(float))[0, 1])
    return np.array(found)


@pytest.mark.parametrize("magnification", [1.0, 1.3])
@pytest.mark.parametrize("normalisation", ["none", "field"])
@pytest.mark.parametrize("with_labels", [True, False])
@pytest.mark.parametrize("facing", ["least-turn", "brighter-right"])
def test_cells_lie_on_themselves(magnification, normalisation, with_labels, facing):
    field = FIELD.field
    size = {"height": 48, "width": 96} if magnification == 1 else {"height": 64, "width": 128}
    ends = {"low_percentile": 0, "high_percentile": 100}
    result = cut_cells(
        field, magnification=magnification, normalisation=normalisation, facing=facing, progress=False, **ends, **size
    )
    features, labels = result.cells.features[0], result.found.labels[0]
    placed = place_in_field(result.cells.images[0], features, shape=field.shape, labels=labels if with_labels else None)
    assert placed.dtype == np.uint8
    found = correlations((field.red, field.green), placed, labels, features["label"])
    assert len(found) > 40
    assert np.median(found) > 0.995
    assert (found > 0.99).mean() > (0.95 if with_labels else 0.85)
    difference = placed[0].astype(float) - field.red
    inside = np.isin(labels, features["label"])
    assert np.abs(difference[inside]).mean() < 3
    # Where there is no cell, there is nothing.
    assert (placed[:, ~(placed.any(axis=0))] == 0).all()
    assert (placed[0] > 0).mean() < 2.5 * inside.mean()


@pytest.mark.parametrize("normalisation", ["field", "set"])
def test_only_what_was_clipped_does_not_come_back(normalisation):
    field = FIELD.field

    def put_back(**ends):
        result = cut_cells(
            field, magnification=1.3, height=64, width=128, normalisation=normalisation, progress=False, **ends
        )
        features, labels = result.cells.features[0], result.found.labels[0]
        placed = place_in_field(result.cells.images[0], features, shape=field.shape, labels=labels)
        return placed, correlations((field.red, field.green), placed, labels, features["label"])

    whole, found = put_back(low_percentile=0, high_percentile=100)
    assert found.min() > 0.999
    clipped, found_clipped = put_back()
    assert 0.8 < found_clipped.min() < 0.9
    for before, one, other in zip((field.red, field.green), clipped, whole, strict=True):
        assert one.max() == pytest.approx(np.percentile(before, 99.9), abs=5)  # splines swing over
        assert other.max() > int(one.max()) + 20


def test_around_the_cells_the_field_stays(tmp_path):
    field = FIELD.field
    result = cut_cells(field, progress=False)
    features, labels = result.cells.features[0], result.found.labels[0]
    blank = np.zeros_like(result.cells.images[0])
    placed = place_in_field(blank, features, field, labels=labels, margin=0, softness=0)
    gone = np.isin(labels, features["label"])
    assert (placed[0][gone] == 0).all()
    assert np.array_equal(placed[0][~gone], field.red[~gone])
    assert np.array_equal(placed[1][~gone], field.green[~gone])
    assert field.red[gone].min() > 0  # and the field itself is as it was


def test_a_window_and_a_file_hold_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_biogans.cells.place.TILE", 150)
    field = FIELD.field
    result = cut_cells(field, progress=False)
    features, images = result.cells.features[0], result.cells.images[0]
    monkeypatch.setattr("napari_biogans.cells.place.TILE", 5000)
    whole = place_in_field(images, features, (field.red, field.green))
    monkeypatch.setattr("napari_biogans.cells.place.TILE", 150)
    tiled = place_in_field(images, features, (field.red, field.green))
    assert np.abs(tiled.astype(int) - whole).max() <= 1
    window = slice(200, 500), slice(321, 700)
    part = place_in_field(images, features, (field.red, field.green), window=window)
    assert np.abs(part.astype(int) - whole[:, *window]).max() <= 1
    kept = np.lib.format.open_memmap(tmp_path / "out.npy", mode="w+", dtype=np.uint8, shape=whole.shape)
    place_in_field(images, features, (field.red, field.green), out=kept)
    assert np.array_equal(kept, tiled)


def test_whole_images_and_further_channels():
    field = FIELD.field
    result = cut_cells(field, progress=False)
    features = result.cells.features[0].iloc[:1]
    images = np.full((1, 3, 48, 80), 90, np.uint16)
    placed = place_in_field(images, features, shape=field.shape, part="image")
    assert placed.shape == (3, *field.shape)
    assert placed.dtype == np.uint16
    assert placed.max() == 90
    # As many pixels as the image has, but for its faded edges.
    assert (placed[2] > 0).sum() == pytest.approx(48 * 80, rel=0.05)
    centre = features.iloc[0]
    rows, columns = np.nonzero(placed[0])
    assert (rows.mean(), columns.mean()) == pytest.approx((centre["y"], centre["x"]), abs=0.2)


def test_greens_alone_get_the_brightness_of_green():
    field = FIELD.field
    result = cut_cells(field, normalisation="field", progress=False)
    features, images = result.cells.features[0], result.cells.images[0]
    both = place_in_field(images, features, shape=field.shape)
    greens = place_in_field(images[:, [1, 1]], features, shape=field.shape, channels=(1, 1))
    assert np.array_equal(greens, both[[1, 1]])


def test_what_is_done_when_it_is_stopped_is_there(monkeypatch):
    monkeypatch.setattr("napari_biogans.cells.place.TILE", 400)
    field = FIELD.field
    result = cut_cells(field, progress=False)
    placing = iterate_placing(
        result.cells.images[0], result.cells.features[0], field, should_stop=lambda: len(told) > 1
    )
    told = []
    while True:
        try:
            told.append(next(placing))
        except StopIteration as end:
            placed = end.value
            break
    assert told == pytest.approx([1 / 6, 2 / 6])
    assert placed[0, :400, :800].all()
    assert not placed[:, 400:].any()


def test_overlapping_cells_do_not_depend_on_their_order():
    features = pd.DataFrame({"y": [50.0, 60.0], "x": [50.0, 70.0], "angle": [0.0, 40.0], "scale": [1.0, 1.0]})
    images = np.stack([np.full((2, 48, 80), 50, np.float32), np.full((2, 48, 80), 150, np.float32)])
    one = place_in_field(images, features, shape=(120, 140), part="image")
    other = place_in_field(images[::-1], features.iloc[::-1], shape=(120, 140), part="image")
    assert np.allclose(one, other, atol=1e-3)
    assert one[0, 50, 50] == pytest.approx(50, abs=5)
    assert one[0, 60, 70] == pytest.approx(150, abs=5)


def test_what_makes_no_sense_is_refused():
    features = pd.DataFrame({"y": [50.0], "x": [50.0], "angle": [0.0], "scale": [1.0]})
    images = np.zeros((1, 2, 48, 80), np.uint8)
    plane = np.zeros((100, 100), np.uint8)
    for arguments, message in (
        ((images[0], features), "of shape"),
        ((images, features.iloc[:0]), "one row per image"),
        ((images, features.drop(columns="angle")), "lack angle"),
        ((images, features.assign(y=np.nan)), "not known"),
        ((np.repeat(images, 2, 0), pd.concat([features.assign(field=k) for k in "ab"])), "several fields"),
        ((images, features, (plane,)), "2 channels"),
        ((images, features), "or the shape"),
    ):
        with pytest.raises(CellsError, match=message):
            place_in_field(*arguments)
    for shape in ((-3, 5), (0, 4), (3,), (4.5, 3), (3, 4, 5)):
        with pytest.raises(CellsError, match=r"\(height, width\), of at least one pixel each, not \("):
            place_in_field(images, features, shape=shape)
    for side in (10**7, 10**11):
        with pytest.raises(CellsError, match=r"would take [\d,]+\.0 GB, .* `window`, .* `out`"):
            place_in_field(images, features, shape=(side, side))
    assert place_in_field(images, features, shape=(10**7,) * 2, window=(slice(0, 90), slice(0, 80))).shape[1:] == (
        90,
        80,
    )
    for settings, message in (
        ({"labels": np.zeros((3, 3), int)}, "column 'label'"),
        ({"window": (slice(200, 300), slice(0, 10))}, "no pixel"),
        ({"out": np.zeros((2, 5, 5))}, "`out` is"),
        ({"part": "half"}, "'cell' or 'image'"),
        ({"margin": -1}, "margin: .* greater than or equal to 0"),
        ({"channels": (0, 1, 1)}, "each of 2 channels"),
    ):
        with pytest.raises(CellsError, match=message):
            place_in_field(images, features, (plane, plane), **settings)
