"""How much greens differ where red is the same: among drawn cells, and among real ones that look alike in red."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_biogans.cells.cellset import CellsError, CellSet
from napari_biogans.cells.intensity import to_unit
from napari_biogans.cells.neighbours import nearest_images

Floats = NDArray[np.float64]

# Enough that other choices of cells change the spread by a few percent, and so few that a class takes some tenths of a
# second.
PAIRS = 256
CELLS_SEARCHED = 2000
# Large images are searched fewer at a time, for the sake of memory.
PIXELS_SEARCHED = 2**26


@dataclass(frozen=True, eq=False)
class NeighbourSpread:
    """How much cells differ from those that are nearest to them in red.

    Root mean square differences of intensities on [0, 1], over pairs of cells
    and pixels. NaN for a class with fewer than two different cells.

    Parameters
    ----------
    green : array (K,), float64
        Of the greens of the pairs, per class.
    red : array (K,), float64
        Of their reds: how far they are from being the same.
    """

    green: Floats
    red: Floats


def spread_at_fixed_red(groups: Iterable[NDArray[Any]], intensity_range: ArrayLike) -> Floats:
    """Measure how much greens that were drawn for the same red differ from each other.

    Parameters
    ----------
    groups : iterable of arrays (K, G, C, H, W)
        One array per red, of the cells of each class that were drawn for it; G
        is at least 2 and may differ between reds. Channel 0, red, is not
        looked at. A generator is gone through once, so that not all have to
        be in memory.
    intensity_range : array (C, 2)
        Intensities that become 0 and 1, per channel. What lies outside is
        clipped.

    Returns
    -------
    array (K,), float64
        Root mean square difference of two greens of the same red, on [0, 1],
        over pairs, pixels and reds. That of all greens that could be drawn is
        estimated without bias in its square.

    Raises
    ------
    CellsError
        If there are no groups, or a group has no pair of greens.

    Examples
    --------
    >>> black_and_white = np.array([0, 255], np.uint8).reshape(1, 2, 1, 1, 1) * np.ones((1, 1, 2, 4, 4), np.uint8)
    >>> spread_at_fixed_red([black_and_white], [[0, 255], [0, 255]]).tolist()
    [1.0]
    """
    green_range = np.asarray(intensity_range, np.float32)[1:]
    variances = [_variance(group, green_range) for group in groups]
    if not variances:
        raise CellsError("There are no drawn cells to compare; give those of at least one red.")
    # The mean square difference of pairs is twice the variance.
    return np.asarray(np.sqrt(2 * np.mean(variances, axis=0)), np.float64)


def _variance(group: NDArray[Any], green_range: NDArray[np.float32]) -> Floats:
    if group.ndim != 5 or group.shape[1] < 2 or group.shape[2] < 2:
        raise CellsError(
            f"The cells of one red are {group.shape}; (classes, greens, channels, rows, columns) are needed, with at "
            "least two greens and two channels."
        )
    greens = to_unit(group[:, :, 1:], green_range) / 2
    # As differences from the first, so that equal ones have a variance of exactly 0.
    variance = (greens - greens[:, :1]).var(axis=1, ddof=1, dtype=np.float64)
    return np.asarray(variance.mean(axis=(1, 2, 3)), np.float64)


def neighbour_spread(
    cells: CellSet,
    *,
    pooled: bool = False,
    flips: bool = True,
    pairs: int = PAIRS,
    searched: int = CELLS_SEARCHED,
    seed: int = 0,
) -> NeighbourSpread:
    """Measure how much the greens of cells differ from those of the cells nearest in red.

    Of real cells no two have the same red. The cell of the same class whose red
    is nearest stands in for another cell with the same one, as in the
    multi-channel cells of the paper [1]_; of several that are as near, the
    first. Copies of a cell, flipped ones too, are left out before.

    Parameters
    ----------
    cells : CellSet
    pooled : bool
        Whether the cells of all classes are looked at as one class.
    flips : bool
        Whether a neighbour may be flipped, along one axis or both, to be
        nearer. Its green is flipped with its red.
    pairs : int
        Cells of each class whose neighbour is looked up, at most; chosen at
        random.
    searched : int
        Cells of each class among which neighbours are looked for, at most;
        chosen at random. Less for images of more than 33,000 pixels.
    seed : int
        Of the choices; the same seed gives the same result.

    Returns
    -------
    NeighbourSpread

    References
    ----------
    .. [1] A. Osokin, A. Chessel, R. E. Carazo Salas and F. Vaggi, "GANs for
       Biological Image Synthesis", ICCV 2017, section 4.2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pixels = rng.integers(0, 255, (5, 2, 12, 12), dtype=np.uint8)
    >>> pixels[:, 0] = pixels[0, 0]
    >>> spread = neighbour_spread(CellSet([pixels], ["Tea1"]))
    >>> spread.red.tolist(), spread.green.round(1).tolist()
    ([0.0], [0.4])
    """
    classes = [list(cells.images)] if pooled else [[array] for array in cells.images]
    searched = min(searched, max(2, PIXELS_SEARCHED // (cells.size[0] * cells.size[1])))
    found = []
    for arrays in classes:
        rng = np.random.default_rng(seed)
        images = _distinct(_chosen(arrays, searched, rng), flips=flips)
        found.append(_spread(images, pairs, cells.intensity_range, rng, flips=flips))
    green, red = np.array(found, np.float64).T
    return NeighbourSpread(green, red)


def spread_ratio(drawn: ArrayLike, real: ArrayLike) -> Floats:
    """Divide the spread of drawn greens by that of real ones.

    Parameters
    ----------
    drawn, real : array (K,)

    Returns
    -------
    array (K,), float64
        NaN where the real ones do not differ, or it is not known.

    Examples
    --------
    >>> spread_ratio([0.1, 0.1, 0.1], [0.2, 0.0, float("nan")]).tolist()
    [0.5, nan, nan]
    """
    real = np.asarray(real, np.float64)
    ratio = np.full(real.shape, np.nan)
    np.divide(drawn, real, out=ratio, where=real > 0)
    return ratio


def _chosen(arrays: list[NDArray[Any]], most: int, rng: np.random.Generator) -> NDArray[Any]:
    """Choose cells at random out of arrays (N, C, H, W) that count as one, copying no more than those."""
    starts = np.cumsum([0, *map(len, arrays)])
    chosen = np.sort(rng.choice(starts[-1], min(most, starts[-1]), replace=False))
    return np.concatenate(
        [
            array[chosen[(chosen >= start) & (chosen < stop)] - start]
            for array, (start, stop) in zip(arrays, pairwise(starts), strict=True)
        ]
    )


def _distinct(images: NDArray[Any], *, flips: bool) -> NDArray[Any]:
    """Keep the first of cells that are the same, or flipped."""
    firsts: dict[bytes, int] = {}
    for place, image in enumerate(images):
        same = [_flipped(image, code) for code in range(4 if flips else 1)]
        firsts.setdefault(min(blake2b(turned.tobytes(), digest_size=16).digest() for turned in same), place)
    return images[list(firsts.values())]


def _spread(
    images: NDArray[Any], pairs: int, intensity_range: NDArray[np.float32], rng: np.random.Generator, *, flips: bool
) -> tuple[float, float]:
    """Give the spread of the greens and of the reds of pairs out of cells (N, C, H, W)."""
    if len(images) < 2:
        return float("nan"), float("nan")
    places = np.sort(rng.choice(len(images), min(pairs, len(images)), replace=False))
    reds = images[:, :1]
    found = nearest_images(reds[places], reds, 2, intensity_range=intensity_range[:1], flips=flips)
    # A cell is its own neighbour, unless others of the very same red come first.
    is_itself = found.indices[:, 0] == places
    others = np.where(is_itself, found.indices[:, 1], found.indices[:, 0])
    codes = np.where(is_itself, found.flips[:, 1], found.flips[:, 0])
    reds_apart = np.where(is_itself, found.distances[:, 1], found.distances[:, 0]).astype(np.float64)
    greens_apart = [
        _square_difference(images[place, 1:], _flipped(images[other, 1:], code), intensity_range[1:])
        for place, other, code in zip(places, others, codes, strict=True)
    ]
    return float(np.sqrt(np.mean(greens_apart))), float(np.sqrt(np.mean(reds_apart**2)))


def _flipped(image: NDArray[Any], code: int) -> NDArray[Any]:
    """Flip an image (C, H, W) as `Neighbours.flips` says."""
    if code & 1:
        image = image[..., ::-1]
    return image[..., ::-1, :] if code & 2 else image


def _square_difference(image: NDArray[Any], other: NDArray[Any], intensity_range: NDArray[np.float32]) -> float:
    difference = (to_unit(image, intensity_range) - to_unit(other, intensity_range)) / 2
    return float(np.mean(difference**2, dtype=np.float64))
