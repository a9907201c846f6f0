"""One critic of a two-sample test: trained on one half of the cells, asked about the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_biogans.cells.neighbours import never
from napari_biogans.evaluation.errors import C2STError
from napari_biogans.evaluation.settings import MOST_SPLITS, C2STConfig
from napari_biogans.evaluation.sides import CellsSide, Part, Side, next_cells
from napari_biogans.evaluation.statistics import area_under_curve, balanced_accuracy, best_threshold
from napari_biogans.models import NetworkShape
from napari_biogans.models.critics import Critic
from napari_biogans.models.layers import initialise
from napari_biogans.training.data import randomly_flipped
from napari_biogans.training.devices import choose_device, choose_precision
from napari_biogans.training.objectives import GRADIENT_PENALTY_WEIGHT, CriticLoss, gradient_penalties
from napari_biogans.training.replay import replayed
from napari_biogans.training.steps import CriticStep

PAPER_PASSES = 5
CELLS_AT_A_TIME = 256
DRAWN_AGAINST_DRAWN = 512
"""Cells of each half when both sides are models, which have no number of their own."""
# Apart by more than seeds and splits are, so that no two uses of random numbers meet.
A_SEEDS, B_SEEDS = 2**43, 2**44
TRAINED_SEEDS, HELD_OUT_SEEDS = 2**45, 2**46
WEIGHTS_SEEDS, STEPS_SEEDS = 2**47, 2**48

_Places = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sides that are told apart by critics, one for each split.

    Parameters
    ----------
    row, column : str
        Place in a table of tests.
    a, b : CellsSide or DrawnSide
        b is real where one of them is: low scores, as published.
    halves : bool
        Whether the sides are halves of the same cells, drawn anew for each
        split: real against real.
    most_batches : int, optional
        Batches of held-out cells in a pass of the paper's score, where it is
        cut to the shortest class.
    """

    row: str
    column: str
    a: Side
    b: Side
    halves: bool = False
    most_batches: int | None = None

    @cached_property
    def fingerprint(self) -> str:
        """A digest of both sides."""
        return f"{self.a.fingerprint}|{self.b.fingerprint}|{self.halves}|{self.most_batches}"

    @property
    def real_cells(self) -> int:
        """Real cells that take part."""
        return sum(side.count or 0 for side in ((self.b,) if self.halves else (self.a, self.b)))


@dataclass(frozen=True, eq=False)
class CriticScores:
    """What a critic said about the cells that it had not seen.

    Scores are high for a, whatever the objective.
    """

    split: int
    """From 1."""
    a: NDArray[np.float32]
    """Score of each held-out cell of a, the mean over its flips."""
    b: NDArray[np.float32]
    a_places: NDArray[np.int32]
    """Which cells of the side these are, or of those that were drawn."""
    b_places: NDArray[np.int32]
    threshold: float
    """Above which a cell is taken for one of a, found on the half that it was trained on."""
    trained_auc: float
    """Area under the curve on the half that it was trained on: about 0.5 where it has learned nothing."""
    penalty: float
    """Mean gradient penalty between held-out cells, before its weight; 0 without one."""
    paper_score: float
    """As published: gap less weighted penalty, batch by batch, over five flipped passes."""

    @property
    def gap(self) -> float:
        """Mean score of a less that of b: the critic gap, without penalty."""
        return float(self.a.mean() - self.b.mean())

    @cached_property
    def accuracy(self) -> float:
        """Part of held-out cells that are assigned to their side, as if the sides were equally large."""
        return balanced_accuracy(self.a, self.b, self.threshold)

    @cached_property
    def auc(self) -> float:
        """Chance that a cell of a scores higher than one of b."""
        return area_under_curve(self.a, self.b)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all of it as arrays, for a file."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> CriticScores:
        """Take what `arrays` gave.

        Raises
        ------
        KeyError, ValueError
            If something is missing or of the wrong kind.
        """
        scores = cls(
            split=int(arrays["split"]),
            a=arrays["a"].astype(np.float32),
            b=arrays["b"].astype(np.float32),
            a_places=arrays["a_places"].astype(np.int32),
            b_places=arrays["b_places"].astype(np.int32),
            threshold=float(arrays["threshold"]),
            trained_auc=float(arrays["trained_auc"]),
            penalty=float(arrays["penalty"]),
            paper_score=float(arrays["paper_score"]),
        )
        for of_side, places in ((scores.a, scores.a_places), (scores.b, scores.b_places)):
            if of_side.ndim != 1 or of_side.shape != places.shape or not len(of_side):
                raise ValueError("there are no scores, or not one per cell")
        return scores


class Halves(NamedTuple):
    """The parts of both sides in one split."""

    a_trained: Part
    a_held_out: Part
    b_trained: Part
    b_held_out: Part


def halves(comparison: Comparison, config: C2STConfig, split: int) -> Halves:
    """Halve both sides at random.

    Of a model, as many cells are drawn as the other side has; the critic
    learns from others, that are drawn on and on.

    Parameters
    ----------
    comparison : Comparison
    config : C2STConfig
    split : int
        From 1.

    Returns
    -------
    Halves
        The same ones for the same seed and split, on every device.
    """
    seed = seed_of(config, split)
    rng = torch.Generator().manual_seed(seed)
    a: _Places | None
    b: _Places | None
    if comparison.halves:
        a, b = (_halved(places) for places in _halved(_order(comparison.b.count or 0, rng)))
    else:
        a, b = (
            None if side.count is None else _halved(_order(side.count, rng)) for side in (comparison.a, comparison.b)
        )
    return Halves(*_parts(comparison.a, a, b, A_SEEDS + seed), *_parts(comparison.b, b, a, B_SEEDS + seed))


def _parts(side: Side, own: _Places | None, other: _Places | None, seed: int) -> list[Part]:
    if isinstance(side, CellsSide):
        return [side.part(places) for places in own or ()]
    numbers = [len(places) for places in other] if other else [DRAWN_AGAINST_DRAWN] * 2
    return [side.part(number, at + seed) for number, at in zip(numbers, (TRAINED_SEEDS, HELD_OUT_SEEDS), strict=True)]


def seed_of(config: C2STConfig, split: int) -> int:
    """Give the seed of a split: another one for each seed and split, and 1, 2, 3 … for seed 0, as published."""
    return config.seed * MOST_SPLITS + split


def train_critic(
    comparison: Comparison,
    config: C2STConfig,
    split: int,
    *,
    should_stop: Callable[[], bool] = never,
    on_step: Callable[[int], object] | None = None,
) -> CriticScores | None:
    """Train a critic on one half of the cells and ask it about the other.

    Parameters
    ----------
    comparison : Comparison
    config : C2STConfig
    split : int
        From 1; decides the halves, the first weights and all that is drawn.
    should_stop : callable
        Asked after every step.
    on_step : callable, optional
        Given the steps done so far, after each.

    Returns
    -------
    CriticScores or None
        None if it was stopped.

    Raises
    ------
    C2STError
        If the critic diverged.

    References
    ----------
    Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017;
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, section 5.
    """
    device = choose_device(config.device)
    comparison = _on(comparison, device)
    objective = config.resolved_objective
    parts = halves(comparison, config, split)
    weights_rng = torch.Generator().manual_seed(WEIGHTS_SEEDS + seed_of(config, split))
    rng = torch.Generator(device).manual_seed(STEPS_SEEDS + seed_of(config, split))
    critic = _fresh_critic(comparison.b.image_shape, config, weights_rng).to(device)
    precision = choose_precision(config.resolved_precision, device)
    take_step = CriticStep(objective, critic, config.resolved_learning_rate, precision)
    a_batches, b_batches = (
        part.batches(device, rng, flips=config.flips) for part in (parts.a_trained, parts.b_trained)
    )

    def learn(mix: Tensor, *draws: Tensor) -> CriticLoss:
        real, fake = b_batches.cells(*draws[: b_batches.draws]), a_batches.cells(*draws[b_batches.draws :])
        return take_step(real, fake, mix)

    learn, number = replayed(learn, device), config.resolved_batch_size
    for step in range(config.resolved_steps):
        if should_stop():
            return None
        draws = *b_batches.draw(number), *a_batches.draw(number)
        learn(torch.rand(1, number, generator=rng, device=device), *draws)
        if on_step is not None:
            on_step(step + 1)
    critic.eval().requires_grad_(False)
    paper_score = _paper_score(comparison, config, critic, parts, rng)
    a_trained, a, b_trained, b = (_scores(critic, part, config, device) for part in parts)
    if not np.isfinite(np.concatenate([a_trained, a, b_trained, b])).all():
        raise C2STError(
            f"The scores of a critic became infinite or NaN. Take a smaller learning rate than "
            f"{config.resolved_learning_rate:g}, or the objective wgan-gp."
        )
    return CriticScores(
        split=split,
        a=a,
        b=b,
        a_places=parts.a_held_out.places,
        b_places=parts.b_held_out.places,
        threshold=best_threshold(a_trained, b_trained),
        trained_auc=area_under_curve(a_trained, b_trained),
        penalty=_penalty(critic, parts, rng) if objective.penalised else 0.0,
        paper_score=paper_score,
    )


def _on(comparison: Comparison, device: torch.device) -> Comparison:
    a, b = (side if isinstance(side, CellsSide) else side.on(device) for side in (comparison.a, comparison.b))
    return Comparison(comparison.row, comparison.column, a, b, comparison.halves, comparison.most_batches)


def _order(count: int, rng: torch.Generator) -> NDArray[np.int64]:
    return torch.randperm(count, generator=rng).numpy()


def _halved(order: NDArray[np.int64]) -> _Places:
    middle = -(-len(order) // 2)
    return order[:middle], order[middle:]


def _fresh_critic(image_shape: tuple[int, int, int], config: C2STConfig, rng: torch.Generator) -> Critic:
    channels, height, width = image_shape
    shape = NetworkShape(
        image_size=(height, width),
        channels=channels,
        critic_width=config.resolved_width,
        critic_batch_norm=config.resolved_objective.critic_batch_norm,
    )
    critic = Critic(shape)
    initialise(critic, rng)
    return critic


def _paper_score(
    comparison: Comparison, config: C2STConfig, critic: nn.Module, parts: Halves, rng: torch.Generator
) -> float:
    """Score as published: batches are weighted equally, however large they are."""
    objective, device = config.resolved_objective, rng.device
    fakes = parts.a_held_out.batches(device, rng, flips=config.flips)
    scores = []
    for _ in range(PAPER_PASSES):
        for real in islice(parts.b_held_out.blocks(device, config.resolved_batch_size), comparison.most_batches):
            real = randomly_flipped(real, rng) if config.flips else real
            fake = next_cells(fakes, real.shape[1])
            score = objective.towards_fakes * (critic(fake).mean() - critic(real).mean())
            if objective.penalised:
                score = score - GRADIENT_PENALTY_WEIGHT * _penalties(critic, real, fake, rng).mean()
            scores.append(score)
    return float(torch.stack(scores).mean())


@torch.no_grad()
def _scores(critic: nn.Module, part: Part, config: C2STConfig, device: torch.device) -> NDArray[np.float32]:
    """Score each cell, high for a, as the mean over its flips where the critic learned with them."""
    axes: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1)) if config.flips else ((),)
    blocks = [
        torch.stack([critic(block.flip(along))[0] for along in axes]).mean(dim=0)
        for block in part.blocks(device, CELLS_AT_A_TIME)
    ]
    scores: NDArray[np.float32] = config.resolved_objective.towards_fakes * torch.cat(blocks).cpu().numpy()
    return scores


def _penalty(critic: nn.Module, parts: Halves, rng: torch.Generator) -> float:
    """Compute the gradient penalty between held-out cells, in pairs as they come."""
    blocks = (part.blocks(rng.device, CELLS_AT_A_TIME) for part in (parts.b_held_out, parts.a_held_out))
    penalties = []
    for real, fake in zip(*blocks, strict=False):
        count = min(real.shape[1], fake.shape[1])
        penalties.append(_penalties(critic, real[:, :count], fake[:, :count], rng))
    return float(torch.cat(penalties, dim=1).mean())


def _penalties(critic: nn.Module, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
    mix = torch.rand(real.shape[:2], generator=rng, device=rng.device)
    return gradient_penalties(critic, real, fake, mix).detach()
