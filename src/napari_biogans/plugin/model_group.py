"""Choosing a model, and what is known of it before it is used."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGroupBox, QVBoxLayout, QWidget

from napari_biogans.plugin import session
from napari_biogans.plugin.generation import ModelFacts, look_at_model
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.model_box import ModelBox
from napari_biogans.plugin.status_line import StatusLine

NO_MODEL = "Train a model, or open one."


class ModelGroup(QGroupBox):
    """A list of models, and below it what the chosen one is, read in another thread."""

    looked = Signal(object)
    """Facts of the model that is chosen; None where there is none, or none that can be opened, or not yet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Model", parent)
        self.facts: ModelFacts | None = None
        self.box = ModelBox()
        self.summary = StatusLine()
        self._reading = LatestWork(self)
        layout = QVBoxLayout(self)
        layout.addWidget(self.box)
        layout.addWidget(self.summary)
        self.box.chosen.connect(self._look)
        self._reading.returned.connect(self._show)
        self._reading.failed.connect(self._note_no_facts)
        self._look(self.box.path())

    def close_down(self) -> None:
        """Read nothing more, and hear no more of models that are trained."""
        self._reading.abandon()
        self.box.disconnect_all()

    def _look(self, path: Path | None) -> None:
        # Of a model that has become newer, what was known is shown until the rest is.
        if self.facts is None or self.facts.path != path:
            self._show(None)
        if path is None:
            self._reading.abandon()
        else:
            self._reading.begin(f"reading {path}", partial(look_at_model, path))

    def _note_no_facts(self, error: Exception) -> None:
        path = self.box.path()
        self._show(None)
        self.summary.say(str(error))
        if path is not None and not path.exists():
            # Else every dock that is opened later would tell of it again.
            session.SESSION.drop_model(path)

    def _show(self, facts: ModelFacts | None) -> None:
        self.facts = facts
        if facts is None:
            self.summary.say(NO_MODEL)
        else:
            self.summary.say(facts.summary, facts.details)
        self.looked.emit(facts)
