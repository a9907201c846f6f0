"""Rebuilt and completed cells as layers that stand side by side. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.latent.completions import ASSUMPTION
from napari_biogans.plugin.cell_features import with_features
from napari_biogans.plugin.class_colours import class_colours
from napari_biogans.plugin.layer_data import LayerData, channel_layers, contrast_limits
from napari_biogans.plugin.rebuild_request import ChosenCells, Completed, Rebuilt
from napari_biogans.plugin.rebuilding import DRAWS

Rows = list[list[list[LayerData]]]
"""Of layers: groups that stand on top of each other, by row and column."""
DIVERGING = "PuOr"
"""White where nothing differs; nearly all can tell its ends apart."""
COLOURS = ("red", "green")
COLUMNS = 8
"""Classes beside each other, at most."""


def rebuilt_rows(rebuilt: Rebuilt) -> Rows:
    """Make layers of targets, reconstructions, differences and nearest training cells.

    Parameters
    ----------
    rebuilt : Rebuilt

    Returns
    -------
    list of lists of groups of (data, keywords, "image")
        One row: the target, the reconstruction, their difference in each
        channel, and the nearest training cell if any were given. Real and
        drawn cells have the same limits of contrast. In all channels, the same
        colour of a difference is the same part of the intensity range. What
        was not matched, green in the mode red-only, is left out. Target and
        reconstruction have the features of the cell.
    """
    result = rebuilt.result
    channels = range(1 if rebuilt.request.in_red_only else len(result.channel_names))
    names = [*COLOURS, *(f"channel {place}" for place in range(len(COLOURS), len(result.channel_names)))]
    parts = {"target": result.targets, "rebuilt": result.images}
    if result.neighbours is not None:
        parts["nearest"] = result.neighbours
    limits = [contrast_limits(np.concatenate([images[:, c] for images in parts.values()])) for c in channels]
    about = _about(rebuilt.request.cells, rebuilt.places, rebuilt)
    groups = {}
    for part, images in parts.items():
        metadata = {**about, "shows": part}
        if part == "rebuilt":
            metadata |= {"latents": result.latents, "settings": str(result.config)}
        layers = channel_layers(
            images.swapaxes(0, 1)[: len(channels)],
            [f"{part} {names[c]}" for c in channels],
            pixel_size=result.pixel_size,
            metadata=metadata,
        )
        groups[part] = [
            (data, {**keywords, "contrast_limits": limit}, kind)
            for (data, keywords, kind), limit in zip(layers, limits, strict=True)
        ]
        if part != "nearest":
            groups[part] = _of_cells(groups[part], rebuilt.request.cells, rebuilt.places)
    differences = _differences(rebuilt, [names[c] for c in channels], about)
    columns = [groups["target"], groups["rebuilt"], *differences]
    if "nearest" in groups:
        columns.append(groups["nearest"])
    return _on_slices([columns], rebuilt.request.cells, rebuilt.places)


def completed_rows(completed: Completed) -> Rows:
    """Make layers of the greens of all classes: their means, and below each its spread.

    Parameters
    ----------
    completed : Completed

    Returns
    -------
    list of lists of groups of (data, keywords, "image")
        In the units of the cells, with the same limits of contrast for all
        classes. Means have the features of the cells.
    """
    result, request = completed.result, completed.request
    low, high = result.intensity_range[1]
    count = len(result.class_names)
    colours = class_colours(count) if count > 1 else ["green"]
    means, spreads = low + result.mean[:, :, 0] * (high - low), result.std[:, :, 0] * (high - low)
    limits = contrast_limits(means), (0.0, max(float(spreads.max()), np.finfo(np.float32).tiny))
    about = {**_about(request.cells, completed.places, completed), "draws": DRAWS, "assumption": ASSUMPTION}
    about["dtype"] = request.facts.dtype
    rows: Rows = []
    for first in range(0, count, COLUMNS):
        some = range(first, min(first + COLUMNS, count))
        for what, images, limit in (("mean", means, limits[0]), ("spread", spreads, limits[1])):
            columns = []
            for k in some:
                (layer,) = channel_layers(
                    images[k : k + 1],
                    [f"{result.class_names[k]} {what}"],
                    colormaps=(colours[k],),
                    pixel_size=result.pixel_size,
                    metadata={**about, "shows": f"{what} of greens", "class": result.class_names[k]},
                )
                data, keywords, kind = layer
                group: list[LayerData] = [(data, {**keywords, "contrast_limits": limit}, kind)]
                columns.append(_of_cells(group, request.cells, completed.places) if what == "mean" else group)
            rows.append(columns)
    return _on_slices(rows, request.cells, completed.places)


def first_coordinate(cells: ChosenCells, places: Sequence[int]) -> float:
    """Tell where the first slice of the layers lies along the viewer's axis.

    Cells that follow each other in their stack stand beside it, slice by
    slice. Others come behind its last slice, so that they never stand beside
    other cells.
    """
    start, step = cells.slices
    return start + step * (places[0] if are_in_line(places) else cells.count)


def are_in_line(places: Sequence[int]) -> bool:
    """Tell whether cells follow each other in their stack, as a single one does."""
    return list(places) == list(range(places[0], places[0] + len(places)))


def _of_cells(layers: list[LayerData], cells: ChosenCells, places: Sequence[int]) -> list[LayerData]:
    """Let layers know where their cells were in their fields, if the stack of the cells does."""
    features = None if cells.features is None else cells.features.iloc[list(places)]
    return with_features(layers, features, cells.fields)


def _about(cells: ChosenCells, places: Sequence[int], done: Rebuilt | Completed) -> dict[str, Any]:
    facts = done.request.facts
    return {
        "model": str(facts.path),
        "step": facts.step,
        "class": cells.drawn_as,
        "class_names": facts.class_names,
        "source": cells.source_name,
        "cells": tuple(places),
    }


def _differences(rebuilt: Rebuilt, names: Sequence[str], about: dict[str, Any]) -> list[list[LayerData]]:
    """Make a layer of the difference in each channel, rebuilt less real, in intensities."""
    result = rebuilt.result
    difference = result.images.astype(np.float32) - result.targets.astype(np.float32)
    spans = np.diff(result.intensity_range[: len(names)], axis=1)[:, 0]
    by_channel: list[NDArray[np.float32]] = [difference[:, c] for c in range(len(names))]
    largest = max(float(np.abs(of).max()) / span for of, span in zip(by_channel, spans, strict=True))
    found = []
    for name, of_channel, span in zip(names, by_channel, spans, strict=True):
        (layer,) = channel_layers(
            of_channel[None],
            [f"difference {name}"],
            colormaps=(DIVERGING,),
            pixel_size=result.pixel_size,
            metadata={**about, "shows": f"rebuilt less real {name}, in the units of the cells"},
        )
        data, keywords, kind = layer
        limit = (largest or 1.0) * float(span)
        found.append([(data, {**keywords, "contrast_limits": (-limit, limit), "blending": "opaque"}, kind)])
    return found


def _on_slices(rows: Rows, cells: ChosenCells, places: Sequence[int]) -> Rows:
    """Put layers on the slices of the cells that they are of, where these follow each other."""
    start, step = first_coordinate(cells, places), cells.slices[1]
    several = len(cells.between)

    def on_slices(layer: LayerData) -> LayerData:
        data, keywords, kind = layer
        # Seen whichever channel of the cells is.
        shape = (len(data), *cells.between, *data.shape[-2:])
        data = np.broadcast_to(data.reshape(len(data), *(1,) * several, *data.shape[-2:]), shape)
        axes: dict[str, Any] = {
            "scale": (step, *(1.0,) * several, *keywords.get("scale", (1.0,) * 3)[-2:]),
            "translate": (start, *(0.0,) * (several + 2)),
            "axis_labels": ("cell", *("channel",) * several, "y", "x"),
        }
        if "units" in keywords:
            axes["units"] = (*("pixel",) * (1 + several), *keywords["units"][-2:])
        return data, {**keywords, **axes}, kind

    return [[[on_slices(layer) for layer in group] for group in columns] for columns in rows]
