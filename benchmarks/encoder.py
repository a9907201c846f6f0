"""Does an encoder make reconstruction faster? It guesses the latent that a search then starts from.

    python -m benchmarks.encoder MODEL CELLS [--minutes 5] [--cells-of-a-class 6]

Trains a small convolutional network on cells that the model draws, to tell the latent of each, and
searches from its guess, from random starts, and from the latent of the nearest of 2,000 drawn
cells. Prints the median error of real cells by evaluations spent, as a Markdown table.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_biogans.cells import CellSet, read_cells, to_unit
from napari_biogans.cells.neighbours import nearest_images
from napari_biogans.latent import reconstruct
from napari_biogans.models import Model, load_model

EVALUATIONS = (5, 10, 20, 40, 80, 150)
WIDTH, BATCH, RATE = 32, 64, 1e-3
DRAWN = 2000


def encoder(model: Model) -> nn.Sequential:
    """Four convolutions that halve, and a linear layer."""
    height, width = model.header.shape.image_size
    channels = [model.header.shape.channels, WIDTH, 2 * WIDTH, 4 * WIDTH, 4 * WIDTH]
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(channels[-1] * (height // 16) * (width // 16), model.latent_size)
    )


def taught(model: Model, minutes: float) -> tuple[nn.Sequential, int, float]:
    """Train until the time is over; give the network, its steps and its last loss."""
    network = encoder(model)
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    rng = torch.Generator().manual_seed(0)
    end, steps, losses = time.monotonic() + 60 * minutes, 0, []
    while time.monotonic() < end:
        latents = torch.randn(BATCH, model.latent_size, generator=rng)
        # A class at a time, as the green of a cell is of one.
        place = steps % len(model.class_names)
        with torch.no_grad():
            drawn = model.architecture.pairs(model.generator(latents, [place]), model.header.shape)[0].float()
        loss = nn.functional.mse_loss(network(drawn), latents)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        steps += 1
    return network.eval(), steps, float(np.mean(losses[-50:]))


def nearest_drawn(model: Model, cells: CellSet) -> NDArray[np.float32]:
    latents = model.draw_latents(DRAWN, seed=0)
    found = []
    for name, images in zip(cells.class_names, cells.images, strict=True):
        drawn = model.generate(latents=latents, classes=[name])[0]
        nearest = nearest_images(images, drawn, intensity_range=cells.intensity_range, flips=False)
        found.append(latents[nearest.indices[:, 0]])
    return np.concatenate(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("cells", type=Path)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--cells-of-a-class", type=int, default=6)
    options = parser.parse_args()
    model, every = load_model(options.model), read_cells(options.cells)
    cells = every.subset(indices=[slice(0, options.cells_of_a_class)] * len(every.class_names))
    network, steps, loss = taught(model, options.minutes)
    print(
        f"{steps:,} steps of {BATCH} drawn cells; mean squared error of the latent {loss:.3f} (1 is no better than 0)\n"
    )
    intensity_range = np.array(model.header.intensity_range, np.float32)
    with torch.no_grad():
        guessed = network(torch.from_numpy(to_unit(np.concatenate(cells.images), intensity_range))).numpy()
    starts = {
        "two random (default)": {},
        "one random": {"starts": 1},
        "nearest of 2,000 drawn cells": {"starts": 1, "start_from": nearest_drawn(model, cells)},
        "encoder": {"starts": 1, "start_from": guessed},
        "encoder and one random": {"starts": 2, "start_from": guessed},
    }
    print("| start | " + " | ".join(f"{n} evaluations" for n in EVALUATIONS) + " |")
    print("|-|" + "-|" * len(EVALUATIONS))
    for name, settings in starts.items():
        row = []
        for evaluations in EVALUATIONS:
            started = time.perf_counter()
            result = reconstruct(model, cells, steps=evaluations, progress=False, **settings)
            row.append(f"{np.median(result.error):.4f} ({time.perf_counter() - started:.1f} s)")
        print(f"| {name} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
