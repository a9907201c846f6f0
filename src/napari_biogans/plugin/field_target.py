"""Where in the viewer cells are put: a field that layers show, or an empty one. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from napari.utils.transforms import Affine

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.field import Plane
from napari_biogans.plugin.cell_features import FieldRecord
from napari_biogans.plugin.cell_layers import CHANNEL_COUNTS, CHANNEL_LABELS
from napari_biogans.plugin.pairing import SameLayer


@dataclass(frozen=True, eq=False)
class FieldTarget:
    """A field that cells are put into, and where it stands in the viewer.

    Parameters
    ----------
    name : str
    shape : (height, width)
    placing : dict
        What layers on it are given: `scale`, `translate` and more, for all of
        the leading axes and rows and columns.
    place : tuple of int
        On the leading axes.
    planes : tuple of arrays (H, W), optional
        Red and green; none of an empty field.
    labels : array (H, W), optional
        That the cells were cut by.
    limits : tuple of (low, high), optional
        Of the contrast of the layers of red and green.
    channel_axis : int, optional
        A leading axis along which its layer holds red and green.
    channels : int
        Length of that axis.
    told : str
        Which layers these are.
    """

    name: str
    shape: tuple[int, int]
    placing: dict[str, Any] = field(default_factory=dict)
    place: tuple[int, ...] = ()
    planes: tuple[Any, Any] | None = None
    labels: Any = None
    limits: tuple[tuple[float, float], ...] | None = None
    channel_axis: int | None = None
    channels: int = 1
    told: str = ""

    @property
    def repeats(self) -> tuple[int, ...]:
        """Lengths of the leading axes of layers on this field: 1, or that of channels, so that all show them."""
        return tuple(self.channels if axis == self.channel_axis else 1 for axis in range(len(self.place)))

    def corner(self, origin: tuple[int, int]) -> tuple[float, ...]:
        """Tell where a layer begins whose first pixel is this one of the field."""
        known = {name: self.placing[name] for name in ("scale", "translate", "rotate", "shear") if name in self.placing}
        lead = [0 if axis == self.channel_axis else n for axis, n in enumerate(self.place)]
        return tuple(float(n) for n in Affine(ndim=len(lead) + 2, **known)(np.array([*lead, *origin], float)))

    def emptied(self) -> FieldTarget:
        """Give an empty field in the same place."""
        return replace(self, planes=None, told="an empty field")


def target_on(red: Any, green: Any, name: str, place: Sequence[int]) -> FieldTarget:
    """Make a target of layers.

    Parameters
    ----------
    red : napari.layers.Image
    green : napari.layers.Image or SameLayer
    name : str
    place : sequence of int
        On the leading axes of the layers; what stands at that of channels does
        not matter.

    Raises
    ------
    CellsError
        If the layers are no field; the message names them.
    """
    axis = green.axis if isinstance(green, SameLayer) else None
    others = [] if axis is not None else [green]
    for layer in (red, *others):
        if layer.rgb:
            raise CellsError(f"Layer {layer.name!r} holds coloured pictures; split it into channels first.")
    shapes = [tuple(_pixels(layer).shape) for layer in (red, *others)]
    if len(set(shapes)) > 1:
        raise CellsError(f"Layers {red.name!r} and {green.name!r} are of different shapes; choose those of one field.")
    place = tuple(int(n) for n in place)
    if not all(0 <= n < length for n, length in zip(place, shapes[0], strict=False)):
        raise CellsError(f"There is no field in this slice of {red.name!r}; move the sliders to one.")
    channels = [0, 1] if axis is not None else [0, 0]
    layers = [red, red if axis is not None else green]
    slices = "".join(f", slice {n}" for k, n in enumerate(place) if k != axis)
    return FieldTarget(
        name=name,
        shape=shapes[0][-2:],
        placing={name: getattr(red, name) for name in ("scale", "translate", "rotate", "shear", "affine", "units")}
        | {"axis_labels": red.axis_labels},
        place=place,
        planes=(
            _plane(_pixels(layers[0]), place, axis, channels[0]),
            _plane(_pixels(layers[1]), place, axis, channels[1]),
        ),
        limits=tuple((float(layer.contrast_limits[0]), float(layer.contrast_limits[1])) for layer in layers),
        channel_axis=axis,
        channels=1 if axis is None else shapes[0][axis],
        told=", ".join(dict.fromkeys(layer.name for layer in layers)) + slices,
    )


def target_of(record: FieldRecord, layers: Iterable[Any]) -> FieldTarget | None:
    """Find the layers that a field was cut from; None if they are not there any more.

    Parameters
    ----------
    record : FieldRecord
    layers : iterable of napari.layers.Image
    """
    by_name = {layer.name: layer for layer in layers}
    found = [by_name[name] for name in record.layer_names if name in by_name]
    if not found or len(found) < len(record.layer_names):
        return None
    # Layers of the same names may show something else by now.
    for layer in found:
        shape = tuple(_pixels(layer).shape)
        lead = shape[:-2]
        if shape[-2:] != tuple(record.shape) or len(lead) != len(record.place) or layer.rgb:
            return None
        if not all(0 <= n < length for n, length in zip(record.place, lead, strict=True)):
            return None
    red, *others = found
    if others:
        return target_on(red, others[0], record.name, record.place)
    axis = _channel_axis(red, record.place)
    return None if axis is None else target_on(red, SameLayer(axis), record.name, record.place)


def empty_target(
    name: str, record: FieldRecord | None, features: pd.DataFrame, corners: Any, in_micrometres: bool
) -> FieldTarget:
    """Make an empty field for cells whose field is not in the viewer.

    Parameters
    ----------
    name : str
    record : FieldRecord, optional
    features : pandas.DataFrame
        Of the cells.
    corners : array (N, 4, 2)
        Of their images; the field is large enough for these where its shape is
        not known.
    in_micrometres : bool
        Whether the viewer counts in µm.
    """
    if record is not None:
        placing = {"scale": record.scale, "translate": record.translate, "units": record.units}
        return FieldTarget(name, record.shape, placing, told="an empty field")
    height, width = (max(int(np.ceil(end)), 1) for end in corners.reshape(-1, 2).max(axis=0) + 0.5)
    placing = {}
    side = _pixel_size(features)
    if side is not None:
        placing["scale"] = (side, side)
        if in_micrometres:
            placing["units"] = ("micrometer", "micrometer")
    return FieldTarget(name, (height, width), placing, told="an empty field, as large as these cells need")


def labels_plane(labels: Any, target: FieldTarget) -> Any:
    """Take the labels of a field out of a layer.

    Parameters
    ----------
    labels : napari.layers.Labels
        Of the field, or of all in its stack.
    target : FieldTarget

    Raises
    ------
    CellsError
        If they are of another shape.
    """
    data = _pixels(labels)
    place = [n for axis, n in enumerate(target.place) if axis != target.channel_axis]
    for lead in ((), tuple(place), target.place):
        if data.ndim == len(lead) + 2 and all(n < length for n, length in zip(lead, data.shape, strict=False)):
            if tuple(data.shape[-2:]) == tuple(target.shape):
                return _plane(data, lead, None, 0)
            break
    raise CellsError(
        f"Labels {labels.name!r} are {'×'.join(map(str, data.shape))} pixels, the field is "
        f"{'×'.join(map(str, target.shape))}; choose the labels that the cells were cut by, or ellipses."
    )


def _pixels(layer: Any) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def _plane(data: Any, place: Sequence[int], channel_axis: int | None, channel: int) -> Any:
    if not len(place):
        return data
    where = [channel if axis == channel_axis else n for axis, n in enumerate(place)]
    return Plane(data, [*where, None, None])


def _channel_axis(layer: Any, place: Sequence[int]) -> int | None:
    """Find the leading axis that holds red and green: it is named so, or the only one that may."""
    lengths = _pixels(layer).shape[:-2]
    may = [axis for axis, n in enumerate(lengths) if n in CHANNEL_COUNTS and place[axis] == 0]
    named = [axis for axis in may if str(layer.axis_labels[axis]).strip().lower() in CHANNEL_LABELS]
    found = named or may
    return found[0] if len(found) == 1 else None


def _pixel_size(features: pd.DataFrame) -> float | None:
    if not {"y", "y_um"} <= set(features.columns):
        return None
    # Of the cell that is farthest down, whose place says most.
    row = int(features["y"].to_numpy(float).argmax())
    side = float(features["y_um"].iloc[row]) / float(features["y"].iloc[row] or np.nan)
    return side if np.isfinite(side) and side > 0 else None
