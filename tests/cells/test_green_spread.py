"""How much greens differ at the same red, and among cells that look alike in red."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_biogans.cells import CellsError, CellSet
from napari_biogans.cells.green_spread import neighbour_spread, spread_at_fixed_red, spread_ratio

BYTES = np.array([[0, 255], [0, 255]], np.float32)
SIZE = (12, 12)


def flat(*greens, red=0):
    """Cells (N, 2, 12, 12) of one red and of greens that are the same everywhere."""
    images = np.empty((len(greens), 2, *SIZE), np.uint8)
    images[:, 0] = red
    images[:, 1] = np.reshape(greens, (-1, 1, 1))
    return images


def noise(n, *, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 2, *SIZE), dtype=np.uint8)


# -- drawn cells


def test_the_spread_is_the_root_mean_square_over_pairs():
    greens = np.array([0, 51, 255])
    pairs = [(greens[a] - greens[b]) / 255 for a in range(3) for b in range(3) if a < b]
    spread = spread_at_fixed_red([flat(*greens)[None]], BYTES)
    assert spread == pytest.approx([np.sqrt(np.mean(np.square(pairs)))])


def test_reds_count_alike_however_many_greens_they_have():
    one, other = flat(0, 0, 0, 0)[None], flat(0, 255)[None]
    assert spread_at_fixed_red([one, other], BYTES) == pytest.approx([np.sqrt(0.5)])


def test_each_class_has_its_own_spread_and_red_has_none():
    group = np.stack([flat(0, 0), flat(0, 102)])
    group[:, 1, 0] = 200
    assert spread_at_fixed_red([group], BYTES) == pytest.approx([0.0, 0.4])


def test_intensities_are_those_of_the_range():
    group = flat(0, 50, red=7)[None].astype(np.uint16)
    assert spread_at_fixed_red([group], [[0, 1], [0, 100]]) == pytest.approx([0.5])
    assert spread_at_fixed_red([group], [[0, 1], [0, 25]]) == pytest.approx([1.0]), "clipped"


@settings(max_examples=20, deadline=None)
@given(count=st.integers(2, 9), classes=st.integers(1, 3), seed=st.integers(0, 99))
def test_the_same_greens_have_no_spread_by_a_bit(count, classes, seed):
    cells = np.random.default_rng(seed).normal(size=(classes, 1, 2, *SIZE)).astype(np.float32)
    assert (spread_at_fixed_red([np.repeat(cells, count, axis=1)], [[-3, 3], [-3, 3]]) == 0).all()


@settings(max_examples=10, deadline=None)
@given(count=st.integers(2, 8), seed=st.integers(0, 99))
def test_independent_greens_have_that_of_their_distribution(count, seed):
    """Two numbers, evenly from [0, 1], are 1/6 apart in the mean square, however many are compared."""
    rng = np.random.default_rng(seed)
    groups = (rng.random((1, count, 2, *SIZE), np.float32) for _ in range(60))
    assert spread_at_fixed_red(groups, [[0, 1], [0, 1]]) == pytest.approx([np.sqrt(1 / 6)], rel=0.03)


@pytest.mark.parametrize(
    ("groups", "message"),
    [([], "no drawn cells"), ([flat(0)[None]], "at least two greens"), ([flat(0, 1)], "least two greens")],
)
def test_what_cannot_be_compared_is_refused(groups, message):
    with pytest.raises(CellsError, match=message):
        spread_at_fixed_red(groups, BYTES)


# -- real cells


def test_the_nearest_in_red_is_the_one_that_counts():
    cells = np.concatenate([flat(0, red=0), flat(51, red=10), flat(255, red=100)])
    spread = neighbour_spread(CellSet([cells], ["Tea1"]))
    # 0 and 10 are each other's, 100 has that of 10.
    assert spread.green == pytest.approx([np.sqrt((0.2**2 + 0.2**2 + 0.8**2) / 3)])
    assert spread.red == pytest.approx([np.sqrt((10**2 + 10**2 + 90**2) / 3) / 255])


def test_greens_are_flipped_with_their_reds():
    cells = noise(1)
    for turned in (cells[..., ::-1], cells[..., ::-1, :], cells[..., ::-1, ::-1]):
        other = turned.copy()
        other[0, 1, 0, 0] ^= 128  # so that it is no copy
        cell_set = CellSet([np.concatenate([cells, other])], ["Tea1"])
        spread = neighbour_spread(cell_set)
        assert spread.red == 0
        assert spread.green == pytest.approx([128 / 255 / 12])
        assert neighbour_spread(cell_set, flips=False).green > 0.3


def test_of_cells_of_the_same_red_none_is_its_own_neighbour():
    """The search finds the first two, of which the cell itself may be neither."""
    spread = neighbour_spread(CellSet([flat(0, 51, 255, 102, red=9)], ["Tea1"]))
    assert spread.red == 0
    # The first is beside the second, all others are beside the first.
    assert spread.green == pytest.approx([np.sqrt(np.mean(np.square([0.2, 0.2, 1.0, 0.4])))])


@pytest.mark.parametrize("flips", [True, False])
def test_copies_of_a_cell_are_no_neighbours(flips):
    cells = noise(20)
    copies = cells[:, :, ::-1] if flips else cells
    once, twice = (CellSet([array], ["Tea1"]) for array in (cells, np.concatenate([cells, copies, cells])))
    expected = neighbour_spread(once, flips=flips)
    found = neighbour_spread(twice, flips=flips)
    assert (found.green, found.red) == (expected.green, expected.red)


def test_a_class_without_two_cells_has_no_number():
    cells = CellSet([noise(1), np.repeat(noise(1), 5, axis=0), noise(2)], ["one", "copies", "two"])
    spread = neighbour_spread(cells)  # warnings are errors in tests
    assert np.isnan(spread.green).tolist() == np.isnan(spread.red).tolist() == [True, True, False]


def test_pooled_cells_are_one_class():
    cells = CellSet([noise(7), noise(1, seed=1), noise(5, seed=2)], ["a", "b", "c"])
    pooled, by_hand = neighbour_spread(cells, pooled=True), neighbour_spread(cells.pool())
    assert pooled.green == by_hand.green
    assert pooled.red == by_hand.red
    limited = [neighbour_spread(each, pooled=True, searched=6, pairs=4).green for each in (cells, cells.pool())]
    assert limited[0] == limited[1]


def test_of_many_cells_some_are_chosen_by_the_seed():
    cells = CellSet([noise(60), noise(60, seed=1)], ["a", "b"])
    chosen = [neighbour_spread(cells, pairs=10, searched=30, seed=seed).green for seed in (0, 0, 1)]
    assert np.array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])
    assert chosen[0] == pytest.approx(neighbour_spread(cells).green, rel=0.1)
    alone = neighbour_spread(cells.subset(["b"]), pairs=10, searched=30).green
    assert alone == chosen[0][1:], "whatever other classes there are"


def test_the_range_of_the_set_is_that_of_the_intensities():
    cells = noise(10)
    narrow, wide = (CellSet([cells], ["a"], intensity_range=[[0, 255], [0, top]]) for top in (255, 510))
    assert neighbour_spread(wide).green == pytest.approx(neighbour_spread(narrow).green / 2, rel=1e-6)


def test_without_a_real_spread_there_is_no_ratio():
    ratio = spread_ratio([0.1, 0.0, 0.2], [0.0, 0.0, 0.4])
    assert np.isnan(ratio).tolist() == [True, True, False]
    assert ratio[2] == 0.5
