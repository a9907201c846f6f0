"""How long it takes to cut the cells out of one large field, and how much memory that takes.

    python -m benchmarks.cutting --side 20000 --cells 20000
    python -m benchmarks.cutting

Lays simulated fields side by side into two memory-mapped files, and cuts them in a
process of its own: segmentation, measuring, cutting. Prints a Markdown table. Memory is
what the process has for itself at its peak (what it maps of the files the system can
take back at any time), beyond what it had once all was imported.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

BLOCK = 1000
"""Side of a simulated field, in pixels; so many different ones are made, and repeated."""
DIFFERENT = 8


def make(folder: Path, side: int, cells: int) -> None:
    """Write red and green of a large field."""
    from napari_biogans.cells import simulate_field

    blocks = (side // BLOCK) ** 2
    fields = [simulate_field(round(cells / blocks), shape=(BLOCK, BLOCK), seed=seed).field for seed in range(DIFFERENT)]
    rng = np.random.default_rng(0)
    planes = [
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.uint8, shape=(side, side))
        for name in ("red", "green")
    ]
    for top in range(0, side, BLOCK):
        for left in range(0, side, BLOCK):
            field = fields[rng.integers(DIFFERENT)]
            for plane, light in zip(planes, (field.red, field.green), strict=True):
                plane[top : top + BLOCK, left : left + BLOCK] = light


def own_memory() -> int:
    """Give the bytes of this process that no file holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell how much memory a process has for itself; run it on Linux")


class Watch:
    """Looks at the memory many times a second."""

    def __init__(self) -> None:
        self.peak = own_memory()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.peak = max(self.peak, own_memory())

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return self.peak


def measure(folder: Path) -> dict[str, float]:
    """Cut the field of a folder."""
    import skimage.filters
    import skimage.morphology
    import skimage.segmentation  # noqa: F401  # what is imported is not counted

    from napari_biogans.cells import CuttingProgress, cut_cells, read_fields

    fields = read_fields(folder / "red.npy", folder / "green.npy", pixel_size=0.2)
    before, watch, started = own_memory(), Watch(), time.perf_counter()
    took: dict[str, float] = {}

    def note(event: CuttingProgress) -> None:
        took[event.stage] = time.perf_counter() - started

    try:
        result = cut_cells(fields, on_event=note)
    finally:
        peak = watch.stop()
    return {
        "segmenting": took["segmenting"],
        "measuring": took["measuring"] - took["segmenting"],
        "cutting": took["cutting"] - took["measuring"],
        "peak": peak - before,
        "cells": result.cells.nbytes,
        "found": len(result.table),
        "kept": len(result.cells),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4000)
    parser.add_argument("--cells", type=int, default=800)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(Path(options.measure))))
        return
    if options.side % BLOCK:
        parser.error(f"--side is a multiple of {BLOCK}")
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), options.side, options.cells)
        again = [sys.executable, "-m", "benchmarks.cutting", "--measure", folder]
        run = subprocess.run(again, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(run.stdout.splitlines()[-1])
    print("| field | cells found | kept | segmenting, s | measuring, s | cutting, s | memory, MB | of it cells, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    columns = [
        f"{options.side} x {options.side}",
        f"{found['found']:,}",
        f"{found['kept']:,}",
        *(f"{found[stage]:.0f}" for stage in ("segmenting", "measuring", "cutting")),
        *(f"{found[part] / 1e6:.0f}" for part in ("peak", "cells")),
    ]
    print(f"| {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
