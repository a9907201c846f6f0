"""How fast cell sets are read, and how much memory that takes beyond their own.

    python benchmarks/reading.py --cells 180000 --layouts stack archive
    python benchmarks/reading.py --cells 20000

Writes made-up cells of 48x80 in two channels of 8 bits, reads each layout in a
process of its own, and prints a Markdown table. Memory is the growth of the
process at its peak over the bytes of the pixels. Files that were just written
are in the system's cache, so that the disk is not measured.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tifffile
from numpy.typing import NDArray

SIZE = (48, 80)
# Cells are made, and repeated, by so many.
DIFFERENT_CELLS = 1000


def make_cells(size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Noisy bright ovals, which compress as cells do."""
    rng = np.random.default_rng(0)
    rows, columns = np.ogrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    oval = 150 * np.exp(-4 * (rows**2 + columns**2))
    return np.clip(oval + rng.normal(20, 6, (DIFFERENT_CELLS, 2, *size)), 0, 255).astype(np.uint8)


def write_pictures(path: Path, cells: int) -> None:
    few = make_cells()
    for number in range(cells):
        folder = path / f"class{number * 6 // cells}"
        folder.mkdir(parents=True, exist_ok=True)
        picture = np.stack([*few[number % len(few)], np.zeros(SIZE, np.uint8)], axis=-1)
        iio.imwrite(folder / f"cell{number}.png", picture)


def write_stack(path: Path, cells: int, size: tuple[int, int] = SIZE, **options: object) -> None:
    path.mkdir()
    images = np.resize(make_cells(size), (cells, 2, *size))
    tifffile.imwrite(path / "class0.tif", images, photometric="minisblack", metadata={"axes": "TCYX"}, **options)


def write_archive(path: Path, cells: int) -> None:
    np.savez(path, class0=np.resize(make_cells(), (cells, 2, *SIZE)))


LAYOUTS = {
    "pictures": ("folders of PNG", "cells", write_pictures),
    "stack": ("ImageJ stack", "cells", lambda path, n: write_stack(path, n, imagej=True)),
    "resized": ("ImageJ stack, 50x78", "cells", lambda path, n: write_stack(path, n, (50, 78), imagej=True)),
    "ome": ("OME-TIFF", "cells", lambda path, n: write_stack(path, n, ome=True)),
    "packed": ("OME-TIFF, deflated", "cells", lambda path, n: write_stack(path, n, ome=True, compression="zlib")),
    "archive": (".npz", "cells.npz", write_archive),
}


def measure(path: str) -> None:
    """Read a cell set, and print seconds, cells and memory as JSON."""
    import warnings

    from napari_biogans.cells import CellsWarning, read_cells

    warnings.simplefilter("ignore", CellsWarning)
    in_bytes = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    cells = read_cells(path)
    seconds = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * in_bytes
    print(json.dumps({"seconds": seconds, "cells": len(cells), "memory": grown / cells.nbytes}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--layouts", nargs="*", choices=LAYOUTS, default=list(LAYOUTS))
    parser.add_argument("--folder", help="where to write the files (about 10 GB for 180,000 cells in every layout)")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    if options.write:
        LAYOUTS[options.write[0]][2](Path(options.write[1]), options.cells)
        return
    print("| layout | cells | seconds | cells/s | peak memory / pixels |\n|-|-|-|-|-|")
    for layout in options.layouts:
        name, target, _ = LAYOUTS[layout]
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            again = [sys.executable, __file__, "--cells", str(options.cells)]
            path = str(Path(folder, target))
            subprocess.run([*again, "--write", layout, path], check=True)
            found = json.loads(subprocess.run([*again, "--measure", path], check=True, capture_output=True).stdout)
        print(
            f"| {name} | {found['cells']:,} | {found['seconds']:.1f} | {found['cells'] / found['seconds']:,.0f} "
            f"| {found['memory']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
