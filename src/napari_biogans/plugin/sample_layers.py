"""The samples of a running training as one pair of layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_biogans.plugin.layer_data import beside, channel_layers, contact_sheet, contrast_limits
from napari_biogans.training import Samples
from napari_biogans.training.samples import GREENS_PER_RED

NAMES = ("samples red", "samples green")
COLUMNS = 8
"""Of the sheet: the cells that share a red, where a model can hold it, make a row."""


class SampleLayers:
    """Shows samples as contact sheets in two layers whose pixels are replaced each time.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layers: list[Image] = []
        self._limits: list[tuple[float, float]] = []
        self._pixel_size: float | None = None
        self._is_first = True

    def begin(self, pixel_size: float | None) -> None:
        """Get ready for another training.

        Parameters
        ----------
        pixel_size : float, optional
            In µm.
        """
        if pixel_size != self._pixel_size:
            self._remove()
        self._pixel_size = pixel_size
        self._is_first = True

    def show(self, samples: Samples) -> None:
        """Show samples, unless their layers were deleted since the training began.

        Parameters
        ----------
        samples : Samples
        """
        sheets = contact_sheets(samples.images)
        present = bool(self._layers) and all(layer in self._viewer.layers for layer in self._layers)
        if present and self._layers[0].data.shape == sheets[0].shape:
            self._replace(sheets)
        elif self._is_first:
            self._remove()
            self._add(sheets)
        self._is_first = False

    def _add(self, sheets: NDArray[Any]) -> None:
        layers = channel_layers(sheets, NAMES, pixel_size=self._pixel_size, metadata={"shows": "samples of a training"})
        for data, keywords, _ in beside(self._viewer.layers, layers):
            layer = Image(data, **keywords)
            self._viewer.add_layer(layer)
            self._layers.append(layer)
            self._limits.append(keywords["contrast_limits"])
        self._viewer.reset_view()

    def _replace(self, sheets: NDArray[Any]) -> None:
        for place, (layer, sheet) in enumerate(zip(self._layers, sheets, strict=True)):
            layer.data = sheet
            # Limits that somebody set by hand are left alone.
            if tuple(layer.contrast_limits) == self._limits[place]:
                layer.contrast_limits = contrast_limits(sheet)
                self._limits[place] = tuple(layer.contrast_limits)

    def _remove(self) -> None:
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers, self._limits = [], []


def contact_sheets(images: NDArray[Any]) -> NDArray[Any]:
    """Lay samples out beside each other.

    Parameters
    ----------
    images : array (K, N, C, H, W)

    Returns
    -------
    array (2, rows, columns)
        Of one class, all its cells. Of several, a row for each class, and in
        each column the cells of one latent, which have the same red where
        classes share it; the columns are of different reds.
    """
    if len(images) > 1:
        by_red = images[:, ::GREENS_PER_RED]
        images = by_red[:, :COLUMNS].reshape(1, -1, *images.shape[2:])
        columns = min(COLUMNS, by_red.shape[1])
    else:
        columns = COLUMNS
    return np.array([contact_sheet(images[0, :, channel], columns) for channel in range(len(NAMES))])
