"""Between the units of a microscope and [-1, 1], the range of the networks."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

ArrayT = TypeVar("ArrayT")


def to_unit(images: ArrayT, intensity_range: Any) -> ArrayT:
    """Scale images from their own units to [-1, 1].

    What lies outside the range is clipped to its ends.

    Parameters
    ----------
    images : array or tensor (..., C, H, W)
        In the units of the cells.
    intensity_range : array or tensor (C, 2), float32
        Lowest and highest intensity of each channel; of the same library (and
        device) as `images`.

    Returns
    -------
    array or tensor (..., C, H, W), float32

    Examples
    --------
    >>> pixels = np.array([0, 32, 128, 255], np.uint8).reshape(1, 1, 4)
    >>> to_unit(pixels, np.array([[0, 128]], np.float32)).ravel().tolist()
    [-1.0, -0.5, 1.0, 1.0]
    """
    low = intensity_range[:, 0, None, None]
    high = intensity_range[:, 1, None, None]
    return ((images - low) * (2 / (high - low)) - 1).clip(-1, 1)  # type: ignore[no-any-return]


def from_unit(images: NDArray[Any], intensity_range: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Scale images from [-1, 1] back to the units of the cells.

    Parameters
    ----------
    images : array (..., C, H, W)
        In [-1, 1].
    intensity_range : array (C, 2)
        Lowest and highest intensity of each channel.
    dtype : numpy dtype
        Type of the result. For an integer type values are rounded and kept
        within what the type can hold.

    Returns
    -------
    array (..., C, H, W) of type `dtype`

    Examples
    --------
    >>> from_unit(np.array([[[-1.0, -0.6, 1.0]]]), np.array([[0, 255]]), np.uint8).ravel().tolist()
    [0, 51, 255]
    """
    low = intensity_range[:, 0, None, None].astype(np.float32)
    high = intensity_range[:, 1, None, None].astype(np.float32)
    scaled = low + (np.asarray(images, np.float32) + 1) * ((high - low) / 2)
    dtype = np.dtype(dtype)
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        scaled = scaled.round().clip(limits.min, limits.max)
    return scaled.astype(dtype)


def full_range(dtype: np.dtype[Any]) -> NDArray[np.float32]:
    """Give the range (2, 2) that cells of a type have whose brightness was scaled to all that it holds."""
    high = np.iinfo(dtype).max if dtype.kind in "ui" else 1
    return np.array([[0, high]] * 2, np.float32)
