"""How near the estimate of a training's memory comes to what it takes.

    python -m benchmarks.memory [--device cuda]

Runs trainings of a few steps, each in a process of its own, and prints a Markdown
table of the estimate beside the growth of the process to its peak (on a GPU, the
peak that torch tells): once with a C library that gives memory back as soon as it
is free, which is what the training holds, and once as it is, which is what it takes.
The last column is for fitting the factors of `training/memory_estimate.py`: the bytes
held beyond networks and cells, over those that autograd keeps of one forward pass of
generator and critic (in float32).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

Case = dict[str, Any]
SIZE = (48, 80)
CELLS = 200
CASES: tuple[Case, ...] = (
    {"architecture": "joint", "width": 16, "batch_size": 256},
    {"architecture": "joint-separable", "width": 32, "batch_size": 64},
    {"architecture": "joint-separable", "width": 32, "batch_size": 256},
    {"architecture": "joint-separable", "width": 64, "batch_size": 16},
    {"architecture": "joint-separable", "width": 64, "batch_size": 128},
    {"architecture": "joint-separable", "width": 256, "batch_size": 4},
    {"architecture": "joint-separable", "width": 32, "batch_size": 128, "objective": "gan"},
    {"architecture": "joint-separable", "width": 32, "batch_size": 128, "objective": "wgan"},
    {"architecture": "joint-separable", "width": 32, "batch_size": 256, "precision": "bfloat16"},
    {"architecture": "joint-separable", "width": 32, "batch_size": 256, "precision": "bfloat16", "objective": "gan"},
    {"architecture": "joint-separable", "width": 32, "batch_size": 64, "size": (96, 160)},
    {"architecture": "joint-separable", "width": 32, "batch_size": 64, "extra_layers": 2},
    {"architecture": "joint", "width": 16, "batch_size": 64, "classes": 2, "cells": 20_000},
    {"architecture": "independent", "width": 16, "batch_size": 64, "classes": 6},
    {"architecture": "star-shaped", "width": 16, "batch_size": 16, "classes": 6},
    {"architecture": "star-shaped", "width": 16, "batch_size": 128, "classes": 6},
    {"architecture": "star-shaped", "width": 32, "batch_size": 64, "classes": 3},
    {"architecture": "star-shaped", "width": 32, "batch_size": 64, "classes": 3, "objective": "gan"},
    {"architecture": "star-shaped", "width": 64, "batch_size": 8, "classes": 6},
    {"architecture": "multi-channel", "width": 56, "batch_size": 64, "classes": 6},
    {"architecture": "multi-channel-separable", "width": 112, "batch_size": 16, "classes": 6},
)
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""Settings of glibc with which large blocks come from the system, and go back to it."""
DEFAULTS: Case = {
    "objective": "wgan-gp",
    "precision": "float32",
    "critic_steps": 1,
    "steps": 3,
    "log_every": 1,
}


def measure(case: Case) -> dict[str, float]:
    """Train for a few steps, and give the estimate and what was taken, in bytes."""
    import numpy as np

    from napari_biogans.cells import CellSet
    from napari_biogans.training import Saved, make_config, train
    from napari_biogans.training.device_memory import peak_memory
    from napari_biogans.training.devices import choose_device
    from napari_biogans.training.memory_estimate import estimate_memory, kept_of_a_pass

    classes, count, size = case.pop("classes", 1), case.pop("cells", CELLS), tuple(case.pop("size", SIZE))
    rng = np.random.default_rng(0)
    cells = CellSet(
        [rng.integers(0, 255, (count, 2, *size), dtype=np.uint8) for _ in range(classes)],
        [f"class {k + 1}" for k in range(classes)],
    )
    config = make_config(**case)
    device = choose_device(config.device)
    told: list[int] = []

    def train_once(learned: CellSet, **settings: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            train(
                learned,
                f"{folder}/run",
                progress=False,
                on_event=lambda event: told.append(event.peak_memory or 0) if isinstance(event, Saved) else None,
                **{**case, **settings},
            )

    # What the libraries take at their first use is not the training's.
    small = {"width": None, "latent_size": None, "extra_layers": 0, "batch_size": 2, "steps": 1}
    few = CellSet([images[:4] for images in cells.images], cells.class_names)
    train_once(few, **{**small, "architecture": "joint", "width": 4})
    before = 0 if device.type == "cuda" else peak_memory(device) or 0
    train_once(cells)
    estimate = estimate_memory(cells, config, device)
    kept = kept_of_a_pass(cells, config)
    taken = told[-1] - before
    return {
        "taken": taken,
        "estimate": estimate.of_batch(config.batch_size),
        "networks": estimate.networks,
        "rest": (taken - estimate.networks - estimate.cells) / config.batch_size,
        "kept": kept.generator + kept.critic,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(json.loads(options.measure))))
        return
    print("| training | batch | held, MB | taken, MB | estimate, MB | estimate / held | networks, MB | rest / kept |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        asked = json.dumps({**DEFAULTS, "device": options.device, **case})
        held, taken = (measured_apart(asked, environment) for environment in (GIVES_BACK, {}))
        columns = [
            words(case),
            str(case["batch_size"]),
            *(f"{amount / 1e6:,.0f}" for amount in (held["taken"], taken["taken"], held["estimate"])),
            f"{held['estimate'] / held['taken']:.2f}",
            f"{held['networks'] / 1e6:,.0f}",
            f"{held['rest'] / held['kept']:.1f}",
        ]
        print(f"| {' | '.join(columns)} |", flush=True)


def measured_apart(asked: str, environment: dict[str, str]) -> dict[str, float]:
    """Measure a case in a process of its own."""
    again = [sys.executable, "-m", "benchmarks.memory", "--measure", asked]
    run = subprocess.run(again, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    found: dict[str, float] = json.loads(run.stdout)
    return found


def words(case: Case) -> str:
    parts = [f"{case['architecture']}, width {case['width']}"]
    if "classes" in case:
        parts.append(f"{case['classes']} classes")
    if "cells" in case:
        parts.append(f"{case['cells']:,} cells each")
    if "size" in case:
        parts.append("x".join(map(str, case["size"])))
    if "extra_layers" in case:
        parts.append(f"{case['extra_layers']} extra layers")
    return ", ".join([*parts, *(case[name] for name in ("objective", "precision") if name in case)])


if __name__ == "__main__":
    main()
