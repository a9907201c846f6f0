"""Image sizes that the networks can make, and how other sizes are brought to them.

The networks halve an image until a side is at most 4 pixels. A *good* size is
one where every halving comes out even: 48x80 -> 24x40 -> 12x20 -> 6x10 -> 3x5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST_FINAL_SIDE = 3
LARGEST_FINAL_SIDE = 4
FEWEST_HALVINGS = 2


def halvings(size: tuple[int, int]) -> int:
    """Count how often an image size is halved by the networks.

    Parameters
    ----------
    size : (height, width)
        In pixels.

    Returns
    -------
    int
        Halvings until a side is at most 4 pixels.

    Raises
    ------
    ValueError
        If `size` is not a good size; the message names the nearest one.

    Examples
    --------
    >>> halvings((48, 80))
    4
    """
    height, width = size
    count = 0
    while min(height, width) > LARGEST_FINAL_SIDE and height % 2 == 0 and width % 2 == 0:
        height, width, count = height // 2, width // 2, count + 1
    if not SMALLEST_FINAL_SIDE <= min(height, width) <= LARGEST_FINAL_SIDE or count < FEWEST_HALVINGS:
        good = nearest_good_size(size)
        raise ValueError(
            f"Images of {size[0]}x{size[1]} pixels cannot be halved evenly down to 3 or 4 pixels; "
            f"the nearest size that can is {good[0]}x{good[1]}."
        )
    return count


def is_good_size(size: tuple[int, int]) -> bool:
    """Tell whether the networks can make images of this (height, width).

    Examples
    --------
    >>> is_good_size((48, 80)), is_good_size((50, 80))
    (True, False)
    """
    try:
        halvings(size)
    except ValueError:
        return False
    return True


def nearest_good_size(size: tuple[int, int]) -> tuple[int, int]:
    """Find the good size nearest to an image size.

    Nearest means the least sum of absolute changes of height and width; among
    equals the larger image is taken, since padding loses nothing.

    Parameters
    ----------
    size : (height, width)
        In pixels, both positive.

    Returns
    -------
    (int, int)
        Height and width of a good size.

    Examples
    --------
    >>> nearest_good_size((50, 82))
    (48, 80)
    """
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"An image of {height}x{width} pixels has no size to fit.")
    candidates: set[tuple[int, int]] = set()
    count = FEWEST_HALVINGS
    while SMALLEST_FINAL_SIDE * 2**count <= 2 * max(height, width, SMALLEST_FINAL_SIDE * 2**FEWEST_HALVINGS):
        step = 2**count
        for final in (SMALLEST_FINAL_SIDE, LARGEST_FINAL_SIDE):
            short = final * step
            for side in (height, width):
                below = max(side // step, final) * step
                for long in (below, below + step):
                    candidates |= {(short, long), (long, short)}
        count += 1
    return min(candidates, key=lambda good: _distance(good, size))


def _distance(good: tuple[int, int], size: tuple[int, int]) -> tuple[int, ...]:
    """Order good sizes by nearness; what follows the sum only decides between equals, whichever way images lie."""
    changes = [abs(new - old) for new, old in zip(good, size, strict=True)]
    return sum(changes), -good[0] * good[1], max(changes), *good


def fit_to_size(images: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Centre-pad or centre-crop images to a size.

    Padding takes the darkest value of each image and channel, which for a
    fluorescence image is its background.

    Parameters
    ----------
    images : array (..., H, W)
        Any type.
    size : (height, width)
        Wanted size in pixels.

    Returns
    -------
    array (..., height, width)
        Of the same type; `images` itself if it has that size already.

    Examples
    --------
    >>> fit_to_size(np.ones((5, 2, 50, 78)), (48, 80)).shape
    (5, 2, 48, 80)
    """
    rows, columns = (
        slice((present - wanted) // 2, (present - wanted) // 2 + wanted) if present > wanted else slice(None)
        for present, wanted in zip(images.shape[-2:], size, strict=True)
    )
    images = images[..., rows, columns]
    height, width = images.shape[-2:]
    if (height, width) == tuple(size):
        return images
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    darkest = images.min(axis=(-2, -1), keepdims=True)
    padded = np.broadcast_to(darkest, (*images.shape[:-2], *size)).copy()
    padded[..., top : top + height, left : left + width] = images
    return padded
