"""Layers that a dock adds, and whose pixels it may replace later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.layers import Image

from napari_biogans.plugin.canvas import camera_of, filling_zoom
from napari_biogans.plugin.cell_features import FEATURES_KEY, FIELDS_KEY
from napari_biogans.plugin.layer_data import METADATA_KEY, LayerData, beside

MARGIN = 0.1
"""Part of the canvas that stays free around what is looked at."""
TOO_SMALL = 2
"""Layers that would take less than a half of the canvas in height and width are looked at alone."""


def add_layers(viewer: Any, added: Sequence[LayerData], at: tuple[float, ...] | None = None) -> list[Image]:
    """Add layers beside all that are there, and show them.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    added : sequence of (data, keywords, "image")
    at : tuple of float, optional
        Where others stood, whose place they take; the view stays as it is.

    Returns
    -------
    list of napari.layers.Image
    """
    placed = beside(viewer.layers, added)
    if at is not None:
        placed = [(data, {**keywords, "translate": at}, kind) for data, keywords, kind in placed]
    layers = [Image(data, **keywords) for data, keywords, _ in placed]
    for layer in layers:
        viewer.add_layer(layer)
    # napari selects the layer that was added last; where it is hidden, its controls change nothing to be seen.
    viewer.layers.selection.active = [layer for layer in layers if layer.visible][-1]
    bring_into_range(viewer.dims, added[0][0].shape)
    if at is None:
        look_at(viewer, layers)
    return layers


def look_at(viewer: Any, layers: Sequence[Any]) -> None:
    """Let all layers fill the canvas; or these alone, if they are small beside others, such as whole fields of cells.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    layers : sequence of napari.layers.Layer
    """
    viewer.reset_view()
    axes = [axis - viewer.dims.ndim for axis in viewer.dims.displayed]
    extent = viewer.layers.get_extent(layers).world
    if len(axes) > 2 or min(axes) < -extent.shape[1]:
        return
    first, last = extent[:, axes]
    camera, zoom = camera_of(viewer), filling_zoom(viewer, last - first, 1 - MARGIN)
    if zoom is not None and zoom > TOO_SMALL * camera.zoom and not viewer.canvas.grid.enabled:
        camera.center = (0.0, *(first + last) / 2)
        camera.zoom = zoom


def bring_into_range(dims: Any, shape: Sequence[int]) -> None:
    """Go to the first slice of a stack, if the slider stands beyond its end.

    Parameters
    ----------
    dims : napari.components.Dims
    shape : sequence of int
        Of the stack.
    """
    for axis, length in zip(range(dims.ndim)[-len(shape) : -2], shape, strict=False):
        if dims.current_step[axis] >= length:
            dims.set_current_step(axis, 0)


class OwnLayers:
    """Layers that were added together.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layers: list[Image] = []
        self._names: list[str] = []
        self._limits: list[tuple[float, ...]] = []

    @property
    def layers(self) -> tuple[Image, ...]:
        """Those that were added last."""
        return tuple(self._layers)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the pixels of each layer."""
        return [layer.data.shape for layer in self._layers]

    @property
    def place(self) -> tuple[float, ...] | None:
        """Where they stand, or those of them that are still in the viewer; None if there are none."""
        there = [layer for layer in self._layers if layer in self._viewer.layers]
        return tuple(there[0].translate) if there else None

    def are_there(self) -> bool:
        """Tell whether all of them are in the viewer; not so if there are none."""
        return bool(self._layers) and all(layer in self._viewer.layers for layer in self._layers)

    def have_their_names(self) -> bool:
        """Tell whether none was renamed, as by somebody who wants to keep it."""
        return [layer.name for layer in self._layers] == self._names

    def add(self, added: Sequence[LayerData], at: tuple[float, ...] | None = None) -> None:
        """Add layers, which from now on are those meant; what was added before stays as it is.

        Parameters
        ----------
        added : sequence of (data, keywords, "image")
        at : tuple of float, optional
            As for `add_layers`.
        """
        self._note(add_layers(self._viewer, added, at))

    def put(self, placed: Sequence[LayerData]) -> None:
        """Add layers where they are to stand, and leave the selection and the slices as they are.

        Parameters
        ----------
        placed : sequence of (data, keywords, "image")
        """
        active = self._viewer.layers.selection.active
        layers = [Image(data, **keywords) for data, keywords, _ in placed]
        for layer in layers:
            self._viewer.add_layer(layer)
        self._note(layers)
        if active in self._viewer.layers:
            self._viewer.layers.selection.active = active
        look_at(self._viewer, layers)

    def replace(self, by: Sequence[LayerData]) -> None:
        """Give the layers other pixels, and what is known of those.

        Parameters
        ----------
        by : sequence of (data, keywords, "image")
            As many as there are layers.
        """
        for place, (layer, (data, keywords, _)) in enumerate(zip(self._layers, by, strict=True)):
            # First, since whoever hears of other pixels asks what is known of them.
            layer.metadata = _renewed(layer.metadata, keywords["metadata"])
            layer.data = data
            if "translate" in keywords:
                # Along slices; in the picture the layer stays where it is.
                layer.translate = (*keywords["translate"][:-2], *layer.translate[-2:])
            # Limits that somebody set by hand are left alone.
            if tuple(layer.contrast_limits) == self._limits[place]:
                layer.contrast_limits = keywords["contrast_limits"]
                self._limits[place] = tuple(layer.contrast_limits)

    def overwrite(self, by: Sequence[LayerData]) -> None:
        """Write other pixels into those of the layers, many times a second if need be; limits stay.

        Layers that are given a new array have napari measure all layers anew,
        which takes longer than to draw a cell.

        Parameters
        ----------
        by : sequence of (data, keywords, "image")
            As many as there are layers, of the same shapes and types.
        """
        for layer, (data, keywords, _) in zip(self._layers, by, strict=True):
            layer.data[...] = data
            layer.refresh(extent=False)
            layer.metadata = _renewed(layer.metadata, keywords["metadata"])

    def remove(self) -> None:
        """Take the layers out of the viewer."""
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers, self._names, self._limits = [], [], []

    def _note(self, layers: list[Image]) -> None:
        self._layers = layers
        self._names = [layer.name for layer in layers]
        self._limits = [tuple(layer.contrast_limits) for layer in layers]


def _renewed(before: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Put what is known of new pixels in the place of what was known of others; what somebody else noted stays."""
    ours = (METADATA_KEY, FEATURES_KEY, FIELDS_KEY)
    others = {key: value for key, value in before.items() if key not in ours}
    return {**others, **{key: known[key] for key in ours if key in known}}
