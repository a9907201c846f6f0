"""The way between key cells as layers whose slices are frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_biogans.plugin.layer_data import LayerData
from napari_biogans.plugin.own_layers import OwnLayers, bring_into_range


class PreviewLayers:
    """Shows a way in the layers of the last one, as long as nobody deleted or renamed those.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layers = OwnLayers(viewer)
        self._shown: list[Any] = []

    def show(self, layers: Sequence[LayerData]) -> None:
        """Show a way.

        Parameters
        ----------
        layers : sequence of (data, keywords, "image")
        """
        # The number of frames may differ; cells of another size or scale, or other classes, get layers of their own.
        kind = [(keywords["name"], data.shape[1:], keywords.get("scale")) for data, keywords, _ in layers]
        if self._layers.are_there() and self._layers.have_their_names() and kind == self._shown:
            self._layers.replace(layers)
            bring_into_range(self._viewer.dims, layers[0][0].shape)
        else:
            self._layers.add(layers)
        self._shown = kind
