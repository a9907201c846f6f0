"""Asking for the direction along which something measured grows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QPushButton, QWidget

from napari_biogans.plugin.exploring import CELLS_TO_MEASURE
from napari_biogans.plugin.image_layers import ImageLayers
from napari_biogans.plugin.key_cells import key_cells_of
from napari_biogans.plugin.offering import offer
from napari_biogans.plugin.setting_editors import Choice

DRAWN = "cells that the model draws"
MEASURED = ("length", "width", "area", "mean_red", "mean_green")
TIPS = {
    "cells": f"Cells with known latents: {CELLS_TO_MEASURE} that are drawn now, or those of a layer that was drawn or "
    "rebuilt with this model",
    "feature": "What is measured: length and width (µm, or pixels) and area of what stands out in red, and mean "
    ""
    "intensities within it",
    "find": "Add a slider along which it grows",
}


class FeatureBox(QWidget):
    """Cells, what is measured of them, and a button to find its direction.

    Parameters
    ----------
    layers : ImageLayers
        To choose from.
    """

    asked = Signal()
    lost = Signal(str)
    """The layer that was chosen is gone; what is chosen now."""

    def __init__(self, layers: ImageLayers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers = layers
        self.cells = Choice({DRAWN: None})
        self.feature = Choice({name: name for name in MEASURED})
        self.search = QPushButton("Find direction")
        self.cells.setToolTip(TIPS["cells"])
        self.feature.setToolTip(TIPS["feature"])
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Of", self.cells)
        rows.addRow("Grows", self.feature)
        rows.addRow(self.search)
        self.search.clicked.connect(self.asked)
        layers.changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Offer the layers that there are now, whose cells have latents."""
        known = {layer.name: layer for layer in self._layers.all() if len(key_cells_of(layer)) > 1}
        before, text = self.cells.get(), self.cells.currentText()
        self.cells.offer({DRAWN: None, **known})
        if before is not self.cells.get():
            self.lost.emit(f"{text} is gone, or other cells are in it: {DRAWN} are measured now.")

    def disable(self, problem: str) -> None:
        """Keep it from being asked for, for a reason; an empty one lets it."""
        offer(self.search, problem, TIPS["find"])

    def latents(self) -> NDArray[np.float32] | None:
        """Give the latents of the cells (N, Z); None for those that are drawn."""
        layer: Any = self.cells.get()
        return None if layer is None else np.stack([cell.latent for cell in key_cells_of(layer)])
