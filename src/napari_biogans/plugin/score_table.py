"""The scores of a test as a table, coloured by how large they are."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QBrush, QColor, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem, QWidget

from napari_biogans.plugin.accessible import choose_by_enter
from napari_biogans.plugin.score_grid import ScoreCell, ScoreGrid

WIDEST, WIDEST_NAME = 130, 110
"""Pixels of a column, and of the names of the rows; longer ones are cut, and shown where the mouse points at them."""
MOST_ROWS = 8
"""Seen at a time; further ones are scrolled to."""


class ScoreTable(QTableWidget):
    """Rows and columns of tests."""

    chosen = Signal(str, str)
    """Row and column of a test that was clicked on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: ScoreGrid | None = None
        self.setToolTip("Scores of all tests; click one, or press Enter, for the cells that tell its sides apart")
        self.setAccessibleName("Scores")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        for header in self._headers():
            header.setMaximumSectionSize(WIDEST)
            header.setHighlightSections(False)
            header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        names = self._headers()[1]
        names.setMaximumWidth(WIDEST_NAME)
        names.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.cellClicked.connect(self._choose)
        choose_by_enter(self, lambda: self._choose(self.currentRow(), self.currentColumn()))

    def show_grid(self, grid: ScoreGrid) -> None:
        """Show a table, or more of the one that is shown.

        Parameters
        ----------
        grid : ScoreGrid
        """
        is_new = self._shown is None or (self._shown.rows, self._shown.columns) != (grid.rows, grid.columns)
        self._shown = grid
        if is_new:
            self._begin(grid)
        colours = grid.colours()
        for i, row in enumerate(grid.rows):
            for j, column in enumerate(grid.columns):
                item = self.item(i, j)
                if item is not None:
                    _fill(item, grid.cells.get((row, column)), colours.get((row, column)))
        self.resizeColumnsToContents()
        self._fit_height()

    def _begin(self, grid: ScoreGrid) -> None:
        self.clear()
        self.setRowCount(len(grid.rows))
        self.setColumnCount(len(grid.columns))
        for i, row in enumerate(grid.rows):
            self.setVerticalHeaderItem(i, _named(row))
            for j in range(len(grid.columns)):
                item = QTableWidgetItem()
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self.setItem(i, j, item)
        for j, column in enumerate(grid.columns):
            self.setHorizontalHeaderItem(j, _named(column))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Have room for a scroll bar below where there is one."""
        super().resizeEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        across, down = self._headers()
        rows = min(self.rowCount(), MOST_ROWS)
        height = across.sizeHint().height() + sum(self.rowHeight(i) for i in range(rows)) + 2 * self.frameWidth()
        bar = self.horizontalScrollBar()
        if bar is not None and down.width() + across.length() + 2 * self.frameWidth() > self.width():
            height += bar.sizeHint().height()
        self.setFixedHeight(height)

    def _headers(self) -> tuple[QHeaderView, QHeaderView]:
        across, down = self.horizontalHeader(), self.verticalHeader()
        assert across is not None
        assert down is not None
        return across, down

    def _choose(self, i: int, j: int) -> None:
        if self._shown is None or min(i, j) < 0:
            return
        place = self._shown.rows[i], self._shown.columns[j]
        if place in self._shown.cells:
            self.chosen.emit(*place)


def _named(name: str) -> QTableWidgetItem:
    item = QTableWidgetItem(name)
    item.setToolTip(name)
    return item


def _fill(item: QTableWidgetItem, cell: ScoreCell | None, colours: tuple[str, str] | None) -> None:
    item.setText("" if cell is None else cell.text)
    item.setToolTip("not tested yet" if cell is None else cell.details)
    font = item.font()
    font.setItalic(cell is not None and cell.is_null)
    item.setFont(font)
    background, text = colours or (None, None)
    item.setBackground(QBrush() if background is None else QBrush(QColor(background)))
    item.setForeground(QBrush() if text is None else QBrush(QColor(text)))
