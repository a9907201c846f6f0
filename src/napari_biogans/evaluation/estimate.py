"""How long a test will take, by a few measured steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from napari_biogans.cells.neighbours import never
from napari_biogans.evaluation.critics import DRAWN_AGAINST_DRAWN, Comparison, halves, train_critic
from napari_biogans.evaluation.plans import C2STPlan
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.sides import CellsSide, DrawnPart, DrawnSide, Side
from napari_biogans.evaluation.store import ScoreStore, Store, default_store
from napari_biogans.evaluation.work import choose_workers
from napari_biogans.training.devices import choose_device, chosen_threads

LONGEST = 1.0
"""Seconds of steps that are measured, if the fewest are done before."""
FEWEST_STEPS, MOST_STEPS = 2, 50
"""Of which the first is not counted: it is slow."""
BATCHES = 2
"""Cells of either side that are asked about, in batches."""


@dataclass(frozen=True)
class Estimate:
    """What a test will take on this machine."""

    critics: int
    """Critics in all."""
    known: int
    """Those whose scores are kept already, which take no time."""
    workers: int
    """Critics that are trained at the same time."""
    seconds: float

    def __str__(self) -> str:
        """In words, without the seconds."""
        if self.known == self.critics:
            return f"all {self.critics:,} critics are known already"
        at_a_time = f", {self.workers} at a time" if self.workers > 1 else ""
        known = f"; {self.known:,} more are known already" if self.known else ""
        return f"{self.critics - self.known:,} critics{at_a_time}{known}"


def estimate_time(
    plan: C2STPlan, *, store: Store = default_store, should_stop: Callable[[], bool] = never
) -> Estimate | None:
    """Measure a few steps of the critics of a test, and estimate what all of them take.

    It takes a few seconds; with the paper's critics on a CPU, half a minute.

    Parameters
    ----------
    plan : C2STPlan
    store : path-like, callable or None
        Critics whose scores are there take no time.
    should_stop : callable
        Asked after every step.

    Returns
    -------
    Estimate or None
        None if it was stopped.
    """
    config, scores = plan.config, ScoreStore(store)
    splits = range(1, config.splits + 1)
    critics = len(plan.comparisons) * config.splits
    to_train = [
        comparison
        for comparison in plan.comparisons
        for split in splits
        if scores.read(comparison, config, split) is None
    ]
    workers = max(1, min(choose_workers(config), len(to_train)))
    # Drawn cells take longer than those that are there; other differences are small.
    by_kind = {_kind(comparison): comparison for comparison in to_train}
    costs: dict[tuple[type, type], _Cost] = {}
    with chosen_threads(1):
        for kind, comparison in by_kind.items():
            measured = _measured(comparison, config, workers, should_stop)
            if measured is None:
                return None
            costs[kind] = measured
    seconds = sum(
        costs[_kind(comparison)].seconds(config.resolved_steps, _cells(comparison)) for comparison in to_train
    )
    rounds = -(-len(to_train) // workers)
    return Estimate(critics, critics - len(to_train), workers, seconds * rounds / max(1, len(to_train)))


@dataclass(frozen=True)
class _Cost:
    """Seconds of a critic."""

    step: float
    cell: float
    """Asking about one cell."""

    def seconds(self, steps: int, cells: int) -> float:
        return steps * self.step + cells * self.cell


def _measured(
    comparison: Comparison, config: C2STConfig, workers: int, should_stop: Callable[[], bool]
) -> _Cost | None:
    """Measure as many critics at the same time as there will be, since they slow each other down."""
    short = _shortened(comparison, config)
    with ThreadPoolExecutor(workers, thread_name_prefix="estimate") as pool:
        costs = list(pool.map(lambda split: _cost(short, config, split, should_stop), range(1, workers + 1)))
    found = [cost for cost in costs if cost is not None]
    if len(found) < len(costs):
        return None
    return _Cost(float(np.mean([cost.step for cost in found])), float(np.mean([cost.cell for cost in found])))


def _cost(comparison: Comparison, config: C2STConfig, split: int, should_stop: Callable[[], bool]) -> _Cost | None:
    device = choose_device(config.device)
    started = time.perf_counter()
    times: list[float] = []

    def note(step: int) -> None:
        _finish(device)
        times.append(time.perf_counter())

    def is_enough() -> bool:
        return should_stop() or (len(times) >= FEWEST_STEPS and times[-1] - started > LONGEST)

    train_critic(comparison, replace(config, steps=MOST_STEPS), split, should_stop=is_enough, on_step=note)
    if should_stop():
        return None
    step = (times[-1] - times[0]) / (len(times) - 1)
    # That critic may have been stopped before it was asked about cells.
    if train_critic(comparison, replace(config, steps=1), split, should_stop=should_stop, on_step=note) is None:
        return None
    seconds = time.perf_counter() - times[-1]
    return _Cost(step, seconds / sum(len(part.places) for part in halves(comparison, config, split)))


@dataclass(frozen=True, eq=False)
class _FewDrawn(DrawnSide):
    """A model that draws fewer cells than it is asked for."""

    most: int = 1

    def part(self, number: int, seed: int) -> DrawnPart:
        return super().part(min(number, self.most), seed)


def _kind(comparison: Comparison) -> tuple[type, type]:
    return type(comparison.a), type(comparison.b)


def _cells(comparison: Comparison) -> int:
    """Tell of how many cells the critic is asked."""
    if comparison.halves:
        return comparison.b.count or 0
    a, b = comparison.a.count, comparison.b.count
    return (a or b or 2 * DRAWN_AGAINST_DRAWN) + (b or a or 2 * DRAWN_AGAINST_DRAWN)


def _shortened(comparison: Comparison, config: C2STConfig) -> Comparison:
    """Take a few cells only of each side, so that asking about them is quick."""
    number = BATCHES * config.resolved_batch_size

    def short(side: Side) -> Side:
        if isinstance(side, CellsSide):
            return replace(side, cells=side.cells[:number])
        return _FewDrawn(**{field.name: getattr(side, field.name) for field in fields(side)}, most=-(-number // 2))

    return replace(comparison, a=short(comparison.a), b=short(comparison.b))


def _finish(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
