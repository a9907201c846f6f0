"""The cell set: images of single cells by class, with what is needed to read them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.intensity import to_unit
from napari_biogans.cells.sizes import halvings

CELL_TYPES = (np.uint8, np.uint16, np.float32)
ROBUST_PERCENTILES = (0.1, 99.9)
# Finiteness is checked on so many cells at a time, and percentiles are taken of
# so many pixels of a channel, so that a set is never copied.
CELLS_AT_A_TIME = 256
PIXELS_LOOKED_AT = 2**19
PIXELS_PER_CELL_LOOKED_AT = 64


class CellsError(ValueError):
    """Cells that cannot be used, with the reason and what to do about it."""


class CellsWarning(UserWarning):
    """Something about cells that were read which their owner should know, and may want to change."""


@dataclass(frozen=True, eq=False)
class CellSet:
    """Images of single cells, by class.

    Parameters
    ----------
    images : sequence of arrays (N, C, H, W)
        One per class, all of the same type (uint8, uint16 or float) and of the
        same C, H and W; channel 0 is red (the marker that all samples share),
        channel 1 green. Floats are kept as float32.
    class_names : sequence of str
        What green shows in each class: a protein, a treatment.
    channel_names : sequence of str
        One per channel.
    pixel_size : float, optional
        Side of a pixel in µm; None when it is not known.
    intensity_range : array (C, 2), optional
        Intensities that become -1 and 1, per channel. By default the range of
        the type for 8 bit, and the 0.1 and 99.9 percentiles over all classes
        for other types.
    features : sequence of pandas.DataFrame, optional
        One table per class with one row per cell: at least `source`, where the
        cell came from, and `index`, its place there (from 0).
    path : path-like, optional
        Where `read_cells` read the whole set.

    Raises
    ------
    CellsError
        If the arrays do not fit together, are empty, or hold one channel only,
        NaN or infinite values.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> cells = CellSet([rng.integers(0, 255, (10, 2, 48, 80), dtype=np.uint8)], ["Tea1"])
    >>> len(cells), cells.size, cells.dtype
    (10, (48, 80), dtype('uint8'))
    """

    images: Sequence[NDArray[Any]]
    class_names: Sequence[str]
    channel_names: Sequence[str] = ("red", "green")
    pixel_size: float | None = None
    intensity_range: NDArray[np.float32] = None  # type: ignore[assignment]  # found out at once
    features: Sequence[pd.DataFrame] = None  # type: ignore[assignment]  # likewise
    path: Path | None = None

    def __post_init__(self) -> None:
        names = tuple(str(name) for name in self.class_names)
        arrays = tuple(_as_cell_type(array, name) for array, name in zip(self.images, names, strict=False))
        if len(self.images) != len(names) or not names:
            raise CellsError(
                f"{len(self.images)} arrays of cells with {len(names)} class names; give one name per array."
            )
        if len(set(names)) != len(names):
            raise CellsError(f"Class names must differ from each other: {', '.join(names)}.")
        _check_arrays(arrays, names)
        channels = tuple(str(name) for name in self.channel_names)
        if len(channels) != arrays[0].shape[1]:
            raise CellsError(
                f"{arrays[0].shape[1]} channels with {len(channels)} channel names; give one name per channel."
            )
        if self.pixel_size is not None and not (np.isfinite(self.pixel_size) and self.pixel_size > 0):
            raise CellsError(f"A pixel size is a positive number of µm, not {self.pixel_size}.")
        set_field = object.__setattr__
        set_field(self, "images", arrays)
        set_field(self, "class_names", names)
        set_field(self, "channel_names", channels)
        set_field(self, "intensity_range", _checked_range(self.intensity_range, arrays))
        set_field(self, "features", _checked_features(self.features, arrays))

    def __len__(self) -> int:
        return sum(self.counts)

    def __repr__(self) -> str:
        classes = ", ".join(f"{name}: {count}" for name, count in zip(self.class_names, self.counts, strict=True))
        height, width = self.size
        scale = f", {self.pixel_size:g} µm/pixel" if self.pixel_size else ""
        return f"CellSet({len(self)} cells, {height}x{width} {self.dtype}{scale}; {classes})"

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of cells of each class."""
        return tuple(len(array) for array in self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        height, width = self.images[0].shape[-2:]
        return int(height), int(width)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the images."""
        return self.images[0].dtype

    @property
    def nbytes(self) -> int:
        """Memory that the images take, in bytes."""
        return sum(array.nbytes for array in self.images)

    def subset(
        self,
        classes: Iterable[str] | None = None,
        indices: Sequence[NDArray[np.integer[Any]] | slice] | None = None,
    ) -> CellSet:
        """Take some classes, or some cells of each class.

        The intensity range stays that of the whole set, so that subsets are
        comparable.

        Parameters
        ----------
        classes : iterable of str, optional
            Names of the classes to keep, in the order wanted; default all.
        indices : sequence of index arrays or slices, optional
            One per kept class: which cells to keep.

        Returns
        -------
        CellSet

        Raises
        ------
        CellsError
            If a class is not in the set, or fewer than 2 cells remain.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> pixels = rng.integers(0, 255, (2, 10, 2, 48, 80), dtype=np.uint8)
        >>> cells = CellSet(list(pixels), ["Alp14", "Tea1"])
        >>> cells.subset(["Tea1"], [slice(0, 4)]).counts
        (4,)
        """
        wanted = list(self.class_names) if classes is None else list(classes)
        for name in wanted:
            if name not in self.class_names:
                raise CellsError(f"There is no class {name!r} in this set; it has {', '.join(self.class_names)}.")
        chosen = [self.class_names.index(name) for name in wanted]
        keep = [slice(None)] * len(chosen) if indices is None else list(indices)
        if len(keep) != len(chosen):
            raise CellsError(f"{len(keep)} sets of indices for {len(chosen)} classes; give one per class.")
        return replace(
            self,
            images=[self.images[k][index] for k, index in zip(chosen, keep, strict=True)],
            class_names=wanted,
            path=None,
            features=[
                self.features[k].iloc[index].reset_index(drop=True) for k, index in zip(chosen, keep, strict=True)
            ],
        )

    def split(self, test_fraction: float = 0.1, seed: int = 0) -> tuple[CellSet, CellSet]:
        """Split every class at random into a training and a test part.

        Parameters
        ----------
        test_fraction : float
            Part of each class that goes into the test set, in (0, 1); at least
            one cell of every class goes into either set.
        seed : int
            The same seed gives the same split.

        Returns
        -------
        (CellSet, CellSet)
            Training and test cells.

        Raises
        ------
        CellsError
            If `test_fraction` is not in (0, 1), or a class is too small.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> cells = CellSet([rng.integers(0, 255, (20, 2, 48, 80), dtype=np.uint8)], ["Tea1"])
        >>> train, test = cells.split(test_fraction=0.1)
        >>> len(train), len(test)
        (18, 2)
        """
        if not 0 < test_fraction < 1:
            raise CellsError(f"The test fraction lies between 0 and 1, not {test_fraction}.")
        rng = np.random.default_rng(seed)
        train, test = [], []
        for name, count in zip(self.class_names, self.counts, strict=True):
            if count < 2:
                raise CellsError(f"Class {name!r} has {count} cell; a split needs at least 2.")
            order = rng.permutation(count)
            first = min(max(round(count * test_fraction), 1), count - 1)
            test.append(np.sort(order[:first]))
            train.append(np.sort(order[first:]))
        return self.subset(indices=train), self.subset(indices=test)

    def pool(self, name: str = "pooled") -> CellSet:
        """Put the cells of all classes into one class.

        Parameters
        ----------
        name : str
            Name of the class that results. A set of one class is returned as
            it is.

        Returns
        -------
        CellSet
            Of one class; its features have a column `class` with the class
            that each cell came from.
        """
        if len(self.images) == 1:
            return self
        tables = [
            table.assign(**{"class": label}) for table, label in zip(self.features, self.class_names, strict=True)
        ]
        return replace(
            self,
            images=[np.concatenate(self.images)],
            class_names=[name],
            path=None,
            features=[pd.concat(tables, ignore_index=True)],
        )

    def fingerprint(self) -> str:
        """Compute a digest of the images, the class names and the intensity range.

        Returns
        -------
        str
            32 hexadecimal digits; the same cells give the same ones on every
            machine.
        """
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.class_names, self.counts, self.size, self.dtype.name)).encode())
        digest.update(np.asarray(self.intensity_range, "<f4").tobytes())
        for array in self.images:
            for start in range(0, len(array), CELLS_AT_A_TIME):
                block = array[start : start + CELLS_AT_A_TIME]
                digest.update(np.ascontiguousarray(block, block.dtype.newbyteorder("<")).data)
        return digest.hexdigest()

    def check_trainable(self) -> None:
        """Refuse a set from which nothing can be learned.

        Raises
        ------
        CellsError
            If there are fewer than 2 cells, or a class has a channel that is
            the same everywhere.
        """
        if len(self) < 2:
            raise CellsError(f"There is {len(self)} cell; at least 2 are needed to learn from.")
        for array, name in zip(self.images, self.class_names, strict=True):
            check_varied(array, f"class {name!r}")

    def to_unit(self) -> tuple[NDArray[np.float32], ...]:
        """Scale the images of each class to [-1, 1].

        Returns
        -------
        tuple of arrays (N, C, H, W), float32
            One per class.
        """
        return tuple(to_unit(array, self.intensity_range) for array in self.images)


def _as_cell_type(given: Any, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(given)
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    native = array.dtype.newbyteorder("=")
    if native not in CELL_TYPES:
        raise CellsError(
            f"Cells of class {name!r} are of type {array.dtype}; "
            "save them as 8-bit or 16-bit unsigned integers or as floats."
        )
    return array.astype(native, copy=False)


def _check_arrays(arrays: tuple[NDArray[Any], ...], names: tuple[str, ...]) -> None:
    first = arrays[0]
    for array, name in zip(arrays, names, strict=True):
        if array.ndim != 4:
            raise CellsError(
                f"Cells of class {name!r} have {array.ndim} axes; four are needed: cell, channel, row, column."
            )
        if array.shape[1] < 2:
            raise CellsError(
                f"Cells of class {name!r} have one channel only; a red and a green channel are needed, as (N, 2, H, W)."
            )
        if array.dtype != first.dtype:
            raise CellsError(
                f"Class {names[0]!r} is of type {first.dtype}, class {name!r} of type {array.dtype}; "
                "save all in the same type."
            )
        if array.shape[1:] != first.shape[1:]:
            raise CellsError(
                f"Cells of class {names[0]!r} are {first.shape[1:]} and those of class {name!r} {array.shape[1:]} "
                "(channels, rows, columns); they must be the same."
            )
    try:
        halvings(first.shape[-2:])
    except ValueError as error:
        raise CellsError(f"{error} Use fit_to_size, or read the cells with read_cells, which does it.") from None
    for array, name in zip(arrays, names, strict=True):
        if not len(array):
            raise CellsError(f"There are no cells in class {name!r}; leave the class out or add cells to it.")
        check_finite(array, f"class {name!r}")


def check_finite(images: NDArray[Any], where: str) -> None:
    """Refuse NaN and infinite values.

    Parameters
    ----------
    images : array (N, C, H, W)
    where : str
        Named in the message: a class, a file.

    Raises
    ------
    CellsError
    """
    if images.dtype.kind == "f":
        for start in range(0, len(images), CELLS_AT_A_TIME):
            if not np.isfinite(images[start : start + CELLS_AT_A_TIME]).all():
                raise CellsError(f"There are NaN or infinite values in {where}; replace them or leave those cells out.")


def check_varied(images: NDArray[Any], where: str) -> None:
    """Refuse a channel that has the same value everywhere.

    Parameters
    ----------
    images : array (N, C, H, W)
    where : str
        Named in the message: a class, a file.

    Raises
    ------
    CellsError
    """
    for channel in range(images.shape[1]):
        lowest = images[:, channel].min()
        if lowest == images[:, channel].max():
            raise CellsError(
                f"Channel {channel} of {where} is {lowest} everywhere; nothing can be learned from it. "
                "Check that the channel was saved."
            )


def _checked_range(given: Any, arrays: tuple[NDArray[Any], ...]) -> NDArray[np.float32]:
    channels = arrays[0].shape[1]
    if given is None:
        return _default_range(arrays)
    intensity_range = np.array(given, np.float32)
    if intensity_range.shape != (channels, 2) or not (intensity_range[:, 0] < intensity_range[:, 1]).all():
        raise CellsError(
            f"The intensity range is a low and a higher number for each of {channels} channels, "
            f"not {np.asarray(given).tolist()}."
        )
    return intensity_range


def _default_range(arrays: tuple[NDArray[Any], ...]) -> NDArray[np.float32]:
    channels = arrays[0].shape[1]
    if arrays[0].dtype == np.uint8:
        return np.array([[0, 255]] * channels, np.float32)
    # Every so many cells, rows and columns: enough for percentiles, in a few MB.
    cells = sum(len(array) for array in arrays)
    every = max(1, cells * PIXELS_PER_CELL_LOOKED_AT // PIXELS_LOOKED_AT)
    height, width = arrays[0].shape[-2:]
    step = max(1, round((cells // every * height * width / PIXELS_LOOKED_AT) ** 0.5))
    intensity_range = np.empty((channels, 2), np.float32)
    for channel in range(channels):
        looked_at = np.concatenate([array[::every, channel, ::step, ::step].ravel() for array in arrays])
        intensity_range[channel] = np.percentile(looked_at, ROBUST_PERCENTILES, overwrite_input=True)
    for channel, (low, high) in enumerate(intensity_range):
        if low >= high:  # a few bright pixels on a flat background
            intensity_range[channel] = (
                min(array[:, channel].min() for array in arrays),
                max(array[:, channel].max() for array in arrays),
            )
    return intensity_range


def _checked_features(given: Any, arrays: tuple[NDArray[Any], ...]) -> tuple[pd.DataFrame, ...]:
    if given is None:
        return tuple(pd.DataFrame({"source": "memory", "index": np.arange(len(array))}) for array in arrays)
    tables = tuple(given)
    if [len(table) for table in tables] != [len(array) for array in arrays]:
        raise CellsError(
            f"Features of {[len(table) for table in tables]} cells for classes of {[len(array) for array in arrays]}; "
            "give one row per cell."
        )
    for table in tables:
        if not {"source", "index"} <= set(table.columns):
            raise CellsError("The features of cells need the columns 'source' and 'index'.")
    return tables
