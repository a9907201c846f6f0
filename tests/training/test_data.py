"""Batches of cells on the device."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.cells.red_neighbours import find_red_neighbours
from napari_biogans.training.data import ClassSampler, MultiChannelSampler, next_batch


def numbered_cells(*counts, dtype=np.uint8):
    """Cells that tell their number: constant images, from 10 on."""
    images = [
        np.broadcast_to(np.arange(10, 10 + n, dtype=dtype)[:, None, None, None], (n, 2, 12, 12)).copy() for n in counts
    ]
    return CellSet(images, [f"class {k}" for k in range(len(counts))], intensity_range=[[0, 100], [0, 100]])


def sampler_of(cells, batch_size, *, flips=False, seed=0):
    return ClassSampler(cells, batch_size, torch.device("cpu"), torch.Generator().manual_seed(seed), flips=flips)


def numbers(batch):
    return ((batch[:, :, 0, 0, 0] + 1) * 50 - 10).round().int()


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(2, 20), min_size=1, max_size=3), batch_size=st.integers(2, 30))
def test_every_cell_of_every_class_is_seen_equally_often(counts, batch_size):
    sampler = sampler_of(numbered_cells(*counts), batch_size)
    batches = [numbers(next_batch(sampler)) for _ in range(12)]
    for k, count in enumerate(counts):
        seen = torch.cat([batch[k] for batch in batches])
        epochs = [seen[start : start + count] for start in range(0, len(seen) - count + 1, count)]
        assert all(sorted(epoch.tolist()) == list(range(count)) for epoch in epochs)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_batches_are_class_first_in_unit_range(dtype):
    batch = next_batch(sampler_of(numbered_cells(5, 7, dtype=dtype), 4))
    assert batch.shape == (2, 4, 2, 12, 12)
    assert batch.dtype == torch.float32
    assert (batch.min(), batch.max()) >= (-1, -1)
    assert batch.max() <= 1


def test_flips_are_along_both_axes_and_keep_channels_together():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (2, 12, 12), dtype=np.uint8)
    cells = CellSet([np.stack([image] * 40)], ["one"])
    batch = next_batch(sampler_of(cells, 40, flips=True))[0]
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


# -- cells made up of several


def made_up(cells, neighbours, batch_size, *, flips=False, red_mask=False, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return MultiChannelSampler(cells, neighbours, batch_size, torch.device("cpu"), rng, flips=flips, red_mask=red_mask)


def cells_with_reds(*reds, size=(12, 12)):
    """Cells that are alike in red where `reds` are; green tells their number, from 10 on, in the first pixel."""
    images, number = [], 10
    for values in reds:
        array = np.zeros((len(values), 2, *size), np.uint8)
        array[:, 0] = np.asarray(values)[:, None, None]
        for cell in array:
            cell[1] = number
            number += 1
        images.append(array)
    return CellSet(images, [f"class {k}" for k in range(len(reds))])


def greens(batch):
    """Numbers of the cells that the greens came from, (B, K)."""
    return ((batch[0, :, 1:, 6, 6] + 1) * 127.5).round().int()


def test_greens_of_other_classes_come_from_the_nearest_in_red():
    cells = cells_with_reds([0, 100, 200], [10, 90, 210, 110])
    neighbours = find_red_neighbours(cells, k=1, cache=None)
    seen = {tuple(pair) for _ in range(4) for pair in greens(next_batch(made_up(cells, neighbours, 7))).tolist()}
    # Of the first class with cells 13 to 16 of the second, and the other way around.
    assert seen == {(10, 13), (11, 14), (12, 15), (11, 16)} | {(10, 13), (11, 14), (12, 15)}


def test_neighbours_are_drawn_anew_and_all_of_them():
    cells = cells_with_reds([100], [98, 99, 101, 102, 200])
    sampler = made_up(cells, find_red_neighbours(cells, k=4, cache=None), 6)
    donors = set()
    for _ in range(30):
        batch = next_batch(sampler)
        is_first = ((batch[0, :, 0, 0, 0] + 1) * 127.5).round() == 100
        donors |= set(greens(batch)[is_first, 1].tolist())
    assert donors == {11, 12, 13, 14}


def test_one_epoch_shows_every_cell_once():
    cells = cells_with_reds([0, 50, 100], [10, 60])
    sampler = made_up(cells, find_red_neighbours(cells, k=1, cache=None), 5)
    reds = sorted(((next_batch(sampler)[0, :, 0, 0, 0] + 1) * 127.5).round().int().tolist())
    assert reds == [0, 10, 50, 60, 100]


def test_made_up_cells_are_as_many_channels_as_colours():
    cells = simulate_cells(6, classes=["nucleus", "tips", "actin-patches"], size=(24, 40), all_greens=False).cells
    batch = next_batch(made_up(cells, find_red_neighbours(cells, k=2, cache=None), 30, flips=True, red_mask=True))
    assert batch.shape == (1, 30, 4, 24, 40)
    assert batch.dtype == torch.float32
    assert batch.abs().max() <= 1


def test_greens_are_flipped_as_their_reds_have_to_be():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 255, (1, 2, 12, 12), dtype=np.uint8)
    second = first[:, :, ::-1, ::-1].copy()
    cells = CellSet([first, second], ["one", "other"])
    batch = next_batch(made_up(cells, find_red_neighbours(cells, k=1, cache=None), 2))[0]
    for cell in batch:  # both greens are the same once turned
        assert torch.equal(cell[1], cell[2])


def test_the_red_mask_blackens_the_greens_of_others_only():
    cells = cells_with_reds([100, 100], [100, 100])
    for array in cells.images:
        array[:, 0, :6] = 0
    neighbours = find_red_neighbours(cells, k=1, cache=None)
    for red_mask in (True, False):
        batch = next_batch(made_up(cells, neighbours, 4, red_mask=red_mask))[0]
        is_black = (batch[:, 1:, :6] == -1).all(dim=(2, 3))
        assert is_black.sum() == (4 if red_mask else 0), "one green of each cell"
        assert not (batch[:, 1:, 6:] == -1).any()


def test_made_up_cells_go_on_where_they_were():
    cells = simulate_cells(6, classes=["nucleus", "tips"], size=(24, 40), all_greens=False).cells
    neighbours = find_red_neighbours(cells, k=2, cache=None)
    first = made_up(cells, neighbours, 5, seed=1)
    next_batch(first)
    second = made_up(cells, neighbours, 5, seed=2)
    second.load_state(first.state())
    second._rng.set_state(first._rng.get_state())
    assert torch.equal(next_batch(first), next_batch(second))
