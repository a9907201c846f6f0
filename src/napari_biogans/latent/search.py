"""The search for latents: what a target and a latent have in common, and how it is made more."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_biogans.latent.errors import LatentError
from napari_biogans.latent.lbfgs import LBFGS
from napari_biogans.latent.settings import ReconstructionConfig
from napari_biogans.models import Model
from napari_biogans.models.model import IMAGES_AT_A_TIME

PAPER_INNER_STEPS, PAPER_RATE = 20, 0.05
RACE = 25
"""Evaluations after which only the best start of each cell goes on."""
_Searching = Generator[float, None, tuple[Tensor, NDArray[np.int64]]]
"""Evaluations so far; in the end the latents, and the evaluations of each."""


@dataclass(frozen=True, eq=False)
class Found:
    """Latents of some cells.

    Parameters
    ----------
    latents : array (N, Z)
        The best of all starts.
    errors : array (S, N)
        Root mean square error of each start, on intensities of [0, 1], over
        the channels that were matched last; of those that were given up for a
        better one, when they were.
    evaluations : array (S, N)
        Of the generator, that each start took.
    """

    latents: NDArray[np.float32]
    errors: NDArray[np.float32]
    evaluations: NDArray[np.int64]


class LatentSearch:
    """Finds the latents from which a model draws given cells of one class.

    Parameters
    ----------
    model : Model
        On the device where it is computed.
    class_name : str
        Of the class whose green is drawn.
    config : ReconstructionConfig

    Raises
    ------
    LatentError
        If the mode is not one for this model.
    """

    def __init__(self, model: Model, class_name: str, config: ReconstructionConfig) -> None:
        if config.mode != "full" and model.red_latent_size is None:
            raise LatentError(
                f"The mode {config.mode} matches red by the red latent alone, which takes a separable model; this one "
                f"is {model.architecture.name}. Take the mode full."
            )
        self._model = model
        self._place = model.class_names.index(class_name)
        self._config = config

    def draw(self, latents: Tensor) -> Tensor:
        """Draw cells, (N, C, H, W) in [-1, 1], with a graph of the latents."""
        drawn = self._model.generator(latents, [self._place])
        pairs: Tensor = self._model.architecture.pairs(drawn, self._model.header.shape)[0]
        return pairs.float()

    def run(
        self, targets: Tensor, rng: np.random.Generator, start_from: NDArray[np.float32] | None = None
    ) -> Generator[float, None, Found]:
        """Find the latents of some cells.

        Parameters
        ----------
        targets : tensor (N, C, H, W)
            In [-1, 1], on the device of the model.
        rng : numpy.random.Generator
            Of the starts.
        start_from : array (N, Z), optional
            Latents that the first start of each cell begins with.

        Yields
        ------
        float
            Part of the search that is done, in [0, 1], after each step.

        Returns
        -------
        Found
        """
        config, size = self._config, self._model.latent_size
        starts, count = config.resolved_starts, len(targets)
        first = rng.standard_normal((starts, count, size), np.float32)
        if start_from is not None:
            first[0] = start_from
        latents = torch.from_numpy(first).to(targets.device).flatten(0, 1)
        every = targets.repeat(starts, 1, 1, 1)
        spent = np.zeros(starts * count, np.int64)
        stages = self._stages()
        for number, (part, channels) in enumerate(stages):
            search = self._search_as_published if config.protocol == "paper" else self._search
            searching = search(latents, every, part, channels)
            while True:
                try:
                    evaluations = next(searching)
                except StopIteration as end:
                    latents, of_each = end.value
                    break
                yield min(1.0, (number + evaluations / config.resolved_steps) / len(stages))
            spent += of_each
            # As published, each start goes on with its own red; here all go on with the best.
            last = number == len(stages) - 1
            matched = slice(None) if last and config.protocol == "paper" and config.mode != "red-only" else channels
            errors = self._errors(latents, every, matched).reshape(starts, count)
            best = latents.reshape(starts, count, size)[errors.argmin(dim=0), torch.arange(count, device=errors.device)]
            if not last and config.protocol != "paper":
                latents[:, part] = best[:, part].repeat(starts, 1)
        return Found(best.cpu().numpy(), errors.cpu().numpy(), spent.reshape(starts, count))

    @torch.no_grad()
    def _errors(self, latents: Tensor, targets: Tensor, channels: slice) -> Tensor:
        blocks = zip(latents.split(IMAGES_AT_A_TIME), targets.split(IMAGES_AT_A_TIME), strict=True)
        return torch.cat([self._squared_errors(some, of_targets, channels) for some, of_targets in blocks]).sqrt()

    def _stages(self) -> list[tuple[slice, slice]]:
        """Give which part of the latent is moved, and which channels it is to match, one after another."""
        if self._config.mode == "full":
            return [(slice(None), slice(None))]
        red_size = self._model.red_latent_size
        red = (slice(0, red_size), slice(0, 1))
        return [red] if self._config.mode == "red-only" else [red, (slice(red_size, None), slice(1, None))]

    def _squared_errors(self, latents: Tensor, targets: Tensor, channels: slice) -> Tensor:
        difference = (self.draw(latents)[:, channels] - targets[:, channels]) / 2
        return difference.square().mean(dim=(1, 2, 3))

    def _objective(self, moved: Tensor, latents: Tensor, part: slice, targets: Tensor, channels: slice) -> Tensor:
        whole = latents.clone()
        whole[:, part] = moved
        value = self._squared_errors(whole, targets, channels)
        return value + self._config.prior * negative_log_density(moved) if self._config.prior else value

    def _search(self, latents: Tensor, targets: Tensor, part: slice, channels: slice) -> _Searching:
        def objective(moved: Tensor, which: Tensor) -> Tensor:
            return self._objective(moved, latents[which], part, targets[which], channels)

        config = self._config
        solver = LBFGS(latents[:, part], objective)
        for progress in solver.run(min(RACE, config.resolved_steps)):
            yield progress.evaluations
        solver.give_up(self._losers(solver.values))
        for progress in solver.run(config.resolved_steps):
            yield progress.evaluations
        found = latents.clone()
        found[:, part] = solver.points
        return found, solver.evaluations.cpu().numpy()

    def _losers(self, values: Tensor) -> Tensor:
        """Find the starts that are not the best of their cell."""
        by_start = values.reshape(self._config.resolved_starts, -1)
        best = by_start.argmin(dim=0)
        starts = torch.arange(len(by_start), device=values.device)
        return (starts[:, None] != best).flatten()

    def _search_as_published(self, latents: Tensor, targets: Tensor, part: slice, channels: slice) -> _Searching:
        """Search as published: one curvature history for all cells of a start, a fixed rate, no line search."""
        found = latents.clone()
        spent = np.zeros(len(latents), np.int64)
        starts = self._config.resolved_starts
        count = len(latents) // starts
        for start in range(starts):
            some = slice(start * count, (start + 1) * count)
            moved = latents[some, part].clone().requires_grad_()
            left = self._config.resolved_steps
            while left > 0:
                optimiser = torch.optim.LBFGS([moved], lr=PAPER_RATE, max_iter=min(PAPER_INNER_STEPS, left))

                def closure(moved: Tensor = moved, some: slice = some, optimiser: Any = optimiser) -> Tensor:
                    spent[some] += 1
                    optimiser.zero_grad()
                    loss = self._objective(moved, latents[some], part, targets[some], channels).sum()
                    loss.backward()
                    return loss

                optimiser.step(closure)
                left -= PAPER_INNER_STEPS
                yield (start + 1 - max(left, 0) / self._config.resolved_steps) * self._config.resolved_steps / starts
            found[some, part] = moved.detach()
        return found, spent


def negative_log_density(latents: Tensor) -> Tensor:
    """Compute -log N(z; 0, 1) of each latent, (N,).

    Parameters
    ----------
    latents : tensor (N, Z)

    Examples
    --------
    >>> round(negative_log_density(torch.zeros(1, 100)).item(), 1)
    91.9
    """
    return 0.5 * latents.square().sum(dim=1) + 0.5 * latents.shape[1] * math.log(2 * math.pi)
