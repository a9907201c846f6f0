"""Tables that tell of each cell in a stack: where it was in its field, and what was measured. Nothing here knows Qt.

napari's image layers have no features, so that these stand in their metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from napari_biogans.plugin.layer_data import LayerData

FEATURES_KEY = "biogans features"
"""Under which image layers hold the table of their cells."""
FIELDS_KEY = "biogans fields"
"""Under which image layers hold what is known of the fields that their cells are from."""


@dataclass(frozen=True)
class FieldRecord:
    """Where in the viewer a field was that cells were cut from."""

    name: str
    """As in the column `field` of the features."""
    shape: tuple[int, int]
    layer_names: tuple[str, ...]
    """Layers of red and green, or of both; none if the field came from a file."""
    place: tuple[int, ...]
    """In the leading axes of the layers: the time, the position."""
    scale: tuple[float, float]
    translate: tuple[float, float]
    units: tuple[str, str]
    pixel_size: float | None
    """In µm."""


def with_features(
    layers: Iterable[LayerData], features: pd.DataFrame, fields: Sequence[FieldRecord] = ()
) -> list[LayerData]:
    """Let layers of stacks know of their cells.

    Parameters
    ----------
    layers : iterable of (data, keywords, "image")
        Stacks (N, H, W).
    features : pandas.DataFrame
        One row per cell.
    fields : sequence of FieldRecord
        Those that the cells were cut from, where they are known.

    Returns
    -------
    list of (data, keywords, "image")
    """
    known: dict[str, Any] = {FEATURES_KEY: features.reset_index(drop=True)}
    if fields:
        known[FIELDS_KEY] = [asdict(field) for field in fields]
    return [
        (data, {**keywords, "metadata": {**keywords["metadata"], **known}}, kind) for data, keywords, kind in layers
    ]


def features_of(layer: Any) -> pd.DataFrame | None:
    """Give the table of the cells in a layer, or None if it has none, or one of other cells."""
    table = layer.metadata.get(FEATURES_KEY)
    count = layer.data.shape[0] if layer.data.ndim > 2 else 1
    return table if isinstance(table, pd.DataFrame) and len(table) == count else None


def fields_of(layer: Any) -> dict[str, FieldRecord]:
    """Give what a layer knows of the fields of its cells, by their names."""
    found: dict[str, FieldRecord] = {}
    for known in layer.metadata.get(FIELDS_KEY, ()):
        if isinstance(known, Mapping):
            record = FieldRecord(**known)
            found[record.name] = record
    return found
