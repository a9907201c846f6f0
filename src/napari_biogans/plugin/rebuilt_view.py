"""The cells that were rebuilt: their errors, and their layers, which follow each other."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_biogans.plugin.error_plot import ErrorPlot
from napari_biogans.plugin.error_table import ErrorTable
from napari_biogans.plugin.layer_data import METADATA_KEY
from napari_biogans.plugin.put_choice import has_places
from napari_biogans.plugin.rebuild_request import ChosenCells, Completed, Rebuilt
from napari_biogans.plugin.rebuilt_cells import RebuiltCell, RebuiltCells
from napari_biogans.plugin.rebuilt_layers import are_in_line, completed_rows, first_coordinate, rebuilt_rows
from napari_biogans.plugin.result_layers import ResultLayers


class RebuiltView(QWidget):
    """A table and a histogram of errors beside the layers of the cell that is looked at.

    A click on a row shows its cell; a move of the slider moves the line in the
    histogram.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    selected = Signal()
    others_asked = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.cells = RebuiltCells()
        self.table = ErrorTable()
        self.plot = ErrorPlot(viewer)
        self._layers = {"rebuilt": ResultLayers(viewer), "completed": ResultLayers(viewer)}
        self._newest = self._layers["rebuilt"]
        self.shown: Rebuilt | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addWidget(self.plot)
        self.table.clicked_on.connect(self._go_to)
        self.table.selected.connect(self.selected)
        self.plot.others_asked.connect(self.others_asked)
        viewer.dims.events.point.connect(self._follow_slider)

    def add(self, rebuilt: Rebuilt, *, to_compare: bool) -> None:
        """Show cells that were rebuilt.

        Parameters
        ----------
        rebuilt : Rebuilt
        to_compare : bool
            Whether they are there to be compared with only, and get no layers.
        """
        numbers = self.cells.add(rebuilt)
        kept = self.table.chosen()
        self.table.show_cells(self.cells.all())
        if to_compare:
            self.table.choose(kept)
        else:
            self.table.choose(numbers)
            self._show(rebuilt)
            self._bring_into_sight(rebuilt.request.cells, rebuilt.places)
        self._follow_slider()

    def add_completed(self, completed: Completed) -> None:
        """Show the greens of all classes of some cells."""
        self._newest = self._layers["completed"]
        self._newest.show(completed_rows(completed))
        self._bring_into_sight(completed.request.cells, completed.places)

    def chosen(self) -> list[RebuiltCell]:
        """Give the cells whose rows are selected."""
        cells = self.cells.all()
        return [cells[number] for number in self.table.chosen()]

    def layers_with_places(self) -> list[Any]:
        """Give the layers of what was made last whose cells have a known place in a field; not those of targets."""
        return [
            layer
            for layer in self._newest.layers
            if has_places(layer) and layer.metadata[METADATA_KEY]["shows"] != "target"
        ]

    def disconnect_all(self) -> None:
        """Stop following the viewer."""
        self._viewer.dims.events.point.disconnect(self._follow_slider)
        self.plot.disconnect_all()

    def _show(self, rebuilt: Rebuilt) -> None:
        self._newest = self._layers["rebuilt"]
        self._newest.show(rebuilt_rows(rebuilt))
        self.shown = rebuilt

    def _go_to(self, number: int) -> None:
        cell, shown = self.cells.all()[number], self.shown
        if shown is not cell.rebuilt:
            shown = cell.alone()
            self._show(shown)
        self._move_slider(shown.request.cells, shown.places, shown.places.index(cell.place))
        self._follow_slider()

    def _bring_into_sight(self, cells: ChosenCells, places: tuple[int, ...]) -> None:
        """Move the slider, unless one of the cells is seen."""
        if self._place_seen(cells, places) not in places:
            self._move_slider(cells, places, 0)

    def _move_slider(self, cells: ChosenCells, places: tuple[int, ...], number: int) -> None:
        dims, axis = self._viewer.dims, cells.axis_from_end
        if dims.ndim >= -axis:
            dims.set_point(dims.ndim + axis, first_coordinate(cells, places) + cells.slices[1] * number)

    def _place_seen(self, cells: ChosenCells, places: tuple[int, ...]) -> int | None:
        """Tell which place in the stack of the cells is seen."""
        dims, axis = self._viewer.dims, cells.axis_from_end
        if dims.ndim < -axis:
            return None
        in_line = are_in_line(places)
        start = cells.slices[0] if in_line else first_coordinate(cells, places)
        seen = round((float(dims.point[axis]) - start) / cells.slices[1])
        # In a line, layers stand beside their stack, so that cells which were rebuilt before are told of too.
        if in_line:
            return seen
        return places[seen] if 0 <= seen < len(places) else None

    def _follow_slider(self, event: Any = None) -> None:
        if self.shown is not None:
            cells, places = self.shown.request.cells, self.shown.places
            place = self._place_seen(cells, places)
            number = None if place is None else self.cells.number_of(cells.key, place)
            self.plot.show_errors(self.cells.errors(), number)
