"""The errors of rebuilt cells as a table that can be sorted."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from qtpy.QtCore import QItemSelection, QItemSelectionModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem, QWidget

from napari_biogans.plugin.accessible import choose_by_enter
from napari_biogans.plugin.rebuilt_cells import RebuiltCell

ROWS, ROW_HEIGHT = 4, 22
"""Seen at a time, further ones are scrolled to; and the pixels of each."""
WIDEST = 110
"""Pixels of a column; longer texts are cut, and shown where the mouse points at them."""
UNKNOWN = "–"
COLUMNS = {
    "cell": "Its slice, counted from 0",
    "RMSE": "Root mean square error over all channels that were matched: a part of the intensity range, 0 to 1",
    "nearest": "RMSE of the training cell that is most alike; a reconstruction should be nearer",
    "red": "RMSE of red, a part of the intensity range",
    "green": "RMSE of green, a part of the intensity range",
    "nll": "-log density of the latent. Random draws of 100 numbers have 142 ± 7; one with far more was never drawn in "
    "the training",
    "class": "The class of the cell",
}


class ErrorTable(QTableWidget):
    """A row for each cell. Rows are told by the numbers of their cells, however they are sorted."""

    clicked_on = Signal(int)
    """The number of a cell."""
    selected = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        for column, (title, tip) in enumerate(COLUMNS.items()):
            item = QTableWidgetItem(title)
            item.setToolTip(tip)
            self.setHorizontalHeaderItem(column, item)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        across, down = self.horizontalHeader(), self.verticalHeader()
        assert across is not None
        assert down is not None
        down.hide()
        down.setDefaultSectionSize(ROW_HEIGHT)
        across.setHighlightSections(False)
        across.setMaximumSectionSize(WIDEST)
        across.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # Numbers grow from the slices on, unless another order is asked for.
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setFixedHeight(across.sizeHint().height() + ROWS * ROW_HEIGHT + 2 * self.frameWidth() + _bar_height(self))
        self.setToolTip("Cells that were rebuilt, and their errors; click one, or press Enter, to see it")
        self.setAccessibleName("Errors of rebuilt cells")
        self.cellClicked.connect(self._tell_click)
        choose_by_enter(self, lambda: self._tell_click(self.currentRow(), 0))
        self.itemSelectionChanged.connect(self.selected)

    def show_cells(self, cells: Sequence[RebuiltCell]) -> None:
        """Show these cells, in the order that was asked for last."""
        self.blockSignals(True)
        self.setSortingEnabled(False)
        self.setRowCount(len(cells))
        for number, cell in enumerate(cells):
            errors = (cell.error, cell.neighbour_error, *cell.channel_errors[:2])
            items = [
                _Number(cell.place, f"{cell.place}"),
                *(_Number(error, f"{error:.3f}") for error in errors),
                _Number(cell.nll, f"{cell.nll:.0f}"),
                QTableWidgetItem(cell.class_name),
            ]
            for column, item in enumerate(items):
                item.setData(Qt.ItemDataRole.UserRole, number)
                item.setToolTip(item.text())
                self.setItem(number, column, item)
        self.setColumnHidden(list(COLUMNS).index("nearest"), not any(isfinite(cell.neighbour_error) for cell in cells))
        self.setSortingEnabled(True)
        self.blockSignals(False)

    def chosen(self) -> list[int]:
        """Give the numbers of the cells whose rows are selected."""
        model = self.selectionModel()
        rows = [] if model is None else model.selectedRows()
        return sorted(self._number(row.row()) for row in rows)

    def choose(self, numbers: Sequence[int]) -> None:
        """Select the rows of some cells, and go to the first of them."""
        model, wanted, selection = self.selectionModel(), set(numbers), QItemSelection()
        assert model is not None
        rows = [self.item(row, 0) for row in range(self.rowCount()) if self._number(row) in wanted]
        for item in rows:
            index = self.indexFromItem(item)
            selection.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        model.select(selection, flags.ClearAndSelect | flags.Rows)
        if rows:
            self.scrollToItem(rows[0])

    def _number(self, row: int) -> int:
        item = self.item(row, 0)
        return -1 if item is None else int(item.data(Qt.ItemDataRole.UserRole))

    def _tell_click(self, row: int, column: int) -> None:
        if row >= 0:
            self.clicked_on.emit(self._number(row))


class _Number(QTableWidgetItem):
    """A number, sorted as such; one that is not known comes last."""

    def __init__(self, value: float, text: str) -> None:
        super().__init__(text if isfinite(value) else UNKNOWN)
        self._value = value if isfinite(value) else float("inf")
        self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return self._value < other._value if isinstance(other, _Number) else super().__lt__(other)


def _bar_height(table: QTableWidget) -> int:
    bar = table.horizontalScrollBar()
    return 0 if bar is None else bar.sizeHint().height()
