"""Cells that a model draws from known latents: those of layers, and those that were kept. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin.layer_data import METADATA_KEY


@dataclass(frozen=True, eq=False)
class KeyCell:
    """A cell that can be drawn again, varied, or gone on from."""

    name: str
    """What lists show."""
    latent: NDArray[np.float32]
    """(Z,)"""
    model: Path
    """A model file or the folder of a run, whose latent it is."""
    class_name: str | None = None
    """Whose green was looked at, where it is known."""


def key_cells_of(layer: Any) -> list[KeyCell]:
    """Give the cells of a layer that was drawn or rebuilt from latents.

    Parameters
    ----------
    layer : napari.layers.Layer
        Its metadata has, under "biogans", `latents` (N, Z), or (K, N, Z) where
        each class has a green latent of its own, `model`, and `class`.

    Returns
    -------
    list of KeyCell
        One for each cell, in the order of the slices; none for other layers.
    """
    known = layer.metadata.get(METADATA_KEY)
    if not isinstance(known, Mapping) or known.get("latents") is None or not known.get("model"):
        return []
    latents = np.asarray(known["latents"], np.float32)
    class_name = known.get("class")
    if latents.ndim == 3:
        names = list(known.get("class_names", ()))
        latents = latents[names.index(class_name) if class_name in names else 0]
    return [
        KeyCell(f"{layer.name} [{place}]", latent, Path(known["model"]), class_name)
        for place, latent in enumerate(latents)
    ]


def key_cell_shown(layer: Any, point: Sequence[float]) -> KeyCell:
    """Give the cell of a layer that is shown.

    Parameters
    ----------
    layer : napari.layers.Layer, optional
        The active one, if there is any.
    point : sequence of float
        Where the viewer is, in world coordinates.

    Raises
    ------
    CellsError
        If there is none, or it cannot be told which; the message says what to
        do.
    """
    cells = [] if layer is None else key_cells_of(layer)
    if not cells:
        raise CellsError("Choose a layer of cells that were drawn or rebuilt, in the list of layers.")
    if len(cells) == 1:
        return cells[0]
    if layer.ndim < 3 or len(layer.data) != len(cells):
        raise CellsError(f"{layer.name} shows many cells beside each other; draw a stack to choose one of them.")
    place = round(float(layer.world_to_data(point)[0]))
    if not 0 <= place < len(cells):
        raise CellsError(f"{layer.name} has no cell in this slice; move the slider below the picture.")
    return cells[place]
