"""What was found in fields, as layers: outlines by decision, frames of the images, labels. Nothing here knows Qt.

Cells of all fields have numbers of their own, from 1, in the order of the table of all that was found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.finding import FoundCells, crop_corners
from napari_biogans.plugin.field_groups import FieldGroup
from napari_biogans.plugin.layer_data import METADATA_KEY

KEPT_COLOUR, LEFT_OUT_COLOUR = "#56b4e9", "#e69f00"
"""Blue and orange, which nearly all can tell apart, also over red and green."""
OUTLINES = "outlines of found cells"
"""What layers of outlines know that they show, so that they are not offered as labels to cut by."""
FRAMES = "frames of cells"
FIELDS = "fields of files"
LARGEST_SIDE = 4096
"""Pixels of a field's side above which outlines are shown in coarser pixels."""
MEASURED = ("area", "length", "width", "solidity", "angle", "mean_red", "mean_green", "ring_green")
KEPT = "kept"
DIGITS = 3
BAND = 1024
"""Rows of labels that are looked at together where they are shown coarser."""


def cell_features(table: pd.DataFrame) -> pd.DataFrame:
    """Make the table that napari shows of the cell under the mouse.

    Parameters
    ----------
    table : pandas.DataFrame
        As `FoundCells.judge` gives.

    Returns
    -------
    pandas.DataFrame
        `index`, the number of the cell in the layer; `decision`: kept, or left
        out and why; `field`, `label`, and what was measured.
    """
    reasons = table["left_out"]
    decision = np.where(reasons == "", KEPT, "left out: " + reasons.astype(object))
    told = pd.DataFrame({"index": np.arange(1, len(table) + 1), "decision": decision})
    for name in ("field", "label"):
        told[name] = table[name].to_numpy()
    for name in MEASURED:
        told[name] = table[name].to_numpy().round(DIGITS)
    return told


def colours(table: pd.DataFrame) -> dict[int | None, NDArray[np.float32]]:
    """Give the colour of each cell by its number: that of those that are kept, or of those left out."""
    both = np.array([_rgba(LEFT_OUT_COLOUR), _rgba(KEPT_COLOUR)], np.float32)
    nothing = np.zeros(4, np.float32)
    of_cells = both[(table["left_out"] == "").to_numpy(int)]
    return {None: nothing, 0: nothing, **dict(enumerate(of_cells, 1))}


def numbered_labels(group: FieldGroup, found: FoundCells, first: int, step: int = 1) -> Any:
    """Make one stack of the labels of a group's fields, with numbers that differ from field to field.

    Parameters
    ----------
    group : FieldGroup
    found : FoundCells
        Of all groups; perhaps stopped before the last fields.
    first : int
        Place of the group's first field in `found`.
    step : int
        Pixels of the fields for each pixel of the stack.

    Returns
    -------
    array (*lengths, H, W)
        With the leading axes of the group. Of several fields only those that
        are looked at are in memory.
    """
    size = -(-group.size[0] // step), -(-group.size[1] // step)
    tables = [objects.table for objects in found.objects]
    starts = np.cumsum([0, *map(len, tables)])
    planes = [
        partial(_numbers, found.labels[place], tables[place]["label"].to_numpy(), int(starts[place]), step, size)
        if place < len(tables)
        else partial(np.zeros, size, np.int32)
        for place in range(first, first + len(group.fields))
    ]
    return stacked(planes, group, size, np.dtype(np.int32))


def step_of(group: FieldGroup) -> int:
    """Tell how many pixels of the fields are shown as one: 1, but for fields that are larger than screens are."""
    return -(-max(group.size) // LARGEST_SIDE)


def stacked(
    planes: Sequence[Callable[[], NDArray[Any]]], group: FieldGroup, size: tuple[int, ...], dtype: np.dtype[Any]
) -> Any:
    """Put planes together as the fields of a group are: one is made at once, several when they are looked at."""
    if len(planes) == 1:
        flat: Any = planes[0]()[None]
    else:
        # Both come with napari.
        import dask.array as da
        from dask.delayed import delayed

        flat = da.stack([da.from_delayed(delayed(plane, pure=False)(), size, dtype) for plane in planes])
    axis = group.channel_axis
    places = tuple(1 if k == axis else n for k, n in enumerate(group.lengths))
    whole = flat.reshape((*places, *size))
    if axis is None:
        return whole
    # The same at all channels.
    shape = (*group.lengths, *size)
    if isinstance(whole, np.ndarray):
        return np.broadcast_to(whole, shape)
    import dask.array as da

    return da.broadcast_to(whole, shape)


def outline_layer(group: FieldGroup, labels: Any, step: int, features: pd.DataFrame) -> tuple[Any, dict[str, Any], str]:
    """Make the layer of labels that shows the outlines of what was found; its colours are set by whoever shows it."""
    scale = group.placing["scale"]
    placing = {**group.placing, "scale": (*scale[:-2], scale[-2] * step, scale[-1] * step)}
    keywords = {
        "name": f"found in {group.name}",
        "features": features,
        "opacity": 1.0,
        "blending": "translucent_no_depth",
        "metadata": {METADATA_KEY: {"shows": OUTLINES}},
        **placing,
    }
    return labels, keywords, "labels"


def frame_vectors(group: FieldGroup, table: pd.DataFrame, first: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """Find the sides of the images of the cells that are kept.

    Parameters
    ----------
    group, first
        As for `numbered_labels`.
    table : pandas.DataFrame
        As `FoundCells.judge` gives.
    size : (height, width)
        Of the images, in pixels.

    Returns
    -------
    array (4 N, 2, D)
        Starts and directions of lines, with the leading axes of the group; as
        often as there are channels.
    """
    mine = table["place"].between(first, first + len(group.fields) - 1)
    kept = table[(table["left_out"] == "") & mine]
    corners = crop_corners(kept, size)
    sides = np.stack([corners, np.roll(corners, -1, axis=1) - corners], axis=2).reshape(-1, 2, 2)
    places = np.array([record.place for record in group.records], float).reshape(len(group.records), -1)
    lead = np.repeat(places[kept["place"].to_numpy(int) - first], 4, axis=0)
    vectors = np.zeros((len(sides), 2, lead.shape[1] + 2))
    vectors[:, 0, :-2], vectors[:, :, -2:] = lead, sides
    if group.channel_axis is None:
        return vectors
    copies = []
    for channel in range(group.lengths[group.channel_axis]):
        copy = vectors.copy()
        copy[:, 0, group.channel_axis] = channel
        copies.append(copy)
    return np.concatenate(copies)


def _numbers(labels: Any, names: NDArray[np.int64], start: int, step: int, size: tuple[int, int]) -> NDArray[np.int32]:
    """Give the labels of a field as numbers from `start` + 1, at every so many pixels, with nothing around them."""
    numbers = np.zeros(size, np.int32)
    height = int(labels.shape[0])
    band = height if step == 1 else max(BAND // step, 1) * step
    for top in range(0, height, band):
        seen = np.asarray(labels[top : min(top + band, height), 0 : int(labels.shape[1])])[::step, ::step]
        if len(names):
            places = np.minimum(np.searchsorted(names, seen), len(names) - 1)
            # What was drawn since is not known.
            part = np.where(names[places] == seen, places + start + 1, 0)
            numbers[top // step : top // step + len(part), : part.shape[1]] = part
    return numbers


def _rgba(colour: str) -> list[float]:
    return [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)] + [1.0]
