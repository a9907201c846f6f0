"""What a training tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_biogans.cells.green_spread import spread_ratio


@dataclass(frozen=True)
class Preparing:
    """Work before the first step that takes a while."""

    what: str
    """In words, such as "Finding cells that look alike in red"."""
    done: float
    """Part of it, in [0, 1]."""


@dataclass(frozen=True)
class Started:
    """The networks are built and the cells are on the device."""

    folder: Path
    """Of the run."""
    step: int
    """Generator steps done before, in a resumed run."""
    steps: int
    """Generator steps in all."""
    device: str
    precision: str
    cells: int
    """Cells to learn from."""
    class_names: tuple[str, ...]
    """Of what the model draws."""
    pixel_size: float | None
    """Of the cells and of what is drawn, in µm, when it is known."""


@dataclass(frozen=True)
class StepDone:
    """One generator step, with its critic steps, is done."""

    step: int
    """Generator steps done so far."""
    steps: int
    """Generator steps in all."""
    rate: float
    """Generator steps per second, lately."""

    @property
    def seconds_left(self) -> float:
        """Estimated from the rate."""
        return (self.steps - self.step) / self.rate if self.rate else float("inf")


@dataclass(frozen=True)
class Metrics:
    """Means over the steps since the last metrics."""

    step: int
    critic_loss: float
    """As minimised."""
    generator_loss: float
    """As minimised."""
    critic_gap: float
    """How far the critic tells fakes from real cells: difference of its mean scores."""
    gradient_penalty: float
    """Before its weight of 10; 0 without one."""
    seconds: float
    """Time trained so far."""


@dataclass(frozen=True)
class Samples:
    """Cells drawn from the latents that stay the same over a run."""

    step: int
    images: NDArray[Any]
    """(K, N, C, H, W) in the units of the cells."""
    paths: tuple[Path, ...]
    """One stack per class."""


@dataclass(frozen=True)
class GreenSpread:
    """How much the greens of samples differ for one red, beside those of real cells alike in red.

    Root mean square differences of intensities on [0, 1], by class; NaN for a
    class with fewer than two different cells. `napari_biogans.diversity` says
    what they mean.
    """

    step: int
    class_names: tuple[str, ...]
    drawn: tuple[float, ...]
    """Of the samples, whose groups of eight have the same red."""
    real: tuple[float, ...]
    """Of cells and those nearest to them in red; the same over a run."""

    @property
    def ratio(self) -> tuple[float, ...]:
        """Drawn divided by real; near 0 where the same green is drawn each time."""
        return tuple(spread_ratio(self.drawn, self.real).tolist())


@dataclass(frozen=True)
class Saved:
    """A checkpoint and the model of this step are on disk."""

    step: int
    checkpoint: Path
    model: Path
    peak_memory: int | None = None
    """Most bytes taken so far: on a GPU by this training, on the CPU by its whole process. None if not known."""


Event = Preparing | Started | StepDone | Metrics | Samples | GreenSpread | Saved
