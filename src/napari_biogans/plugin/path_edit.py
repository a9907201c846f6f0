"""A line for a path, with a button to look for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_biogans.plugin.known_paths import KnownPaths
from napari_biogans.plugin.narrow_button import keep_narrow

MODEL_FILES = "Models (*.safetensors)"


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


def ask_model_file(parent: QWidget, title: str, start: Path | None = None) -> Path | None:
    """Ask for a model file in a dialog; as `ask_folder`."""
    chosen, _ = QFileDialog.getOpenFileName(parent, title, str(start or Path.home()), MODEL_FILES)
    return Path(chosen) if chosen else None


def ask_new_file(parent: QWidget, title: str, kinds: dict[str, str], start: Path | None = None) -> Path | None:
    """Ask where to write a file; as `ask_folder`.

    Parameters
    ----------
    parent, title, start
        As for `ask_folder`.
    kinds : dict from text to suffix
        Of the files that can be written.

    Returns
    -------
    pathlib.Path or None
        With the suffix of the kind that was chosen, if it was given without one.
        The dialog has asked whether a file that is there may be replaced.
    """
    filters = {f"{text} (*{suffix})": suffix for text, suffix in kinds.items()}
    chosen, kind = QFileDialog.getSaveFileName(parent, title, str(start or Path.home()), ";;".join(filters))
    if not chosen:
        return None
    if Path(chosen).suffix:
        return Path(chosen)
    completed = Path(chosen + filters.get(kind, next(iter(kinds.values()))))
    # The dialog did not know of this name; now it asks whether the file may be replaced.
    return ask_new_file(parent, title, kinds, completed) if completed.exists() else completed


class PathEdit(QWidget):
    """A folder or a file, typed or looked for.

    Parameters
    ----------
    title : str
        Of the dialog.
    ask : callable
        Opens the dialog: `ask_folder` or `ask_model_file`.
    known : KnownPaths, optional
        Offers paths beside the dialog.
    start : callable, optional
        Gives the folder in which the dialog begins while the line is empty;
        default, and where it gives None, the user's own folder.
    """

    edited = Signal()

    settled = Signal(object)
    """A path was chosen, or typed to its end."""

    def __init__(
        self,
        title: str,
        ask: Callable[[QWidget, str, Path | None], Path | None] = ask_folder,
        known: KnownPaths | None = None,
        parent: QWidget | None = None,
        *,
        start: Callable[[], Path | None] = lambda: None,
    ) -> None:
        super().__init__(parent)
        self._title = title
        self._start = start
        self._ask = ask
        self.line = QLineEdit()
        self.browse = QPushButton("…")
        keep_narrow(self.browse)
        self.browse.setToolTip(title)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line, 1)
        self.known = known
        if known is not None:
            layout.addWidget(known)
            known.picked.connect(self._take)
        layout.addWidget(self.browse)
        self.setToolTip(title)
        self.line.textChanged.connect(self.edited)
        self.line.editingFinished.connect(self._settle)
        self.browse.clicked.connect(self._look)

    def path(self) -> Path | None:
        """Give the path, or None if the line is empty."""
        text = self.line.text().strip()
        path = Path(text)
        try:
            return path.expanduser() if text else None
        except RuntimeError:
            # Of somebody who is not known here, such as "~x" on the way to a longer name.
            return path

    def setToolTip(self, text: str | None) -> None:
        """Say what the path is for, also over the line by itself."""
        super().setToolTip(text)
        self.line.setToolTip(text)

    def set_path(self, path: Path | None) -> None:
        """Show a path."""
        self.line.setText("" if path is None else str(path))

    def _look(self) -> None:
        if path := self._ask(self, self._title, self.path() or self._start()):
            self._take(path)

    def _take(self, path: Path) -> None:
        self.set_path(path)
        self._settle()

    def _settle(self) -> None:
        if path := self.path():
            self.settled.emit(path)
