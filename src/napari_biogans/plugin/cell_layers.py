"""From image layers to a cell set. Nothing here knows Qt or napari."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError, CellSet, CellsWarning
from napari_biogans.cells.sizes import fit_to_size, is_good_size, nearest_good_size
from napari_biogans.cells.tiff_metadata import to_micrometres

CHANNEL_LABELS = frozenset({"c", "ch", "channel", "channels"})
# Axes of other lengths count cells, rows or columns.
CHANNEL_COUNTS = range(2, 5)
# Sides and scales that differ by less than this part are the same.
SAME_SCALE = 0.01


@dataclass(frozen=True, eq=False)
class LayerImages:
    """What counts of an image layer, taken from it in the main thread."""

    name: str
    data: Any
    """Array, of any library that numpy understands."""
    scale: tuple[float, ...]
    units: tuple[str, ...]
    axis_labels: tuple[str, ...]
    rgb: bool = False
    multiscale: bool = False

    @classmethod
    def of(cls, layer: Any) -> LayerImages:
        """Take what counts of a napari image layer."""
        return cls(
            name=layer.name,
            data=layer.data,
            scale=tuple(float(factor) for factor in layer.scale),
            units=tuple(str(unit) for unit in layer.units),
            axis_labels=tuple(layer.axis_labels),
            rgb=bool(layer.rgb),
            multiscale=bool(layer.multiscale),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(int(length) for length in self.data.shape)


@dataclass(frozen=True, eq=False)
class ClassLayers:
    """The layers that hold the cells of one class.

    Either a red and a green layer, or one layer with a channel axis, whose
    first two channels are red and green.
    """

    name: str
    red: LayerImages
    green: LayerImages | None = None
    channel_axis: int | None = None
    """Of `red`, where there is no green layer."""

    @property
    def cell_axis(self) -> int:
        """Axis along which the cells are stacked."""
        return 1 if self.channel_axis == 0 else 0

    @property
    def count(self) -> int:
        """Number of cells."""
        return self.red.shape[self.cell_axis]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the cells, in pixels."""
        height, width = [length for axis, length in enumerate(self.red.shape) if axis != self.channel_axis][-2:]
        return height, width

    def take(self, places: Sequence[int]) -> ClassLayers:
        """Take some of the cells; pixels that are computed or loaded on demand are so for those only."""

        def taken(images: LayerImages) -> LayerImages:
            before = (slice(None),) * self.cell_axis
            pixels = [np.asarray(images.data[(*before, place)]) for place in places]
            return replace(images, data=np.stack(pixels, axis=self.cell_axis))

        return replace(self, red=taken(self.red), green=None if self.green is None else taken(self.green))


def channel_axes(shape: Sequence[int], axis_labels: Sequence[str] = ()) -> list[int]:
    """Find the axes of a layer that may hold channels.

    Parameters
    ----------
    shape : sequence of int
    axis_labels : sequence of str
        A label such as "c" or "channel" settles it.

    Returns
    -------
    list of int
        Empty unless there are four axes.

    Examples
    --------
    >>> channel_axes((500, 2, 48, 80)), channel_axes((2, 2, 48, 80)), channel_axes((500, 48, 80))
    ([1], [0, 1], [])
    """
    if len(shape) != 4:
        return []
    named = [axis for axis, label in enumerate(axis_labels) if label.strip().lower() in CHANNEL_LABELS]
    if len(named) == 1 and shape[named[0]] >= min(CHANNEL_COUNTS):
        return named
    return [axis for axis, length in enumerate(shape) if length in CHANNEL_COUNTS]


def check_layers(classes: Sequence[ClassLayers]) -> None:
    """Refuse layers that cannot be cells, without looking at their pixels.

    Parameters
    ----------
    classes : sequence of ClassLayers

    Raises
    ------
    CellsError
        The message names the layer and says what to do.
    """
    names = [each.name for each in classes]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise CellsError(f"Two classes are called {repeated[0]!r}; give each a name of its own.")
    for each in classes:
        _check_class(each)
    first = classes[0].red
    for each in classes[1:]:
        if np.dtype(each.red.data.dtype) != np.dtype(first.data.dtype):
            raise CellsError(
                f"Layer {first.name!r} is of type {first.data.dtype}, {each.red.name!r} of type {each.red.data.dtype}; "
                "convert one of them (right-click on the layer, Convert data type)."
            )


def read_layers(classes: Sequence[ClassLayers]) -> CellSet:
    """Make a cell set of layers.

    Parameters
    ----------
    classes : sequence of ClassLayers
        Pixels that are computed or loaded on demand are so now.

    Returns
    -------
    CellSet
        Its pixel size is the layers' scale: in their units, or in µm where
        the units are pixels and the scale is not 1.

    Raises
    ------
    CellsError
        If the layers cannot be cells; the message names the layer.

    Warns
    -----
    CellsWarning
        If cells were padded or cropped to a size that the networks can make,
        or the pixel size cannot be told.
    """
    check_layers(classes)
    size = _good_size(classes)
    return CellSet(
        [_stack(each, size) for each in classes],
        [each.name for each in classes],
        pixel_size=_pixel_size(classes),
    )


def _check_class(each: ClassLayers) -> None:
    for images in (each.red, each.green):
        if images is not None:
            _check_kind(images)
    red, green = each.red, each.green
    if green is None:
        if each.channel_axis is None or len(red.shape) != 4:
            raise CellsError(f"Choose the layer that holds green for {red.name!r}.")
        if red.shape[each.channel_axis] < 2:
            raise CellsError(f"Layer {red.name!r} has one channel only along axis {each.channel_axis}.")
        return
    for images in (red, green):
        if len(images.shape) == 4:
            raise CellsError(
                f"Layer {images.name!r} has 4 axes {images.shape}. If one of them holds the channels, choose the layer "
                "as red and 'same layer' as green; else split it along the axis that does not count cells."
            )
        if len(images.shape) != 3:
            raise CellsError(
                f"Layer {images.name!r} has {len(images.shape)} axes {images.shape}; a stack of single cells has "
                "three: cell, row, column. Choose a stack, or cut the cells out of the picture first."
            )
    if red.shape != green.shape:
        raise CellsError(
            f"Red layer {red.name!r} is {_times(red.shape)}, green layer {green.name!r} {_times(green.shape)}; "
            "choose layers that show the same cells."
        )
    if np.dtype(red.data.dtype) != np.dtype(green.data.dtype):
        raise CellsError(
            f"Red layer {red.name!r} is of type {red.data.dtype}, green layer {green.name!r} of type "
            f"{green.data.dtype}; convert one of them (right-click on the layer, Convert data type)."
        )


def _check_kind(images: LayerImages) -> None:
    if images.rgb:
        raise CellsError(
            f"Layer {images.name!r} holds coloured pictures; split it into channels (right-click on the layer, "
            "Split RGB) and choose its red and green layers."
        )
    if images.multiscale:
        raise CellsError(
            f"Layer {images.name!r} is multiscale; add its finest level as a layer of its own: "
            "viewer.add_image(layer.data[0])."
        )


def _good_size(classes: Sequence[ClassLayers]) -> tuple[int, int]:
    """Choose the good size nearest to that of most cells, and say if it is another."""
    counts: dict[tuple[int, int], int] = {}
    for each in classes:
        counts[each.size] = counts.get(each.size, 0) + each.count
    commonest = max(counts, key=lambda size: counts[size])
    size = commonest if is_good_size(commonest) else nearest_good_size(commonest)
    others = ", ".join(f"{height}x{width}" for height, width in counts if (height, width) != size)
    if others:
        warnings.warn(
            f"Cells of {others} pixels are centre-padded or cropped to {size[0]}x{size[1]}, "
            "which the networks can halve evenly.",
            CellsWarning,
            stacklevel=3,
        )
    return size


def _stack(each: ClassLayers, size: tuple[int, int]) -> NDArray[Any]:
    """Give the pixels (N, 2, H, W)."""
    if each.green is None:
        pixels = np.moveaxis(_pixels(each.red), each.channel_axis or 0, 1)[:, :2]
        return np.ascontiguousarray(fit_to_size(pixels, size))
    return np.stack([fit_to_size(_pixels(images), size) for images in (each.red, each.green)], axis=1)


def _pixels(images: LayerImages) -> NDArray[Any]:
    try:
        return np.asarray(images.data)
    except MemoryError as error:
        raise CellsError(f"Layer {images.name!r} does not fit into memory; take fewer cells.") from error


def _pixel_size(classes: Sequence[ClassLayers]) -> float | None:
    found: dict[str, float] = {}
    for each in classes:
        for images in (each.red, each.green):
            size = None if images is None else pixel_size_of(images, each.channel_axis)
            if images is not None and size is not None:
                found[images.name] = size
    if not found:
        return None
    first, size = next(iter(found.items()))
    for name, other in found.items():
        if not math.isclose(other, size, rel_tol=SAME_SCALE):
            raise CellsError(
                f"A pixel of layer {first!r} is {size:g} µm wide, but one of {name!r} {other:g} µm; "
                "set both layers' scale to the same."
            )
    return size


def pixel_size_of(images: LayerImages, channel_axis: int | None) -> float | None:
    """Give the side of a pixel in µm, or None if it cannot be told."""
    height_axis, width_axis = [axis for axis in range(len(images.shape)) if axis != channel_axis][-2:]
    height, width = (_micrometres(images, axis) for axis in (height_axis, width_axis))
    if height is None or width is None:
        return None
    if not math.isclose(height, width, rel_tol=SAME_SCALE):
        warnings.warn(
            f"Pixels of layer {images.name!r} are {height:g} µm high and {width:g} µm wide; "
            "the pixel size is left out, as it is one number.",
            CellsWarning,
            stacklevel=5,
        )
        return None
    return width


def _micrometres(images: LayerImages, axis: int) -> float | None:
    scale, unit = abs(images.scale[axis]), images.units[axis]
    if unit in ("pixel", "dimensionless", ""):
        # Before layers had units, a scale was in µm for nearly everybody.
        return scale if scale != 1 else None
    return to_micrometres(scale, unit)


def _times(shape: Sequence[int]) -> str:
    return "×".join(str(length) for length in shape)
