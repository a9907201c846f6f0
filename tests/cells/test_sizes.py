"""Good sizes, and how others are brought to them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from napari_biogans.cells import fit_to_size, halvings, is_good_size, nearest_good_size

sides = st.integers(1, 400)


@pytest.mark.parametrize(
    ("size", "count"),
    [((48, 80), 4), ((96, 160), 5), ((64, 64), 4), ((12, 12), 2), ((16, 400), 2), ((80, 48), 4), ((256, 256), 6)],
)
def test_good_sizes(size: tuple[int, int], count: int) -> None:
    assert is_good_size(size)
    assert halvings(size) == count
    assert nearest_good_size(size) == size


@pytest.mark.parametrize("size", [(50, 80), (48, 81), (40, 40), (8, 8), (4, 4), (1, 1), (0, 16), (12, 14)])
def test_sizes_that_are_not_good(size: tuple[int, int]) -> None:
    assert not is_good_size(size)


def test_the_message_names_the_nearest_good_size() -> None:
    with pytest.raises(ValueError, match=r"50x78 pixels .* nearest size that can is 48x80"):
        halvings((50, 78))


@given(sides, sides)
@example(320, 321)
def test_the_nearest_good_size_is_good_and_turns_with_the_image(height: int, width: int) -> None:
    good = nearest_good_size((height, width))
    assert is_good_size(good)
    assert nearest_good_size((width, height)) == good[::-1] or height == width


GOOD_SIZES = [size for size in product(range(12, 131), repeat=2) if is_good_size(size)]


@given(st.integers(1, 64), st.integers(1, 64))
def test_no_good_size_is_nearer(height: int, width: int) -> None:
    def change(size: tuple[int, int]) -> int:
        return abs(size[0] - height) + abs(size[1] - width)

    assert change(nearest_good_size((height, width))) == min(map(change, GOOD_SIZES))


def test_of_two_equally_near_the_larger_is_taken() -> None:
    assert nearest_good_size((14, 16)) == (16, 16)


@given(
    npst.arrays(np.uint8, st.tuples(st.just(2), st.just(2), st.integers(1, 30), st.integers(1, 30))),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_fitting_keeps_the_centre(images: np.ndarray, size: tuple[int, int]) -> None:
    fitted = fit_to_size(images, size)
    assert fitted.shape == (2, 2, *size)
    assert fitted.dtype == images.dtype
    # Fitting back brings the part that was kept to where it was.
    kept = tuple(min(present, wanted) for present, wanted in zip(images.shape[-2:], size, strict=True))
    np.testing.assert_array_equal(fit_to_size(images, kept).max((-2, -1)), fitted.max((-2, -1)))
    if (np.array(size) >= images.shape[-2:]).all():
        np.testing.assert_array_equal(fit_to_size(fitted, images.shape[-2:]), images)
        assert (fitted.min((-2, -1)) == images.min((-2, -1))).all()


def test_padding_takes_the_darkest_value_of_each_image_and_channel() -> None:
    images = np.arange(8, dtype=np.float32).reshape(2, 2, 1, 2) + 1
    fitted = fit_to_size(images, (3, 2))
    np.testing.assert_array_equal(fitted[:, :, [0, 2]], np.broadcast_to(images[..., :1], (2, 2, 2, 2)))


def test_images_of_that_size_are_returned_as_they_are() -> None:
    images = np.zeros((2, 48, 80))
    assert fit_to_size(images, (48, 80)) is images or np.shares_memory(fit_to_size(images, (48, 80)), images)
