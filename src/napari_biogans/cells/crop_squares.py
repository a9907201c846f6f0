"""Cutting the images of cells out of a part of their field that is in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cut_settings import CutConfig
from napari_biogans.cells.finding import FoundCells, crop_corners
from napari_biogans.cells.resampling import Pose, cut_image, is_inside, soft_mask
from napari_biogans.cells.tiles import Window, pixels_of

TILE = 1024
"""Cells whose centres lie in one square of this side are cut together."""


def squares_of(found: FoundCells, kept: pd.DataFrame, config: CutConfig) -> Iterator[tuple[NDArray[np.intp], Window]]:
    """Give the cells to cut together, by their row, and the window that holds all of them."""
    corners = crop_corners(kept, config.size)
    places = kept["place"].to_numpy(int)
    keys = np.stack([places, kept["y"].to_numpy() // TILE, kept["x"].to_numpy() // TILE], axis=1)
    squares, of_row = np.unique(keys, axis=0, return_inverse=True)
    order = np.split(np.argsort(of_row.ravel(), kind="stable"), np.cumsum(np.bincount(of_row.ravel()))[:-1])
    for square, rows in zip(squares, order, strict=True):
        shape = found.fields[int(square[0])].shape
        reach = _reach(config, kept["scale"].iat[rows[0]])
        yield rows, _around(corners[rows].reshape(-1, 2), reach, shape)


def _reach(config: CutConfig, scale: float) -> int:
    """How many pixels around an image matter for it: of splines, of the blur of masks, of the one before shrinking."""
    return int(np.ceil(4 + 4 * config.softness + 2 * max(1 / scale - 1, 0)))


def _around(corners: NDArray[np.float64], reach: int, shape: tuple[int, int]) -> Window:
    low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    return Window(
        *(slice(max(int(a) - reach, 0), min(int(b) + reach + 1, n)) for a, b, n in zip(low, high, shape, strict=True))
    )


class Square:
    """A part of a field, in memory, that cells are cut from."""

    def __init__(self, found: FoundCells, place: int, window: Window, config: CutConfig) -> None:
        field = found.fields[place]
        self._window, self._config, self._shape = window, config, field.shape
        self._light = np.stack([pixels_of(channel, window) for channel in (field.red, field.green)])
        self._labels = pixels_of(found.labels[place], window) if config.mask != "none" else None
        self._background = found.lights[place].background.astype(np.float32)

    def cut(self, pose: Pose, label: int) -> NDArray[np.float32]:
        """Give the image (2, H, W) of a cell."""
        config = self._config
        corners = crop_corners({name: [value] for name, value in pose._asdict().items()}, config.size)[0]
        around = _around(corners, _reach(config, pose.scale), self._shape)
        part = around.within(self._window)
        local = pose.from_origin(around.origin)
        shown = is_inside(pose, config.size, self._shape).astype(np.float32)
        if self._labels is not None:
            margin = config.margin if config.mask == "background" else None
            mask = soft_mask(self._labels[part], label, margin, config.softness)
            shown *= cut_image(mask, local, config.size, order=1)
        image = np.stack([cut_image(channel[part].astype(np.float32), local, config.size) for channel in self._light])
        background = self._background[:, None, None]
        return np.asarray(background + shown * (image - background), np.float32)
