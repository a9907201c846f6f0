"""The cell set: what it takes, how it is cut and put together, and its intensity range."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from napari_biogans.cells import CellsError, CellSet, from_unit, to_unit

Images = NDArray[Any]


def make_images(n: int = 10, dtype: Any = np.uint8, size: tuple[int, int] = (24, 40), seed: int = 0) -> Images:
    return np.random.default_rng(seed).integers(0, 250, (n, 2, *size)).astype(dtype)


def make_set(*counts: int, **options: Any) -> CellSet:
    images = [make_images(n, seed=n) for n in counts]
    return CellSet(images, [f"class {k}" for k in range(len(counts))], **options)


# What it takes


@pytest.mark.parametrize(
    ("given", "kept"),
    [("u1", "u1"), ("u2", "u2"), (">u2", "u2"), ("f4", "f4"), (">f4", "f4"), ("f8", "f4"), ("f2", "f4")],
)
def test_types(given: str, kept: str) -> None:
    images = make_images(dtype=given)
    cells = CellSet([images], ["Tea1"])
    assert cells.dtype == np.dtype(kept)
    assert cells.dtype.isnative
    np.testing.assert_array_equal(cells.images[0], images)
    assert len(cells) == 10
    assert cells.size == (24, 40)
    assert cells.nbytes == 10 * 2 * 24 * 40 * np.dtype(kept).itemsize


def test_images_are_not_copied() -> None:
    images = make_images()
    assert np.shares_memory(CellSet([images], ["Tea1"]).images[0], images)


def spoilt(value: float) -> Images:
    images = make_images(300, np.float32)
    images[299, 1, 2, 3] = value
    return images


@pytest.mark.parametrize(
    ("images", "options", "because"),
    [
        ([], {}, "0 arrays of cells with 0 class names"),
        ([make_images()], {"class_names": ["a", "b"]}, "1 arrays of cells with 2 class names"),
        ([make_images(), make_images()], {"class_names": ["a", "a"]}, "must differ"),
        ([make_images()[0]], {}, "have 3 axes"),
        ([make_images()[:, :1]], {}, "one channel only"),
        ([make_images()[:0]], {}, "no cells in class"),
        ([make_images(dtype=np.int16)], {}, "of type int16; save them as"),
        ([make_images() > 9], {}, "of type bool"),
        ([make_images(), make_images(dtype=np.uint16)], {}, "'a' is of type uint8, class 'b' of type uint16"),
        ([make_images(), make_images(size=(48, 80))], {}, "must be the same"),
        ([make_images(size=(50, 80))], {}, "nearest size that can is 48x80.*read_cells"),
        ([spoilt(np.nan)], {}, "NaN or infinite values in class 'a'"),
        ([spoilt(-np.inf)], {}, "NaN or infinite"),
        ([make_images()], {"channel_names": ["red"]}, "2 channels with 1 channel names"),
        ([make_images()], {"pixel_size": 0}, "positive number of µm"),
        ([make_images()], {"pixel_size": np.nan}, "positive number of µm"),
        ([make_images()], {"intensity_range": [[0, 1]]}, "a low and a higher number"),
        ([make_images()], {"intensity_range": [[0, 1], [2, 2]]}, "a low and a higher number"),
        ([make_images()], {"features": [make_set(9).features[0]]}, "one row per cell"),
        ([make_images()], {"features": [make_set(10).features[0][["index"]]]}, "'source' and 'index'"),
    ],
)
def test_what_does_not_fit_is_refused(images: list[Images], options: dict[str, Any], because: str) -> None:
    with pytest.raises(CellsError, match=because):
        CellSet(images, **({"class_names": ["a", "b"][: len(images)]} | options))


def test_summary() -> None:
    assert repr(make_set(3, 4, pixel_size=0.1)) == (
        "CellSet(7 cells, 24x40 uint8, 0.1 µm/pixel; class 0: 3, class 1: 4)"
    )


# Parts and wholes


def test_subset() -> None:
    cells = make_set(5, 6, 7, intensity_range=[[0, 9], [1, 8]])
    part = cells.subset(["class 2", "class 0"], [np.array([6, 1]), slice(1, 3)])
    assert part.class_names == ("class 2", "class 0")
    np.testing.assert_array_equal(part.images[0], cells.images[2][[6, 1]])
    np.testing.assert_array_equal(part.images[1], cells.images[0][1:3])
    assert part.features[0]["index"].tolist() == [6, 1]
    np.testing.assert_array_equal(part.intensity_range, cells.intensity_range)
    with pytest.raises(CellsError, match=r"no class 'Tea1' in this set; it has class 0"):
        cells.subset(["Tea1"])
    with pytest.raises(CellsError, match="give one per class"):
        cells.subset(["class 0"], [slice(None)] * 2)


@given(
    counts=st.lists(st.integers(2, 40), min_size=1, max_size=3, unique=True),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 9),
)
def test_split_parts_every_class(counts: list[int], fraction: float, seed: int) -> None:
    cells = make_set(*counts)
    train, test = cells.split(fraction, seed)
    for k, count in enumerate(counts):
        kept, held_out = (set(part.features[k]["index"]) for part in (train, test))
        assert kept | held_out == set(range(count))
        assert not kept & held_out
        assert kept
        assert held_out
        assert abs(len(held_out) - count * fraction) <= 1
        np.testing.assert_array_equal(test.images[k], cells.images[k][test.features[k]["index"]])
    again, _ = cells.split(fraction, seed)
    np.testing.assert_array_equal(again.images[0], train.images[0])


def test_splits_that_cannot_be() -> None:
    for fraction in (0, 1, -0.1):
        with pytest.raises(CellsError, match="between 0 and 1"):
            make_set(5).split(fraction)
    with pytest.raises(CellsError, match="'class 1' has 1 cell"):
        make_set(5, 1).split()


def test_pool() -> None:
    cells = make_set(3, 4)
    pooled = cells.pool("all")
    assert pooled.class_names == ("all",)
    np.testing.assert_array_equal(pooled.images[0], np.concatenate(cells.images))
    assert pooled.features[0]["class"].tolist() == ["class 0"] * 3 + ["class 1"] * 4
    assert pooled.features[0]["index"].tolist() == [0, 1, 2, 0, 1, 2, 3]
    assert pooled.pool() is pooled


def test_fingerprint_tells_sets_apart_and_not_byte_orders() -> None:
    images = make_images(600, np.uint16)
    cells = CellSet([images], ["Tea1"])
    assert cells.fingerprint() == CellSet([images.astype(">u2")], ["Tea1"]).fingerprint()
    changed = images.copy()
    changed[599, 1, 0, 0] += 1
    others = [
        CellSet([changed], ["Tea1"], intensity_range=cells.intensity_range),
        CellSet([images], ["Tea2"]),
        CellSet([images], ["Tea1"], intensity_range=[[0, 1], [0, 1]]),
    ]
    assert len({cells.fingerprint(), *(other.fingerprint() for other in others)}) == 4


def test_nothing_can_be_learned_from_it() -> None:
    with pytest.raises(CellsError, match="There is 1 cell"):
        make_set(1).check_trainable()
    flat = make_images()
    flat[:, 1] = 3
    with pytest.raises(CellsError, match="Channel 1 of class 'b' is 3 everywhere"):
        CellSet([make_images(), flat], ["a", "b"]).check_trainable()
    make_set(2).check_trainable()


# Intensities


def test_range_of_8_bit_is_that_of_the_type() -> None:
    assert np.asarray(make_set(3).intensity_range).tolist() == [[0, 255], [0, 255]]


def test_range_of_other_types_leaves_out_hot_pixels() -> None:
    images = make_images(200, np.uint16)
    images[:, 1] += 1000
    images[5, 0, 3, 3] = 65535
    low, high = np.asarray(CellSet([images], ["Tea1"]).intensity_range).T
    np.testing.assert_allclose(low, [0, 1000], atol=1)
    np.testing.assert_allclose(high, [249, 1249], atol=1)


def test_range_of_a_large_set_is_that_of_all_its_pixels_nearly() -> None:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((2500, 2, 48, 80), np.float32) * rng.uniform(0.5, 1.5, (2500, 1, 1, 1)).astype("f4")
    images[:, 1] *= 3
    tracemalloc.start()
    cells = CellSet([images[:1000], images[1000:]], ["a", "b"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    expected = np.percentile(images[::5], (0.1, 99.9), axis=(0, 2, 3)).T
    np.testing.assert_allclose(cells.intensity_range, expected, rtol=0.05)
    assert peak < 0.15 * cells.nbytes


def test_range_of_a_few_bright_pixels_on_a_flat_background() -> None:
    images = np.zeros((20, 2, 24, 40), np.float32)
    images[3, :, 5, 5] = 7
    assert np.asarray(CellSet([images], ["Tea1"]).intensity_range).tolist() == [[0, 7], [0, 7]]


@given(npst.arrays(np.uint16, (3, 2, 4, 4)))
def test_scaled_there_and_back_within_the_range(images: Images) -> None:
    intensity_range = np.array([[0, 65535], [100, 4095]], np.float32)
    there = to_unit(images, intensity_range)
    assert there.dtype == np.float32
    assert np.abs(there).max() <= 1
    back = from_unit(there, intensity_range, np.uint16)
    low, high = intensity_range[:, 0, None, None], intensity_range[:, 1, None, None]
    np.testing.assert_allclose(back, images.clip(low, high), atol=1)


def test_scaling_of_8_bit_is_exact() -> None:
    cells = make_set(3, 4)
    for unit, images in zip(cells.to_unit(), cells.images, strict=True):
        np.testing.assert_array_equal(from_unit(unit, np.asarray(cells.intensity_range), np.uint8), images)


def test_what_a_type_cannot_hold_is_kept_within_it() -> None:
    wide = np.array([[-100.0, 1000.0]])
    assert from_unit(np.array([[[-1.0, 1.0]]]), wide, np.uint8).ravel().tolist() == [0, 255]
    assert from_unit(np.array([[[-1.0, 1.0]]]), wide, np.float32).ravel().tolist() == [-100, 1000]
