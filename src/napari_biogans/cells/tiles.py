"""Going through fields of any size in tiles, so that no more of one is in memory than a tile and its surroundings."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Label images beyond this many bytes are kept packed: most of their pixels equal the one before.
LARGEST_PLAIN_LABELS = 2**28
PACKED_TILE = 1024


class Window(NamedTuple):
    """A rectangle of pixels of a field."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def origin(self) -> tuple[int, int]:
        """Row and column of the first pixel."""
        return self.rows.start, self.columns.start

    def grown(self, by: int, shape: tuple[int, int]) -> Window:
        """Add so many pixels on each side, as far as a field of that shape goes."""
        return Window(*(slice(max(s.start - by, 0), min(s.stop + by, n)) for s, n in zip(self, shape, strict=True)))

    def moved(self, down: int, right: int) -> Window:
        """Give the same rectangle elsewhere."""
        return Window(*(slice(s.start + by, s.stop + by) for s, by in zip(self, (down, right), strict=True)))

    def within(self, other: Window) -> tuple[slice, slice]:
        """Give the slices that take this window out of the pixels of a larger one."""
        rows, columns = (slice(s.start - o.start, s.stop - o.start) for s, o in zip(self, other, strict=True))
        return rows, columns

    def meets(self, other: Window) -> bool:
        """Tell whether two windows have pixels in common."""
        return all(s.start < o.stop and o.start < s.stop for s, o in zip(self, other, strict=True))


def tiles_of(shape: tuple[int, int], size: int) -> list[Window]:
    """Part a field into tiles, row by row.

    Examples
    --------
    >>> [tile.shape for tile in tiles_of((5, 8), 4)]
    [(4, 4), (4, 4), (1, 4), (1, 4)]
    """
    return [
        Window(slice(top, min(top + size, shape[0])), slice(left, min(left + size, shape[1])))
        for top in range(0, shape[0], size)
        for left in range(0, shape[1], size)
    ]


def whole(shape: tuple[int, int]) -> Window:
    """Give the window that is all of a field."""
    return Window(slice(0, shape[0]), slice(0, shape[1]))


def pixels_of(array: Any, window: Window) -> NDArray[Any]:
    """Read the pixels of a window, in the byte order of this machine."""
    pixels: NDArray[Any] = np.asarray(array[window.rows, window.columns])
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


class PackedLabels:
    """A label image that is kept compressed in memory, in tiles, and read and written by windows.

    It has as much of an array as is needed to show it: `shape`, `dtype`, `ndim`, slices and `numpy.asarray`.

    Parameters
    ----------
    shape : (height, width)

    Examples
    --------
    >>> labels = PackedLabels((3000, 3000))
    >>> labels[1000:1030, 5:7] = 4
    >>> labels[1020:1022, 4:8].tolist()
    [[0, 4, 4, 0], [0, 4, 4, 0]]
    """

    dtype = np.dtype(np.int32)
    ndim = 2

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = (int(shape[0]), int(shape[1]))
        self._tiles: dict[tuple[int, int], bytes] = {}

    @property
    def nbytes(self) -> int:
        """Bytes that it takes, packed."""
        return sum(map(len, self._tiles.values()))

    def __getitem__(self, where: tuple[slice, slice]) -> NDArray[np.int32]:
        window = self._window(where)
        pixels = np.zeros(window.shape, np.int32)
        for place, tile in self._tiles_in(window):
            if place in self._tiles:
                common = _common(tile, window)
                pixels[common.within(window)] = self._unpacked(place, tile)[common.within(tile)]
        rows, columns = where
        return pixels[:: rows.step or 1, :: columns.step or 1]

    def __setitem__(self, where: tuple[slice, slice], values: Any) -> None:
        window = self._window(where)
        values = np.broadcast_to(np.asarray(values, np.int32), window.shape)
        for place, tile in self._tiles_in(window):
            common = _common(tile, window)
            pixels = self._unpacked(place, tile) if place in self._tiles else np.zeros(tile.shape, np.int32)
            pixels[common.within(tile)] = values[common.within(window)]
            self._tiles[place] = zlib.compress(pixels.tobytes(), 1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:, :].astype(dtype or self.dtype, copy=False)

    def _window(self, where: tuple[slice, slice]) -> Window:
        rows, columns = (slice(*part.indices(length)[:2]) for part, length in zip(where, self.shape, strict=True))
        return Window(rows, columns)

    def _tiles_in(self, window: Window) -> Iterator[tuple[tuple[int, int], Window]]:
        firsts = [s.start // PACKED_TILE for s in window]
        ends = [-(-s.stop // PACKED_TILE) for s in window]
        for row in range(firsts[0], ends[0]):
            for column in range(firsts[1], ends[1]):
                corner = row * PACKED_TILE, column * PACKED_TILE
                yield (
                    (row, column),
                    Window(*(slice(a, min(a + PACKED_TILE, n)) for a, n in zip(corner, self.shape, strict=True))),
                )

    def _unpacked(self, place: tuple[int, int], tile: Window) -> NDArray[np.int32]:
        return np.frombuffer(zlib.decompress(self._tiles[place]), np.int32).reshape(tile.shape).copy()


def empty_labels(shape: tuple[int, int]) -> NDArray[np.int32] | PackedLabels:
    """Make a label image of zeros: an array, or packed labels where that would take very much memory."""
    if shape[0] * shape[1] * PackedLabels.dtype.itemsize > LARGEST_PLAIN_LABELS:
        return PackedLabels(shape)
    return np.zeros(shape, np.int32)


def _common(tile: Window, window: Window) -> Window:
    return Window(*(slice(max(t.start, w.start), min(t.stop, w.stop)) for t, w in zip(tile, window, strict=True)))
