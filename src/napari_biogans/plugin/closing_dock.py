"""Docks that end what they began when they are closed."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget


class ClosingDock(QWidget):
    """A widget that napari shows in a dock, and that is told when the dock is closed."""

    def event(self, event: QEvent | None) -> bool:
        """Notice when napari closes the dock: it takes the widget out of it, and forgets it."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.close_down()
            self.deleteLater()
        return super().event(event)

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone; docks in which something runs say how."""
