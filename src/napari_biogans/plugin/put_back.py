"""The dock in which cells, and what models made of them, are put into fields."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.finding import crop_corners
from napari_biogans.plugin.canvas import camera_of, filling_zoom
from napari_biogans.plugin.class_names import counted_cells
from napari_biogans.plugin.closing_dock import ClosingDock
from napari_biogans.plugin.dock_help import About
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.offering import offer, offer_stop
from napari_biogans.plugin.panel_layout import lay_out_panel
from napari_biogans.plugin.progress_view import PARTS, ActivityBar, ProgressView
from napari_biogans.plugin.put_form import PutForm
from napari_biogans.plugin.putting import Put, PutRequest, put
from napari_biogans.plugin.status_line import StatusLine

if TYPE_CHECKING:
    from napari.viewer import Viewer

TITLE = "Put into field (BioGANs)"
"""As napari's menus call the dock, which so is there once."""
RUNNING = "Cells are being put into a field already."
PARTS_OF_CANVAS = (0.3, 0.9)
"""In height or width: what the cells take at least, and at most, once they are gone to."""
NOTHING_PUT = "Nothing was put into a field yet."
TIPS = {
    "put": "Add layers of the field with these cells; nothing that is there is changed",
    "stop": "End now, with the part of the field that is done",
    "go": "Move the sliders and the view to the cells that were put last",
}

ABOUT = About(
    "Puts cells, or what a model made of them, into a field, each where its cell was.",
    (
        "Check the layers of cells, and choose which of the cells.",
        "Choose what is around them: the layers that they were cut from, an empty field, or other layers.",
        "<b>Put into field</b> adds layers of the field; <b>Find</b> moves the view there.",
    ),
    "From fields to cells",
)


class PutBackDock(ClosingDock):
    """Puts cells of layers into a field, as new layers.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    about = ABOUT

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer: Any = napari_viewer
        self.form = PutForm(napari_viewer)
        self.put, self.stop, self.go = QPushButton("Put into field"), QPushButton("Stop"), QPushButton("Find")
        self.status = StatusLine()
        self.progress = ProgressView()
        self.work = LatestWork(self, is_long=True)
        self._activity = ActivityBar("Putting cells into a field", self)
        self._request: PutRequest | None = None
        self._problem: str | None = None
        self._last: tuple[Put, list[Image]] | None = None
        buttons = QHBoxLayout()
        for button in (self.put, self.stop, self.go):
            buttons.addWidget(button)
        content = QWidget()
        lay_out_panel(content, self.form, (buttons, self.status), (self.progress,), main=self.put)
        self.fill(content)
        self.form.changed.connect(self._check)
        self.put.clicked.connect(self._put)
        self.stop.clicked.connect(self._stop)
        self.go.clicked.connect(self._find)
        self.work.yielded.connect(self._show_progress)
        self.work.returned.connect(self._add)
        self.work.failed.connect(self._fail)
        self.destroyed.connect(self.work.abandon)
        self._check()

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone."""
        self.work.abandon()
        self._activity.end()
        self.form.disconnect_all()

    def show_layers(self, layers: Sequence[Any]) -> None:
        """Choose the cells of some layers.

        Parameters
        ----------
        layers : sequence of napari.layers.Image
        """
        self.form.show_layers(layers)

    def _check(self) -> None:
        """Say what is missing or wrong, as long as nothing runs."""
        before, self._problem, self._request = self._problem, None, None
        try:
            self._request = self.form.request()
        except CellsError as error:
            self._problem = str(error)
        if not self.work.is_running and (self._problem is not None or before is not None or not self.status.text()):
            self.status.say(self._problem or "Ready.")
        self._update()

    def _put(self) -> None:
        self._check()
        if (request := self._request) is None:
            return
        self.progress.show()
        self.progress.show_busy()
        self.status.say(f"Putting {counted_cells(len(request.cells))} into {request.target.name} …")
        self.work.begin(f"putting {counted_cells(len(request.cells))} into a field", partial(put, request))
        self._activity.begin(PARTS)
        self.form.setEnabled(False)
        self._update()

    def _stop(self) -> None:
        self.work.stop()
        self.status.say("Stopping …")
        self._update()

    def _show_progress(self, done: float) -> None:
        self.progress.show_part(done)
        self._activity.show(round(PARTS * done))

    def _add(self, result: Put | None) -> None:
        self._end()
        if result is None:
            self.status.say("Stopped before anything was done; there is nothing to show.")
            return
        active = self._viewer.layers.selection.active
        added = [Image(data, **keywords) for data, keywords, _ in result.layers()]
        for layer in added:
            self._viewer.add_layer(layer)
        if active in self._viewer.layers:
            # What is selected on the cells has to stay selected.
            self._viewer.layers.selection.active = active
        self._last = result, added
        self.status.say(self._told(result, added))
        self._update()

    def _told(self, result: Put, added: list[Image]) -> str:
        request = result.request
        names = added[0].name if len(added) == 1 else f"{added[0].name} and {len(added) - 1} more"
        text = f"Put {counted_cells(len(request.cells))} into {request.target.told}: {names}."
        if result.done < 1:
            text = f"Stopped: {result.done:.0%} of the field are done, and the rest is dark. {text}"
        seen = self._is_seen(added[0])
        return " ".join(filter(None, (text, request.note, "" if seen else "It is in another slice: press Find.")))

    def _is_seen(self, layer: Image) -> bool:
        place = np.array(layer.world_to_data(self._viewer.dims.point))[:-2].round()
        return bool(np.all((place >= 0) & (place < np.array(layer.data.shape[:-2]))))

    def _find(self) -> None:
        if self._last is None:
            return
        result, layers = self._last
        there = [layer for layer in layers if layer in self._viewer.layers]
        if not there:
            self.status.say("The layers that were added last are gone.")
            self._update()
            return
        layer, request = there[0], result.request
        corners = crop_corners(request.features, result.size).reshape(-1, 2)
        middle = (corners.min(axis=0) + corners.max(axis=0)) / 2 - [part.start for part in request.window]
        world = layer.data_to_world([0] * (layer.ndim - 2) + list(middle))
        dims = self._viewer.dims
        for axis in range(layer.ndim - 2):
            dims.set_point(dims.ndim - layer.ndim + axis, world[axis])
        size = np.ptp(corners, axis=0) * np.abs(layer.scale[-2:])
        camera = camera_of(self._viewer)
        least, most = (filling_zoom(self._viewer, size, part) for part in PARTS_OF_CANVAS)
        camera.center = (*camera.center[:-2], world[-2], world[-1])
        if least is not None and most is not None:
            camera.zoom = min(max(camera.zoom, least), most)
        self.status.say(self._told(result, there))

    def _fail(self, error: Exception) -> None:
        self._end()
        self.status.say(str(error) or type(error).__name__)

    def _end(self) -> None:
        self._activity.end()
        self.progress.hide()
        self.form.setEnabled(True)
        self._update()

    def _update(self) -> None:
        running = self.work.is_running
        offer(self.put, RUNNING if running else self._problem, TIPS["put"])
        offer_stop(self.stop, (self.work,), TIPS["stop"])
        offer(self.go, NOTHING_PUT if self._last is None else None, TIPS["go"])


def open_put_back(viewer: Any, layers: Sequence[Any]) -> PutBackDock:
    """Open the dock with the cells of some layers chosen.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    layers : sequence of napari.layers.Image
    """
    widget: PutBackDock | None = viewer.window.dock_widgets.get(TITLE)
    if widget is None:
        widget = PutBackDock(viewer)
        viewer.window.add_dock_widget(widget, name=TITLE, area="right")
    dock = widget.parentWidget()
    if dock is not None:
        dock.show()
        dock.raise_()
    widget.show_layers(layers)
    return widget
