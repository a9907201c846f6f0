"""Cells to try things out with."""

from __future__ import annotations

from napari_biogans.cells.simulate import simulate_cells
from napari_biogans.plugin.layer_data import LayerData, cell_layers

CELLS = 1000
# The pattern that a small network learns soonest.
PATTERN = "cytoplasm"


def simulated_cells() -> list[LayerData]:
    """Simulate fission yeast cells of one class.

    Returns
    -------
    list of (data, keywords, "image")
        A red and a green stack: all that a training needs.
    """
    return cell_layers(simulate_cells(CELLS, classes=[PATTERN], all_greens=False).cells)
