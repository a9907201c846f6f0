"""The cells of other classes whose red is most alike, found once and kept on disk."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import platformdirs
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellSet, CellsWarning
from napari_biogans.cells.neighbours import Search, Steps, check_count, never
from napari_biogans.files import replacing

if TYPE_CHECKING:
    import torch

# Bumped whenever the same cells would give something else.
CACHE_FORMAT = 1


@dataclass(frozen=True, eq=False)
class RedNeighbours:
    """The cells of each class whose red is nearest to that of each cell.

    N counts the cells of all classes, one class after another, as in
    `CellSet.pool`; K is the number of classes. For the class of the cell itself
    all neighbours are the cell, not flipped, at distance 0.

    Parameters
    ----------
    indices : array (N, K, k), int32
        Places within the class, the nearest first.
    flips : array (N, K, k), uint8
        How each neighbour has to be flipped to be so near: 0 not, 1 left to
        right, 2 top to bottom, 3 both.
    distances : array (N, K, k), float32
        Root mean square difference of red intensities on [0, 1].
    """

    indices: NDArray[np.int32]
    flips: NDArray[np.uint8]
    distances: NDArray[np.float32]


def default_cache() -> Path:
    """Find the folder for what is kept between sessions.

    Returns
    -------
    pathlib.Path
        What the environment variable `BIOGANS_CACHE` says, or else the place
        that the system has for it. It may not exist yet.
    """
    given = os.environ.get("BIOGANS_CACHE")
    return Path(given) if given else platformdirs.user_cache_path("napari-biogans", appauthor=False)


def find_red_neighbours(
    cells: CellSet,
    k: int = 5,
    *,
    flips: bool = True,
    device: str | torch.device = "cpu",
    cache: str | os.PathLike[str] | Callable[[], Path] | None = default_cache,
    should_stop: Callable[[], bool] = never,
    progress: Callable[[float], object] | None = None,
) -> RedNeighbours:
    """Find, for every cell, the cells of every other class with the most similar red.

    Their greens stand in for those that were not seen in the cell, when cells
    with the greens of all classes are made up to learn from [1]_.

    Parameters
    ----------
    cells : CellSet
    k : int
        Number of neighbours in each class, at least 1. The cells of a class
        that has fewer are repeated in their order until there are k.
    flips : bool
        Whether neighbours may be flipped, along one axis or both.
    device : str or torch.device
        Where products are computed, in float32.
    cache : path-like, callable or None
        Folder where the result is kept for the next time, or a function that
        gives it. None keeps nothing.
    should_stop : callable
        Asked before each block of the search.
    progress : callable, optional
        Given the part that is done, in [0, 1], after each block.

    Returns
    -------
    RedNeighbours

    Raises
    ------
    CellsError
        If `k` is less than 1.
    SearchStoppedError
        If `should_stop` says True. Nothing is kept then.

    Warns
    -----
    CellsWarning
        If the folder cannot be written to.

    References
    ----------
    .. [1] A. Osokin, A. Chessel, R. E. Carazo Salas and F. Vaggi, "GANs for
       Biological Image Synthesis", ICCV 2017.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pixels = rng.integers(0, 255, (2, 10, 2, 48, 80), dtype=np.uint8)
    >>> cells = CellSet(list(pixels), ["Alp14", "Tea1"])
    >>> found = find_red_neighbours(cells, k=3, cache=None)
    >>> found.indices.shape
    (20, 2, 3)
    >>> found.indices[4, 0].tolist(), found.distances[4, 0].tolist()
    ([4, 4, 4], [0.0, 0.0, 0.0])
    """
    check_count(k)
    folder = cache() if callable(cache) else cache
    if folder is None:
        return _find_red(cells, k, flips, device, Steps(_count_pairs(cells), should_stop, progress))
    key = hashlib.blake2b(repr((CACHE_FORMAT, cells.fingerprint(), int(k), bool(flips))).encode(), digest_size=16)
    path = Path(folder) / f"red-neighbours-{key.hexdigest()}.npz"
    found = _read(path, cells, k)
    if found is None:
        found = _find_red(cells, k, flips, device, Steps(_count_pairs(cells), should_stop, progress))
        _write(path, found)
    elif progress:
        progress(1.0)
    return found


def _count_pairs(cells: CellSet) -> int:
    return sum(count * (len(cells) - count) for count in cells.counts)


def _find_red(cells: CellSet, k: int, flips: bool, device: str | torch.device, steps: Steps) -> RedNeighbours:
    shape = (len(cells), len(cells.counts), k)
    found = RedNeighbours(np.empty(shape, np.int32), np.zeros(shape, np.uint8), np.zeros(shape, np.float32))
    starts = np.cumsum([0, *cells.counts])
    parts = [slice(start, stop) for start, stop in pairwise(starts.tolist())]
    for there, references in enumerate(cells.images):
        found.indices[parts[there], there] = np.arange(len(references))[:, None]
        search = Search(references[:, :1], k, cells.intensity_range[:1], flips, device, steps)
        for here, queries in enumerate(cells.images):
            if here != there:
                nearest = search.nearest(queries[:, :1])
                found.indices[parts[here], there] = nearest.indices
                found.flips[parts[here], there] = nearest.flips
                found.distances[parts[here], there] = nearest.distances
    return found


def _read(path: Path, cells: CellSet, k: int) -> RedNeighbours | None:
    """Read what was kept; None if it is not there or damaged."""
    shape = (len(cells), len(cells.counts), k)
    # A damaged file can fail in any way: in the archive, in its compression, in the header of an array.
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            found = RedNeighbours(kept["indices"], kept["flips"], kept["distances"])
    except Exception:
        return None
    arrays = ((found.indices, np.int32), (found.flips, np.uint8), (found.distances, np.float32))
    if any(array.shape != shape or array.dtype != dtype for array, dtype in arrays):
        return None
    counts = np.array(cells.counts)[:, None]
    there = (found.indices >= 0).all() and (found.indices < counts).all() and (found.flips <= 3).all()
    return found if there else None


def _write(path: Path, found: RedNeighbours) -> None:
    try:
        with replacing(path) as temporary:
            np.savez(temporary, indices=found.indices, flips=found.flips, distances=found.distances)
    except OSError as error:
        warnings.warn(
            f"The neighbours that were found could not be kept in {path.parent} and will be searched again the next "
            f"time ({error}). Set BIOGANS_CACHE to a folder that can be written to.",
            CellsWarning,
            stacklevel=3,
        )
