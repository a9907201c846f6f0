"""The dock in which cells are drawn with a trained model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QGroupBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_biogans.plugin.class_names import counted_cells
from napari_biogans.plugin.closing_dock import ClosingDock
from napari_biogans.plugin.dock_help import About
from napari_biogans.plugin.draw_form import OF_LAYER, DrawForm
from napari_biogans.plugin.drawn import Drawn
from napari_biogans.plugin.generation import ModelFacts, draw
from napari_biogans.plugin.jobs import WITHDRAWN, device_name
from napari_biogans.plugin.key_sources import KeySources
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.model_group import NO_MODEL, ModelGroup
from napari_biogans.plugin.offering import offer, offer_stop
from napari_biogans.plugin.own_layers import add_layers
from napari_biogans.plugin.panel_layout import lay_out_panel
from napari_biogans.plugin.progress_view import ActivityBar
from napari_biogans.plugin.status_line import StatusLine

if TYPE_CHECKING:
    from napari.viewer import Viewer

ABOUT = About(
    "Draws cells with a model, as layers: new ones, or known ones again.",
    (
        "Choose a model; one that was just trained is chosen already.",
        "Choose how many cells, and of which classes; or take the latents of cells that are known.",
        "<b>Generate</b>. The same seed draws the same cells.",
    ),
    "Training",
)
BESIDE = 1000
"""As many cells are drawn beside a training; more wait until it has ended."""
TIP = "Add the cells as layers of red and green"
RUNNING = "Cells are being drawn already."
STOP_TIP = "End now; no layers are added"


class GenerateDock(ClosingDock):
    """Draws cells with a model and adds them as red and green layers.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    about = ABOUT

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer: Any = napari_viewer
        self.drawing = LatestWork(self, is_long=True)
        self._activity = ActivityBar("Drawing cells", self)
        self._cells = KeySources(napari_viewer, self)
        self.model_group = ModelGroup()
        self.model, self.summary = self.model_group.box, self.model_group.summary
        self.form = DrawForm(self._cells)
        self._left_out, self._count = "", 0
        self.generate, self.stop = QPushButton("Generate"), QPushButton("Stop")
        self.status = StatusLine()
        self._lay_out()
        self.model_group.looked.connect(self._show_facts)
        self.form.edited.connect(self._follow_form)
        self.generate.clicked.connect(self._draw)
        self.stop.clicked.connect(self._stop)
        self.drawing.waits.connect(self.status.say)
        self.drawing.began.connect(self._show_begun)
        self.drawing.withdrawn.connect(partial(self._end, WITHDRAWN))
        self.drawing.yielded.connect(self._activity.show)
        self.drawing.returned.connect(self._add)
        self.drawing.failed.connect(self._fail)
        self._update()

    def close_down(self) -> None:
        """Stop drawing, and leave the viewer alone."""
        self.drawing.abandon()
        self._activity.end()
        self._cells.disconnect_all()
        self.model_group.close_down()

    def _lay_out(self) -> None:
        cells_group = QGroupBox("Cells")
        QVBoxLayout(cells_group).addWidget(self.form)
        inputs = QWidget()
        column = QVBoxLayout(inputs)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.model_group, cells_group):
            column.addWidget(widget)
        column.addStretch()
        content = QWidget()
        buttons = QHBoxLayout()
        for button in (self.generate, self.stop):
            buttons.addWidget(button)
        lay_out_panel(content, inputs, (buttons, self.status), (), main=self.generate)
        self.fill(content)

    def _show_facts(self, facts: ModelFacts | None) -> None:
        self.form.show_model(facts)
        self._update()

    def _follow_form(self) -> None:
        self.status.say(self.form.problem or "")
        self._update()

    def _draw(self) -> None:
        if self.model_group.facts is None:
            return
        request = self.form.request(self.model_group.facts.path)
        self._left_out, self._count = self.form.left_out, request.count
        device = device_name(request.device) if request.count > BESIDE else None
        self.drawing.begin(f"drawing {counted_cells(request.count)}", partial(draw, request), device)
        self._update()

    def _show_begun(self) -> None:
        self.status.say(f"Drawing {counted_cells(self._count)} …")
        self._activity.begin(self._count)

    def _stop(self) -> None:
        self.drawing.stop()
        if self.drawing.is_running:
            self.status.say("Stopping …")
        self._update()

    def _add(self, drawn: Drawn | None) -> None:
        if drawn is None:
            self._end("Stopped; there is nothing to show.")
            return
        layers = drawn.layers(as_sheet=self.form.as_sheet)
        selected = self._viewer.layers.selection.active
        add_layers(self._viewer, layers)
        if self.form.latents.get() == OF_LAYER and selected in self._viewer.layers:
            # Else the next press would go on from what was just drawn.
            self._viewer.layers.selection.active = selected
        seed = drawn.metadata["seed"]
        text = f"Drew {counted_cells(drawn.images.shape[1])}{'' if seed is None else f' with seed {seed}'}."
        if hidden := sum(not keywords["visible"] for _, keywords, _ in layers):
            text += f" {hidden} layers are hidden; show them with the eyes in the list of layers."
        self._end(" ".join(filter(None, (text, self._left_out))))

    def _fail(self, error: Exception) -> None:
        self._end(str(error) or type(error).__name__)

    def _end(self, text: str) -> None:
        self._activity.end()
        self.status.say(text)
        self._update()

    def _update(self) -> None:
        problem = NO_MODEL if self.model_group.facts is None else self.form.problem
        offer(self.generate, RUNNING if self.drawing.is_running else problem, TIP)
        offer_stop(self.stop, (self.drawing,), STOP_TIP)
