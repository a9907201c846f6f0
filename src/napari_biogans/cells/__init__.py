"""Cell sets: what goes into a model and what comes out of it."""

from napari_biogans.cells.bbbc013 import Field, Fields, fetch_bbbc013
from napari_biogans.cells.cellset import CellsError, CellSet, CellsWarning
from napari_biogans.cells.downloads import FetchError, FetchStoppedError
from napari_biogans.cells.intensity import from_unit, to_unit
from napari_biogans.cells.neighbours import nearest_images
from napari_biogans.cells.patterns import GREEN_PATTERNS
from napari_biogans.cells.reading import read_cells
from napari_biogans.cells.red_neighbours import find_red_neighbours
from napari_biogans.cells.simulate import SimulatedCells, simulate_cells
from napari_biogans.cells.sizes import fit_to_size, halvings, is_good_size, nearest_good_size
from napari_biogans.cells.writing import write_cells

__all__ = [
    "GREEN_PATTERNS",
    "CellSet",
    "CellsError",
    "CellsWarning",
    "FetchError",
    "FetchStoppedError",
    "Field",
    "Fields",
    "SimulatedCells",
    "fetch_bbbc013",
    "find_red_neighbours",
    "fit_to_size",
    "from_unit",
    "halvings",
    "is_good_size",
    "nearest_good_size",
    "nearest_images",
    "read_cells",
    "simulate_cells",
    "to_unit",
    "write_cells",
]
