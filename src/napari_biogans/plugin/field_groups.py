"""From layers to fields: which planes of which layers are a field each, and where it stands. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.field import Field, Plane
from napari_biogans.plugin.cell_features import FieldRecord
from napari_biogans.plugin.cell_layers import pixel_size_of
from napari_biogans.plugin.field_layers import FieldLayer, LayerChoice, check_choice, warn_of_placing

ClassOf = Callable[[Field], str]


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

    Warns
    -----
    CellsWarning
        If pixels are not square, or green lies elsewhere than red.
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


def _group(choice: LayerChoice) -> FieldGroup:
    red, axis = choice.red, choice.channel_axis
    check_choice(choice)
    lengths = red.images.shape[:-2]
    places = list(np.ndindex(*(1 if k == axis else n for k, n in enumerate(lengths))))
    told = choice.class_name or (red.classes if len(red.classes) == len(places) else "")
    if not told:
        raise CellsError(f"Layer {red.images.name!r} does not tell the class of each of its fields; give their class.")
    pixel_size = pixel_size_of(red.images, axis) if warn_of_placing(choice) else None
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
