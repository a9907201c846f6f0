"""Which cells a model can be compared with."""

from __future__ import annotations

from napari_biogans.cells import CellSet
from napari_biogans.models import Model


def cells_of_model(model: Model, cells: CellSet) -> CellSet:
    """Take the cells of the classes that a model draws, in its order.

    Parameters
    ----------
    model : Model
    cells : CellSet

    Returns
    -------
    CellSet
        All classes where the model has learned the cells of all as one.

    Raises
    ------
    ValueError
        If the cells are of another size than the model's or have other
        channels, or if a class of the model is missing.
    """
    shape = model.header.shape
    if cells.size != shape.image_size:
        raise ValueError(
            f"The cells are {cells.size} pixels, the model draws {shape.image_size}; "
            f"read_cells(..., size={shape.image_size}) brings them to its size."
        )
    channels = len(cells.channel_names)
    if channels != shape.channels:
        raise ValueError(
            f"The cells have {channels} channels, the model draws {shape.channels}; "
            "read_cells(..., channels=[...]) takes those that it has learned."
        )
    if model.architecture.pools_classes:
        return cells
    if missing := [name for name in model.class_names if name not in cells.class_names]:
        raise ValueError(
            f"The cells are of {', '.join(cells.class_names)}, the model draws {', '.join(model.class_names)}; "
            f"give cells of {', '.join(missing)} as well, under these names."
        )
    return cells.subset(model.class_names)
