"""A line for the path of a folder, with a button to look for it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_biogans.plugin.narrow_button import keep_narrow


class FolderEdit(QWidget):
    """A folder, typed or looked for.

    Parameters
    ----------
    title : str
        Of the dialog.
    """

    edited = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.line = QLineEdit()
        self.browse = QPushButton("…")
        keep_narrow(self.browse)
        self.browse.setToolTip(title)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.browse)
        self.line.textChanged.connect(self.edited)
        self.browse.clicked.connect(self._look)

    def path(self) -> Path | None:
        """Give the folder, or None if the line is empty."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path | None) -> None:
        """Show a folder."""
        self.line.setText("" if path is None else str(path))

    def _look(self) -> None:
        if path := ask_folder(self, self._title, self.path()):
            self.set_path(path)


def ask_folder(parent: QWidget, title: str, start: Path | None = None) -> Path | None:
    """Ask for a folder in a dialog.

    Parameters
    ----------
    parent : QWidget
    title : str
    start : pathlib.Path, optional
        Where to begin; default the user's own folder.

    Returns
    -------
    pathlib.Path or None
        None if the dialog was cancelled.
    """
    chosen = QFileDialog.getExistingDirectory(parent, title, str(start or Path.home()))
    return Path(chosen) if chosen else None
