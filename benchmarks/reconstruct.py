"""How near, and how fast, are reconstructions, against the published search?

    python -m benchmarks.reconstruct MODEL CELLS [--cells 32] [--paper-steps 1000] [--paper-starts 5] [--threads 2]

Rebuilds the first cells of every class by several settings, each with the same model,
cells and random numbers. Published is torch's own L-BFGS with the published settings,
whose curvature history all cells of a batch share. Then rebuilds cells that the model
drew itself, from random starts. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_biogans.cells import CellSet, read_cells
from napari_biogans.latent import Reconstruction, reconstruct
from napari_biogans.models import Model, load_model

OWN: list[dict[str, Any]] = [
    {},
    {"steps": 80},
    {"starts": 1},
    {"starts": 5},
    {"prior": 1e-7},
    {"prior": 1e-6},
    {"mode": "red-first"},
    {"mode": "red-first", "prior": 1e-7},
    {"mode": "red-first", "prior": 1e-6},
]
FOUND = 0.005
"""RMSE below which a cell that the model drew counts as found."""


def timed(model: Model, cells: CellSet, **settings: Any) -> tuple[Reconstruction, float]:
    started = time.perf_counter()
    return reconstruct(model, cells, progress=False, **settings), time.perf_counter() - started


def row(name: str, result: Reconstruction, seconds: float, published: float | None) -> str:
    ratio = "" if published is None else f"{published / seconds:.1f}"
    return f"| {name} | {np.median(result.error):.4f} | {np.median(result.nll):.0f} | {seconds:.1f} | {ratio} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("cells", type=Path)
    parser.add_argument("--cells-of-a-class", type=int, default=6)
    parser.add_argument("--paper-steps", type=int, default=1000)
    parser.add_argument("--paper-starts", type=int, default=5)
    parser.add_argument("--drawn", type=int, default=100)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = load_model(options.model)
    cells = read_cells(options.cells)
    some = cells.subset(model.class_names, [slice(-options.cells_of_a_class, None)] * len(model.class_names))
    print(f"{model}; {len(some)} cells; {options.threads} threads\n")
    print("| search | median RMSE | median -log density | seconds | faster |\n|-|-|-|-|-|")
    published = None
    if options.paper_steps:
        settings = {"protocol": "paper", "steps": options.paper_steps, "starts": options.paper_starts}
        result, published = timed(model, some, **settings)
        print(row(f"published, {options.paper_starts} starts of {options.paper_steps}", result, published, None))
    for settings in OWN:
        result, seconds = timed(model, some, **settings)
        print(row(str(result.config), result, seconds, published), flush=True)

    drawn = model.as_cells(model.generate(-(-options.drawn // len(model.class_names)), seed=1))
    print(f"\n{len(drawn)} cells that the model drew\n")
    print(f"| search | median RMSE | RMSE below {FOUND} | seconds |\n|-|-|-|-|")
    for settings in ({}, {"steps": 80}, {"prior": 1e-7}, {"starts": 5}):
        result, seconds = timed(model, drawn, **settings)
        found = float((result.error < FOUND).mean())
        print(f"| {result.config} | {np.median(result.error):.4f} | {found:.0%} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
