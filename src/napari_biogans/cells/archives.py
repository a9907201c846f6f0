"""Cell sets as NumPy archives: one file, one array per class."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError, CellSet
from napari_biogans.cells.records import column_types
from napari_biogans.cells.sources import (
    BYTES_AT_A_TIME,
    GREATEST_COMPRESSION,
    Block,
    Metadata,
    cell_type,
    damaged,
    one_channel,
    refusing,
)
from napari_biogans.files import replacing

# Keys that are not classes.
CHANNEL_NAMES, PIXEL_SIZE, INTENSITY_RANGE = "channel_names", "pixel_size", "intensity_range"
FEATURES = "features"  # features/CLASS/COLUMN: one value per cell
ENDING = ".npy"
MOST_SAMPLES = 4  # an axis of so many or fewer at the end is channels, not columns


@dataclass(frozen=True, slots=True)
class ArrayCells:
    """The cells of one array (N, C, H, W) of an archive."""

    path: str
    key: str
    shape: tuple[int, int, int, int]
    stored_dtype: np.dtype[Any]
    rows_first: bool
    """Whether the last axis varies fastest, as arrays are by default."""
    metadata: Metadata

    @property
    def where(self) -> str:
        """The file and the array."""
        return _where(self.path, self.key)

    @property
    def count(self) -> int:
        """Number of cells."""
        return self.shape[0]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.shape[2:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that the cells get."""
        return cell_type(self.stored_dtype, self.where)

    @property
    def first(self) -> int:
        """Always 0: places are counted within the array."""
        return 0

    def blocks(self) -> Iterator[Block]:
        """Read all pixels, some cells at a time.

        Raises
        ------
        CellsError
            If the file is damaged.
        """
        every_channel = slice(0, self.channels)
        with (
            refusing(self.path, "NumPy archive"),
            zipfile.ZipFile(self.path) as archive,
            archive.open(self.key + ENDING) as file,
        ):
            _read_header(file)
            if not self.rows_first:  # cells do not follow each other, so all are read at once
                images = np.frombuffer(file.read(), self.stored_dtype).reshape(self.shape[::-1]).T
                yield Block(slice(0, self.count), every_channel, images)
                return
            cell_bytes = math.prod(self.shape[1:]) * self.stored_dtype.itemsize
            step = max(1, BYTES_AT_A_TIME // cell_bytes)
            for start in range(0, self.count, step):
                stop = min(start + step, self.count)
                pixels = np.frombuffer(file.read((stop - start) * cell_bytes), self.stored_dtype)
                yield Block(slice(start, stop), every_channel, pixels.reshape(stop - start, *self.shape[1:]))


def open_archive(path: str) -> list[ArrayCells]:
    """Look at the arrays of an .npz file.

    Parameters
    ----------
    path : str

    Returns
    -------
    list of ArrayCells
        One for each class, in the order of the file: its arrays of four axes.

    Raises
    ------
    CellsError
        If the file is damaged or foreign, or holds no such array, or one with
        the channels last or with one channel.
    """
    found: list[ArrayCells] = []
    with refusing(path, "NumPy archive"), zipfile.ZipFile(path) as archive:
        headers = {}
        for entry in archive.infolist():
            with archive.open(entry) as file:
                headers[entry.filename.removesuffix(ENDING)] = (entry, *_read_header(file))
        classes = [key for key, (_, shape, _, _) in headers.items() if len(shape) == 4]
        settings = {key: _read_array(archive, key) for key in headers if key not in classes and _is_setting(key)}
        for key in classes:
            entry, shape, rows_first, dtype = headers[key]
            _check_array(path, key, shape, dtype, entry)
            cells, channels, height, width = shape
            metadata = _read_metadata(settings, key, shape)
            found.append(ArrayCells(path, key, (cells, channels, height, width), dtype, rows_first, metadata))
    if not found:
        others = ", ".join(f"{key!r} {shape}" for key, (_, shape, _, _) in headers.items()) or "nothing"
        raise CellsError(f"There is no array (N, C, H, W) of cells in {path}, which holds {others}.")
    return found


def is_archive_of_ours(path: str) -> bool:
    """Tell whether a file is an archive of `write_archive`: it names its channels and their ranges."""
    try:
        found = open_archive(path)
    except CellsError:
        return False
    return all(cells.metadata.channel_names and cells.metadata.intensity_range for cells in found)


def write_archive(cells: CellSet, path: Path) -> None:
    """Write a cell set as an .npz file.

    Parameters
    ----------
    cells : CellSet
    path : pathlib.Path
        Replaced if it exists.

    Raises
    ------
    CellsError
        If a class has a name that an archive cannot hold.
    """
    arrays: dict[str, Any] = {
        CHANNEL_NAMES: np.array(cells.channel_names, dtype=np.str_),
        INTENSITY_RANGE: cells.intensity_range,
    }
    if cells.pixel_size is not None:
        arrays[PIXEL_SIZE] = np.array(cells.pixel_size)
    for name, images, table in zip(cells.class_names, cells.images, cells.features, strict=True):
        _put(arrays, name, images)
        for column, kind in column_types(table).items():
            values = table[column].to_numpy(np.str_ if kind == "str" else None)
            _put(arrays, f"{FEATURES}/{name}/{column.replace('/', '_')}", values)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for key, array in arrays.items():
            with archive.open(key + ENDING, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def _put(arrays: dict[str, Any], key: str, array: NDArray[Any]) -> None:
    """Add an array under a key that comes back as it is."""
    # A zip file cuts names at NUL, turns backslashes round on Windows, and is in UTF-8.
    if key in arrays or "\0" in key or "\\" in key or key != key.encode("utf-8", "replace").decode():
        raise CellsError(f"An .npz file cannot hold a class or a feature named {key!r}; rename it, or write a folder.")
    arrays[key] = array


def _where(path: str, key: str) -> str:
    return f"{path} (array {key!r})"


def _is_setting(key: str) -> bool:
    return key in (CHANNEL_NAMES, PIXEL_SIZE, INTENSITY_RANGE) or key.startswith(f"{FEATURES}/")


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the shape, the order and the type of an array; the file then stands at its pixels."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, columns_first, dtype = read(file)
    return shape, not columns_first, dtype


def _read_array(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    with archive.open(key + ENDING) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array


def _check_array(path: str, key: str, shape: tuple[int, ...], dtype: np.dtype[Any], entry: zipfile.ZipInfo) -> None:
    where = _where(path, key)
    if 0 in shape:
        raise CellsError(f"There are no cells in {where}, which is {shape}; leave it out.")
    if shape[3] <= MOST_SAMPLES < shape[1]:
        raise CellsError(
            f"The channels of {where} are last, {shape}; they are needed second, as (N, C, H, W): "
            "np.moveaxis(cells, -1, 1)."
        )
    if shape[1] < 2:
        raise one_channel(where, f"its shape is {shape}", "Stack them as (N, 2, H, W).")
    cell_type(dtype, where)
    stored = math.prod(shape) * dtype.itemsize
    packed = Path(path).stat().st_size
    if not stored < entry.file_size <= GREATEST_COMPRESSION * packed:
        raise damaged(path, "NumPy archive", f"array {key!r} is not all in it")


def _read_metadata(settings: dict[str, NDArray[Any]], key: str, shape: tuple[int, ...]) -> Metadata:
    names = settings.get(CHANNEL_NAMES)
    pixel_size = settings.get(PIXEL_SIZE)
    intensity_range = settings.get(INTENSITY_RANGE)
    prefix = f"{FEATURES}/{key}/"
    columns = {
        name.removeprefix(prefix): values
        for name, values in settings.items()
        # A class may have a slash in its name, a column has none.
        if name.startswith(prefix) and "/" not in name[len(prefix) :] and values.shape == (shape[0],)
    }
    return Metadata(
        channel_names=None if names is None else tuple(str(name) for name in names.ravel()),
        pixel_size=None if pixel_size is None else float(pixel_size),
        intensity_range=None if intensity_range is None else tuple((float(a), float(b)) for a, b in intensity_range),
        features=pd.DataFrame(columns) if {"source", "index"} <= set(columns) else None,
        all_channels=names is not None and names.size == shape[1],
    )
