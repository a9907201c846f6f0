"""Putting images of cells back into their field: real ones, rebuilt ones, generated ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.field import Field
from napari_biogans.cells.finding import crop_corners
from napari_biogans.cells.intensity import from_unit, full_range, to_unit
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.overlay import Blend, Outline, Part, PlacingConfig
from napari_biogans.cells.tiles import Window, pixels_of, tiles_of, whole
from napari_biogans.settings import checked

TILE = 1024
NEEDED = ("y", "x", "angle", "scale")
"""Columns of features that tell where a cell is."""


def place_in_field(
    images: NDArray[Any],
    features: pd.DataFrame,
    field: Field | tuple[Any, ...] | None = None,
    *,
    shape: tuple[int, int] | None = None,
    labels: Any = None,
    part: Part = "cell",
    margin: float = 3.0,
    softness: float = 1.0,
    channels: Sequence[int] | None = None,
    window: tuple[slice, slice] | None = None,
    out: Any = None,
    should_stop: Callable[[], bool] = never,
) -> Any:
    """Put images of cells into a field, each at the place and the angle of a cell that was cut there.

    Parameters
    ----------
    images : array (N, C, H, W)
        In the units of the cell set: real cells, reconstructions, completions,
        generated cells, with as many channels as wanted.
    features : pandas.DataFrame
        One row per image, of cells of one field, with at least `y`, `x`,
        `angle` and `scale`, as `CutCells.cells.features` has them. Where
        brightness was scaled (`normalisation`), it is scaled back; pixels
        that were clipped then, which are those beyond `low_percentile` and
        `high_percentile`, stay as bright as these. Cells that are cut with
        ``low_percentile=0, high_percentile=100`` come back whole.
    field : Field, or tuple of C arrays (H, W), optional
        What is around the cells; it is copied. By default nothing is: 0
        everywhere.
    shape : (height, width), optional
        Of the field; needed where none is given.
    labels : array (H, W) of integers, optional
        The labels that the cells were cut by, with the column `label` of the
        features: cells then have their true outlines. By default they have
        those of ellipses with the `length` and `width` of the features.
    part : {"cell", "image"}
        What is put there: the cell, or all of its image. Where images
        overlap, a pixel shows the cell that it is nearest to.
    margin : float
        How far beyond its outline a cell is shown, in pixels of the field.
    softness : float
        Width of the soft edge, in pixels of the field.
    channels : sequence of int, optional
        Which channel of the cell set each of the C is: 0 red, 1 green. By
        default the first is red and the others are greens.
    window : (slice, slice), optional
        Rows and columns of the field that are wanted; default all.
    out : array (C, h, w), optional
        Where to write, such as a memory-mapped array for fields larger than
        memory; default a new array of the type of the field, or of the images.
    should_stop : callable
        Asked before each tile of 1024x1024 pixels; what is done is returned,
        and 0 elsewhere.

    Returns
    -------
    array (C, h, w)
        `out`: one plane per channel.

    Raises
    ------
    CellsError
        If images, features, field and labels do not go together, or the result
        does not fit into memory.

    Examples
    --------
    >>> from napari_biogans.cells import cut_cells, simulate_field
    >>> field = simulate_field(9, shape=(400, 400), seed=0).field
    >>> cells = cut_cells(field, progress=False).cells
    >>> layers = place_in_field(cells.images[0], cells.features[0], shape=field.shape)
    >>> layers.shape, layers.dtype
    ((2, 400, 400), dtype('uint8'))
    """
    placing = iterate_placing(
        images,
        features,
        field,
        shape=shape,
        labels=labels,
        config=checked(PlacingConfig, {"part": part, "margin": margin, "softness": softness}, CellsError),
        channels=channels,
        window=window,
        out=out,
        should_stop=should_stop,
    )
    while True:
        try:
            next(placing)
        except StopIteration as end:
            return end.value


def iterate_placing(
    images: NDArray[Any],
    features: pd.DataFrame,
    field: Field | tuple[Any, ...] | None = None,
    *,
    shape: tuple[int, int] | None = None,
    labels: Any = None,
    config: PlacingConfig | None = None,
    channels: Sequence[int] | None = None,
    window: tuple[slice, slice] | None = None,
    out: Any = None,
    should_stop: Callable[[], bool] = never,
) -> Generator[float, None, Any]:
    """Put images of cells into a field as `place_in_field` does, yielding how far it is.

    Parameters
    ----------
    images, features, field, shape, labels, channels, window, out, should_stop
        As for `place_in_field`.
    config : PlacingConfig, optional

    Yields
    ------
    float
        The part that is done, in (0, 1].

    Returns
    -------
    array (C, h, w)
        `out`; if it was stopped, a new array is 0 where it is not done.

    Raises
    ------
    CellsError
        If images, features, field and labels do not go together, or the result
        does not fit into memory.
    """
    images = np.asarray(images)
    _check(images, features)
    planes = (field.red, field.green) if isinstance(field, Field) else field
    shape = _shape(images, planes, shape)
    if labels is not None and (tuple(labels.shape) != shape or "label" not in features):
        raise CellsError(
            f"Labels of a field of {shape} pixels have that shape, not {tuple(labels.shape)}, and the features of the "
            "cells a column 'label'."
        )
    wanted = whole(shape) if window is None else _window(window, shape)
    dtype = np.dtype(images.dtype if planes is None else planes[0].dtype).newbyteorder("=")
    if out is None:
        out = _new((images.shape[1], *wanted.shape), dtype)
    elif tuple(out.shape) != (images.shape[1], *wanted.shape):
        raise CellsError(f"The result is {(images.shape[1], *wanted.shape)}, `out` is {tuple(out.shape)}.")
    outline = Outline(labels, config or PlacingConfig())
    scaled = _Brightness(features, images.dtype, _channels(images, channels))
    corners = crop_corners(features, cast("tuple[int, int]", images.shape[2:]))
    low, high = corners.min(axis=1), corners.max(axis=1)
    tiles = list(tiles_of(wanted.shape, TILE))
    for done, tile in enumerate(tiles, 1):
        if should_stop():
            break
        there = Window(*(slice(s.start + w.start, s.stop + w.start) for s, w in zip(tile, wanted, strict=True)))
        meets = np.all((high >= there.origin) & (low <= [s.stop for s in there]), axis=1)
        # Most of a large field may have no cell, and stays as it is.
        dtype = np.dtype(np.float32) if meets.any() else out.dtype
        base = np.zeros((images.shape[1], *there.shape), dtype)
        if planes is not None:
            base = np.stack([_typed(pixels_of(plane, there), dtype) for plane in planes])
        if not meets.any():
            out[(slice(None), *tile)] = base
            yield done / len(tiles)
            continue
        blend = Blend(base)
        for row in np.flatnonzero(meets).tolist():
            around = Window(
                *(
                    slice(max(int(np.floor(a)), s.start), min(int(np.ceil(b)) + 1, s.stop))
                    for a, b, s in zip(low[row], high[row], there, strict=True)
                )
            )
            if min(around.shape) > 0:
                laid = outline.lay(scaled.undone(images[row], row), features.iloc[row], around)
                blend.add(around.within(there), *laid)
        out[(slice(None), *tile)] = _typed(blend.result(), out.dtype)
        yield done / len(tiles)
    return out


def _check(images: NDArray[Any], features: pd.DataFrame) -> None:
    if images.ndim != 4:
        raise CellsError(f"Images of cells are (N, C, H, W), not of shape {images.shape}.")
    if len(features) != len(images):
        raise CellsError(f"Features of {len(features)} cells for {len(images)} images; give one row per image.")
    if missing := [name for name in NEEDED if name not in features]:
        raise CellsError(
            f"The features of the cells lack {', '.join(missing)}: where they were in their field. cut_cells writes "
            "it; cells that were made by other programs cannot be put back."
        )
    if "field" in features and features["field"].nunique() > 1:
        names = ", ".join(map(str, features["field"].unique()[:3]))
        raise CellsError(f"The cells are of several fields ({names}, …); choose those of one.")
    if not np.isfinite(features[list(NEEDED)].to_numpy(float)).all():
        raise CellsError("Some places, angles or scales of the cells are not known (NaN); leave those cells out.")


def _shape(images: NDArray[Any], planes: Any, shape: Sequence[Any] | None) -> tuple[int, int]:
    if planes is None and shape is None:
        raise CellsError("Give the field that the cells are put into, or the shape of an empty one.")
    if shape is not None and (len(shape) != 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in shape)):
        raise CellsError(f"The shape of a field is (height, width), of at least one pixel each, not {shape}.")
    if planes is None:
        return cast("tuple[int, int]", tuple(shape or ()))
    shapes = {tuple(plane.shape) for plane in planes}
    if len(planes) != images.shape[1] or len(shapes) > 1 or (shape is not None and shapes != {tuple(shape)}):
        raise CellsError(
            f"Cells of {images.shape[1]} channels go into a field of as many planes of one shape, not into "
            f"{len(planes)} of {', '.join(map(str, shapes))}."
        )
    return cast("tuple[int, int]", shapes.pop())


def _new(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        return np.zeros(shape, dtype)
    except (MemoryError, ValueError):  # the latter where there are more bytes than numbers for them
        size = math.prod(shape) * dtype.itemsize / 1e9
        raise CellsError(
            f"The result of {shape} would take {size:,.1f} GB, more than fits into memory; ask for a part of the field "
            "with `window`, or give a memory-mapped array as `out`."
        ) from None


def _channels(images: NDArray[Any], channels: Sequence[int] | None) -> list[int]:
    # Further channels are further greens.
    found = [0, *[1] * (images.shape[1] - 1)] if channels is None else list(channels)
    if len(found) != images.shape[1] or not set(found) <= {0, 1}:
        raise CellsError(f"Give 0 for red or 1 for green for each of {images.shape[1]} channels, not {found}.")
    return found


def _window(window: tuple[slice, slice], shape: tuple[int, int]) -> Window:
    found = Window(*(slice(*s.indices(n)[:2]) for s, n in zip(window, shape, strict=True)))
    if min(found.shape) < 1:
        raise CellsError(f"The window {window} holds no pixel of a field of {shape} pixels.")
    return found


class _Brightness:
    """Undoes what a normalisation did to the brightness of each cell."""

    def __init__(self, features: pd.DataFrame, dtype: np.dtype[Any], channels: list[int]) -> None:
        self._channels = channels
        self._ends = full_range(dtype)[channels]
        self._ranges: NDArray[np.float32] | None = None
        columns = ["red_low", "red_high", "green_low", "green_high"]
        if set(columns) <= set(features.columns):
            self._ranges = features[columns].to_numpy(np.float32).reshape(-1, 2, 2)

    def undone(self, image: NDArray[Any], row: int) -> NDArray[np.float32]:
        """Give an image (C, H, W) in the units of the field."""
        if self._ranges is None or not np.isfinite(self._ranges[row]).all():
            return image.astype(np.float32)
        unit = to_unit(image.astype(np.float32), self._ends)
        return from_unit(unit, self._ranges[row][self._channels], np.float32)


def _typed(pixels: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        pixels = pixels.round().clip(limits.min, limits.max)
    return pixels.astype(dtype)
