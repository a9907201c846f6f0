"""The dock Interpolate in a real viewer, by clicks."""

import gc
import shutil
import threading
import warnings

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QModelIndex, Qt, QThreadPool
from qtpy.QtWidgets import QAbstractItemView, QFileDialog

from napari_biogans import interpolate, load_model
from napari_biogans.latent.films import Stage
from napari_biogans.plugin import interpolation, key_group
from napari_biogans.plugin.key_cells import KeyCell, key_cells_of

from .conftest import WAIT_MS

TOO_FEW = "Add two key cells at least: the way leads from one to the next."


@pytest.fixture
def open_dock(viewer, qtbot):
    def open_interpolate(model=None):
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Interpolate")
        if model is not None:
            dock.model.box.add(model)
            qtbot.waitUntil(lambda: dock.model.facts is not None, timeout=WAIT_MS)
        return dock

    return open_interpolate


@pytest.fixture
def keys(fresh_session):
    """Keep cells of a model, and give them."""

    def keep(run, n=3, seed=5):
        for place, latent in enumerate(load_model(run).draw_latents(n, seed=seed)):
            fresh_session.keep(KeyCell(f"{seed}-{place}", latent, run))
        return fresh_session.kept_cells[-n:]

    return keep


@pytest.fixture
def choose(qtbot):
    """Choose an entry of the menu of a button."""

    def choose_entry(button, text):
        assert button.isEnabled(), button.toolTip()
        button.menu().aboutToShow.emit()
        (action,) = (action for action in button.menu().actions() if action.text() == text)
        action.trigger()

    return choose_entry


@pytest.fixture
def filled(open_dock, class_run, keys, choose):
    """The dock with three key cells of a model of three classes."""
    run = class_run()
    keys(run)
    dock = open_dock(run)
    choose(dock.keys.from_kept, "All 3")
    dock.form.frames.set(7)
    return dock


@pytest.fixture
def draw(click, qtbot):
    """Press Preview, and wait for the layers."""

    def press(dock):
        click(dock.preview)
        assert dock.preview.toolTip() == dock.export.toolTip() == "A way is being drawn already."
        qtbot.waitUntil(lambda: dock.status.text().startswith("Drew"), timeout=WAIT_MS)

    return press


def names(dock):
    return [cell.name for cell in dock.keys.cells()]


def latents(cells):
    return np.stack([cell.latent for cell in cells])


# -- key cells


def test_it_says_what_is_missing(open_dock, class_run, qtbot):
    dock = open_dock()
    assert dock.preview.toolTip() == dock.status.text() == "Train a model, or open one."
    assert dock.keys.at_random.toolTip() == "Train a model, or open one."
    assert not dock.keys.from_layer.isEnabled()
    assert dock.keys.from_layer.toolTip() == "Select a layer of cells that a model drew or rebuilt."
    assert dock.keys.from_kept.toolTip().startswith("No cells are kept")
    dock.model.box.add(class_run())
    qtbot.waitUntil(lambda: dock.preview.toolTip() == TOO_FEW, timeout=WAIT_MS)
    assert dock.export.toolTip() == dock.status.text() == TOO_FEW
    assert not dock.preview.isEnabled()
    assert not dock.export.isEnabled()


def test_cells_of_a_generated_layer(viewer, open_dock, class_run, choose, draw, notes, qtbot):
    run = class_run()
    _, generate = viewer.window.add_plugin_dock_widget("napari-biogans", "Generate")
    generate.model.add(run)
    qtbot.waitUntil(generate.generate.isEnabled, timeout=WAIT_MS)
    generate.form.number.set(4)
    generate.generate.click()
    qtbot.waitUntil(lambda: "red" in viewer.layers, timeout=WAIT_MS)
    generate.form.shape.set(True)
    generate.generate.click()
    qtbot.waitUntil(lambda: "red [1]" in viewer.layers, timeout=WAIT_MS)

    dock = open_dock()
    viewer.layers.selection.active = viewer.layers["Tea1 green"]
    viewer.dims.set_current_step(0, 2)
    choose(dock.keys.from_layer, "The cell that is seen")
    assert names(dock) == ["Tea1 green [2]"]
    assert dock.model.box.path() == run, "its model is chosen, as there was none"
    viewer.dims.set_current_step(0, 0)
    choose(dock.keys.from_layer, "The cell that is seen")
    assert names(dock) == ["Tea1 green [2]", "Tea1 green [0]"]
    assert np.array_equal(latents(dock.keys.cells()), latents(key_cells_of(viewer.layers["red"]))[[2, 0]])

    qtbot.waitUntil(dock.preview.isEnabled, timeout=WAIT_MS)
    viewer.layers.selection.active = viewer.layers["red [1]"]
    choose(dock.keys.from_layer, "The cell that is seen")
    assert "No cell of red [1] is seen by itself" in dock.status.text()
    choose(dock.keys.from_layer, "All its cells")
    assert len(names(dock)) == 6
    viewer.layers.selection.active = None
    assert not dock.keys.from_layer.isEnabled()

    draw(dock)
    assert len(viewer.layers["way red"].data) == 60
    assert viewer.layers["way red"].extent.world[0, 2] > viewer.layers["red [1]"].extent.world[1, 1], (
        "it covers nothing"
    )
    assert not notes, "napari warns where units are mixed"


def test_kept_cells_one_by_one(open_dock, class_run, keys, choose, fresh_session):
    run = class_run()
    dock = open_dock(run)
    assert not dock.keys.from_kept.isEnabled()
    first, second = keys(run, 2)
    assert dock.keys.from_kept.text() == "Kept (2)"
    choose(dock.keys.from_kept, second.name)
    choose(dock.keys.from_kept, first.name)
    choose(dock.keys.from_kept, first.name)
    assert dock.keys.cells() == (second, first, first), "a cell may come twice"
    fresh_session.forget(first, second)
    assert not dock.keys.from_kept.isEnabled()
    assert len(names(dock)) == 3, "what is in the list stays"


def test_cells_at_random(open_dock, class_run, click, qtbot):
    run = class_run()
    dock = open_dock(run)
    for count in (1, 2):
        click(dock.keys.at_random)
        assert not dock.keys.at_random.isEnabled()
        qtbot.waitUntil(lambda count=count: len(names(dock)) == count, timeout=WAIT_MS)
    first, second = dock.keys.cells()
    assert first.name != second.name
    seed = int(first.name.rpartition(" ")[2])
    assert np.array_equal(first.latent, load_model(run).draw_latents(1, seed=seed)[0])


def test_cells_of_another_model_are_refused(open_dock, class_run, trained_run, keys, choose, qtbot):
    star, other = class_run(), trained_run()
    (foreign,) = keys(other, 1)
    own = keys(star, 2, seed=6)
    dock = open_dock(star / "model.safetensors")
    choose(dock.keys.from_kept, "All 3")
    assert dock.keys.cells() == own, "a run and its model file are one model"
    assert dock.status.text() == f"{foreign.name!r} is of another model; choose 'trained' to go on from there."
    dock.model.box.add(other)
    qtbot.waitUntil(lambda: "2 cells are of another model" in dock.status.text(), timeout=WAIT_MS)
    assert dock.status.text().endswith("choose 'star-shaped' to go on from there. Or take them out of the list.")
    assert dock.preview.toolTip() == dock.status.text()
    assert not dock.preview.isEnabled()


def test_too_many_cells_at_once(open_dock, class_run, keys, choose, monkeypatch):
    monkeypatch.setattr(key_group, "MOST_KEYS", 2)
    run = class_run()
    keys(run, 3)
    dock = open_dock(run)
    choose(dock.keys.from_kept, "All 3")
    assert dock.status.text() == "3 key cells at once are too many; 2 can be added."
    assert not names(dock)


def test_order_by_dragging(filled):
    cells = filled.keys.list
    assert cells.dragDropMode() == QAbstractItemView.DragDropMode.InternalMove
    # What a drop within a list does; a real one needs a hand.
    assert cells.model().moveRow(QModelIndex(), 2, QModelIndex(), 0)
    assert names(filled) == ["5-2", "5-0", "5-1"]


def test_order_by_keys_and_buttons(filled, click, qtbot):
    cells = filled.keys.list
    assert not filled.keys.up.isEnabled()
    cells.setCurrentRow(2)
    qtbot.keyClick(cells, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert names(filled) == ["5-0", "5-2", "5-1"]
    click(filled.keys.up)
    click(filled.keys.up)  # the first stays where it is
    assert names(filled) == ["5-2", "5-0", "5-1"]
    qtbot.keyClick(cells, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert names(filled) == ["5-0", "5-2", "5-1"]
    click(filled.keys.down)
    click(filled.keys.down)
    assert names(filled) == ["5-0", "5-1", "5-2"]
    cells.item(1).setSelected(True)
    click(filled.keys.up)
    assert names(filled) == ["5-1", "5-2", "5-0"], "several go together"


def test_cells_are_taken_out(filled, click, qtbot):
    filled.keys.list.setCurrentRow(1)
    qtbot.keyClick(filled.keys.list, Qt.Key.Key_Delete)
    assert names(filled) == ["5-0", "5-2"]
    assert filled.preview.isEnabled()
    filled.keys.list.setCurrentRow(0)
    click(filled.keys.remove)
    assert names(filled) == ["5-2"]
    assert filled.preview.toolTip() == filled.status.text() == TOO_FEW
    assert not filled.preview.isEnabled()


def picture(dock, row):
    """The icon in a row, as pixels (H, W, 3)."""
    image = dock.keys.list.item(row).icon().pixmap(dock.keys.list.iconSize()).toImage()
    size = image.height(), image.width()
    return np.array([[image.pixelColor(x, y).getRgb()[:3] for x in range(size[1])] for y in range(size[0])])


def test_cells_are_seen_in_the_list(filled, choose, qtbot):
    model = load_model(filled.model.box.path())
    low, high = np.array(model.header.intensity_range).T[..., None, None]

    def expected(cell):
        ((image,),) = model.generate(latents=cell.latent[None], classes=["Alp14"])
        red, green = (image - low) / (high - low) * 255
        return np.stack([red, green, red], axis=-1)

    cell = filled.keys.cells()[2]
    qtbot.waitUntil(lambda: not filled.keys.list.without_picture(), timeout=WAIT_MS)
    np.testing.assert_allclose(picture(filled, 2), expected(cell), atol=1)
    filled.keys.list.setCurrentRow(2)
    filled.keys.list.remove_selected()
    choose(filled.keys.from_kept, cell.name)
    np.testing.assert_allclose(picture(filled, 2), expected(cell), atol=1)


# -- the way


def test_the_preview_shows_the_way(viewer, filled, draw):
    draw(filled)
    assert [layer.name for layer in viewer.layers] == ["way red", "way Alp14 green", "way Arp3 green", "way Tea1 green"]
    model = load_model(filled.model.box.path())
    way = interpolate(model, latents(filled.keys.cells()), frames=7)
    assert np.array_equal(viewer.layers["way red"].data, way.images[0, :, 0])
    for layer, images in zip(viewer.layers[1:], way.images, strict=True):
        assert np.array_equal(layer.data, images[:, 1])
    for layer in viewer.layers:
        assert layer.axis_labels == ("time", "y", "x")
        np.testing.assert_allclose(layer.scale, (1, 0.2, 0.2))
        assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"]
        known = layer.metadata["biogans"]
        assert known["keys"] == (0, 3, 6)
        assert known["cells"] == ("5-0", "5-1", "5-2")
        assert (known["way"], known["loop"], known["frames_per_second"]) == ("spherical", False, 15)
    # Frames can be gone on from.
    assert np.array_equal(latents(key_cells_of(viewer.layers[-1])), way.latents)
    assert filled.preview.isEnabled()
    assert filled.progress.isHidden()


def test_a_loop_on_the_straight_way_of_one_class(viewer, filled, draw):
    filled.form.loop.setChecked(True)
    filled.form.mode.set("linear")
    filled.form.classes.choose(["Tea1"])
    filled.keys.list.setCurrentRow(0)
    filled.keys.list.move_down()
    draw(filled)
    model = load_model(filled.model.box.path())
    way = interpolate(model, latents(filled.keys.cells()), frames=7, mode="linear", loop=True)
    assert [layer.name for layer in viewer.layers] == ["way red", "way Tea1 green"]
    assert np.array_equal(viewer.layers["way Tea1 green"].data, way.images[2, :, 1])
    assert viewer.layers["way red"].metadata["biogans"]["keys"] == tuple(way.keys)
    assert viewer.layers["way red"].metadata["biogans"]["cells"] == ("5-1", "5-0", "5-2")


def test_a_preview_takes_the_place_of_the_last_one(viewer, filled, draw):
    draw(filled)
    first = list(viewer.layers)
    before = first[0].data
    viewer.dims.set_current_step(0, 6)
    filled.form.frames.set(5)
    filled.keys.list.setCurrentRow(0)
    filled.keys.list.move_down()
    draw(filled)
    assert list(viewer.layers) == first
    assert len(first[0].data) == len(key_cells_of(first[0])) == 5
    assert not np.array_equal(first[0].data, before[:5])
    assert viewer.dims.current_step[0] < 5

    first[0].name = "mine"
    draw(filled)
    assert len(viewer.layers) == 8, "layers that were renamed are kept"
    viewer.layers.remove(viewer.layers[-1])
    draw(filled)
    assert len(viewer.layers) == 8, "what is left of the last one does not pile up"
    filled.form.classes.choose(["Arp3"])
    draw(filled)
    assert [layer.name for layer in viewer.layers[4:]] == ["way red", "way Arp3 green [1]"], "nor do other classes"


def test_models_of_one_class_are_not_asked_for_classes(viewer, open_dock, trained_run, keys, choose, draw):
    run = trained_run(architecture="joint", averaging=False)
    keys(run, 2)
    dock = open_dock(run)
    assert dock.form.classes.isHidden()
    choose(dock.keys.from_kept, "All 2")
    dock.form.frames.set(3)
    draw(dock)
    assert [layer.name for layer in viewer.layers] == ["way red", "way green"]


def test_settings_that_make_no_sense(filled):
    filled.form.frames.set(2)
    assert filled.preview.toolTip() == filled.status.text() == "3 key cells need 3 frames at least."
    filled.form.frames.set(3)
    assert filled.status.text() == "Ready."
    filled.form.classes.choose([])
    assert filled.export.toolTip() == "Choose a class."
    assert not filled.export.isEnabled()


def test_the_length_of_a_film_is_told(filled):
    filled.form.frames.set(45)
    filled.form.rate.set(30)
    assert filled.form.length.text() == "frames/s, 1.5 s"


def test_a_model_that_is_gone(filled, click, notes, qtbot):
    run = filled.model.box.path()
    qtbot.waitUntil(lambda: not filled.keys.list.without_picture(), timeout=WAIT_MS)
    (run / "model.safetensors").unlink()
    click(filled.preview)
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    assert "there is no such file" in notes[0][1]
    qtbot.waitUntil(lambda: filled.status.text() == notes[0][1], timeout=WAIT_MS)
    assert filled.preview.isEnabled()


# -- films


@pytest.fixture
def export(click, qtbot, answer_dialog):
    """Press Export film, answer with a path, and wait for the file."""

    def press(dock, path):
        answer_dialog(path)
        click(dock.export)
        assert not dock.progress.isHidden()
        qtbot.waitUntil(lambda: dock.status.text() == f"Wrote {path.name}.", timeout=WAIT_MS)
        assert dock.progress.isHidden()

    return press


def way_of(dock):
    return interpolate(load_model(dock.model.box.path()), latents(dock.keys.cells()), frames=dock.form.frames.get())


def test_a_gif(filled, export, tmp_path):
    filled.form.rate.set(20)
    filled.form.classes.choose(["Tea1"])
    export(filled, tmp_path / "way.gif")
    frames = imageio.imread(tmp_path / "way.gif")
    expected = np.stack(list(Stage(way_of(filled), ["Tea1"]).frames()))
    assert frames.shape == expected.shape
    assert np.abs(frames.astype(int) - expected).mean() < 6  # a GIF has 256 colours
    assert imageio.immeta(tmp_path / "way.gif")["duration"] == 50


def test_an_mp4(filled, export, tmp_path):
    filled.form.rate.set(12)
    export(filled, tmp_path / "way.mp4")
    with warnings.catch_warnings():  # imageio's reader leaves pipes open
        warnings.simplefilter("ignore", ResourceWarning)
        frames = imageio.imread(tmp_path / "way.mp4", plugin="FFMPEG")
        rate = imageio.immeta(tmp_path / "way.mp4", plugin="FFMPEG")["fps"]
        gc.collect()
    expected = np.stack(list(Stage(way_of(filled)).frames()))
    assert frames.shape == expected.shape
    assert np.abs(frames.astype(int) - expected).mean() < 6
    assert rate == 12


def test_a_stack_for_imagej(filled, export, tmp_path):
    export(filled, tmp_path / "way.tif")
    with tifffile.TiffFile(tmp_path / "way.tif") as file:
        (series,) = file.series
        assert series.axes == "TCYX"
        pixels = series.asarray()
    way = way_of(filled)
    assert np.array_equal(pixels[:, 0], way.images[0, :, 0])
    assert np.array_equal(pixels[:, 1:].swapaxes(0, 1), way.images[:, :, 1])


def test_names_of_films(filled, export, click, answer_dialog, tmp_path, monkeypatch, qtbot):
    answer_dialog("")  # cancelled
    click(filled.export)
    assert filled.status.text() == "Ready."
    answer_dialog(tmp_path / "way.avi")
    click(filled.export)
    assert filled.status.text() == "way.avi: choose a name that ends in .gif, .mp4, .tif."
    (tmp_path / "way.tif").write_text("something else")
    asked = []

    def answer(_, title, start, filters):
        asked.append(start)
        assert filters == "GIF film (*.gif);;MP4 film (*.mp4);;ImageJ hyperstack (*.tif)"
        return str(tmp_path / "way") if len(asked) == 1 else start, "ImageJ hyperstack (*.tif)"

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    click(filled.export)
    assert asked[1] == str(tmp_path / "way.tif"), "what would be replaced is asked about"
    qtbot.waitUntil(lambda: filled.status.text() == "Wrote way.tif.", timeout=WAIT_MS)
    assert tifffile.imread(tmp_path / "way.tif").shape == (7, 4, 12, 12)


def test_a_film_that_cannot_be_written(filled, click, answer_dialog, notes, qtbot, tmp_path):
    (tmp_path / "file").write_text("no folder")
    answer_dialog(tmp_path / "file" / "way.gif")
    click(filled.export)
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    assert notes[0][0] == "error"
    qtbot.waitUntil(lambda: filled.status.text() == notes[0][1], timeout=WAIT_MS)
    assert filled.export.isEnabled()
    assert filled.progress.isHidden()
    assert (tmp_path / "file").read_text() == "no folder"


# -- closing


def close(viewer):
    (dock,) = (dock for name, dock in viewer.window._wrapped_dock_widgets.items() if name.startswith("Interpolate"))
    dock.destroyOnClose()


@pytest.fixture
def held_up(monkeypatch):
    """Let drawing wait until it is let go on."""
    go_on, opened = threading.Event(), interpolation._opened

    def wait(*arguments):
        assert go_on.wait(WAIT_MS / 1000)
        return opened(*arguments)

    monkeypatch.setattr(interpolation, "_opened", wait)
    yield go_on
    go_on.set()


@pytest.mark.parametrize("button", ["preview", "export"])
def test_closing_the_dock_while_it_draws(
    viewer, filled, held_up, click, answer_dialog, notes, qtbot, tmp_path, button, keys, fresh_session
):
    run = filled.model.box.path()
    answer_dialog(tmp_path / "way.gif")
    click(getattr(filled, button))
    close(viewer)
    held_up.set()
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    qtbot.wait(100)
    assert len(viewer.layers) == 0
    assert not (tmp_path / "way.gif").exists()
    assert not notes
    # What changes now is nothing to it.
    keys(run, 1)
    fresh_session.add_model(run)
    viewer.add_image(np.zeros((3, 4, 4)))


@pytest.mark.parametrize("button", ["preview", "export"])
def test_stop_while_it_draws(viewer, filled, held_up, click, answer_dialog, notes, qtbot, tmp_path, button):
    assert not filled.stop.isEnabled()
    assert filled.stop.toolTip() == "Nothing is being drawn."
    answer_dialog(tmp_path / "way.gif")
    click(getattr(filled, button))
    click(filled.stop)
    assert filled.status.text() == "Stopping …"
    assert not filled.stop.isEnabled()
    held_up.set()
    qtbot.waitUntil(getattr(filled, button).isEnabled, timeout=WAIT_MS)
    assert filled.status.text() == "Stopped; there is nothing to show."
    assert not filled.progress.isVisible()
    assert len(viewer.layers) == 0
    assert not (tmp_path / "way.gif").exists()
    assert not notes


def test_key_cells_of_a_model_that_was_trained_anew_with_another_latent_size(
    open_dock, trained_run, keys, choose, click, fresh_session, notes, qtbot
):
    run = trained_run()
    keys(run, 2)
    shutil.rmtree(run)
    trained_run(latent_size=5)
    keys(run, 1, seed=7)
    dock = open_dock(run)
    choose(dock.keys.from_kept, "All 3")
    qtbot.waitUntil(lambda: len(dock.keys.list.without_picture()) == 2, timeout=WAIT_MS)
    assert not notes
    click(dock.preview)
    qtbot.waitUntil(dock.preview.isEnabled, timeout=WAIT_MS)
    why = "5-0 has another latent size than this model, which has been trained anew since."
    assert notes == [("error", why)]
    assert dock.status.text() == why
