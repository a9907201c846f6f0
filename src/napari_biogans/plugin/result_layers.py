"""Layers of the last result, which the next one replaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.layers import Image

from napari_biogans.plugin.layer_data import METADATA_KEY, LayerData, in_grid


class ResultLayers:
    """Shows one result at a time. Layers that somebody renamed or removed are left as they are.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layers: list[Image] = []
        self._given: list[tuple[str, tuple[float, ...]]] = []

    def show(self, rows: Sequence[Sequence[Sequence[LayerData]]]) -> None:
        """Show a result.

        Parameters
        ----------
        rows : sequence of sequences of sequences of (data, keywords, "image")
            As for `in_grid`.
        """
        added = [layer for columns in rows for group in columns for layer in group]
        if self._are_as_given() and self._are_like(added):
            self._replace(added)
            return
        if self._are_as_given():
            for layer in self._layers:
                self._viewer.layers.remove(layer)
        active = self._viewer.layers.selection.active
        self._layers = [Image(data, **keywords) for data, keywords, _ in in_grid(self._viewer.layers, rows)]
        for layer in self._layers:
            self._viewer.add_layer(layer)
        self._given = [(layer.name, tuple(layer.contrast_limits)) for layer in self._layers]
        if active in self._viewer.layers:
            # Else what is selected on the cells would not count any more.
            self._viewer.layers.selection.active = active
        self._viewer.reset_view()

    def _are_as_given(self) -> bool:
        names = [name for name, _ in self._given]
        present = bool(self._layers) and all(layer in self._viewer.layers for layer in self._layers)
        return present and [layer.name for layer in self._layers] == names

    def _are_like(self, added: Sequence[LayerData]) -> bool:
        """Tell whether others can take their places."""
        return [(layer.data.shape, _known(layer.metadata)) for layer in self._layers] == [
            (data.shape, _known(keywords["metadata"])) for data, keywords, _ in added
        ] and all(
            tuple(layer.scale) == tuple(keywords["scale"])
            for layer, (_, keywords, _) in zip(self._layers, added, strict=True)
        )

    def _replace(self, added: Sequence[LayerData]) -> None:
        for place, (layer, (data, keywords, _)) in enumerate(zip(self._layers, added, strict=True)):
            layer.data = data
            layer.translate = (*keywords["translate"][:-2], *layer.translate[-2:])
            layer.metadata = {**layer.metadata, METADATA_KEY: keywords["metadata"][METADATA_KEY]}
            name, limits = self._given[place]
            # Limits that somebody set by hand are left alone.
            if tuple(layer.contrast_limits) == limits:
                layer.contrast_limits = keywords["contrast_limits"]
                self._given[place] = name, tuple(layer.contrast_limits)


def _known(metadata: Any) -> tuple[Any, ...]:
    known = metadata[METADATA_KEY]
    return known["shows"], known["source"], known["class"]
