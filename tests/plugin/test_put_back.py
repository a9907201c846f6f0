"""The dock Put into field, by clicks: cells come to lie where they were, in the viewer's own coordinates."""

import threading

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.utils import progress
from qtpy.QtCore import Qt, QThreadPool
from scipy import ndimage

from napari_biogans import CellsError, cut_cells, simulate_field
from napari_biogans.cells.finding import crop_corners
from napari_biogans.cells.tiles import pixels_of
from napari_biogans.plugin.cell_choice import ALL, CellChoice
from napari_biogans.plugin.cell_features import FieldRecord, features_of, with_features
from napari_biogans.plugin.cell_records import with_records
from napari_biogans.plugin.cell_stack import CellStack
from napari_biogans.plugin.field_target import empty_target, target_of
from napari_biogans.plugin.layer_data import cell_layers, channel_layers
from napari_biogans.plugin.own_layers import add_layers
from napari_biogans.plugin.put_back import PutBackDock
from napari_biogans.plugin.put_words import AROUND, EMPTY, OTHER, SOURCE
from napari_biogans.plugin.putting import window_around

from .conftest import SIZE, WAIT_MS

SIMULATED = simulate_field(20, shape=(400, 500), noise=0.2, seed=7, name="A-02")
OTHER_FIELD = simulate_field(12, shape=(400, 500), noise=0.2, seed=8, name="A-03").field
SCALE, PLACE = (0.2, 0.2), (30.0, -4.0)
UNITS = ("micrometer", "micrometer")
MADE = {1.0: {"height": 48, "width": 96}, 1.3: {"height": 64, "width": 128}}


@pytest.fixture(scope="module")
def cut():
    """Cells of one field or two, cut at a magnification; and the labels of the first."""
    known = {}

    def make(fields=(SIMULATED.field,), magnification=1.3, **settings):
        key = tuple(field.name for field in fields), magnification, tuple(settings.items())
        if key not in known:
            sizes = {**MADE[magnification], "magnification": magnification}
            result = cut_cells(list(fields), progress=False, **sizes, **settings)
            known[key] = result.cells, result.found.labels[0]
        return known[key]

    return make


def record(name="A-02", layers=("DNA", "GFP"), place=(), shape=(400, 500)):
    return FieldRecord(name, shape, layers, place, SCALE, PLACE, UNITS, 0.2)


def add_field(viewer, **settings):
    field = SIMULATED.field
    placing = {"scale": SCALE, "translate": PLACE, "units": UNITS, **settings}
    return [
        viewer.add_image(plane, name=name, colormap=colour, contrast_limits=(10, 240), **placing)
        for plane, name, colour in ((field.red, "DNA", "red"), (field.green, "GFP", "green"))
    ]


def add_cells(viewer, cells, records=None, name=None):
    fields = [record()] if records is None else records
    made = with_records(cell_layers(cells), cells.class_names[0], cells.channel_names, cells.intensity_range)
    made = with_features(made, cells.features[0], fields)
    if name is not None:
        made = [(data, {**keywords, "name": f"{name} {keywords['name']}"}, kind) for data, keywords, kind in made]
    return add_layers(viewer, made)


@pytest.fixture
def in_model(shown):
    """Open docks with a viewer that has no window."""
    viewer = ViewerModel()

    def open_dock():
        return shown(PutBackDock(viewer))

    open_dock.viewer = viewer
    return open_dock


@pytest.fixture
def to_end(click, qtbot):
    """Press the button, and give the layers that come of it."""

    def press(dock):
        before = list(dock._viewer.layers)
        click(dock.put)
        qtbot.waitUntil(lambda: not dock.work.is_running, timeout=WAIT_MS)
        assert list(progress._all_instances) == []
        assert all(layer in dock._viewer.layers for layer in before), "nothing that was made is lost"
        return [layer for layer in dock._viewer.layers if layer not in before]

    return press


def correlations(layer, field_layer, labels, names):
    """Correlate what two layers show at the same places of the viewer, within each cell."""
    found = []
    for label in names:
        inside = np.argwhere(ndimage.binary_erosion(labels == label, iterations=2))
        assert len(inside) > 50
        lead = [0] * (layer.ndim - 2)
        world = np.array([layer.data_to_world([*lead, *pixel]) for pixel in inside])
        place = np.array([field_layer.world_to_data(point) for point in world]).round().astype(int)
        mine = np.asarray(layer.data)[(*(0 for _ in lead), *inside.T)]
        there = np.asarray(field_layer.data)[tuple(place.T)]
        found.append(np.corrcoef(mine.astype(float), there.astype(float))[0, 1])
    return np.array(found)


def seen(dock, qtbot, text):
    qtbot.waitUntil(lambda: text in dock.form.told.text(), timeout=WAIT_MS)


# -- cells lie on themselves


@pytest.mark.parametrize("magnification", list(MADE))
@pytest.mark.parametrize("into", [SOURCE, EMPTY])
def test_cells_lie_on_themselves(in_model, cut, to_end, magnification, into):
    viewer = in_model.viewer
    cells, labels = cut(magnification=magnification)
    field = add_field(viewer)
    add_cells(viewer, cells)
    dock = in_model()
    assert dock.form.into.get() == SOURCE, "the field is still there"
    dock.form.into.set(into)
    added = to_end(dock)
    assert [layer.name for layer in added] == ["A-02 nucleus red", "A-02 nucleus green"]
    for layer, source in zip(added, field, strict=True):
        np.testing.assert_allclose(layer.extent.world, source.extent.world)
        assert layer.units == source.units
        assert layer.colormap.name == source.colormap.name
        found = correlations(layer, source, labels, cells.features[0]["label"])
        assert len(found) > 10
        assert np.median(found) > 0.99
        outside = labels == 0
        if into == SOURCE:
            far = ndimage.binary_erosion(outside, iterations=12)
            np.testing.assert_array_equal(layer.data[far], source.data[far])
        else:
            assert (layer.data[outside] == 0).mean() > 0.7
    assert [layer.blending for layer in added] == ["opaque", "additive"]
    known = added[0].metadata["biogans"]
    assert known["cells"] == tuple(range(len(cells)))
    pd.testing.assert_frame_equal(known["features"], cells.features[0])
    assert dock.form.layers.chosen() != added
    assert features_of(added[0]) is None, "a field is no stack of cells"


def test_one_cell_is_put_at_its_place_only(in_model, cut, to_end, qtbot):
    viewer = in_model.viewer
    cells, labels = cut()
    add_field(viewer)
    add_cells(viewer, cells)
    dock = in_model()
    dock.form.into.set(EMPTY)
    dock.form.choice.way.set("current")
    viewer.dims.set_point(0, 4)
    qtbot.waitUntil(lambda: "cell 4 of" in dock.form.choice.text.text(), timeout=WAIT_MS)
    seen(dock, qtbot, "1 cell into")
    red, _ = to_end(dock)
    cell = cells.features[0].iloc[4]
    middle = ndimage.center_of_mass(red.data)
    assert middle == pytest.approx((cell["y"], cell["x"]), abs=1.5)
    np.testing.assert_allclose(
        red.data_to_world(middle), np.multiply(middle, SCALE) + PLACE, err_msg="in the viewer's coordinates"
    )
    mine = ndimage.binary_dilation(labels == cell["label"], iterations=8)
    assert not red.data[~mine].any()
    assert red.metadata["biogans"]["cells"] == (4,)


@pytest.mark.parametrize(("count", "said"), [(1, "the only cell"), (3, "all 3 cells")])
def test_how_many_all_are_is_told(qtbot, count, said):
    viewer = ViewerModel()
    choice = CellChoice(viewer)
    qtbot.addWidget(choice)
    choice.way.set(ALL)
    choice.show_stack(CellStack(viewer.add_image(np.zeros((count, 48, 80))), 0))
    assert choice.text.text() == said
    choice.disconnect_all()


def test_labels_give_true_outlines(in_model, cut, to_end, qtbot):
    viewer = in_model.viewer
    cells, labels = cut()
    add_field(viewer)
    add_cells(viewer, cells)
    viewer.add_labels(labels, name="outlines", scale=SCALE, translate=PLACE)
    viewer.add_labels(labels, name="ours", metadata={"biogans": {"shows": "outlines of found cells"}})
    dock = in_model()
    texts = [dock.form.labels.itemText(row) for row in range(dock.form.labels.count())]
    assert texts == ["ellipses", "outlines"]
    dock.form.labels.set(viewer.layers["outlines"])
    dock.form.settings.set_values({"margin": 0, "softness": 0})
    dock.form.into.set(EMPTY)
    red, _ = to_end(dock)
    kept = np.isin(labels, cells.features[0]["label"])
    assert (red.data[kept] > 0).mean() > 0.99
    assert not red.data[~kept].any()
    dock.form.settings.set_values({"part": "image"})
    qtbot.waitUntil(lambda: not dock.form.labels.isEnabled(), timeout=WAIT_MS)
    whole, _ = to_end(dock)
    assert (whole.data > 0).mean() > 2 * (red.data > 0).mean()


def test_a_field_of_a_series_gets_its_layers_in_its_slice(in_model, cut, to_end, qtbot):
    viewer = in_model.viewer
    cells, labels = cut((SIMULATED.field, OTHER_FIELD))
    stacks = [np.stack([SIMULATED.field.red * 0, SIMULATED.field.red, OTHER_FIELD.red])]
    stacks.append(np.stack([SIMULATED.field.green * 0, SIMULATED.field.green, OTHER_FIELD.green]))
    for name, stack in zip(("DNA", "GFP"), stacks, strict=True):
        viewer.add_image(stack, name=name, scale=(2, *SCALE), translate=(5, *PLACE))
    add_cells(viewer, cells, [record("A-02", place=(1,)), record("A-03", place=(2,))])
    dock = in_model()
    viewer.dims.set_point(0, 0)
    counts = cells.features[0]["field"].value_counts()
    texts = [dock.form.field.itemText(row) for row in range(dock.form.field.count())]
    assert texts == [f"A-02 ({counts['A-02']} cells)", f"A-03 ({counts['A-03']} cells)"]
    assert "DNA, GFP, slice 1" in dock.form.told.text()
    red, _ = to_end(dock)
    assert red.data.shape == (1, 400, 500)
    np.testing.assert_allclose(red.data_to_world([0, 0, 0]), (7, *PLACE))
    mine = cells.features[0].query("field == 'A-02'")["label"]
    assert np.median(correlations(red, viewer.layers["DNA"], labels, mine)) > 0.99
    assert f"{counts['A-03']} cells, of other fields" in dock.status.text()
    assert "press Find" in dock.status.text()
    viewer.dims.set_point(0, 0)
    viewer.scene.camera.zoom = 1e-3
    dock.go.click()
    assert viewer.scene.camera.zoom > 0.1, "the cells are seen"
    mine = cells.features[0].query("field == 'A-02'")
    extent = np.ptp(crop_corners(mine, cells.size).reshape(-1, 2), axis=0) * SCALE
    for before, part in ((1e-3, 0.3), (1e3, 0.9)):
        viewer.scene.camera.zoom = before
        dock.go.click()
        taken = max(extent * viewer.scene.camera.zoom / viewer.canvas.size)
        assert taken == pytest.approx(part, abs=1e-3), "all cells are seen, and not tiny"
    viewer.scene.camera.zoom = between = 0.6 * min(viewer.canvas.size / extent)
    dock.go.click()
    assert viewer.scene.camera.zoom == pytest.approx(between), "somebody likes it so"
    assert "press Find" not in dock.status.text()
    assert dock.status.text().startswith("Put ")
    assert viewer.dims.point[0] == pytest.approx(7)
    world = red.data_to_world([0, 200, 250])
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], world[1:], atol=15)
    dock.form.field.set("A-03")
    seen(dock, qtbot, "slice 2")
    other, _ = to_end(dock)
    np.testing.assert_allclose(other.data_to_world([0, 0, 0]), (9, *PLACE))


def test_a_field_in_one_layer_is_seen_at_all_its_channels(in_model, cut, to_end):
    viewer = in_model.viewer
    cells, labels = cut()
    both = np.stack([SIMULATED.field.red, SIMULATED.field.green])
    (layer,) = [viewer.add_image(both, name="both", scale=(1, *SCALE), axis_labels=("channel", "y", "x"))]
    add_cells(viewer, cells, [record(layers=("both",), place=(0,))])
    dock = in_model()
    red, green = to_end(dock)
    assert red.data.shape == (2, 400, 500)
    np.testing.assert_allclose(red.extent.world, layer.extent.world)
    inside = ndimage.binary_erosion(np.isin(labels, cells.features[0]["label"]), iterations=2)
    for made, plane in ((red, both[0]), (green, both[1])):
        assert np.corrcoef(made.data[1][inside], plane[inside])[0, 1] > 0.99


def test_only_the_part_around_the_cells(in_model, cut, to_end, monkeypatch):
    viewer = in_model.viewer
    cells, labels = cut()
    field = add_field(viewer, rotate=30)
    add_cells(viewer, cells.subset(indices=[[3, 5]]))
    dock = in_model()
    dock.form.area.set(AROUND)
    red, _ = to_end(dock)
    assert red.data.size < 0.9 * field[0].data.size
    names = cells.features[0]["label"].iloc[[3, 5]]
    world = [red.data_to_world(pixel) for pixel in np.argwhere(red.data >= 0)[:: red.data.size // 50]]
    for point in world:
        there = field[0].world_to_data(point)
        np.testing.assert_allclose(there, np.round(there), atol=1e-6)
    for label in names:
        inside = np.argwhere(ndimage.binary_erosion(labels == label, iterations=2))
        places = [red.world_to_data(field[0].data_to_world(pixel)) for pixel in inside]
        mine = red.data[tuple(np.array(places).round().astype(int).T)]
        assert np.corrcoef(mine, field[0].data[tuple(inside.T)])[0, 1] > 0.98
    monkeypatch.setattr("napari_biogans.plugin.put_form.LARGE", 100_000)
    dock.form.area.set("automatic")
    assert "400×500" not in dock.form.told.text(), "a large field is not made as a whole unless it is asked for"
    dock.form.area.set("whole")
    assert "400×500" in dock.form.told.text()


# -- where the field is not known any more


def test_without_the_layers_there_is_an_empty_field(in_model, cut, to_end, qtbot):
    viewer = in_model.viewer
    cells, _ = cut()
    layers = add_field(viewer)
    add_cells(viewer, cells)
    dock = in_model()
    viewer.layers.remove(layers[0])
    seen(dock, qtbot, "an empty field")
    assert dock.form.into.findText("the layers they are from") == -1
    red, _ = to_end(dock)
    np.testing.assert_allclose(red.extent.world, layers[1].extent.world)
    other = viewer.add_image(np.zeros((30, 30), np.uint8), name="DNA")
    seen(dock, qtbot, "an empty field")
    viewer.layers.remove(other)
    viewer.add_layer(layers[0])
    seen(dock, qtbot, "DNA, GFP")
    assert dock.form.into.get() == SOURCE


def test_cells_of_files_that_know_no_shape(in_model, cut, to_end):
    cells, _ = cut()
    add_cells(in_model.viewer, cells, [])
    dock = in_model()
    assert "as large as these cells need" in dock.form.told.text()
    red, _ = to_end(dock)
    np.testing.assert_allclose(red.scale, SCALE)
    assert [str(unit) for unit in red.units] == list(UNITS)
    bottom = cells.features[0]["y"].max()
    assert bottom < red.data.shape[0] < bottom + 100
    assert red.name == "A-02 nucleus red"


def test_other_layers(in_model, cut, to_end, qtbot):
    viewer = in_model.viewer
    cells, _ = cut()
    fields = [np.full((3, 400, 500), value, np.uint8) for value in (7, 9)]
    dark = [viewer.add_image(data, name=name) for data, name in zip(fields, ("one", "two"), strict=True)]
    add_cells(viewer, cells, [])
    dock = in_model()
    dock.form.into.set(OTHER)
    assert not dock.put.isEnabled()
    assert dock.put.toolTip() == dock.status.text() == "Choose the layer that holds red of the field."
    dock.form.red.choose(dark[0])
    assert "green of the field" in dock.put.toolTip()
    dock.form.green.choose(dark[1])
    viewer.dims.set_point(0, 2)
    seen(dock, qtbot, "one, two, slice 2")
    dark[0].name = "renamed"
    seen(dock, qtbot, "renamed, two, slice 2")
    red, green = to_end(dock)
    assert (red.name, red.data.shape) == ("renamed nucleus red", (1, 400, 500))
    assert (red.data.min(), green.data.min()) == (7, 9)
    assert red.data_to_world([0, 0, 0])[0] == 2


# -- what models make


def test_generated_cells_take_the_places_of_real_ones(in_model, cut, to_end, qtbot):
    viewer = in_model.viewer
    cells, _ = cut()
    add_field(viewer)
    reals = add_cells(viewer, cells)
    drawn = np.full((2, 3, *cells.size), 200, np.uint8)
    layers = channel_layers(drawn, ["drawn red", "drawn green"], metadata={"latents": None, "shows": "drawn"})
    made = add_layers(viewer, layers)
    dock = in_model()
    dock.form.into.set(EMPTY)
    dock.form.layers.choose(made)
    assert "made without a real one" in dock.put.toolTip()
    assert not dock.put.isEnabled()
    assert dock.form.places.isVisibleTo(dock)
    dock.form.places.set(reals[0])
    red, _ = to_end(dock)
    assert red.name == "A-02 drawn red"
    numbered, count = ndimage.label(red.data > 100)
    assert count == 3
    middles = np.array(ndimage.center_of_mass(red.data > 100, numbered, [1, 2, 3]))
    wanted = cells.features[0][["y", "x"]].to_numpy()[:3]
    np.testing.assert_allclose(middles[np.argsort(middles[:, 0])], wanted[np.argsort(wanted[:, 0])], atol=0.5)
    more = viewer.add_image(np.full((60, *cells.size), 200, np.uint8), name="many red")
    qtbot.waitUntil(lambda: more in dock.form.layers._layers, timeout=WAIT_MS)
    dock.form.layers.choose([more])
    to_end(dock)
    assert f"{60 - len(cells)} cells, for which this field has no place" in dock.status.text()


def test_means_of_all_classes_get_the_brightness_of_the_field(in_model, cut, to_end):
    viewer = in_model.viewer
    cells, labels = cut(normalisation="field", low_percentile=0, high_percentile=100)
    field = add_field(viewer)
    about = {"shows": "mean of greens", "dtype": "uint8"}
    means = cells.images[0][:, 1].astype(np.float32) + 0.2
    made = [
        layer
        for name, colour in (("Tea1", "magenta"), ("Alp14", "cyan"))
        for layer in channel_layers(means[None], [f"{name} mean"], colormaps=(colour,), metadata=about)
    ]
    add_layers(viewer, with_features(made, cells.features[0], [record()]))
    dock = in_model()
    assert [layer.name for layer in dock.form.layers.chosen()] == ["Tea1 mean", "Alp14 mean"]
    added = to_end(dock)
    assert [layer.name for layer in added] == ["A-02 Tea1 mean", "A-02 Alp14 mean"]
    assert [layer.visible for layer in added] == [True, False], "one would cover the other"
    assert [layer.colormap.name for layer in added] == [layer.colormap.name for layer in viewer.layers[2:4]]
    inside = ndimage.binary_erosion(np.isin(labels, cells.features[0]["label"]), iterations=2)
    for layer in added:
        assert layer.data.dtype == np.uint8
        assert np.abs(layer.data[inside].astype(float) - field[1].data[inside]).mean() < 3
        assert tuple(layer.contrast_limits) == (10, 240), "brightness is that of the field again"


def test_real_cells_in_one_layer_give_two(in_model, cut, to_end):
    viewer = in_model.viewer
    cells, labels = cut()
    field = add_field(viewer)
    layer = (cells.images[0], {"name": "cells", "metadata": {}}, "image")
    add_layers(viewer, with_features([layer], cells.features[0], [record()]))
    red, green = to_end(in_model())
    assert (red.name, green.name) == ("A-02 cells red", "A-02 cells green")
    for layer, source in zip((red, green), field, strict=True):
        assert np.median(correlations(layer, source, labels, cells.features[0]["label"])) > 0.99


@pytest.mark.parametrize("what", ["start", "classes"])
def test_what_reconstruct_makes_goes_back_by_its_button(viewer, class_run, click, qtbot, what):
    run, rng = class_run(), np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "source": "x.tif",
            "index": 0,
            "field": "A-02",
            "label": range(1, 7),
            "y": np.linspace(30, 270, 6),
            "x": np.linspace(30, 270, 6),
            "angle": 40.0,
            "scale": 1.0,
            "length": 10.0,
            "width": 6.0,
        }
    )
    planes = rng.integers(5, 20, (2, 300, 300), dtype=np.uint8)
    for name, plane in zip(("DNA", "GFP"), planes, strict=True):
        viewer.add_image(plane, name=name, scale=SCALE, translate=PLACE)
    pixels = rng.integers(0, 255, (2, 6, *SIZE), dtype=np.uint8)
    made = channel_layers(pixels, ["Tea1 red", "Tea1 green"])
    made = [(data, {**keywords, "metadata": {}}, kind) for data, keywords, kind in made]
    add_layers(viewer, with_features(made, table, [record(shape=(300, 300))]))
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Reconstruct")
    qtbot.waitUntil(lambda: dock.panel is not None, timeout=WAIT_MS)
    panel = dock.panel
    panel.form.settings.set_values({"steps": 3, "device": "cpu"})
    panel.form.model.box.add(run)
    qtbot.waitUntil(lambda: panel.form.model.facts is not None, timeout=WAIT_MS)
    assert panel.put.toolTip() == "There is no result yet."
    viewer.dims.set_point(0, 3)
    qtbot.waitUntil(lambda: "cell 3 of" in panel.form.choice.text.text(), timeout=WAIT_MS)
    qtbot.waitUntil(getattr(panel, what).isEnabled, timeout=WAIT_MS)
    click(getattr(panel, what))
    qtbot.waitUntil(lambda: not panel.search.is_running, timeout=WAIT_MS)
    click(panel.put)
    put = viewer.window.dock_widgets["Put into field (BioGANs)"]
    click(panel.put)
    assert [each for each in viewer.window.dock_widgets.values() if isinstance(each, PutBackDock)] == [put]
    names = [layer.name for layer in put.form.layers.chosen()]
    wanted = ["rebuilt red", "rebuilt green"] if what == "start" else ["Alp14 mean", "Arp3 mean", "Tea1 mean"]
    assert names == wanted
    assert "1 cell into DNA, GFP" in put.form.told.text()
    before = list(viewer.layers)
    click(put.put)
    qtbot.waitUntil(lambda: not put.work.is_running, timeout=WAIT_MS)
    added = [layer for layer in viewer.layers if layer not in before]
    assert [layer.name for layer in added] == [f"A-02 {name}" for name in wanted]
    changed = np.argwhere(added[0].data != (planes[0] if what == "start" else planes[1]))
    y, x = table.loc[3, ["y", "x"]]
    assert np.abs(changed.mean(axis=0) - (y, x)).max() < 2
    assert np.abs(changed - (y, x)).max() < 15
    drawn = viewer.layers[wanted[0]].data
    middle = added[0].data[round(y), round(x)]
    assert middle == pytest.approx(float(drawn[0, 5:7, 5:7].mean()), abs=60)


# -- what can go wrong


def test_without_cells_it_says_where_they_come_from(in_model, qtbot, pixels):
    dock = in_model()
    assert not dock.put.isEnabled()
    assert "cut them from fields" in dock.put.toolTip()
    assert dock.status.text() == dock.put.toolTip()
    in_model.viewer.add_image(pixels[:, 0], name="Tea1 red")
    qtbot.wait(100)
    assert "cut them from fields" in dock.put.toolTip()
    assert dock.go.toolTip() == "Nothing was put into a field yet."


def test_layers_of_different_cells_are_refused(in_model, cut, qtbot):
    viewer = in_model.viewer
    cells, _ = cut()
    reals = add_cells(viewer, cells)
    fewer = add_cells(viewer, cells.subset(indices=[[1, 2]]), name="fewer")
    moved = add_cells(viewer, cells.subset(indices=[list(range(len(cells)))[::-1]]), name="moved")
    dock = in_model()
    for chosen, reason in (
        ([reals[0], fewer[1]], "show different cells"),
        ([reals[0], moved[1]], "at different places"),
        ([], "Check the layers"),
    ):
        dock.form.layers.choose(chosen)
        assert reason in dock.put.toolTip()
        assert not dock.put.isEnabled()
    dock.form.layers.choose([reals[1]])
    assert dock.put.isEnabled()
    dock.form.settings.set_values({"margin": -1})
    assert dock.put.toolTip().startswith("Margin: ")


def test_the_list_follows_layers(in_model, cut, qtbot):
    viewer = in_model.viewer
    cells, _ = cut()
    red, green = add_cells(viewer, cells)
    dock = in_model()
    red.name = "another"
    qtbot.waitUntil(lambda: dock.form.layers.item(0).text() == "another", timeout=WAIT_MS)
    assert dock.form.layers.chosen() == [red, green]
    viewer.layers.remove(green)
    qtbot.waitUntil(lambda: dock.form.layers.chosen() == [red], timeout=WAIT_MS)
    dock.form.layers.setCurrentRow(0)
    dock.form.layers.setFocus()
    qtbot.keyClick(dock.form.layers, Qt.Key.Key_Space)
    assert dock.form.layers.chosen() == [], "by the keyboard"
    viewer.layers.clear()
    qtbot.waitUntil(lambda: "cut them from fields" in dock.put.toolTip(), timeout=WAIT_MS)


@pytest.fixture
def slow(monkeypatch):
    """Let a field be made tile by tile, each after a word."""
    go = threading.Semaphore(0)
    monkeypatch.setattr("napari_biogans.cells.place.TILE", 100)

    def waiting(plane, there):
        assert go.acquire(timeout=10)
        return pixels_of(plane, there)

    monkeypatch.setattr("napari_biogans.cells.place.pixels_of", waiting)
    yield go
    go.release(1000)


def test_what_is_done_when_it_is_stopped_is_shown(in_model, cut, click, qtbot, slow):
    viewer = in_model.viewer
    cells, _ = cut()
    field = add_field(viewer)
    add_cells(viewer, cells)
    dock = in_model()
    click(dock.put)
    assert "already" in dock.put.toolTip()
    assert not dock.form.isEnabled()
    slow.release(10)
    qtbot.waitUntil(lambda: dock.progress.bar.value() >= 200, timeout=WAIT_MS)
    click(dock.stop)
    slow.release(1000)
    qtbot.waitUntil(lambda: not dock.work.is_running, timeout=WAIT_MS)
    assert "Stopped: " in dock.status.text()
    assert "the rest is dark" in dock.status.text()
    red = viewer.layers["A-02 nucleus red"]
    assert red.data[:100].any()
    assert not red.data[-100:].any()
    np.testing.assert_array_equal(field[0].data, SIMULATED.field.red)
    assert dock.put.isEnabled()


def test_closing_ends_it(in_model, cut, click, qtbot, slow):
    viewer = in_model.viewer
    cells, _ = cut()
    add_field(viewer)
    add_cells(viewer, cells)
    dock = in_model()
    before = len(viewer.layers)
    click(dock.put)
    dock.close_down()
    slow.release(1000)
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    qtbot.wait(50)
    assert len(viewer.layers) == before


def test_an_error_is_told_once(in_model, cut, to_end, notes, monkeypatch):
    cells, _ = cut()
    add_cells(in_model.viewer, cells)
    dock = in_model()
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("", (), {"available": 1000}))
    assert to_end(dock) == []
    errors = [text for kind, text in notes if kind == "error"]
    assert len(errors) == 1
    assert "choose the area around the cells" in errors[0]
    assert dock.status.text() == errors[0]
    assert dock.put.isEnabled()


def test_cells_outside_of_a_field_are_refused(in_model, cut):
    viewer = in_model.viewer
    cells, _ = cut()
    small = [viewer.add_image(np.zeros((20, 20), np.uint8), name=name) for name in ("a", "b")]
    add_cells(viewer, cells.subset(indices=[[int(cells.features[0]["y"].argmax())]]))
    dock = in_model()
    dock.form.into.set(OTHER)
    dock.form.red.choose(small[0])
    dock.form.green.choose(small[1])
    assert "outside of this field" in dock.put.toolTip()


def test_targets_need_what_they_were():
    class Layer:
        name, rgb, multiscale = "DNA", False, False

        def __init__(self, shape):
            self.data = np.zeros(shape, np.uint8)

    known = record(layers=("DNA",), place=(5,), shape=(4, 4))
    assert target_of(known, [Layer((2, 4, 4))]) is None
    assert target_of(known, [Layer((9, 4, 5))]) is None
    assert target_of(record(layers=()), []) is None
    nowhere = empty_target("f", None, pd.DataFrame({"y": [0.0]}), np.zeros((1, 4, 2)), True)
    assert (nowhere.shape, nowhere.placing) == ((1, 1), {})
    beyond = pd.DataFrame({"y": [90.0], "x": [5.0], "angle": [0.0], "scale": [1.0]})
    with pytest.raises(CellsError, match="outside of this field"):
        window_around(beyond, (8, 8), (20, 20))
