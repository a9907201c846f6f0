"""Does drawing from the moving average of a generator's weights give better cells?

    python -m benchmarks.averaging [--steps 500 1000 2000] [--seeds 0 1 2] [--objective wgan-gp]

Trains on simulated cells, and at some steps lets a fresh WGAN-GP critic tell
cells drawn from either set of weights from real ones. The score is the gap
between its mean scores of drawn and of real cells that it was not trained on:
0 for cells that cannot be told apart, so lower is better. Beside it, the same for
real cells against other real ones. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.models import ARCHITECTURES, Model, NetworkShape, load_model
from napari_biogans.training import OBJECTIVES, iterate_training, make_config
from napari_biogans.training.events import Saved
from napari_biogans.training.steps import CriticStep

CRITIC_STEPS = 300
BATCH = 64


def held_out_gap(real: torch.Tensor, fake: torch.Tensor, seed: int) -> float:
    """Train a critic on half of the cells (N, C, H, W), and measure its gap on the other half."""
    half = len(real) // 2
    shape = NetworkShape(image_size=tuple(real.shape[-2:]), critic_width=8)
    _, critic = ARCHITECTURES["joint"].build(shape, seed)
    objective = OBJECTIVES["wgan-gp"]
    learn = CriticStep(objective, critic, 5e-4)
    rng = torch.Generator().manual_seed(seed)
    for _ in range(CRITIC_STEPS):
        chosen = torch.randint(half, (2, BATCH), generator=rng)
        mix = torch.rand((1, BATCH), generator=rng)
        learn(real[None, chosen[0]], fake[None, chosen[1]], mix)
    with torch.no_grad():
        return (critic(fake[None, half:]).mean() - critic(real[None, half:]).mean()).item()


def gaps(model: Model, cells: CellSet, seed: int) -> dict[str, float]:
    first, second = (part.to_unit()[0] for part in cells.split(test_fraction=0.5, seed=seed))
    real = torch.from_numpy(first)
    result = {"real": held_out_gap(real, torch.from_numpy(second), seed)}
    for weights in ("last", "averaged"):
        drawn = model.as_cells(model.generate(len(real), seed=seed, weights=weights))
        result[weights] = held_out_gap(real, torch.from_numpy(drawn.to_unit()[0]), seed)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--objective", default="wgan-gp")
    parser.add_argument("--decay", type=float, default=0.999)
    parser.add_argument("--width", type=int, default=8)
    arguments = parser.parse_args()

    found: dict[int, list[dict[str, float]]] = {step: [] for step in arguments.steps}
    for seed in arguments.seeds:
        cells = simulate_cells(4000, classes=["cytoplasm"], seed=seed, all_greens=False).cells
        train, test = cells.split(test_fraction=0.5, seed=seed)
        config = make_config(
            steps=max(arguments.steps),
            objective=arguments.objective,
            width=arguments.width,
            batch_size=32,
            critic_steps=2,
            learning_rate=5e-4,
            averaging_decay=arguments.decay,
            seed=seed,
            checkpoint_every=int(np.gcd.reduce(arguments.steps)),
            sample_every=10**6,
        )
        with tempfile.TemporaryDirectory() as folder:
            for event in iterate_training(train, Path(folder) / "run", config):
                if isinstance(event, Saved) and event.step in found:
                    found[event.step].append(gaps(load_model(event.model), test, seed))

    print(f"| steps | last weights | moving average ({arguments.decay}) | real cells |")
    print("| --- | --- | --- | --- |")
    for step, rows in found.items():
        columns = [
            f"{np.mean([row[name] for row in rows]):.2f} ({', '.join(f'{row[name]:.2f}' for row in rows)})"
            for name in ("last", "averaged", "real")
        ]
        print(f"| {step:,} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
