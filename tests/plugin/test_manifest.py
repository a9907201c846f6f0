"""What the plugin offers napari, and where it is to be found."""

import numpy as np
import pytest
import tifffile
from npe2 import PluginManager, PluginManifest
from qtpy.QtWidgets import QMenu

from napari_biogans import CellSet, write_cells
from napari_biogans.plugin.reader import get_reader

from .conftest import WAIT_MS


@pytest.fixture
def manifest():
    return PluginManifest.from_distribution("napari-biogans")


def test_the_manifest_is_valid_and_its_commands_can_be_imported(manifest):
    manifest.validate_imports()
    assert [command.id for command in manifest.contributions.commands] == [
        f"napari-biogans.{name}"
        for name in (
            "cut_cells",
            "train",
            "generate",
            "explore",
            "interpolate",
            "score",
            "reconstruct",
            "put_back",
            "simulated_cells",
            "bbbc013",
            "read",
            "write_cells",
        )
    ]


def titles(menu):
    """Titles of all entries of a menu and its submenus, as paths."""
    found = []
    for action in menu.actions():
        if isinstance(action.menu(), QMenu):
            menu_here = action.menu()
            menu_here.aboutToShow.emit()
            found += [f"{action.text()} > {title}" for title in titles(menu_here)]
        elif action.text():
            found.append(action.text())
    return [title.replace("&", "") for title in found]


def test_every_entry_is_in_the_menus_of_the_viewer(viewer):
    bar = viewer.window._qt_window.menuBar()
    found = [
        f"{action.text()} > {title}".replace("&", "") for action in bar.actions() for title in titles(action.menu())
    ]
    for entry in (
        "File > New Layer > Generate (BioGANs)",
        "File > New Layer > Explore (BioGANs)",
        "File > New Layer > Interpolate (BioGANs)",
        "File > Open Sample > BioGANs > Simulated fission yeast",
        "File > Open Sample > BioGANs > BBBC013: U2OS cells, DNA and FKHR-GFP (downloads 21 MB)",
        "Layers > Data > Train (BioGANs)",
        "Layers > Segment > Cut cells (BioGANs)",
        "Layers > Measure > Score (C2ST) (BioGANs)",
        "Layers > Filter > Reconstruct (BioGANs)",
        "Layers > Transform > Put into field (BioGANs)",
        "Plugins > BioGANs > Cut cells (BioGANs)",
        "Plugins > BioGANs > Train (BioGANs)",
        "Plugins > BioGANs > Generate (BioGANs)",
        "Plugins > BioGANs > Explore (BioGANs)",
        "Plugins > BioGANs > Interpolate (BioGANs)",
        "Plugins > BioGANs > Score (C2ST) (BioGANs)",
        "Plugins > BioGANs > Reconstruct (BioGANs)",
        "Plugins > BioGANs > Put into field (BioGANs)",
    ):
        assert entry in found, [title for title in found if "BioGANs" in title]


def test_a_menu_entry_opens_its_dock(viewer, qtbot):
    actions = _all_actions(viewer.window._qt_window.menuBar())
    next(action for action in actions if action.text() == "Generate (BioGANs)").trigger()
    assert "Generate (BioGANs)" in viewer.window.dock_widgets


def _all_actions(menu):
    found = []
    for action in menu.actions():
        found += _all_actions(action.menu()) if action.menu() else [action]
    return found


def test_the_sample_can_be_trained_on_at_once(viewer, open_train, monkeypatch):
    from napari_biogans.plugin import sample_data

    monkeypatch.setattr(sample_data, "CELLS", 4)
    viewer.open_sample("napari-biogans", "simulated_cells")
    assert [layer.name for layer in viewer.layers] == ["cytoplasm red", "cytoplasm green"]
    for layer, colour in zip(viewer.layers, ("red", "green"), strict=True):
        assert layer.data.shape == (4, 48, 80)
        assert layer.colormap.name == colour
        assert layer.blending == "additive"
        np.testing.assert_allclose(layer.scale, (1, 0.2, 0.2))
        assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"]
    assert open_train().controls.start.isEnabled()


def test_stacks_of_ours_are_opened_with_colours_and_scale(viewer, tmp_path, pixels):
    (path,) = write_cells(
        CellSet([pixels], ["Tea1"], channel_names=("Tip1", "GFP"), pixel_size=0.1), tmp_path / "cells"
    )
    viewer.open(path, plugin="napari-biogans")
    assert [layer.name for layer in viewer.layers] == ["Tea1 Tip1", "Tea1 GFP"]
    assert [layer.colormap.name for layer in viewer.layers] == ["red", "green"]
    np.testing.assert_array_equal(viewer.layers[1].data, pixels[:, 1])
    np.testing.assert_allclose(viewer.layers[1].scale, (1, 0.1, 0.1))


def test_files_of_others_are_never_claimed(tmp_path, pixels):
    foreign = tmp_path / "foreign.tif"
    tifffile.imwrite(foreign, pixels, imagej=True, metadata={"axes": "TCYX", "Info": '{"format": "something"}'})
    cut = tmp_path / "cut.tif"
    (whole,) = write_cells(CellSet([pixels], ["Tea1"]), tmp_path / "cells")
    cut.write_bytes(whole.read_bytes()[:100])
    text = tmp_path / "text.tif"
    text.write_text("no picture")
    assert [get_reader(str(path)) for path in (foreign, cut, text, tmp_path / "missing.tif", tmp_path)] == [None] * 5
    assert get_reader([str(whole), str(foreign)]) is None
    assert get_reader([]) is None
    assert get_reader(str(whole)) is not None


def test_a_single_cell_can_be_opened(tmp_path, pixels):
    (path,) = write_cells(CellSet([pixels[:1]], ["Tea1"]), tmp_path / "cells")
    layers = get_reader(str(path))(str(path))
    assert [layer[0].shape for layer in layers] == [(1, 12, 12)] * 2


def test_plugin_is_found_by_npe2():
    assert "napari-biogans" in {manifest.name for manifest in PluginManager.instance().iter_manifests()}


def test_docks_take_little_time_to_open(viewer, qtbot):
    """torch is loaded in another thread."""
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Train")
    assert dock.panel is None
    qtbot.waitUntil(lambda: dock.panel is not None, timeout=WAIT_MS)


def test_nobody_is_asked_about_other_peoples_files():
    """napari offers a choice of readers for all files whose names fit a pattern."""
    manager = PluginManager.instance()

    def offered(name):
        return "napari-biogans" in {reader.plugin_name for reader in manager.iter_compatible_readers([name])}

    assert offered("Tea1.cells.tif")
    assert offered("Tea1.cells.ome.tif")
    assert not any(offered(name) for name in ("Tea1.tif", "Tea1.ome.tif", "cells.tif", "Tea1.tiff", "Tea1.png"))
