"""Light around the outlines of cells: where these are of nuclei, a cell may have all of its green around them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.tiles import Window, pixels_of, tiles_of

PART = 512
"""Side of the squares in which distances to cells are reckoned: those of whole tiles would take too much memory."""


class RingMedians:
    """The median of the light around each cell of a field, which is gone through tile by tile.

    Medians are taken as soon as a tile holds all that is around a cell, so that only pixels of cells on seams are kept.
    Labels are taken for cells of one piece.

    Parameters
    ----------
    labels : array (H, W) of integers
    shape : (H, W)
    width : int
        How far from an outline is around it, in pixels. What is as near to
        another outline, or nearer, may be counted as of that.
    """

    def __init__(self, labels: Any, shape: tuple[int, int], width: int) -> None:
        self._labels, self._shape, self._width = labels, shape, width
        self._medians: dict[int, float] = {}
        self._names: list[NDArray[Any]] = []
        self._values: list[NDArray[Any]] = []

    def add(self, light: NDArray[Any], tile: Window) -> None:
        """Take the light of a tile."""
        from skimage.segmentation import expand_labels

        surroundings = tile.grown(self._width, self._shape)
        found = pixels_of(self._labels, surroundings)
        down, right = (own - outer for own, outer in zip(tile.origin, surroundings.origin, strict=True))
        names, values = [], []
        for part in tiles_of(tile.shape, PART):
            inner = part.moved(down, right)
            reach = inner.grown(self._width, found.shape)
            nearest = expand_labels(found[reach], self._width)[inner.within(reach)]
            around = (nearest != 0) & (found[inner] == 0)
            names.append(nearest[around])
            values.append(light[part][around])
        self._keep(np.concatenate(names), np.concatenate(values), self._reaching_out(found, tile))

    def of(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the medians around the cells of these labels, NaN where there is nothing around."""
        self._settle(np.concatenate(self._names), np.concatenate(self._values))
        self._names, self._values = [], []
        return np.array([self._medians.get(int(label), np.nan) for label in labels])

    def _reaching_out(self, found: NDArray[Any], tile: Window) -> NDArray[Any]:
        """Find the cells around which there may be pixels outside of the tile."""
        core = []
        for own, length in zip(tile, self._shape, strict=True):
            first = own.start + self._width if own.start > 0 else 0
            core.append(slice(first, max(first, own.stop - self._width if own.stop < length else length)))
        is_near_an_edge = np.ones(found.shape, bool)
        is_near_an_edge[Window(*core).within(tile.grown(self._width, self._shape))] = False
        return np.unique(found[is_near_an_edge])

    def _keep(self, names: NDArray[Any], values: NDArray[Any], unfinished: NDArray[Any]) -> None:
        waits = np.isin(names, unfinished)
        self._settle(names[~waits], values[~waits])
        self._names.append(names[waits])
        self._values.append(values[waits])

    def _settle(self, names: NDArray[Any], values: NDArray[Any]) -> None:
        from scipy import ndimage

        present = np.unique(names)
        if len(present):
            self._medians.update(zip(present.tolist(), ndimage.median(values, names, present), strict=True))
