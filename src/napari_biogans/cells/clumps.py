"""Parting clumps into cells: at valleys of their brightness, at their edges, and at waists of their outlines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.cut_settings import SegmentationConfig

TEXTURE = 2.0
"""Blur, in pixels, that takes out the texture of a cell before valleys are looked for."""


def cells_of_clumps(
    light: NDArray[np.float32], threshold: float, config: SegmentationConfig
) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    """Part what is brighter than a threshold into cells.

    Parameters
    ----------
    light : array (H, W)
        Red above its background.
    threshold : float
    config : SegmentationConfig

    Yields
    ------
    (slice, slice)
        Rows and columns of the box around a clump.
    array (h, w), bool
        The pixels of one of its cells in this box.
    """
    from scipy import ndimage

    clumps, _ = ndimage.label(light > threshold)
    for number, box in enumerate(ndimage.find_objects(clumps), 1):
        clump = clumps[box] == number
        if clump.sum() < config.smallest:
            continue
        for lit in _trimmed(light[box], _by_valleys(light[box], clump, config.valley), config):
            parts = _by_waists(lit, config.split)
            for part in range(1, int(parts.max()) + 1):
                cell = parts == part
                if cell.sum() >= config.smallest:
                    yield box, cell


def _by_valleys(light: NDArray[np.float32], clump: NDArray[np.bool_], depth: float) -> NDArray[np.int32]:
    """Part cells of a clump that have something darker between them; numbers from 1."""
    from scipy import ndimage
    from skimage.segmentation import watershed

    if depth >= 1:
        return clump.astype(np.int32)
    least = -float(np.log1p(-depth))
    level = np.log(np.maximum(light, light[clump].min() / 2))
    level = np.pad(ndimage.gaussian_filter(np.where(clump, level, level[clump].min()), TEXTURE), 1, mode="edge")
    numbers, count = ndimage.label(_tops(level, least)[1:-1, 1:-1] & clump, np.ones((3, 3)))
    if count < 2:
        return clump.astype(np.int32)
    return np.asarray(watershed(-level[1:-1, 1:-1], numbers, mask=clump), np.int32)


def _trimmed(
    light: NDArray[np.float32], parts: NDArray[np.int32], config: SegmentationConfig
) -> Iterator[NDArray[np.bool_]]:
    """Take from each part what is as bright as a cell of its brightness is to its edge, without holes."""
    from scipy import ndimage

    for number in range(1, int(parts.max()) + 1):
        part = parts == number
        if part.sum() < config.smallest:
            continue
        # The mean of the brightest pixels: one that is bright by chance says nothing.
        peak = np.partition(light[part], -config.smallest)[-config.smallest :].mean()
        pieces, _ = ndimage.label(part & (light > config.edge * peak))
        sizes = np.bincount(pieces.ravel())[1:]
        for piece in np.flatnonzero(sizes >= config.smallest) + 1:
            yield ndimage.binary_fill_holes(pieces == piece)


def _by_waists(clump: NDArray[np.bool_], depth: float) -> NDArray[np.int32]:
    """Part cells of a clump that touch at waists, of a depth in parts of half its greatest width; numbers from 1."""
    from scipy import ndimage
    from skimage.segmentation import watershed

    inside = np.pad(clump, 1)
    # A little blur takes the steps of the pixels out, which would look like waists.
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside).astype(np.float32), 1)
    least = depth * float(distance.max())
    if depth >= 1:
        return clump.astype(np.int32)
    least = max(least, 1e-3)
    numbers, count = ndimage.label(_tops(distance, least), np.ones((3, 3)))
    if count < 2:
        return clump.astype(np.int32)
    return np.asarray(watershed(-distance, numbers, mask=inside)[1:-1, 1:-1], np.int32)


def _tops(heights: NDArray[np.float32], depth: float) -> NDArray[np.bool_]:
    """Find what stands out by a depth over the highest way from it to anything higher."""
    from skimage.morphology import local_maxima, reconstruction

    # What is filled has one and the same value, to the bit; noise makes no tops of its own there.
    return np.asarray(local_maxima(reconstruction(heights - depth, heights)), np.bool_)
