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


@needs_real_cells
def test_a_star_draws_the_green_of_each_dose_where_it_is(tmp_path):
    """Green is around the nucleus without the drug, and in it at the highest dose; red (DNA) is the same in both."""
    cells = read_cells(FOLDER)
    ends = cells.subset([cells.class_names[0], cells.class_names[-1]])
    settings = {"steps": 120, "width": 8, "batch_size": 16, "critic_steps": 2, "learning_rate": 2e-3, "device": "cpu"}
    model = train(
        ends,
        tmp_path / "run",
        progress=False,
        architecture="star-shaped",
        averaging_decay=0.5,
        sample_every=1000,
        **settings,
    )
    drawn = model.generate(100, seed=0).astype(float)
    assert (drawn[0, :, 0] == drawn[1, :, 0]).all()
    for images in (drawn, [array.astype(float) for array in ends.images]):
        without, highest = (_green_in_the_nucleus(class_images) for class_images in images)
        assert highest > 1.5 * without


def _green_in_the_nucleus(images):
    """Green where red is bright, relative to green around it; means over all cells."""
    red, green = images[:, 0].mean(axis=0), images[:, 1].mean(axis=0)
    nucleus = red > red.max() / 2
    around = (red < red.max() / 4) & (red > red.max() / 16)
    return green[nucleus].mean() / green[around].mean()
