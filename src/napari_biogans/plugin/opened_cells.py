"""Opening cell sets, and single stacks of them, as red and green layers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.archives import ArrayCells, open_archive
from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.layout import scan
from napari_biogans.cells.records import tiff_stem
from napari_biogans.cells.tiff_stacks import TiffCells, open_tiff
from napari_biogans.plugin import session
from napari_biogans.plugin.cell_features import with_features
from napari_biogans.plugin.cell_records import with_records
from napari_biogans.plugin.layer_data import LayerData, channel_layers, with_shared_limits
from napari_biogans.plugin.placing import placed_in_grid
from napari_biogans.plugin.waiting import result_of


def read_cell_layers(path: Path) -> list[LayerData]:
    """Read a cell set that `write_cells` wrote, and let all docks know of it.

    Parameters
    ----------
    path : pathlib.Path
        A folder, an archive, or the stack of one class.

    Returns
    -------
    list of (data, keywords, "image")
        A red and a green layer for each class, with the pixels as they are in
        the file, and the features of their cells; the classes stand beside
        each other.

    Raises
    ------
    CellsError
        If a file is damaged.
    """
    classes = result_of(partial(_read, path))
    session.SESSION.open_cells(path)
    return placed_in_grid(classes)


def pixels_of(cells: TiffCells | ArrayCells) -> NDArray[Any]:
    """Read all pixels of a class, (C, N, H, W).

    Parameters
    ----------
    cells : TiffCells or ArrayCells

    Raises
    ------
    CellsError
        If the file is damaged.
    """
    images = np.empty((cells.channels, cells.count, *cells.size), cells.dtype)
    for block in cells.blocks():
        images[block.channels, block.cells] = block.images.swapaxes(0, 1)
    return images


def _read(path: Path) -> list[list[LayerData]]:
    return with_shared_limits([_layers(cells) for cells in _sources(path)])


def _sources(path: Path) -> Sequence[TiffCells | ArrayCells]:
    if path.suffix.lower() == ".npz":
        return open_archive(str(path))
    if not path.is_dir():
        return open_tiff(str(path))
    images, _ = scan(path)
    if not images:
        raise CellsError(f"There are no cells in {path}.")
    # In the order in which the classes were written, and else in that of the files.
    return sorted(
        (stack for image in images for stack in open_tiff(image)), key=lambda each: each.metadata.position or 0
    )


def _layers(cells: TiffCells | ArrayCells) -> list[LayerData]:
    known = cells.metadata
    class_name = cells.key if isinstance(cells, ArrayCells) else known.class_name or tiff_stem(Path(cells.path).name)
    channel_names = known.channel_names or [f"channel {channel}" for channel in range(cells.channels)]
    names = [f"{class_name} {name}" for name in channel_names]
    layers = channel_layers(pixels_of(cells), names, pixel_size=known.pixel_size)
    layers = with_records(layers, class_name, channel_names, known.intensity_range)
    return with_features(layers, known.features)
