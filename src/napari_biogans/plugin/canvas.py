"""Where the viewer looks, in all versions of napari that there are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def camera_of(viewer: Any) -> Any:
    """Give the camera of a viewer, which moved in napari 0.9."""
    return getattr(viewer, "scene", viewer).camera


def filling_zoom(viewer: Any, size: ArrayLike, part: float) -> float | None:
    """Find the zoom at which a rectangle fills a part of the canvas in height or in width.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    size : (height, width)
        Of the rectangle, in world coordinates.
    part : float
        In (0, 1].

    Returns
    -------
    float or None
        None where the size of the canvas is not known, as in older versions of
        napari.
    """
    canvas = getattr(viewer, "canvas", None)
    return None if canvas is None else part * float(min(canvas.size / np.maximum(size, np.finfo(float).tiny)))
