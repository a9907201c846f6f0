"""Layers of cells that are saved as a cell set, and opened again."""

import numpy as np
import pytest
from npe2 import PluginManager
from qtpy.QtWidgets import QFileDialog

from napari_biogans import CellSet, read_cells, write_cells
from napari_biogans.plugin.writer import SavingError, write_cell_layers

from .conftest import SIZE, WAIT_MS


@pytest.fixture
def several(pixels):
    """A cell set of three classes of unequal numbers, with everything that a set knows."""
    return CellSet(
        [pixels.astype(np.uint16) * 7, pixels[:4].astype(np.uint16), pixels[::-1].astype(np.uint16)],
        ["Tea1", "Alp14", "a/b"],
        channel_names=("Tip1", "GFP"),
        pixel_size=0.1,
        intensity_range=[(3, 2000), (7, 2500)],
    )


@pytest.fixture
def opened(viewer, several, tmp_path):
    """The layers of the set, in the viewer."""
    write_cells(several, tmp_path / "first")
    return viewer.open(tmp_path / "first", plugin="napari-biogans")


def add_pair(viewer, pixels, names=("red", "green"), **settings):
    return [viewer.add_image(pixels[:, place], name=name, **settings) for place, name in enumerate(names)]


def check_same(cells, others):
    assert (cells.class_names, cells.channel_names, cells.dtype) == (
        others.class_names,
        others.channel_names,
        others.dtype,
    )
    assert cells.pixel_size == pytest.approx(others.pixel_size)
    np.testing.assert_array_equal(cells.intensity_range, others.intensity_range)
    for images, other in zip(cells.images, others.images, strict=True):
        np.testing.assert_array_equal(images, other)


@pytest.mark.parametrize("name", ["second.cells", "second.cells.npz"])
def test_what_is_opened_and_saved_is_the_same(viewer, opened, several, tmp_path, name, fresh_session):
    written = viewer.layers.save(str(tmp_path / name))
    assert len(written) == (1 if name.endswith("npz") else 3)
    check_same(read_cells(tmp_path / name), several)
    assert fresh_session.cell_sets == (tmp_path / name, tmp_path / "first")
    viewer.layers.clear()
    again = viewer.open(tmp_path / name, plugin="napari-biogans")
    viewer.layers.save(str(tmp_path / "third.cells.npz"))
    check_same(read_cells(tmp_path / "third.cells.npz"), several)
    assert len(again) == 6


def test_the_save_dialog_offers_it_for_the_selected_layers(viewer, opened, several, tmp_path, monkeypatch):
    offered = []

    def answer(parent, title, start, filter, options):
        offered.extend(filter.split(";;"))
        return str(tmp_path / "saved"), next(text for text in offered if text.startswith("BioGANs"))

    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(answer))
    viewer.layers.selection = set(opened[:4])
    viewer.window._qt_viewer._save_layers_dialog(selected=True)
    assert "BioGANs cell set (*.cells *.cells.npz)" in offered
    assert read_cells(tmp_path / "saved").class_names == several.class_names[:2]


def test_cells_that_a_model_drew_are_saved_in_the_units_of_its_cells(viewer, class_run, click, qtbot, tmp_path):
    run = class_run()
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Generate")
    dock.model.add(run)
    qtbot.waitUntil(dock.generate.isEnabled, timeout=WAIT_MS)
    dock.form.number.set(5)
    click(dock.generate)
    qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=WAIT_MS)
    viewer.layers.save(str(tmp_path / "drawn.cells"))
    cells = read_cells(tmp_path / "drawn.cells")
    assert cells.class_names == ("Alp14", "Arp3", "Tea1")
    assert cells.pixel_size == pytest.approx(0.2)
    for images, name in zip(cells.images, cells.class_names, strict=True):
        np.testing.assert_array_equal(images[:, 0], viewer.layers["red"].data, "one red for all")
        np.testing.assert_array_equal(images[:, 1], viewer.layers[f"{name} green"].data)


@pytest.mark.parametrize(
    ("names", "colormaps", "is_swapped", "class_name"),
    [
        (("Tea1 red", "Tea1 green"), ("gray", "gray"), False, "Tea1"),
        (("Tea1 green", "Tea1 red"), ("gray", "gray"), True, "Tea1"),
        (("DNA", "protein"), ("green", "red"), True, "saved"),
        (("DNA", "protein"), ("gray", "gray"), False, "saved"),
        (("protein", "DNA"), ("gray", "red"), True, "saved"),
        (("red", "green [1]"), ("gray", "gray"), False, "saved"),
    ],
)
def test_two_stacks_of_anyone(viewer, pixels, tmp_path, names, colormaps, is_swapped, class_name):
    for place, (name, colormap) in enumerate(zip(names, colormaps, strict=True)):
        viewer.add_image(pixels[:, place], name=name, colormap=colormap)
    viewer.layers.save(str(tmp_path / "saved.cells.npz"))
    cells = read_cells(tmp_path / "saved.cells.npz")
    assert cells.class_names == (class_name,)
    np.testing.assert_array_equal(cells.images[0], pixels[:, ::-1] if is_swapped else pixels)


def test_layers_that_were_renamed_show_another_class(viewer, opened, tmp_path):
    for layer in opened[:2]:
        layer.name = layer.name.replace("Tea1", "Mkh1")
    viewer.layers.save(str(tmp_path / "saved.cells"))
    assert set(read_cells(tmp_path / "saved.cells").class_names) == {"Mkh1", "Alp14", "a/b"}


def test_the_same_set_opened_twice_is_told_apart(viewer, opened, several, tmp_path):
    again = viewer.open(tmp_path / "first", plugin="napari-biogans")
    assert again[0].name.endswith("[1]")
    viewer.layers.selection = set(again)
    viewer.layers.save(str(tmp_path / "saved.cells"), selected=True)
    check_same(read_cells(tmp_path / "saved.cells"), several)
    with pytest.raises(SavingError, match="are both red of class 'Tea1'"):
        viewer.layers.save(str(tmp_path / "both.cells"))


def test_a_size_that_networks_cannot_make_is_changed_with_a_warning(viewer, tmp_path, notes):
    cells = np.random.default_rng(0).integers(0, 255, (5, 2, 17, 31), dtype=np.uint8)
    add_pair(viewer, cells)
    viewer.layers.save(str(tmp_path / "odd.cells"))
    assert [message for severity, message in notes if severity == "warning" and "17x31" in message]
    assert read_cells(tmp_path / "odd.cells").counts == (5,)


def refusals():
    stack = np.random.default_rng(0).integers(0, 255, (5, 2, *SIZE), dtype=np.uint8)
    yield "shapes", [(stack[:, 0], "red"), (stack[:4, 1], "green")], "choose layers that show the same cells"
    yield "pictures", [(stack[0, 0], "red"), (stack[0, 1], "green")], "cut the cells out"
    yield "types", [(stack[:, 0], "red"), (stack[:, 1].astype(np.uint16), "green")], "convert one of them"
    yield "unknown", [(stack[:, 0], "a"), (stack[:, 1], "b"), (stack[:, 1], "c")], "Nothing tells whether layer 'a'"
    yield "no red", [(stack[:, 0], "Tea1 green"), (stack[:, 1], "Mkh1 green")], "red of Tea1, red of Mkh1"
    yield "no green", [(stack[:, 0], "Tea1 red"), (stack[:, 1], "Mkh1 red")], "green of Tea1, green of Mkh1"
    yield (
        "one red missing",
        [(stack[:, 0], "A red"), (stack[:, 0], "B red"), (stack[:, 0], "A green"), (stack[:, 0], "C green")],
        "red of C, green of B",
    )
    yield "not finite", [(np.full((3, *SIZE), np.nan, np.float32), name) for name in ("red", "green")], "NaN"


@pytest.mark.parametrize(("data", "reason"), [case[1:] for case in refusals()], ids=[case[0] for case in refusals()])
def test_what_is_no_cell_set_is_refused_before_anything_is_written(viewer, tmp_path, data, reason, fresh_session):
    for pixels, name in data:
        viewer.add_image(pixels, name=name, contrast_limits=(0, 255))
    # napari would pass over a ValueError as if there were no writer.
    with pytest.raises(SavingError, match=reason):
        viewer.layers.save(str(tmp_path / "saved.cells"))
    assert list(tmp_path.iterdir()) == []
    assert not fresh_session.cell_sets


def test_a_folder_that_is_not_empty_is_left_alone(viewer, pixels, tmp_path):
    add_pair(viewer, pixels)
    (tmp_path / "mine.cells").mkdir()
    (tmp_path / "mine.cells" / "note.txt").write_text("mine")
    with pytest.raises(SavingError, match="give the cell set another name"):
        viewer.layers.save(str(tmp_path / "mine.cells"))
    with pytest.raises(SavingError, match="no place for a cell set"):
        write_cell_layers(str(tmp_path / "x.tif"), [layer.as_layer_data_tuple() for layer in viewer.layers])
    assert [path.name for path in tmp_path.rglob("*")] == ["mine.cells", "note.txt"]


def test_a_third_channel_is_refused(viewer, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (4, 3, *SIZE), dtype=np.uint8)
    write_cells(CellSet([pixels], ["Tea1"], channel_names=("a", "b", "c")), tmp_path / "three.cells.npz")
    layers = viewer.open(tmp_path / "three.cells.npz", plugin="napari-biogans")
    with pytest.raises(SavingError, match="'Tea1 c' is neither red nor green"):
        viewer.layers.save(str(tmp_path / "saved.cells"))
    viewer.layers.selection = set(layers[:2])
    viewer.layers.save(str(tmp_path / "saved.cells"), selected=True)
    np.testing.assert_array_equal(read_cells(tmp_path / "saved.cells").images[0], pixels[:, :2])


def test_what_others_save_goes_on_as_it_did():
    manager = PluginManager.instance()

    def writer(path, kinds):
        found, _ = manager.get_writer(str(path), kinds)
        return None if found is None else found.plugin_name

    assert writer("folder", ["image", "image"]) == "napari"
    assert writer("image.tif", ["image"]) == "napari"
    assert writer("image", ["image"]) == "napari"
    assert writer("image.npz", ["image"]) == "napari"
    assert writer("x.cells", ["image", "labels"]) is None
    assert writer("x.cells", ["image", "image"]) == "napari-biogans"
    assert writer("x.cells.npz", ["image"] * 7) == "napari-biogans"
