"""How near do reconstructions come to real cells that a model was not trained on?

    python -m benchmarks.held_out RUN CELLS [--minutes 75] [--cells-in-all 50] [--output FOLDER]

Trains a star-shaped model of reduced width on nine tenths of the cells (unless RUN holds a model
already), and rebuilds some of the rest by several settings, beside the training cell that is most
alike, flips considered. Prints a Markdown table; --output gets the figure, the table and the stacks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import napari_biogans as biogans
from benchmarks.reconstruct import timed
from benchmarks.truth import SETTINGS

SEARCHES = {
    "default": {},
    "prior 1e-6": {"prior": 1e-6},
    "red-first, prior 1e-6": {"mode": "red-first", "prior": 1e-6},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("cells", type=Path)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--cells-in-all", type=int, default=50)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    train, test = biogans.read_cells(options.cells).split(test_fraction=0.1, seed=0)
    if not (options.run / "model.safetensors").exists():
        biogans.train(train, options.run, minutes=options.minutes, **SETTINGS)
    model = biogans.load_model(options.run)
    classes = len(test.class_names)
    some = [options.cells_in_all // classes + (k < options.cells_in_all % classes) for k in range(classes)]
    cells = test.subset(indices=[slice(0, count) for count in some])
    print(f"step {model.header.step:,}; {len(cells)} held-out cells\n")
    print(
        "| search | RMSE, median | " + " | ".join(model.channel_names) + " | nearest training cell | model is nearer | "
        "-log density | seconds |"
    )
    print("|-|-|" + "-|" * len(model.channel_names) + "-|-|-|-|")
    for name, settings in SEARCHES.items():
        result, seconds = timed(model, cells, training_cells=train, **settings)
        channels = " | ".join(f"{value:.4f}" for value in np.median(result.rmse, axis=0))
        nearer = (result.error < result.neighbour_rmse).mean()
        print(
            f"| {name} | {np.median(result.error):.4f} | {channels} | {np.median(result.neighbour_rmse):.4f} "
            f"| {nearer:.0%} | {np.median(result.nll):.0f} | {seconds:.1f} |",
            flush=True,
        )
        if options.output is not None and not settings:
            result.save(options.output)


if __name__ == "__main__":
    main()
