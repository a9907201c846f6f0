"""Tables that tell of each cell in a stack: where it was in its field, and what was measured. Nothing here knows Qt.

napari's image layers have no features, so that these stand in their metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
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


@dataclass(frozen=True, eq=False)
class CellOrigin:
    """The real cell that something was made of: its row in a table of cells."""

    table: pd.DataFrame
    row: int
    fields: tuple[FieldRecord, ...] = ()


def with_features(
    layers: Iterable[LayerData], features: pd.DataFrame | None, fields: Sequence[FieldRecord] = ()
) -> list[LayerData]:
    """Let layers of stacks know of their cells.

    Parameters
    ----------
    layers : iterable of (data, keywords, "image")
        Stacks (N, H, W).
    features : pandas.DataFrame, optional
        One row per cell; without them, the layers stay as they are.
    fields : sequence of FieldRecord
        Those that the cells were cut from, where they are known.

    Returns
    -------
    list of (data, keywords, "image")
    """
    if features is None:
        return list(layers)
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


def origins_of(layer: Any) -> list[CellOrigin | None]:
    """Give the row of each cell of a layer; none of those that have no table."""
    table = features_of(layer)
    if table is None:
        return [None] * (layer.data.shape[0] if layer.data.ndim > 2 else 1)
    fields = tuple(fields_of(layer).values())
    return [CellOrigin(table, row, fields) for row in range(len(table))]


def joined_origins(origins: Sequence[CellOrigin | None]) -> tuple[pd.DataFrame | None, tuple[FieldRecord, ...]]:
    """Put the rows of some cells together.

    Parameters
    ----------
    origins : sequence of CellOrigin or None

    Returns
    -------
    table : pandas.DataFrame or None
        One row per cell; None unless all cells have one.
    fields : tuple of FieldRecord
        Those that any of them is from, where they are known.
    """
    known = [origin for origin in origins if origin is not None]
    if not known or len(known) < len(origins):
        return None, ()
    tables = {id(origin.table): origin.table for origin in known}
    starts, start = {}, 0
    for key, table in tables.items():
        starts[key], start = start, start + len(table)
    # There may be very many cells, of a table or two.
    whole = next(iter(tables.values())) if len(tables) == 1 else pd.concat(tables.values(), ignore_index=True)
    rows = [starts[id(origin.table)] + origin.row for origin in known]
    of_origins = {id(origin.fields): origin.fields for origin in known}.values()
    records = {field.name: field for fields in of_origins for field in fields}
    return whole.iloc[rows].reset_index(drop=True), tuple(records.values())
