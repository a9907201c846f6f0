"""The dock Reconstruct, by clicks: its panel without a window, and in a real viewer."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils import progress
from qtpy.QtCore import QThreadPool, QTimer

from napari_biogans import CellSet, load_model, write_cells
from napari_biogans.latent.completions import ASSUMPTION
from napari_biogans.latent.search import LatentSearch
from napari_biogans.plugin.key_cells import key_cells_of
from napari_biogans.plugin.progress_view import PARTS
from napari_biogans.plugin.reconstruct_panel import ReconstructPanel

from .conftest import SIZE, WAIT_MS

QUICK = {"steps": 3, "device": "cpu"}
ENDLESS = {"steps": 1_000_000, "starts": 1, "protocol": "paper"}
SCALE, PLACE = (2, 0.2, 0.2), (10, 3, 3)
CELLS = 16
COLOURS = ("red", "green")


@pytest.fixture
def stack():
    return np.random.default_rng(1).integers(0, 255, (CELLS, 2, *SIZE), dtype=np.uint8)


def add_cells(viewer, stack, name="Tea1", **keywords):
    keywords = {"scale": SCALE, "translate": PLACE, **keywords}
    return [viewer.add_image(stack[:, c], name=f"{name} {colour}", **keywords) for c, colour in enumerate(COLOURS)]


@pytest.fixture
def in_model(shown, qtbot, stack):
    """Open panels with a viewer that has no window."""
    viewer = ViewerModel()

    def open_panel(run=None, **settings):
        panel = ReconstructPanel(viewer)
        panel.form.settings.set_values({**QUICK, **settings})
        shown(panel)
        if run is not None:
            panel.form.model.box.add(run)
            qtbot.waitUntil(lambda: panel.form.model.facts is not None, timeout=WAIT_MS)
        return panel

    open_panel.viewer = viewer
    return open_panel


@pytest.fixture
def to_end(click, qtbot):
    """Press a button, and wait until the search is over."""

    def press(panel, button=None):
        click(button or panel.start)
        assert "already" in panel.start.toolTip()
        qtbot.waitUntil(lambda: not panel.search.is_running, timeout=WAIT_MS)

    return press


def go_to(viewer, place):
    viewer.dims.set_point(0, PLACE[0] + SCALE[0] * place)


def seen(panel, qtbot, text):
    qtbot.waitUntil(lambda: text in panel.form.choice.text.text(), timeout=WAIT_MS)


def rows_of(table):
    return [[table.item(i, j).text() for j in range(table.columnCount())] for i in range(table.rowCount())]


def added(viewer):
    return {layer.name: layer for layer in viewer.layers if "biogans" in layer.metadata}


# -- which cells


def test_the_cell_at_the_slider_is_rebuilt_beside_its_stack(in_model, class_run, stack, to_end, qtbot, notes):
    viewer, run = in_model.viewer, class_run()
    red, _ = add_cells(viewer, stack)
    panel = in_model(run)
    assert panel.form.class_name.currentText() == "Tea1", "it is in the names of the layers"
    go_to(viewer, 5)
    seen(panel, qtbot, f"cell 5 of {CELLS}")
    to_end(panel)
    layers = added(viewer)
    assert list(layers) == [
        "target red",
        "target green",
        "rebuilt red",
        "rebuilt green",
        "difference red",
        "difference green",
    ]
    np.testing.assert_array_equal(layers["target green"].data, stack[5:6, 1])
    (cell,) = key_cells_of(layers["rebuilt green"])
    again = load_model(run).generate(latents=cell.latent[None], classes=["Tea1"])
    np.testing.assert_array_equal(again[0, :, 1], layers["rebuilt green"].data)
    assert (cell.model, cell.class_name) == (run, "Tea1")
    known = layers["rebuilt red"].metadata["biogans"]
    assert (known["source"], known["cells"]) == ("Tea1 red", (5,))
    # In the slice of its cell, as large as it, to the right of it, one column after the other.
    ends = [red.extent.world[1, 2]]
    for name in ("target red", "rebuilt red", "difference red", "difference green"):
        extent = layers[name].extent.world
        assert red.world_to_data(extent[0])[0] == pytest.approx(5)
        assert tuple(layers[name].scale) == SCALE
        assert extent[0, 1] == pytest.approx(red.extent.world[0, 1])
        assert extent[0, 2] > ends[-1]
        ends.append(extent[1, 2])
    (row,) = rows_of(panel.results.table)
    assert (row[0], row[-1]) == ("5", "Tea1")
    unit = [layers[f"rebuilt {c}"].data / 255 - layers[f"target {c}"].data / 255 for c in COLOURS]
    assert float(row[1]) == pytest.approx(np.sqrt(np.square(unit).mean()), abs=6e-4)
    assert float(row[3]) == pytest.approx(np.sqrt(np.square(unit[0]).mean()), abs=6e-4)
    assert panel.status.text() == f"Rebuilt cell 5: RMSE {row[1]}."
    assert not notes
    assert list(progress._all_instances) == []


def test_differences_diverge_from_zero_by_the_same_colours(in_model, class_run, stack, to_end):
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run())
    to_end(panel)
    layers = added(in_model.viewer)
    reds, greens = (layers[f"difference {c}"] for c in COLOURS)
    assert tuple(reds.contrast_limits) == tuple(greens.contrast_limits), "both ranges are 0 to 255"
    low, high = reds.contrast_limits
    assert low == -high
    assert high == pytest.approx(max(np.abs(layer.data).max() for layer in (reds, greens)), rel=1e-5)
    for layer, colour in ((reds, "red"), (greens, "green")):
        difference = layers[f"rebuilt {colour}"].data.astype(float) - layers[f"target {colour}"].data
        np.testing.assert_allclose(layer.data, difference)
        assert layer.blending == "opaque"
        assert layer.colormap.name == "PuOr"
    for colour in COLOURS:
        limits = [tuple(layers[f"{part} {colour}"].contrast_limits) for part in ("target", "rebuilt")]
        assert limits[0] == limits[1], "they are to be compared"


def point_of(place):
    return (PLACE[0] + SCALE[0] * place, 4, 4)


def select_points(viewer):
    points = viewer.add_points([point_of(3), point_of(0), point_of(7), point_of(7)], scale=(1, 1, 1))
    points.selected_data = {0, 2, 3}
    return points


def select_shapes(viewer):
    # In coordinates of its own.
    boxes = [np.array([(place, 2, 2), (place, 2, 6), (place, 6, 6), (place, 6, 2)]) for place in (3, 5, 7)]
    shapes = viewer.add_shapes(boxes, shape_type="rectangle", scale=SCALE, translate=PLACE)
    shapes.selected_data = {0, 2}
    return shapes


def select_label(viewer):
    labels = np.zeros((CELLS, *SIZE), int)
    labels[3, 2:4] = labels[7, 5:] = 4
    labels[6] = 2
    layer = viewer.add_labels(labels, scale=SCALE, translate=PLACE)
    layer.selected_label = 4
    return layer


@pytest.mark.parametrize("select", [select_points, select_shapes, select_label])
def test_cells_with_something_selected_on_them(in_model, class_run, stack, to_end, qtbot, select):
    viewer = in_model.viewer
    add_cells(viewer, stack)
    panel = in_model(class_run())
    panel.form.choice.way.set("selected")
    assert panel.status.text().startswith("Select points or shapes")
    assert panel.start.toolTip() == panel.status.text()
    assert not panel.start.isEnabled()
    layer = select(viewer)
    seen(panel, qtbot, f"2 selected cells of {CELLS}")
    to_end(panel)
    layers = added(viewer)
    np.testing.assert_array_equal(layers["target red"].data, stack[[3, 7], 0])
    assert len(key_cells_of(layers["rebuilt red"])) == 2
    assert "slices of their own" in panel.status.text()
    assert viewer.layers.selection.active is layer, "its selection still counts"
    # The slider goes to the first of the new slices, and a click on a row to its cell.
    rebuilt = layers["rebuilt red"]
    assert rebuilt.world_to_data(viewer.dims.point)[0] == pytest.approx(0)
    red = viewer.layers["Tea1 red"]
    assert red.world_to_data(viewer.dims.point)[0] == pytest.approx(CELLS), "it is not beside another cell"
    panel.results.table.cellClicked.emit(1, 0)
    assert rebuilt.world_to_data(viewer.dims.point)[0] == pytest.approx(1)


def test_the_selection_is_told_as_it_changes(in_model, class_run, stack, qtbot):
    viewer = in_model.viewer
    add_cells(viewer, stack)
    panel = in_model(class_run())
    panel.form.choice.way.set("selected")
    points = viewer.add_points([point_of(3), point_of(8), point_of(99)])
    points.selected_data = {0}
    seen(panel, qtbot, "cell 3 of")
    points.selected_data = {0, 1}
    seen(panel, qtbot, "2 selected cells")
    points.selected_data = {2}
    seen(panel, qtbot, "beyond the cells")
    viewer.layers.remove(points)
    seen(panel, qtbot, "Select points or shapes")
    flat = viewer.add_points([(4, 4)])
    flat.selected_data = {0}
    seen(panel, qtbot, "has 2 axes")


def test_all_cells_and_a_click_on_a_row(in_model, class_run, stack, to_end):
    viewer = in_model.viewer
    add_cells(viewer, stack)
    panel = in_model(class_run())
    panel.form.choice.way.set("all")
    to_end(panel)
    np.testing.assert_array_equal(added(viewer)["target red"].data, stack[:, 0])
    table = panel.results.table
    assert [row[0] for row in rows_of(table)] == [str(place) for place in range(CELLS)]
    table.sortByColumn(1, table.horizontalHeader().sortIndicatorOrder().DescendingOrder)
    errors = [float(row[1]) for row in rows_of(table)]
    assert errors == sorted(errors, reverse=True)
    worst = int(rows_of(table)[0][0])
    table.cellClicked.emit(0, 0)
    assert viewer.layers["Tea1 red"].world_to_data(viewer.dims.point)[0] == pytest.approx(worst)
    assert panel.results.plot.line.value() == pytest.approx(errors[0], abs=6e-4)
    assert f"less than that of 0 of the {CELLS - 1} other cells" in panel.results.plot.text.text()


def test_one_layer_with_a_channel_axis(in_model, class_run, stack, to_end, qtbot):
    viewer = in_model.viewer
    viewer.add_image(stack, name="Arp3")
    panel = in_model(class_run())
    viewer.dims.set_point(0, 4)
    seen(panel, qtbot, "cell 4 of")
    to_end(panel)
    target = added(viewer)["target green"]
    for channel in (0, 1):  # it is seen whichever channel is
        np.testing.assert_array_equal(target.data[:, channel], stack[4:5, 1])
    assert target.extent.world[0, 0] == pytest.approx(4)
    assert viewer.dims.point[:2] == (4, 0)
    panel.form.choice.way.set("all")
    to_end(panel)
    panel.results.table.cellClicked.emit(11, 0)
    assert viewer.dims.point[:2] == (11, 0)
    assert panel.form.class_name.get() == "Arp3"


# -- what it is compared with


def test_where_a_cell_stands_is_told_when_others_were_rebuilt(in_model, class_run, stack, to_end, qtbot):
    viewer = in_model.viewer
    add_cells(viewer, stack)
    panel = in_model(class_run())
    go_to(viewer, 2)
    seen(panel, qtbot, "cell 2 of")
    to_end(panel)
    plot = panel.results.plot
    assert not plot.plot.isVisible()
    assert "among 10 cells or more" in plot.text.text()
    before = {name: layer.data for name, layer in added(viewer).items()}
    to_end(panel, plot.others)
    assert [row[0] for row in rows_of(panel.results.table)] == [str(place) for place in range(CELLS)]
    assert {name: layer.data for name, layer in added(viewer).items()} == before, "they get no layers"
    assert plot.plot.isVisible()
    assert not plot.others.isVisible()
    assert plot.bars.opts["height"].sum() == CELLS
    errors = {int(row[0]): float(row[1]) for row in rows_of(panel.results.table)}
    assert plot.line.value() == pytest.approx(errors[2], abs=6e-4)
    go_to(viewer, 9)
    assert plot.line.value() == pytest.approx(errors[9], abs=6e-4)
    # A click on one without layers shows it in place of the other.
    panel.results.table.cellClicked.emit(4, 0)
    np.testing.assert_array_equal(added(viewer)["target red"].data, stack[4:5, 0])
    assert len(added(viewer)) == 6


def test_cells_of_another_model_are_not_compared(in_model, class_run, stack, to_end, qtbot):
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run())
    panel.form.choice.way.set("all")
    to_end(panel)
    other = class_run("independent-separable")
    panel.form.model.box.add(other)
    qtbot.waitUntil(panel.start.isEnabled, timeout=WAIT_MS)
    panel.form.choice.way.set("current")
    to_end(panel)
    assert len(rows_of(panel.results.table)) == 1


def test_the_nearest_training_cell(in_model, class_run, stack, pixels, to_end, tmp_path):
    write_cells(CellSet([pixels, stack], ["Alp14", "Tea1"]), tmp_path / "known")
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run())
    assert not panel.form.training.isVisible()
    panel.form.compare.setChecked(True)
    panel.form.training.from_folder.setChecked(True)
    assert panel.status.text() == "Training cells: Choose the folder that holds the cells."
    panel.form.training.folder.set_path(tmp_path / "known")
    to_end(panel)
    nearest = [added(in_model.viewer)[f"nearest {c}"] for c in COLOURS]
    # The cell itself is in the folder, and is passed over.
    assert not np.array_equal(nearest[0].data, stack[:1, 0])
    (row,) = rows_of(panel.results.table)
    assert float(row[2]) > 0
    assert not panel.results.table.isColumnHidden(2)
    panel.form.compare.setChecked(False)
    in_model.viewer.layers.selection.clear()
    to_end(panel)
    assert panel.results.table.isColumnHidden(2), "it would be empty"
    assert not any(name.startswith("nearest") for name in added(in_model.viewer))


def test_the_cells_of_the_run_are_offered(in_model, pixels, tmp_path):
    from napari_biogans import train

    from .conftest import TINY

    write_cells(CellSet([pixels], ["Tea1"]), tmp_path / "cells")
    train(tmp_path / "cells", tmp_path / "run", progress=False, **{**TINY, "steps": 1})
    panel = in_model(tmp_path / "run" / "model.safetensors")
    assert panel.form.compare.isChecked()
    assert panel.form.training.folder.path() == tmp_path / "cells"


# -- what is done with it


def test_results_follow_each_other_unless_their_layers_were_renamed(in_model, class_run, stack, to_end, qtbot):
    viewer = in_model.viewer
    add_cells(viewer, stack)
    panel = in_model(class_run())
    for place in (0, 3):
        go_to(viewer, place)
        seen(panel, qtbot, f"cell {place} of")
        to_end(panel)
        layers = added(viewer)
        assert len(layers) == 6
        np.testing.assert_array_equal(layers["target red"].data, stack[place : place + 1, 0])
        assert layers["rebuilt red"].metadata["biogans"]["cells"] == (place,)
        assert viewer.layers["Tea1 red"].world_to_data(layers["target red"].extent.world[0])[0] == pytest.approx(place)
    viewer.layers.remove(layers["difference red"])
    to_end(panel)
    assert list(added(viewer)) == list(layers), "what is left of the last result does not stay beside the next one"
    added(viewer)["rebuilt red"].name = "mine"
    to_end(panel)
    assert len(viewer.layers) == 2 + 6 + 6
    assert len(rows_of(panel.results.table)) == 2


def test_cells_are_kept_for_other_docks(in_model, class_run, stack, to_end, click, fresh_session):
    run = class_run()
    add_cells(in_model.viewer, stack)
    panel = in_model(run)
    assert panel.keep.toolTip().startswith("Rebuild cells")
    panel.form.choice.way.set("all")
    to_end(panel)
    assert panel.keep.text() == f"Keep {CELLS}"
    panel.results.table.selectRow(6)
    click(panel.keep)
    (kept,) = fresh_session.kept_cells
    assert (kept.name, kept.model, kept.class_name) == ("Tea1, cell 6 of Tea1 red", run, "Tea1")
    np.testing.assert_array_equal(kept.latent, key_cells_of(added(in_model.viewer)["rebuilt red"])[6].latent)


def test_all_classes_are_drawn_in_one_cell(in_model, class_run, stack, to_end, qtbot):
    viewer = in_model.viewer
    add_cells(viewer, stack)
    panel = in_model(class_run())
    assert ASSUMPTION in " ".join(panel.classes.toolTip().split())
    go_to(viewer, 4)
    seen(panel, qtbot, "cell 4 of")
    to_end(panel, panel.classes)
    layers = added(viewer)
    names = ("Alp14", "Arp3", "Tea1")
    assert list(layers) == [f"{name} {what}" for what in ("mean", "spread") for name in names]
    colours = [tuple(layers[f"{name} mean"].colormap.colors[-1]) for name in names]
    assert len(set(colours)) == 3
    for name, colour in zip(names, colours, strict=True):
        mean, spread = layers[f"{name} mean"], layers[f"{name} spread"]
        assert tuple(spread.colormap.colors[-1]) == colour
        assert mean.metadata["biogans"]["assumption"] == ASSUMPTION
        assert mean.metadata["biogans"]["class"] == name
        assert spread.extent.world[0, 1] > mean.extent.world[1, 1], "below it"
        assert spread.extent.world[0, 2] == pytest.approx(mean.extent.world[0, 2])
        assert viewer.layers["Tea1 red"].world_to_data(mean.extent.world[0])[0] == pytest.approx(4)
        assert 0 <= mean.data.min() <= mean.data.max() <= 255
        assert spread.data.min() >= 0
    assert "greens of 3 classes for cell 4" in panel.status.text()
    to_end(panel)
    assert len(added(viewer)) == 6 + 6, "neither takes the place of the other"


def test_many_classes_fill_several_rows(in_model, class_run, stack, to_end, qtbot):
    names = [f"protein {k}" for k in range(10)]
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run(names=names))
    to_end(panel, panel.classes)
    tops = {name: layer.extent.world[0, 1] for name, layer in added(in_model.viewer).items()}
    assert len(tops) == 2 * 10
    rows = sorted(set(tops.values()))
    by_row = [{name for name, top in tops.items() if top == row} for row in rows]
    assert [len(row) for row in by_row] == [8, 8, 2, 2]
    assert by_row[2:] == [{f"protein {k} {what}" for k in (8, 9)} for what in ("mean", "spread")]


@pytest.mark.parametrize("architecture", ["joint", "independent-separable"])
def test_models_that_cannot_draw_all_classes_say_why(in_model, class_run, stack, to_end, architecture):
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run(architecture))
    assert not panel.classes.isEnabled()
    assert f"this one is {architecture}" in panel.classes.toolTip()
    to_end(panel)


def test_cells_of_another_class_are_matched_in_red_only(in_model, class_run, stack, to_end):
    add_cells(in_model.viewer, stack, name="Mal3")
    panel = in_model(class_run())
    mode = panel.form.settings.findChild(object, "mode")
    panel.form.class_name.set(None)
    assert (mode.get(), mode.isEnabled()) == ("red-only", False)
    to_end(panel)
    assert list(added(in_model.viewer)) == ["target red", "rebuilt red", "difference red"]
    (row,) = rows_of(panel.results.table)
    assert row[1] == row[3]
    assert (row[4], row[-1]) == ("–", "Mal3")
    panel.form.class_name.set("Arp3")
    assert (mode.get(), mode.isEnabled()) == ("full", True)


def test_joint_models_match_all_at_once(in_model, trained_run, stack, to_end):
    add_cells(in_model.viewer, stack)
    panel = in_model(trained_run(architecture="joint"))
    mode = panel.form.settings.findChild(object, "mode")
    assert (mode.get(), mode.isEnabled()) == ("full", False)
    assert "red and green together" in mode.toolTip()
    assert not panel.form.class_name.isVisible()
    to_end(panel)


def test_export_writes_and_says_where(in_model, class_run, stack, to_end, click, answer_dialog, qtbot, tmp_path):
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run())
    assert panel.export.toolTip() == "There is no result yet."
    to_end(panel)
    to_end(panel, panel.results.plot.others)
    to_end(panel, panel.classes)
    answer_dialog("")  # cancelled
    click(panel.export)
    answer_dialog(tmp_path / "exported")
    click(panel.export)
    qtbot.waitUntil(lambda: panel.status.text().endswith("are in exported."), timeout=WAIT_MS)
    assert {"cells.csv", "latents.npy", "reconstructions.png", "all-classes"} <= {
        path.name for path in (tmp_path / "exported").iterdir()
    }
    assert len(np.load(tmp_path / "exported" / "latents.npy")) == CELLS, "all that are in the table"
    assert (tmp_path / "exported" / "all-classes" / "completions.npz").is_file()


# -- stopping, and what goes wrong


def test_stop_keeps_the_blocks_that_are_done(in_model, class_run, stack, click, qtbot, monkeypatch):
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run(), batch_size=4)
    panel.form.choice.way.set("all")
    search = LatentSearch.run
    blocks = []

    def run(self, targets, rng, start_from=None):
        blocks.append(len(targets))
        if len(blocks) < 3:
            return (yield from search(self, targets, rng, start_from))
        while True:  # until it is stopped
            yield 0.5

    monkeypatch.setattr(LatentSearch, "run", run)
    click(panel.start)
    qtbot.waitUntil(lambda: "8 of 16 cells" in panel.progress.text.text(), timeout=WAIT_MS)
    click(panel.stop)
    assert panel.status.text() == "Stopping …"
    qtbot.waitUntil(lambda: not panel.search.is_running, timeout=WAIT_MS)
    assert panel.status.text().startswith("Stopped: 8 of 16 cells are done.")
    np.testing.assert_array_equal(added(in_model.viewer)["target red"].data, stack[:8, 0])
    assert len(rows_of(panel.results.table)) == 8
    assert panel.start.isEnabled()


def test_stop_before_the_first_cell(in_model, class_run, stack, click, qtbot, notes):
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run(), **ENDLESS)
    click(panel.start)
    qtbot.waitUntil(lambda: panel.progress.bar.maximum() == PARTS, timeout=WAIT_MS)
    click(panel.stop)
    qtbot.waitUntil(lambda: not panel.search.is_running, timeout=WAIT_MS)
    assert "nothing to show" in panel.status.text()
    assert not added(in_model.viewer)
    assert not panel.results.isVisible()
    assert not notes


def wrong_size(viewer, stack):
    add_cells(viewer, np.tile(stack, (1, 1, 2, 2)))
    return "The cells are 24×24 pixels, this model draws 12×12"


def wrong_type(viewer, stack):
    add_cells(viewer, stack.astype(np.uint16))
    return "The cells are of type uint16, this model draws uint8"


def no_layers(viewer, stack):
    return "Choose a red layer: "


def a_sheet(viewer, stack):
    sheets = [viewer.add_image(np.hstack(stack[:, c]), name=f"sheet {c}") for c in (0, 1)]
    return "2 axes", sheets


def nothing_in_this_slice(viewer, stack):
    add_cells(viewer, stack)
    viewer.add_image(np.zeros((40, *SIZE)), name="a longer stack")
    viewer.dims.set_point(0, 0)
    return "There is no cell in this slice of 'Tea1 red'"


def in_three_dimensions(viewer, stack):
    add_cells(viewer, stack)
    viewer.dims.ndisplay = 3
    return "not shown one by one"


@pytest.mark.parametrize(
    "prepare", [wrong_size, wrong_type, no_layers, a_sheet, nothing_in_this_slice, in_three_dimensions]
)
def test_what_cannot_be_rebuilt_is_refused_before_the_start(in_model, class_run, stack, prepare, qtbot):
    says = prepare(in_model.viewer, stack)
    panel = in_model(class_run())
    if isinstance(says, tuple):
        says, layers = says
        row = panel.form.rows.rows[0]
        row.red.choose(layers[0])
        row.green.choose(layers[1])
    qtbot.waitUntil(lambda: says in panel.status.text(), timeout=WAIT_MS)
    assert panel.start.toolTip() == panel.status.text()
    assert not panel.start.isEnabled()
    assert not panel.classes.isEnabled()


def test_without_a_model(in_model, stack):
    add_cells(in_model.viewer, stack)
    panel = in_model()
    assert panel.status.text() == panel.start.toolTip() == "Train a model, or open one."
    assert not panel.form.training.isVisible(), "no training cells are looked for"
    assert not panel.form.class_name.isVisible(), "there is none to choose"


def test_bad_settings_keep_it_from_starting(in_model, class_run, stack):
    add_cells(in_model.viewer, stack)
    panel = in_model(class_run(), starts=0)
    assert panel.status.text().startswith("Starts: "), "as the form calls it"
    assert not panel.start.isEnabled()


def test_what_goes_wrong_in_the_search_is_told(in_model, class_run, stack, click, qtbot, notes, tmp_path):
    run = class_run()
    add_cells(in_model.viewer, stack)
    panel = in_model(run)
    write_cells(CellSet([np.tile(stack, (1, 1, 2, 2)).astype(np.uint16)], ["Tea1"]), tmp_path / "others")
    panel.form.compare.setChecked(True)
    panel.form.training.from_folder.setChecked(True)
    panel.form.training.folder.set_path(tmp_path / "others")
    click(panel.start)
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    qtbot.waitUntil(panel.start.isEnabled, timeout=WAIT_MS)
    assert "training cells" in notes[-1][1]
    assert panel.status.text() == notes[-1][1]


# -- in a real viewer


@pytest.fixture
def reconstruct(viewer, class_run, stack, qtbot):
    add_cells(viewer, stack)
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Reconstruct")
    qtbot.waitUntil(lambda: dock.panel is not None, timeout=WAIT_MS)
    dock.panel.form.settings.set_values(QUICK)
    dock.panel.form.model.box.add(class_run())
    qtbot.waitUntil(dock.panel.start.isEnabled, timeout=WAIT_MS)
    return dock.panel


def test_it_fits_beside_the_viewer(viewer, reconstruct, to_end):
    assert reconstruct.minimumSizeHint().width() <= 330
    for layer in list(viewer.layers):
        layer.name = "a layer with a very long name indeed " * 3 + layer.name
    reconstruct.form.compare.setChecked(True)
    reconstruct.form.training.from_folder.setChecked(True)
    reconstruct.form.training.folder.line.setText("/a/very/long/path" * 10)
    reconstruct.form.compare.setChecked(False)
    to_end(reconstruct)
    assert reconstruct.minimumSizeHint().width() <= 330


def test_the_window_stays_alive_while_it_works(reconstruct, click, qtbot):
    reconstruct.form.settings.set_values(ENDLESS)
    click(reconstruct.start)
    ticks = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(reconstruct.search.is_running))
    timer.start(10)
    qtbot.waitUntil(lambda: len(ticks) >= 20, timeout=WAIT_MS)
    timer.stop()
    assert all(ticks)
    click(reconstruct.stop)
    qtbot.waitUntil(lambda: not reconstruct.search.is_running, timeout=WAIT_MS)


def test_closing_the_dock_stops_the_search(viewer, reconstruct, click, qtbot):
    reconstruct.form.settings.set_values(ENDLESS)
    click(reconstruct.start)
    qtbot.waitUntil(lambda: reconstruct.progress.bar.maximum() == PARTS, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: bool(list(progress._all_instances)), timeout=WAIT_MS)
    (dock,) = (dock for name, dock in viewer.window._wrapped_dock_widgets.items() if name.startswith("Reconstruct"))
    dock.destroyOnClose()
    assert list(progress._all_instances) == []
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    viewer.add_image(np.zeros(SIZE), name="what changes now is nothing to it")
    viewer.dims.set_point(0, 14)
    viewer.theme = "light"
    _, again = viewer.window.add_plugin_dock_widget("napari-biogans", "Reconstruct")
    qtbot.waitUntil(lambda: again.panel is not None, timeout=WAIT_MS)
    assert again.panel.form.rows.rows[0].red.choice() is not None
