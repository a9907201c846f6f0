"""Which layers hold cells that can be put into a field, and where these go. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.place import NEEDED
from napari_biogans.plugin.cell_features import FieldRecord, features_of, fields_of
from napari_biogans.plugin.layer_data import METADATA_KEY

NO_LAYERS = (
    "There are no cells whose place is known: cut them from fields, or open a cell set that was cut; then rebuild them "
    "or draw others."
)
NOT_CHOSEN = "Check the layers that are to be put into the field."
ONE_FIELD = "the field"
"""What a field is called whose cells do not tell its name."""


@dataclass(frozen=True, eq=False)
class Destinations:
    """Where cells go: the places of real ones, and what is known of their fields."""

    table: pd.DataFrame
    fields: dict[str, FieldRecord]

    @property
    def field_names(self) -> pd.Series:
        """Of each cell."""
        if "field" in self.table:
            return self.table["field"].astype(str)
        return pd.Series(ONE_FIELD, self.table.index)

    @property
    def are_known(self) -> pd.Series:
        """Whether the place of each cell is known."""
        return pd.Series(np.isfinite(self.table[list(NEEDED)].to_numpy(float)).all(axis=1), self.table.index)


def has_places(layer: Any) -> bool:
    """Tell whether a layer knows where its cells were in their fields."""
    table = features_of(layer)
    return table is not None and set(NEEDED) <= set(table.columns)


def destinations_of(layer: Any) -> Destinations | None:
    """Give the places of the cells of a layer; None if it does not know them."""
    table = features_of(layer)
    return Destinations(table, fields_of(layer)) if table is not None and has_places(layer) else None


def layers_with_cells(layers: Sequence[Any]) -> list[Any]:
    """Find the layers that may be put into a field: those that know their places, and others as large as these.

    Parameters
    ----------
    layers : sequence of napari.layers.Image

    Returns
    -------
    list of napari.layers.Image
    """
    stacks = [layer for layer in layers if not (layer.rgb or layer.multiscale) and layer.ndim > 2]
    sizes = {tuple(layer.data.shape[-2:]) for layer in stacks if has_places(layer)}
    return [layer for layer in stacks if tuple(layer.data.shape[-2:]) in sizes]


def newest_of(layers: Sequence[Any]) -> list[Any]:
    """Find the layers that were added last and know the places of their cells, and those that show the same with them.

    Parameters
    ----------
    layers : sequence of napari.layers.Image
        In the order in which they were added.
    """
    placed = [layer for layer in layers if has_places(layer)]
    if not placed:
        return []
    newest = placed[-1]
    table = features_of(newest)
    return [layer for layer in placed if _shows(layer) == _shows(newest) and table is not None and _same(layer, table)]


def common_destinations(layers: Sequence[Any]) -> Destinations | None:
    """Give the places that layers of the same cells know; None if none of them knows any.

    Raises
    ------
    CellsError
        If none is chosen, or they show different cells.
    """
    if not layers:
        raise CellsError(NOT_CHOSEN)
    first = layers[0]
    for layer in layers[1:]:
        if layer.data.shape[0] != first.data.shape[0] or layer.data.shape[-2:] != first.data.shape[-2:]:
            raise CellsError(
                f"Layers {first.name!r} {_told(first)} and {layer.name!r} {_told(layer)} show different cells; check "
                "those of the same ones."
            )
    known = [layer for layer in layers if has_places(layer)]
    if not known:
        return None
    found = destinations_of(known[0])
    for layer in known[1:]:
        if found is not None and not _same(layer, found.table):
            raise CellsError(
                f"The cells of {known[0].name!r} and {layer.name!r} are at different places; check layers of the same "
                "cells."
            )
    return found


def assigned(cells: Sequence[int], destinations: Destinations, own: bool, field: str) -> tuple[list[int], list[int]]:
    """Tell which cells go to which rows of a table.

    Parameters
    ----------
    cells : sequence of int
        Places of the chosen cells in their stack.
    destinations : Destinations
    own : bool
        Whether the rows are those of the cells; else the first chosen cell
        goes to the first place of the field, and so on.
    field : str
        The name of the field.

    Returns
    -------
    cells, rows : lists of int
        Of the same length.
    """
    there = ((destinations.field_names == field) & destinations.are_known).to_numpy()
    if own:
        kept = [cell for cell in cells if there[cell]]
        return kept, kept
    rows = np.flatnonzero(there).tolist()
    count = min(len(cells), len(rows))
    return list(cells[:count]), rows[:count]


def _same(layer: Any, table: pd.DataFrame) -> bool:
    known = features_of(layer)
    if known is None or len(known) != len(table) or not set(NEEDED) <= set(known.columns):
        return False
    columns = [*NEEDED, *(["field"] if "field" in table else [])]
    return set(columns) <= set(known.columns) and known[columns].equals(table[columns])


def _shows(layer: Any) -> Any:
    known = layer.metadata.get(METADATA_KEY) or {}
    return known.get("shows")


def _told(layer: Any) -> str:
    return f"({'×'.join(map(str, layer.data.shape))})"
