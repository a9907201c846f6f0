"""How fast are cells drawn in batches, against a plain data loader?

    python -m benchmarks data [--device cpu] [--full] [--repeats 5]

The reference is a torch DataLoader over the cells, which scales and flips one cell after
another and moves each batch to the device. The package keeps the cells on the device as
they are stored. Batches of 64 cells of 48x80 pixels in two channels of 8 bits. With
--full also 2x10^5 cells. How fast cells are read from disk is in `benchmarks/reading.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.measuring import REFERENCE, Report, interleaved, plain, warm_ups_on
from napari_biogans.cells import CellSet
from napari_biogans.training.data import ClassSampler, next_batch
from napari_biogans.training.devices import choose_device

BATCH = 64
BATCHES = 20


class PlainCells(Dataset[Tensor]):
    """Cells that are scaled and flipped one after another."""

    def __init__(self, cells: CellSet) -> None:
        self._images = torch.from_numpy(cells.images[0])

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, place: int) -> Tensor:
        image = self._images[place].float() / 127.5 - 1
        for axis in (-1, -2):
            if torch.rand(()) < 0.5:
                image = image.flip(axis)
        return image


def by_loader(cells: CellSet, device: torch.device) -> Callable[[], None]:
    loader = DataLoader(PlainCells(cells), BATCH, shuffle=True, drop_last=True)

    def draw() -> None:
        for _, batch in zip(range(BATCHES), loader, strict=False):
            batch.to(device)

    return draw


def by_package(cells: CellSet, device: torch.device) -> Callable[[], None]:
    sampler = ClassSampler(cells, BATCH, device, torch.Generator(device), flips=True)

    def draw() -> None:
        for _ in range(BATCHES):
            next_batch(sampler)

    return draw


def measured(count: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    device = choose_device(options.device)
    pixels = np.random.default_rng(0).integers(0, 255, (count, 2, 48, 80), dtype=np.uint8)
    cells = CellSet([pixels], ["cells"], intensity_range=[(0, 255), (0, 255)])
    forms = {REFERENCE: by_loader(cells, device), "package": by_package(cells, device)}
    timings = interleaved(forms, repeats=options.repeats, warm_ups=warm_ups_on(device), device=device)
    return [
        {
            "cells": f"{count:,}",
            "form": form,
            "ms of a batch": plain(1000 * timing.median / BATCHES),
            "spread": " to ".join(plain(1000 * of(timing.seconds) / BATCHES) for of in (min, max)),
            "times as fast": f"{timings[REFERENCE].median / timing.median:.1f}",
        }
        for form, timing in timings.items()
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--full", action="store_true", help="up to 200,000 cells")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    report = Report("data-full" if options.full else "data", choose_device(options.device))
    counts = (2_000, 20_000, 200_000) if options.full else (2_000, 20_000)
    report.add("Batches of cells", [row for count in counts for row in measured(count, options)])


if __name__ == "__main__":
    main()
