"""A simple segmentation of cells by their red: background, Otsu's threshold, a watershed of the distance inside."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.clumps import cells_of_clumps
from napari_biogans.cells.cut_settings import SegmentationConfig
from napari_biogans.cells.field import check_pixels
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.tiles import PackedLabels, Window, empty_labels, pixels_of, tiles_of
from napari_biogans.settings import checked

DARK_PERCENTILE = 10
"""Percentile of a square that counts as its background."""
TILES_LOOKED_AT = 25
PIXELS_LOOKED_AT = 2**21
LEAST_CONTRAST = 4.0
"""A threshold is at least this many times the noise above the background: in an empty field noise is no cell."""
MEDIAN_TO_DEVIATION = 1.4826
"""From the median of absolute deviations to the standard deviation, in normal noise."""

Labels = NDArray[np.int32] | PackedLabels
Segmenting = Generator[float, None, Labels | None]


def segment_field(red: Any, **settings: Any) -> Labels:
    """Find the cells of a field by their red.

    The background, which may be uneven, is taken away; what is brighter than
    Otsu's threshold belongs to cells, holes are filled, and cells that touch
    are parted at their waists. Fields of any size are worked on in tiles that
    overlap; a cell on a seam is whole.

    Parameters
    ----------
    red : array (H, W)
        Anything with `shape`, `dtype` and slices: NumPy, memory-mapped, dask,
        zarr.
    **settings
        Fields of `SegmentationConfig`.

    Returns
    -------
    array (H, W), int32
        0 outside of cells, else the number of the cell, from 1. For fields of
        more than 8192x8192 pixels, `PackedLabels`.

    Raises
    ------
    CellsError
        If the field has not two axes, if a pixel is NaN or infinite, or a
        setting makes no sense.

    Examples
    --------
    >>> rows, columns = np.ogrid[:60, :90]
    >>> discs = [(rows - 30) ** 2 + (columns - c) ** 2 < 12**2 for c in (25, 46, 75)]
    >>> red = 20 + 100 * np.any(discs, axis=0).astype(np.uint8)
    >>> int(segment_field(red).max())
    3
    """
    config = checked(SegmentationConfig, settings, CellsError)
    segmenting = iterate_segmentation(red, config)
    while True:
        try:
            next(segmenting)
        except StopIteration as end:
            labels: Labels = end.value
            return labels


def iterate_segmentation(
    red: Any, config: SegmentationConfig, should_stop: Callable[[], bool] = never, name: str = ""
) -> Segmenting:
    """Find the cells of a field, yielding the part of the work that is done, in [0, 1].

    Parameters
    ----------
    red : array (H, W)
    config : SegmentationConfig
    should_stop : callable
        Asked after each tile.
    name : str
        Of the field, for what is said of it.

    Returns
    -------
    array (H, W) or PackedLabels
        As for `segment_field`; None if it was stopped.
    """
    shape = tuple(red.shape)
    if len(shape) != 2:
        raise CellsError(f"A field has rows and columns; this one is of shape {shape}. Give one plane at a time.")
    surface = _Surface(red, config, name)
    tiles = tiles_of(surface.shape, config.tile)
    steps = 3 * len(tiles)
    for k in surface.look():
        yield k / steps
        if should_stop():
            return None
    labels = empty_labels(surface.shape)
    count = 0
    for k, tile in enumerate(tiles):
        if should_stop():
            return None
        count = _label_tile(labels, tile, surface, config, count)
        yield (2 * len(tiles) + k + 1) / steps
    return labels


class _Surface:
    """The red of a field above its background, and the threshold that parts cells from it."""

    def __init__(self, red: Any, config: SegmentationConfig, name: str) -> None:
        self.shape: tuple[int, int] = (int(red.shape[0]), int(red.shape[1]))
        self._red, self._config, self._name = red, config, name
        self._side = config.background or max(self.shape)
        self._grid: NDArray[np.float32] = np.zeros((1, 1), np.float32)
        self.threshold = np.inf

    def look(self) -> Iterator[int]:
        """Find the background and the threshold, counting the tiles."""
        # Tiles of whole squares, so that each square is seen at once.
        size = self._side * max(1, self._config.tile // self._side)
        squares = tuple(-(-n // self._side) for n in self.shape)
        grid = np.zeros(squares, np.float32)
        tiles = tiles_of(self.shape, size)
        usual = len(tiles_of(self.shape, self._config.tile))
        for k, tile in enumerate(tiles):
            pixels = pixels_of(self._red, tile)
            check_pixels(pixels, "red", self._name)
            part = _dark_parts(pixels, self._side)
            row, column = (start // self._side for start in tile.origin)
            grid[row : row + part.shape[0], column : column + part.shape[1]] = part
            yield (k + 1) * usual // len(tiles)
        self._grid = _without_cells(grid)
        tiles = tiles_of(self.shape, self._config.tile)
        chosen = tiles[:: -(-len(tiles) // TILES_LOOKED_AT)]
        step = max(1, round((sum(np.prod(tile.shape) for tile in chosen) / PIXELS_LOOKED_AT) ** 0.5))
        values = []
        for k, tile in enumerate(chosen):
            values.append(self.above_background(tile)[::step, ::step].ravel())
            yield usual + (k + 1) * usual // len(chosen)
        self.threshold = self._config.threshold * _otsu(np.concatenate(values))

    def above_background(self, window: Window) -> NDArray[np.float32]:
        """Give the blurred red of a window above the background."""
        from scipy import ndimage

        sigma = self._config.smoothing
        around = window.grown(int(np.ceil(4 * sigma)), self.shape)
        pixels = pixels_of(self._red, around).astype(np.float32)
        if sigma:
            pixels = ndimage.gaussian_filter(pixels, sigma)
        return pixels[window.within(around)] - self._background(window)

    def _background(self, window: Window) -> NDArray[np.float32]:
        """Go from the middle of one square to the next in straight lines, and stay level beyond the outermost."""
        weights = [_linear(s, n, self._side) for s, n in zip(window, self._grid.shape, strict=True)]
        return np.asarray(weights[0] @ self._grid @ weights[1].T, np.float32)


def _dark_parts(pixels: NDArray[Any], side: int) -> NDArray[np.float32]:
    """Find the dark level of each square."""
    dark = np.empty([-(-n // side) for n in pixels.shape], np.float32)
    # Every so many pixels are enough for a percentile.
    step = max(1, side // 32)
    for row in range(dark.shape[0]):
        for column in range(dark.shape[1]):
            square = pixels[row * side : (row + 1) * side : step, column * side : (column + 1) * side : step]
            place = square.size * DARK_PERCENTILE // 100
            dark[row, column] = np.partition(square, place, axis=None)[place]
    return dark


def _without_cells(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take squares that cells fill for as dark as those around them."""
    from scipy import ndimage

    if grid.size == 1:
        return grid
    opened = ndimage.grey_opening(grid, 3, mode="nearest")
    return np.asarray(ndimage.gaussian_filter(opened, 1, mode="nearest"), np.float32)


def _linear(where: slice, squares: int, side: int) -> NDArray[np.float32]:
    """Weights (pixels, squares) of linear interpolation between the middles of squares."""
    places = np.clip((np.arange(where.start, where.stop) + 0.5) / side - 0.5, 0, squares - 1)
    below = np.minimum(places.astype(int), max(squares - 2, 0))
    weights = np.zeros((len(places), squares), np.float32)
    rows = np.arange(len(places))
    weights[rows, below] = 1 - (places - below)
    if squares > 1:
        weights[rows, below + 1] = places - below
    return weights


def _otsu(values: NDArray[np.float32]) -> float:
    from skimage.filters import threshold_otsu

    middle = float(np.median(values))
    noise = MEDIAN_TO_DEVIATION * float(np.median(np.abs(values - middle)))
    floor = middle + LEAST_CONTRAST * noise
    if not values.max() > floor:
        return np.inf
    # On the scale of square roots, where a few very bright cells do not hide all others.
    return max(float(threshold_otsu(np.sqrt(np.maximum(values, 0)))) ** 2, floor)


def _label_tile(labels: Labels, tile: Window, surface: _Surface, config: SegmentationConfig, count: int) -> int:
    """Write the cells of a tile, and give the number of the last one.

    Cells that reach into the tile are looked at with all that is around them.
    One that another tile has written already is passed over.
    """
    around = tile.grown(config.overlap, surface.shape)
    light = surface.above_background(around)
    core = tile.within(around)
    seams = [
        (0 if s.start == 0 else 1, n - 1 if s.stop == of_field else n - 2)
        for s, n, of_field in zip(around, around.shape, surface.shape, strict=True)
    ]
    found = pixels_of(labels, around)
    for box, cell in cells_of_clumps(light, surface.threshold, config):
        if not Window(*box).meets(Window(*core)):
            continue
        rows, columns = np.nonzero(cell)
        places = rows + box[0].start, columns + box[1].start
        cut_off = any(p.min() < first or p.max() > last for p, (first, last) in zip(places, seams, strict=True))
        if cut_off:
            if max(np.ptp(p) + 1 for p in places) <= config.overlap:
                continue  # it is whole in another tile
            inside = np.all([(p >= s.start) & (p < s.stop) for p, s in zip(places, core, strict=True)], axis=0)
            places = places[0][inside], places[1][inside]
        elif not _any_within(places, core):
            continue
        free = found[places] == 0
        if free.sum() * 2 <= free.size:
            continue
        count += 1
        found[places[0][free], places[1][free]] = count
    labels[around.rows, around.columns] = found
    return count


def _any_within(places: tuple[NDArray[Any], NDArray[Any]], where: tuple[slice, slice]) -> bool:
    """Tell whether any pixel lies in a rectangle."""
    rows, columns = places
    inside = (rows >= where[0].start) & (rows < where[0].stop)
    return bool((inside & (columns >= where[1].start) & (columns < where[1].stop)).any())
