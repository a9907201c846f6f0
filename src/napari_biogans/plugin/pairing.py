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

AxesOf = Callable[..., list[int]]
"""Given shape and labels of the axes of a layer, finds those that may hold channels."""


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
    colormaps red and green, then two of the same shape of which one tells its
    colour, then one layer with a channel axis.

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
    halves = cell_halves(layers)
    stacks = [layer for layer in free if layer in halves]
    return _by_colours(stacks) or _in_one_layer(free, halves, channel_axes)


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
    halves = field_halves(layers)
    free = [layer for layer in halves if layer not in used]
    return _by_colours(free) or _in_one_layer(free, halves, field_channel_axes)


def cell_halves(layers: Sequence[Any]) -> list[Any]:
    """Find the layers that may hold either red or green cells."""
    return [layer for layer in layers if layer.ndim == 3 and _may_be_cells(layer)]


def field_halves(layers: Sequence[Any]) -> list[Any]:
    """Find the layers that may hold red or green of fields, or both."""
    return [layer for layer in layers if _may_be_fields(layer)]


def guess_green(red: Any, halves: Sequence[Any], axes_of: AxesOf) -> Any:
    """Guess where green is that belongs to a layer of red.

    Parameters
    ----------
    red : napari.layers.Image
    halves : sequence of napari.layers.Image
        Those that may hold one channel alone.
    axes_of : callable
        As for `GreenBox`.

    Returns
    -------
    napari.layers.Image, SameLayer or None
        The only other layer of the same shape, if there is one and no axis of
        red is labelled as that of channels; the channel axis of red, if there
        is one and nothing tells that the layer is red alone; or None.
    """
    axes = axes_of(red.data.shape, red.axis_labels)
    if axes and axes[0] in axes_named(CHANNEL_LABELS, red.axis_labels):
        return SameLayer(axes[0])
    others = [layer for layer in halves if layer is not red and layer.data.shape == red.data.shape]
    if red in halves and (others or _told_colour(red)):
        return others[0] if len(others) == 1 else None
    return SameLayer(axes[0]) if len(axes) == 1 else None


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


def _by_colours(stacks: Sequence[Any]) -> Pair | None:
    return _by_name(stacks) or _by_colormap(stacks) or _by_one_colour(stacks)


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


def _by_one_colour(stacks: Sequence[Any]) -> Pair | None:
    """Take two layers of the same shape of which one tells its colour, if no third may be meant."""
    for layer in stacks:
        colour = _told_colour(layer)
        others = [other for other in stacks if other is not layer and other.data.shape == layer.data.shape]
        if colour and len(others) == 1 and _told_colour(others[0]) is None:
            return Pair(layer, others[0], "") if colour == "red" else Pair(others[0], layer, "")
    return None


def _in_one_layer(layers: Sequence[Any], halves: Sequence[Any], axes_of: AxesOf) -> Pair | None:
    for layer in layers:
        green = guess_green(layer, halves, axes_of)
        if isinstance(green, SameLayer):
            return Pair(layer, green, layer.name)
    return None


def _told_colour(layer: Any) -> str | None:
    """Take the colour that the name or the colormap of a layer tells."""
    match = NAMED_BY_COLOUR.fullmatch(layer.name)
    name = match["colour"].lower() if match else layer.colormap.name
    return name if name in ("red", "green") else None
