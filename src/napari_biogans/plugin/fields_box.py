"""Choosing the fields that cells are cut from: layers of the viewer, or files; and their classes."""

from __future__ import annotations

from typing import Any
from weakref import ref

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from napari_biogans.plugin.classes_box import ClassesBox
from napari_biogans.plugin.field_choice import ClassTable, FieldsChoice, LayerFields
from napari_biogans.plugin.field_rows import FieldRows
from napari_biogans.plugin.files_box import FilesBox


class FieldsBox(QWidget):
    """Fields of layers or of files.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.from_layers, self.from_files = QRadioButton("layers"), QRadioButton("files")
        self.from_layers.setToolTip("Pictures that are open in the viewer")
        self.from_files.setToolTip("Pictures that are not open, and need not fit into memory")
        self.from_layers.setChecked(True)
        self.rows = FieldRows(viewer)
        self.files = FilesBox()
        self.classes = ClassesBox()
        self._times_changed: dict[int, int] = {}
        kinds = QHBoxLayout()
        for kind in (self.from_layers, self.from_files):
            kinds.addWidget(kind)
            kind.toggled.connect(self._switch)
        kinds.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(kinds)
        for part in (self.rows, self.files, self.classes):
            layout.addWidget(part)
        self.rows.changed.connect(self.changed)
        self.rows.image_layers.pixels_changed.connect(self._note_pixels)
        self.files.changed.connect(self.changed)
        self.classes.changed.connect(self._follow_classes)
        self._switch(True)

    def choice(self) -> FieldsChoice:
        """Say which fields are meant; no pixels are looked at.

        Raises
        ------
        CellsError
            If something is missing or does not fit; the message says what to
            do.
        """
        if self.from_files.isChecked():
            return self.files.choice(self.classes.told())
        told = self.classes.told()
        choices = self.rows.choices()
        layers = tuple(ref(layer) for layer in self.rows.chosen_layers() if hasattr(layer, "data"))
        return LayerFields(choices, told if isinstance(told, ClassTable) else None, self._key(), layers)

    def disconnect_all(self) -> None:
        """Hear no more of layers."""
        self.rows.image_layers.disconnect_all()

    def _key(self) -> tuple[Any, ...]:
        """Tell layers and their pixels from others, without keeping them."""
        return tuple(
            (ref(layer), self._times_changed.get(id(layer), 0)) if hasattr(layer, "data") else layer
            for layer in self.rows.chosen_layers()
        )

    def _note_pixels(self, layer: Any) -> None:
        self._times_changed[id(layer)] = self._times_changed.get(id(layer), 0) + 1
        if layer in self.rows.chosen_layers():
            self.changed.emit()

    def _follow_classes(self) -> None:
        is_asked = not (self.classes.is_by_table() and self.from_layers.isChecked())
        self.rows.ask_for_classes(is_asked)
        self.changed.emit()

    def _switch(self, checked: bool) -> None:
        # Two of the buttons change each time.
        if not checked:
            return
        are_files = self.from_files.isChecked()
        self.rows.setVisible(not are_files)
        self.files.setVisible(are_files)
        if are_files:
            self.classes.offer_for_files()
        else:
            self.classes.offer_for_layers()
        self.changed.emit()
