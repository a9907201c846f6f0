"""Cells come out of fields where they are, turned as they lie, and every number about them is right."""

import re
from dataclasses import replace

import dask.array
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from scipy.spatial import KDTree

from napari_biogans.cells import (
    CellsError,
    CellsWarning,
    CutConfig,
    CuttingStoppedError,
    Field,
    SegmentationConfig,
    crop_corners,
    cut_cells,
    iterate_cutting,
    iterate_finding,
    read_cells,
    segment_field,
    simulate_field,
)


def result_of(events):
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as end:
            return end.value, seen


def half_turn_apart(first, second):
    """Degrees between two axes, which have no direction."""
    return np.abs((np.asarray(first) - np.asarray(second) + 90) % 180 - 90)


@pytest.fixture(scope="module")
def simulated():
    return simulate_field(60, shape=(900, 1100), seed=3)


@pytest.fixture(scope="module")
def found(simulated):
    return result_of(iterate_finding([simulated.field]))[0]


@pytest.fixture(scope="module")
def cut(found):
    return result_of(iterate_cutting(found, CutConfig(mask="none")))[0]


def matched(table, truth):
    """Put the true cell beside each found one: the one whose middle is nearest."""
    distances = np.hypot(
        table["y"].to_numpy()[:, None] - truth["y"].to_numpy(), table["x"].to_numpy()[:, None] - truth["x"].to_numpy()
    )
    nearest = distances.argmin(axis=1)
    return truth.iloc[nearest].reset_index(drop=True), distances.min(axis=1)


def test_simulated_cells_are_found_where_they_are(cut, simulated):
    features = cut.cells.features[0]
    assert len(features) >= 0.6 * len(simulated.truth)
    # Cells about to divide have a waist, and may be found as their two daughters.
    features = features[features["length"] * simulated.field.pixel_size > 6.5]
    truth, distances = matched(features, simulated.truth)
    whole = (truth["length"] < 13.5).to_numpy()
    features, truth, distances = features[whole].reset_index(), truth[whole].reset_index(), distances[whole]
    assert len(truth) > 30
    assert not truth["label"].duplicated().any()
    assert np.median(distances) < 1
    assert distances.max() < 4
    assert np.median(half_turn_apart(features["angle"], truth["angle"])) < 1
    assert half_turn_apart(features["angle"], truth["angle"]).max() < 6
    lengths = features["length"] * simulated.field.pixel_size / truth["length"]
    assert lengths.between(0.8, 1.2).all()


def test_those_inside_are_nearly_all_kept(cut, simulated):
    # Whole cells of the truth, that touch no other one.
    truth = simulated.truth
    reach = 16 / 2 / simulated.field.pixel_size
    inside = truth["y"].between(reach, 900 - reach) & truth["x"].between(reach, 1100 - reach)
    grown = ndimage.maximum_filter(simulated.labels, 5)
    alone = [set(np.unique(grown[simulated.labels == label])) == {label} for label in truth["label"]]
    wanted = truth[inside & np.array(alone) & (truth["length"] < 13.5)]
    assert len(wanted) > 15
    _, distances = matched(wanted, cut.cells.features[0])
    assert (distances < 3).mean() >= 0.95


def test_pixels_are_those_of_the_field(simulated):
    """With true labels, unturned and unscaled, a cut is a rectangle of the field."""
    field = simulated.field
    labels = np.zeros(field.shape, int)
    labels[100:120, 200:241] = 7
    image = cut_cells(field, labels, mask="none", min_red=0, min_green=0, progress=False).cells.images[0][0]
    assert image.shape == (2, 48, 80)
    # The middle of the label is between pixels down and on a pixel across; that of the image between them both ways.
    red = field.red[86:134, 180:261].astype(float)
    between = (red[:, :-1] + red[:, 1:]) / 2
    assert np.corrcoef(image[0, 2:-2, 2:-2].ravel(), between[2:-2, 2:-2].ravel())[0, 1] > 0.95
    labels[:] = 0
    labels[100:120, 200:240] = 7
    image = cut_cells(field, labels, mask="none", min_red=0, min_green=0, progress=False).cells.images[0][0]
    assert np.array_equal(image[0], field.red[86:134, 180:260])
    assert np.array_equal(image[1], field.green[86:134, 180:260])


@pytest.mark.parametrize("angle", [-80, -30, 0, 30, 90])
def test_the_long_axis_comes_out_horizontal(angle):
    rows, columns = np.mgrid[:200, :200] - 100
    sine, cosine = np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))
    along, across = columns * cosine + rows * sine, rows * cosine - columns * sine
    # Brighter towards the end at the right of the axis.
    bar = (np.abs(along) < 24.7) & (np.abs(across) < 5.7)
    red = np.where(bar, 100 + 2 * along, 10).astype(np.float32)
    field = Field(red, red, labels=bar.astype(np.uint8))
    for facing, turned in (("least-turn", angle), ("brighter-right", angle)):
        result = cut_cells(field, facing=facing, mask="none", min_green=0, progress=False)
        features = result.cells.features[0].iloc[0]
        image = result.cells.images[0][0, 0]
        if facing == "brighter-right":
            assert abs((features["angle"] - turned + 180) % 360 - 180) < 0.5
            assert image[24, 45:60].mean() > image[24, 20:35].mean() + 30
        else:
            assert half_turn_apart(features["angle"], turned) < 0.5
            assert -90 < features["angle"] <= 90
        is_cell = image > 40
        assert abs(is_cell.any(axis=0).sum() - 50) <= 2
        assert abs(is_cell.any(axis=1).sum() - 12) <= 2


@pytest.mark.parametrize("magnification", [0.5, 1.0, 1.5])
def test_scale_and_pixel_size(simulated, magnification):
    size = {"height": 48, "width": 80} if magnification <= 1 else {"height": 96, "width": 160}
    by_factor = cut_cells(simulated.field, magnification=magnification, progress=False, **size)
    assert by_factor.cells.pixel_size == pytest.approx(0.2 / magnification)
    by_size = cut_cells(simulated.field, pixel_size=0.2 / magnification, progress=False, **size)
    assert all(np.array_equal(a, b) for a, b in zip(by_factor.cells.images, by_size.cells.images, strict=True))
    features = by_factor.cells.features[0]
    assert (features["scale"] == magnification).all()
    assert np.allclose(features["y_um"], features["y"] * 0.2)
    assert np.allclose(features["area_um2"], features["area"] * 0.04)
    # The cell has the width in its image that it has in the field, times the scale.
    for image, width in list(zip(by_factor.cells.images[0], features["width"], strict=True))[:10]:
        middle = image[0, :, size["width"] // 2 - 3 : size["width"] // 2 + 3].mean(axis=1)
        assert (middle > 45).sum() == pytest.approx(width * magnification, abs=2.5 * max(1, magnification) + 1)


def test_neighbours_and_background_are_masked_softly(simulated):
    field = simulated.field
    green = np.full(field.shape, 50, np.uint8)
    labels = np.zeros(field.shape, np.int32)
    labels[300:312, 300:340], labels[316:328, 300:340] = 1, 2
    red = np.full(field.shape, 10, np.uint8)
    red[labels == 1], red[labels == 2] = 100, 200
    green[labels > 0] = 120
    bare = Field(red, green, labels=labels)
    images = {
        mask: cut_cells(bare, mask=mask, margin=2, progress=False).cells.images[0][0]
        for mask in ("none", "neighbours", "background")
    }
    other = (slice(35, 44), slice(25, 55))  # where the second cell lies in the image of the first
    assert images["none"][0][other].min() > 150
    assert images["neighbours"][0][other].max() <= 12
    assert np.abs(images["neighbours"][1][other].astype(int) - 50).max() <= 2
    middle = images["neighbours"][0][20:28, 25:55]
    assert middle.min() >= 98
    assert images["background"][0][20:28, 25:55].min() >= 98
    # The edge of the mask is soft: no step as high as that of the picture without a mask.
    down = images["neighbours"][0][:, 40].astype(int)
    assert np.abs(np.diff(down)).max() <= 91


def reasons(red, green, labels, **settings):
    table = cut_cells(Field(red, green, labels=labels), progress=False, **settings).table
    return dict(zip(table["label"], table["left_out"], strict=True))


def test_every_reason_is_found_and_counted():
    labels = np.zeros((400, 600), np.int32)
    labels[0:12, 100:130] = 1  # at the border
    for k, column in enumerate(range(100, 500, 60)):  # usual cells
        labels[200:212, column : column + 30] = 10 + k
    labels[100:103, 100:105] = 2  # small
    labels[300:350, 60:100] = 3  # large
    labels[100:112, 200:230], labels[102:112, 203:227] = 4, 0  # an arch
    labels[100:112, 300:330] = 5  # dim in green
    labels[100:112, 400:430] = 6  # dim in red
    labels[300:306, 200:270] = 7  # long
    labels[3:15, 300:330] = 8  # near to the border
    rng = np.random.default_rng(0)
    red, green = (rng.integers(8, 13, labels.shape, dtype=np.uint8) for _ in range(2))
    red[(labels > 0) & (labels != 6)] += 100
    green[(labels > 0) & (labels != 5)] += 100
    settings = {"height": 48, "width": 48, "min_solidity": 0.7}
    found = reasons(red, green, labels, **settings)
    assert {label: found[label] for label in range(1, 9)} == {
        1: "touches the border",
        2: "too small",
        3: "too large",
        4: "not convex",
        5: "too dim in green",
        6: "too dim in red",
        7: "does not fit",
        8: "too near to the border",
    }
    assert [found[label] for label in range(10, 17)] == [""] * 7
    result = cut_cells(Field(red, green, labels=labels), progress=False, **settings)
    assert sum(result.left_out.values()) == 8
    assert "touches the border: 1" in str(result)
    assert len(result.cells) == 7
    looser = reasons(red, green, labels, **settings | {"max_outside": 0.5, "min_green": 0, "min_area": 5})
    assert looser[8] == looser[5] == looser[2] == ""


def test_green_around_a_nucleus_counts_unless_it_is_of_a_neighbour():
    red, green = (np.full((200, 420), 10, np.uint8) for _ in range(2))
    labels = np.zeros((200, 420), np.int32)
    rows, columns = np.ogrid[:200, :420]
    for label, column in enumerate((60, 160, 260, 360), start=1):
        nucleus = ((rows - 100) / 10) ** 2 + ((columns - column) / 16) ** 2 < 1
        labels[nucleus], red[nucleus] = label, 90
    around = ((rows - 100) / 20) ** 2 + ((columns - 60) / 26) ** 2 < 1
    green[around & (labels == 0)] = 40  # all around the first
    green[labels == 2] = 60  # within the second
    green[80:120, 279:300] = 250  # beside the third, on one side only; nothing at all of the fourth
    kept = {"magnification": 1, "max_area": 5000}
    assert reasons(red, green, labels, **kept) == {1: "", 2: "", 3: "too dim in green", 4: "too dim in green"}
    assert reasons(red, green, labels, **kept, ring=0)[1] == "too dim in green"
    assert reasons(red, green, labels, **kept, min_green=25)[1] == ""
    assert reasons(red, green, labels, **kept, min_green=35)[1] == "too dim in green"


@pytest.mark.parametrize("change", ["float", "part", "16 bits", "shifted"])
def test_decisions_do_not_depend_on_how_a_picture_is_stored(change):
    rng = np.random.default_rng(1)
    labels = np.zeros((200, 300), np.int32)
    for k, column in enumerate(range(40, 280, 60)):
        labels[90:102, column : column + 24] = k + 1
    # Nearly all of the background has one and the same value.
    red, green = ((rng.random(labels.shape) < 0.02).astype(np.uint8) + 3 for _ in range(2))
    red[labels > 0] += rng.integers(80, 100, np.count_nonzero(labels), np.uint8)
    green += np.array([0, 50, 3, 6, 0], np.uint8)[labels]
    green[labels == 1] += rng.integers(0, 20, np.count_nonzero(labels == 1), np.uint8)
    stored = {
        "float": lambda pixels: pixels.astype(np.float32),
        "part": lambda pixels: pixels.astype(np.float32) / 255,
        "16 bits": lambda pixels: pixels.astype(np.uint16) * 257,
        "shifted": lambda pixels: pixels.astype(np.float64) / 16 - 40,
    }[change]
    plain = reasons(red, green, labels)
    assert plain == {1: "", 2: "too dim in green", 3: "", 4: "too dim in green"}
    assert reasons(stored(red), stored(green), labels) == plain


def test_noise_makes_no_waists(found, simulated):
    """Long rods of even width stay whole, and only those that divide may be found as two."""
    dividing = (simulated.truth["length"] > 13).sum()
    assert len(simulated.truth) - 2 <= len(found.objects[0].table) <= len(simulated.truth) + dividing


def test_filters_are_judged_anew_without_measuring(found):
    usual = found.judge()
    strict = found.judge(CutConfig(min_area=usual["area"].median()))
    assert (strict["left_out"] == "too small").sum() > (usual["left_out"] == "too small").sum()
    assert strict[["y", "x", "area"]].equals(usual[["y", "x", "area"]])


def test_tiles_change_nothing(simulated, found):
    """Small tiles find the same cells as one large one, whole at every seam, each once."""
    tiled, _ = result_of(iterate_finding([simulated.field], SegmentationConfig(tile=192, overlap=96)))
    one, many = found.labels[0], tiled.labels[0]
    overlap = pd.crosstab(one.ravel(), many.ravel()).to_numpy()[1:, 1:]
    # Each cell of one is, but for a few pixels, a cell of the other.
    assert overlap.shape[0] == overlap.shape[1]
    assert (overlap.max(axis=1) / overlap.sum(axis=1)).min() > 0.97
    assert ((one > 0) == (many > 0)).mean() > 0.9995


def test_measurements_do_not_depend_on_tiles(simulated):
    field = replace(simulated.field, labels=simulated.labels)
    one, many = (
        result_of(iterate_finding([field], SegmentationConfig(tile=tile)))[0].objects[0] for tile in (4096, 128)
    )
    pd.testing.assert_frame_equal(one.table, many.table)
    assert np.array_equal(one.light.values, many.light.values)


def test_measurements_agree_with_scikit_image(simulated):
    from skimage.measure import regionprops

    field = replace(simulated.field, labels=simulated.labels)
    table = result_of(iterate_finding([field]))[0].objects[0].table.set_index("label")
    regions = regionprops(simulated.labels, field.red)
    assert len(regions) == len(table)
    for region in regions:
        row = table.loc[region.label]
        assert row[["y", "x"]].to_numpy(float) == pytest.approx(region.centroid)
        assert row["area"] == region.area
        assert row["mean_red"] == pytest.approx(region.intensity_mean)
        # scikit-image takes pixels for points, which have no moments of their own.
        assert row["length"] == pytest.approx(np.hypot(region.axis_major_length, 4 / np.sqrt(12)))
        assert row["width"] == pytest.approx(np.hypot(region.axis_minor_length, 4 / np.sqrt(12)))
        assert row["solidity"] == pytest.approx(region.solidity, abs=0.05)
        # scikit-image counts from the rows, the other way round.
        assert half_turn_apart(row["angle"], 90 - np.rad2deg(region.orientation)) < 0.01


@pytest.mark.parametrize("ring", [3, 9, 70])
def test_rings_are_what_is_near_to_a_cell_and_nearer_than_to_others(simulated, ring):
    corner = np.s_[:200, :200]
    red, green, labels = (p[corner] for p in (simulated.field.red, simulated.field.green, simulated.labels))
    config = SegmentationConfig(ring=ring, tile=64)
    found = result_of(iterate_finding([Field(red, green, labels=labels)], config))[0]
    table = found.objects[0].table.set_index("label")
    outside = np.argwhere(labels == 0)
    for label in table.index:
        own, others = (np.argwhere(cells) for cells in (labels == label, (labels != label) & (labels != 0)))
        distance, to_others = (KDTree(pixels).query(outside)[0] for pixels in (own, others))
        sure, perhaps = (
            green[tuple(outside[(distance <= ring) & (distance < to_others + ties)].T)] for ties in (0, 1e-9)
        )
        # Pixels as far from a neighbour may be counted as of either.
        bounds = np.median(sure), np.median(perhaps)
        assert min(bounds) <= table.loc[label, "ring_green"] <= max(bounds)


def test_there_is_no_ring_where_none_is_asked_for(simulated):
    found = result_of(iterate_finding([simulated.field], SegmentationConfig(ring=0)))[0]
    assert found.objects[0].table["ring_green"].isna().all()


@pytest.mark.parametrize("kind", ["dask", "memmap"])
def test_fields_that_are_not_in_memory(kind, simulated, cut, tmp_path):
    field = simulated.field
    if kind == "dask":
        planes = [dask.array.from_array(plane, chunks=300) for plane in (field.red, field.green)]
    else:
        planes = []
        for name, plane in (("red", field.red), ("green", field.green)):
            np.save(tmp_path / f"{name}.npy", plane)
            planes.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    other = cut_cells(replace(field, red=planes[0], green=planes[1]), mask="none", progress=False)
    assert np.array_equal(other.cells.images[0], cut.cells.images[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("normalisation", ["none", "field", "set"])
def test_brightness_is_scaled_as_asked_and_the_file_says_so(simulated, dtype, normalisation, tmp_path):
    factor = 1 if dtype == np.uint8 else 20
    fields = [
        replace(
            simulated.field,
            red=(simulated.field.red * dim).astype(dtype) * dtype(factor),
            green=simulated.field.green.astype(dtype) * dtype(factor),
            name=f"dim {dim}",
        )
        for dim in (1, 0.5)
    ]
    result = cut_cells(fields, normalisation=normalisation, progress=False)
    result.save(tmp_path / "cells")
    back = read_cells(tmp_path / "cells")
    features = back.features[0]
    assert (features["normalisation"] == normalisation).all()
    assert back.dtype == dtype
    pd.testing.assert_frame_equal(features, result.cells.features[0], check_dtype=False)
    assert np.array_equal(back.images[0], result.cells.images[0])
    assert back.pixel_size == 0.2
    bright, dim = (back.images[0][features["field"] == field.name][:, 0].astype(float) for field in fields)
    ratio = np.percentile(dim, 99) / np.percentile(bright, 99)
    assert ratio == pytest.approx(1 if normalisation == "field" else 0.5, abs=0.06)
    if normalisation != "none":
        top = 1 if dtype == np.float32 else np.iinfo(dtype).max
        assert back.images[0].max() == top
        assert back.intensity_range.tolist() == [[0, top]] * 2
        assert (features["red_high"] > features["red_low"]).all()
    import tifffile

    from napari_biogans.cells.tiff_stacks import open_tiff  # what the stack itself says, without its table

    stack = next((tmp_path / "cells").glob("*.tif"))
    with tifffile.TiffFile(stack) as tif:
        assert f'"normalisation": "{normalisation}"' in tif.imagej_metadata["Info"]
    assert next(iter(open_tiff(str(stack)))).count == len(back)


def test_what_is_written_lists_all_that_was_found(cut, tmp_path):
    paths = cut.save(tmp_path)
    table = pd.read_csv(paths[-1], keep_default_na=False)
    assert paths[-1].name == "objects.csv"
    assert len(table) == len(cut.table)
    kept = table[table["left_out"] == ""]
    assert kept["label"].tolist() == cut.cells.features[0]["label"].tolist()
    with pytest.raises(CellsError, match="overwrite"):
        cut.save(tmp_path)
    cut.save(tmp_path, overwrite=True)


def test_a_folder_that_cannot_be_written_into_is_named(cut, tmp_path):
    (tmp_path / "a file").write_text("")
    folder = tmp_path / "a file" / "below" / "cells"
    with pytest.raises(OSError, match=rf"Cannot write into this folder \(.+\): '{re.escape(str(folder))}'") as refused:
        cut.save(folder)
    assert refused.value.filename == str(folder)


def test_a_class_may_be_named_as_the_table(simulated, tmp_path):
    result = cut_cells(replace(simulated.field, class_name="objects"), progress=False)
    paths = result.save(tmp_path / "cells")
    assert paths[-1].name == "all-objects.csv"
    back = read_cells(tmp_path / "cells")
    assert back.class_names == ("objects",)
    assert len(back.features[0]) == len(back)


def test_one_of_a_kind_is_told_as_one(cut):
    one = replace(cut, cells=cut.cells.subset(indices=[slice(1)]))
    assert str(one).startswith("1 cell of 1 field (")
    assert f"{len(cut.cells)} cells of 1 field (" in str(cut)


def test_several_classes_and_fields(simulated):
    other = replace(simulate_field(30, shape=(700, 700), seed=5, pattern="tips").field, name="other")
    result = cut_cells([simulated.field, other], progress=False)
    assert result.cells.class_names == ("nucleus", "tips")
    assert set(result.cells.features[1]["field"]) == {"other"}
    assert len(result.cells) + sum(result.left_out.values()) == len(result.table)
    empty = replace(simulated.field, name="empty", class_name="nothing", labels=np.zeros((900, 1100), int))
    with pytest.warns(CellsWarning, match="nothing"):
        cut_cells([simulated.field, empty], progress=False)


def test_fields_of_different_pixel_size_are_told(simulated):
    other = replace(simulated.field, name="other", pixel_size=0.1)
    with pytest.warns(CellsWarning, match="differ in pixel size"):
        cells = cut_cells([simulated.field, other], progress=False).cells
    assert cells.pixel_size is None
    assert cut_cells([simulated.field, other], pixel_size=0.2, progress=False).cells.pixel_size == 0.2


def test_stopping_keeps_what_is_done(simulated):
    fields = [replace(simulated.field, name=str(k)) for k in range(3)]
    told = []
    result = cut_cells(
        fields, progress=False, on_event=told.append, should_stop=lambda: bool(told) and told[-1].field == "1"
    )
    assert not result.is_complete
    assert {field.name for field in result.found.fields} == {"0"}
    assert len(result.cells)
    assert [event.done for event in told if event.stage != "cutting"] == sorted(
        event.done for event in told if event.stage != "cutting"
    )
    with pytest.raises(CuttingStoppedError, match="nothing to show"):
        cut_cells(fields, progress=False, should_stop=lambda: True)


def test_corners_are_those_of_the_image(cut, simulated):
    features = cut.cells.features[0]
    corners = crop_corners(features, (48, 80))
    assert np.allclose(corners.mean(axis=1), features[["y", "x"]])
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    assert np.allclose(sides, [80, 48, 80, 48])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"height": 50}, "nearest size that can is 48x80"),
        ({"magnification": 2, "pixel_size": 0.1}, "give one of them"),
        ({"low_percentile": 60, "high_percentile": 40}, "less than"),
        ({"min_area": 50, "max_area": 40}, "min_area"),
        ({"colour": 1}, "colour"),
        ({"magnification": 1e9}, "magnification: .* less than or equal to 100"),
        ({"magnification": 1e-9}, "magnification: .* greater than or equal to 0.01"),
        ({"pixel_size": 1e-9}, r"a magnification of .*, which has to be from 0.01 to 100"),
        ({"mask": "all"}, "mask"),
    ],
)
def test_settings_that_make_no_sense_are_refused(simulated, settings, message):
    with pytest.raises(CellsError, match=message):
        cut_cells(simulated.field, progress=False, **settings)


def test_fields_that_make_no_sense_are_refused(simulated):
    field = simulated.field
    plain = np.zeros((30, 40), np.uint8)
    for arguments, message in (
        ({"red": plain, "green": plain[:20]}, "must be alike"),
        ({"red": plain[0], "green": plain[0]}, "rows and columns"),
        ({"red": plain.astype(int), "green": plain.astype(int)}, "8-bit or 16-bit"),
        ({"red": plain, "green": plain, "labels": plain.astype(float)}, r"whole numbers: .* labels\.astype\(int\)"),
        ({"red": plain, "green": plain, "labels": plain > 0}, r"whole numbers: skimage\.measure\.label"),
        ({"red": plain, "green": plain, "labels": plain[:20]}, "one for each of its 30x40 pixels"),
        ({"red": plain, "green": plain, "pixel_size": 0.0}, "positive"),
    ):
        with pytest.raises(CellsError, match=message):
            Field(**arguments)
    for fields, labels, message in (
        ([], None, "at least one"),
        ([field, field], None, "named 'simulated'"),
        ([field, Field(plain.astype(np.uint16), plain.astype(np.uint16))], None, "same type"),
        (field, [simulated.labels] * 2, "one for each"),
        (field, "labels.tif", r"read_fields\(labels="),
        (field, ["labels.tif"], r"read_fields\(labels="),
        (field, np.where(simulated.labels, simulated.labels, -1), "go from -1 to .*; the background has to be 0"),
        (field, simulated.labels.astype(np.uint64) << np.uint64(60), "63 bits at most"),
        (replace(field, red=field.red * 0, name="dark"), None, "No cells were found. Take a lower threshold"),
        (field, np.zeros(field.shape, int), "No cells were found: the labels are empty"),
        (replace(field, pixel_size=None), None, None),
    ):
        settings = {} if message else {"pixel_size": 0.1}
        with pytest.raises(CellsError, match=message or "pixel size of field 'simulated' is not known"):
            cut_cells(fields, labels, progress=False, **settings)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channel", ["red", "green"])
def test_pixels_that_are_no_numbers_are_refused(channel, value, simulated):
    field = simulated.field
    pixels = getattr(field, channel).astype(np.float32)
    other = "green" if channel == "red" else "red"
    pixels[500, 700] = value
    spoilt = replace(field, **{channel: pixels, other: getattr(field, other).astype(np.float32), "name": "A-02"})
    for labels in (None, simulated.labels):
        with pytest.raises(CellsError, match=f"The {channel} of field 'A-02' has values that are NaN or infinite"):
            cut_cells(spoilt, labels, progress=False)
    if channel == "red":
        with pytest.raises(CellsError, match=r"The red of the field .* replace them"):
            segment_field(pixels)
