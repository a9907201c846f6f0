"""Cells that a model draws from known latents: those of layers, and those that were kept. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.formats import MODEL_FILE
from napari_biogans.plugin.cell_features import CellOrigin, origins_of
from napari_biogans.plugin.layer_data import METADATA_KEY


class KeyCellError(Exception):
    """A cell that cannot be drawn; the message says why."""


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
    origin: CellOrigin | None = None
    """The real cell that it was rebuilt from, where that is known."""


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
    if not has_key_cells(layer):
        return []
    known = layer.metadata[METADATA_KEY]
    latents = np.asarray(known["latents"], np.float32)
    class_name = known.get("class")
    if latents.ndim == 3:
        names = list(known.get("class_names", ()))
        latents = latents[names.index(class_name) if class_name in names else 0]
    origins = origins_of(layer)
    if len(origins) != len(latents):
        # A sheet of several cells.
        origins = [None] * len(latents)
    return [
        KeyCell(f"{layer.name} [{place}]", latent, Path(known["model"]), class_name, origin)
        for place, (latent, origin) in enumerate(zip(latents, origins, strict=True))
    ]


def has_key_cells(layer: Any) -> bool:
    """Tell whether a layer was drawn or rebuilt from latents."""
    known = layer.metadata.get(METADATA_KEY)
    return isinstance(known, Mapping) and known.get("latents") is not None and bool(known.get("model"))


def cell_in_slice(layer: Any, point: Sequence[float]) -> KeyCell | None:
    """Give the cell of a layer that is seen in the current slice.

    Parameters
    ----------
    layer : napari.layers.Layer
    point : sequence of float
        Where the sliders stand, in the viewer's coordinates; `viewer.dims.point`.

    Returns
    -------
    KeyCell or None
        None for contact sheets of several cells, which have no slices, and
        where the slider stands beyond the cells.
    """
    cells = key_cells_of(layer)
    if layer.ndim < 3:
        return cells[0] if len(cells) == 1 else None
    place = round(float(layer.world_to_data(point)[0]))
    return cells[place] if 0 <= place < len(cells) else None


def of_model(cells: Iterable[KeyCell], model: Path) -> tuple[KeyCell, ...]:
    """Pick the cells whose latents are those of a model.

    Parameters
    ----------
    cells : iterable of KeyCell
    model : pathlib.Path
        A model file or the folder of a run, however it is written.

    Returns
    -------
    tuple of KeyCell
    """
    cells = tuple(cells)
    # There may be a hundred thousand, of a model or two.
    same = {path for path in {cell.model for cell in cells} if file_of(path) == file_of(model)}
    return tuple(cell for cell in cells if cell.model in same)


def latents_of(cells: Sequence[KeyCell], latent_size: int) -> NDArray[np.float32]:
    """Give the latents of cells (N, Z).

    Parameters
    ----------
    cells : sequence of KeyCell
        One at least.
    latent_size : int
        That of their model, which may have been trained anew since.

    Raises
    ------
    KeyCellError
        If a cell has another.
    """
    for cell in cells:
        if cell.latent.shape != (latent_size,):
            raise KeyCellError(
                f"{cell.name} has another latent size than this model, which has been trained anew since."
            )
    return np.stack([cell.latent for cell in cells])


def model_title(path: Path) -> str:
    """Name a model shortly: the folder of its run, or its file and what that is in.

    Parameters
    ----------
    path : pathlib.Path
    """
    # Runs that are gone have no ending either.
    return path.name if path.is_dir() or not path.suffix else f"{path.parent.name}/{path.name}"


def refusal(cells: Sequence[KeyCell]) -> str:
    """Say that some cells are not of the model that is chosen.

    Parameters
    ----------
    cells : sequence of KeyCell
        One at least.
    """
    models = list(dict.fromkeys(repr(model_title(cell.model)) for cell in cells))
    which = f"{cells[0].name!r} is" if len(cells) == 1 else f"{len(cells)} cells are"
    return f"{which} of another model; choose {' or '.join(models)} to go on from there."


def file_of(model: Path) -> Path:
    """Give the file of a model, however its path is written.

    Parameters
    ----------
    model : pathlib.Path
        A model file or the folder of a run, which may be gone.
    """
    return (model if model.suffix == ".safetensors" else model / MODEL_FILE).resolve()
