"""Stacks of cells, and single cells, as TIFF files with axes."""

from __future__ import annotations

import gc
import logging
import math
import re
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import PHOTOMETRIC, TiffFile, TiffFrame, TiffPageSeries

from napari_biogans.cells.cellset import CellsError
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
from napari_biogans.cells.tiff_metadata import read_metadata, read_record

CHANNEL_AXES = "CS"  # channels, and samples of a pixel (red, green, blue)
ADVICE = (
    "In Fiji: Image > Hyperstacks > Stack to Hyperstack with 2 channels, then save as TIFF; in Python: "
    "tifffile.imwrite(path, cells, imagej=True, metadata={'axes': 'TCYX'}), or an .npz file of arrays (N, 2, H, W)."
)
TAG_IN_MESSAGE = re.compile(r"TiffTag ([0-9]+) @")
LAST_STANDARD_TAG = 532
MANY_PAGES = 1000
# What tells of one page takes fewer bytes; tifffile takes up to 4096 tags, of 12 or 20 bytes.
LONGEST_DIRECTORY = 2**17

# Reads units `first` to `first + n` as an array (n, ...).
ReadUnits = Callable[[int, int], NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class TiffCells:
    """The cells of one series of a TIFF file.

    The file is seen as a row of equal units (images, or what else a page
    holds), counted by the axes `outer`; a unit has the axes `inner`. Axes are
    N (cells), C, Y and X.
    """

    path: str
    count: int
    channels: int
    size: tuple[int, int]
    dtype: np.dtype[Any]
    first: int
    metadata: Metadata
    outer: str
    inner: str
    unit_shape: tuple[int, ...]
    stored_channels: int
    """As in the file; more than `channels` if there is opacity."""
    stored_dtype: np.dtype[Any]
    """With the byte order of the file."""
    offset: int | None
    """Where the pixels begin if they lie in one piece, as they are."""
    keyframe: int
    """A page that tells how the others are stored."""
    segments: NDArray[np.int64]
    """Where the pixels lie otherwise: begin and length, (pages, pieces of a page, 2).

    Pages as tifffile keeps them take a multiple of the memory.
    """

    @property
    def where(self) -> str:
        """The file."""
        return self.path

    def blocks(self) -> Iterator[Block]:
        """Read all pixels, some cells at a time.

        Raises
        ------
        CellsError
            If the file is damaged.
        """
        with self._opened() as read:
            if self.outer.startswith("C"):  # all cells of a channel, then those of the next
                for channel in range(self.channels):
                    for cells, units in self._pieces(1):
                        images = read(channel * self._units_per_channel + units.start, units.stop - units.start)
                        yield Block(cells, slice(channel, channel + 1), _as_ncyx(images, "N" + self.inner))
            else:
                channels_outside = self.stored_channels if "C" in self.outer else 1
                for cells, units in self._pieces(channels_outside):
                    images = read(units.start, units.stop - units.start)
                    if channels_outside > 1:
                        images = images.reshape(-1, channels_outside, *self.unit_shape)
                    images = _as_ncyx(images, ("NC" if channels_outside > 1 else "N") + self.inner)
                    yield Block(cells, slice(0, self.channels), images[:, : self.channels])

    @property
    def _units_per_channel(self) -> int:
        return self.count if "N" in self.outer else 1

    def _pieces(self, units_per_cell: int) -> Iterator[tuple[slice, slice]]:
        """Cut the cells, and the units that they take, into pieces of a modest size."""
        if "N" not in self.outer:
            yield slice(0, self.count), slice(0, units_per_cell)
            return
        unit_bytes = math.prod(self.unit_shape) * self.stored_dtype.itemsize
        step = max(1, BYTES_AT_A_TIME // (unit_bytes * units_per_cell))
        for start in range(0, self.count, step):
            stop = min(start + step, self.count)
            yield slice(start, stop), slice(start * units_per_cell, stop * units_per_cell)

    @contextmanager
    def _opened(self) -> Iterator[ReadUnits]:
        if self.offset is None:
            with _open(self.path) as tif:
                keyframe = tif.pages[self.keyframe].aspage()
                pages_per_unit = math.prod(self.unit_shape) // math.prod(keyframe.shape)

                def read_pages(first: int, n: int) -> NDArray[Any]:
                    pages = range(first * pages_per_unit, (first + n) * pages_per_unit)
                    pixels = np.empty((len(pages), *keyframe.shape), self.stored_dtype.newbyteorder("="))
                    for page, out in zip(pages, pixels, strict=True):
                        begins, lengths = self.segments[page].T.tolist()
                        frame = TiffFrame(
                            tif, page, keyframe=keyframe, dataoffsets=tuple(begins), databytecounts=tuple(lengths)
                        )
                        frame.asarray(out=out, maxworkers=1)
                    return pixels.reshape(n, *self.unit_shape)

                yield read_pages
        else:
            with refusing(self.path, "TIFF"), Path(self.path).open("rb") as file:
                offset, unit_size = self.offset, math.prod(self.unit_shape)

                def read_straight(first: int, n: int) -> NDArray[Any]:
                    file.seek(offset + first * unit_size * self.stored_dtype.itemsize)
                    pixels = np.fromfile(file, self.stored_dtype, n * unit_size)
                    return pixels.reshape(n, *self.unit_shape)

                yield read_straight


def open_tiff(path: str) -> list[TiffCells]:
    """Look at the metadata of a TIFF file.

    The channel axis is the one that the metadata (OME, ImageJ, tifffile's own)
    name so, or the samples of RGB pixels. What other axis there is counts
    cells, whatever its name.

    Parameters
    ----------
    path : str

    Returns
    -------
    list of TiffCells
        One for each series: cells of unequal sizes are in several.

    Raises
    ------
    CellsError
        If the file is no TIFF or damaged, if the metadata name no channel
        axis or two, if two axes could count cells, or if the type cannot be
        that of cells.
    """
    found: list[TiffCells] = []
    with _open(path) as tif:
        pages = _count_pages(tif, path)
        for number, series in enumerate(tif.series):
            if series.keyframe.is_subifd:  # a smaller copy of another
                continue
            found.append(_describe(tif, path, number, series, sum(cells.count for cells in found)))
        if not found:
            raise damaged(path, "TIFF", "there are no images in it")
    del tif, series
    if pages > MANY_PAGES:
        gc.collect()  # they and their file hold each other, so that they would stay for a while
    return found


def is_written_by_us(path: str) -> bool:
    """Tell whether a file is a stack of `write_cells`, in one piece."""
    try:
        with _open(path) as tif:
            _count_pages(tif, path)
            return read_record(tif, path) is not None
    except CellsError:
        return False


def _describe(tif: TiffFile, path: str, number: int, series: TiffPageSeries, first: int) -> TiffCells:
    dtype = cell_type(series.dtype, path)
    axes, shape = _name_axes(path, series)
    segments = _find_segments(tif, path, series)
    sizes = dict(zip(axes, shape, strict=True))
    page = series.keyframe
    outer_axes = min(axes.index("Y"), axes.index("X"))
    if series.dataoffset is None:
        page_sizes = tuple(n for axis, n in zip(page.axes, page.shape, strict=True) if n > 1 or axis in "YX")
        page_axes = len(axes) - len(page_sizes)
        if shape[page_axes:] != page_sizes or math.prod(shape[:page_axes]) != len(series):
            raise damaged(path, "TIFF", f"{len(series)} pages of {page_sizes} do not make up {shape}")
        outer_axes = min(outer_axes, page_axes)
    count, channels = sizes.get("N", 1), sizes["C"]
    opacity = channels == 4 and page.photometric == PHOTOMETRIC.RGB
    return TiffCells(
        path=path,
        count=count,
        channels=3 if opacity else channels,
        size=(sizes["Y"], sizes["X"]),
        dtype=dtype,
        first=first,
        metadata=read_metadata(tif, path, number, count, channels, dtype.name),
        outer=axes[:outer_axes],
        inner=axes[outer_axes:],
        unit_shape=shape[outer_axes:],
        stored_channels=channels,
        stored_dtype=series.dtype.newbyteorder(tif.byteorder),
        offset=series.dataoffset,
        keyframe=page.index,
        segments=segments,
    )


def _name_axes(path: str, series: TiffPageSeries) -> tuple[str, tuple[int, ...]]:
    """Name the axes of a series N, C, Y and X; those of length 1 are left out, save Y and X."""
    given, lengths = series.get_axes(squeeze=False), series.get_shape(squeeze=False)
    found = ", ".join(f"{axis}: {length}" for axis, length in zip(given, lengths, strict=True))
    if given.count("Y") != 1 or given.count("X") != 1 or 0 in lengths:
        raise CellsError(f"{path} has no images with rows and columns (its axes are {found}). {ADVICE}")
    kept = [(axis, length) for axis, length in zip(given, lengths, strict=True) if length > 1 or axis in "YX"]
    names = ["C" if axis in CHANNEL_AXES else axis if axis in "YX" else "N" for axis, _ in kept]
    if "C" not in names:
        raise one_channel(path, f"or its metadata do not say which of its images are channels; axes {found}", ADVICE)
    for name, meaning in (("C", "hold channels"), ("N", "count cells")):
        if names.count(name) > 1:
            several = " and ".join(axis for (axis, _), named in zip(kept, names, strict=True) if named == name)
            raise CellsError(f"In {path} the axes {several} could both {meaning} ({found}); keep one of them. {ADVICE}")
    return "".join(names), tuple(length for _, length in kept)


def _find_segments(tif: TiffFile, path: str, series: TiffPageSeries) -> NDArray[np.int64]:
    """Find where the pixels of a series lie that are not in one piece; refuse it if some are missing.

    tifffile fills in zeros for what is missing, and memory is reserved by
    what the file promises, before it is read.
    """
    size = tif.filehandle.size
    if series.is_multifile:
        raise CellsError(f"{path} is one of several files that belong together; save each class as one file.")
    missing = damaged(path, "TIFF", "not all of the pixels are in it")
    if series.dataoffset is not None:
        if series.dataoffset + series.nbytes > size:
            raise missing
        return np.empty((0, 0, 2), np.int64)
    segments = np.empty((len(series), len(series.keyframe.dataoffsets), 2), np.int64)
    for page, of_page in zip(series, segments, strict=True):
        if page is None or not page.dataoffsets:
            raise missing
        of_page[:, 0] = page.dataoffsets
        of_page[:, 1] = page.databytecounts
    if series.nbytes > GREATEST_COMPRESSION * size or segments.min() < 1 or segments.sum(axis=-1).max() > size:
        raise missing
    return segments


def _count_pages(tif: TiffFile, path: str) -> int:
    """Count the pages of a file, each of which tells where the next is.

    A file in which they lead in a circle is refused: tifffile would follow
    them for ever.
    """
    layout, file = tif.tiff, tif.filehandle
    read_tag_count = struct.Struct(layout.tagnoformat).unpack_from
    read_offset = struct.Struct(layout.offsetformat).unpack_from
    seen: set[int] = set()
    # A part of the file; there may be 100,000s of pages, often close to each other.
    part, begin = b"", 0
    offset = tif.pages.first.offset
    while 0 < offset < file.size:
        if offset in seen:
            raise damaged(path, "TIFF", "its pages lead in a circle")
        seen.add(offset)
        if not begin <= offset < begin + len(part) - LONGEST_DIRECTORY:
            file.seek(offset)
            part, begin = file.read(2 * LONGEST_DIRECTORY), offset
        (tags,) = read_tag_count(part, offset - begin)
        (offset,) = read_offset(part, offset - begin + layout.tagnosize + tags * layout.tagsize)
    return len(seen)


def _as_ncyx(images: NDArray[Any], axes: str) -> NDArray[Any]:
    """Order axes as (N, C, Y, X); a leading N of length 1 is dropped where `axes` has a second one."""
    if axes.count("N") == 2:
        images, axes = images[0], axes[1:]
    if "C" not in axes:
        images, axes = images[np.newaxis], "C" + axes
    return images.transpose([axes.index(axis) for axis in "NCYX"])


@contextmanager
def _open(path: str) -> Iterator[TiffFile]:
    """Open a TIFF file; what tifffile only logs as an error becomes one."""
    complaints = _Complaints()
    logger = logging.getLogger("tifffile")
    logger.addFilter(complaints)
    try:
        with refusing(path, "TIFF"), TiffFile(path) as tif:
            yield tif
    except CellsError as error:
        if "imagecodecs" in str(error.__cause__):
            raise CellsError(
                f"{path} is compressed in a way that needs one more package ({error.__cause__}); "
                "pip install imagecodecs, or save it without compression."
            ) from error.__cause__
        # What came first is what is wrong with the file; later errors follow from it.
        raise (damaged(path, "TIFF", complaints.errors[0]) if complaints.errors else error) from error.__cause__
    finally:
        logger.removeFilter(complaints)
    if complaints.errors:
        raise damaged(path, "TIFF", complaints.errors[0])


class _Complaints(logging.Filter):
    """Keeps what tifffile logs in this thread from the screen, and remembers errors.

    Damaged tags that only some program or camera knows are none: pixels do not depend on them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread:
            return True
        message = record.getMessage()
        tag = TAG_IN_MESSAGE.search(message)
        if record.levelno >= logging.ERROR and (tag is None or int(tag[1]) <= LAST_STANDARD_TAG):
            self.errors.append(message)
        return False
