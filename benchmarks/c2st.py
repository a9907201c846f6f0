"""How long does a critic of a two-sample test take, for one split and for ten?

    python -m benchmarks.c2st [--device cpu] [--widths 8 16 64] [--splits 1 10] [--steps 20] [--repeats 3]
        [--objective gan]

Plain is the loop that one would write: one critic after another, each with all
threads. The package trains as many at once as there are processors, each with one
thread; on a GPU, one after another. Stacked is all critics of all splits in one, by
grouped convolutions (torch.func.vmap). Critics on 48x80 pixels, batch 32, with
sampling, flips and optimiser; scoring is left out. Forms are interleaved in one
process. Prints a Markdown table of median seconds per critic of 400 steps, and the
ratio of the plain loop to the others.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from benchmarks.classes import stacked
from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.work import choose_workers
from napari_biogans.models import NetworkShape
from napari_biogans.models.critics import Critic
from napari_biogans.models.layers import initialise
from napari_biogans.training.data import ClassSampler, next_batch
from napari_biogans.training.devices import channels_last, chosen_threads
from napari_biogans.training.objectives import OBJECTIVES, Objective
from napari_biogans.training.reference import critic_loss
from napari_biogans.training.steps import CriticStep

BATCH = 32
CELLS = 250
STEPS_OF_A_TEST = 400


def fresh_critic(width: int, device: torch.device, rng: torch.Generator) -> Critic:
    critic = Critic(NetworkShape(image_size=(48, 80), critic_width=width))
    initialise(critic, rng)
    return channels_last(critic.to(device))


def samplers(cells: CellSet, device: torch.device, rng: torch.Generator) -> list[ClassSampler]:
    return [ClassSampler(cells.subset([name]), BATCH, device, rng, flips=True) for name in cells.class_names]


def train_one(cells: CellSet, width: int, device: torch.device, steps: int, objective: Objective, seed: int) -> None:
    rng = torch.Generator(device).manual_seed(seed)
    critic = fresh_critic(width, device, torch.Generator().manual_seed(seed))
    learn = CriticStep(objective, critic, objective.learning_rate)
    real, fake = samplers(cells, device, rng)
    for _ in range(steps):
        mix = torch.rand(1, BATCH, generator=rng, device=device)
        learn(next_batch(real), next_batch(fake), mix)


def plain(cells: CellSet, width: int, device: torch.device, steps: int, objective: Objective, splits: int) -> None:
    for seed in range(splits):
        train_one(cells, width, device, steps, objective, seed)


def package(cells: CellSet, width: int, device: torch.device, steps: int, objective: Objective, splits: int) -> None:
    workers = choose_workers(C2STConfig(device=str(device)))
    with chosen_threads(1), ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda seed: train_one(cells, width, device, steps, objective, seed), range(splits)))


def stacked_splits(
    cells: CellSet, width: int, device: torch.device, steps: int, objective: Objective, splits: int
) -> None:
    rng = torch.Generator(device).manual_seed(0)
    critics = nn.ModuleList(fresh_critic(width, device, torch.Generator().manual_seed(k)) for k in range(splits))
    form, weights = stacked(critics, shared=False)
    optimiser = objective.optimiser(weights, objective.learning_rate)
    pairs = [samplers(cells, device, rng) for _ in range(splits)]
    for _ in range(steps):
        real, fake = (torch.cat([next_batch(pair[side]) for pair in pairs]) for side in (0, 1))
        mix = torch.rand(splits, BATCH, generator=rng, device=device)
        optimiser.zero_grad()
        critic_loss(objective, form, real, fake, mix).loss.sum().backward()
        optimiser.step()


FORMS: dict[str, Callable[[CellSet, int, torch.device, int, Objective, int], None]] = {
    "plain": plain,
    "package": package,
    "stacked": stacked_splits,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 16, 64])
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--objective", choices=list(OBJECTIVES), default="gan")
    options = parser.parse_args()
    device, objective = torch.device(options.device), OBJECTIVES[options.objective]
    cells = simulate_cells(CELLS, classes=["tips", "nucleus"], all_greens=False).cells
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"torch {torch.__version__}, {device} ({name})")
    print(f"seconds per {objective.name} critic of {STEPS_OF_A_TEST} steps\n")
    print(f"| width | splits | {' | '.join(FORMS)} | {' | '.join(f'plain / {form}' for form in list(FORMS)[1:])} |")
    print(f"|-|-|{'-|' * (2 * len(FORMS) - 1)}")
    for width in options.widths:
        for splits in options.splits:
            times: dict[str, list[float]] = {form: [] for form in FORMS}
            for repeat in range(options.repeats + 1):
                for form, run in FORMS.items():
                    started = time.perf_counter()
                    run(cells, width, device, options.steps, objective, splits)
                    if device.type == "cuda":
                        torch.cuda.synchronize()
                    took = (time.perf_counter() - started) / splits / options.steps * STEPS_OF_A_TEST
                    if repeat:  # the first one warms up
                        times[form].append(took)
            medians = {form: statistics.median(of) for form, of in times.items()}
            ratios = [medians["plain"] / medians[form] for form in list(FORMS)[1:]]
            cells_of_row = [f"{value:.1f}" for value in medians.values()] + [f"{ratio:.2f}" for ratio in ratios]
            print(f"| {width} | {splits} | {' | '.join(cells_of_row)} |", flush=True)


if __name__ == "__main__":
    main()
