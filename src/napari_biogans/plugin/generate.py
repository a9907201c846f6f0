"""The dock in which cells are drawn with a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QGroupBox, QPushButton, QSpacerItem, QVBoxLayout, QWidget

from napari_biogans.plugin.draw_form import DrawForm
from napari_biogans.plugin.generation import Drawn, ModelFacts, draw, look_at_model
from napari_biogans.plugin.layer_data import beside
from napari_biogans.plugin.model_box import ModelBox
from napari_biogans.plugin.progress_view import ActivityBar
from napari_biogans.plugin.status_line import StatusLine
from napari_biogans.plugin.workers import Worker, make_worker

if TYPE_CHECKING:
    from napari.viewer import Viewer

WIDTH = 330
"""Pixels at least, as many as Train needs."""
NO_MODEL = "Train a model, or open one."


class GenerateDock(QWidget):
    """Draws cells with a model and adds them as red and green layers.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer: Any = napari_viewer
        self._facts: ModelFacts | None = None
        self._reader: Worker | None = None
        self._drawer: Worker | None = None
        self._activity = ActivityBar("Drawing cells", self)
        self.model = ModelBox()
        self.summary = StatusLine()
        self.form = DrawForm()
        self.generate = QPushButton("Generate")
        self.status = StatusLine()
        self._lay_out()
        self.model.chosen.connect(self._look_at)
        self.form.edited.connect(self._follow_form)
        self.generate.clicked.connect(self._draw)
        self._look_at(self.model.path())

    def event(self, event: QEvent | None) -> bool:
        """Notice when napari closes the dock: it takes the widget out of it, and forgets it."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.close_down()
            self.deleteLater()
        return super().event(event)

    def close_down(self) -> None:
        """Stop drawing, and leave the viewer alone."""
        if self._drawer is not None:
            self._drawer.quit()
        self._activity.end()
        self.model.disconnect_all()

    def _lay_out(self) -> None:
        model_group = QGroupBox("Model")
        model_layout = QVBoxLayout(model_group)
        model_layout.addWidget(self.model)
        model_layout.addWidget(self.summary)
        cells_group = QGroupBox("Cells")
        QVBoxLayout(cells_group).addWidget(self.form)
        layout = QVBoxLayout(self)
        layout.addItem(QSpacerItem(WIDTH, 0))
        for widget in (model_group, cells_group, self.generate, self.status):
            layout.addWidget(widget)
        layout.addStretch()

    def _look_at(self, path: Path | None) -> None:
        if self._facts is None or self._facts.path != path:
            self._show_facts(None)
        if path is None:
            return
        self._reader = make_worker(f"reading {path}", partial(look_at_model, path))
        self._reader.returned.connect(self._note_facts)
        self._reader.errored.connect(self._note_no_facts)
        self._reader.start()

    def _note_facts(self, facts: ModelFacts) -> None:
        # One that was chosen before may answer after one that was chosen since.
        if facts.path == self.model.path():
            self._show_facts(facts)

    def _note_no_facts(self, error: Exception) -> None:
        self._show_facts(None)
        self.summary.say(str(error))

    def _show_facts(self, facts: ModelFacts | None) -> None:
        self._facts = facts
        if facts is None:
            self.summary.say(NO_MODEL)
        else:
            self.summary.say(facts.summary, facts.details)
        self.form.show_model(facts)
        self._update()

    def _follow_form(self) -> None:
        self.status.say(self.form.problem or "")
        self._update()

    def _draw(self) -> None:
        if self._facts is None:
            return
        request = self.form.request(self._facts.path)
        self._drawer = make_worker(f"drawing {request.number} cells", partial(draw, request))
        self._drawer.yielded.connect(self._show_progress)
        self._drawer.returned.connect(self._add)
        self._drawer.errored.connect(self._fail)
        self.status.say(f"Drawing {request.number:,} cells …")
        self._activity.begin(request.number)
        self._drawer.start()
        self._update()

    def _show_progress(self, done: int) -> None:
        if self._drawer is not None and not self._drawer.is_abandoned:
            self._activity.show(done)

    def _add(self, drawn: Drawn | None) -> None:
        was_heard = self._drawer is not None and not self._drawer.is_abandoned
        self._end()
        if drawn is None or not was_heard:
            return
        layers = drawn.layers(as_sheet=self.form.as_sheet)
        added = [Image(data, **keywords) for data, keywords, _ in beside(self._viewer.layers, layers)]
        for layer in added:
            self._viewer.add_layer(layer)
        # napari selects the layer that was added last; where it is hidden, its controls change nothing to be seen.
        self._viewer.layers.selection.active = [layer for layer in added if layer.visible][-1]
        _bring_into_range(self._viewer.dims, layers[0][0].shape)
        self._viewer.reset_view()
        text = f"Drew {drawn.images.shape[1]:,} cells with seed {drawn.metadata['seed']}."
        if hidden := sum(not keywords["visible"] for _, keywords, _ in layers):
            text += f" {hidden} layers are hidden; show them with the eyes in the list of layers."
        self.status.say(text)

    def _fail(self, error: Exception) -> None:
        self._end()
        self.status.say(str(error) or type(error).__name__)

    def _end(self) -> None:
        self._drawer = None
        self._activity.end()
        self._update()

    def _update(self) -> None:
        problem = NO_MODEL if self._facts is None else self.form.problem
        self.generate.setEnabled(problem is None and self._drawer is None)
        self.generate.setToolTip(problem or "Add the cells as layers of red and green")


def _bring_into_range(dims: Any, shape: Sequence[int]) -> None:
    """Go to the first slice of a stack, if the slider stands beyond its end."""
    for axis, length in zip(range(dims.ndim)[-len(shape) : -2], shape, strict=False):
        if dims.current_step[axis] >= length:
            dims.set_current_step(axis, 0)
