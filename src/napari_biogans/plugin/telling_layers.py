"""The cells that tell two sides apart, as layers. Nothing here knows Qt or napari."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_biogans.plugin.layer_data import LayerData, channel_layers, contact_sheet, contrast_limits

if TYPE_CHECKING:
    from napari_biogans.evaluation.telling import TellingCells

CHANNELS = ("red", "green")


def telling_layers(telling: TellingCells, row: str, column: str) -> tuple[list[LayerData], list[LayerData]]:
    """Lay the most telling cells of either side out beside each other, the most telling first.

    Parameters
    ----------
    telling : TellingCells
    row, column : str
        Of the test.

    Returns
    -------
    tuple of lists of (data, keywords, "image")
        Of a and of b, a layer per channel, with the same limits of contrast in
        both, so that they can be compared.
    """
    sides = {
        "a": (telling.a_images, telling.a_scores, telling.a_class_names),
        "b": (telling.b_images, telling.b_scores, telling.b_class_names),
    }
    limits = [
        contrast_limits(np.concatenate([telling.a_images[:, place], telling.b_images[:, place]]))
        for place in range(telling.a_images.shape[1])
    ]
    found = []
    for side, (images, scores, class_names) in sides.items():
        sheets = np.stack([contact_sheet(channel) for channel in images.swapaxes(0, 1)])
        colours = [*CHANNELS, *(f"channel {place}" for place in range(len(CHANNELS), len(sheets)))]
        layers = channel_layers(
            sheets,
            [f"{row}, {column}: telling {side} {colour}" for colour in colours],
            pixel_size=telling.pixel_size,
            metadata={
                "shows": f"the most telling cells of {side}",
                "row": row,
                "column": column,
                "scores": scores,
                "classes": class_names,
            },
        )
        found.append(
            [
                (data, {**keywords, "contrast_limits": limit}, kind)
                for (data, keywords, kind), limit in zip(layers, limits, strict=True)
            ]
        )
    return found[0], found[1]
