"""Guessing which layers hold red and green cells, so that they need not be chosen by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from napari_biogans.plugin.cell_layers import CHANNEL_COUNTS, CHANNEL_LABELS, channel_axes
from napari_biogans.plugin.cell_records import RECORD_KEY
from napari_biogans.plugin.layer_data import METADATA_KEY

LEAST_FIELD = 150
"""Pixels of the shorter side of a field; what is smaller is rather a single cell."""
DEPTH_LABELS = frozenset({"z", "depth"})
WELLS_KEY = "wells"
"""Under which layers of whole wells know their names, slice by slice."""
NAMED_BY_COLOUR = re.compile(r"(?:(?P<name>.*?)[\s_.-]+)?(?P<colour>red|green)", re.IGNORECASE)


@dataclass(frozen=True)
class SameLayer:
    """Green is in the layer of red, along a channel axis."""

    axis: int


@dataclass(frozen=True, eq=False)
class Pair:
    """Layers that seem to belong together."""

    red: Any
    green: Any
    """A layer, or `SameLayer`."""
    name: str
    """Of the class; empty if the layers do not tell."""


def guess_pair(layers: Sequence[Any], taken: Iterable[Any] = ()) -> Pair | None:
    """Find a pair of image layers that may hold the cells of one class.

    Layers called "Tea1 red" and "Tea1 green" come first, then those with the
    colormaps red and green, then one layer with a channel axis.

    Parameters
    ----------
    layers : sequence of napari.layers.Image
    taken : iterable of napari.layers.Image
        Not to be taken again.

    Returns
    -------
    Pair or None
    """
    used = list(taken)
    free = [layer for layer in layers if layer not in used and _may_be_cells(layer)]
    stacks = [layer for layer in free if layer.ndim == 3]
    return _by_name(stacks) or _by_colormap(stacks) or _in_one_layer(free)


def guess_fields(layers: Sequence[Any], taken: Iterable[Any] = ()) -> Pair | None:
    """Find a pair of image layers that may hold fields of view, as `guess_pair` does for cells.

    Parameters
    ----------
    layers : sequence of napari.layers.Image
    taken : iterable of napari.layers.Image
        Not to be taken again.

    Returns
    -------
    Pair or None
    """
    used = list(taken)
    free = [layer for layer in layers if layer not in used and _may_be_fields(layer)]
    return _by_name(free) or _by_colormap(free) or _in_one_layer(free, field_channel_axes)


def field_channel_axes(shape: Sequence[int], axis_labels: Sequence[str] = ()) -> list[int]:
    """Find the axes of a layer of fields that may hold channels: any but rows, columns and depth.

    Parameters
    ----------
    shape : sequence of int
    axis_labels : sequence of str
        A label such as "c" or "channel" settles it.

    Examples
    --------
    >>> field_channel_axes((2, 640, 640)), field_channel_axes((5, 3, 640, 640)), field_channel_axes((640, 640))
    ([0], [1], [])
    """
    counts = [axis for axis, length in enumerate(shape[:-2]) if length >= min(CHANNEL_COUNTS)]
    counts = [axis for axis in counts if axis not in axes_named(DEPTH_LABELS, axis_labels)]
    named = [axis for axis in counts if axis in axes_named(CHANNEL_LABELS, axis_labels)]
    return named[:1] or [axis for axis in counts if shape[axis] in CHANNEL_COUNTS]


def axes_named(names: Collection[str], axis_labels: Sequence[str]) -> list[int]:
    """Find the axes whose labels are among some names, in upper or lower case.

    Examples
    --------
    >>> axes_named(DEPTH_LABELS, ("T", "Z", "Y", "X"))
    [1]
    """
    return [axis for axis, label in enumerate(axis_labels) if label.strip().lower() in names]


def _may_be_fields(layer: Any) -> bool:
    # Layers of whole wells know their names; others of which we know something were cut, opened or drawn as cells.
    known = layer.metadata.get(METADATA_KEY) or {}
    is_of_cells = RECORD_KEY in layer.metadata or (known and WELLS_KEY not in known)
    return not (layer.rgb or is_of_cells) and layer.ndim > 1 and min(layer.data.shape[-2:]) >= LEAST_FIELD


def _may_be_cells(layer: Any) -> bool:
    # Drawn by a model, or whole fields of cells.
    is_something_else = bool(layer.metadata.get(METADATA_KEY))
    return not (is_something_else or layer.rgb or layer.multiscale)


def _by_name(stacks: Sequence[Any]) -> Pair | None:
    found: dict[tuple[str, str], Any] = {}
    for layer in stacks:
        if match := NAMED_BY_COLOUR.fullmatch(layer.name):
            found.setdefault((match["name"] or "", match["colour"].lower()), layer)
    for (name, colour), layer in found.items():
        green = found.get((name, "green"))
        if colour == "red" and green is not None and green.data.shape == layer.data.shape:
            return Pair(layer, green, name)
    return None


def _by_colormap(stacks: Sequence[Any]) -> Pair | None:
    reds = [layer for layer in stacks if layer.colormap.name == "red"]
    greens = [layer for layer in stacks if layer.colormap.name == "green"]
    for red in reds:
        for green in greens:
            if red.data.shape == green.data.shape:
                return Pair(red, green, "")
    return None


def _in_one_layer(layers: Sequence[Any], axes_of: Callable[..., list[int]] = channel_axes) -> Pair | None:
    for layer in layers:
        axes = axes_of(layer.data.shape, layer.axis_labels)
        if len(axes) == 1:
            return Pair(layer, SameLayer(axes[0]), layer.name)
    return None
