"""L-BFGS for many small problems at once, each with a history and a step length of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

SUFFICIENT_DECREASE = 1e-4
CURVATURE = 0.9
"""Of the weak Wolfe conditions."""
GROWTH = 2.0
"""Of a step that is too short, as long as none was too long."""
SMALLEST_STEP = 1e-10
Objective = Callable[[Tensor, Tensor], Tensor]
"""(points (A, Z), which problems these are (A,)) to values (A,); differentiable in the points."""


@dataclass(frozen=True)
class Progress:
    """How far the problems are after one more evaluation."""

    evaluations: int
    """Of the objective, by each problem that still runs."""
    active: int
    """Problems that still run."""


class _State(NamedTuple):
    """Where each problem that still runs is, and the step that it tries next."""

    x: Tensor
    value: Tensor
    slope: Tensor
    direction: Tensor
    step: Tensor
    low: Tensor
    high: Tensor
    small: Tensor
    """Steps in a row that were hardly worth it."""


class LBFGS:
    """Minimises P functions of Z numbers each, by the same number of evaluations for all that still run.

    Every problem has its own curvature history, step length and end, so that
    none is held up or spoiled by others; those that are done leave the batch.
    Each evaluation is a trial step of every problem that still runs: it is
    taken where the weak Wolfe conditions hold, and else made shorter or longer
    (bisection, which copes with functions that are not smooth [2]_).

    Parameters
    ----------
    points : tensor (P, Z)
        Where to start.
    objective : callable
        Points (A, Z) and the numbers (A,) of their problems to values (A,).
    history : int
        Steps that a problem remembers.
    tolerance : float
        A problem is done when no component of its gradient is larger, or when
        its value falls by less than this part of itself in a step.
    patience : int
        So many such small steps in a row.

    References
    ----------
    .. [1] Liu and Nocedal, On the limited memory BFGS method for large scale
       optimization, Mathematical Programming 45, 1989.
    .. [2] Lewis and Overton, Nonsmooth optimization via quasi-Newton methods,
       Mathematical Programming 141, 2013.

    Examples
    --------
    >>> scales = torch.tensor([[1.0, 100.0], [1.0, 3.0]])
    >>> solver = LBFGS(torch.ones(2, 2), lambda x, which: (scales[which] * x.square()).sum(dim=1))
    >>> for _ in solver.run(evaluations=60):
    ...     pass
    >>> bool((solver.points.abs() < 1e-3).all())
    True
    """

    def __init__(
        self, points: Tensor, objective: Objective, *, history: int = 12, tolerance: float = 1e-6, patience: int = 3
    ) -> None:
        self._objective = objective
        self._tolerance = tolerance
        self._patience = patience
        self.points = points.clone()
        """(P, Z), the best so far of each problem."""
        self.values = points.new_full((len(points),), float("inf"))
        """(P,), there."""
        self.evaluations = torch.zeros(len(points), dtype=torch.long, device=points.device)
        """(P,), that each problem took."""
        self._active = torch.arange(len(points), device=points.device)
        self._state: _State | None = None
        self._done = 0
        shape = len(points), history, points.shape[1]
        self._steps, self._changes = points.new_zeros(shape), points.new_zeros(shape)
        self._curvatures = points.new_zeros(shape[:2])

    def run(self, evaluations: int) -> Iterator[Progress]:
        """Go on until each problem has had so many evaluations in all.

        Parameters
        ----------
        evaluations : int

        Yields
        ------
        Progress
            After each evaluation; whoever listens may stop.
        """
        if self._state is None:
            self._begin()
            yield Progress(self._done, len(self._active))
        while self._done < evaluations and len(self._active):
            self._advance()
            yield Progress(self._done, len(self._active))

    def give_up(self, which: Tensor) -> None:
        """Leave some problems as they are, and go on with the others.

        Parameters
        ----------
        which : tensor (P,), bool
        """
        self._go_on_with(~which[self._active])

    def _begin(self) -> None:
        x = self.points[self._active]
        value, slope = self._evaluate(x)
        self._done += 1
        self._keep(x, value)
        direction = -slope
        # The first step has no curvature to go by: its length is that of a unit step at most.
        step = 1 / direction.norm(dim=1).clamp(min=1)
        low, high, small = torch.zeros_like(step), torch.full_like(step, float("inf")), torch.zeros_like(step)
        self._state = _State(x, value, slope, direction, step, low, high, small)
        self._go_on_with(slope.abs().amax(dim=1) > self._tolerance)

    def _advance(self) -> None:
        """Evaluate one trial step of every problem that still runs, and take it or change its length."""
        assert self._state is not None
        x, value, slope, direction, step, low, high, small = self._state
        trial = x + step[:, None] * direction
        new_value, new_slope = self._evaluate(trial)
        self._done += 1
        along = (slope * direction).sum(dim=1)
        too_long = ~(new_value <= value + SUFFICIENT_DECREASE * step * along)
        too_short = ~too_long & ((new_slope * direction).sum(dim=1) < CURVATURE * along)
        taken = ~too_long & ~too_short
        high = torch.where(too_long, step, high)
        low = torch.where(too_short, step, low)
        # A step that makes things better is kept as the best, even while a longer one is tried.
        self._keep(trial, torch.where(too_long, float("inf"), new_value))
        stuck = ~taken & ((high - low) < SMALLEST_STEP)
        step = torch.where(high.isinf(), GROWTH * step, (low + high) / 2)
        if taken.any():
            self._remember(taken, trial - x, new_slope - slope)
            is_small = value - new_value <= self._tolerance * value.abs()
            small = torch.where(taken, torch.where(is_small, small + 1, 0), small)
            x = torch.where(taken[:, None], trial, x)
            value = torch.where(taken, new_value, value)
            slope = torch.where(taken[:, None], new_slope, slope)
            direction = torch.where(taken[:, None], self._direction(slope), direction)
            step = torch.where(taken, 1.0, step)
            low = torch.where(taken, 0.0, low)
            high = torch.where(taken, float("inf"), high)
        self._state = _State(x, value, slope, direction, step, low, high, small)
        flat = slope.abs().amax(dim=1) <= self._tolerance
        self._go_on_with(~(stuck | flat | (small >= self._patience)))

    def _go_on_with(self, which: Tensor) -> None:
        if self._state is not None and not which.all():
            self._active = self._active[which]
            self._state = _State(*(part[which] for part in self._state))

    def _evaluate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        values = self._objective(x, self._active)
        (slopes,) = torch.autograd.grad(values.sum(), x)
        self.evaluations[self._active] += 1
        return values.detach(), slopes

    def _keep(self, x: Tensor, values: Tensor) -> None:
        better = values < self.values[self._active]
        which = self._active[better]
        self.points[which] = x[better]
        self.values[which] = values[better]

    def _remember(self, taken: Tensor, moved: Tensor, changed: Tensor) -> None:
        curvature = (moved * changed).sum(dim=1)
        fits = taken & (curvature > 1e-12 * changed.square().sum(dim=1))
        which = self._active[fits]
        for store, new in ((self._steps, moved), (self._changes, changed)):
            store[which] = torch.cat([store[which, 1:], new[fits, None]], dim=1)
        self._curvatures[which] = torch.cat([self._curvatures[which, 1:], curvature[fits, None]], dim=1)

    def _direction(self, slope: Tensor) -> Tensor:
        """Multiply the gradient by the inverse Hessian that the history suggests: the two-loop recursion."""
        steps, changes, curvatures = (store[self._active] for store in (self._steps, self._changes, self._curvatures))
        inverse = torch.where(curvatures > 0, 1 / curvatures.clamp(min=1e-30), 0.0)
        direction = -slope
        weights = []
        for k in reversed(range(steps.shape[1])):
            weight = inverse[:, k] * (steps[:, k] * direction).sum(dim=1)
            direction = direction - weight[:, None] * changes[:, k]
            weights.append(weight)
        newest = changes[:, -1].square().sum(dim=1)
        scale = torch.where(curvatures[:, -1] > 0, curvatures[:, -1] / newest.clamp(min=1e-30), 1.0)
        direction = scale[:, None] * direction
        for k, weight in zip(range(steps.shape[1]), reversed(weights), strict=True):
            back = inverse[:, k] * (changes[:, k] * direction).sum(dim=1)
            direction = direction + (weight - back)[:, None] * steps[:, k]
        return direction
