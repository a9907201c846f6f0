"""What to draw with a model: how many cells, from which seed, and how they are shown."""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QWidget

from napari_biogans.plugin.class_list import ClassList
from napari_biogans.plugin.generation import DrawRequest, ModelFacts
from napari_biogans.plugin.setting_editors import Choice, WholeNumber
from napari_biogans.plugin.truncation_box import TruncationBox

MOST_CELLS = 100_000
FIRST_NUMBER = 64
SEEDS = 2**31
NEW_SEEDS = 1_000_000
"""New seeds are below this: short enough to be noted down."""
NOT_SEPARABLE = "This model draws red and green together, so that red cannot be held; train a separable one."
ONE_RED = "All cells get the same red, and each a green of its own"
OWN_GREENS = "Greens vary for each class by itself, and reds stay. Else all get one green latent, as in training"
ONE_GREEN_LATENT = "This model has one green latent for all; star-shaped and independent-separable ones can vary each"


class DrawForm(QWidget):
    """The settings of a drawing."""

    edited = Signal()
    """Classes were chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: Path | None = None
        self.number = WholeNumber(1, MOST_CELLS)
        self.number.set(FIRST_NUMBER)
        self.seed = WholeNumber(0, SEEDS - 1)
        self.seed.setToolTip("The same seed draws the same cells")
        self.is_new = QCheckBox("new each time")
        self.is_new.setChecked(True)
        self.truncation = TruncationBox()
        self.one_red = QCheckBox("one red, many greens")
        self.classes = ClassList()
        self.own_greens = QCheckBox("a green latent for each class")
        self.weights = Choice({"averaged": "averaged", "last": "last"})
        self.weights.setToolTip("The moving average of the weights over the training, or those of its last step")
        self.shape = Choice({"stack": False, "contact sheet": True})
        self.shape.setToolTip("One cell per slice, or all beside each other")
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows.addRow("Cells", self.number)
        self._rows.addRow("Seed", _side_by_side(self.seed, self.is_new))
        self._rows.addRow("Truncation", self.truncation)
        self._rows.addRow("Classes", self.classes)
        self._rows.addRow("Red", self.one_red)
        self._rows.addRow("Green", self.own_greens)
        self._rows.addRow("Weights", self.weights)
        self._rows.addRow("Show as", self.shape)
        self.classes.edited.connect(self.edited)
        self.is_new.toggled.connect(self._update)
        self.show_model(None)

    @property
    def as_sheet(self) -> bool:
        """Whether a contact sheet is wanted."""
        return bool(self.shape.get())

    @property
    def problem(self) -> str | None:
        """What keeps cells from being drawn; None if nothing does."""
        return None if self.classes.chosen() or not self._rows.isRowVisible(self.classes) else "Choose a class."

    def show_model(self, facts: ModelFacts | None) -> None:
        """Offer what a model can do."""
        separable = facts is not None and facts.separable
        self.one_red.setEnabled(separable)
        self.one_red.setToolTip(ONE_RED if separable or facts is None else NOT_SEPARABLE)
        if facts is not None and not separable:
            self.one_red.setChecked(False)
        several = facts is not None and len(facts.class_names) > 1
        self._rows.setRowVisible(self.classes, several)
        self._rows.setRowVisible(self.own_greens, several)
        if facts is not None and several:
            self.classes.offer(facts.class_names)
            self.own_greens.setEnabled(facts.green_latent_per_class)
            self.own_greens.setToolTip(OWN_GREENS if facts.green_latent_per_class else ONE_GREEN_LATENT)
        if not several or not self.own_greens.isEnabled():
            self.own_greens.setChecked(False)
        both = facts is not None and len(facts.weights) > 1
        self._rows.setRowVisible(self.weights, both)
        if facts is not None and both and facts.path != self._model:
            self.weights.set(facts.weights[0])
        self._model = None if facts is None else facts.path
        self._update()

    def request(self, path: Path) -> DrawRequest:
        """Say what is wanted; a new seed is drawn, and shown, if it is to be new.

        Parameters
        ----------
        path : pathlib.Path
            Of the model.
        """
        if self.is_new.isChecked():
            self.seed.set(SystemRandom().randrange(NEW_SEEDS))
        return DrawRequest(
            path=path,
            number=self.number.get(),
            seed=self.seed.get(),
            truncation=self.truncation.get(),
            one_red=self.one_red.isChecked(),
            classes=self.classes.chosen() if self._rows.isRowVisible(self.classes) else None,
            own_greens=self.own_greens.isChecked(),
            weights=self.weights.get() if self._rows.isRowVisible(self.weights) else None,
        )

    def _update(self) -> None:
        self.seed.setEnabled(not self.is_new.isChecked())


def _side_by_side(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return row
