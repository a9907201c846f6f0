"""What layers know of the cell set that they are from, so that it can be saved. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from napari_biogans.plugin.layer_data import LayerData

RECORD_KEY = "biogans cells"
"""Under which layers hold their record; apart from what is known of layers that were drawn."""


@dataclass(frozen=True)
class CellRecord:
    """What a layer of one channel of the cells of one class knows of them."""

    class_name: str
    channel: int
    channel_name: str
    intensity_range: tuple[float, float] | None
    """Of the channel, as in `CellSet`; None where it is not known."""
    layer_name: str
    """That the layer was given at first; one that was renamed may show another class."""

    @classmethod
    def of(cls, layer: Any) -> CellRecord | None:
        """Give the record of a layer, or None if it has none."""
        found = layer.metadata.get(RECORD_KEY)
        if not isinstance(found, Mapping):
            return None
        try:
            return cls(**found)
        except TypeError:
            return None


def with_records(
    layers: Sequence[LayerData],
    class_name: str,
    channel_names: Sequence[str],
    intensity_range: Sequence[Sequence[float]] | None,
) -> list[LayerData]:
    """Let the layers of a class know what they show.

    Parameters
    ----------
    layers : sequence of (data, keywords, "image")
        One per channel.
    class_name : str
    channel_names : sequence of str
    intensity_range : sequence of (low, high), optional
        One per channel.

    Returns
    -------
    list of (data, keywords, "image")
    """
    recorded: list[LayerData] = []
    for channel, ((data, keywords, kind), channel_name) in enumerate(zip(layers, channel_names, strict=True)):
        limits = None if intensity_range is None else tuple(float(limit) for limit in intensity_range[channel])
        record = CellRecord(class_name, channel, channel_name, limits, keywords["name"])  # type: ignore[arg-type]
        metadata = {**keywords["metadata"], RECORD_KEY: asdict(record)}
        recorded.append((data, {**keywords, "metadata": metadata}, kind))
    return recorded
