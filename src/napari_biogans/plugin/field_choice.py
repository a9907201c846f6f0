"""Which fields cells are cut from: those of layers, or of files; and their classes. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import ReferenceType

from napari_biogans.cells.class_table import class_table
from napari_biogans.cells.field import Field, check_fields
from napari_biogans.cells.field_files import FOLDER, read_fields
from napari_biogans.plugin.cell_features import FieldRecord
from napari_biogans.plugin.field_groups import ClassOf, FieldGroup, groups_of_layers
from napari_biogans.plugin.field_layers import LayerChoice

OF_FILES = "fields"
"""What layers of fields of files are called."""


@dataclass(frozen=True)
class ClassTable:
    """A table with the class of each field."""

    path: Path
    column: str
    pattern: str | None
    """What it looks for in the path of a field; None compares the name of the field."""

    def read(self) -> ClassOf:
        """Read the table, as `class_table` does."""
        return class_table(self.path, column=self.column, pattern=self.pattern)


@dataclass(frozen=True, eq=False)
class LayerFields:
    """Fields of layers."""

    choices: Sequence[LayerChoice]
    table: ClassTable | None
    key: tuple[Any, ...]
    """Equal as long as the same pixels are meant."""
    layers: tuple[ReferenceType[Any], ...]
    """Those that are chosen, while they are there."""

    @property
    def has_labels(self) -> bool:
        """Whether no field has to be segmented."""
        return all(choice.labels is not None for choice in self.choices)

    def groups(self) -> list[FieldGroup]:
        """Make the fields, without looking at their pixels.

        Raises
        ------
        CellsError
            If layers do not go together, or the table of classes cannot be
            read or does not tell of a field.
        """
        groups = groups_of_layers(self.choices, None if self.table is None else self.table.read())
        check_fields(fields_in(groups))
        return groups


@dataclass(frozen=True)
class FileFields:
    """Fields of files: paths, folders or patterns, as for `read_fields`."""

    red: str
    green: str | None
    labels: str | None
    classes: str | ClassTable | None
    """The class of all of them, a table, or None for the names of their folders."""
    pixel_size: float | None
    channels: tuple[int, int] = (0, 1)

    @property
    def layers(self) -> tuple[ReferenceType[Any], ...]:
        """No layers."""
        return ()

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal as long as the same pixels are meant."""
        return self.red, self.green, self.labels, self.pixel_size, self.channels

    @property
    def has_labels(self) -> bool:
        """Whether no field has to be segmented."""
        return self.labels is not None

    def groups(self) -> list[FieldGroup]:
        """Open the files, without reading pixels.

        Raises
        ------
        CellsError
            As for `read_fields`.
        """
        fields = read_fields(
            self.red,
            self.green,
            self.labels,
            classes=self._class_of(),
            channels=self.channels,
            pixel_size=self.pixel_size,
        )
        return [_group_of_files(fields)]

    def _class_of(self) -> str | ClassOf:
        told = self.classes
        if told is None:
            return FOLDER
        # A name is given as a function, since it may be the word for folders.
        return told.read() if isinstance(told, ClassTable) else lambda field: told

    @property
    def paths(self) -> list[Path]:
        """What was given."""
        return [Path(text).expanduser() for text in (self.red, self.green) if text]


FieldsChoice = LayerFields | FileFields


def fields_in(groups: Sequence[FieldGroup]) -> list[Field]:
    """Give the fields of all groups, one after another."""
    return [field for group in groups for field in group.fields]


def _group_of_files(fields: list[Field]) -> FieldGroup:
    sizes = {field.pixel_size for field in fields}
    side = sizes.pop() if len(sizes) == 1 else None
    lengths = (len(fields),) if len(fields) > 1 else ()
    before = len(lengths)
    unit = "pixel" if side is None else "micrometer"
    placing = {
        "scale": (*(1.0,) * before, side or 1.0, side or 1.0),
        "translate": (0.0,) * (before + 2),
        "units": (*("pixel",) * before, unit, unit),
        "axis_labels": ("field", "y", "x")[-before - 2 :],
    }
    records = [
        FieldRecord(
            field.name,
            field.shape,
            (),
            (k,) if before else (),
            (side or 1.0, side or 1.0),
            (0.0, 0.0),
            (unit, unit),
            field.pixel_size,
        )
        for k, field in enumerate(fields)
    ]
    return FieldGroup(OF_FILES, fields, records, lengths, None, placing, is_shown=False)


def placed(group: FieldGroup, translate: tuple[float, ...], units: tuple[str, ...] | None) -> FieldGroup:
    """Put fields of files where their layers were added to the viewer."""
    placing = {**group.placing, "translate": translate}
    if units is not None:
        placing["units"] = units
    return replace(group, placing=placing)
