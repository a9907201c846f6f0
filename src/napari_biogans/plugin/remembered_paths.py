"""Folders that are remembered: of cells, and for runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from napari_biogans.plugin.cells_box import CellsBox
from napari_biogans.plugin.path_edit import PathEdit
from napari_biogans.plugin.preferences import CHANGES, preferences


class CellsFolder:
    """The folder or file that cells come from, if they do; layers are not remembered.

    Parameters
    ----------
    box : CellsBox
    """

    def __init__(self, box: CellsBox) -> None:
        self._box = box

    @property
    def edited(self) -> Any:
        """A signal."""
        return self._box.changed

    def get(self) -> str | None:
        """Give the path; None if cells come from layers or a model."""
        path = self._box.folder.path()
        return str(path) if path is not None and self._box.from_folder.isChecked() else None

    def set(self, value: str | None) -> None:
        """Take cells from a path, or from layers."""
        if value is None:
            self._box.from_layers.setChecked(True)
        else:
            self._box.folder.set_path(Path(value))
            self._box.from_folder.setChecked(True)

    def accepts(self, value: Any) -> bool:
        """Tell whether there is anything at a path."""
        return value is None or (isinstance(value, str) and Path(value).exists())


class RunsFolder(QObject):
    """The folder in which new runs get theirs: that of the last run that was given one, else that of Preferences.

    Parameters
    ----------
    output : PathEdit
        Where the folder of a run may be given.
    """

    edited = Signal()

    def __init__(self, output: PathEdit) -> None:
        super().__init__(output)
        self._output = output
        self._given: Path | None = None
        output.settled.connect(self._note)
        CHANGES.changed.connect(self._show)
        self._show()

    @property
    def folder(self) -> Path:
        """The folder."""
        return self._given or preferences().for_runs

    def get(self) -> str | None:
        """Give the folder that was given; None for that of Preferences."""
        return None if self._given is None else str(self._given)

    def set(self, value: str | None) -> None:
        """Take a folder, or that of Preferences."""
        self._given = None if value is None else Path(value)
        self._show()
        self.edited.emit()

    def accepts(self, value: Any) -> bool:
        """Tell whether there is such a folder."""
        return value is None or (isinstance(value, str) and Path(value).is_dir())

    def _note(self, run: Path) -> None:
        self.set(str(run.absolute().parent))

    def _show(self) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]
            CHANGES.changed.disconnect(self._show)
            return
        home, folder = Path.home(), self.folder
        shown = Path("~") / folder.relative_to(home) if folder.is_relative_to(home) else folder
        self._output.line.setPlaceholderText(f"new folder in {shown}")
