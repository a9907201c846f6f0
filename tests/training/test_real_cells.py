"""Training on real cells, where there are some."""

import os
from pathlib import Path

import numpy as np
import pytest

from napari_biogans.cells import read_cells
from napari_biogans.training import train

FOLDER = os.environ.get("BIOGANS_REAL_CELLS", "")
needs_real_cells = pytest.mark.skipif(
    not Path(FOLDER).is_dir() or not FOLDER, reason="BIOGANS_REAL_CELLS names no folder of real cells"
)


@needs_real_cells
def test_a_model_learns_where_real_cells_are(tmp_path):
    """Real cells are bright in the middle and dark outside; so are drawn ones after some steps."""
    cells = read_cells(FOLDER)
    settings = {"steps": 160, "width": 8, "batch_size": 16, "critic_steps": 2, "learning_rate": 2e-3, "device": "cpu"}
    model = train(cells, tmp_path / "run", progress=False, averaging_decay=0.5, sample_every=1000, **settings)
    drawn = model.generate(100, seed=0)[0].mean(axis=0)
    real = np.mean([array.mean(axis=0) for array in cells.images], axis=0)
    for channel in range(2):
        likeness = np.corrcoef(drawn[channel].ravel(), real[channel].ravel())[0, 1]
        assert likeness > 0.6, model.channel_names[channel]
    assert model.header.intensity_range == ((0, 255), (0, 255))
    assert drawn.shape == (2, *cells.size)
