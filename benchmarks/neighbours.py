"""What finding the nearest neighbours in red costs.

    python -m benchmarks.neighbours [--cells 2000 27000] [--device cpu] [--threads 1]

Finds the five nearest of N simulated cells for each of N others, flips considered, each
N in a process of its own. Prints a Markdown table of seconds and of the memory that was
needed beyond the stored images (on Linux).
"""

from __future__ import annotations

import argparse
import subprocess
import sys

CHILD = """
import sys, time
from pathlib import Path
import numpy as np
import torch
from napari_biogans.cells import nearest_images, simulate_cells

def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(name))

count, device, threads = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
cells = simulate_cells(count, classes=["nucleus", "tips"], all_greens=False).cells
first, second = (array[:, :1].copy() for array in cells.images)
del cells
nearest_images(first[:10], second[:10], 5, intensity_range=np.array([[0, 255]]), device=device)
Path("/proc/self/clear_refs").write_text("5")  # forgets the greatest memory so far
before = memory("VmRSS")
start = time.perf_counter()
nearest_images(first, second, 5, intensity_range=np.array([[0, 255]]), device=device)
took = time.perf_counter() - start
print(took, memory("VmHWM") - before, (first.nbytes + second.nbytes) / 1e6)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[2000, 27_000])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    print(f"{arguments.device}, {arguments.threads} threads, 48x80 pixels, 5 neighbours, 4 flips\n")
    print("| queries x references | seconds | memory beyond the images, MB | images, MB |")
    print("| --- | --- | --- | --- |")
    for count in arguments.cells:
        ran = subprocess.run(
            [sys.executable, "-c", CHILD, str(count), arguments.device, str(arguments.threads)],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, extra, images = map(float, ran.stdout.split())
        print(f"| {count:,} x {count:,} | {seconds:.1f} | {extra:.0f} | {images:.0f} |", flush=True)


if __name__ == "__main__":
    main()
