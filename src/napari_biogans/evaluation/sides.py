"""The two sides of a test: cells that were measured, or a model that draws them when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_biogans.cells import CellSet, from_unit, to_unit
from napari_biogans.models import Model
from napari_biogans.training.data import ClassSampler, Draws, draw_flips, flipped


class Batches(Protocol):
    """Cells without an end.

    Random numbers are drawn apart from what is done with them, so that the
    latter can be recorded once and replayed with others.
    """

    @property
    def draws(self) -> int:
        """How many tensors `draw` gives."""

    def draw(self, number: int) -> Draws:
        """Draw the random numbers of the next cells."""

    def cells(self, *draws: Tensor) -> Tensor:
        """Give the cells, (1, number, C, H, W), float32 in [-1, 1], for some random numbers."""


def next_cells(batches: Batches, number: int) -> Tensor:
    """Give the next cells, (1, number, C, H, W)."""
    return batches.cells(*batches.draw(number))


class Part(Protocol):
    """A part of a side: what a critic learns from, or what it is asked about."""

    @property
    def places(self) -> NDArray[np.int32]:
        """Of its cells in the side, or in what was drawn."""

    def blocks(self, device: torch.device, size: int) -> Iterator[Tensor]:
        """Give its cells, always the same, in blocks (1, size, C, H, W) in [-1, 1]."""

    def batches(self, device: torch.device, rng: torch.Generator, *, flips: bool) -> Batches:
        """Give batches of it without an end."""


@dataclass(frozen=True, eq=False)
class CellsSide:
    """Cells of one class.

    Parameters
    ----------
    class_name : str
    cells : array (N, C, H, W)
        As they are stored.
    intensity_range : array (C, 2)
        Intensities that are -1 and 1 in this test, for both sides.
    pixel_size : float, optional
        In µm.
    green_needs_red : bool
        Whether green is shown only where red is not black.
    """

    class_name: str
    cells: NDArray[Any]
    intensity_range: NDArray[np.float32]
    pixel_size: float | None = None
    green_needs_red: bool = False

    @property
    def count(self) -> int | None:
        """How many cells there are."""
        return len(self.cells)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.cells.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the cells and of how they are scaled."""
        cells = CellSet([self.cells], ["cells"], self._channel_names, intensity_range=self.intensity_range)
        return f"{cells.fingerprint()}-{self.green_needs_red}"

    def part(self, places: NDArray[np.int64]) -> CellsPart:
        """Take some of the cells."""
        return CellsPart(self, places.astype(np.int32))

    def show(self, places: NDArray[np.int32]) -> NDArray[Any]:
        """Give cells, (N, C, H, W), in the units and of the type in which they are stored."""
        return self.cells[places]

    @property
    def _channel_names(self) -> list[str]:
        return [str(channel) for channel in range(self.cells.shape[1])]


@dataclass(frozen=True, eq=False)
class CellsPart:
    """Some cells of a side."""

    side: CellsSide
    places: NDArray[np.int32]

    def blocks(self, device: torch.device, size: int) -> Iterator[Tensor]:
        """Give the cells in order."""
        side = self.side
        for start in range(0, len(self.places), size):
            cells = side.cells[self.places[start : start + size]]
            images = torch.from_numpy(to_unit(cells, side.intensity_range)).to(device)[None]
            yield _masked(images) if side.green_needs_red else images

    def batches(self, device: torch.device, rng: torch.Generator, *, flips: bool) -> Batches:
        """Give batches without an end, in random orders, one after another."""
        side = self.side
        cells = CellSet([side.cells[self.places]], ["cells"], side._channel_names, intensity_range=side.intensity_range)
        return _CellBatches(ClassSampler(cells, 1, device, rng, flips=flips), 1 + flips, masked=side.green_needs_red)


@dataclass(frozen=True)
class _CellBatches:
    sampler: ClassSampler
    draws: int
    masked: bool

    def draw(self, number: int) -> Draws:
        self.sampler.batch_size = number
        return tuple(draws[0] for draws in self.sampler.draw(1))

    def cells(self, *draws: Tensor) -> Tensor:
        images = self.sampler.cells(*draws)
        return _masked(images) if self.masked else images


@dataclass(frozen=True, eq=False)
class DrawnSide:
    """A model, for one of its classes.

    Parameters
    ----------
    class_name : str
    model : Model
    model_digest : str
        Of its weights; see `digest_of`.
    intensity_range : array (C, 2)
        Intensities that are -1 and 1 in this test, for both sides.
    as_published : bool
        Whether cells are shown as they are drawn. Else they are rounded to the
        type of real ones, so that fractions of an intensity do not give them
        away, and flipped where real ones are.
    green_needs_red : bool
        Whether green is shown only where red is not black.
    """

    class_name: str
    model: Model
    model_digest: str
    intensity_range: NDArray[np.float32]
    as_published: bool
    green_needs_red: bool = False

    @property
    def count(self) -> int | None:
        """None: as many as are asked for."""
        return None

    @property
    def pixel_size(self) -> float | None:
        """In µm, when it is known."""
        return self.model.header.pixel_size

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        shape = self.model.header.shape
        return shape.channels, *shape.image_size

    @property
    def fingerprint(self) -> str:
        """A digest of the model and of how its cells are scaled."""
        scaling = self.intensity_range.tolist(), self.as_published, self.green_needs_red
        return f"{self.model_digest}-{self.class_name!r}-{scaling}"

    def on(self, device: torch.device) -> DrawnSide:
        """Give the same side with its networks on a device."""
        if self.model.device == device:
            return self
        return replace(self, model=deepcopy(self.model).to(device))

    def part(self, number: int, seed: int) -> DrawnPart:
        """Take cells that are drawn from a seed.

        Parameters
        ----------
        number : int
        seed : int
            Of `blocks`; `batches` have their own random numbers.
        """
        return DrawnPart(self, number, seed)

    def draw(self, latents: Tensor) -> Tensor:
        """Draw cells as the critic sees them.

        Parameters
        ----------
        latents : tensor (N, Z)
            On the device of the model.

        Returns
        -------
        tensor (1, N, C, H, W), float32
        """
        model = self.model
        with torch.no_grad():
            drawn = model.generator(latents, [model.class_names.index(self.class_name)])
        images = model.architecture.pairs(drawn, model.header.shape).float()
        images = images if self.as_published else self._as_stored(images)
        return _masked(images) if self.green_needs_red else images

    def show(self, latents: Tensor) -> NDArray[Any]:
        """Draw cells, (N, C, H, W), in the units and of the type of the cells that the model was trained on."""
        own_range = np.array(self.model.header.intensity_range, np.float32)
        images = replace(self, as_published=True).draw(latents)[0].cpu().numpy()
        return from_unit(images, own_range, self.model.header.dtype)

    @cached_property
    def _ranges(self) -> tuple[Tensor, Tensor]:
        """Intensities that are -1 and 1 for the model, and those in this test, where the model is.

        Kept, since nothing may be brought there while steps are recorded.
        """
        own, shared = self.model.header.intensity_range, self.intensity_range.tolist()
        return torch.tensor(own, device=self.model.device), torch.tensor(shared, device=self.model.device)

    def _as_stored(self, images: Tensor) -> Tensor:
        own, shared = self._ranges
        low, high = own.T[:, :, None, None]
        units = low + (images + 1) * ((high - low) / 2)
        if self.model.header.dtype != "float32":
            limits = np.iinfo(self.model.header.dtype)
            units = units.round().clamp(limits.min, limits.max)
        scaled: Tensor = to_unit(units, shared)
        return scaled


@dataclass(frozen=True, eq=False)
class DrawnPart:
    """Cells that a model draws from a seed."""

    side: DrawnSide
    number: int
    seed: int

    @property
    def places(self) -> NDArray[np.int32]:
        """Of the cells in what is drawn."""
        return np.arange(self.number, dtype=np.int32)

    def latents(self, device: torch.device) -> Tensor:
        """Give the latents, (N, Z), the same on every device."""
        return torch.from_numpy(self.side.model.draw_latents(self.number, seed=self.seed)).to(device)

    def blocks(self, device: torch.device, size: int) -> Iterator[Tensor]:
        """Draw the cells of the seed."""
        for latents in self.latents(device).split(size):
            yield self.side.draw(latents)

    def batches(self, device: torch.device, rng: torch.Generator, *, flips: bool) -> Batches:
        """Give batches without an end, of latents that are new each time; as published, flips are left to the model."""
        return _DrawnBatches(self.side, device, rng, flips=flips and not self.side.as_published)


@dataclass(frozen=True)
class _DrawnBatches:
    side: DrawnSide
    device: torch.device
    rng: torch.Generator
    flips: bool

    @property
    def draws(self) -> int:
        return 1 + self.flips

    def draw(self, number: int) -> Draws:
        latents = torch.randn(number, self.side.model.latent_size, generator=self.rng, device=self.device)
        return (latents, draw_flips((1, number), self.rng)) if self.flips else (latents,)

    def cells(self, *draws: Tensor) -> Tensor:
        latents, *flips = draws
        images = self.side.draw(latents)
        return flipped(images, *flips) if flips else images


Side = CellsSide | DrawnSide


def digest_of(model: Model) -> str:
    """Compute a digest of what a model draws: its weights, its sizes and its units."""
    header = model.header
    digest = hashlib.blake2b(digest_size=16)
    facts = (header.architecture, header.shape, header.class_names, header.intensity_range, header.dtype)
    digest.update(repr(facts).encode())
    for name, tensor in sorted(model.generator.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
    return digest.hexdigest()


def _masked(images: Tensor) -> Tensor:
    """Black out the other channels where red is black."""
    return torch.cat([images[:, :, :1], torch.where(images[:, :, :1] > -1, images[:, :, 1:], -1.0)], dim=2)
