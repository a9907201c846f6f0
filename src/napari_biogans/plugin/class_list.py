"""A list of classes to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QSizePolicy, QVBoxLayout, QWidget

MOST_LINES = 5
"""Seen at a time; further ones are scrolled to."""
SPACING = 1
"""Pixels above and below each line."""


class ClassList(QWidget):
    """Classes with a check box each, and one for all of them."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.all = QCheckBox("all")
        self.all.setToolTip("Choose all classes, or none")
        self.list = QListWidget()
        self.list.setSpacing(SPACING)
        self.list.setToolTip("The classes whose greens are drawn; Space chooses one, or not")
        self.list.setAccessibleName("Classes")
        # Long names differ at their ends, and a bar to scroll sideways would cover the last line.
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.all)
        layout.addWidget(self.list)
        self.all.clicked.connect(self._choose_all)
        self.list.itemChanged.connect(self._tell)

    def offer(self, names: Sequence[str]) -> None:
        """Offer these classes, all of them chosen, unless they are offered already."""
        if self._names() == list(names):
            return
        self.list.blockSignals(True)
        self.list.clear()
        for name in names:
            item = QListWidgetItem(name)
            item.setToolTip(name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        lines = min(len(names), MOST_LINES)
        self.list.setFixedHeight(lines * (self.list.sizeHintForRow(0) + 2 * SPACING) + 2 * self.list.frameWidth())
        self._tell()

    def chosen(self) -> tuple[str, ...]:
        """Names of the classes that are checked."""
        return tuple(item.text() for item in self._items() if item.checkState() == Qt.CheckState.Checked)

    def choose(self, names: Sequence[str]) -> None:
        """Check these classes, and no others."""
        self.list.blockSignals(True)
        for item in self._items():
            item.setCheckState(Qt.CheckState.Checked if item.text() in names else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._tell()

    def _items(self) -> list[QListWidgetItem]:
        found = (self.list.item(row) for row in range(self.list.count()))
        return [item for item in found if item is not None]

    def _names(self) -> list[str]:
        return [item.text() for item in self._items()]

    def _choose_all(self, is_checked: bool) -> None:
        self.choose(self._names() if is_checked else [])

    def _tell(self, item: QListWidgetItem | None = None) -> None:
        self.all.setChecked(len(self.chosen()) == self.list.count())
        self.edited.emit()
