"""The cells that look most alike, exactly and with flips considered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError, check_finite
from napari_biogans.cells.intensity import to_unit

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# A block of the search. What a reference costs to scale is shared by the
# queries of a block; the products of a block should stay in the processor's
# cache. Images that are larger are taken fewer at a time.
QUERIES_AT_A_TIME = 4096
REFERENCES_AT_A_TIME = 512
PIXELS_AT_A_TIME = 2**24
# Found by float32 products beyond the k that are asked for, so that rounding
# seldom calls for a second search.
SPARE = 3


class SearchStoppedError(Exception):
    """A search for neighbours that was told to stop."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest references of each of N queries.

    Parameters
    ----------
    indices : array (N, k), int32
        Places among the references, the nearest first.
    flips : array (N, k), uint8
        How each reference has to be flipped to be so near: 0 not, 1 left to
        right, 2 top to bottom, 3 both.
    distances : array (N, k), float32
        Root mean square difference of intensities on [0, 1].
    """

    indices: NDArray[np.int32]
    flips: NDArray[np.uint8]
    distances: NDArray[np.float32]


def never() -> bool:
    """Say no: a search that nobody stops."""
    return False


def flipped(image: NDArray[Any], code: int) -> NDArray[Any]:
    """Flip an image (..., H, W) by the code of `Neighbours.flips`: 1 left to right, 2 top to bottom, 3 both."""
    image = image[..., ::-1] if code & 1 else image
    return image[..., ::-1, :] if code & 2 else image


def nearest_images(
    queries: NDArray[Any],
    references: NDArray[Any],
    k: int = 1,
    *,
    intensity_range: NDArray[Any],
    flips: bool = True,
    device: str | torch.device = "cpu",
    should_stop: Callable[[], bool] = never,
    progress: Callable[[float], object] | None = None,
) -> Neighbours:
    """Find the references that differ least from each query.

    The result is exact and the same on every device: of references at the same
    distance the one with the lower index comes first, and of flips at the same
    distance the lower code is taken.

    Parameters
    ----------
    queries : array (N, C, H, W)
        In the units of the cells, of any numeric type.
    references : array (M, C, H, W)
        In the same units; may be of another type than the queries. Neither is
        copied as a whole.
    k : int
        Number of neighbours, at least 1. If there are fewer references, they
        are repeated in their order until there are k.
    intensity_range : array (C, 2)
        Intensities that become 0 and 1, per channel. What lies outside is
        clipped.
    flips : bool
        Whether references may be flipped, along one axis or both.
    device : str or torch.device
        Where products are computed, in float32.
    should_stop : callable
        Asked before each block of the search.
    progress : callable, optional
        Given the part that is done, in [0, 1], after each block.

    Returns
    -------
    Neighbours

    Raises
    ------
    CellsError
        If `k` is less than 1, or the arrays do not fit together, or hold NaN
        or infinite values.
    SearchStoppedError
        If `should_stop` says True.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> cells = rng.integers(0, 255, (10, 2, 48, 80), dtype=np.uint8)
    >>> flipped = cells[[7]][..., ::-1]
    >>> found = nearest_images(flipped, cells, intensity_range=np.array([[0, 255], [0, 255]]))
    >>> found.indices.tolist(), found.flips.tolist(), found.distances.tolist()
    ([[7]], [[1]], [[0.0]])
    """
    check_count(k)
    intensity_range = np.asarray(intensity_range, np.float32)
    _check_images(queries, references, intensity_range)
    steps = Steps(len(queries) * len(references), should_stop, progress)
    return Search(references, k, intensity_range, flips, device, steps).nearest(queries)


def check_count(k: int) -> None:
    """Refuse to look for no neighbours."""
    if k < 1:
        raise CellsError(f"k is how many neighbours are wanted; give 1 or more, not {k}.")


def _check_images(queries: NDArray[Any], references: NDArray[Any], intensity_range: NDArray[np.float32]) -> None:
    for images, what in ((queries, "queries"), (references, "references")):
        if images.ndim != 4:
            raise CellsError(f"The {what} have {images.ndim} axes; four are needed: cell, channel, row, column.")
        check_finite(images, f"the {what}")
    if queries.shape[1:] != references.shape[1:]:
        raise CellsError(
            f"Queries are {queries.shape[1:]} and references {references.shape[1:]} (channels, rows, columns); "
            "bring both to the same size and channels."
        )
    if not len(references):
        raise CellsError("There are no references; give at least one.")
    channels = references.shape[1]
    if intensity_range.shape != (channels, 2) or not (intensity_range[:, 0] < intensity_range[:, 1]).all():
        raise CellsError(
            f"The intensity range is a low and a higher number for each of {channels} channels, "
            f"not {intensity_range.tolist()}."
        )


class Steps:
    """How far a search is, and whether to go on.

    Parameters
    ----------
    total : int
        Pairs of a query and a reference that are to be compared.
    should_stop, progress : callable
        As in `nearest_images`.
    """

    def __init__(self, total: int, should_stop: Callable[[], bool], progress: Callable[[float], object] | None) -> None:
        self._total = total
        self._done = 0
        self._should_stop = should_stop
        self._progress = progress

    def begin(self) -> None:
        """Ask whether to go on; raises `SearchStoppedError` if not."""
        if self._should_stop():
            raise SearchStoppedError("The search for neighbours was stopped before its end.")

    def end(self, pairs: int) -> None:
        """Tell that so many more pairs were compared."""
        self._done += pairs
        if self._progress and pairs:
            self._progress(self._done / self._total)


class Search:
    """A search among one set of references.

    References that may be the nearest are found by matrix products of blocks.
    An image is the sum of four parts, each even or odd in rows and in columns,
    and a flip does no more than change signs of parts. So products of parts,
    which are a quarter of an image each, give those of all four flips at the
    price of one. Products are rounded: the distances of what they find are
    computed anew from the pixels, and queries for which others might be as near
    within the rounding are searched again, with more spare ones.

    Parameters
    ----------
    references : array (M, C, H, W)
    k, intensity_range, flips, device
        As in `nearest_images`.
    steps : Steps
    """

    def __init__(
        self,
        references: NDArray[Any],
        k: int,
        intensity_range: NDArray[np.float32],
        flips: bool,
        device: str | torch.device,
        steps: Steps,
    ) -> None:
        import torch

        self._references = references
        self._k = k
        self._range = intensity_range
        self._flips = flips
        self._device = torch.device(device)
        self._range_there = torch.tensor(intensity_range, device=self._device)
        self._steps = steps
        self._pixels = max(1, int(np.prod(references.shape[1:])))
        affordable = max(1, PIXELS_AT_A_TIME // self._pixels)
        self._queries_at_a_time = min(QUERIES_AT_A_TIME, affordable)
        self._references_at_a_time = min(REFERENCES_AT_A_TIME, affordable)
        # Distances are the same around any centre that no flip changes; near the middle
        # of the images products are small, and so is what rounding makes of them. Only
        # the first part, even in rows and columns, stays as it is in all flips.
        some = references[:: -(-len(references) // self._references_at_a_time)]
        self._centre = self._uncentred_parts(some)[0].mean(0)

    def nearest(self, queries: NDArray[Any]) -> Neighbours:
        """Find the neighbours of queries (N, C, H, W)."""
        shape = (len(queries), self._k)
        found = Neighbours(np.empty(shape, np.int32), np.empty(shape, np.uint8), np.empty(shape, np.float32))
        with _full_precision():
            for start in range(0, len(queries), self._queries_at_a_time):
                block = slice(start, start + self._queries_at_a_time)
                self._search_block(queries[block], found.indices[block], found.flips[block], found.distances[block])
        return found

    def _search_block(
        self,
        queries: NDArray[Any],
        indices: NDArray[np.int32],
        flips: NDArray[np.uint8],
        distances: NDArray[np.float32],
    ) -> None:
        """Fill in the neighbours of one block of queries."""
        there = len(self._references)
        wanted = min(self._k, there)
        repeated = np.arange(self._k) % wanted
        count = min(wanted + SPARE, there)
        left = np.arange(len(queries))
        counted = True
        while len(left):
            candidates, others = self._candidates(queries[left], count, counted=counted)
            counted = False
            candidates, codes, measured = self._measured(queries[left], candidates)
            reach = (2.0 * measured[:, wanted - 1]) ** 2 * self._pixels
            certain = (reach < others) | (count == there)
            settled = left[certain]
            indices[settled] = candidates[certain][:, repeated]
            flips[settled] = codes[certain][:, repeated]
            distances[settled] = measured[certain][:, repeated]
            left = left[~certain]
            count = min(8 * count, there)

    def _candidates(
        self, queries: NDArray[Any], count: int, *, counted: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Find the `count` references that are nearest by float32 products.

        Returns
        -------
        array (B, count)
            Their indices.
        array (B,)
            A squared distance on [-1, 1] that no other reference is below.
        """
        import torch

        step = self._references_at_a_time
        blocks = [self._parts(queries[start : start + step]) for start in range(0, len(queries), step)]
        parts = [torch.cat(pieces) for pieces in zip(*blocks, strict=True)]
        del blocks
        squares = _squares(parts)
        nearest = torch.full((len(queries), count), torch.inf, device=self._device)
        indices = torch.zeros((len(queries), count), dtype=torch.long, device=self._device)
        longest = torch.zeros((), device=self._device)
        for start in range(0, len(self._references), step):
            self._steps.begin()
            references = self._parts(self._references[start : start + step])
            lengths = _squares(references)
            block = _largest_products(parts, references).mul_(-2).add_(squares[:, None]).add_(lengths)
            least, which = block.topk(min(count, len(lengths)), largest=False, sorted=False)
            nearest, kept = torch.cat([nearest, least], 1).topk(count, largest=False, sorted=False)
            indices = torch.cat([indices, which + start], 1).gather(1, kept)
            longest = torch.maximum(longest, lengths.max())
            self._steps.end(len(block) * len(lengths) if counted else 0)
        # Sums of n rounded products are off by some sqrt(n) roundings of their size, all but
        # surely (Higham and Mary, SIAM J. Sci. Comput. 41, 2019); so are norms. The 1 is for
        # the roundings of pixels that are about 1.
        rounding = 16 * self._pixels**0.5 * 2.0**-24
        sizes = (squares.sqrt() + longest.sqrt() + 1).cpu().numpy().astype(np.float64)
        furthest = nearest.amax(1).cpu().numpy().astype(np.float64)
        return indices.cpu().numpy(), furthest - rounding * sizes**2

    def _measured(
        self, queries: NDArray[Any], candidates: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.float32]]:
        """Measure the distances to candidates from the pixels, and put the candidates in order.

        Returns
        -------
        arrays (B, count)
            Indices, flips and distances, the nearest first.
        """
        squares = np.empty((len(queries), 4 if self._flips else 1, candidates.shape[1]))
        step = self._references_at_a_time
        for query, among, result in zip(queries, candidates, squares, strict=True):
            turned = [query, query[..., ::-1], query[:, ::-1], query[:, ::-1, ::-1]][: len(result)]
            flat = self._flat_pixels(np.stack(turned))
            for start in range(0, len(among), step):
                references = self._flat_pixels(self._references[among[start : start + step]])
                for code, image in enumerate(flat):
                    differences = references - image
                    result[code, start : start + step] = np.einsum("cd,cd->c", differences, differences)
        distances = (np.sqrt(squares / self._pixels) / 2).astype(np.float32)
        codes = distances.argmin(1)
        distances = np.take_along_axis(distances, codes[:, None], 1)[:, 0]
        order = np.lexsort((candidates, distances))
        return (
            np.take_along_axis(candidates, order, 1),
            np.take_along_axis(codes, order, 1).astype(np.uint8),
            np.take_along_axis(distances, order, 1),
        )

    def _flat_pixels(self, images: NDArray[Any]) -> NDArray[np.float64]:
        # First to float32, since these are the pixels that products are computed of.
        pixels = to_unit(images.astype(np.float32), self._range)
        return pixels.reshape(len(images), self._pixels).astype(np.float64)

    def _parts(self, images: NDArray[Any]) -> list[Tensor]:
        first, *others = self._uncentred_parts(images)
        return [first.sub_(self._centre), *others]

    def _uncentred_parts(self, images: NDArray[Any]) -> list[Tensor]:
        import torch

        pixels = to_unit(torch.from_numpy(images.astype(np.float32)).to(self._device), self._range_there)
        if not self._flips:
            return [pixels.flatten(1)]
        return [part.flatten(1) for rows in _even_and_odd(pixels, -2) for part in _even_and_odd(rows, -1)]


def _even_and_odd(images: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Part images into what a flip along an axis keeps and what it changes the sign of.

    Returns
    -------
    tensors (..., ceil(n / 2), ...) and (..., floor(n / 2), ...)
        For an axis of n pixels. Together they are as long as the images are.
    """
    import torch

    count = images.shape[axis]
    half = count // 2
    front = images.narrow(axis, 0, half)
    back = images.flip(axis).narrow(axis, 0, half)
    even = (front + back).mul_(0.5**0.5)
    odd = (front - back).mul_(0.5**0.5)
    if count % 2:
        even = torch.cat([even, images.narrow(axis, half, 1)], axis)
    return even, odd


def _squares(parts: list[Tensor]) -> Tensor:
    """Sum the squares of each image over its parts."""
    return sum((part.square().sum(1) for part in parts[1:]), parts[0].square().sum(1))


def _largest_products(queries: list[Tensor], references: list[Tensor]) -> Tensor:
    """Multiply every query with every reference, flipped so that the product is largest.

    Returns
    -------
    tensor (queries, references)
    """
    import torch

    products = [query @ reference.T for query, reference in zip(queries, references, strict=True)]
    if len(products) == 1:
        return products[0]
    # The names say even or odd in rows, then in columns. A flip of columns changes the
    # signs of eo and oo, one of rows those of oe and oo.
    ee, eo, oe, oo = products
    without = (eo + oo).abs_().add_(oe)
    rows_flipped = (eo - oo).abs_().sub_(oe)
    return torch.maximum(without, rows_flipped, out=without).add_(ee)


@contextmanager
def _full_precision() -> Iterator[None]:
    """Let products of float32 be float32, whatever was set for speed."""
    import torch

    # From 2.9 on torch has a setting for each kind of device. Its older, common one cannot
    # even be read once somebody has used these.
    kinds: list[Any] = [torch.backends.cuda.matmul, getattr(torch.backends.mkldnn, "matmul", None)]
    if all(hasattr(kind, "fp32_precision") for kind in kinds):
        before = [kind.fp32_precision for kind in kinds]
        _set_precisions(kinds, ["ieee", "ieee"])
        try:
            yield
        finally:
            _set_precisions(kinds, before)
    else:
        common = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(common)


def _set_precisions(kinds: list[Any], precisions: list[str]) -> None:
    for kind, precision in zip(kinds, precisions, strict=True):
        kind.fp32_precision = precision
