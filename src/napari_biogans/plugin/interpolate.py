"""The dock in which the way between key cells is drawn: a model, key cells, settings, a preview and a film."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QGroupBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_biogans.plugin.closing_dock import ClosingDock
from napari_biogans.plugin.dock_help import About
from napari_biogans.plugin.interpolation import FILMS, PathRequest, draw_path, export_path
from napari_biogans.plugin.jobs import WITHDRAWN, device_name
from napari_biogans.plugin.key_cells import of_model, refusal
from napari_biogans.plugin.key_group import KeyGroup
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.layer_data import LayerData
from napari_biogans.plugin.model_group import NO_MODEL, ModelGroup
from napari_biogans.plugin.offering import offer, offer_stop
from napari_biogans.plugin.panel_layout import lay_out_panel
from napari_biogans.plugin.path_edit import ask_new_file
from napari_biogans.plugin.path_form import PathForm
from napari_biogans.plugin.preview_layers import PreviewLayers
from napari_biogans.plugin.progress_view import ProgressView
from napari_biogans.plugin.status_line import StatusLine

if TYPE_CHECKING:
    from napari.viewer import Viewer

TOO_FEW = "Add two key cells at least: the way leads from one to the next."
RUNNING = "A way is being drawn already."
PREVIEW_TIP = "Draw the way, and show it in layers whose slices are its frames"
EXPORT_TIP = "Draw the way into a GIF or MP4 film, or into an ImageJ hyperstack"
STOP_TIP = "End now; no layers are added, and no file is written"
NOTHING_RUNS = "Nothing is being drawn."
STOPPED = "Stopped; there is nothing to show."

ABOUT = About(
    "Draws how one cell turns into another, as layers or as a film.",
    (
        "Choose a model.",
        "Add key cells: of the selected layer, kept ones or random ones; put them in order.",
        "<b>Preview</b> shows the way in layers, whose slices are its frames.",
        "<b>Export film</b> writes it as GIF, MP4 or TIFF.",
    ),
    "From a real cell to its latent",
)


class InterpolateDock(ClosingDock):
    """Takes key cells, draws the way between them, and shows it in layers or writes it to a film.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    about = ABOUT

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        viewer: Any = napari_viewer
        self.model = ModelGroup()
        self.keys = KeyGroup(viewer, self.model.box)
        self.form = PathForm()
        self.preview, self.export = QPushButton("Preview"), QPushButton("Export film…")
        self.stop = QPushButton("Stop")
        self.status = StatusLine()
        self.progress = ProgressView()
        self.drawing, self.exporting = LatestWork(self, is_long=True), LatestWork(self, is_long=True)
        self._layers = PreviewLayers(viewer)
        self._last_file: Path | None = None
        self._running_text = ""
        self._lay_out()
        self._connect()
        self._check()

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone."""
        self.drawing.abandon()
        self.exporting.abandon()
        self.keys.close_down()
        self.model.close_down()

    def _lay_out(self) -> None:
        settings = QGroupBox("Way")
        QVBoxLayout(settings).addWidget(self.form)
        inputs = QWidget()
        column = QVBoxLayout(inputs)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.model, self.keys, settings):
            column.addWidget(widget)
        column.addStretch()
        buttons = QHBoxLayout()
        for button in (self.preview, self.export, self.stop):
            buttons.addWidget(button)
        content = QWidget()
        lay_out_panel(content, inputs, (buttons, self.status), (self.progress,), main=self.preview)
        self.fill(content)

    def _connect(self) -> None:
        self.model.looked.connect(self.form.show_model)
        self.model.looked.connect(self._check)
        self.keys.edited.connect(self._check)
        self.keys.said.connect(self.status.say)
        self.form.edited.connect(self._check)
        self.preview.clicked.connect(self._draw)
        self.export.clicked.connect(self._ask_file)
        self.stop.clicked.connect(self._stop)
        self.drawing.returned.connect(self._show)
        self.exporting.returned.connect(self._note_exported)
        for work in (self.drawing, self.exporting):
            work.waits.connect(self.status.say)
            work.began.connect(self._show_begun)
            work.withdrawn.connect(partial(self._end, WITHDRAWN))
            work.failed.connect(self._say_failure)

    def _problem(self) -> str | None:
        facts, cells = self.model.facts, self.keys.cells()
        if facts is None:
            return NO_MODEL
        ours = set(of_model(cells, facts.path))
        if others := [cell for cell in cells if cell not in ours]:
            return f"{refusal(others)} Or take {'it' if len(others) == 1 else 'them'} out of the list."
        return TOO_FEW if len(cells) < 2 else self.form.problem(len(cells))

    def _check(self) -> None:
        if not self._is_running:
            self.status.say(self._problem() or "Ready.")
        self._update()

    @property
    def _is_running(self) -> bool:
        return self.drawing.is_running or self.exporting.is_running

    def _request(self) -> PathRequest | None:
        facts = self.model.facts
        return None if facts is None or self._problem() else self.form.request(facts.path, self.keys.cells())

    def _draw(self) -> None:
        if request := self._request():
            self._running_text = f"Drawing {request.frames:,} frames …"
            # A preview is a thousand frames at the most, so that it runs beside the jobs in the queue.
            self.drawing.begin(f"drawing {request.frames} frames", partial(draw_path, request))
            self._update()

    def _ask_file(self) -> None:
        request = self._request()
        path = ask_new_file(self, "Export film", FILMS, self._last_file) if request is not None else None
        if request is None or path is None:
            return
        if path.suffix.lower() not in FILMS.values():
            self.status.say(f"{path.name}: choose a name that ends in {', '.join(FILMS.values())}.")
            return
        self._last_file = path
        self._running_text = f"Writing {path.name} …"
        device = device_name(request.device)
        self.exporting.begin(f"writing {path.name}", partial(export_path, request, path), device)
        self._update()

    def _show_begun(self) -> None:
        self.status.say(self._running_text)
        self.progress.show()
        self.progress.show_busy()

    def _stop(self) -> None:
        for work in (self.drawing, self.exporting):
            work.stop()
        if self._is_running:
            self.status.say("Stopping …")
        self._update()

    def _show(self, layers: list[LayerData] | None) -> None:
        if layers is None:
            self._end(STOPPED)
        else:
            self._layers.show(layers)
            self._end(f"Drew {len(layers[0][0]):,} frames. ▶ beside the slider below the canvas plays them.")

    def _note_exported(self, path: Path | None) -> None:
        if path is None:
            self._end(STOPPED)
        else:
            self._end(f"Wrote {path.name}.", str(path))

    def _say_failure(self, error: Exception) -> None:
        self._end(str(error) or type(error).__name__)

    def _end(self, text: str, details: str = "") -> None:
        self.progress.hide()
        self.status.say(text, details)
        self._update()

    def _update(self) -> None:
        problem = RUNNING if self._is_running else self._problem()
        for button, tip in ((self.preview, PREVIEW_TIP), (self.export, EXPORT_TIP)):
            offer(button, problem, tip)
        offer_stop(self.stop, (self.drawing, self.exporting), STOP_TIP, NOTHING_RUNS)
