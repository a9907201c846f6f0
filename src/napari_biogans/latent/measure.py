"""Measuring single cells: how long, how large and how bright they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells import to_unit
from napari_biogans.latent.errors import LatentError

SMOOTHING = 1.0
"""Standard deviation, in pixels, of the filter before the threshold."""


def measure_cells(
    images: NDArray[Any],
    *,
    intensity_range: NDArray[np.float32],
    channel_names: Sequence[str] = ("red", "green"),
    pixel_size: float | None = None,
) -> pd.DataFrame:
    """Measure what red shows of each cell, and how bright its channels are there.

    The cell is the largest region of red, smoothed, above a threshold of least
    cross entropy. Where red is a marker of the nucleus, what is measured is
    the nucleus.

    Parameters
    ----------
    images : array (N, C, H, W)
        Single cells, in their own units.
    intensity_range : array (C, 2)
        Values that stand for 0 and 1.
    channel_names : sequence of str
        The C names.
    pixel_size : float, optional
        In µm; without it lengths are in pixels.

    Returns
    -------
    pandas.DataFrame
        A row per cell: `length`, the greatest distance between two points of
        its outline, and `width`, the area over the length, both in µm;
        `area` in µm²; and `mean_NAME`, the mean intensity of each channel
        within it, on [0, 1]. NaN where nothing stands out.

    Raises
    ------
    LatentError
        If the images are not of these channels.

    References
    ----------
    Li, Tam, An iterative algorithm for minimum cross entropy thresholding,
    Pattern Recognition Letters 19:771, 1998.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_cells
    >>> simulated = simulate_cells(5, classes=["tips"], all_greens=False)
    >>> cells = simulated.cells
    >>> table = measure_cells(cells.images[0], intensity_range=cells.intensity_range, pixel_size=cells.pixel_size)
    >>> bool((abs(table["length"] - simulated.truth[0]["length"]) < 2).all())
    True
    """
    if images.ndim != 4 or images.shape[1] != len(channel_names):
        raise LatentError(
            f"Cells to measure are an array (N, {len(channel_names)}, H, W) with the channels "
            f"{', '.join(channel_names)}, not {images.shape}."
        )
    unit = (to_unit(images, intensity_range) + 1) / 2
    side = 1.0 if pixel_size is None else pixel_size
    return pd.DataFrame([_measured(cell, channel_names, side) for cell in unit])


def _measured(cell: NDArray[np.float32], channel_names: Sequence[str], side: float) -> dict[str, float]:
    region = _largest_region(cell[0])
    if region is None:
        return dict.fromkeys(("length", "width", "area", *(f"mean_{name}" for name in channel_names)), np.nan)
    length, area = region.feret_diameter_max * side, region.area * side**2
    inside = cell[:, *region.slice][:, region.image].mean(axis=1)
    means = {f"mean_{name}": float(mean) for name, mean in zip(channel_names, inside, strict=True)}
    return {"length": float(length), "width": float(area / length), "area": float(area), **means}


def _largest_region(red: NDArray[np.float32]) -> Any:
    from skimage.filters import gaussian, threshold_li
    from skimage.measure import label, regionprops

    smooth = gaussian(red, SMOOTHING)
    if np.ptp(smooth) == 0:
        return None
    regions = regionprops(label(smooth > threshold_li(smooth)))
    return max(regions, key=lambda region: region.area, default=None)
