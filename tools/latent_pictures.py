"""Draws the pictures of the latent side that the documentation shows, with a model of simulated cells.

    python -m benchmarks.truth runs/star --figure docs/images/completion-truth.png
    python tools/latent_pictures.py runs/star

The first trains the model, if it is not there. Look at the pictures before they are committed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import napari_biogans as biogans

IMAGES = Path(__file__).parent.parent / "docs" / "images"
CELLS, FRAMES, MAGNIFY = 300, 24, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--into", type=Path, default=IMAGES)
    options = parser.parse_args()
    model = biogans.load_model(options.run)
    cells = biogans.simulate_cells(CELLS, classes=model.class_names, seed=1, all_greens=False).cells
    cycle = biogans.cell_cycle(model, cells, frames=FRAMES)
    cycle.way.save_film(options.into / "cell-cycle.gif", magnify=MAGNIFY, frames_per_second=8)
    cycle.plot().savefig(options.into / "cell-cycle.png", dpi=80)
    some = cells.subset(indices=[slice(0, 2)] * len(cells.class_names))
    biogans.complete(model, some).plot().savefig(options.into / "completion.png", dpi=80)
    print(cycle)


if __name__ == "__main__":
    main()
