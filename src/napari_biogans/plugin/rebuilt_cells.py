"""All cells that were rebuilt with one model, and where one of them stands among them. Nothing here knows Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_biogans.plugin.cell_features import CellOrigin
from napari_biogans.plugin.key_cells import KeyCell
from napari_biogans.plugin.rebuild_request import Rebuilt

if TYPE_CHECKING:
    from napari_biogans.latent import Reconstruction

FEWEST = 10
"""Cells among which it can be told where one stands."""


@dataclass(frozen=True, eq=False)
class RebuiltCell:
    """One of the cells that were rebuilt."""

    rebuilt: Rebuilt
    number: int
    """Among those that were rebuilt together."""

    @property
    def place(self) -> int:
        """In the stack of its layers."""
        return self.rebuilt.places[self.number]

    @property
    def class_name(self) -> str:
        """Of the cell."""
        return self.rebuilt.result.class_names[self.number]

    @property
    def error(self) -> float:
        """Root mean square error, as a part of the intensity range."""
        return float(self.rebuilt.errors[self.number])

    @property
    def channel_errors(self) -> tuple[float, ...]:
        """The same of each channel; NaN for those that were not matched."""
        errors = self.rebuilt.result.rmse[self.number]
        matched = 1 if self.rebuilt.request.in_red_only else len(errors)
        return tuple(float(error) if channel < matched else nan for channel, error in enumerate(errors))

    @property
    def nll(self) -> float:
        """Negative log density of its latent."""
        return float(self.rebuilt.result.nll[self.number])

    @property
    def neighbour_error(self) -> float:
        """Root mean square error of the nearest training cell over all channels; NaN where it is not known."""
        found = self.rebuilt.result.neighbour_rmse
        return nan if found is None or self.rebuilt.request.in_red_only else float(found[self.number])

    def alone(self) -> Rebuilt:
        """Give the result of this cell only."""
        return self.rebuilt.only(self.number)

    def key_cell(self) -> KeyCell:
        """Give what other docks go on from."""
        request = self.rebuilt.request
        name = f"{self.class_name}, cell {self.place} of {request.cells.source_name}"
        latent = self.rebuilt.result.latents[self.number]
        features, fields = request.cells.features, request.cells.fields
        origin = None if features is None else CellOrigin(features, self.place, fields)
        return KeyCell(name, latent, Path(request.facts.path), request.cells.drawn_as, origin)


class RebuiltCells:
    """Cells that were rebuilt with the same model and matched in the same channels, each once."""

    def __init__(self) -> None:
        self._key: object = None
        self._cells: dict[object, RebuiltCell] = {}

    def __len__(self) -> int:
        return len(self._cells)

    def add(self, rebuilt: Rebuilt) -> list[int]:
        """Add cells; others go if they are of another model.

        Parameters
        ----------
        rebuilt : Rebuilt

        Returns
        -------
        list of int
            Their numbers in `all`.
        """
        facts = rebuilt.request.facts
        key = facts.path, facts.step, rebuilt.request.in_red_only
        if key != self._key:
            self._key, self._cells = key, {}
        keys = [(rebuilt.request.cells.key, place) for place in rebuilt.places]
        self._cells |= {key: RebuiltCell(rebuilt, number) for number, key in enumerate(keys)}
        order = list(self._cells)
        known = {key: number for number, key in enumerate(order)}
        return [known[key] for key in keys]

    def all(self) -> list[RebuiltCell]:
        """Give the cells, in the order in which they were rebuilt first."""
        return list(self._cells.values())

    def number_of(self, key: object, place: int) -> int | None:
        """Find a cell by the key of its layers and its place there; None if it was not rebuilt."""
        wanted = key, place
        return next((number for number, known in enumerate(self._cells) if known == wanted), None)

    def places_of(self, key: object) -> set[int]:
        """Give the places of the cells of some layers that were rebuilt."""
        return {cell.place for cell in self._cells.values() if cell.rebuilt.request.cells.key == key}

    def result(self) -> Reconstruction | None:
        """Give the result of all cells; nearest training cells are left out unless they are known of each."""
        from napari_biogans.latent.results import joined

        parts = [cell.alone().result for cell in self._cells.values()]
        if any(part.neighbours is None for part in parts):
            parts = [replace(part, neighbours=None, neighbour_rmse=None) for part in parts]
        return joined(parts, is_complete=True) if parts else None

    def errors(self) -> NDArray[np.float64]:
        """Root mean square error of each cell."""
        return np.array([cell.error for cell in self._cells.values()])


def standing(errors: NDArray[np.float64], number: int | None) -> str:
    """Say where a cell stands among others.

    Parameters
    ----------
    errors : array (N,)
    number : int, optional
        Of the cell.

    Examples
    --------
    >>> standing(np.arange(1, 21) / 100, 4)
    'RMSE 0.050: less than that of 15 of the 19 other cells.'
    >>> standing(np.array([0.05]), 0)
    'RMSE 0.050. Where this cell stands is told among 10 cells or more.'
    """
    if number is None:
        return f"{len(errors):,} cells are rebuilt; the one in this slice is not."
    error = errors[number]
    if len(errors) < FEWEST:
        return f"RMSE {error:.3f}. Where this cell stands is told among {FEWEST} cells or more."
    return (
        f"RMSE {error:.3f}: less than that of {int((errors > error).sum()):,} of the {len(errors) - 1:,} other cells."
    )
