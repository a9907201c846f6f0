"""Choosing how the class of each field is told: by a name, a folder or a table."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QFormLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin.field_choice import ClassTable
from napari_biogans.plugin.path_edit import PathEdit
from napari_biogans.plugin.setting_editors import Choice, Text

NAMED, BY_FOLDER, BY_TABLE = "named", "folder", "table"
DEFAULT_NAME = "cells"
TABLES = "Tables (*.csv)"
TIPS = {
    "way": "How the class of each field is told: what green shows in it, a protein or a treatment",
    "name": "What green shows in all of these fields",
    "table": "A CSV file with a header and a row for each field, such as the layout of a plate",
    "column": "The column of the table that holds the class",
    "pattern": "Empty: the column 'field' holds the names of the fields or of their files. Else a regular expression "
    "that is looked for in the path of a field; its named groups are columns of the table: Channel2-(?P<Well>\\d+)",
}


def ask_table(parent: QWidget, title: str, start: Path | None = None) -> Path | None:
    """Ask for a table in a dialog; as `ask_folder`."""
    chosen, _ = QFileDialog.getOpenFileName(parent, title, str(start or Path.home()), TABLES)
    return Path(chosen) if chosen else None


class ClassesBox(QWidget):
    """The way in which classes are told, and what that way needs."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.way = Choice({"as named above": NAMED})
        self.name = Text()
        self.name.setPlaceholderText(DEFAULT_NAME)
        self.table = PathEdit("Table of classes", ask_table)
        self.table.line.setPlaceholderText("CSV file")
        self.column = Text()
        self.column.set("class")
        self.pattern = Text()
        self.pattern.setPlaceholderText("compare the column 'field'")
        self._has_names = False
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, editor, tip in (
            ("Classes", self.way, "way"),
            ("Class", self.name, "name"),
            ("Table", self.table, "table"),
            ("Column", self.column, "column"),
            ("Pattern", self.pattern, "pattern"),
        ):
            self._rows.addRow(title, editor)
            editor.setToolTip(TIPS[tip])
            editor.edited.connect(self._follow)
        self.offer_for_layers()

    def offer_for_layers(self) -> None:
        """Offer what can be told of fields of layers, which have names of their own."""
        self._has_names = False
        self.way.offer({"as named above": NAMED, "by a table": BY_TABLE})
        self._follow()

    def offer_for_files(self) -> None:
        """Offer what can be told of fields of files."""
        self._has_names = True
        self.way.offer({"one for all": NAMED, "as their folders": BY_FOLDER, "by a table": BY_TABLE})
        self._follow()

    def is_by_table(self) -> bool:
        """Whether a table tells them."""
        return bool(self.way.get() == BY_TABLE)

    def told(self) -> str | ClassTable | None:
        """Give the class of all fields, a table, or None for the names of folders.

        Raises
        ------
        CellsError
            If no table is chosen.
        """
        if self.way.get() == BY_FOLDER:
            return None
        if self.way.get() == NAMED:
            return self.name.get() or DEFAULT_NAME
        path = self.table.path()
        if path is None:
            raise CellsError("Choose the table that tells the class of each field, or another way to tell it.")
        if not path.is_file():
            raise CellsError(f"There is no table {path}.")
        return ClassTable(path, self.column.get() or "class", self.pattern.get() or None)

    def _follow(self) -> None:
        way = self.way.get()
        self._rows.setRowVisible(self.name, self._has_names and way == NAMED)
        for editor in (self.table, self.column, self.pattern):
            self._rows.setRowVisible(editor, way == BY_TABLE)
        self.changed.emit()
