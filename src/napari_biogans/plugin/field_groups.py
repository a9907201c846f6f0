"""From layers to fields: which planes of which layers are a field each, and where it stands. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.field import Field, Plane
from napari_biogans.plugin.cell_features import FieldRecord
from napari_biogans.plugin.cell_layers import CHANNEL_LABELS, LayerImages, pixel_size_of
from napari_biogans.plugin.layer_data import METADATA_KEY
from napari_biogans.plugin.pairing import DEPTH_LABELS, WELLS_KEY, axes_named

DOSES_KEY = "doses"
"""Under which layers of whole wells know the doses, slice by slice."""
ClassOf = Callable[[Field], str]


@dataclass(frozen=True, eq=False)
class FieldLayer:
    """What counts of a layer of fields, taken from it in the main thread."""

    images: LayerImages
    """Of several scales the finest."""
    placing: dict[str, Any]
    """Where it stands: what layers that lie on it are given, from `scale` to `axis_labels`."""
    source: str
    """The file that it was read from, or its name."""
    wells: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Of each slice, if the layer tells."""

    @classmethod
    def of(cls, layer: Any) -> FieldLayer:
        """Take what counts of a napari layer of images or of labels."""
        images = LayerImages.of(layer) if hasattr(layer, "rgb") else _of_labels(layer)
        if images.multiscale:
            images = replace(images, data=layer.data[0], multiscale=False)
        known = layer.metadata.get(METADATA_KEY) or {}
        path = getattr(layer.source, "path", None)
        return cls(
            images,
            {
                "scale": images.scale,
                "translate": tuple(float(place) for place in layer.translate),
                "rotate": np.array(layer.rotate),
                "shear": np.array(layer.shear),
                # A layer's own would change with the layer.
                "affine": np.array(layer.affine.affine_matrix),
                "units": images.units,
                "axis_labels": images.axis_labels,
            },
            str(path) if path else layer.name,
            tuple(map(str, known.get(WELLS_KEY, ()))),
            told_classes(layer),
        )


def told_classes(layer: Any) -> tuple[str, ...]:
    """Give the class of each slice of a layer, if it tells: those of BBBC013 know their doses."""
    known = layer.metadata.get(METADATA_KEY) or {}
    return tuple(f"dose {int(dose):02d}" for dose in known.get(DOSES_KEY, ()))


@dataclass(frozen=True, eq=False)
class LayerChoice:
    """The layers in which one series of fields, or one field, is shown."""

    red: FieldLayer
    green: FieldLayer | None
    channel_axis: int | None
    """Of `red`, where there is no layer of green."""
    labels: FieldLayer | None
    class_name: str
    """Of all fields; empty if the layer of red tells it slice by slice."""


@dataclass(frozen=True, eq=False)
class FieldGroup:
    """Fields that stand in one stack of the viewer.

    Parameters
    ----------
    name : str
    fields : sequence of Field
        In the order of the leading axes, without that of channels.
    records : sequence of FieldRecord
        Of each field.
    lengths : tuple of int
        Of the leading axes of the stack.
    channel_axis : int, optional
        The one of them that counts channels.
    placing : dict
        `scale`, `translate`, `units` and `axis_labels` of layers that lie on
        the stack, for all axes; of fields of layers also `rotate`, `shear` and
        `affine`.
    is_shown : bool
        Whether there are layers that show the fields.
    """

    name: str
    fields: Sequence[Field]
    records: Sequence[FieldRecord]
    lengths: tuple[int, ...]
    channel_axis: int | None
    placing: dict[str, Any]
    is_shown: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Height and width that hold all of the fields."""
        heights, widths = zip(*(field.shape for field in self.fields), strict=True)
        return max(heights), max(widths)


def groups_of_layers(choices: Sequence[LayerChoice], class_of: ClassOf | None = None) -> list[FieldGroup]:
    """Make fields of layers, without looking at their pixels.

    Parameters
    ----------
    choices : sequence of LayerChoice
    class_of : callable, optional
        Tells the class of each field instead of the choices.

    Raises
    ------
    CellsError
        If layers do not go together; the message names them.
    """
    groups = [_group(choice) for choice in choices]
    names = [field.name for group in groups for field in group.fields]
    if len(set(names)) < len(names):
        groups = [_renamed(group) for group in groups]
    if class_of is not None:
        groups = [with_classes(group, class_of) for group in groups]
    return groups


def with_classes(group: FieldGroup, class_of: ClassOf) -> FieldGroup:
    """Give fields the classes that are told of them."""
    return replace(group, fields=[replace(field, class_name=class_of(field)) for field in group.fields])


def _of_labels(layer: Any) -> LayerImages:
    return LayerImages(
        name=layer.name,
        data=layer.data,
        scale=tuple(float(factor) for factor in layer.scale),
        units=tuple(str(unit) for unit in layer.units),
        axis_labels=tuple(layer.axis_labels),
        multiscale=bool(layer.multiscale),
    )


def _group(choice: LayerChoice) -> FieldGroup:
    red, axis = choice.red, choice.channel_axis
    _check(choice)
    lengths = red.images.shape[:-2]
    places = list(np.ndindex(*(1 if k == axis else n for k, n in enumerate(lengths))))
    told = choice.class_name or (red.classes if len(red.classes) == len(places) else "")
    if not told:
        raise CellsError(f"Layer {red.images.name!r} does not tell the class of each of its fields; give their class.")
    pixel_size = pixel_size_of(red.images, axis)
    names = _names(red, places, axis)
    layer_names = (red.images.name,) if choice.green is None else (red.images.name, choice.green.images.name)
    fields, records = [], []
    for k, place in enumerate(places):
        field = Field(
            _plane(red.images.data, place, axis, 0),
            _plane(red.images.data, place, axis, 1)
            if choice.green is None
            else _plane(choice.green.images.data, place, None, 0),
            _labels_plane(choice, place),
            name=names[k],
            class_name=told if isinstance(told, str) else told[k],
            pixel_size=pixel_size,
            source=red.source,
            index=k,
        )
        fields.append(field)
        records.append(
            FieldRecord(
                field.name,
                field.shape,
                layer_names,
                place,
                red.images.scale[-2:],  # type: ignore[arg-type]
                red.placing["translate"][-2:],
                red.images.units[-2:],  # type: ignore[arg-type]
                pixel_size,
            )
        )
    return FieldGroup(red.images.name, fields, records, lengths, axis, red.placing)


def _check(choice: LayerChoice) -> None:
    red, green, labels = choice.red.images, choice.green, choice.labels
    for images in (red, *(() if green is None else (green.images,))):
        if images.rgb:
            raise CellsError(
                f"Layer {images.name!r} holds coloured pictures; split it into channels (right-click on the layer, "
                "Split RGB) and choose its red and green layers."
            )
        _check_axes(images, choice.channel_axis)
    if green is not None and (green.images.shape != red.shape or green.images.data.dtype != red.data.dtype):
        raise CellsError(
            f"Red layer {red.name!r} is {_told(red)}, green layer {green.images.name!r} {_told(green.images)}; choose "
            "layers that show the same fields."
        )
    if green is None and (choice.channel_axis is None or red.shape[choice.channel_axis] < 2):
        raise CellsError(f"Choose the layer that holds green for {red.name!r}.")
    if labels is not None and labels.images.shape != _shape_of_labels(choice):
        wanted = "×".join(map(str, _shape_of_labels(choice)))
        raise CellsError(
            f"Layer of labels {labels.images.name!r} is {_told(labels.images)}, and has to be {wanted} for the fields "
            f"of {red.name!r}."
        )


def _check_axes(images: LayerImages, channel_axis: int | None) -> None:
    """Refuse axes of which each slice would be taken for a field, and is none."""
    long = [axis for axis, length in enumerate(images.shape[:-2]) if length > 1]
    for axis in set(long).intersection(axes_named(DEPTH_LABELS, images.axis_labels)):
        raise CellsError(
            f"Layer {images.name!r} is a stack in depth ({images.axis_labels[axis]}, {images.shape[axis]} planes); "
            f"project it first: viewer.add_image(layer.data.max(axis={axis})). If they are times or positions, "
            "name the axis so: layer.axis_labels."
        )
    for axis in set(long).intersection(axes_named(CHANNEL_LABELS, images.axis_labels)) - {channel_axis}:
        raise CellsError(
            f"Axis {images.axis_labels[axis]!r} of layer {images.name!r} counts channels, not fields; choose the layer "
            "as red and one of its channels ('same layer') as green, or split it (right-click on it, Split Stack)."
        )


def _shape_of_labels(choice: LayerChoice) -> tuple[int, ...]:
    """Give the shape that labels have to have: that of red, with or without its channels, or that of the only field."""
    shape = choice.red.images.shape
    given = () if choice.labels is None else choice.labels.images.shape
    without = tuple(n for axis, n in enumerate(shape) if axis != choice.channel_axis)
    only = shape[-2:] if all(n == 1 for n in without[:-2]) else without
    return given if given in (shape, without, only) else without


def _labels_plane(choice: LayerChoice, place: tuple[int, ...]) -> Any:
    if choice.labels is None:
        return None
    data, axis = choice.labels.images.data, choice.channel_axis
    count = len(choice.labels.images.shape) - 2
    if count == 0:
        place = ()
    elif count < len(place):
        place = tuple(n for k, n in enumerate(place) if k != axis)
    return _plane(data, place, None, 0)


def _plane(array: Any, place: tuple[int, ...], channel_axis: int | None, channel: int) -> Any:
    if not place:
        return array
    where = [channel if axis == channel_axis else n for axis, n in enumerate(place)]
    return Plane(array, [*where, None, None])


def _names(red: FieldLayer, places: Sequence[tuple[int, ...]], channel_axis: int | None) -> list[str]:
    if len(red.wells) == len(places) and len(set(red.wells)) == len(places):
        return list(red.wells)
    if len(places) == 1:
        return [red.images.name]
    return [
        f"{red.images.name}[{', '.join(str(n) for axis, n in enumerate(place) if axis != channel_axis)}]"
        for place in places
    ]


def _renamed(group: FieldGroup) -> FieldGroup:
    """Put the name of the layer before names that several groups have."""
    if all(field.name.startswith(group.name) for field in group.fields):
        return group
    fields = [replace(field, name=f"{group.name} {field.name}") for field in group.fields]
    records = [replace(record, name=field.name) for record, field in zip(group.records, fields, strict=True)]
    return replace(group, fields=fields, records=records)


def _told(images: LayerImages) -> str:
    return f"{'×'.join(map(str, images.shape))} {images.data.dtype}"
