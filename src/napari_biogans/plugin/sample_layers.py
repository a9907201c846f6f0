"""The samples of a running training as one pair of layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.plugin.layer_data import LayerData, channel_layers, contact_sheet
from napari_biogans.plugin.own_layers import OwnLayers
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
        self._layers = OwnLayers(viewer)
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
            self._layers.remove()
        self._pixel_size = pixel_size
        self._is_first = True

    def show(self, samples: Samples) -> None:
        """Show samples, unless their layers were deleted since the training began.

        Parameters
        ----------
        samples : Samples
        """
        layers = sample_layers(samples.images, self._pixel_size)
        if self._layers.are_there() and self._layers.shapes == [data.shape for data, _, _ in layers]:
            self._layers.replace(layers)
        elif self._is_first:
            self._layers.remove()
            self._layers.add(layers)
        self._is_first = False


def sample_layers(images: NDArray[Any], pixel_size: float | None) -> list[LayerData]:
    """Make a red and a green layer of samples.

    Parameters
    ----------
    images : array (K, N, C, H, W)
    pixel_size : float, optional
        In µm.

    Returns
    -------
    list of (data, keywords, "image")
        Contact sheets.
    """
    metadata = {"shows": "samples of a training"}
    return channel_layers(contact_sheets(images), NAMES, pixel_size=pixel_size, metadata=metadata)


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
