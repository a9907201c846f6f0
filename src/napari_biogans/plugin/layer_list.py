"""A list of layers of which several can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QWidget

MOST_LINES = 5
"""Seen at a time; further ones are scrolled to."""
SPACING = 1
"""Pixels above and below each line."""


class LayerList(QListWidget):
    """Layers with a check box each; what is checked follows the layers when they are renamed or moved."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: list[Any] = []
        self.setSpacing(SPACING)
        # Long names differ at their ends.
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.itemChanged.connect(self._tell)
        self._fit_height()

    def offer(self, layers: Sequence[Any]) -> None:
        """Offer these layers; those that are checked stay so, and new ones are not."""
        if layers == self._layers and [self._item(row).text() for row in range(self.count())] == [
            layer.name for layer in layers
        ]:
            return
        kept = self.chosen()
        self.blockSignals(True)
        self.clear()
        self._layers = list(layers)
        for layer in layers:
            item = QListWidgetItem(layer.name)
            item.setToolTip(layer.name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked if layer in kept else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.blockSignals(False)
        self._fit_height()
        if self.chosen() != kept:
            self.edited.emit()

    def _fit_height(self) -> None:
        lines = min(max(self.count(), 2), MOST_LINES)
        height = max(self.sizeHintForRow(0), self.fontMetrics().height()) + 2 * SPACING
        self.setFixedHeight(lines * height + 2 * self.frameWidth())

    def chosen(self) -> list[Any]:
        """Give the layers that are checked."""
        return [
            layer for row, layer in enumerate(self._layers) if self._item(row).checkState() == Qt.CheckState.Checked
        ]

    def choose(self, layers: Sequence[Any]) -> None:
        """Check these layers, and no others."""
        self.blockSignals(True)
        for row, layer in enumerate(self._layers):
            self._item(row).setCheckState(Qt.CheckState.Checked if layer in layers else Qt.CheckState.Unchecked)
        self.blockSignals(False)
        if first := [row for row, layer in enumerate(self._layers) if layer in layers]:
            self.scrollToItem(self._item(first[0]), self.ScrollHint.PositionAtTop)
        self.edited.emit()

    def _item(self, row: int) -> QListWidgetItem:
        item = self.item(row)
        if item is None:
            raise IndexError(f"There is no row {row}.")
        return item

    def _tell(self, item: QListWidgetItem) -> None:
        self.edited.emit()
