"""How fast are the critics of a two-sample test, against the plain loop?

    python -m benchmarks c2st [--device cpu] [--full] [--repeats 3]

The reference is the loop that one would write: one critic after another, float32, each
with all threads. The package trains as many at once as there are processors, each with
one thread, or on a GPU one after another with steps that are replayed; in bfloat16 where
the processor is made for it, and in float32 for comparison. Stacked is all critics of
all splits in one, by grouped convolutions (torch.func.vmap). All take the same steps on
48x80 pixels, with sampling and flips; scoring is left out. Forms are interleaved in one
process. With --full critics have full size (width 64, wgan-gp, batch 64) as well, and the
last table says whether the precision changes what a test finds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.classes import stacked
from benchmarks.measuring import REFERENCE, Report, interleaved, plain
from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.evaluation import c2st
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.work import choose_workers
from napari_biogans.models import NetworkShape
from napari_biogans.models.critics import Critic
from napari_biogans.models.layers import initialise
from napari_biogans.training.data import ClassSampler, next_batch
from napari_biogans.training.devices import channels_last, choose_device, choose_precision, chosen_threads
from napari_biogans.training.objectives import OBJECTIVES, Objective
from napari_biogans.training.reference import ReferenceCriticStep, critic_loss
from napari_biogans.training.replay import replayed
from napari_biogans.training.steps import CriticStep

CELLS = 250
STEPS_OF_A_TEST = 400
RATE = 1e-3


class Critics(NamedTuple):
    """What is trained: critics of a size on two sides, one for each split."""

    cells: CellSet
    objective: Objective
    width: int
    batch: int
    splits: int
    steps: int
    device: torch.device

    def fresh(self, seed: int) -> Critic:
        critic = Critic(NetworkShape(image_size=(48, 80), critic_width=self.width))
        initialise(critic, torch.Generator().manual_seed(seed))
        return critic.to(self.device)

    def samplers(self, rng: torch.Generator) -> list[ClassSampler]:
        sides = (self.cells.subset([name]) for name in self.cells.class_names)
        return [ClassSampler(side, self.batch, self.device, rng, flips=True) for side in sides]

    def train(self, take_step: Callable[..., tuple[Tensor, ...]], seed: int, *, recorded: bool = False) -> None:
        rng = torch.Generator(self.device).manual_seed(seed)
        real, fake = self.samplers(rng)

        def learn(mix: Tensor, *draws: Tensor) -> tuple[Tensor, ...]:
            return take_step(real.cells(*draws[:2]), fake.cells(*draws[2:]), mix)

        learn = replayed(learn, self.device) if recorded else learn
        for _ in range(self.steps):
            mix = torch.rand(1, self.batch, generator=rng, device=self.device)
            learn(mix, *(draws[0] for side in (real, fake) for draws in side.draw(1)))


def reference(critics: Critics) -> None:
    for seed in range(critics.splits):
        critics.train(ReferenceCriticStep(critics.objective, critics.fresh(seed), RATE), seed)


def package(critics: Critics, precision: torch.dtype) -> None:
    def train_one(seed: int) -> None:
        step = CriticStep(critics.objective, critics.fresh(seed), RATE, precision)
        critics.train(step, seed, recorded=True)

    workers = choose_workers(C2STConfig(device=str(critics.device)))
    with chosen_threads(1), ThreadPoolExecutor(workers) as pool:
        list(pool.map(train_one, range(critics.splits)))


def stacked_splits(critics: Critics) -> None:
    rng = torch.Generator(critics.device).manual_seed(0)
    networks = nn.ModuleList(channels_last(critics.fresh(seed)) for seed in range(critics.splits))
    form, weights = stacked(networks, shared=False)
    optimiser = critics.objective.optimiser(weights, RATE)
    pairs = [critics.samplers(rng) for _ in range(critics.splits)]
    for _ in range(critics.steps):
        real, fake = (torch.cat([next_batch(pair[side]) for pair in pairs]) for side in (0, 1))
        mix = torch.rand(critics.splits, critics.batch, generator=rng, device=critics.device)
        optimiser.zero_grad()
        critic_loss(critics.objective, form, real, fake, mix).loss.sum().backward()
        optimiser.step()


def measured(critics: Critics, options: argparse.Namespace) -> list[dict[str, Any]]:
    fast = choose_precision("auto", critics.device)
    forms: dict[str, Callable[[], None]] = {
        f"{REFERENCE}, float32": lambda: reference(critics),
        "package, float32": lambda: package(critics, torch.float32),
        f"package, {str(fast).removeprefix('torch.')}": lambda: package(critics, fast),
    }
    # Grouped convolutions cannot be differentiated twice on every device.
    if not critics.objective.penalised:
        forms["stacked, float32"] = lambda: stacked_splits(critics)
    timings = interleaved(forms, repeats=options.repeats, warm_ups=options.warm_ups, device=critics.device)
    of_reference = next(iter(timings.values())).median
    each = STEPS_OF_A_TEST / critics.splits / critics.steps
    return [
        {
            "critics": f"{critics.objective.name}, width {critics.width}, batch {critics.batch}",
            "splits": critics.splits,
            "form": form,
            f"seconds of a critic of {STEPS_OF_A_TEST} steps": plain(each * timing.median),
            "spread": f"{plain(each * min(timing.seconds))} to {plain(each * max(timing.seconds))}",
            "times as fast": f"{of_reference / timing.median:.2f}",
        }
        for form, timing in timings.items()
    ]


def by_precision(device: str) -> list[dict[str, Any]]:
    """Test sides that are alike and sides that differ little, in both precisions."""
    cells = simulate_cells(400, classes=["tips", "nucleus"], seed=1, all_greens=False).cells
    dim = cells.images[0].copy()
    dim[:, 1] = (dim[:, 1] * 0.93).astype(dim.dtype)
    first, second = (cells.images[0][start::2] for start in (0, 1))
    sides = {"halves of one class": second, "green 7 % darker": dim[1::2]}
    rows = []
    for name, other in sides.items():
        for precision in ("float32", "bfloat16"):
            given = (CellSet([images], ["tips"], intensity_range=cells.intensity_range) for images in (first, other))
            result = c2st(
                *given, splits=4, precision=precision, device=device, store=None, progress=False, band=False
            ).overall
            low, high = result.interval
            rows.append(
                {
                    "sides": name,
                    "precision": precision,
                    "score": f"{result.score:.3f} ± {result.std:.3f}",
                    "interval": f"{low:.3f} to {high:.3f}",
                    "accuracy": f"{result.accuracy:.3f}",
                    "p": f"{result.p_value:.4f}",
                }
            )
    return rows


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--full", action="store_true", help="critics of full size, and what the precision changes")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--warm-ups", type=int, default=1, help="rounds before those that count")
    options = parser.parse_args(arguments)
    device = choose_device(options.device)
    report = Report("c2st-full" if options.full else "c2st", device)
    cells = simulate_cells(CELLS, classes=["tips", "nucleus"], all_greens=False).cells
    steps = STEPS_OF_A_TEST if device.type == "cuda" else 15
    small = [Critics(cells, OBJECTIVES["gan"], 16, 32, splits, steps, device) for splits in (1, 10)]
    report.add("Critics by default", [row for critics in small for row in measured(critics, options)])
    if options.full:
        steps = STEPS_OF_A_TEST if device.type == "cuda" else 2
        large = [Critics(cells, OBJECTIVES["wgan-gp"], 64, 64, splits, steps, device) for splits in (1, 10)]
        report.add("Critics of full size", [row for critics in large for row in measured(critics, options)])
        report.add("What a test finds", by_precision(options.device))


if __name__ == "__main__":
    main()
