"""Cell sets: what goes into a model and what comes out of it."""

from napari_biogans.cells.cellset import CellSet, CellsError
from napari_biogans.cells.intensity import from_unit, to_unit
from napari_biogans.cells.sizes import fit_to_size, halvings, is_good_size, nearest_good_size

__all__ = [
    "CellSet",
    "CellsError",
    "fit_to_size",
    "from_unit",
    "halvings",
    "is_good_size",
    "nearest_good_size",
    "to_unit",
]
