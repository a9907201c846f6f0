import numpy as np
import pytest

from napari_biogans.cells import CellSet, simulate_cells

# Small enough that a step takes milliseconds.
TINY = {
    "width": 2,
    "latent_size": 8,
    "batch_size": 4,
    "device": "cpu",
    "precision": "float32",
    "log_every": 5,
    "samples": 16,
}


@pytest.fixture(scope="session")
def cells():
    return simulate_cells(8, classes=["nucleus", "tips"], size=(24, 40), all_greens=False).cells


@pytest.fixture
def settings():
    return dict(TINY)


@pytest.fixture(scope="session")
def cells_16_bit(cells):
    images = [array.astype(np.uint16) * 100 for array in cells.images]
    return CellSet(images, cells.class_names, pixel_size=cells.pixel_size)
