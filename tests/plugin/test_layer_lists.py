"""Boxes of layers follow what happens to the layers, in every panel that has some."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_biogans.plugin.explore_panel import ExplorePanel
from napari_biogans.plugin.key_sources import KeySources
from napari_biogans.plugin.reconstruct_panel import ReconstructPanel
from napari_biogans.plugin.score_panel import ScorePanel
from napari_biogans.plugin.train_panel import TrainPanel

from .conftest import SIZE

BOXES = {
    "Train, red": (TrainPanel, lambda panel: panel.cells.rows.rows[0].red),
    "Train, green": (TrainPanel, lambda panel: panel.cells.rows.rows[0].green),
    "Score, a": (ScorePanel, lambda panel: panel.sides.a.rows.rows[0].red),
    "Score, b": (ScorePanel, lambda panel: panel.sides.b.rows.rows[0].green),
    "Reconstruct, red": (ReconstructPanel, lambda panel: panel.form.rows.rows[0].red),
    "Reconstruct, green": (ReconstructPanel, lambda panel: panel.form.rows.rows[0].green),
    "Reconstruct, training cells": (ReconstructPanel, lambda panel: panel.form.training.rows.rows[0].red),
    "Explore, measured cells": (ExplorePanel, lambda panel: panel.feature.cells),
}


@pytest.fixture
def viewer():
    """What a viewer is besides its window."""
    return ViewerModel()


@pytest.fixture
def open_panel(viewer, shown):
    return lambda kind: shown(kind(viewer))


def drawn(name, cells=4):
    """A layer of cells with known latents, which every box may offer."""
    known = {"latents": np.zeros((cells, 4), np.float32), "model": "run", "seed": 0}
    return Image(np.zeros((cells, *SIZE), np.uint8), name=name, rgb=False, metadata={"biogans": known})


def texts(box):
    return [box.itemText(place) for place in range(box.count())]


@pytest.fixture(params=BOXES.values(), ids=BOXES)
def box(request, viewer, open_panel):
    """A box, and three layers; the second is chosen."""
    kind, find = request.param
    for name in "xyz":
        viewer.add_layer(drawn(name))
    box = find(open_panel(kind))
    box.setCurrentIndex(box.findText("y"))
    assert box.currentText() == "y"
    return box


def test_layers_that_come_are_offered(viewer, box):
    assert {"x", "y", "z"} <= set(texts(box))
    viewer.add_layer(drawn("new"))
    assert "new" in texts(box)
    assert box.currentText() == "y"


def test_layers_that_are_renamed_are_called_so(viewer, box):
    viewer.layers["y"].name = "renamed"
    assert "renamed" in texts(box)
    assert "y" not in texts(box)
    assert box.currentText() == "renamed"
    viewer.layers["z"].name = "other"
    assert "other" in texts(box)
    assert box.currentText() == "renamed"


def test_others_that_are_removed_do_not_change_the_choice(viewer, box):
    viewer.layers.remove("x")
    assert "x" not in texts(box)
    assert box.currentText() == "y"


def test_the_order_does_not_change_the_choice(viewer, box):
    viewer.layers.move(0, 3)
    assert box.currentText() == "y"
    offered = [text for text in texts(box) if text in ("x", "y", "z")]
    assert offered == ["y", "z", "x"]


def test_a_chosen_layer_that_is_removed_is_chosen_no_longer(viewer, box):
    viewer.layers.remove("y")
    assert "y" not in texts(box)
    assert box.currentText() != "y"
    assert box.currentText() not in ("x", "z"), "nobody chose that"


def test_layers_with_other_pixels_stay_chosen(viewer, box):
    viewer.layers["y"].data = np.ones((4, *SIZE), np.uint8)
    assert box.currentText() == "y"


def add_pairs(viewer, pixels, *names):
    for name in names:
        for place, colour in enumerate(("red", "green")):
            viewer.add_image(pixels[:, place], name=f"{name} {colour}", colormap=colour)


def test_it_is_told_that_chosen_layers_are_gone_and_others_chosen(viewer, open_panel, pixels):
    add_pairs(viewer, pixels, "Tea1", "Alp14")
    panel = open_panel(TrainPanel)
    panel.settings.set_values({"architecture": "star-shaped"})
    rows = panel.cells.rows
    (row,) = rows.rows
    assert (row.name.text(), rows.gone.isVisible()) == ("Tea1", False)
    viewer.layers.remove("Tea1 red")
    assert row.red.choice() is None
    assert rows.gone.isVisible()
    assert rows.gone.text() == "Tea1 red was removed."
    assert panel.controls.status.text().startswith("Choose a red layer for 'Tea1'")
    viewer.layers.remove("Tea1 green")
    assert (row.red.currentText(), row.green.currentText()) == ("Alp14 red", "Alp14 green")
    assert rows.gone.text() == "Tea1 red, Tea1 green were removed. Other layers are chosen now."
    assert row.name.text() == "Alp14", "the class of the layers that are gone would be learned for others"
    row.green.choose(viewer.layers["Alp14 red"])
    row.green.choose(viewer.layers["Alp14 green"])
    assert not rows.gone.isVisible(), "somebody has chosen since"


def test_the_name_that_somebody_gave_a_class_stays(viewer, open_panel, pixels):
    add_pairs(viewer, pixels, "Tea1", "Alp14")
    (row,) = open_panel(TrainPanel).cells.rows.rows
    row.name.setText("mine")
    viewer.layers.clear()
    add_pairs(viewer, pixels, "Arp3")
    assert (row.name.text(), row.red.currentText()) == ("mine", "Arp3 red")


def test_explore_tells_that_the_layer_to_measure_is_gone(viewer, open_panel):
    viewer.add_layer(drawn("rebuilt"))
    panel = open_panel(ExplorePanel)
    panel.feature.cells.set(viewer.layers["rebuilt"])
    viewer.layers.remove("rebuilt")
    assert panel.feature.cells.get() is None
    assert panel.status.text().startswith("rebuilt is gone")


def test_sources_of_cells_follow_the_selected_layer(viewer, qtbot):
    layer = viewer.add_layer(drawn("first"))
    sources, told = KeySources(viewer), []
    sources.changed.connect(lambda: told.append((sources.layer_name, len(sources.of_layer()))))
    layer.name = "second"
    assert told == [("second", 4)]
    layer.metadata = drawn("", cells=2).metadata
    layer.data = np.zeros((2, *SIZE), np.uint8)
    assert told[-1] == ("second", 2)
    viewer.add_layer(Image(np.zeros(SIZE), name="other"))
    assert told[-1] == ("other", 0)
    before = len(told)
    layer.name = "not selected"
    assert len(told) == before
    viewer.layers.clear()
    assert told[-1] == ("", 0)
    sources.disconnect_all()
    viewer.add_layer(drawn("later"))
    assert told[-1] == ("", 0)
