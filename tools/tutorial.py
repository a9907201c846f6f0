"""The tutorial by clicks: from raw fields to every dose of a cell, in a real viewer, as docs/tutorial.md tells it.

A test goes this way with small cells and a training of seconds. `make screenshots` goes it with the real fields, and
takes the pictures of the page between the steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QMenu, QWidget

PATIENCE = 300.0
"""Seconds that a step may take in which nothing is trained."""


class Tutorial:
    """Goes the way of the tutorial with mouse, keys and menus.

    Parameters
    ----------
    viewer : napari.Viewer
        With nothing in it.
    picture : callable, optional
        Given a name after each step.
    """

    def __init__(self, viewer: Any, picture: Callable[[str], object] = lambda name: None) -> None:
        self.viewer = viewer
        self._picture = picture

    def open_fields(self) -> None:
        """Open the sample data: red and green of all wells."""
        self.menu("File", "Open Sample", "BioGANs", "BBBC013")
        self.wait(lambda: len(self.viewer.layers) == 2)
        self._picture("fields")

    def find_cells(self, magnification: float) -> Any:
        """Open the dock that cuts cells, and look for them."""
        dock = self.dock("Layers", "Segment", "Cut cells")
        panel = dock.panel
        enter(field(panel.form.cutting, "Magnification"), f"{magnification:g}")
        click(panel.look)
        self.wait(lambda: not panel.is_running)
        self._picture("found")
        return panel

    def cut_cells(self, panel: Any, folder: Path) -> None:
        """Cut what was found, into layers and a folder."""
        enter(panel.form.folder.line, str(folder))
        click(panel.cut)
        self.wait(lambda: not panel.is_running)
        self._picture("cells")

    def train(self, run: Path, classes: int, *, seconds: float, **settings: Any) -> None:
        """Train a star-shaped model on the layers of all classes, for some seconds, and stop."""
        panel = self.dock("Layers", "Data", "Train").panel
        for _ in range(classes - 1):
            click(panel.cells.rows.add)
        choose(field(panel.settings, "Architecture"), "star-shaped")
        for name, value in settings.items():
            enter(field(panel.settings, name), str(value))
        enter(panel.output.line, str(run))
        click(panel.controls.start)
        self.wait(lambda: "samples green" in self.viewer.layers)
        QTest.qWait(int(1000 * seconds))
        self._picture("training")
        click(panel.controls.stop)
        self.wait(panel.controls.start.isEnabled)

    def draw(self) -> None:
        """Draw cells: the same reds in each class."""
        dock = self.dock("File", "New Layer", "Generate")
        self.wait(dock.generate.isEnabled)
        choose(dock.form.shape, "contact sheet")
        click(dock.generate)
        self.wait(lambda: dock.status.text().startswith("Drew"))
        self._picture("drawn")

    def every_class(self, cell: int) -> Any:
        """Draw every class's green for the red of the real cell in this slice."""
        self.viewer.dims.set_current_step(0, cell)
        panel = self.dock("Layers", "Filter", "Reconstruct").panel
        self.wait(panel.classes.isEnabled)
        click(panel.classes)
        self.wait(lambda: not panel.search.is_running)
        self._picture("every-dose")
        return panel

    def put_back(self, panel: Any) -> None:
        """Put what was drawn for the cells into their field."""
        click(panel.put)
        dock = self.opened("Put into field")
        choose(field(dock.form, "Part"), "image")
        self.wait(dock.put.isEnabled)
        click(dock.put)
        self.wait(dock.go.isEnabled)
        click(dock.go)
        self._picture("put-back")

    def menu(self, *titles: str) -> None:
        """Choose an entry of a menu, by the beginnings of the titles on the way to it."""
        entries = self.viewer.window._qt_window.menuBar().actions()
        for title in titles:
            found = [entry for entry in entries if entry.text().replace("&", "").startswith(title)]
            if not found:
                raise LookupError(f"There is no {' > '.join(titles)}: {[entry.text() for entry in entries]}.")
            menu: QMenu | None = found[0].menu()
            if menu is None:
                found[0].trigger()
            else:
                menu.aboutToShow.emit()
                entries = menu.actions()

    def dock(self, *titles: str) -> Any:
        """Open a dock from a menu, alone."""
        self.viewer.window.remove_dock_widget("all")
        self.menu(*titles)
        return self.opened(titles[-1])

    def opened(self, name: str) -> Any:
        """Give the dock with this name, once it is loaded."""

        def found() -> list[QWidget]:
            docks = self.viewer.window.dock_widgets
            return [docks[title] for title in docks if title.startswith(name)]

        self.wait(lambda: bool(found()))
        (dock,) = found()
        self.wait(lambda: getattr(dock, "panel", dock) is not None)
        return dock

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, while the window lives."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            QTest.qWait(20)
            if time.monotonic() > end:
                raise TimeoutError("The plugin does not go on; is there an error in the terminal?")


def field(form: QWidget, name: str) -> Any:
    """Find the editor of a form with this name, as it is told to those who cannot see it."""
    found = [widget for widget in form.findChildren(QWidget) if widget.accessibleName() == name]
    if len(found) != 1:
        raise LookupError(f"There are {len(found)} editors called {name!r}.")
    return found[0]


def click(button: QAbstractButton) -> None:
    """Click on a button, which has to be enabled."""
    if not button.isEnabled():
        raise RuntimeError(f"{button.text()} is disabled: {button.toolTip()}")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(8, button.height() // 2))


def enter(editor: QWidget, text: str) -> None:
    """Type a text into an editor in the place of what is there."""
    line = editor if isinstance(editor, QLineEdit) else editor.findChild(QLineEdit)
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Tab)


def choose(box: QComboBox, text: str) -> None:
    """Choose an entry of a box by typing its beginning."""
    box.setFocus()
    QTest.keyClicks(box, text)
    if not box.currentText().startswith(text):
        raise LookupError(f"{text!r} is not among {[box.itemText(k) for k in range(box.count())]}.")
