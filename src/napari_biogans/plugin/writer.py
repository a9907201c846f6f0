"""Saving layers of cells as a cell set."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Layer
from napari.utils.notifications import show_warning

from napari_biogans.cells.cellset import CellsError, CellsWarning
from napari_biogans.cells.writing import write_cells
from napari_biogans.plugin import session
from napari_biogans.plugin.saved_layers import cell_set_of
from napari_biogans.plugin.waiting import result_of

FullLayerData = tuple[Any, dict[str, Any], str]


class SavingError(Exception):
    """Layers that cannot be saved as a cell set; the message says what to do.

    It is no ValueError: napari takes those for a plugin that cannot write, and
    passes over their messages.
    """


def write_cell_layers(path: str, layer_data: Sequence[FullLayerData]) -> list[str]:
    """Save red and green layers as a cell set.

    Parameters
    ----------
    path : str
        A file that ends in .npz, which is replaced if it is there; or else a
        folder, in which there must be no cells yet.
    layer_data : sequence of (data, keywords, type)
        Of image layers: a red and a green one for each class, or one of red
        for all of them.

    Returns
    -------
    list of str
        The files that were written.

    Raises
    ------
    SavingError
        If the layers are no cells, or do not belong together. Nothing is
        written then.
    OSError
        If the disk is full or may not be written to.
    """
    target = Path(path).expanduser()
    layers = [Layer.create(data, keywords, kind) for data, keywords, kind in layer_data]
    is_file = target.suffix.lower() == ".npz"
    if target.is_dir() and any(target.iterdir()):
        raise SavingError(f"The folder {target} is there already, and not empty; give the cell set another name.")
    try:
        # napari's dialog keeps warnings to itself where something was written.
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", CellsWarning)
            cells = cell_set_of(layers, _class_name(target))
        written = result_of(partial(write_cells, cells, target, overwrite=is_file))
    except CellsError as error:
        raise SavingError(str(error)) from error
    for warning in warned:
        show_warning(str(warning.message))
    session.SESSION.open_cells(target)
    return [str(each) for each in written]


def _class_name(path: Path) -> str:
    """Name a class whose layers do not tell its name."""
    return path.name.partition(".")[0] or "cells"
