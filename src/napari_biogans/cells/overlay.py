"""How cells lie over a field: what their outlines show, and how those that overlap are mixed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from napari_biogans.cells.resampling import Pose, lay_back, soft_mask
from napari_biogans.cells.tiles import Window, pixels_of

FEATHER = 2.0
"""Pixels over which the edge of a whole image fades."""
Part = Literal["cell", "image"]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(use_attribute_docstrings=True, extra="forbid"))
class PlacingConfig:
    """What of a cell's image is put into a field.

    Examples
    --------
    >>> PlacingConfig().part
    'cell'
    """

    part: Part = "cell"
    """What is put there: the cell, or all of its image."""

    margin: NotNegative = 3.0
    """How far beyond its outline a cell is shown, in pixels of the field, from 0 on."""

    softness: NotNegative = 1.0
    """Width of the soft edge of cells, in pixels of the field, from 0 on."""


class Outline:
    """Says which pixels of a field show a cell, and how near they are to it."""

    def __init__(self, labels: Any, config: PlacingConfig) -> None:
        self._labels, self._part, self._margin = labels, config.part, config.margin
        self._softness = config.softness

    def lay(
        self, image: NDArray[np.float32], cell: pd.Series, around: Window
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Give pixels (C, h, w), how much they show (h, w) in [0, 1], and their weight beside those of other cells."""
        pose = Pose(cell["y"], cell["x"], cell["angle"], cell["scale"]).from_origin(around.origin)
        pixels, down, right = lay_back(image, pose, around.shape)
        height, width = image.shape[1:]
        edge = np.minimum(height / 2 - np.abs(down), width / 2 - np.abs(right)) / pose.scale
        half_length = max(cell.get("length", width / pose.scale) / 2, 1)
        half_width = max(cell.get("width", height / pose.scale) / 2, 1)
        across, along = down / pose.scale, right / pose.scale
        # 1 on the ellipse, less within.
        ellipse = np.sqrt((along / half_length) ** 2 + (across / half_width) ** 2)
        weight = np.asarray(1 / (ellipse**4 + 1e-3), np.float32)
        if self._part == "image":
            return pixels, np.clip(edge / FEATHER + 0.5 / FEATHER, 0, 1), weight
        shown = (edge >= -0.5 / pose.scale).astype(np.float32)
        if self._labels is not None:
            reach = int(np.ceil(4 * self._softness)) + 1
            wider = around.grown(reach, self._labels.shape)
            mask = soft_mask(pixels_of(self._labels, wider), int(cell["label"]), self._margin, self._softness)
            return pixels, shown * mask[around.within(wider)], weight
        beyond = np.hypot(along, across) * (1 - 1 / np.maximum(ellipse, 1e-3)) - self._margin
        return pixels, shown * np.clip(0.5 - beyond / (2 * max(self._softness, 0.5)), 0, 1), weight


class Blend:
    """Cells over a part of a field; those that overlap are mixed by their weights, in whatever order they come."""

    def __init__(self, base: NDArray[np.float32]) -> None:
        self._base = base
        self._sum = np.zeros_like(base)
        self._weights = np.zeros(base.shape[1:], np.float32)
        self._cover = np.zeros(base.shape[1:], np.float32)

    def add(
        self,
        where: tuple[slice, slice],
        pixels: NDArray[np.float32],
        shown: NDArray[np.float32],
        weight: NDArray[np.float32],
    ) -> None:
        """Put a cell there."""
        weight = weight * shown
        self._sum[(slice(None), *where)] += weight * pixels
        self._weights[where] += weight
        self._cover[where] = np.maximum(self._cover[where], shown)

    def result(self) -> NDArray[np.float32]:
        """Give the field with its cells."""
        cells = self._sum / np.maximum(self._weights, 1e-12)
        return np.asarray(self._base + self._cover * (cells - self._base), np.float32)
