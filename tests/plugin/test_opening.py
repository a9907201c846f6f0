"""Models, runs and cell sets that are dropped on the viewer, and what is left to others."""

import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tifffile
import torch
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog
from npe2 import PluginManager
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDropEvent
from safetensors.torch import save_file

from napari_biogans import CellSet, load_model, write_cells
from napari_biogans.plugin.generation import DrawRequest, draw
from napari_biogans.plugin.reader import get_reader

from .conftest import SIZE, WAIT_MS


@pytest.fixture
def several(pixels):
    """A cell set of three classes of unequal numbers, with everything that a set knows."""
    return CellSet(
        [pixels, pixels[:4], pixels[::-1]],
        ["Tea1", "Alp14", "a/b"],
        channel_names=("Tip1", "GFP"),
        pixel_size=0.1,
        intensity_range=[(3, 200), (7, 250)],
    )


@pytest.fixture
def drop(viewer, monkeypatch):
    """Drop files on the viewer; where napari asks which plugin to take, it is ours."""
    asked = []

    def choose(dialog):
        buttons = {button.text(): button for button in dialog.reader_btn_group.buttons()}
        asked.append(sorted(buttons))
        return "BioGANs", False

    monkeypatch.setattr(QtReaderDialog, "get_user_choices", choose)

    def drop_paths(*paths):
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        event = QDropEvent(
            QPointF(QPoint(5, 5)),
            Qt.DropAction.CopyAction,
            mime,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        viewer.window._qt_viewer.dropEvent(event)
        return asked

    return drop_paths


def no_reader(*paths):
    return [get_reader(str(path)) for path in paths] == [None] * len(paths)


def test_a_model_that_is_dropped_draws_a_contact_sheet_and_is_offered(viewer, drop, class_run, fresh_session, qtbot):
    run = class_run()
    model = run.parent / "star.safetensors"
    shutil.copy(run / "model.safetensors", model)
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Generate")
    assert drop(model) == [], "there is nothing to choose"
    assert [layer.name for layer in viewer.layers] == ["red", "Alp14 green", "Arp3 green", "Tea1 green"]
    assert [layer.visible for layer in viewer.layers] == [True, True, False, False]
    known = viewer.layers["Tea1 green"].metadata["biogans"]
    assert (known["model"], known["class"], len(known["latents"])) == (str(model), "Tea1", 16)
    assert viewer.layers["red"].data.shape == (4 * (SIZE[0] + 1) + 1, 4 * (SIZE[1] + 1) + 1)
    np.testing.assert_allclose(viewer.layers["red"].scale, (0.2, 0.2))
    images = load_model(model).generate(latents=known["latents"])
    np.testing.assert_array_equal(viewer.layers["Tea1 green"].data[1 : 1 + SIZE[0], 1 : 1 + SIZE[1]], images[2, 0, 1])

    assert fresh_session.models == (model,)
    qtbot.waitUntil(dock.generate.isEnabled, timeout=WAIT_MS)
    assert dock.model.path() == model, "it is chosen where nothing was"
    _, later = viewer.window.add_plugin_dock_widget("napari-biogans", "Interpolate")
    assert later.model.box.path() == model


def test_a_run_that_is_dropped_shows_its_last_samples_beside_what_its_model_draws(
    viewer, drop, class_run, fresh_session
):
    run = class_run()
    assert drop(run) == [["BioGANs", "napari builtins"]], "napari asks of every folder"
    *drawn, red, green = viewer.layers
    assert [layer.name for layer in drawn] == ["red", "Alp14 green", "Arp3 green", "Tea1 green"]
    assert (red.name, green.name) == ("samples red", "samples green")
    assert red.extent.world[0, 1] > drawn[0].extent.world[1, 1], "they do not cover what is drawn"
    stack = tifffile.imread(run / "samples" / "step-00000001-Arp3.cells.tif")
    height, width = SIZE
    np.testing.assert_array_equal(green.data[2 + height : 2 + 2 * height, 1 : 1 + width], stack[0, 1])
    assert fresh_session.models == fresh_session.runs == (run,)


def test_what_is_dropped_stands_beside_what_is_there(viewer, drop, trained_run, cell_layers):
    viewer.scene.camera.zoom = 1000
    drop(trained_run() / "model.safetensors")
    assert viewer.scene.camera.zoom < 1000, "and is shown"
    assert viewer.layers["red"].extent.world[0, -1] > cell_layers[0].extent.world[1, -1]


def test_the_latest_model_of_a_run_stands_for_the_run(viewer, drop, trained_run, fresh_session):
    run = trained_run()
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Generate")
    drop(run / "model.safetensors")
    drop(run)
    assert fresh_session.models == (run,)
    assert [dock.model.list.itemText(place) for place in range(dock.model.list.count())] == ["trained"]


def test_several_models_at_once_do_not_cover_each_other(viewer, drop, trained_run, fresh_session):
    paths = [trained_run(name) / "model.safetensors" for name in ("first", "second")]
    drop(*paths)
    assert [layer.name for layer in viewer.layers] == ["red", "green", "red [1]", "green [1]"]
    assert viewer.layers[2].extent.world[0, -1] > viewer.layers[0].extent.world[1, -1]
    assert [run.name for run in fresh_session.models] == ["second", "first"]


def test_the_window_stays_alive_while_a_model_is_opened(viewer, trained_run):
    moments = []
    timer = QTimer()
    timer.timeout.connect(lambda: moments.append(len(viewer.layers)))
    timer.start(0)
    viewer.open(trained_run(), plugin="napari-biogans")
    assert moments.count(0) > 2
    assert set(moments) <= {0, 4}, "layers come when all is drawn"


def test_a_script_without_a_window_gets_the_layers_too(trained_run):
    code = (
        "import sys, npe2; npe2.PluginManager.instance().discover();"
        "layers = npe2.read([sys.argv[1]], stack=False, plugin_name='napari-biogans');"
        "print([layer[1]['name'] for layer in layers])"
    )
    run = trained_run()
    done = subprocess.run([sys.executable, "-c", code, run], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['red', 'green', 'samples red', 'samples green']"


def test_models_of_others_are_left_to_others_without_loading_torch(tmp_path, trained_run):
    weights = {"weight": torch.zeros(3)}
    save_file(weights, tmp_path / "plain.safetensors")
    save_file(weights, tmp_path / "other.safetensors", {"format": "pt"})
    save_file(weights, tmp_path / "named.safetensors", {"format": "napari-biogans-like", "by": "napari-biogans"})
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    (tmp_path / "long.safetensors").write_bytes(b"\xff" * 100)
    (tmp_path / "json.safetensors").write_bytes((20).to_bytes(8, "little") + b'["napari-biogans"]  ')
    names = ("plain", "other", "named", "broken", "empty", "long", "json", "missing")
    paths = [tmp_path / f"{name}.safetensors" for name in names]
    assert no_reader(*paths)
    assert get_reader([str(paths[0]), str(trained_run() / "model.safetensors")]) is None
    code = (
        "import sys; from napari_biogans.plugin.reader import get_reader;"
        "print([get_reader(path) for path in sys.argv[1:]], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == f"{[None] * len(paths)} False"


def test_folders_of_others_are_left_to_others(tmp_path, pixels):
    folders = [tmp_path / name for name in ("images", "mixed", "settings", "list", "classes", "empty")]
    images, mixed, settings, listing, classes, _ = folders
    for folder in folders:
        folder.mkdir()
    tifffile.imwrite(images / "Tea1.tif", pixels, imagej=True, metadata={"axes": "TCYX"})
    write_cells(CellSet([pixels], ["Tea1"]), mixed)
    tifffile.imwrite(mixed / "other.cells.tif", pixels, imagej=True, metadata={"axes": "TCYX"})
    (settings / "config.json").write_text(json.dumps({"format": "something", "model_type": "gan"}))
    (listing / "config.json").write_text("[1, 2")
    write_cells(CellSet([pixels], ["Tea1"]), classes / "inner")
    assert no_reader(*folders)


def test_archives_of_others_are_left_to_others(tmp_path, pixels):
    np.savez(tmp_path / "foreign.cells.npz", cells=pixels)
    (tmp_path / "broken.cells.npz").write_bytes(b"PK nothing")
    write_cells(CellSet([pixels], ["Tea1"]), tmp_path / "ours.cells.npz")
    assert no_reader(tmp_path / "foreign.cells.npz", tmp_path / "broken.cells.npz", tmp_path / "missing.cells.npz")
    assert get_reader(str(tmp_path / "ours.cells.npz")) is not None


def test_napari_tells_what_a_foreign_folder_is_refused_with(viewer, drop, tmp_path, pixels, fresh_session):
    tifffile.imwrite(tmp_path / "image.tif", pixels[:, 0])
    with pytest.raises(ValueError, match="refused the file"):
        drop(tmp_path)
    assert not len(viewer.layers)
    assert not fresh_session.cell_sets


@pytest.mark.parametrize("damage", ["cut", "newer", "checkpoint", "weights"])
def test_models_that_cannot_be_opened_say_why_and_leave_nothing(viewer, drop, trained_run, fresh_session, damage):
    run = trained_run()
    path = run / "model.safetensors"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
        reason = "Was it copied completely"
    elif damage == "newer":
        path.write_bytes(path.read_bytes().replace(b'"format_version":"1"', b'"format_version":"9"'))
        reason = "newer napari-biogans"
    elif damage == "checkpoint":
        (path,) = (run / "checkpoints").glob("*.safetensors")
        reason = "open the folder of its run"
    else:
        path.write_bytes(path.read_bytes().replace(b"averaged.", b"averaaed."))
        reason = "do not fit together"
    with pytest.raises(ValueError, match=reason):
        drop(path)
    assert not len(viewer.layers)
    assert not fresh_session.models


def test_runs_that_cannot_be_opened_say_why(viewer, drop, trained_run, fresh_session):
    run = trained_run()
    (run / "model.safetensors").rename(run / "kept.safetensors")
    with pytest.raises(Exception, match="has not saved a model yet"):
        drop(run)
    (run / "kept.safetensors").rename(run / "model.safetensors")
    (sample,) = (run / "samples").glob("step-00000002*.tif")
    sample.write_bytes(sample.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"samples.*cut short, damaged"):
        drop(run)
    assert not len(viewer.layers)
    assert not fresh_session.models
    shutil.rmtree(run / "samples")
    drop(run)
    assert [layer.name for layer in viewer.layers] == ["red", "green"], "samples may be missing"


@pytest.mark.parametrize("place", ["cells", "set.cells.npz"])
def test_a_cell_set_that_is_dropped_shows_its_classes_beside_each_other(
    viewer, drop, several, tmp_path, place, fresh_session
):
    write_cells(several, tmp_path / place)
    drop(tmp_path / place)
    names = [f"{name} {channel}" for name in several.class_names for channel in ("Tip1", "GFP")]
    assert [layer.name for layer in viewer.layers] == names
    for number, images in enumerate(several.images):
        for channel, layer in enumerate(viewer.layers[2 * number : 2 * number + 2]):
            np.testing.assert_array_equal(layer.data, images[:, channel])
            np.testing.assert_allclose(layer.scale, (1, 0.1, 0.1))
            assert layer.colormap.name == ("red", "green")[channel]
    corners = {tuple(layer.extent.world[0, 1:].round(3)) for layer in viewer.layers}
    assert len(corners) == 3, "a place for each class"
    middle = np.mean([viewer.layers.extent.world[:, 1:]], axis=(0, 1))
    np.testing.assert_allclose(viewer.scene.camera.center[1:], middle, atol=0.2, err_msg="all of them are seen")
    assert fresh_session.cell_sets == (tmp_path / place,)


def test_a_damaged_cell_set_opens_nothing(viewer, drop, several, tmp_path, fresh_session):
    paths = write_cells(several, tmp_path / "cells")
    viewer.open(paths[0], plugin="napari-biogans")
    assert fresh_session.cell_sets == (paths[0],)
    viewer.layers.clear()
    write_cells(several.subset(["Tea1"], [np.arange(1200) % 6]), tmp_path / "set.cells.npz")
    archive = tmp_path / "set.cells.npz"
    whole = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as entries:
        # Among the pixels, which are not looked at before they are read.
        whole[entries.getinfo("Tea1.npy").header_offset + 100_000] ^= 0xFF
    archive.write_bytes(whole)
    with pytest.raises(ValueError, match="cannot be read"):
        viewer.open(archive, plugin="napari-biogans")
    assert not len(viewer.layers)
    assert fresh_session.cell_sets == (paths[0],)


def test_nobody_is_asked_about_the_files_of_others():
    manager = PluginManager.instance()
    names = {"a.safetensors": True, "a.cells.npz": True, "a.npz": False, "a.json": False, "model.pth": False}
    for name, is_offered in names.items():
        offered = {reader.plugin_name for reader in manager.iter_compatible_readers([name])}
        assert ("napari-biogans" in offered) is is_offered, name


def test_the_same_model_shows_the_same_cells_each_time(trained_run):
    run = trained_run()
    first, second = (get_reader(str(run))(str(run)) for _ in range(2))
    np.testing.assert_array_equal(first[0][0], second[0][0])
    steps = draw(DrawRequest(run, 3, seed=0), lambda: False)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            latents = end.value.metadata["latents"]
            break
    np.testing.assert_array_equal(first[0][1]["metadata"]["biogans"]["latents"][:3], latents)
