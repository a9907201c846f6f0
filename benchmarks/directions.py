"""How exact, and how slow, are principal directions by the number of draws?

    python -m benchmarks.directions MODEL [--threads 1] [--truth 2000]

Compares the directions of few draws with those of many, of a trained model: the
part of the change along the true five that the found five have, and the cosine
of the first with the true first. Then times full-size untrained models. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_biogans.latent import principal_directions
from napari_biogans.models import Model, NetworkShape, load_model, untrained_model

DRAWS = (32, 64, 128, 256, 512)
DEFAULT_DRAWS = 128
SEEDS = 3


def directions(model: Model, part: str, draws: int, seed: int, n: int = 5) -> tuple[NDArray[np.float64], list[float]]:
    found = principal_directions(model, part=part, n=n, draws=draws, seed=seed)  # type: ignore[arg-type]
    return np.array([each.vector for each in found], float), [each.explained or 0.0 for each in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--truth", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    model = load_model(options.model)
    size = model.red_latent_size or model.latent_size
    print(f"{model}\n\n| part | draws | change along the five, of the most possible | cosine of the first |\n|-|-|-|-|")
    for part in ("red", "green"):
        count = size if part == "red" else model.latent_size - size
        axes, shares = directions(model, part, options.truth, seed=1000, n=count)
        gram = axes.T * shares @ axes
        for draws in DRAWS:
            parts, cosines = [], []
            for seed in range(SEEDS):
                few, _ = directions(model, part, draws, seed)
                parts.append(np.einsum("kz,zy,ky->", few, gram, few) / sum(shares[:5]))
                cosines.append(abs(few[0] @ axes[0]))
            print(f"| {part} | {draws} | {np.median(parts):.3f} | {np.median(cosines):.3f} |", flush=True)
    print(f"\n48x80, width 64, {options.threads} threads, {DEFAULT_DRAWS} draws\n")
    print("| architecture | classes | part | seconds of a processor |\n|-|-|-|-|")
    for architecture, classes in (("joint", 1), ("star-shaped", 1), ("star-shaped", 6), ("multi-channel-separable", 6)):
        width = 224 if "multi" in architecture else 64
        full = untrained_model(NetworkShape(image_size=(48, 80), width=width, classes=classes), architecture)
        for part in ("all",) if architecture == "joint" else ("red", "green"):
            started = time.process_time()
            directions(full, part, DEFAULT_DRAWS, 0)
            print(f"| {architecture} | {classes} | {part} | {time.process_time() - started:.1f} |", flush=True)


if __name__ == "__main__":
    main()
