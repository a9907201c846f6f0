"""A field of view: red, green and perhaps labels, of any size and from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CELL_TYPES, CellsError


@dataclass(frozen=True, eq=False)
class Field:
    """A field of view with many cells.

    Parameters
    ----------
    red, green : arrays (H, W)
        Anything with `shape`, `dtype` and slices: NumPy, memory-mapped, dask,
        zarr. Of one type: uint8, uint16 or float. No more of them is read at a
        time than a tile.
    labels : array (H, W) of integers, optional
        0 outside of cells, else a number for each cell, from any segmentation.
    name : str
        Different for each field of a set.
    class_name : str
        What green shows in it.
    pixel_size : float, optional
        Side of a pixel in µm.
    source : str
        The file of red.
    index : int
        Place of the field within its file: the time, the position.

    Raises
    ------
    CellsError
        If the arrays do not fit together.

    Examples
    --------
    >>> Field(np.zeros((640, 640), np.uint8), np.zeros((640, 640), np.uint8), name="A-02")
    Field('A-02', 640x640 uint8, class 'cells')
    """

    red: Any
    green: Any
    labels: Any = None
    name: str = "field"
    class_name: str = "cells"
    pixel_size: float | None = None
    source: str = "memory"
    index: int = 0

    def __post_init__(self) -> None:
        shape = tuple(self.red.shape)
        if len(shape) != 2 or 0 in shape:
            raise CellsError(
                f"The red of field {self.name!r} is of shape {shape}; a field has rows and columns. read_fields parts "
                "series of times and positions into fields."
            )
        if tuple(self.green.shape) != shape or self.green.dtype != self.red.dtype:
            raise CellsError(
                f"In field {self.name!r} red is {shape} {self.red.dtype} and green {tuple(self.green.shape)} "
                f"{self.green.dtype}; they must be alike."
            )
        if self.dtype.kind != "f" and self.dtype not in CELL_TYPES:
            raise CellsError(
                f"Field {self.name!r} is of type {self.red.dtype}; save it as 8-bit or 16-bit unsigned integers or as "
                "floats."
            )
        if self.labels is not None:
            self._check_labels()
        if self.pixel_size is not None and not (np.isfinite(self.pixel_size) and self.pixel_size > 0):
            raise CellsError(f"A pixel size is a positive number of µm, not {self.pixel_size}.")

    def _check_labels(self) -> None:
        shape, dtype = tuple(self.labels.shape), np.dtype(self.labels.dtype)
        if shape != self.shape:
            raise CellsError(
                f"The labels of field {self.name!r} are of shape {shape}; they have to be one for each of its "
                f"{self.shape[0]}x{self.shape[1]} pixels."
            )
        if dtype.kind not in "ui":
            advice = "skimage.measure.label(mask) numbers the parts of a mask"
            if dtype.kind == "f":
                advice = "where they are whole already, labels.astype(int) says so"
            raise CellsError(
                f"The labels of field {self.name!r} are of type {dtype}; they have to be whole numbers: {advice}."
            )

    def __repr__(self) -> str:
        height, width = self.shape
        return f"Field({self.name!r}, {height}x{width} {self.dtype}, class {self.class_name!r})"

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.red.shape[0]), int(self.red.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of red and green, in the byte order of this machine."""
        dtype: np.dtype[Any] = np.dtype(self.red.dtype)
        return dtype.newbyteorder("=")


class Plane:
    """A plane of a larger array, of which no more is read than what is asked for.

    Parameters
    ----------
    array : array
        With two axes left, rows and columns in this order, once those of `where` are taken.
    where : sequence of int or None
        A place on each axis; None for rows and columns.

    Examples
    --------
    >>> stack = np.arange(24).reshape(2, 3, 4)
    >>> Plane(stack, (1, None, None))[0:1, 2:4].tolist()
    [[14, 15]]
    """

    ndim = 2

    def __init__(self, array: Any, where: Sequence[int | None]) -> None:
        self._array, self._where = array, tuple(where)
        height, width = (int(n) for n, place in zip(array.shape, where, strict=True) if place is None)
        self.shape = (height, width)
        self.dtype = np.dtype(array.dtype)

    def __getitem__(self, where: tuple[slice, slice]) -> NDArray[Any]:
        left = iter(where)
        return np.asarray(self._array[tuple(next(left) if place is None else place for place in self._where)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:, :].astype(dtype or self.dtype, copy=False)


def check_pixels(pixels: NDArray[Any], channel: str, name: str = "") -> None:
    """Refuse pixels that are no numbers, as soon as they are read.

    Parameters
    ----------
    pixels : array
        Of a part of a field.
    channel : str
        Which of red and green they are of.
    name : str
        Of the field, if it has one.

    Raises
    ------
    CellsError
    """
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        of_field = f"field {name!r}" if name else "the field"
        raise CellsError(
            f"The {channel} of {of_field} has values that are NaN or infinite; replace them before, for example by "
            "the background: np.nan_to_num(pixels, nan=0, posinf=0, neginf=0)."
        )


def check_labels(labels: NDArray[Any], name: str) -> None:
    """Refuse labels that are no numbers of cells, as soon as they are read.

    Parameters
    ----------
    labels : array of integers
        Of a part of a field.
    name : str
        Of the field.

    Raises
    ------
    CellsError
    """
    if not labels.size:
        return
    least, greatest = int(labels.min()), int(labels.max())
    if least < 0 or greatest > np.iinfo(np.int64).max:
        raise CellsError(
            f"The labels of field {name!r} go from {least} to {greatest}; the background has to be 0, and cells "
            "positive numbers of 63 bits at most. skimage.segmentation.relabel_sequential numbers cells anew."
        )


def check_fields(fields: Sequence[Field]) -> None:
    """Refuse fields that cannot be of one set.

    Raises
    ------
    CellsError
        If there are none, if two have the same name, or they differ in type.
    """
    if not fields:
        raise CellsError("There are no fields; give at least one.")
    names = [field.name for field in fields]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CellsError(f"Two fields are named {twice!r}; give each a name of its own.")
    for field in fields:
        if field.dtype != fields[0].dtype:
            raise CellsError(
                f"Field {names[0]!r} is of type {fields[0].dtype}, field {field.name!r} of type {field.dtype}; save "
                "all in the same type."
            )
