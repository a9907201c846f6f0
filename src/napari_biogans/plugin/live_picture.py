"""A picture that follows what is asked for."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_biogans.plugin.explore_layers import ExploreLayers
from napari_biogans.plugin.exploring import Explored, Look, Sight, draw_newest
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.newest import Newest


class LivePicture(QObject):
    """Draws in another thread what was asked for last, and shows it in layers.

    What was asked for while another cell was drawn is left out, but for the
    newest. So the picture is never older than the one before, nor waits for
    cells that nobody wants to see any more.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    shown = Signal(object)
    """What is to be seen now, a `Look`."""
    failed = Signal(object)

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looks: Newest[Look] = Newest()
        self._layers = ExploreLayers(viewer)
        self._drawing = LatestWork(self)
        self._drawing.yielded.connect(self._show)
        self._drawing.failed.connect(self.failed)

    def ask(self, explored: Explored, look: Look) -> None:
        """Show a cell, soon.

        Parameters
        ----------
        explored : Explored
            The same as before, unless `stop` was called since.
        look : Look
        """
        if not self._looks.post(look):
            self._drawing.begin("drawing a cell", partial(draw_newest, explored, self._looks))

    def stop(self) -> None:
        """Show nothing that was asked for before."""
        self._drawing.abandon()
        self._looks = Newest()  # as who drew until now may take one more look

    def _show(self, sight: Sight) -> None:
        self._layers.show(sight.layers)
        self.shown.emit(sight.look)
