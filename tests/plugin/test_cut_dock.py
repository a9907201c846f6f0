"""The dock Cut cells, by clicks: its panel without a window, and in a real viewer."""

import os
import time
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.components import ViewerModel
from napari.utils import progress
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QMenu

from napari_biogans import cut_cells, read_cells, read_fields, simulate_field
from napari_biogans.cells import Field, crop, iterate_finding
from napari_biogans.plugin import cut_panel, cutting, found_layers, session
from napari_biogans.plugin.cell_features import features_of, fields_of
from napari_biogans.plugin.cell_records import CellRecord
from napari_biogans.plugin.cut_panel import CutPanel
from napari_biogans.plugin.files_box import FILE, FOLDER
from napari_biogans.plugin.found_layers import KEPT_COLOUR, LEFT_OUT_COLOUR

from .conftest import WAIT_MS

SHAPE = (320, 360)
SIMULATED = [simulate_field(25, shape=SHAPE, seed=seed, name=f"field {seed}") for seed in range(3)]
FIELDS = [simulated.field for simulated in SIMULATED]
SCALE = (0.2, 0.2)
BLUE, ORANGE = (
    [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)] + [1] for colour in (KEPT_COLOUR, LEFT_OUT_COLOUR)
)


def stacks(count=3):
    return [np.stack([getattr(field, name) for field in FIELDS[:count]]) for name in ("red", "green")]


def add_field(viewer, number=0, name="Tea1", **keywords):
    field = FIELDS[number]
    keywords = {"scale": SCALE, "translate": (3, 4), "units": "micrometer", **keywords}
    return [viewer.add_image(getattr(field, c), name=f"{name} {c}", **keywords) for c in ("red", "green")]


def add_series(viewer, wrap=np.asarray, **keywords):
    keywords = {"scale": (1, *SCALE), "axis_labels": ("well", "y", "x"), **keywords}
    return [
        viewer.add_image(wrap(s), name=f"plate {c}", **keywords)
        for s, c in zip(stacks(), ("red", "green"), strict=True)
    ]


@pytest.fixture
def in_model(shown):
    """Open panels with a viewer that has no window."""
    viewer = ViewerModel()

    def open_panel(**settings):
        panel = shown(CutPanel(viewer))
        panel.form.cutting.set_values(settings)
        return panel

    open_panel.viewer = viewer
    return open_panel


@pytest.fixture
def to_end(click, qtbot):
    """Press a button, and wait until the work is over."""

    def press(panel, button=None):
        click(button or panel.look)
        assert panel.is_running
        wait_for_end(panel, qtbot)

    return press


def wait_for_end(panel, qtbot):
    qtbot.waitUntil(lambda: not panel.is_running, timeout=WAIT_MS)


def outlines(viewer):
    return [layer for layer in viewer.layers if layer.name.startswith("found in")]


def decisions(layer):
    """The decision about each cell by its number, as the table of the layer tells."""
    return dict(zip(layer.features["index"], layer.features["decision"], strict=True))


def check_same(features, expected, leave=()):
    """Compare the tables of layers with those of cells that were cut without a window."""
    left = {"field", "source", *leave}
    pd.testing.assert_frame_equal(
        features.drop(columns=left, errors="ignore"), expected.drop(columns=left, errors="ignore")
    )


# -- looking, deciding, cutting


def test_found_cells_are_outlined_by_decision_and_cut_as_without_a_window(in_model, to_end, notes):
    viewer = in_model.viewer
    red, _ = add_field(viewer)
    panel = in_model()
    assert panel.status.text() == "Ready."
    assert not panel.keep.isEnabled()
    to_end(panel)
    expected = cut_cells(FIELDS[0], progress=False)
    (layer,) = outlines(viewer)
    assert viewer.layers.selection.active is layer, "napari tells only of the active layer what is under the mouse"
    told = layer.features
    assert list(told["label"]) == list(expected.table["label"])
    assert [d.removeprefix("left out: ").replace("kept", "") for d in told["decision"]] == list(
        expected.table["left_out"]
    )
    np.testing.assert_allclose(told["area"], expected.table["area"])
    for number, decision in decisions(layer).items():
        np.testing.assert_allclose(layer.get_color(number), BLUE if decision == "kept" else ORANGE, atol=1e-6)
    np.testing.assert_array_equal(np.unique(layer.data), np.arange(len(told) + 1))
    assert layer.contour > 0
    assert not layer.editable
    np.testing.assert_allclose(layer.extent.world, red.extent.world)
    kept = len(expected.cells)
    assert f"{kept} cells kept" in panel.counts.text()
    for reason, number in expected.left_out.items():
        assert f"{reason} {number}" in panel.counts.text()
    assert panel.counts.toolTip() == f"Tea1: {kept} cells kept"
    to_end(panel, panel.cut)
    added = list(viewer.layers)[3:]
    assert [each.name for each in added] == ["Tea1 red [1]", "Tea1 green [1]"], "the field's layers have these names"
    for channel, each in enumerate(added):
        np.testing.assert_array_equal(each.data, expected.cells.images[0][:, channel])
        check_same(features_of(each), expected.cells.features[0])
        assert set(features_of(each)["field"]) == {"Tea1 red"}
        record = CellRecord.of(each)
        assert (record.class_name, record.channel) == ("Tea1", channel)
        (field,) = fields_of(each).values()
        assert field.layer_names == ("Tea1 red", "Tea1 green")
        assert (field.shape, field.place, field.scale, field.translate) == (SHAPE, (), SCALE, (3, 4))
        assert field.pixel_size == pytest.approx(0.2)
    assert added[0].extent.world[0, -1] > red.extent.world[1, -1], "beside the field"
    assert panel.status.text() == f"Cut {kept} cells of 1 field."
    assert not notes
    assert list(progress._all_instances) == []


def test_decisions_follow_the_settings_at_once(in_model, to_end, qtbot):
    viewer = in_model.viewer
    add_field(viewer)
    panel = in_model()
    to_end(panel)
    (layer,) = outlines(viewer)
    data, before = layer.data, decisions(layer)
    areas = dict(zip(layer.features["index"], layer.features["area"], strict=True))
    kept = [number for number, decision in before.items() if decision == "kept"]
    limit = float(np.median([areas[number] for number in kept])) + 0.5
    panel.form.cutting.set_values({"min_area": limit})
    qtbot.waitUntil(lambda: decisions(layer) != before, timeout=WAIT_MS)
    for number in kept:
        is_kept = areas[number] > limit
        assert decisions(layer)[number] == ("kept" if is_kept else "left out: too small")
        np.testing.assert_allclose(layer.get_color(number), BLUE if is_kept else ORANGE, atol=1e-6)
    still = sum(areas[number] > limit for number in kept)
    assert f"{still} cells kept" in panel.counts.text()
    assert layer.data is data, "nothing was looked for anew"
    panel.form.cutting.set_values({"min_area": None})
    qtbot.waitUntil(lambda: decisions(layer) == before, timeout=WAIT_MS)


def test_frames_show_how_images_lie_in_the_field(in_model, to_end, click, qtbot):
    viewer = in_model.viewer
    add_field(viewer)
    panel = in_model()
    to_end(panel)
    panel.frames.click()
    kept = cut_cells(FIELDS[0], progress=False).cells.features[0]
    (layer,) = (layer for layer in viewer.layers if layer.name.startswith("frames"))
    assert layer.data.shape == (4 * len(kept), 2, 2)
    lengths = np.linalg.norm(layer.data[:, 1], axis=1).reshape(-1, 4)
    np.testing.assert_allclose(lengths, np.tile([80, 48, 80, 48], (len(kept), 1)))
    middles = layer.data[:, 0].reshape(-1, 4, 2).mean(axis=1)
    np.testing.assert_allclose(middles, kept[["y", "x"]])
    panel.form.cutting.set_values({"width": 96})
    qtbot.waitUntil(lambda: np.isclose(np.linalg.norm(layer.data[0, 1]), 96), timeout=WAIT_MS)
    panel.frames.click()
    assert layer not in viewer.layers


TURNS = [
    {"rotate": 30},
    {"shear": [0.3]},
    {"affine": [[0.8, -0.5, 7], [0.6, 0.9, -3], [0, 0, 1]]},
    {"rotate": -70, "shear": [0.2], "affine": [[1, 0.4, 5], [0, 2, 0], [0, 0, 1]]},
]


@pytest.mark.parametrize("turn", TURNS)
def test_what_is_shown_lies_on_fields_that_are_turned_or_sheared(in_model, to_end, click, turn):
    viewer = in_model.viewer
    red, _ = add_field(viewer, **turn)
    panel = in_model()
    panel.frames.click()
    to_end(panel)
    click(panel.keep)
    shown = [layer for layer in viewer.layers if layer.name.startswith(("found", "frames")) or "labels" in layer.name]
    assert len(shown) == 3
    places = np.array([[0, 0], [0, 359], [319, 0], [200, 100]], float)
    for layer in shown:
        for place in places:
            np.testing.assert_allclose(layer.data_to_world(place), red.data_to_world(place), atol=1e-9)
    # The field is turned on, and cells are looked for anew.
    for layer in viewer.layers[:2]:
        layer.rotate = 10
    to_end(panel)
    for layer in (layer for layer in viewer.layers if layer.name.startswith(("found", "frames"))):
        np.testing.assert_allclose(layer.data_to_world(places[1]), red.data_to_world(places[1]), atol=1e-9)


def test_changed_finding_is_done_anew_where_it_is_quick(in_model, to_end, qtbot):
    viewer = in_model.viewer
    add_field(viewer)
    panel = in_model()
    to_end(panel)
    (layer,) = outlines(viewer)
    panel.form.finding.set_values({"threshold": 2.5})
    assert "out of date" in panel.counts.text()
    expected = cut_cells(FIELDS[0], progress=False, threshold=2.5).table
    qtbot.waitUntil(lambda: list(layer.features["area"]) == list(expected["area"]), timeout=WAIT_MS)
    assert outlines(viewer) == [layer]
    qtbot.waitUntil(lambda: "kept" in panel.counts.text(), timeout=WAIT_MS)


def test_changed_finding_is_told_where_it_takes_long(in_model, to_end, qtbot, monkeypatch):
    monkeypatch.setattr(cut_panel, "QUICK", 0.0)
    monkeypatch.setattr(cut_panel, "FIND_MS", 0)
    add_field(in_model.viewer)
    panel = in_model()
    to_end(panel)
    panel.form.finding.set_values({"threshold": 2.5})
    qtbot.wait(100)
    assert not panel.is_running
    assert "Press Find cells" in panel.counts.text()
    # To cut is to look for them anew.
    to_end(panel, panel.cut)
    assert f"{len(cut_cells(FIELDS[0], progress=False, threshold=2.5).cells)} cells kept" in panel.counts.text()


def test_a_setting_that_makes_no_sense_is_said_and_keeps_the_buttons_from_being_pressed(in_model, to_end):
    add_field(in_model.viewer)
    panel = in_model()
    to_end(panel)
    panel.form.cutting.set_values({"softness": -1})
    for button in (panel.look, panel.cut):
        assert not button.isEnabled()
        assert button.toolTip().startswith("Softness: ")
    assert panel.status.text().startswith("Softness: ")
    panel.form.cutting.set_values({"softness": 1, "min_area": 9, "max_area": 5})
    assert panel.status.text() == "Min area must not be more than Max area"
    panel.form.cutting.set_values({"min_area": None, "max_area": None})
    panel.form.finding.set_values({"threshold": -1})
    assert panel.status.text().startswith("Threshold: ")
    panel.form.finding.set_values({"threshold": 1})
    panel.form.cutting.set_values({"softness": 1})
    assert panel.cut.isEnabled()
    assert panel.status.text() == "Ready."


def test_no_cell_that_is_kept_is_an_error_that_says_why(in_model, to_end, notes):
    add_field(in_model.viewer)
    panel = in_model(min_area=1e6, max_area=1e7)
    to_end(panel, panel.cut)
    ((severity, message),) = notes
    assert severity == "error"
    assert "too small" in message
    assert panel.status.text() == message
    assert panel.cut.isEnabled()


def test_where_no_cells_are_found_it_is_told_what_to_do(in_model, to_end, notes):
    add_field(in_model.viewer)
    panel = in_model()
    panel.form.finding.set_values({"threshold": 1000})
    for button in (panel.look, panel.cut):
        to_end(panel, button)
        assert panel.status.text().startswith("No cells were found. Take a lower threshold")
    assert [severity for severity, _ in notes] == ["error"]


# -- what cells are cut from


def test_given_labels_are_taken_as_they_are(in_model, to_end, qtbot):
    viewer = in_model.viewer
    add_field(viewer)
    labels = viewer.add_labels(SIMULATED[0].labels, name="cellpose", scale=SCALE)
    panel = in_model()
    row = panel.form.fields.rows.rows[0]
    assert panel.form.finding.isVisible()
    row.labels.choose(labels)
    assert not panel.form.finding.isVisible()
    to_end(panel)
    expected = cut_cells(FIELDS[0], SIMULATED[0].labels, progress=False)
    assert list(outlines(viewer)[0].features["label"]) == list(expected.table["label"])
    assert outlines(viewer)[0] not in row.labels._options
    # What is drawn by hand counts soon.
    gone = int(expected.table["label"][0])
    labels.data_setitem(np.nonzero(SIMULATED[0].labels == gone), 0)
    qtbot.waitUntil(lambda: gone not in set(outlines(viewer)[0].features["label"]), timeout=WAIT_MS)
    labels.name = "mended"
    assert row.labels.currentText() == "mended"
    viewer.layers.remove(labels)
    assert "layer of labels is gone" in panel.cut.toolTip()


def test_labels_that_were_found_can_be_kept_mended_and_cut_by(in_model, to_end, click):
    viewer = in_model.viewer
    add_series(viewer)
    panel = in_model()
    to_end(panel)
    click(panel.keep)
    kept = viewer.layers["plate red labels"]
    assert kept.editable
    assert isinstance(kept.data, np.ndarray)
    assert kept.data.shape == (3, *SHAPE)
    assert len(np.unique(kept.data)) == len(kept.features) + 1
    number = int(kept.features["index"].iloc[-1])
    assert kept.features["field"].iloc[-1] == "plate red[2]"
    assert number in kept.data[2]
    assert number not in kept.data[:2]
    before = panel.counts.text()
    panel.form.fields.rows.rows[0].labels.choose(kept)
    to_end(panel)
    assert panel.counts.text() == before


@pytest.mark.parametrize("wrap", [np.asarray, lambda stack: da.from_array(stack, chunks=(1, 100, 100))])
def test_each_slice_of_a_series_is_a_field_of_the_class_that_its_layer_tells(in_model, to_end, wrap):
    viewer = in_model.viewer
    known = {"wells": ["A02", "A04", "B02"], "doses": [0, 2, 0], "source": "simulated"}
    add_series(viewer, wrap, metadata={"biogans": known})
    panel = in_model()
    assert "dose 00, dose 02" in panel.form.fields.rows.rows[0].name.placeholderText()
    to_end(panel)
    (layer,) = outlines(viewer)
    fields = [
        Field(f.red, f.green, name=well, class_name=f"dose {dose:02d}", pixel_size=0.2)
        for f, well, dose in zip(FIELDS, known["wells"], known["doses"], strict=True)
    ]
    expected = cut_cells(fields, progress=False)
    assert list(layer.features["field"]) == list(expected.table["field"])
    for place, well in enumerate(known["wells"]):
        numbers = np.unique(np.asarray(layer.data[place]))[1:]
        assert list(numbers) == list(layer.features["index"][layer.features["field"] == well])
    to_end(panel, panel.cut)
    added = list(viewer.layers)[3:]
    assert [each.name for each in added] == ["dose 00 red", "dose 00 green", "dose 02 red", "dose 02 green"]
    for place in range(2):
        features = features_of(added[2 * place])
        check_same(features, expected.cells.features[place], leave=("index",))
        assert list(features["field"]) == list(expected.cells.features[place]["field"])
        assert {known["wells"][k] for k in features["index"]} == set(features["field"])
        np.testing.assert_array_equal(added[2 * place].data, expected.cells.images[place][:, 0])
    records = fields_of(added[0])
    assert {name: record.place for name, record in records.items()} == {"A02": (0,), "B02": (2,)}


def test_green_may_be_a_channel_of_the_layer_of_red(in_model, to_end):
    viewer = in_model.viewer
    viewer.add_image(np.stack(stacks(2), axis=1), name="movie", axis_labels=("t", "c", "y", "x"))
    panel = in_model()
    assert panel.form.fields.rows.rows[0].green.currentText() == "same layer, channel 1"
    panel.frames.click()
    to_end(panel)
    expected = cut_cells(read_fields(*stacks(2)), progress=False)
    (layer,) = outlines(viewer)
    assert layer.data.shape == (2, 2, *SHAPE)
    np.testing.assert_array_equal(np.asarray(layer.data[1, 0]), np.asarray(layer.data[1, 1]))
    (frames,) = (layer for layer in viewer.layers if layer.name.startswith("frames"))
    assert len(frames.data) == 2 * 4 * len(expected.cells)
    to_end(panel, panel.cut)
    check_same(features_of(viewer.layers["movie red"]), expected.cells.features[0])
    assert fields_of(viewer.layers["movie red"])["movie[1]"].layer_names == ("movie",)


def named(box):
    return None if box.choice() is None else box.currentText()


COLOURED = {"DNA": "red", "GFP": "green"}


@pytest.mark.parametrize("wells", [2, 3, 4, 5])
@pytest.mark.parametrize("names", [("DNA", "GFP"), ("GFP", "DNA")])
@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("told", [COLOURED, {"GFP": "green"}, {"DNA": "red"}, {"DNA": "magenta", "GFP": "green"}])
def test_few_wells_in_two_layers_are_not_taken_for_channels(in_model, wells, names, is_open, told):
    viewer = in_model.viewer
    panel = in_model() if is_open else None
    for name in names:
        viewer.add_image(np.zeros((wells, *SHAPE), np.uint8), name=name, colormap=told.get(name, "gray"))
    row = (panel or in_model()).form.fields.rows.rows[0]
    assert (named(row.red), named(row.green)) == ("DNA", "GFP")
    assert row.name.text() == "", "that of the first guess is no class"


@pytest.mark.parametrize("is_open", [True, False])
def test_layers_of_which_nothing_tells_the_colour_are_left_to_be_chosen(in_model, is_open):
    viewer = in_model.viewer
    panel = in_model() if is_open else None
    for name in ("first", "second"):
        viewer.add_image(np.zeros((3, *SHAPE), np.uint8), name=name)
    panel = panel or in_model()
    row = panel.form.fields.rows.rows[0]
    assert (named(row.red), named(row.green)) == (None, None)
    assert "Choose a red and a green layer" in panel.look.toolTip()
    row.red.choose(viewer.layers["second"])
    assert named(row.green) == "first"


def test_a_labelled_channel_axis_settles_it_also_beside_another_layer(in_model):
    viewer = in_model.viewer
    for name in ("well 1", "well 2"):
        viewer.add_image(np.zeros((2, *SHAPE), np.uint8), name=name, axis_labels=("c", "y", "x"))
    row = in_model().form.fields.rows.rows[0]
    assert (named(row.red), named(row.green)) == ("well 1", "same layer, channel 1")


def test_channels_that_somebody_chose_stay_whatever_comes(in_model, qtbot):
    viewer = in_model.viewer
    row = in_model().form.fields.rows.rows[0]
    viewer.add_image(np.zeros((2, *SHAPE), np.uint8), name="both")
    assert (named(row.red), named(row.green)) == ("both", "same layer, channel 1")
    viewer.add_image(np.zeros((5, *SHAPE), np.uint8), name="of another shape")
    assert (named(row.red), named(row.green)) == ("both", "same layer, channel 1")
    qtbot.keyClick(row.green, Qt.Key.Key_Down)
    qtbot.keyClick(row.green, Qt.Key.Key_Up)
    viewer.add_image(np.zeros((2, *SHAPE), np.uint8), name="other")
    assert (named(row.red), named(row.green)) == ("both", "same layer, channel 1")


def test_green_is_guessed_anew_for_a_red_that_somebody_chose(in_model, qtbot):
    viewer = in_model.viewer
    row = in_model().form.fields.rows.rows[0]
    for name in ("x", "y"):
        viewer.add_image(np.zeros((3, *SHAPE), np.uint8), name=name)
        viewer.layers[name].metadata = {"noted": name}
    viewer.layers.remove("y")
    assert (named(row.red), named(row.green)) == ("x", "same layer, channel 1")
    viewer.add_image(np.zeros(SHAPE, np.uint8), name="another")
    qtbot.keyClick(row.red, Qt.Key.Key_Down)
    qtbot.keyClick(row.red, Qt.Key.Key_Up)
    row.green.choose(None)
    row.guess_green()
    viewer.add_image(np.zeros((3, *SHAPE), np.uint8), name="GFP")
    assert (named(row.red), named(row.green)) == ("x", "GFP")


def test_several_rows_give_several_classes(in_model, to_end, click):
    viewer = in_model.viewer
    add_field(viewer, 0, "Tea1")
    panel = in_model()
    add_field(viewer, 1, "Alp14", translate=(0, 200))
    click(panel.form.fields.rows.add)
    assert [row.name.text() for row in panel.form.fields.rows.rows] == ["Tea1", "Alp14"]
    to_end(panel, panel.cut)
    assert len(outlines(viewer)) == 2
    fields = [
        Field(f.red, f.green, name=n, class_name=n, pixel_size=0.2)
        for f, n in zip(FIELDS, ("Tea1", "Alp14"), strict=False)
    ]
    expected = cut_cells(fields, progress=False)
    for place, number in enumerate(expected.cells.counts):
        layer = list(viewer.layers)[-4 + 2 * place]
        assert CellRecord.of(layer).class_name == ("Tea1", "Alp14")[place]
        assert len(layer.data) == number
    second = outlines(viewer)[1]
    numbers = np.unique(second.data)[1:]
    assert set(second.features["field"][numbers - 1]) == {"Alp14 red"}


def test_a_class_that_is_renamed_needs_no_new_look(in_model, to_end, qtbot):
    add_field(in_model.viewer)
    panel = in_model()
    to_end(panel)
    found = panel.found.found
    panel.form.fields.rows.rows[0].name.setText("Arp3")
    qtbot.waitUntil(lambda: panel.counts.toolTip().startswith("Arp3: "), timeout=WAIT_MS)
    to_end(panel, panel.cut)
    assert panel.found.found.labels is found.labels
    assert list(in_model.viewer.layers)[-1].name == "Arp3 green"


def test_layers_that_are_renamed_or_removed_are_followed(in_model, to_end):
    viewer = in_model.viewer
    panel = in_model()
    assert "Choose a red and a green layer" in panel.cut.toolTip()
    assert panel.status.text() == panel.cut.toolTip()
    red, green = add_field(viewer)
    row = panel.form.fields.rows.rows[0]
    assert (row.red.choice(), row.green.choice()) == (red, green)
    red.name = "DNA"
    assert row.red.currentText() == "DNA"
    to_end(panel)
    viewer.layers.remove(green)
    assert "Choose a green layer" in panel.cut.toolTip()
    assert not panel.cut.isEnabled()
    assert list(viewer.layers) == [red], "outlines go with what they were found in"
    assert panel.found is None
    assert panel.counts.text() == ""
    assert not panel.keep.isEnabled()


@pytest.mark.parametrize(
    ("green", "said"),
    [
        (np.zeros((320, 361), np.uint8), "layers that show the same fields"),
        (np.zeros(SHAPE, np.uint16), "layers that show the same fields"),
    ],
)
def test_layers_that_do_not_go_together_are_refused(in_model, green, said):
    viewer = in_model.viewer
    red = viewer.add_image(FIELDS[0].red, name="a")
    other = viewer.add_image(green, name="b")
    panel = in_model()
    row = panel.form.fields.rows.rows[0]
    row.red.choose(red)
    row.green.choose(other)
    assert said in panel.cut.toolTip()
    assert not panel.look.isEnabled()
    row.red.choose(viewer.add_image(np.zeros((*SHAPE, 3), np.uint8), name="photo", rgb=True))
    assert "'photo' holds coloured pictures" in panel.cut.toolTip()
    row.red.choose(red)
    row.green.choose(None)
    viewer.add_image(FIELDS[0].green, name="c")
    row.green.choose(viewer.layers["c"])
    assert panel.look.isEnabled()
    row.labels.choose(viewer.add_labels(np.zeros((20, 20), int), name="small"))
    assert "'small' is 20×20" in panel.cut.toolTip()


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("z", "is a stack in depth (z, 3 planes); project it first"),
        ("Depth", "is a stack in depth (Depth, 3 planes); project it first"),
        ("channel", "Axis 'channel' of layer 'plate red' counts channels, not fields"),
    ],
)
def test_axes_that_count_no_fields_are_refused(in_model, label, said):
    layers = add_series(in_model.viewer, axis_labels=(label, "y", "x"))
    panel = in_model()
    row = panel.form.fields.rows.rows[0]
    row.red.choose(layers[0])
    row.green.choose(layers[1])
    assert said in panel.look.toolTip()
    assert not panel.look.isEnabled()
    assert not panel.cut.isEnabled()


def test_depth_is_not_offered_as_channels(in_model):
    in_model.viewer.add_image(stacks(2)[0], name="deep", axis_labels=("Z", "y", "x"))
    panel = in_model()
    row = panel.form.fields.rows.rows[0]
    row.red.choose(in_model.viewer.layers["deep"])
    assert not any("same layer" in row.green.itemText(k) for k in range(row.green.count()))


@pytest.mark.parametrize(
    ("red", "green", "said"),
    [
        ({"scale": (0.2, 0.3)}, {"scale": (0.2, 0.3)}, "'Tea1 red' are 0.2 µm high and 0.3 µm wide"),
        ({"scale": (1, 2), "units": "pixel"}, {"scale": (1, 2), "units": "pixel"}, "are 1 high and 2 wide"),
        ({}, {"translate": (3, 9)}, "'Tea1 green' does not lie where 'Tea1 red' does (translate)"),
        ({}, {"scale": (0.4, 0.4), "rotate": 20}, "'Tea1 green' does not lie where 'Tea1 red' does (scale, rotate)"),
    ],
)
def test_layers_that_lie_otherwise_than_their_pixels_are_told(in_model, to_end, notes, red, green, said):
    for keywords, name in ((red, "red"), (green, "green")):
        layer = add_field(in_model.viewer, **keywords)
        in_model.viewer.layers.remove(layer[name == "red"])
    panel = in_model()
    assert panel.look.isEnabled()
    to_end(panel)
    ((severity, message),) = notes
    assert severity == "warning"
    assert said in message
    assert "cells" in message


def test_fields_that_are_larger_than_screens_are_outlined_in_coarser_pixels(in_model, to_end, monkeypatch):
    viewer = in_model.viewer
    add_field(viewer)
    monkeypatch.setattr(found_layers, "LARGEST_SIDE", 100)
    panel = in_model()
    to_end(panel)
    (layer,) = outlines(viewer)
    assert layer.data.shape == (80, 90)
    assert tuple(layer.scale) == (0.8, 0.8)
    labels = panel.found.found.labels[0]
    for number, label in zip(layer.features["index"], layer.features["label"], strict=True):
        np.testing.assert_array_equal(layer.data == number, labels[::4, ::4] == label)


# -- files


@pytest.fixture
def files(tmp_path):
    """Files of two fields, of which the second is larger."""
    for number, field in enumerate(FIELDS[:2]):
        for name in ("red", "green"):
            pixels = getattr(field, name)
            folder = tmp_path / ("control", "treated")[number]
            folder.mkdir(exist_ok=True)
            tifffile.imwrite(folder / f"{name}-{number}.tif", pixels[: 300 + 20 * number])
    return tmp_path


def use_files(panel, files, pattern="*"):
    panel.form.fields.from_files.click()
    for edit, name in ((panel.form.fields.files.red, "red"), (panel.form.fields.files.green, "green")):
        edit.line.setText(str(files / pattern / f"{name}-*.tif"))


def test_fields_of_files_are_shown_found_and_cut(in_model, to_end, files):
    viewer = in_model.viewer
    panel = in_model()
    panel.form.fields.from_files.click()
    assert "Choose the images of red" in panel.cut.toolTip()
    use_files(panel, files)
    panel.form.fields.files.pixel_size.setText("0.2")
    panel.form.fields.classes.way.set("folder")
    to_end(panel)
    assert [layer.name for layer in viewer.layers] == ["fields red", "fields green", "found in fields"]
    red, green, found = viewer.layers
    assert red.data.shape == green.data.shape == found.data.shape == (2, *SHAPE)
    np.testing.assert_array_equal(np.asarray(red.data[0])[:300], FIELDS[0].red[:300])
    np.testing.assert_array_equal(np.asarray(green.data[1]), FIELDS[1].green)
    assert not np.asarray(red.data[0])[300:].any()
    np.testing.assert_allclose(found.extent.world, red.extent.world)
    to_end(panel, panel.cut)
    patterns = [files / "*" / f"{name}-*.tif" for name in ("red", "green")]
    expected = cut_cells(read_fields(*map(str, patterns), classes="folder", pixel_size=0.2), progress=False)
    assert [layer.name for layer in list(viewer.layers)[3:]] == [
        f"{name} {colour}" for name in ("control", "treated") for colour in ("red", "green")
    ]
    for place, name in enumerate(("control", "treated")):
        layer = viewer.layers[f"{name} green"]
        pd.testing.assert_frame_equal(features_of(layer), expected.cells.features[place])
        assert layer.metadata["biogans fields"][0]["layer_names"] == ()
    assert session.SESSION.fields == tuple(patterns)
    to_end(panel, panel.cut)
    assert len(viewer.layers) == 7, "layers of the same fields are replaced"


def test_fields_of_files_follow_each_other_without_a_canvas_of_outlines_alone(in_model, to_end, files):
    """Where other layers stay than those that came first, Mesa crashes as soon as a slider shrinks the canvas."""
    viewer = in_model.viewer
    panel = in_model()
    panel.frames.click()
    use_files(panel, files, "control")
    seen = []

    def see(event):
        present = [layer.name for layer in viewer.layers]
        overlays = [layer.ndim for layer in viewer.layers if layer.name.startswith(("found", "frames"))]
        fields = {layer.ndim for layer in viewer.layers if layer.name.startswith("fields")}
        seen.append(present)
        assert not overlays or fields == set(overlays), present
        assert fields or not present, present

    viewer.layers.events.inserted.connect(see)
    viewer.layers.events.removed.connect(see)
    for pattern, ndim in (("control", 2), ("*", 3), ("treated", 2), ("*", 3)):
        use_files(panel, files, pattern)
        to_end(panel)
        assert [(layer.name, layer.ndim) for layer in viewer.layers] == [
            (name, ndim) for name in ("fields red", "fields green", "found in fields", "frames in fields")
        ]
        red, _, found, frames = viewer.layers
        np.testing.assert_allclose(found.extent.world, red.extent.world)
        assert not red.translate.any(), "nothing is there that it could stand beside"
        assert viewer.layers.selection.active is found
        assert len(frames.data)
    assert len(seen) == 4 + 3 * 8


def test_outlines_and_frames_of_layers_that_are_not_chosen_any_more_go(in_model, to_end):
    viewer = in_model.viewer
    add_field(viewer)
    panel = in_model()
    panel.frames.click()
    to_end(panel)
    series = add_series(viewer)
    row = panel.form.fields.rows.rows[0]
    for box, layer in zip((row.red, row.green), series, strict=True):
        box.choose(layer)
    to_end(panel)
    assert [layer.name for layer in list(viewer.layers)[4:]] == ["found in plate red", "frames in plate red"]


def test_classes_come_from_a_table_and_a_table_that_does_not_fit_is_an_error(in_model, to_end, files, notes):
    panel = in_model()
    use_files(panel, files)
    classes = panel.form.fields.classes
    classes.way.set("table")
    assert "Choose the table" in panel.cut.toolTip()
    table = files / "plate.csv"
    table.write_text("number,dose\n0,none\n1,high\n")
    classes.table.line.setText(str(table))
    classes.column.setText("dose")
    classes.pattern.setText(r"red-(?P<number>\d)")
    to_end(panel, panel.cut)
    assert [layer.name for layer in list(in_model.viewer.layers)[-2:]] == ["high red", "high green"]
    classes.column.setText("missing")
    to_end(panel)
    ((_, message),) = notes
    assert "no column missing" in message
    assert panel.status.text() == message


def test_a_table_tells_the_classes_of_layers_too(in_model, to_end, tmp_path):
    add_series(in_model.viewer)
    table = tmp_path / "classes.csv"
    table.write_text("field,class\nplate red[0],a\nplate red[1],b\nplate red[2],a\n")
    panel = in_model()
    classes = panel.form.fields.classes
    classes.way.set("table")
    classes.table.line.setText(str(table))
    assert not panel.form.fields.rows.rows[0].name.isVisible()
    to_end(panel, panel.cut)
    assert {CellRecord.of(layer).class_name for layer in list(in_model.viewer.layers)[-4:]} == {"a", "b"}


def test_files_that_are_not_there_are_told_before_any_work(in_model, files):
    panel = in_model()
    panel.form.fields.from_files.click()
    panel.form.fields.files.red.line.setText(str(files / "nowhere"))
    assert "nothing at" in panel.cut.toolTip()
    use_files(panel, files)
    panel.form.fields.files.pixel_size.setText("-1")
    assert "positive number" in panel.cut.toolTip()


@pytest.mark.parametrize(("kind", "place"), [(FILE, 0), (FOLDER, 1)])
def test_files_and_folders_can_be_looked_for(in_model, files, click, answer_dialog, monkeypatch, kind, place):
    panel = in_model()
    panel.form.fields.from_files.click()
    answer_dialog(files / "control")
    monkeypatch.setattr(QMenu, "exec", lambda menu, _: menu.actions()[place])
    click(panel.form.fields.files.red.browse)
    assert panel.form.fields.files.red.path() == files / "control"
    assert panel.cut.isEnabled()


def test_fields_that_were_used_are_offered_again(in_model, to_end, files):
    panel = in_model()
    use_files(panel, files)
    to_end(panel)
    known = panel.form.fields.files.labels.known
    known.fill()
    first = known.choices.actions()[0]
    assert first.toolTip() == str(files / "*" / "red-*.tif")
    first.trigger()
    assert panel.form.fields.files.labels.line.text() == first.toolTip()


@pytest.mark.skipif("BIOGANS_REAL_CELLS" not in os.environ, reason="BIOGANS_REAL_CELLS names no folder of real cells")
def test_real_fields_are_cut_as_without_a_window(in_model, to_end):
    raw = Path(os.environ["BIOGANS_REAL_CELLS"]).parent / "raw"
    if not raw.is_dir():
        pytest.skip(f"there are no fields at {raw}")
    patterns = [str(raw / f"Channel{number}-0[45]*.tif") for number in (2, 1)]
    panel = in_model(magnification=1.3)
    panel.form.fields.from_files.click()
    for edit, pattern in zip((panel.form.fields.files.red, panel.form.fields.files.green), patterns, strict=True):
        edit.line.setText(pattern)
    to_end(panel, panel.cut)
    expected = cut_cells(read_fields(*patterns), progress=False, magnification=1.3)
    assert len(expected.cells) > 200
    layer = list(in_model.viewer.layers)[-1]
    np.testing.assert_array_equal(layer.data, expected.cells.images[0][:, 1])
    pd.testing.assert_frame_equal(features_of(layer), expected.cells.features[0])


# -- writing


def test_cells_are_written_once_into_an_empty_folder(in_model, to_end, tmp_path):
    add_field(in_model.viewer)
    panel = in_model()
    folder = tmp_path / "cells"
    panel.form.folder.set_path(folder)
    to_end(panel, panel.cut)
    expected = cut_cells(FIELDS[0], progress=False)
    assert sorted(path.name for path in folder.iterdir()) == ["Tea1.cells.tif", "Tea1.csv", "objects.csv"]
    cells = read_cells(folder)
    np.testing.assert_array_equal(cells.images[0], expected.cells.images[0])
    check_same(cells.features[0], expected.cells.features[0])
    assert len(pd.read_csv(folder / "objects.csv")) == len(expected.table)
    assert session.SESSION.cell_sets == (folder,)
    assert panel.status.text().endswith("They are in cells, too.")
    assert not panel.cut.isEnabled()
    assert "already; choose another folder" in panel.cut.toolTip()
    assert "overwrite" not in panel.cut.toolTip()
    to_end(panel)
    assert panel.status.text().startswith("Found"), "nothing is written when cells are looked for"
    panel.form.finding.set_values({"threshold": 2.5})
    assert panel.look.isEnabled()
    assert not panel.cut.isEnabled()
    panel.form.folder.set_path(tmp_path / "others")
    assert panel.cut.isEnabled()
    assert panel.status.text() == "Ready."


def test_a_folder_that_is_not_empty_is_refused_before_any_work(in_model, tmp_path):
    add_field(in_model.viewer)
    panel = in_model()
    (tmp_path / "notes.txt").write_text("mine")
    panel.form.folder.set_path(tmp_path)
    assert not panel.cut.isEnabled()
    assert "already; choose another folder" in panel.status.text()


def test_a_folder_that_cannot_be_looked_into_is_refused_while_its_name_is_typed(in_model, tmp_path, monkeypatch):
    add_field(in_model.viewer)
    panel = in_model()
    panel.form.folder.line.setText(str(tmp_path / ("a" * 300)))
    assert "cannot be looked into: File name too long; choose another folder" in panel.status.text()
    assert not panel.cut.isEnabled()
    panel.form.folder.line.setText("~nobody-of-this-name/cells")
    assert panel.status.text() == "Ready."
    closed = tmp_path / "closed"
    closed.mkdir()
    is_file = Path.is_file

    def refused(path):
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", refused)
    panel.form.folder.line.setText(str(closed))
    assert "closed cannot be looked into: Permission denied; choose another folder" in panel.status.text()


def test_cells_that_cannot_be_written_are_layers_all_the_same(in_model, to_end, tmp_path, monkeypatch, notes):
    def fail(self, folder):
        raise OSError("No space left on device")

    monkeypatch.setattr(cutting.CutCells, "save", fail)
    add_field(in_model.viewer)
    panel = in_model()
    panel.form.folder.set_path(tmp_path / "cells")
    to_end(panel, panel.cut)
    assert features_of(list(in_model.viewer.layers)[-1]) is not None
    assert "No space left" in panel.status.text()
    assert [severity for severity, _ in notes] == ["error"]


# -- stopping, closing


def test_stopping_while_cells_are_looked_for_keeps_the_fields_that_are_done(in_model, click, qtbot, monkeypatch):
    viewer = in_model.viewer
    add_series(viewer)
    panel = in_model()

    def stops_after_one(fields, config, should_stop):
        events = iterate_finding(fields, config, should_stop)
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return end.value
            yield event
            while event.field == "plate red[1]" and not should_stop():
                time.sleep(0.01)

    monkeypatch.setattr(cutting, "iterate_finding", stops_after_one)
    click(panel.cut)
    qtbot.waitUntil(lambda: panel.progress.text.text() == "segmenting plate red[1]", timeout=WAIT_MS)
    click(panel.stop)
    assert not panel.stop.isEnabled()
    wait_for_end(panel, qtbot)
    expected = cut_cells(FIELDS[0], progress=False)
    layer = list(viewer.layers)[-1]
    np.testing.assert_array_equal(layer.data, expected.cells.images[0][:, 1])
    assert "Stopped. Cut" in panel.status.text()
    assert "of 1 field." in panel.status.text()


def test_stopping_while_cells_are_cut_keeps_those_that_are(in_model, click, qtbot, monkeypatch):
    viewer = in_model.viewer
    add_series(viewer)
    panel = in_model()
    squares_of = crop.squares_of

    def slowly(*arguments):
        for number, square in enumerate(squares_of(*arguments)):
            yield square
            if number == 0:
                deadline = time.monotonic() + WAIT_MS / 1000
                while not panel.cutting.is_stopping and time.monotonic() < deadline:
                    time.sleep(0.01)

    monkeypatch.setattr(crop, "squares_of", slowly)
    click(panel.cut)
    qtbot.waitUntil(lambda: panel.progress.text.text().startswith("cutting"), timeout=WAIT_MS)
    click(panel.stop)
    wait_for_end(panel, qtbot)
    assert "Stopped. Cut" in panel.status.text()
    assert set(features_of(list(viewer.layers)[-1])["field"]) == {"plate red[0]"}


def test_closing_while_it_runs_leaves_a_viewer_that_works(viewer, qtbot, click):
    add_series(viewer)
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Cut cells")
    panel = dock.panel
    click(panel.look)
    wait_for_end(panel, qtbot)
    (layer,) = outlines(viewer)
    tip = layer._get_tooltip_text(np.array([1.0, *np.argwhere(np.asarray(layer.data[1]) > 0)[0] * 0.2]), world=True)
    assert "decision: " in tip
    assert "area: " in tip
    click(panel.cut)
    (wrapped,) = (each for name, each in viewer.window._wrapped_dock_widgets.items() if name.startswith("Cut cells"))
    wrapped.destroyOnClose()
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    assert list(progress._all_instances) == []
    assert [layer.name for layer in viewer.layers] == ["plate red", "plate green"]
    viewer.layers["plate red"].name = "what changes now is nothing to it"
    viewer.theme = "light"
    _, again = viewer.window.add_plugin_dock_widget("napari-biogans", "Cut cells")
    assert again.panel.cut.isEnabled()


def test_outlines_that_were_renamed_stay(in_model, to_end):
    viewer = in_model.viewer
    add_field(viewer)
    panel = in_model()
    to_end(panel)
    (layer,) = outlines(viewer)
    layer.name = "to be shown to others"
    to_end(panel)
    assert len(outlines(viewer)) == 1
    panel.close_down()
    assert layer in viewer.layers
    assert not outlines(viewer)
