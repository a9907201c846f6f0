"""How small a difference does the two-sample test see, with how many cells?

    python -m benchmarks.power [--cells 25 50 100 200 400] [--more 10 20 40] [--repeats 20] [--figure power.png]

Simulated cells are tested against others whose green is so many percent stronger at
one pole, the old end. Prints, as a Markdown table, and draws how often the test says
that they differ (p at most 0.05), by the number of cells a side, and how often it does
where there is no difference.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.cells.simulate import BACKGROUND
from napari_biogans.evaluation import c2st
from napari_biogans.evaluation.settings import C2ST_PRESETS

SIZE = (24, 40)
CLASS = "cytoplasm"
SIGNIFICANT = 0.05
COLOURS = ("#777777", "#0072B2", "#D55E00", "#009E73", "#CC79A7")


def stronger_at_old_end(seed: int, cells: int, percent: float) -> CellSet:
    """Simulate cells whose green grows from the middle to the old end by so many percent."""
    simulated = simulate_cells(cells, classes=[CLASS], size=SIZE, seed=seed, all_greens=False)
    images = simulated.cells.images[0].astype(np.float32)
    half = simulated.truth[0]["length"].to_numpy()[:, None] / 2 / (simulated.cells.pixel_size or 1)
    along = np.arange(SIZE[1])[None] - simulated.truth[0]["column"].to_numpy()[:, None]
    towards = np.where(simulated.truth[0]["old_end"].to_numpy()[:, None] == "right", along, -along)
    factor = 1 + percent / 100 * np.clip(towards / half, 0, 1)
    images[:, 1] = BACKGROUND + (images[:, 1] - BACKGROUND) * factor[:, None]
    return CellSet([images.round().clip(0, 255).astype(np.uint8)], [CLASS])


def noticed(seed: int, cells: int, percent: float) -> bool:
    """Whether one test notices a difference."""
    a, b = stronger_at_old_end(2 * seed, cells, percent), stronger_at_old_end(2 * seed + 1, cells, 0)
    settings = C2ST_PRESETS["quick"].settings
    result = c2st(a, b, band=False, permutations=999, seed=100 * seed, store=None, progress=False, **settings)
    return result.p_value <= SIGNIFICANT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[25, 50, 100, 200, 400])
    parser.add_argument("--more", type=float, nargs="+", default=[10, 20, 40])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--figure", type=Path, default=None)
    options = parser.parse_args()
    started = time.monotonic()
    power = {
        percent: [
            np.mean([noticed(1000 * k + n, cells, percent) for k in range(options.repeats)])
            for n, cells in enumerate(options.cells)
        ]
        for percent in (0.0, *options.more)
    }
    print(f"preset quick, {options.repeats} repeats; {time.monotonic() - started:.0f} s\n")
    print(f"| more green at one pole | {' | '.join(f'{cells} cells' for cells in options.cells)} |")
    print(f"|-|{'-|' * len(options.cells)}")
    for percent, shares in power.items():
        print(f"| {percent:g} % | {' | '.join(f'{share:.0%}' for share in shares)} |")
    if options.figure:
        draw(options.cells, power, options.repeats, options.figure)


def draw(cells: list[int], power: dict[float, list[float]], repeats: int, path: Path) -> None:
    figure = Figure(figsize=(6, 3.8), facecolor="white", layout="constrained")
    axes = figure.subplots()
    for (percent, shares), colour in zip(power.items(), COLOURS, strict=False):
        spread = np.sqrt(np.array(shares) * (1 - np.array(shares)) / repeats)
        label = "no difference" if percent == 0 else f"{percent:g} % more green at one pole"
        axes.errorbar(cells, shares, yerr=spread, marker="o", capsize=3, color=colour, label=label)
    axes.axhline(SIGNIFICANT, color="0.6", linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    axes.set_xticks(cells, [str(count) for count in cells])
    axes.minorticks_off()
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("cells on either side")
    axes.set_ylabel(f"tests with p ≤ {SIGNIFICANT}")
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
