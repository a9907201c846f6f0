"""Docks that end what they began when they are closed."""

from __future__ import annotations

from typing import ClassVar

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QSizePolicy, QVBoxLayout, QWidget

from napari_biogans.plugin.accessible import name_widgets, press_by_keys
from napari_biogans.plugin.dock_help import About, DockHelp


class ClosingDock(QWidget):
    """A widget that napari shows in a dock, and that is told when the dock is closed."""

    about: ClassVar[About | None] = None
    """What the dock says of itself at its top; every dock of the manifest says something."""

    def event(self, event: QEvent | None) -> bool:
        """Notice when napari closes the dock: it takes the widget out of it, and forgets it."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is None:
                self.close_down()
                self.deleteLater()
            else:
                QTimer.singleShot(0, self._join_others)
        return super().event(event)

    def _join_others(self) -> None:
        """Stand behind a tab with other docks of ours: one below the other they are higher than small screens."""
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        window, mine = self.window(), _frame_of(self)
        if not isinstance(window, QMainWindow) or mine is None or mine.isFloating() or window.tabifiedDockWidgets(mine):
            return
        area = window.dockWidgetArea(mine)
        for dock in window.findChildren(ClosingDock):
            other = _frame_of(dock)
            if other not in (None, mine) and not other.isFloating() and window.dockWidgetArea(other) == area:
                window.tabifyDockWidget(other, mine)
                mine.show()
                mine.raise_()
                return

    def fill(self, content: QWidget) -> None:
        """Show what the dock says of itself, and its content below.

        Parameters
        ----------
        content : QWidget
        """
        # Else napari puts an empty space below.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        if self.about is not None:
            layout.addWidget(DockHelp(self.about))
        layout.addWidget(content, 1)
        self.make_accessible()

    def make_accessible(self) -> None:
        """Let everything in the dock be used by keys and by screen readers; called when its content is there."""
        name_widgets(self)
        press_by_keys(self)

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone; docks in which something runs say how."""


def _frame_of(widget: QWidget) -> QDockWidget | None:
    """Find what napari shows a widget in."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
