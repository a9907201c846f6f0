"""From layers that are saved together to a cell set: which is red, which green, and of which class."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from napari_biogans.cells.cellset import CellsError, CellSet, CellsWarning
from napari_biogans.plugin.cell_features import features_of
from napari_biogans.plugin.cell_layers import ClassLayers, LayerImages, read_layers
from napari_biogans.plugin.cell_records import CellRecord
from napari_biogans.plugin.class_names import listed
from napari_biogans.plugin.layer_data import METADATA_KEY
from napari_biogans.plugin.pairing import NAMED_BY_COLOUR

CHANNELS = ("red", "green")
# napari puts numbers behind names that are taken.
NUMBERED = re.compile(r" \[\d+\]$")
ADVICE = "Select a red and a green layer for each class, called like 'Tea1 red' and 'Tea1 green'."


def cell_set_of(layers: Sequence[Any], class_name: str) -> CellSet:
    """Make a cell set of layers.

    Parameters
    ----------
    layers : sequence of napari.layers.Image
        One of green for each class, and one of red for each or one for all,
        as of cells that share their reds. What they show is told by the records
        of layers that were opened or drawn, unless they were renamed; else by
        their names, by their colours, or of two layers by their order.
    class_name : str
        Of the only class, if its layers do not tell.

    Returns
    -------
    CellSet
        With the channel names and the intensity ranges of the records, where
        all layers have them, and with the features of the layers.

    Raises
    ------
    CellsError
        If the layers are no cells or do not belong together; the message says
        what to do.

    Warns
    -----
    CellsWarning
        As for `read_layers`; and if red and green of a class have different
        features, which are left out then.
    """
    pairs = _pairs(layers, class_name)
    classes = [
        ClassLayers(name=name, red=LayerImages.of(red), green=LayerImages.of(green))
        for name, (red, green) in pairs.items()
    ]
    cells = read_layers(classes)
    records = [[CellRecord.of(layer) for layer in pair] for pair in pairs.values()]
    facts = _facts([[each for each in pair if each is not None] for pair in records])
    features = [
        known if (known := _features(name, *pair)) is not None else table
        for (name, pair), table in zip(pairs.items(), cells.features, strict=True)
    ]
    return replace(cells, **facts, features=features)


def _pairs(layers: Sequence[Any], class_name: str) -> dict[str, tuple[Any, Any]]:
    """Give the layers of red and green by class."""
    channels = [_channel(layer) for layer in layers]
    if len(layers) == 2 and None in channels:
        channels = _completed(channels)
    found: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for layer, channel in zip(layers, channels, strict=True):
        if channel is None:
            raise CellsError(f"Nothing tells whether layer {layer.name!r} is red or green. {ADVICE}")
        if channel >= len(CHANNELS):
            raise CellsError(f"Layer {layer.name!r} is neither red nor green; leave it out of what is saved.")
        name = _class_of(layer)
        if (other := found[channel].get(name)) is not None:
            raise CellsError(
                f"Layers {other.name!r} and {layer.name!r} are both {CHANNELS[channel]} of "
                f"{f'class {name!r}' if name else 'the same class'}; save one of them, or rename one."
            )
        found[channel][name] = layer
    reds, greens = found
    if len(reds) == 1 and greens:
        # One of red for all classes; or the two layers of one, whatever they are called.
        (red,) = reds.values()
        return {name or class_name: (red, green) for name, green in greens.items()}
    if missing := [
        (name, channel)
        for channel, known in zip(CHANNELS, found, strict=True)
        for name in _all(found)
        if name not in known
    ]:
        texts = [f"{channel} of {name or 'a class without a name'}" for name, channel in missing]
        raise CellsError(f"These layers are missing: {listed(texts)}. {ADVICE}")
    return {name or class_name: (reds[name], green) for name, green in greens.items()}


def _all(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for known in found for name in known))


def _completed(channels: Sequence[int | None]) -> list[int | None]:
    """Tell which of two layers is red where not both say so: the other of the one that does, or the first."""
    first, second = channels
    if first is not None:
        return [first, 1 - first if first < len(CHANNELS) else None]
    if second is not None:
        return [1 - second if second < len(CHANNELS) else None, second]
    return [0, 1]


def _channel(layer: Any) -> int | None:
    record = CellRecord.of(layer)
    if record is not None:
        return record.channel
    if match := NAMED_BY_COLOUR.fullmatch(_name(layer)):
        return CHANNELS.index(match["colour"].lower())
    colour = layer.colormap.name if hasattr(layer, "colormap") else ""
    return CHANNELS.index(colour) if colour in CHANNELS else None


def _class_of(layer: Any) -> str:
    """Tell the class of a layer; empty if it does not say."""
    record, name = CellRecord.of(layer), _name(layer)
    if record is not None and name == NUMBERED.sub("", record.layer_name):
        return record.class_name
    if record is not None and name.endswith(f" {record.channel_name}"):
        return name.removesuffix(f" {record.channel_name}")
    if match := NAMED_BY_COLOUR.fullmatch(name):
        return match["name"] or ""
    return name if record is not None else str(layer.metadata.get(METADATA_KEY, {}).get("class", ""))


def _name(layer: Any) -> str:
    return NUMBERED.sub("", layer.name)


def _features(class_name: str, red: Any, green: Any) -> pd.DataFrame | None:
    """Give the table of the cells of a class; None if its layers have none, or disagree."""
    tables = [table for layer in (red, green) if (table := features_of(layer)) is not None]
    if not tables:
        return None
    table = tables[-1]
    if not all(table.equals(other) for other in tables):
        warnings.warn(
            f"Layers {red.name!r} and {green.name!r} have different features, so that those of class {class_name!r} "
            "are left out: they seem to show different cells.",
            CellsWarning,
            stacklevel=3,
        )
        return None
    # Tables of others may lack what says where a cell is from.
    needed = {"source": green.name, "index": np.arange(len(table))}
    return table.assign(**{name: value for name, value in needed.items() if name not in table})


def _facts(records: Sequence[Sequence[CellRecord]]) -> dict[str, Any]:
    """Tell what a cell set knows besides its pixels, where all of its layers have a record."""
    if any(len(pair) < len(CHANNELS) for pair in records):
        return {}
    facts: dict[str, Any] = {}
    names = {tuple(record.channel_name for record in pair) for pair in records}
    if len(names) == 1:
        facts["channel_names"] = names.pop()
    ranges = [[record.intensity_range for record in pair] for pair in records]
    if all(limits is not None for pair in ranges for limits in pair):
        # Cells of several sets get one range, which holds those of all.
        facts["intensity_range"] = [
            (min(limits[0] for limits in of_channel if limits), max(limits[1] for limits in of_channel if limits))
            for of_channel in zip(*ranges, strict=True)
        ]
    return facts
