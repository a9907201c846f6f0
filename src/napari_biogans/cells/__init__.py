"""Cell sets: what goes into a model and what comes out of it."""

from napari_biogans.cells.bbbc013 import Well, Wells, fetch_bbbc013
from napari_biogans.cells.cellset import CellsError, CellSet, CellsWarning
from napari_biogans.cells.class_table import class_table
from napari_biogans.cells.crop import cut_cells, iterate_cutting
from napari_biogans.cells.cut_events import CuttingProgress, CuttingStoppedError
from napari_biogans.cells.cut_result import CutCells
from napari_biogans.cells.cut_settings import CutConfig, SegmentationConfig
from napari_biogans.cells.downloads import FetchError, FetchStoppedError
from napari_biogans.cells.field import Field
from napari_biogans.cells.field_files import read_fields
from napari_biogans.cells.finding import FoundCells, crop_corners, iterate_finding
from napari_biogans.cells.intensity import from_unit, to_unit
from napari_biogans.cells.neighbours import nearest_images
from napari_biogans.cells.patterns import GREEN_PATTERNS
from napari_biogans.cells.place import place_in_field
from napari_biogans.cells.reading import read_cells
from napari_biogans.cells.red_neighbours import find_red_neighbours
from napari_biogans.cells.segment import segment_field
from napari_biogans.cells.simulate import SimulatedCells, simulate_cells
from napari_biogans.cells.simulate_field import SimulatedField, simulate_field
from napari_biogans.cells.sizes import fit_to_size, halvings, is_good_size, nearest_good_size
from napari_biogans.cells.writing import write_cells

__all__ = [
    "GREEN_PATTERNS",
    "CellSet",
    "CellsError",
    "CellsWarning",
    "CutCells",
    "CutConfig",
    "CuttingProgress",
    "CuttingStoppedError",
    "FetchError",
    "FetchStoppedError",
    "Field",
    "FoundCells",
    "SegmentationConfig",
    "SimulatedCells",
    "SimulatedField",
    "Well",
    "Wells",
    "class_table",
    "crop_corners",
    "cut_cells",
    "fetch_bbbc013",
    "find_red_neighbours",
    "fit_to_size",
    "from_unit",
    "halvings",
    "is_good_size",
    "iterate_cutting",
    "iterate_finding",
    "nearest_good_size",
    "nearest_images",
    "place_in_field",
    "read_cells",
    "read_fields",
    "segment_field",
    "simulate_cells",
    "simulate_field",
    "to_unit",
    "write_cells",
]
