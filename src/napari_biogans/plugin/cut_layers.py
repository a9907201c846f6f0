"""Cells that were cut, as red and green layers that know where each cell was. Nothing here knows Qt or napari."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_biogans.plugin.cell_features import with_features
from napari_biogans.plugin.cell_records import with_records
from napari_biogans.plugin.cutting import Cut
from napari_biogans.plugin.layer_data import LayerData, cell_layers


def cut_layers(cut: Cut) -> list[list[LayerData]]:
    """Make a red and a green layer for each class.

    Parameters
    ----------
    cut : Cut

    Returns
    -------
    list of lists of (data, keywords, "image")
        The layers of each class, called like "Tea1 red" and "Tea1 green". They
        have the features of their cells, and records of the fields that these
        are from.
    """
    cells, records = cut.result.cells, cut.records()
    layers = cell_layers(cells)
    count = len(cells.channel_names)
    groups = []
    for place, class_name in enumerate(cells.class_names):
        features = cells.features[place]
        of_class = set(features["field"])
        known = with_records(
            layers[place * count : (place + 1) * count], class_name, cells.channel_names, cells.intensity_range.tolist()
        )
        groups.append(with_features(known, features, [record for record in records if record.name in of_class]))
    return groups


def in_rows(groups: Sequence[list[LayerData]]) -> list[Sequence[list[LayerData]]]:
    """Lay the classes out in as many rows as columns, or one less."""
    columns = math.ceil(math.sqrt(len(groups)))
    return [groups[start : start + columns] for start in range(0, len(groups), columns)]
