"""A button that offers what is known in the session already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QPushButton, QWidget

from napari_biogans.plugin.class_names import shortened
from napari_biogans.plugin.key_cells import model_title
from napari_biogans.plugin.narrow_button import keep_narrow

NOTHING = "None yet in this session"


class KnownPaths(QPushButton):
    """Opens a menu of paths, which is filled anew each time.

    Parameters
    ----------
    what : str
        What is offered, for the tooltip: "Runs of this session".
    known : callable
        Gives the paths, those that are likeliest to be wanted first.
    """

    picked = Signal(object)
    """The path that was chosen."""

    def __init__(self, what: str, known: Callable[[], Sequence[Path]], parent: QWidget | None = None) -> None:
        super().__init__("▾", parent)
        self._known = known
        keep_narrow(self)
        self.setToolTip(what)
        self.choices = QMenu(self)
        self.choices.setToolTipsVisible(True)
        self.clicked.connect(self._open)

    def fill(self) -> None:
        """Offer what is known now."""
        self.choices.clear()
        for path in self._known():
            action = self.choices.addAction(shortened(model_title(path)), partial(self.picked.emit, path))
            if action is not None:
                action.setToolTip(str(path))
        if self.choices.isEmpty():
            nothing = self.choices.addAction(NOTHING)
            if nothing is not None:
                nothing.setEnabled(False)

    def _open(self) -> None:
        self.fill()
        self.choices.popup(self.mapToGlobal(self.rect().bottomLeft()))
