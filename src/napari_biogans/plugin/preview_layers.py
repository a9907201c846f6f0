"""The way between key cells as layers whose slices are frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_biogans.plugin.layer_data import LayerData
from napari_biogans.plugin.own_layers import OwnLayers, bring_into_range


class PreviewLayers:
    """Shows one way at a time. Layers of which somebody renamed one are left as they are.

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
        is_like_the_last = self._layers.are_there() and kind == self._shown
        self._shown = kind
        if self._layers.have_their_names():
            if is_like_the_last:
                self._layers.replace(layers)
                bring_into_range(self._viewer.dims, layers[0][0].shape)
                return
            self._layers.remove()
        self._layers.add(layers)
