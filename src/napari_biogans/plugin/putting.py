"""Putting cells of layers into a field, in a worker's thread, and what comes of it as layers. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.finding import crop_corners
from napari_biogans.cells.overlay import PlacingConfig
from napari_biogans.cells.place import iterate_placing
from napari_biogans.plugin.cell_records import CellRecord
from napari_biogans.plugin.field_target import FieldTarget
from napari_biogans.plugin.layer_data import COLORMAPS, METADATA_KEY, LayerData, contrast_limits
from napari_biogans.plugin.pairing import NAMED_BY_COLOUR

PUT = "cells that were put into a field"
"""What such layers know that they show."""
RED, GREEN = 0, 1
NORMALISED = ("red_low", "red_high", "green_low", "green_high")
ALL_IN_USE = 0.9
"""How much of the memory that is free may be taken."""


@dataclass(frozen=True, eq=False)
class PutChannel:
    """One channel of cells, out of a layer of the viewer."""

    name: str
    data: Any
    """Array (N, ..., H, W)."""
    index: int
    """On the axes between cells and rows, of which one counts channels at most."""
    channel: int
    """0 for red, 1 for green."""
    dtype: np.dtype[Any]
    """Of the cells, which means of them may not have."""
    colormap: Any
    limits: tuple[float, float]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        height, width = self.data.shape[-2:]
        return int(height), int(width)

    def images(self, places: Sequence[int]) -> NDArray[Any]:
        """Read the pixels (N, H, W) of some cells."""
        between = (self.index,) * (self.data.ndim - 3)
        pixels = np.stack([np.asarray(self.data[(place, *between)]) for place in places])
        if self.dtype.kind in "ui" and pixels.dtype.kind == "f":
            limits = np.iinfo(self.dtype)
            pixels = pixels.round().clip(limits.min, limits.max)
        return pixels.astype(self.dtype, copy=False)


def channels_of(layer: Any) -> list[PutChannel]:
    """Take what counts of a layer of cells.

    Parameters
    ----------
    layer : napari.layers.Image
        A stack (N, H, W), or (N, C, H, W) of real cells with red and green.

    Returns
    -------
    list of PutChannel
        One, or red and green.
    """
    known = layer.metadata.get(METADATA_KEY) or {}
    dtype = np.dtype(known.get("dtype", layer.data.dtype))
    limits = float(layer.contrast_limits[0]), float(layer.contrast_limits[1])
    # Of what was made of cells with several channels, all channels show the same.
    if layer.ndim > 3 and not known:
        return [
            PutChannel(f"{layer.name} {name}", layer.data, channel, channel, dtype, COLORMAPS[channel], limits)
            for channel, name in enumerate(("red", "green")[: layer.data.shape[1]])
        ]
    return [PutChannel(layer.name, layer.data, 0, _channel(layer), dtype, layer.colormap, limits)]


def _channel(layer: Any) -> int:
    record = CellRecord.of(layer)
    if record is not None:
        return min(record.channel, GREEN)
    if match := NAMED_BY_COLOUR.fullmatch(layer.name):
        return RED if match["colour"].lower() == "red" else GREEN
    return RED if layer.colormap.name == "red" else GREEN


@dataclass(frozen=True, eq=False)
class PutRequest:
    """Cells that are to be put into a field."""

    channels: tuple[PutChannel, ...]
    cells: tuple[int, ...]
    """Places in their stack."""
    features: pd.DataFrame
    """Where each of them goes."""
    target: FieldTarget
    config: PlacingConfig
    window: tuple[slice, slice]
    """Rows and columns of the field that are wanted."""
    note: str = ""
    """What is to be told of it."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the layers that come of it."""
        height, width = (part.stop - part.start for part in self.window)
        return height, width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the layers that come of it."""
        planes = self.target.planes
        return np.dtype(self.channels[0].dtype if planes is None else planes[0].dtype)

    @property
    def nbytes(self) -> int:
        """Memory that the layers take."""
        return len(self.channels) * self.shape[0] * self.shape[1] * self.dtype.itemsize

    @property
    def is_undone(self) -> bool:
        """Whether brightness was scaled when the cells were cut, and is scaled back."""
        known = set(NORMALISED) <= set(self.features.columns)
        return known and bool(np.isfinite(self.features[list(NORMALISED)].to_numpy(float)).all(axis=1).any())


def window_around(features: pd.DataFrame, size: tuple[int, int], shape: tuple[int, int]) -> tuple[slice, slice]:
    """Find the rows and columns of a field that hold the images of cells.

    Raises
    ------
    CellsError
        If they lie outside of the field.
    """
    corners = crop_corners(features, size).reshape(-1, 2)
    starts = np.floor(corners.min(axis=0)).clip(0, None).astype(int)
    stops = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, shape)
    if (starts >= stops).any():
        raise CellsError("These cells lie outside of this field; choose the field that they are from.")
    return slice(int(starts[0]), int(stops[0])), slice(int(starts[1]), int(stops[1]))


@dataclass(frozen=True, eq=False)
class Put:
    """Cells that were put into a field."""

    request: PutRequest
    pixels: NDArray[Any]
    """(C, h, w)"""
    done: float
    """The part that is done, if it was stopped."""
    size: tuple[int, int]
    """Height and width of the images of the cells."""

    def layers(self) -> list[LayerData]:
        """Make a layer of each channel, which stand on the field."""
        request, target = self.request, self.request.target
        origin = request.window[0].start, request.window[1].start
        about = {
            "shows": PUT,
            "field": target.name,
            "into": target.told,
            "layers": tuple(channel.name for channel in request.channels),
            "cells": request.cells,
            "features": request.features,
            "settings": str(request.config),
        }
        made: list[LayerData] = []
        shown: set[int] = set()
        for number, (channel, pixels) in enumerate(zip(request.channels, self.pixels, strict=True)):
            limits = channel.limits
            if request.is_undone:
                limits = contrast_limits(pixels) if target.limits is None else target.limits[channel.channel]
            keywords = {
                "name": f"{target.name} {channel.name.removeprefix(f'{target.name} ')}",
                "colormap": channel.colormap,
                # The lowest covers the field, whose light would add to that of the cells.
                "blending": "additive" if number else "opaque",
                "contrast_limits": limits,
                # Of the greens of several classes one can be seen at a time.
                "visible": channel.channel not in shown,
                "metadata": {METADATA_KEY: about},
                **target.placing,
                "translate": target.corner(origin),
            }
            shown.add(channel.channel)
            data = pixels.reshape((1,) * len(target.place) + pixels.shape)
            if target.channel_axis is not None:
                data = np.broadcast_to(data, (*target.repeats, *pixels.shape))
            made.append((data, keywords, "image"))
        return made


def put(request: PutRequest, should_stop: Callable[[], bool]) -> Generator[float, None, Put | None]:
    """Put cells into a field; shaped as work for a worker.

    Yields
    ------
    float
        The part that is done.

    Returns
    -------
    Put or None
        None if it was stopped before anything was done.

    Raises
    ------
    CellsError
        If cells and field do not go together, or there is not enough memory.
    """
    check_memory(request)
    yield 0.0
    images = np.stack([channel.images(request.cells) for channel in request.channels], axis=1)
    target = request.target
    placing = iterate_placing(
        images,
        request.features,
        None if target.planes is None else tuple(target.planes[channel.channel] for channel in request.channels),
        shape=target.shape,
        labels=target.labels,
        config=request.config,
        channels=[channel.channel for channel in request.channels],
        window=request.window,
        should_stop=should_stop,
    )
    done = 0.0
    while True:
        try:
            done = next(placing)
        except StopIteration as end:
            return Put(without_pixels(request), end.value, done, request.channels[0].size) if done else None
        yield done


def without_pixels(request: PutRequest) -> PutRequest:
    """Keep what was asked for, but no pixels of layers that may be deleted."""
    channels = tuple(replace(channel, data=None) for channel in request.channels)
    return replace(request, channels=channels, target=replace(request.target, planes=None, labels=None))


def check_memory(request: PutRequest) -> None:
    """Refuse what does not fit into memory.

    Raises
    ------
    CellsError
    """
    import psutil

    free = psutil.virtual_memory().available
    if request.nbytes > ALL_IN_USE * free:
        raise CellsError(
            f"The result takes {size_text(request.nbytes)}, and {size_text(free)} of memory are free; choose the area "
            "around the cells, or fewer layers."
        )


def size_text(count: int) -> str:
    """Write a number of bytes the way people read it.

    Examples
    --------
    >>> size_text(819_200), size_text(400_000_000), size_text(12_300_000_000)
    ('0.8 MB', '400 MB', '12.3 GB')
    """
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.1f} MB" if count < 10e6 else f"{count / 1e6:.0f} MB"
