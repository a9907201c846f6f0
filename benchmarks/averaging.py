"""Does drawing from the moving average of a generator's weights give better cells?

    python -m benchmarks.averaging [--steps 500 1000 2000] [--seeds 0 1 2] [--objective wgan-gp]

Trains on simulated cells, and at some steps lets a fresh classifier tell cells
drawn from either set of weights from real ones. Accuracy on held-out cells: 50%
is a draw, so lower is better. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.models import ARCHITECTURES, Model, NetworkShape, load_model
from napari_biogans.training import iterate_training, make_config
from napari_biogans.training.events import Saved

CLASSIFIER_STEPS = 300
BATCH = 64


def held_out_accuracy(real: torch.Tensor, fake: torch.Tensor, seed: int) -> float:
    """Train a classifier on half of the cells (N, C, H, W), and test it on the other half."""
    half = len(real) // 2
    shape = NetworkShape(image_size=tuple(real.shape[-2:]), critic_width=8)
    _, critic = ARCHITECTURES["joint"].build(shape, seed)
    optimiser = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.5, 0.999))
    rng = torch.Generator().manual_seed(seed)
    for _ in range(CLASSIFIER_STEPS):
        chosen = torch.randint(half, (BATCH,), generator=rng)
        scores = critic(torch.cat([real[chosen], fake[chosen]])[None])[0]
        loss = binary_cross_entropy_with_logits(scores, torch.tensor([1.0, 0.0]).repeat_interleave(BATCH))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        right = (critic(real[None, half:]) > 0).sum() + (critic(fake[None, half:]) <= 0).sum()
    return right.item() / (2 * (len(real) - half))


def accuracies(model: Model, real: CellSet, seed: int) -> dict[str, float]:
    truth = torch.from_numpy(real.to_unit()[0])
    result = {}
    for weights in ("last", "averaged"):
        drawn = model.as_cells(model.generate(len(real), seed=seed, weights=weights))
        result[weights] = held_out_accuracy(truth, torch.from_numpy(drawn.to_unit()[0]), seed)
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
        cells = simulate_cells(2000, classes=["cytoplasm"], seed=seed, all_greens=False).cells
        train, test = cells.split(test_fraction=0.4, seed=seed)
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
                    found[event.step].append(accuracies(load_model(event.model), test, seed))

    print(f"| steps | last weights | moving average ({arguments.decay}) |")
    print("| --- | --- | --- |")
    for step, rows in found.items():
        cells_of_row = [
            f"{100 * np.mean([row[name] for row in rows]):.1f}% ({', '.join(f'{100 * row[name]:.1f}' for row in rows)})"
            for name in ("last", "averaged")
        ]
        print(f"| {step:,} | {' | '.join(cells_of_row)} |", flush=True)


if __name__ == "__main__":
    main()
