"""From a field to the image of a cell and back: one resampling each way, and the soft masks of cells.

An image of a cell is turned by `angle` and scaled by `scale` (pixels of the
image for each pixel of the field) about the cell's centre. A step to the right
in the image is a step of (sin, cos) of the angle along rows and columns of the
field: with a positive angle the cell's right end is lower in the field.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
ORDER = 3
"""Cubic splines: twice through them, there and back, a cell stays what it was."""


class Pose(NamedTuple):
    """How a cell lies in its field."""

    y: float
    x: float
    angle: float
    """In degrees."""
    scale: float
    """Pixels of the cell's image for each pixel of the field."""

    def from_origin(self, origin: tuple[int, int]) -> Pose:
        """Count from the first pixel of a window instead of from that of the field."""
        return self._replace(y=self.y - origin[0], x=self.x - origin[1])

    @property
    def turn(self) -> NDArray[np.float64]:
        """Matrix from steps (down, right) in the image to steps in the field, without the scale."""
        angle = np.deg2rad(self.angle)
        return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def cut_image(pixels: Floats, pose: Pose, size: tuple[int, int], order: int = ORDER) -> Floats:
    """Cut the image of a cell out of a part of its field.

    Parameters
    ----------
    pixels : array (h, w), float32
        Where it reaches beyond them, the outermost pixels are repeated.
    pose : Pose
        Counted from the first of these pixels.
    size : (height, width)
        Of the image.
    order : int
        Of the splines.

    Returns
    -------
    array (height, width), float32
    """
    from scipy import ndimage

    pixels = _without_fine_detail(pixels, 1 / pose.scale)
    matrix = pose.turn / pose.scale
    middle = (np.array(size) - 1) / 2
    offset = np.array([pose.y, pose.x]) - matrix @ middle
    cut = ndimage.affine_transform(pixels, matrix, offset, size, np.float32, order, mode="nearest")
    return np.asarray(cut, np.float32)


def lay_back(image: Floats, pose: Pose, shape: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    """Lay the image of a cell into a part of a field: the other way of `cut_image`.

    Parameters
    ----------
    image : array (C, H, W), float32
    pose : Pose
        Counted from the first pixel of that part.
    shape : (h, w)
        Of the part.

    Returns
    -------
    pixels : array (C, h, w), float32
    down, right : arrays (h, w), float32
        Place of each pixel from the middle of the image, in pixels of the image.
    """
    from scipy import ndimage

    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    steps = np.stack([rows - pose.y, columns - pose.x])
    down, right = np.tensordot(pose.turn.T, steps, 1) * pose.scale
    middle = (np.array(image.shape[1:]) - 1) / 2
    places = np.stack([down + middle[0], right + middle[1]])
    laid = [
        ndimage.map_coordinates(_without_fine_detail(channel, pose.scale), places, np.float32, ORDER, mode="nearest")
        for channel in image
    ]
    return np.stack(laid), np.asarray(down, np.float32), np.asarray(right, np.float32)


def _without_fine_detail(pixels: Floats, shrinking: float) -> Floats:
    """Blur what a picture that is made smaller by this factor cannot show."""
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(pixels, (shrinking - 1) / 2), np.float32) if shrinking > 1 else pixels


def is_inside(pose: Pose, size: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which pixels of a cell's image lie in its field of a shape."""
    down, right = (np.arange(n) - (n - 1) / 2 for n in size)
    matrix = pose.turn / pose.scale
    rows = pose.y + matrix[0, 0] * down[:, None] + matrix[0, 1] * right
    columns = pose.x + matrix[1, 0] * down[:, None] + matrix[1, 1] * right
    inside = (rows >= -0.5) & (rows <= shape[0] - 0.5) & (columns >= -0.5) & (columns <= shape[1] - 0.5)
    return np.asarray(inside, np.bool_)


def soft_mask(labels: NDArray[np.integer], label: int, margin: float | None, softness: float) -> Floats:
    """Make a mask of a cell: 1 where it is shown, 0 where not.

    Parameters
    ----------
    labels : array (h, w)
        The cell and its neighbours.
    label : int
        The cell.
    margin : float or None
        How far beyond its outline it is shown, in pixels; None: as far as no
        other cell is nearer.
    softness : float
        Standard deviation of the blur.

    Returns
    -------
    array (h, w), float32

    Examples
    --------
    >>> labels = np.zeros((9, 30), int)
    >>> labels[2:7, 5:10], labels[2:7, 20:25] = 4, 9
    >>> soft_mask(labels, 4, None, 0.0)[4, ::5].tolist()
    [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    """
    from scipy import ndimage

    own = labels == label
    others = (labels != 0) & ~own
    far = np.full(labels.shape, np.inf)
    from_own = ndimage.distance_transform_edt(~own) if own.any() else far
    from_others = ndimage.distance_transform_edt(~others) if others.any() else far
    shown = from_own < from_others
    if margin is not None:
        shown &= from_own <= margin
    mask = shown.astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(mask, softness), np.float32) if softness else mask
