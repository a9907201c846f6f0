"""A list of key cells in the order of the way between them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QKeyEvent, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QSizePolicy, QWidget

from napari_biogans.plugin.key_cells import KeyCell

ICON_SIZE = QSize(64, 32)
LINES = 4
"""Seen at a time; further ones are scrolled to."""
NUMBER = Qt.ItemDataRole.UserRole
"""Where an item holds the number of its cell: plain numbers survive being dragged."""


class KeyList(QListWidget):
    """Key cells, put in order by dragging or by Alt and an arrow key, and taken out by Delete."""

    edited = Signal()
    """Cells came, went, or changed places."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells: dict[int, KeyCell] = {}
        self._icons: dict[KeyCell, QIcon] = {}
        self._numbers = count()
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setIconSize(ICON_SIZE)
        self.setUniformItemSizes(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(LINES * (ICON_SIZE.height() + 2) + 2 * self.frameWidth())
        self.setToolTip("Drag cells to put them in order (Alt+↑, Alt+↓); Delete takes them out")
        model = self.model()
        if model is not None:
            for signal in (model.rowsMoved, model.rowsInserted, model.rowsRemoved):
                signal.connect(self._tell)

    def cells(self) -> tuple[KeyCell, ...]:
        """Give the cells in their order."""
        return tuple(self._cells[number] for _, number in self._numbered())

    def add(self, cells: Iterable[KeyCell]) -> None:
        """Add cells at the end.

        Parameters
        ----------
        cells : iterable of KeyCell
        """
        for cell in cells:
            number = next(self._numbers)
            self._cells[number] = cell
            item = QListWidgetItem(self._icons.get(cell, _no_picture()), cell.name)
            item.setData(NUMBER, number)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled)
            of_class = f", {cell.class_name}" if cell.class_name else ""
            item.setToolTip(f"{cell.name}{of_class}\nof {cell.model}")
            self.addItem(item)
        self.scrollToBottom()

    def without_picture(self) -> tuple[KeyCell, ...]:
        """Give the cells whose pictures were not shown yet, or are forgotten; each once."""
        return tuple(cell for cell in dict.fromkeys(self.cells()) if cell not in self._icons)

    def forget_pictures(self) -> None:
        """Ask for all pictures anew; until they come, the old ones are seen."""
        self._icons = {}

    def show_picture(self, cell: KeyCell, picture: NDArray[np.uint8]) -> None:
        """Show what a cell looks like, wherever it is in the list.

        Parameters
        ----------
        cell : KeyCell
        picture : array (H, W, 3)
        """
        icon = self._icons[cell] = QIcon(_pixmap(picture))
        for item, number in self._numbered():
            if self._cells[number] is cell:
                item.setIcon(icon)

    def remove_selected(self) -> None:
        """Take the selected cells out."""
        for row in reversed(self._selected_rows()):
            item = self.takeItem(row)
            if item is not None:
                del self._cells[item.data(NUMBER)]

    def move_up(self) -> None:
        """Put the selected cells one place nearer to the beginning."""
        rows = self._selected_rows()
        if rows and rows[0] > 0:
            for row in rows:
                self._move(row, row - 1)

    def move_down(self) -> None:
        """Put the selected cells one place nearer to the end."""
        rows = self._selected_rows()
        if rows and rows[-1] < self.count() - 1:
            for row in reversed(rows):
                self._move(row, row + 2)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move or remove cells."""
        if event is None:
            return
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        if alt and event.key() == Qt.Key.Key_Up:
            self.move_up()
        elif alt and event.key() == Qt.Key.Key_Down:
            self.move_down()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_selected()
        else:
            super().keyPressEvent(event)

    def _move(self, row: int, before: int) -> None:
        model = self.model()
        if model is not None:
            model.moveRow(QModelIndex(), row, QModelIndex(), before)

    def _numbered(self) -> list[tuple[QListWidgetItem, int]]:
        items = (self.item(row) for row in range(self.count()))
        return [(item, item.data(NUMBER)) for item in items if item is not None and item.data(NUMBER) in self._cells]

    def _selected_rows(self) -> list[int]:
        return sorted(index.row() for index in self.selectedIndexes())

    def _tell(self) -> None:
        self.edited.emit()


def _pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    height, width = picture.shape[:2]
    # An image does not keep the memory that it points into alive; a pixmap has its own.
    memory = picture.tobytes()
    return QPixmap.fromImage(QImage(memory, width, height, 3 * width, QImage.Format.Format_RGB888))


def _no_picture() -> QIcon:
    """Hold the place of a picture that is not drawn yet."""
    empty = QPixmap(ICON_SIZE)
    empty.fill(Qt.GlobalColor.transparent)
    return QIcon(empty)
