"""Choosing where the cells of a training come from: layers, or a folder."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin.cell_rows import CellRows
from napari_biogans.plugin.path_edit import PathEdit
from napari_biogans.plugin.training_work import CellsChoice


class CellsBox(QWidget):
    """Cells out of layers of the viewer, or out of a folder or file.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.from_layers = QRadioButton("from layers")
        self.from_folder = QRadioButton("from a folder")
        self.from_layers.setChecked(True)
        self.rows = CellRows(viewer)
        self.folder = PathEdit("Folder of cells")
        self.folder.setToolTip(
            "A folder of PNG or TIFF images, or a TIFF stack, for each class, which is named after it; or an .npz file"
        )
        self.folder.line.setPlaceholderText("folder of images or stacks")
        kinds = QHBoxLayout()
        kinds.addWidget(self.from_layers)
        kinds.addWidget(self.from_folder)
        kinds.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(kinds)
        layout.addWidget(self.rows)
        layout.addWidget(self.folder)
        self.folder.hide()
        self.from_folder.toggled.connect(self._switch)
        self.rows.changed.connect(self.changed)
        self.folder.edited.connect(self.changed)

    def choice(self) -> CellsChoice:
        """Give what is chosen.

        Raises
        ------
        CellsError
            If it cannot be cells; the message says what to do.
        """
        if self.from_layers.isChecked():
            return self.rows.classes()
        path = self.folder.path()
        if path is None:
            raise CellsError("Choose the folder that holds the cells.")
        if not path.exists():
            raise CellsError(f"There is nothing at {path}; choose the folder that holds the cells.")
        return path

    def ask_for_classes(self, asks: bool) -> None:
        """Ask for the class of cells in layers, or not, where all are learned as one."""
        self.rows.ask_for_classes(asks)

    def _switch(self, folder: bool) -> None:
        self.rows.setVisible(not folder)
        self.folder.setVisible(folder)
        self.changed.emit()
