"""The cell that is explored, as layers whose pixels are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_biogans.plugin.layer_data import LayerData
from napari_biogans.plugin.own_layers import OwnLayers


class ExploreLayers:
    """Shows one cell after another in the same layers, beside what was there before.

    What somebody changes on the layers stays, but for their pixels. Those that
    were deleted come back with the next cell. The view stays as it is, but for
    the first cell.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layers = OwnLayers(viewer)
        self._shown: list[Any] = []

    def show(self, layers: Sequence[LayerData]) -> None:
        """Show a cell.

        Parameters
        ----------
        layers : sequence of (data, keywords, "image")
        """
        kind = [
            (keywords["name"], data.shape, data.dtype, keywords.get("scale"), keywords["contrast_limits"])
            for data, keywords, _ in layers
        ]
        if self._layers.are_there() and kind == self._shown:
            self._layers.overwrite(layers)
            return
        selected, place = self._viewer.layers.selection.active, self._layers.place
        self._layers.remove()
        self._layers.add(layers, place)
        if selected in self._viewer.layers:
            self._viewer.layers.selection.active = selected  # somebody works on it
        self._shown = kind
