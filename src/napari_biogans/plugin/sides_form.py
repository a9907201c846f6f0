"""What is to be told apart: a question, and the cells and models that it is about."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QGroupBox, QLabel, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin.cells_box import CellsBox
from napari_biogans.plugin.model_box import ModelBox
from napari_biogans.plugin.score_work import Sides, pixels_of
from napari_biogans.plugin.setting_editors import Choice
from napari_biogans.plugin.training_work import CellsChoice

QUESTIONS = {
    "two sides": "sides",
    "all classes of one set": "matrix",
    "a run over its checkpoints": "run",
}
MEANINGS = {
    "sides": "Classes of the same name are tested against each other, and all together.",
    "matrix": "Every class is tested against every other, and against itself: halves of it.",
    "run": "The model of each checkpoint is tested against real cells.",
}
LETTERS = 16
"""Of a box to choose a question, at least: wide ones, which few letters are."""
REFERENCE = "b: real cells, the reference"
SAME = "a and b are the same cells; choose others for a. Halves of b are tested against each other anyhow."


class SidesForm(QWidget):
    """Shows what the question needs.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question = Choice(QUESTIONS)
        self.question.setMinimumContentsLength(LETTERS)
        self.question.setToolTip("What is tested against what")
        self._meaning = QLabel()
        self._meaning.setWordWrap(True)
        # b first, so that layers of real cells, which are there before others, are chosen for it.
        self.b = CellsBox(viewer, ModelBox())
        self.a = CellsBox(viewer, ModelBox(), other_rows=self.b.rows)
        self.run = ModelBox(only_runs=True)
        self._a_group, self._run_group, self._b_group = (
            _group(title, widget)
            for title, widget in (("a: what is tested", self.a), ("Run", self.run), (REFERENCE, self.b))
        )
        question = QFormLayout()
        question.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        question.addRow("Question", self.question)
        question.addRow(self._meaning)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(question)
        for group in (self._a_group, self._run_group, self._b_group):
            layout.addWidget(group)
        if self.a.model is not None and self.a.model.path() is not None:
            self.a.from_model.setChecked(True)
        self._show_question()
        self.question.edited.connect(self._ask)
        for box in (self.a, self.b):
            box.changed.connect(self.changed)
        self.run.chosen.connect(self.changed)

    def sides(self) -> Sides:
        """Give what is chosen.

        Raises
        ------
        CellsError
            If something is missing; the message says what to do.
        """
        question = self.question.get()
        if question == "matrix":
            return Sides(question, self.b.choice())
        if question == "run":
            run = self.run.path()
            if run is None:
                raise CellsError("Train a model, or open the folder of a run.")
            if not run.exists():
                raise CellsError(f"There is no run at {run} any more; choose another one.")
            return Sides(question, _choice(self.b, "b"), run)
        a, b = _choice(self.a, "a"), _choice(self.b, "b")
        if not self.a.from_model.isChecked() and pixels_of(a) == pixels_of(b):
            raise CellsError(SAME)
        return Sides(question, b, a)

    def disconnect_all(self) -> None:
        """Hear no more of layers and models."""
        for part in (self.a, self.b, self.run):
            part.disconnect_all()

    def _ask(self) -> None:
        self._show_question()
        self.changed.emit()

    def _show_question(self) -> None:
        question = self.question.get()
        self._meaning.setText(MEANINGS[question])
        self._a_group.setVisible(question == "sides")
        self._run_group.setVisible(question == "run")
        self._b_group.setTitle("Cells" if question == "matrix" else REFERENCE)
        self.b.offer_models(question == "sides")


def _group(title: str, widget: QWidget) -> QGroupBox:
    group = QGroupBox(title)
    QVBoxLayout(group).addWidget(widget)
    return group


def _choice(box: CellsBox, side: str) -> CellsChoice:
    """Give what is chosen; what is missing is told with the name of the side."""
    try:
        return box.choice()
    except CellsError as error:
        raise CellsError(f"{side}: {error}") from None
