"""How fast is a training step, against the plain one?

    python -m benchmarks train [--device cpu] [--full] [--repeats 5]

Steps of the reference loop (float32, eager) and of the package, on random cells,
interleaved in one process, each from the same state; peak memory is measured in
processes of their own. Operations are those of convolutions and products, by form:
the package needs fewer. On a GPU the package is measured as it is for short trainings and
compiled, as it is for long ones. Rates are set beside that of large matrix products on the same
machine, in the form's type. With --full also how the cost grows with batch, image size,
width, classes and cells; without, networks are small.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np
import torch

from benchmarks.measuring import (
    REFERENCE,
    Report,
    Timing,
    flops_of,
    growth,
    interleaved,
    matrix_rate,
    peak_of_process,
    plain,
    warm_ups_on,
)
from napari_biogans.cells import CellSet
from napari_biogans.training import make_config
from napari_biogans.training.compiling import CALLS
from napari_biogans.training.devices import choose_device
from napari_biogans.training.state import TrainingState

Case = dict[str, Any]
FAST, COMPILED = "package", "package, compiled"
STEPS = {COMPILED: CALLS}
"""Of a training that is so long that it is compiled on a GPU."""
CELLS = 256


def state_of(form: str, device: str, case: Case) -> TrainingState:
    """Make a training of a case: settings, and `classes`, `size` and `cells` of each class."""
    settings = {"steps": STEPS.get(form, 1000), **case}
    classes, count, size = settings.pop("classes", 1), settings.pop("cells", CELLS), settings.pop("size", (48, 80))
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 255, (count, 2, *size), dtype=np.uint8) for _ in range(classes)]
    cells = CellSet(pixels, [f"class {k + 1}" for k in range(classes)])
    return TrainingState(cells, make_config(device=device, **settings), reference=form == REFERENCE)


def peak_of(form: str, device: str, case: Case) -> int:
    """Measure the memory of a form, where none is held: on a CPU in a process of its own."""
    chosen = choose_device(device)
    if chosen.type != "cuda":
        return peak_of_process("benchmarks.train", "--peak", form, device, json.dumps(case))

    def train() -> None:
        state = state_of(form, device, case)
        for _ in range(warm_ups_on(chosen)):
            state.advance()

    return growth(train, chosen)


def words(case: Case) -> str:
    settings = {"architecture": "joint-separable", "objective": "wgan-gp", **case}
    size = settings.pop("size", (48, 80))
    parts = [f"{settings.pop('architecture')} {settings.pop('objective')}", f"{size[0]}x{size[1]}"]
    return ", ".join([*parts, *(f"{name.replace('_', ' ')} {value:,}" for name, value in settings.items())])


def measured(case: Case, options: argparse.Namespace, rates: dict[torch.dtype, float]) -> list[dict[str, Any]]:
    """Measure a step of each form of a case."""
    device = choose_device(options.device)
    forms = (REFERENCE, FAST, COMPILED) if device.type == "cuda" else (REFERENCE, FAST)
    peaks = {form: peak_of(form, options.device, case) for form in forms}
    states = {form: state_of(form, options.device, case) for form in forms}
    operations = {form: flops_of(states[form].advance) for form in (REFERENCE, FAST)}
    operations[COMPILED] = operations[FAST]
    timings = interleaved(
        {form: state.advance for form, state in states.items()},
        repeats=options.repeats,
        warm_ups=warm_ups_on(device) - 1,
        device=device,
    )
    rows = []
    for form, state in states.items():
        timing, rate = timings[form], operations[form] / timings[form].median
        rows.append(
            {
                "case": words(case),
                "form": f"{form}, {str(state.precision).removeprefix('torch.')}",
                "seconds of a step": str(timing),
                "times as fast": f"{timings[REFERENCE].median / timing.median:.2f}",
                "GFLOP": plain(operations[form] / 1e9),
                "GFLOP/s": plain(rate / 1e9),
                "of matrix products": f"{rate / rates[state.precision]:.0%}",
                "peak memory": f"{peaks[form] / 2**20:,.0f} MiB",
            }
        )
    return rows


def growing(title: str, cases: list[Case], options: argparse.Namespace, report: Report) -> None:
    """Measure how the cost of a step grows along some cases."""
    device = choose_device(options.device)
    rows = []
    for case in cases:
        state = state_of(FAST, options.device, case)
        timing: Timing = interleaved(
            {FAST: state.advance}, repeats=options.repeats, warm_ups=warm_ups_on(device), device=device
        )[FAST]
        learned = state.config.batch_size * case.get("classes", 1)
        rows.append(
            {
                "case": words(case),
                "seconds of a step": str(timing),
                "steps a second": plain(1 / timing.median),
                "ms for each cell of the batch": plain(1000 * timing.median / learned),
                "ms for each class": plain(1000 * timing.median / case.get("classes", 1)),
            }
        )
        print(rows[-1], file=sys.stderr, flush=True)
    report.add(title, rows)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--full", action="store_true", help="full-size networks, and how costs grow")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peak", nargs=3, metavar=("FORM", "DEVICE", "CASE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        form, name, case = options.peak
        print(growth(lambda: state_of(form, name, json.loads(case)).advance(), choose_device(name)))
        return
    device = choose_device(options.device)
    report = Report("train-full" if options.full else "train", device)
    rates = {dtype: matrix_rate(dtype, device) for dtype in (torch.float32, torch.bfloat16)}
    report.add(
        "Large matrix products",
        [{"type": str(dtype).removeprefix("torch."), "GFLOP/s": plain(rate / 1e9)} for dtype, rate in rates.items()],
    )
    width = 64 if options.full else 16
    cases: list[Case] = [
        {"architecture": "joint-separable", "width": width, "batch_size": 64},
        {"architecture": "star-shaped", "classes": 6, "width": width, "batch_size": 64},
    ]
    if options.full:
        cases += [{"architecture": "joint-separable", "objective": "gan", "width": width, "batch_size": 64}]
    report.add("Training steps", [row for case in cases for row in measured(case, options, rates)])
    if not options.full:
        return
    # On a CPU the rows grow from a narrower network, so that they take minutes and not hours.
    one: Case = {"width": 64 if device.type == "cuda" else 16, "batch_size": 64}
    growing("By batch", [{**one, "batch_size": batch} for batch in (16, 32, 64, 128, 256)], options, report)
    growing("By image size", [{**one, "size": size} for size in ((24, 40), (48, 80), (96, 160))], options, report)
    growing("By width", [{**one, "width": width} for width in (8, 16, 32, 64)], options, report)
    star: Case = {**one, "architecture": "star-shaped", "batch_size": 64 if device.type == "cuda" else 16}
    growing("By classes", [{**star, "classes": classes} for classes in (1, 2, 6, 20, 41)], options, report)
    growing("By cells", [{**one, "cells": cells} for cells in (1_000, 10_000, 50_000, 200_000)], options, report)


if __name__ == "__main__":
    main()
