"""Opening files of fields of any size, with the names of their axes, without reading them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.ome_zarr import is_zarr, open_zarr
from napari_biogans.cells.sources import refusing
from napari_biogans.cells.tiff_metadata import read_pixel_size

PAGES_KEPT = 2
"""Pages of compressed TIFF files that are kept, so that the tiles of red and green do not decode them again."""

MOST_CHANNELS = 4
"""No cell fits into a field that is as narrow: these are red, green, blue and opacity."""


@dataclass(frozen=True)
class OpenArray:
    """An array of fields, not read yet, with a letter for each axis."""

    array: Any
    axes: str
    """Y and X; C counts channels; all others count fields."""
    pixel_size: float | None = None

    @property
    def channels(self) -> int:
        """How many there are."""
        return int(self.array.shape[self.axes.index("C")]) if "C" in self.axes else 1

    @classmethod
    def of(cls, array: Any) -> OpenArray:
        """Take an array whose last two axes are rows and columns, and all others count fields."""
        if len(array.shape) < 2:
            raise CellsError(f"A field has rows and columns; an array of shape {tuple(array.shape)} has none.")
        if len(array.shape) > 2 and array.shape[-1] <= MOST_CHANNELS < array.shape[-2]:
            raise CellsError(
                f"An array of shape {tuple(array.shape)} seems to have its channels last, as RGB pictures do; rows and "
                "columns have to be the last axes. Give one channel as red, such as array[..., 0], another as green."
            )
        return cls(array, "T" * (len(array.shape) - 2) + "YX")


def both_apart(shape: tuple[int, ...]) -> str:
    """Write how red and green are given of an array of this shape that seems to hold both."""
    if len(shape) < 3:
        return "read_fields(red, green)"
    short = [axis for axis, length in enumerate(shape[:-2]) if 2 <= length <= MOST_CHANNELS]
    before = ":, " * (short[-1] if short else len(shape) - 3)
    return f"read_fields(array[{before}0], array[{before}1])"


def open_array(path: str) -> OpenArray:
    """Open a file of fields.

    Parameters
    ----------
    path : str
        TIFF, PNG, NPY, or an OME-Zarr folder, or one in it.

    Returns
    -------
    OpenArray

    Raises
    ------
    CellsError
        If it is damaged, of another format, or has axes that are no fields.
    """
    if is_zarr(Path(path)):
        array, axes, pixel_size = open_zarr(path)
        return OpenArray.of(array) if axes is None else OpenArray(array, _named(path, axes, array.shape), pixel_size)
    suffix = Path(path).suffix.lower()
    if suffix in (".tif", ".tiff"):
        with refusing(path, "TIFF"):
            return _open_tiff(path)
    if suffix == ".npy":
        with refusing(path, "NPY"):
            return OpenArray.of(np.load(path, mmap_mode="r", allow_pickle=False))
    if suffix == ".png":
        import imageio.v3 as iio

        with refusing(path, "PNG"):
            pixels = iio.imread(path)
        return OpenArray(pixels, "YX" if pixels.ndim == 2 else "YXC")
    raise CellsError(f"{path} is not of a format that fields are read from: TIFF, PNG, NPY, OME-Zarr.")


def _open_tiff(path: str) -> OpenArray:
    import tifffile

    with tifffile.TiffFile(path) as tif:
        series = tif.series[0]
        axes, shape = series.axes, tuple(series.shape)
        pixel_size = read_pixel_size(tif, 0)
        contiguous = series.dataoffset is not None and tif.filehandle.size >= series.dataoffset + series.nbytes
        levels = tuple(page.index for page in series if page is not None)
        inner = len(tuple(n for n in series.keyframe.shape if n > 1)) if not contiguous else 0
        dtype = series.dtype
    names = _named(path, axes, shape)
    if contiguous:
        return OpenArray(tifffile.memmap(path, series=0, mode="r"), names, pixel_size)
    return OpenArray(_TiffPages(path, shape, dtype, levels, inner), names, pixel_size)


def _named(path: str, axes: str, shape: tuple[int, ...]) -> str:
    """Check the axes of a file, with one letter each."""
    names = axes.replace("S", "C")
    if names.count("Y") != 1 or names.count("X") != 1 or names.count("C") > 1:
        raise CellsError(f"{path} has axes {axes}, {shape}; fields have rows, columns and at most one channel axis.")
    if names.index("X") < names.index("Y"):
        raise CellsError(f"{path} has columns before rows ({axes}: {shape}); save it with rows (Y) before columns (X).")
    if "Z" in names and shape[names.index("Z")] > 1:
        raise CellsError(
            f"{path} is a stack in depth (Z, {shape[names.index('Z')]} planes); project it first. If they are times or "
            "positions, save it as a time series (in ImageJ: Image > Properties, frames)."
        )
    return names


class _TiffPages:
    """A compressed TIFF series, of which the page that is looked at is decoded, and kept."""

    def __init__(self, path: str, shape: tuple[int, ...], dtype: Any, pages: tuple[int, ...], inner: int) -> None:
        self.shape, self.dtype, self.ndim = shape, np.dtype(dtype), len(shape)
        self._path, self._pages = path, pages
        self._outer = shape[: len(shape) - inner]
        if int(np.prod(self._outer)) != len(pages):
            raise CellsError(f"{path} is damaged: {len(pages)} pages do not make up {shape}.")
        self._page = lru_cache(PAGES_KEPT)(self._decode)

    def __getitem__(self, where: tuple[int | slice, ...]) -> NDArray[Any]:
        outer, inner = where[: len(self._outer)], where[len(self._outer) :]
        number = int(np.ravel_multi_index(outer, self._outer)) if outer else 0  # type: ignore[arg-type]
        pixels: NDArray[Any] = self._page(number)[inner]
        return pixels

    def _decode(self, number: int) -> NDArray[Any]:
        import tifffile

        with refusing(self._path, "TIFF"), tifffile.TiffFile(self._path) as tif:
            return np.squeeze(tif.pages[self._pages[number]].asarray())
