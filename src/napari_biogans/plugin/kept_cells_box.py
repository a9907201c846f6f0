"""Keeping cells for other docks, and the list of those that are kept."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from napari_biogans.plugin import session
from napari_biogans.plugin.accessible import choose_by_enter
from napari_biogans.plugin.class_names import told_apart
from napari_biogans.plugin.key_cells import KeyCell
from napari_biogans.plugin.key_sources import KeySources
from napari_biogans.plugin.offering import offer

LINES = 4
"""Of the list; further cells are scrolled to."""
KEEP_TIP = "Keep this cell, for Interpolate and Generate to go on from"
REMOVE_TIP = "Keep the chosen cell no longer"
NOTHING_CHOSEN = "Choose a kept cell in the list."


class KeptCellsBox(QWidget):
    """A name and a button to keep a cell, and a list of those that are kept, by this dock or others.

    Parameters
    ----------
    sources : KeySources
        Which tell what is kept.
    """

    asked = Signal(str)
    """The cell that is shown is to be kept by this name."""
    chosen = Signal(object)
    """A kept cell was clicked."""

    def __init__(self, sources: KeySources, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sources = sources
        self._cells: tuple[KeyCell, ...] = ()
        self.name = QLineEdit()
        self.name.setToolTip("What lists show of the cell")
        self.name.setPlaceholderText("cell")
        self.keep, self.remove = QPushButton("Keep"), QPushButton("Remove")
        self.remove.setToolTip(REMOVE_TIP)
        self.list = QListWidget()
        self.list.setToolTip("Cells that are kept; click one, or press Enter, to start from it")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setFixedHeight(LINES * (self.list.fontMetrics().height() + 6) + 2 * self.list.frameWidth())
        first, below = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.name, 1)
        first.addWidget(self.keep)
        below.addStretch()
        below.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(first)
        layout.addWidget(self.list)
        layout.addLayout(below)
        self.keep.clicked.connect(self._ask)
        self.remove.clicked.connect(self._forget)
        self.list.itemClicked.connect(self._choose)
        choose_by_enter(self.list, self._choose_current)
        self.list.currentRowChanged.connect(self._update)
        sources.changed.connect(self._follow)
        self._show(sources.kept())
        self.offer("")

    def offer(self, problem: str) -> None:
        """Offer to keep what is shown, or say why that cannot be."""
        offer(self.keep, problem, KEEP_TIP)

    def _follow(self) -> None:
        cells = self._sources.kept()
        if cells != self._cells:
            self._show(cells)

    def _show(self, cells: tuple[KeyCell, ...]) -> None:
        row = self.list.currentRow()
        self._cells = cells
        self.list.blockSignals(True)
        self.list.clear()
        for cell in cells:
            item = QListWidgetItem(cell.name)
            item.setToolTip(f"{cell.name}\n{cell.model}" + (f"\n{cell.class_name}" if cell.class_name else ""))
            self.list.addItem(item)
        self.list.setCurrentRow(min(row, len(cells) - 1))
        self.list.blockSignals(False)
        self.name.setText(told_apart([*(cell.name for cell in cells), f"cell {len(cells) + 1}"])[-1])
        self._update()

    def _update(self, row: int = 0) -> None:
        offer(self.remove, NOTHING_CHOSEN if self.list.currentRow() < 0 else None, REMOVE_TIP)

    def _ask(self) -> None:
        self.asked.emit(self.name.text().strip() or self.name.placeholderText())

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(self._cells[self.list.row(item)])

    def _choose_current(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self._choose(item)

    def _forget(self) -> None:
        session.SESSION.forget(self._cells[self.list.currentRow()])
