"""Placing layers that a reader gives, which napari itself adds to the viewer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import napari

from napari_biogans.plugin.layer_data import LayerData, beside, in_grid


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
    layers = () if viewer is None else viewer.layers
    if len(groups) == 1:
        return beside(layers, groups[0])
    columns = columns or math.ceil(math.sqrt(len(groups)))
    return in_grid(layers, [groups[start : start + columns] for start in range(0, len(groups), columns)])
