"""Does a star-shaped model draw the green of the class that it was asked for?

    python -m benchmarks.right_class [--minutes 5] [--width 8] [--classes nucleus cytoplasm tips] [--output FOLDER]

Trains a star-shaped model on simulated cells of three classes, and, on other
simulated cells, a small network that tells the classes by green alone. Then counts
how many of the drawn greens that network assigns to the class they were drawn for,
and how many held-out simulated ones. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.evaluation import overview_figure
from napari_biogans.training import train
from napari_biogans.training.presets import PRESETS

CLASSIFIER_STEPS = 400
BATCH = 64
DRAWS = 500


def greens_of(cells: CellSet) -> list[Tensor]:
    return [torch.from_numpy(array[:, 1:]) for array in cells.to_unit()]


def train_classifier(cells: CellSet, seed: int) -> nn.Module:
    """Learn to tell the classes of a set by green, (N, 1, H, W) in [-1, 1]."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
    classifier = nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d((3, 5)), nn.Flatten(), nn.Linear(64 * 15, len(cells.class_names))
    )
    optimiser = torch.optim.Adam(classifier.parameters(), 1e-3)
    greens = greens_of(cells)
    truth = torch.arange(len(greens)).repeat_interleave(BATCH // len(greens))
    for _ in range(CLASSIFIER_STEPS):
        batch = torch.cat([green[torch.randint(len(green), (BATCH // len(greens),))] for green in greens])
        for axis in (-1, -2):
            flips = torch.rand(len(batch), 1, 1, 1) < 0.5
            batch = torch.where(flips, batch.flip(axis), batch)
        optimiser.zero_grad()
        functional.cross_entropy(classifier(batch), truth).backward()
        optimiser.step()
    return classifier.eval()


@torch.no_grad()
def assigned(classifier: nn.Module, cells: CellSet) -> np.ndarray:
    """Parts of each class that are assigned to each class, (K, K)."""
    rows = [classifier(green).argmax(dim=1) for green in greens_of(cells)]
    return np.array([np.bincount(row, minlength=len(rows)) / len(row) for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--classes", nargs="+", default=["nucleus", "cytoplasm", "tips"])
    parser.add_argument("--cells", type=int, default=1000, help="of each class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="folder for the run and a picture; default none is kept")
    arguments = parser.parse_args()

    learned, others = (
        simulate_cells(arguments.cells, classes=arguments.classes, seed=seed, all_greens=False).cells
        for seed in (arguments.seed, arguments.seed + 1000)
    )
    known, held_out = others.split(test_fraction=0.3)
    classifier = train_classifier(known, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        output = arguments.output or Path(folder) / "run"
        model = train(
            learned,
            output,
            **{
                **PRESETS["demo"].settings_for("star-shaped"),
                "architecture": "star-shaped",
                "width": arguments.width,
                "steps": 1_000_000,
                "minutes": arguments.minutes,
                "seed": arguments.seed,
            },
        )
        overview_figure(model, learned).savefig(output / "overview.png", dpi=200)
    drawn = model.as_cells(model.generate(DRAWS, seed=arguments.seed))
    print(f"\nstar-shaped, width {arguments.width}, {model.header.step:,} steps in {arguments.minutes:g} minutes\n")
    print(f"| class | drawn, assigned to {' / '.join(arguments.classes)} | held-out simulated cells, the same |")
    print("| --- | --- | --- |")
    tables = [assigned(classifier, cells) for cells in (drawn, held_out)]
    for k, name in enumerate(arguments.classes):
        print(f"| {name} | {' | '.join(' / '.join(f'{part:.0%}' for part in table[k]) for table in tables)} |")
    right = [np.diag(table).mean() for table in tables]
    print(f"| all, to the right class | **{right[0]:.1%}** | {right[1]:.1%} |")


if __name__ == "__main__":
    main()
