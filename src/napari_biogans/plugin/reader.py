"""Telling napari which files and folders are ours, without loading what is needed to read them.

npe2 calls a reader for every file whose name fits a pattern, and for every
folder; what others wrote is refused, so that they can read it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from napari_biogans.cells.archives import is_archive_of_ours
from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.layout import scan
from napari_biogans.cells.tiff_stacks import is_written_by_us
from napari_biogans.formats import kind_of
from napari_biogans.plugin.layer_data import LayerData
from napari_biogans.plugin.opened_cells import read_cell_layers
from napari_biogans.plugin.opened_models import read_model_layers

Paths = str | Sequence[str]
Read = Callable[[Paths], list[LayerData]]


def get_reader(path: Paths) -> Read | None:
    """Offer to read models, runs and cell sets of ours.

    Parameters
    ----------
    path : str or list of str

    Returns
    -------
    callable or None
        None for the files and folders of others, which are left to other
        readers, and for paths that are not all of one kind.
    """
    paths = [path] if isinstance(path, str) else list(path)
    readers: dict[str | None, Read] = {"cells": read_cells_at, "model": read_models_at}
    kinds = {_kind(os.fspath(each)) for each in paths}
    return readers.get(kinds.pop()) if len(kinds) == 1 else None


def read_cells_at(path: Paths) -> list[LayerData]:
    """Read cell sets, whole or stack by stack, as red and green layers."""
    return [layer for each in _listed(path) for layer in read_cell_layers(each)]


def read_models_at(path: Paths) -> list[LayerData]:
    """Read models, of files or of runs, as contact sheets of what they draw."""
    return [layer for each in _listed(path) for layer in read_model_layers(each)]


def _listed(path: Paths) -> list[Path]:
    return [Path(path)] if isinstance(path, str) else [Path(each) for each in path]


def _kind(path: str) -> Literal["cells", "model"] | None:
    # A checkpoint is read as a model too, which refuses it and says what to open instead.
    if kind_of(path) is not None:
        return "model"
    return "cells" if _holds_our_cells(path) else None


def _holds_our_cells(path: str) -> bool:
    folder = Path(path)
    if folder.is_dir():
        try:
            images, _ = scan(folder)
        except CellsError:
            return False
        return bool(images) and all(is_written_by_us(image) for image in images)
    if path.lower().endswith(".npz"):
        return is_archive_of_ours(path)
    return is_written_by_us(path)
