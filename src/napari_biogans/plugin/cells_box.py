"""Choosing where cells come from: layers, a folder, or a model that draws them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin import session
from napari_biogans.plugin.cell_rows import CellRows
from napari_biogans.plugin.known_paths import KnownPaths
from napari_biogans.plugin.model_box import ModelBox
from napari_biogans.plugin.path_edit import PathEdit
from napari_biogans.plugin.preferences import preferences
from napari_biogans.plugin.training_work import CellsChoice


class CellsBox(QWidget):
    """Cells out of layers of the viewer, out of a folder or file, or drawn by a model.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    model : ModelBox, optional
        Models that can be chosen instead; default none.
    other_rows : CellRows, optional
        Whose layers are not chosen here from the start.
    """

    changed = Signal()

    def __init__(
        self,
        viewer: Any,
        model: ModelBox | None = None,
        other_rows: CellRows | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.from_layers = QRadioButton("layers")
        self.from_folder = QRadioButton("a folder")
        self.from_model = QRadioButton("a model")
        self.from_layers.setToolTip("Take cells from layers of the viewer: stacks with a cell in each slice")
        self.from_folder.setToolTip("Read cells from a folder or file, which need not be open")
        self.from_model.setToolTip("Let a model draw the cells")
        self.from_layers.setChecked(True)
        self.rows: CellRows = CellRows(viewer, other_rows)
        known = KnownPaths("Cell sets of this session", lambda: session.SESSION.cell_sets)
        self.folder = PathEdit("Folder of cells", known=known, start=lambda: preferences().cells_folder)
        self.folder.setToolTip(
            "A folder of PNG or TIFF images, or a TIFF stack, for each class, which is named after it; or an .npz file"
        )
        self.folder.line.setPlaceholderText("folder of images or stacks")
        self.model = model
        kinds = QHBoxLayout()
        for kind in (self.from_layers, self.from_folder, self.from_model):
            kinds.addWidget(kind)
            kind.toggled.connect(self._switch)
        kinds.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(kinds)
        layout.addWidget(self.rows)
        layout.addWidget(self.folder)
        if model is not None:
            layout.addWidget(model)
            model.chosen.connect(self.changed)
        self.offer_models(model is not None)
        self._show_chosen()
        self.rows.changed.connect(self.changed)
        self.folder.edited.connect(self.changed)
        self.folder.settled.connect(self._settle)

    def choice(self) -> CellsChoice:
        """Give what is chosen.

        Raises
        ------
        CellsError
            If it cannot be cells; the message says what to do.
        """
        if self.from_layers.isChecked():
            return self.rows.classes()
        if self.from_model.isChecked():
            model = self.model.path() if self.model is not None else None
            if model is None:
                raise CellsError("Train a model, or open one.")
            if not model.exists():
                raise CellsError(f"There is no model at {model} any more; choose another one.")
            return model
        path = self.folder.path()
        if path is None:
            raise CellsError("Choose the folder that holds the cells.")
        if not path.exists():
            raise CellsError(f"There is nothing at {path}; choose the folder that holds the cells.")
        return path

    def ask_for_classes(self, asks: bool) -> None:
        """Ask for the class of cells in layers, or not, where all are learned as one."""
        self.rows.ask_for_classes(asks)

    def offer_models(self, offers: bool) -> None:
        """Let a model be chosen, or only cells."""
        self.from_model.setVisible(offers)
        if not offers and self.from_model.isChecked():
            self.from_layers.setChecked(True)

    def disconnect_all(self) -> None:
        """Hear no more of layers and models."""
        self.rows.image_layers.disconnect_all()
        if self.model is not None:
            self.model.disconnect_all()

    def _show_chosen(self) -> None:
        self.rows.setVisible(self.from_layers.isChecked())
        self.folder.setVisible(self.from_folder.isChecked())
        if self.model is not None:
            self.model.setVisible(self.from_model.isChecked())

    def _settle(self, path: Path) -> None:
        session.note_cells(path)
        # What was there when it was typed may be gone.
        self.changed.emit()

    def _switch(self, checked: bool) -> None:
        # Two of the buttons change each time.
        if checked:
            self._show_chosen()
            self.changed.emit()
