"""Opening stacks that napari-biogans wrote, with their channels, colours and scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from napari_biogans.cells.records import tiff_stem
from napari_biogans.cells.tiff_stacks import TiffCells, is_written_by_us, open_tiff
from napari_biogans.plugin.layer_data import LayerData, channel_layers

Paths = str | Sequence[str]


def get_reader(path: Paths) -> Callable[[Paths], list[LayerData]] | None:
    """Offer to read files that `write_cells` wrote.

    Parameters
    ----------
    path : str or list of str

    Returns
    -------
    callable or None
        None for the files of others, which are left to other readers.
    """
    paths = _listed(path)
    return read_stacks if paths and all(is_written_by_us(each) for each in paths) else None


def read_stacks(path: Paths) -> list[LayerData]:
    """Read stacks of cells.

    Parameters
    ----------
    path : str or list of str

    Returns
    -------
    list of (data, keywords, "image")
        A red and a green layer for each stack.

    Raises
    ------
    CellsError
        If a file is damaged.
    """
    return [layer for each in _listed(path) for stack in open_tiff(each) for layer in _layers(stack)]


def _layers(stack: TiffCells) -> list[LayerData]:
    images = np.empty((stack.channels, stack.count, *stack.size), stack.dtype)
    for block in stack.blocks():
        images[block.channels, block.cells] = block.images.swapaxes(0, 1)
    known = stack.metadata
    class_name = known.class_name or tiff_stem(stack.path)
    channel_names = known.channel_names or [f"channel {channel}" for channel in range(stack.channels)]
    return channel_layers(images, [f"{class_name} {channel}" for channel in channel_names], pixel_size=known.pixel_size)


def _listed(path: Paths) -> list[str]:
    return [path] if isinstance(path, str) else list(path)
