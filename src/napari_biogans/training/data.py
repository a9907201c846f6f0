"""Cells on the device, drawn in batches."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_biogans.cells import CellSet, to_unit
from napari_biogans.cells.red_neighbours import RedNeighbours

Draws = tuple[Tensor, ...]
"""The random numbers of some batches, (batches, K, B, ...) each."""


class Sampler(Protocol):
    """Draws batches of cells.

    Random numbers are drawn apart from what is done with them, so that the
    latter can be recorded once and replayed with others (`replay`), and so that
    several processes can share a batch.
    """

    batch_size: int
    """Cells of each class in a batch."""

    classes: int
    """Classes in a batch, K."""

    def draw(self, batches: int) -> Draws:
        """Draw the random numbers of the next batches."""

    def cells(self, *draws: Tensor) -> Tensor:
        """Give the cells, (K, B, C, H, W), float32 in [-1, 1], for the random numbers of one batch."""

    def state(self) -> dict[str, Tensor]:
        """Give what a resumed training needs to go on with the same cells."""

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on with what `state` gave."""


class ClassSampler:
    """Batches of every class from cells that stay on the device as they are stored.

    Each class is gone through in a random order of its own, again and again,
    so that every cell of it is seen equally often whatever the sizes of the
    classes and of the batch.

    Parameters
    ----------
    cells : CellSet
    batch_size : int
        Cells of each class in a batch; may be larger than a class.
    device : torch.device
    rng : torch.Generator
        On the device; every order and flip comes from it.
    flips : bool
        Whether cells are flipped at random along both axes.
    """

    def __init__(
        self, cells: CellSet, batch_size: int, device: torch.device, rng: torch.Generator, *, flips: bool
    ) -> None:
        self._images = [_on_device(array, device) for array in cells.images]
        self._intensity_range = torch.as_tensor(cells.intensity_range, dtype=torch.float32).to(device)
        self.batch_size = batch_size
        self.classes = len(self._images)
        self._rng = rng
        self._flips = flips
        self._orders = [_Order(len(images), rng) for images in self._images]

    def draw(self, batches: int) -> Draws:
        """Draw which cells come next, and how they are flipped."""
        shape = batches, self.batch_size
        places = torch.stack([order.next(batches * self.batch_size).view(shape) for order in self._orders], dim=1)
        return (places, draw_flips(places.shape, self._rng)) if self._flips else (places,)

    def cells(self, *draws: Tensor) -> Tensor:
        """Give the cells for the random numbers of one batch.

        Parameters
        ----------
        *draws : tensors (K, B, ...)
            Of one of the batches of `draw`.

        Returns
        -------
        tensor (K, B, C, H, W), float32
            In [-1, 1].
        """
        places, *flips = draws
        chosen = [images.index_select(0, own) for images, own in zip(self._images, places, strict=True)]
        images: Tensor = to_unit(torch.stack(chosen), self._intensity_range)
        return flipped(images, *flips) if flips else images

    def state(self) -> dict[str, Tensor]:
        """Give what is left of each class's order, by class index."""
        return {str(k): order.rest for k, order in enumerate(self._orders)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on with the orders that `state` gave."""
        for k, order in enumerate(self._orders):
            order.rest = state[str(k)].to(order.rest.device)


class MultiChannelSampler:
    """Batches of cells that show the greens of all classes, made up from cells that look alike in red.

    The cells of all classes are gone through in one random order. Each brings
    its red and its own green; the green of every other class is that of one
    of its nearest neighbours in red, drawn anew each time.

    Parameters
    ----------
    cells : CellSet
    neighbours : RedNeighbours
        Of these cells.
    batch_size : int
        May be larger than the set.
    device : torch.device
    rng : torch.Generator
        On the device; every order, neighbour and flip comes from it.
    flips : bool
        Whether cells are flipped at random along both axes.
    red_mask : bool
        Whether the greens of neighbours are black where the cell's red is.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, section 4.2.
    """

    def __init__(
        self,
        cells: CellSet,
        neighbours: RedNeighbours,
        batch_size: int,
        device: torch.device,
        rng: torch.Generator,
        *,
        flips: bool,
        red_mask: bool,
    ) -> None:
        self._images = torch.cat([_on_device(array, device) for array in cells.images])
        counts = torch.tensor(cells.counts)
        firsts = (counts.cumsum(0) - counts).int().to(device)
        self._classes = torch.arange(len(counts)).repeat_interleave(counts).to(device)
        self._neighbours = torch.from_numpy(neighbours.indices).to(device) + firsts[:, None]
        self._neighbour_flips = torch.from_numpy(neighbours.flips).to(device)
        self._intensity_range = torch.as_tensor(cells.intensity_range, dtype=torch.float32).to(device)
        self.batch_size = batch_size
        self.classes = 1
        self._rng = rng
        self._flips = flips
        self._red_mask = red_mask
        self._order = _Order(len(self._images), rng)

    def draw(self, batches: int) -> Draws:
        """Draw which cells come next, whose greens they get, and how they are flipped."""
        shape = batches, 1, self.batch_size
        places = self._order.next(batches * self.batch_size).view(shape)
        classes, ranks = self._neighbours.shape[1:]
        ranks_of_donors = torch.randint(ranks, (*shape, classes), generator=self._rng, device=places.device)
        return places, ranks_of_donors, *((draw_flips(shape, self._rng),) if self._flips else ())

    def cells(self, *draws: Tensor) -> Tensor:
        """Make up the cells for the random numbers of one batch.

        Parameters
        ----------
        *draws : tensors (1, B, ...)
            Of one of the batches of `draw`.

        Returns
        -------
        tensor (1, B, 1 + K * greens, H, W), float32
            In [-1, 1].
        """
        (chosen,), (ranks,), *flips = draws
        ranks = ranks[..., None]
        donors = self._neighbours[chosen].gather(2, ranks).squeeze(2).long()
        how = self._neighbour_flips[chosen].gather(2, ranks)[..., None, None]
        reds: Tensor = to_unit(self._images[chosen, :1], self._intensity_range[:1])
        greens: Tensor = to_unit(self._images[donors, 1:], self._intensity_range[1:])
        greens = torch.where((how & 1).bool(), greens.flip(-1), greens)
        greens = torch.where((how & 2).bool(), greens.flip(-2), greens)
        if self._red_mask:
            is_own = self._classes[chosen, None] == torch.arange(greens.shape[1], device=chosen.device)
            keeps = is_own[:, :, None, None, None] | (reds > -1)[:, None]
            greens = torch.where(keeps, greens, -1.0)
        images = torch.cat([reds, greens.flatten(1, 2)], dim=1)[None]
        return flipped(images, *flips) if flips else images

    def state(self) -> dict[str, Tensor]:
        """Give what is left of the order."""
        return {"order": self._order.rest}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on with the order that `state` gave."""
        self._order.rest = state["order"].to(self._order.rest.device)


class _Order:
    """Places of cells in random orders, one after another."""

    def __init__(self, count: int, rng: torch.Generator) -> None:
        self._count = count
        self._rng = rng
        self.rest = torch.empty(0, dtype=torch.long, device=rng.device)

    def next(self, number: int) -> Tensor:
        orders = ceil(max(0, number - len(self.rest)) / self._count)
        shuffled = [torch.randperm(self._count, generator=self._rng, device=self._rng.device) for _ in range(orders)]
        self.rest = torch.cat([self.rest, *shuffled])
        taken, self.rest = self.rest[:number], self.rest[number:]
        return taken


def _on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    # A tensor shares the memory of a writable array; torch warns about read-only ones.
    return torch.from_numpy(array if array.flags.writeable else array.copy()).to(device)


def next_batch(sampler: Sampler) -> Tensor:
    """Draw the next cells of a sampler, (K, B, C, H, W)."""
    return sampler.cells(*(draws[0] for draws in sampler.draw(1)))


def randomly_flipped(images: Tensor, rng: torch.Generator) -> Tensor:
    """Flip each cell along each axis with a chance of a half.

    Parameters
    ----------
    images : tensor (K, B, C, H, W)
    rng : torch.Generator
        On the device of the images.
    """
    return flipped(images, draw_flips(images.shape[:2], rng))


def draw_flips(shape: Sequence[int], rng: torch.Generator) -> Tensor:
    """Draw whether cells are flipped, for each along the last axis and the one before, with a chance of a half."""
    of_axes = [torch.rand(*shape, generator=rng, device=rng.device) for _ in range(2)]
    return torch.stack(of_axes, dim=-1) < 0.5


def flipped(images: Tensor, which: Tensor) -> Tensor:
    """Flip cells, (K, B, C, H, W), by what `draw_flips` drew for them, (K, B, 2)."""
    for axis, chosen in zip((-1, -2), which.unbind(-1), strict=True):
        images = torch.where(chosen[:, :, None, None, None], images.flip(axis), images)
    return images
