"""Choosing cells of a stack, and telling while the slider and the selection change which are meant."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin.cell_stack import CellStack, annotations_of, current_place, selected_places
from napari_biogans.plugin.setting_editors import Choice

CURRENT, SELECTED, ALL = "current", "selected", "all"
WAYS = {"current slice": CURRENT, "selected on the cells": SELECTED, "all cells": ALL}
TIP = (
    "The cell at which the slider stands; those on which selected points or shapes lie, or on which the selected label "
    "was drawn; or all of the stack"
)
LETTERS = 12
"""Width of the box at least, in letters; it grows with the dock."""
SOON_MS = 50
"""So that many changes at once, as while something is drawn, are looked at once."""
FOLLOWED = ("data", "selected_label", "paint", "labels_update")
"""Events of layers that may change what is selected."""


class CellChoice(QWidget):
    """One of the ways to choose cells of a stack, and which these are now.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._stack: CellStack | None = None
        self._followed: list[Any] = []
        self._shown: tuple[object, ...] = ()
        self.way = Choice(WAYS)
        self.way.setMinimumContentsLength(LETTERS)
        self.way.setToolTip(TIP)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.way)
        layout.addWidget(self.text)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SOON_MS)
        self._timer.timeout.connect(self.look)
        self.way.edited.connect(self.look)
        for event in self._viewer_events():
            event.connect(self._look_soon)
        self._follow_layers()

    def show_stack(self, stack: CellStack | None) -> None:
        """Choose among the cells of another stack, or of none."""
        self._stack = stack
        self.look()

    def places(self) -> list[int]:
        """Tell which cells are chosen now.

        Returns
        -------
        list of int
            Places in the stack.

        Raises
        ------
        CellsError
            If there are none; the message says what to do.
        """
        if self._stack is None:
            raise CellsError("Choose the layers that hold the cells.")
        way = self.way.get()
        if way == ALL:
            return list(range(self._stack.count))
        if way == SELECTED:
            return selected_places(self._stack, annotations_of(self._viewer.layers))
        return [current_place(self._stack, self._viewer.dims)]

    def disconnect_all(self) -> None:
        """Hear no more of the viewer."""
        self._timer.stop()
        for event in self._viewer_events():
            event.disconnect(self._look_soon)
        for layer in self._followed:
            self._leave(layer)
        self._followed = []

    def _viewer_events(self) -> list[Any]:
        layers, dims = self._viewer.layers, self._viewer.dims
        return [
            layers.events.inserted,
            layers.events.removed,
            layers.selection.events.changed,
            dims.events.point,
            dims.events.order,
            dims.events.ndisplay,
        ]

    def _follow_layers(self) -> None:
        present = list(self._viewer.layers)
        for layer in self._followed:
            if layer not in present:
                self._leave(layer)
        for layer in present:
            if layer not in self._followed:
                for event in _events_of(layer):
                    event.connect(self._look_soon)
        self._followed = present

    def _leave(self, layer: Any) -> None:
        for event in _events_of(layer):
            event.disconnect(self._look_soon)

    def _look_soon(self, event: Any = None) -> None:
        self._timer.start()

    def look(self) -> None:
        """Tell at once which cells are chosen; else that is done soon after something has changed."""
        self._follow_layers()
        places: tuple[int, ...] = ()
        try:
            places = tuple(self.places())
            text = self._told(places)
        except CellsError as error:
            text = str(error)
        self.text.setText(text)
        if (places, text) != self._shown:
            self._shown = places, text
            self.changed.emit()

    def _told(self, places: tuple[int, ...]) -> str:
        count = 0 if self._stack is None else self._stack.count
        if self.way.get() == ALL:
            return "the only cell" if count == 1 else f"all {count:,} cells"
        if len(places) == 1:
            return f"cell {places[0]:,} of {count:,} (counted from 0)"
        return f"{len(places):,} selected cells of {count:,}"


def _events_of(layer: Any) -> list[Any]:
    found = [getattr(layer.events, name) for name in FOLLOWED if hasattr(layer.events, name)]
    return [*found, layer.selected_data.events.items_changed] if hasattr(layer, "selected_data") else found
