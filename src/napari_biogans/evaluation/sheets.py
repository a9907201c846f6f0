"""Cells beside each other, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells import to_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 2
"""Pixels between cells."""
SCALE_BAR_UM = 5


def composite(
    images: NDArray[Any], intensity_range: NDArray[np.float32], *, magenta: bool = False
) -> NDArray[np.float32]:
    """Lay channel 0 and channel 1 over each other: (N, C, H, W) to (N, H, W, 3) in [0, 1].

    Channel 1 is green; channel 0 red, or magenta, which is told from green by
    everybody.
    """
    unit = (to_unit(images[:, :2], intensity_range[:2]) + 1) / 2
    red, green = unit[:, 0], unit[:, 1]
    return np.stack([red, green, red if magenta else np.zeros_like(red)], axis=-1)


def contact_sheet(rows: list[NDArray[np.float32]], columns: int) -> NDArray[np.float32]:
    """Put rows of images, each (N, H, W, 3) of as many as there are columns at most, below each other on white."""
    height, width = rows[0].shape[1:3]
    sheet = np.ones((len(rows) * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), np.float32)
    for k, row in enumerate(rows):
        top = k * (height + GAP)
        for column, image in enumerate(row):
            left = column * (width + GAP)
            sheet[top : top + height, left : left + width] = image
    return sheet


def add_scale_bar(axes: Axes, shape: tuple[int, ...], pixel_size: float) -> None:
    """Draw a scale bar into the lower right corner of a sheet of this shape; pixels are so many µm wide."""
    from matplotlib.patches import Rectangle

    length = SCALE_BAR_UM / pixel_size
    left, top = shape[1] - length - 6, shape[0] - 8
    axes.add_patch(Rectangle((left, top), length, 3, color="white", linewidth=0))
    axes.text(left + length / 2, top - 2, f"{SCALE_BAR_UM} µm", color="white", ha="center", va="bottom", fontsize=7)
