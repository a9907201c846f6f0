"""The cell that is explored, as layers whose pixels are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.layers import Image

from napari_biogans.plugin.layer_data import LayerData, beside


class ExploreLayers:
    """Shows one cell after another in the same layers, beside what was there before.

    What somebody changes on the layers stays, but for their pixels. Those that
    were deleted come back with the next cell.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layers: list[Image] = []
        self._names: list[str] = []

    def show(self, wanted: Sequence[LayerData]) -> None:
        """Show a cell.

        Parameters
        ----------
        wanted : sequence of (data, keywords, "image")
        """
        names = [keywords["name"] for _, keywords, _ in wanted]
        if names == self._names and len(self._present()) == len(names) and self._fit(wanted):
            for layer, (data, keywords, _) in zip(self._layers, wanted, strict=True):
                # A new array would have napari measure all layers anew, which takes longer than to draw a cell.
                layer.data[...] = data
                layer.refresh(extent=False)
                layer.metadata = keywords["metadata"]
        else:
            self._replace(wanted)
        self._names = names

    def _present(self) -> list[Image]:
        return [layer for layer in self._layers if layer in self._viewer.layers]

    def _fit(self, wanted: Sequence[LayerData]) -> bool:
        """Tell whether pixels of the same size and range go into the layers."""
        return all(
            layer.data.shape == data.shape and layer.data.dtype == data.dtype
            for layer, (data, *_) in zip(self._layers, wanted, strict=True)
        )

    def _replace(self, wanted: Sequence[LayerData]) -> None:
        active = self._viewer.layers.selection.active
        old = self._present()
        place = tuple(old[0].translate) if old else None
        for layer in old:
            self._viewer.layers.remove(layer)
        placed = beside(self._viewer.layers, wanted)
        if place is not None:
            placed = [(data, {**keywords, "translate": place}, kind) for data, keywords, kind in placed]
        self._layers = [Image(data, **keywords) for data, keywords, _ in placed]
        for layer in self._layers:
            self._viewer.add_layer(layer)
        # What somebody works on stays what it is. napari would choose the last layer, which may be hidden.
        shown = [layer for layer in self._layers if layer.visible][-1]
        self._viewer.layers.selection.active = active if active in self._viewer.layers else shown
        if place is None:
            self._viewer.reset_view()
