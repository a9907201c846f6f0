"""Batches of cells on the device."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_biogans.cells import CellSet
from napari_biogans.training.data import CellSampler


def numbered_cells(*counts, dtype=np.uint8):
    """Cells that tell their number: constant images, from 10 on."""
    images = [
        np.broadcast_to(np.arange(10, 10 + n, dtype=dtype)[:, None, None, None], (n, 2, 12, 12)).copy() for n in counts
    ]
    return CellSet(images, [f"class {k}" for k in range(len(counts))], intensity_range=[[0, 100], [0, 100]])


def sampler_of(cells, batch_size, *, flips=False, seed=0):
    return CellSampler(cells, batch_size, torch.device("cpu"), torch.Generator().manual_seed(seed), flips=flips)


def numbers(batch):
    return ((batch[:, :, 0, 0, 0] + 1) * 50 - 10).round().int()


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(2, 20), min_size=1, max_size=3), batch_size=st.integers(2, 30))
def test_every_cell_of_every_class_is_seen_equally_often(counts, batch_size):
    sampler = sampler_of(numbered_cells(*counts), batch_size)
    batches = [numbers(sampler.batch()) for _ in range(12)]
    for k, count in enumerate(counts):
        seen = torch.cat([batch[k] for batch in batches])
        epochs = [seen[start : start + count] for start in range(0, len(seen) - count + 1, count)]
        assert all(sorted(epoch.tolist()) == list(range(count)) for epoch in epochs)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_batches_are_class_first_in_unit_range(dtype):
    batch = sampler_of(numbered_cells(5, 7, dtype=dtype), 4).batch()
    assert batch.shape == (2, 4, 2, 12, 12)
    assert batch.dtype == torch.float32
    assert (batch.min(), batch.max()) >= (-1, -1)
    assert batch.max() <= 1


def test_flips_are_along_both_axes_and_keep_channels_together():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (2, 12, 12), dtype=np.uint8)
    cells = CellSet([np.stack([image] * 40)], ["one"])
    batch = sampler_of(cells, 40, flips=True).batch()[0]
    original = torch.from_numpy(image / 127.5 - 1).float()
    variants = {
        "none": original,
        "columns": original.flip(-1),
        "rows": original.flip(-2),
        "both": original.flip(-1, -2),
    }
    found = [next(n for n, variant in variants.items() if torch.allclose(cell, variant, atol=1e-5)) for cell in batch]
    assert all(found.count(name) >= 3 for name in variants)


def test_images_stay_as_they_are_stored():
    cells = numbered_cells(1000)
    sampler = sampler_of(cells, 4)
    assert sampler._images[0].dtype == torch.uint8
    assert sampler._images[0].data_ptr() == cells.images[0].ctypes.data
