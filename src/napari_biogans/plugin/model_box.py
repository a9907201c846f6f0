"""Choosing a model: one of this session, a file, or the folder of a run."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from napari_biogans.plugin.key_cells import file_of, model_title
from napari_biogans.plugin.path_edit import ask_folder, ask_model_file
from napari_biogans.plugin.session import SESSION, note_model
from napari_biogans.plugin.setting_editors import ignore_wheel

LETTERS = 10


class ModelBox(QWidget):
    """A list of models, to which others can be added by a dialog.

    When a training writes its first model, that is chosen by itself.

    Parameters
    ----------
    only_runs : bool
        Whether files are not offered.
    """

    chosen = Signal(object)
    """The path of a model file or a run, which may be chosen already but have become newer."""

    def __init__(self, *, only_runs: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._paths: list[Path] = []
        self.list = QComboBox()
        self._tip = "The run that is tested" if only_runs else "The model that draws"
        self.list.setPlaceholderText("train or open a run" if only_runs else "train or open a model")
        self.list.setAccessibleName("Run" if only_runs else "Model")
        self.list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.list.setMinimumContentsLength(LETTERS)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        ignore_wheel(self.list)
        self.open = QPushButton("Open")
        if only_runs:
            self.open.setToolTip("Open the folder of a run")
            self.open.clicked.connect(self._ask_run)
        else:
            self.open.setToolTip("Open a model file, or the model of a run")
            menu = QMenu(self.open)
            menu.addAction("Model file…", self._ask_file)
            menu.addAction("Folder of a run…", self._ask_run)
            self.open.setMenu(menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.open)
        self._only_runs = only_runs
        for path in reversed(SESSION.runs if only_runs else SESSION.models):
            self._insert(path)
        if self._paths:
            self.list.setCurrentIndex(0)
        self._explain()
        self.list.currentIndexChanged.connect(self._tell)
        SESSION.model_saved.connect(self._note_saved)
        SESSION.model_opened.connect(self._note_opened)

    def path(self) -> Path | None:
        """Model that is chosen."""
        index = self.list.currentIndex()
        return self._paths[index] if index >= 0 else None

    def add(self, path: Path) -> None:
        """Add a model at the top, and choose it.

        Parameters
        ----------
        path : pathlib.Path
            A model file or the folder of a run.
        """
        self.list.blockSignals(True)
        place = self._place(path)
        if place is not None:
            self._name(place, path)
            self.list.setCurrentIndex(place)
        else:
            self._insert(path)
            self.list.setCurrentIndex(0)
        self.list.blockSignals(False)
        self._tell()

    def disconnect_all(self) -> None:
        """Hear no more of models that are trained or opened elsewhere."""
        SESSION.model_saved.disconnect(self._note_saved)
        SESSION.model_opened.disconnect(self._note_opened)

    def _place(self, path: Path) -> int | None:
        """Find a model in the list, be its path that of the file or of the run."""
        file = file_of(path)
        return next((place for place, known in enumerate(self._paths) if file_of(known) == file), None)

    def _insert(self, path: Path) -> None:
        self._paths.insert(0, path)
        self.list.insertItem(0, "")
        self._name(0, path)

    def _name(self, place: int, path: Path) -> None:
        self._paths[place] = path
        self.list.setItemText(place, model_title(path))
        self.list.setItemData(place, str(path), Qt.ItemDataRole.ToolTipRole)

    def _note_saved(self, run: Path) -> None:
        place = self._place(run)
        if place is None:
            self.add(run)
        elif place == self.list.currentIndex():
            self._tell()

    def _note_opened(self, path: Path) -> None:
        """Offer a model that was opened elsewhere; what is chosen stays so, if anything is."""
        if path.suffix == ".safetensors" and self._only_runs:
            return
        if self.path() is None:
            self.add(path)
        elif self._place(path) is None:
            # The list moves by one; what is chosen does not change.
            self.list.blockSignals(True)
            self._insert(path)
            self.list.blockSignals(False)

    def _ask_file(self) -> None:
        if path := ask_model_file(self, "Model file", self.path()):
            self._open(path)

    def _ask_run(self) -> None:
        if folder := ask_folder(self, "Folder of a run", self.path()):
            self._open(folder)

    def _open(self, path: Path) -> None:
        self.add(path)
        note_model(path)

    def _explain(self) -> None:
        self.list.setToolTip("\n".join([self._tip, *([] if self.path() is None else [str(self.path())])]))

    def _tell(self) -> None:
        self._explain()
        self.chosen.emit(self.path())
