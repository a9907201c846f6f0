"""Does a fast training end where the plain one ends?

    python -m benchmarks.same_training [--device cpu] [--steps 400] [--seeds 3] [--architecture joint-separable]

Trains on simulated cells with the reference loop (float32, eager) and with the package in
float32 and bfloat16, from the same weights and random numbers; then tests the cells that
each model draws against real ones that it has not seen. Prints a Markdown table of the
scores of the tests with their intervals, and how far weights have drifted apart, in parts
of the way that those of the reference have gone.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch

from benchmarks.measuring import REFERENCE, Report
from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.evaluation import c2st
from napari_biogans.training import make_config
from napari_biogans.training.devices import choose_device, chosen_threads
from napari_biogans.training.state import TrainingState

FORMS: dict[str, dict[str, Any]] = {
    f"{REFERENCE}, float32": {"reference": True},
    "package, float32": {},
    "package, bfloat16": {"precision": "bfloat16"},
}


def weights_of(state: TrainingState) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in state.generator.parameters()])


def trained(cells: CellSet, seed: int, options: argparse.Namespace, how: dict[str, Any]) -> TrainingState:
    config = make_config(
        architecture=options.architecture,
        width=options.width,
        batch_size=options.batch,
        learning_rate=options.learning_rate,
        precision=how.get("precision", "float32"),
        device=options.device,
        seed=seed,
    )
    state = TrainingState(cells, config, reference=how.get("reference", False))
    with chosen_threads():
        for _ in range(options.steps):
            state.advance()
    return state


def measured(seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    cells = simulate_cells(1000, classes=["nucleus"], seed=seed, all_greens=False).cells
    train_cells, unseen = cells.split(test_fraction=0.5, seed=0)
    start = weights_of(trained(train_cells, seed, argparse.Namespace(**{**vars(options), "steps": 0}), {}))
    rows, of_reference = [], None
    for form, how in FORMS.items():
        state = trained(train_cells, seed, options, how)
        of_reference = weights_of(state) if of_reference is None else of_reference
        drift = (weights_of(state) - of_reference).norm() / (of_reference - start).norm()
        result = c2st(state.model({}), unseen, device=options.device, store=None, progress=False).overall
        low, high = result.interval
        rows.append(
            {
                "seed": seed,
                "form": form,
                "score": f"{result.score:.2f} ± {result.std:.2f}",
                "interval": f"{low:.2f} to {high:.2f}",
                "accuracy": f"{result.accuracy:.3f}",
                "drift": f"{drift:.2f}",
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--architecture", default="joint-separable")
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    options = parser.parse_args()
    report = Report("same-training", choose_device(options.device))
    title = f"{options.architecture}, width {options.width}, batch {options.batch}, {options.steps} steps"
    report.add(title, [row for seed in range(options.seeds) for row in measured(seed, options)])


if __name__ == "__main__":
    main()
