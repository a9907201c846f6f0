"""Layers of the last result, which the next one replaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_biogans.plugin.layer_data import METADATA_KEY, LayerData, in_grid
from napari_biogans.plugin.own_layers import OwnLayers


class ResultLayers:
    """Shows one result at a time. If somebody renamed one of its layers, all of them are left as they are.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._own = OwnLayers(viewer)

    @property
    def layers(self) -> list[Any]:
        """Those of the last result that are still in the viewer."""
        return [layer for layer in self._own.layers if layer in self._viewer.layers]

    def show(self, rows: Sequence[Sequence[Sequence[LayerData]]]) -> None:
        """Show a result.

        Parameters
        ----------
        rows : sequence of sequences of sequences of (data, keywords, "image")
            As for `in_grid`.
        """
        added = [layer for columns in rows for group in columns for layer in group]
        if self._own.have_their_names():
            if self._own.are_there() and self._are_like(added):
                self._own.replace(added)
                return
            self._own.remove()
        # What is selected on the cells has to stay selected.
        self._own.put(in_grid(self._viewer.layers, rows))

    def _are_like(self, added: Sequence[LayerData]) -> bool:
        """Tell whether others can take their places."""
        layers = self._own.layers
        return [(layer.data.shape, _known(layer.metadata)) for layer in layers] == [
            (data.shape, _known(keywords["metadata"])) for data, keywords, _ in added
        ] and all(
            tuple(layer.scale) == tuple(keywords["scale"])
            for layer, (_, keywords, _) in zip(layers, added, strict=True)
        )


def _known(metadata: Any) -> tuple[Any, ...]:
    known = metadata[METADATA_KEY]
    return known["shows"], known["source"], known["class"]
