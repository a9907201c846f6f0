"""Placing layers that a reader gives, which napari itself adds to the viewer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import napari

from napari_biogans.plugin.layer_data import LayerData, beside, in_grid
from napari_biogans.plugin.own_layers import look_at


def placed_in_grid(groups: Sequence[Sequence[LayerData]], columns: int | None = None) -> list[LayerData]:
    """Put groups of layers beside each other, to the right of all that is in the viewer.

    Parameters
    ----------
    groups : sequence of sequences of (data, keywords, "image")
        The layers of a group stand on top of each other.
    columns : int, optional
        Default as many as there are rows, or one more.

    Returns
    -------
    list of (data, keywords, "image")
    """
    viewer = napari.current_viewer()
    layers: Any = () if viewer is None else viewer.layers
    if len(groups) == 1:
        placed = beside(layers, groups[0])
    else:
        columns = columns or math.ceil(math.sqrt(len(groups)))
        placed = in_grid(layers, [groups[start : start + columns] for start in range(0, len(groups), columns)])
    if viewer is not None:
        viewer.layers.events.inserted.connect(_Arrival(viewer, len(placed)), position="last")
    return placed


class _Arrival:
    """Shows all of the layers once they are there: napari adds them one by one, and shows the first of all.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    number : int
        Of layers that are to come.
    """

    def __init__(self, viewer: Any, number: int) -> None:
        self._viewer = viewer
        self._number = number
        self._arrived: list[Any] = []

    def __call__(self, event: Any) -> None:
        self._arrived.append(event.value)
        if len(self._arrived) >= self._number:
            self._viewer.layers.events.inserted.disconnect(self)
            look_at(self._viewer, self._arrived)
