"""Choosing files of fields."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QLabel, QMenu, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin import session
from napari_biogans.plugin.field_choice import ClassTable, FileFields
from napari_biogans.plugin.known_paths import KnownPaths
from napari_biogans.plugin.path_edit import PathEdit, ask_folder
from napari_biogans.plugin.setting_editors import NumberText, WholeNumber
from napari_biogans.plugin.setting_fields import range_text

KINDS = "TIFF, PNG, NPY or OME-Zarr; times and positions of a series are fields of their own"
TIPS = {
    "red": f"A file, a folder, or a pattern such as raw/Channel2-*.tif: {KINDS}",
    "green": "The same of green, in files that are named alike; empty, if the files of red hold both channels",
    "labels": "Labels of the cells from any segmentation, in files that are named alike; empty, if cells are to be "
    "found by their red",
    "channels": "Which channels are red and green, from 0, in files that hold both",
    "pixel_size": "Side of the fields' pixels in µm; empty: as the files say",
}
MOST_CHANNELS = 99
NO_RED = "Choose the images of red: a file, a folder, or a pattern such as raw/red-*.tif."


FILE, FOLDER = "A file…", "A folder…"
FILTER = "Images (*.tif *.tiff *.png *.npy)"


def ask_images(parent: QWidget, title: str, start: Path | None = None) -> Path | None:
    """Ask for a file or a folder, after a menu that asks which; as `ask_folder`."""
    menu = QMenu(parent)
    for text in (FILE, FOLDER):
        menu.addAction(text)
    kind = menu.exec(QCursor.pos())
    if kind is None:
        return None
    if kind.text() == FOLDER:
        return ask_folder(parent, title, start)
    chosen, _ = QFileDialog.getOpenFileName(parent, title, str(start or Path.home()), FILTER)
    return Path(chosen) if chosen else None


class FilesBox(QWidget):
    """Paths of red, green and labels, and what the files do not tell."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.red, self.green, self.labels = (
            PathEdit(
                f"Images of {what}", ask_images, KnownPaths("Fields of this session", lambda: session.SESSION.fields)
            )
            for what in ("red", "green", "labels")
        )
        self.red.line.setPlaceholderText("file, folder or pattern")
        self.green.line.setPlaceholderText("empty: in the files of red")
        self.labels.line.setPlaceholderText("empty: find cells by red")
        self.channels = (WholeNumber(0, MOST_CHANNELS), WholeNumber(0, MOST_CHANNELS))
        self.channels[1].set(1)
        both = self._both = QWidget()
        line = QHBoxLayout(both)
        line.setContentsMargins(0, 0, 0, 0)
        for text, box in zip(("red", "green"), self.channels, strict=True):
            line.addWidget(QLabel(text))
            line.addWidget(box)
        self.pixel_size = NumberText(optional=True, range_text=range_text(0, None, above=True, unit=" µm"))
        self.pixel_size.setPlaceholderText("as the files say")
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, editor, tip in (
            ("Red", self.red, "red"),
            ("Green", self.green, "green"),
            ("Channels", both, "channels"),
            ("Labels", self.labels, "labels"),
            ("Pixel size", self.pixel_size, "pixel_size"),
        ):
            self._rows.addRow(title, editor)
            editor.setToolTip(TIPS[tip])
        for edit in (self.red, self.green, self.labels, self.pixel_size, *self.channels):
            edit.edited.connect(self._follow)
        self._follow()

    def choice(self, classes: str | ClassTable | None) -> FileFields:
        """Say which files are meant; they are not looked at.

        Raises
        ------
        CellsError
            If there are no files of red, or the pixel size is none.
        """
        red, green, labels = (_text(edit) for edit in (self.red, self.green, self.labels))
        if red is None:
            raise CellsError(NO_RED)
        for text, what in ((red, "red"), (green, "green"), (labels, "labels")):
            if text is not None and not _is_pattern(text) and not Path(text).exists():
                raise CellsError(f"For {what} there is nothing at {text}; check the path or the pattern.")
        size = self.pixel_size.get()
        if size is not None and (isinstance(size, str) or not 0 < size < float("inf")):
            raise CellsError(f"A pixel size is a positive number of µm, not {size}.")
        channels = (self.channels[0].get(), self.channels[1].get()) if green is None else (0, 1)
        return FileFields(red, green, labels, classes, size, channels)

    def _follow(self) -> None:
        self._rows.setRowVisible(self._both, self.green.path() is None)
        self.changed.emit()


def _text(edit: PathEdit) -> str | None:
    path = edit.path()
    return None if path is None else str(path)


def _is_pattern(text: str) -> bool:
    return any(letter in text for letter in "*?[")
