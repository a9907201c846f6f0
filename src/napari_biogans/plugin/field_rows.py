"""Rows to choose the layers that hold the fields of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin.cell_rows import CellRow, CellRows
from napari_biogans.plugin.class_names import listed
from napari_biogans.plugin.field_layers import FieldLayer, LayerChoice, told_classes
from napari_biogans.plugin.found_layers import OUTLINES
from napari_biogans.plugin.image_layers import ImageLayers, LayerBox
from napari_biogans.plugin.layer_data import METADATA_KEY
from napari_biogans.plugin.pairing import Pair, SameLayer, field_channel_axes, field_halves, guess_fields

SEGMENTED = "none: find cells by their red"
TIPS = {
    "red": "Pictures with many cells: one, or a series of times, positions or wells, of which each is a field",
    "green": "Another layer of the same shape, or the second channel of the layer of red",
    "labels": "Labels of the cells from any segmentation: 0 outside, and a number for each cell; or none, if cells are "
    "to be found by their red",
}
ADD_TIP = "Fields of another class, in layers of their own"
NO_LAYERS = "Choose a red and a green layer, with pictures of many cells; or open some: File > Open."


class LabelsBox(LayerBox):
    """A box to choose a layer of labels, or none, so that cells are found by their red."""

    def offer_labels(self, layers: ImageLayers) -> None:
        """Offer the layers of labels there are, but for outlines that a dock shows."""
        shown = [
            layer for layer in layers.labels() if (layer.metadata.get(METADATA_KEY) or {}).get("shows") != OUTLINES
        ]
        is_new = not self.count()
        self._offer({SEGMENTED: SEGMENTED, **{layer: layer.name for layer in shown}})
        if is_new:
            self.choose(SEGMENTED)


class FieldRow(CellRow):
    """The fields of one class: its name, its layers of red, green and labels, and a button to take it away.

    Parameters
    ----------
    layers : ImageLayers
        To choose from.
    name : str
        That it has until another is given.
    """

    removal_tip = "Take these fields away"
    alone = "These fields are the only ones; choose others in their place."

    def __init__(self, layers: ImageLayers, name: str, parent: QWidget | None = None) -> None:
        super().__init__(layers, name, field_channel_axes, field_halves, parent)
        self._own_name = name
        self.labels = LabelsBox()
        titles = [*self._box_labels, self._add_box("Labels", self.labels)]
        for label, tip in zip(titles, (TIPS["red"], TIPS["green"], TIPS["labels"]), strict=True):
            label.setToolTip(tip)
        self.labels.chosen.connect(self.changed)
        self.red.chosen.connect(self._show_told)

    def offer_layers(self) -> None:
        """Offer the layers there are now."""
        super().offer_layers()
        self.labels.offer_labels(self._layers)
        self._show_told()

    def fill(self, pair: Pair) -> None:
        """Choose layers that belong together."""
        super().fill(replace(pair, name="") if pair.red is not None and told_classes(pair.red) else pair)
        self._show_told()

    def choice(self) -> LayerChoice:
        """Take what counts of the chosen layers.

        Raises
        ------
        CellsError
            If a layer is not chosen.
        """
        red, green, labels = self.red.choice(), self.green.choice(), self.labels.choice()
        if red is None and green is None:
            raise CellsError(NO_LAYERS)
        for layer, colour in ((red, "red"), (green, "green")):
            if layer is None:
                raise CellsError(f"Choose a {colour} layer: an image layer that shows fields with many cells.")
        if labels is None:
            raise CellsError("The layer of labels is gone; choose another, or none.")
        told = told_classes(red)
        name = self.name.text().strip() or ("" if told else self._own_name)
        same = isinstance(green, SameLayer)
        return LayerChoice(
            FieldLayer.of(red),
            None if same else FieldLayer.of(green),
            green.axis if same else None,
            None if labels is SEGMENTED else FieldLayer.of(labels),
            name,
        )

    def _show_told(self) -> None:
        red = self.red.choice()
        told = () if red is None else told_classes(red)
        different = list(dict.fromkeys(told))
        self.name.setPlaceholderText(f"by the layer: {listed(different)}" if told else self._own_name)


class FieldRows(CellRows):
    """As many classes as wanted, each with the layers of its fields.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(viewer, parent=parent)
        self.add.setToolTip(ADD_TIP)

    def choices(self) -> list[LayerChoice]:
        """Take what counts of the chosen layers.

        Raises
        ------
        CellsError
            If a layer is not chosen, or chosen twice.
        """
        choices = [row.choice() for row in self.rows if isinstance(row, FieldRow)]
        names = [choice.red.images.name for choice in choices]
        if twice := [name for name in names if names.count(name) > 1]:
            raise CellsError(f"Layer {twice[0]!r} is chosen twice; choose another, or take one of the rows away.")
        return choices

    def chosen_layers(self) -> list[Any]:
        """Give the layers that are chosen, in the order of the rows."""
        return [
            box.choice() for row in self.rows if isinstance(row, FieldRow) for box in (row.red, row.green, row.labels)
        ]

    def ask_for_classes(self, asks: bool) -> None:
        """Ask for the names of classes, or not, where a table tells them."""
        super().ask_for_classes(asks)
        self.add.setText("Add fields")
        self.add.setToolTip(ADD_TIP)

    def _make_row(self, name: str) -> CellRow:
        return FieldRow(self.image_layers, name)

    def _guess(self, taken: Sequence[Any]) -> Pair | None:
        return guess_fields(self.image_layers.all(), taken)
