"""What to draw with a model: how many cells, from which seed, and how they are shown."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QLabel, QWidget

from napari_biogans.plugin.class_list import ClassList
from napari_biogans.plugin.generation import DrawRequest, ModelFacts, new_seed
from napari_biogans.plugin.key_cells import KeyCell, of_model, refusal
from napari_biogans.plugin.key_sources import NO_CELLS_IN_LAYER, NO_KEPT_CELLS, KeySources
from napari_biogans.plugin.model_group import NO_MODEL
from napari_biogans.plugin.offering import offer
from napari_biogans.plugin.preferences import preferences
from napari_biogans.plugin.remembering import BackButton, Editors, remember
from napari_biogans.plugin.setting_editors import Choice, Switch, WholeNumber
from napari_biogans.plugin.truncation_box import TruncationBox

MOST_CELLS = 100_000
FIRST_NUMBER = 64
SEEDS = 2**31
NOT_SEPARABLE = "This model draws red and green together, so that red cannot be held; train a separable one."
ONE_RED = "All cells get the same red, and each a green of its own"
NUMBER_TIP = "How many cells are drawn of each class; or greens for each of the known cells"
GREENS_PER_RED = "Keep the red of each cell, and draw so many new greens for it"
RANDOM, KEPT, OF_LAYER = "random", "kept", "layer"
SOURCES = {"random": RANDOM, "kept cells": KEPT, "cells of the selected layer": OF_LAYER}
NONE_THERE = {KEPT: NO_KEPT_CELLS, OF_LAYER: NO_CELLS_IN_LAYER}
SOURCE_LETTERS = 12
"""Width of the box at least, in letters; it grows with the dock."""
OWN_GREENS = "Greens vary for each class by itself, and reds stay. Else all get one green latent, as in training"
ONE_GREEN_LATENT = "This model has one green latent for all; star-shaped and independent-separable ones can vary each."


class DrawForm(QWidget):
    """The settings of a drawing.

    Parameters
    ----------
    sources : KeySources
        Of cells that can be drawn again.
    """

    edited = Signal()
    """What is wrong may have changed."""

    def __init__(self, sources: KeySources, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sources = sources
        self._offered: tuple[KeyCell, ...] = ()
        self._taken: tuple[KeyCell, ...] = ()
        self._model: Path | None = None
        self._refusal: str | None = None
        self.latents = Choice(SOURCES)
        self.latents.setMinimumContentsLength(SOURCE_LETTERS)
        self.latents.setToolTip(
            "New cells; or again those that were kept, or that the selected layer shows, in the classes chosen here"
        )
        self.number = WholeNumber(1, MOST_CELLS)
        self.number.set(FIRST_NUMBER)
        self.number.setToolTip(NUMBER_TIP)
        self.seed = WholeNumber(0, SEEDS - 1)
        self.seed.setToolTip("The same seed draws the same cells")
        self.is_new = Switch()
        self.is_new.setText("new each time")
        self.is_new.setChecked(True)
        self.is_new.setToolTip("Draw other cells each time; the seed of those that were drawn last is shown")
        self.truncation = TruncationBox()
        self.one_red = Switch()
        self.one_red.setText("one red, many greens")
        self.classes = ClassList()
        self.own_greens = QCheckBox("a green latent for each class")
        self.own_greens.setToolTip(OWN_GREENS)
        self.weights = Choice({"averaged": "averaged", "last": "last"})
        self.weights.setToolTip("The moving average of the weights over the training, or those of its last step")
        self.shape = Choice({"stack": False, "contact sheet": True})
        self.shape.setToolTip("One cell per slice, or all beside each other")
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._number_label = QLabel("Cells")
        self._seed_row = _side_by_side(self.seed, self.is_new)
        self._rows.addRow("Latents", self.latents)
        self._rows.addRow(self._number_label, self.number)
        self._rows.addRow("Seed", self._seed_row)
        self._rows.addRow("Truncation", self.truncation)
        self._rows.addRow("Classes", self.classes)
        self._rows.addRow("Red", self.one_red)
        self._rows.addRow("Green", self.own_greens)
        self._rows.addRow("Weights", self.weights)
        self._rows.addRow("Show as", self.shape)
        self.classes.edited.connect(self.edited)
        self.latents.edited.connect(self._follow)
        self.one_red.toggled.connect(self._follow)
        self.number.edited.connect(self._follow_number)
        sources.changed.connect(self._follow_sources)
        self.is_new.toggled.connect(self._update)
        self.show_model(None)
        names = ("number", "seed", "is_new", "truncation", "one_red", "shape")
        memory = remember(Editors({name: getattr(self, name) for name in names}, self), "generate")
        self._rows.addRow(BackButton(memory))

    @property
    def as_sheet(self) -> bool:
        """Whether a contact sheet is wanted."""
        return bool(self.shape.get())

    @property
    def problem(self) -> str | None:
        """What keeps cells from being drawn; None if nothing does."""
        if self._rows.isRowVisible(self.classes) and not self.classes.chosen():
            return "Choose a class."
        source = self.latents.get()
        if source == RANDOM or self._model is None:
            return None
        if not self._offered:
            return NONE_THERE[source]
        if not self._taken:
            return refusal(self._offered)
        if self.one_red.isChecked() and len(self._taken) * self.number.get() > MOST_CELLS:
            return f"{MOST_CELLS:,} cells can be drawn at once, not {len(self._taken):,} times {self.number.get():,}."
        return None

    @property
    def left_out(self) -> str:
        """Which of the known cells are not drawn; empty if all are."""
        taken = set(self._taken)
        others = [cell for cell in self._offered if cell not in taken]
        return refusal(others) if others else ""

    def show_model(self, facts: ModelFacts | None) -> None:
        """Offer what a model can do."""
        separable = facts is not None and facts.separable
        self._refusal = None if separable else NO_MODEL if facts is None else NOT_SEPARABLE
        if facts is not None and not separable:
            self.one_red.setChecked(False)
        several = facts is not None and len(facts.class_names) > 1
        self._rows.setRowVisible(self.classes, several)
        if facts is not None and several:
            self.classes.offer(facts.class_names)
            offer(self.own_greens, None if facts.green_latent_per_class else ONE_GREEN_LATENT, OWN_GREENS)
        if not several or not self.own_greens.isEnabled():
            self.own_greens.setChecked(False)
        both = facts is not None and len(facts.weights) > 1
        self._rows.setRowVisible(self.weights, both)
        if facts is not None and both and facts.path != self._model:
            self.weights.set(facts.weights[0])
        self._model = None if facts is None else facts.path
        self._gather()
        self._update()

    def request(self, path: Path) -> DrawRequest:
        """Say what is wanted; a new seed is drawn, and shown, if it is to be new.

        Parameters
        ----------
        path : pathlib.Path
            Of the model.
        """
        self._gather()
        if self.is_new.isChecked():
            self.seed.set(new_seed())
        return DrawRequest(
            path=path,
            number=self.number.get(),
            seed=self.seed.get(),
            truncation=self.truncation.get(),
            one_red=self.one_red.isChecked(),
            cells=self._taken,
            classes=self.classes.chosen() if self._rows.isRowVisible(self.classes) else None,
            own_greens=self.own_greens.isChecked() and self._rows.isRowVisible(self.own_greens),
            weights=self.weights.get() if self._rows.isRowVisible(self.weights) else None,
            device=preferences().device,
        )

    def _gather(self) -> None:
        source = self.latents.get()
        from_where = {RANDOM: tuple, KEPT: self._sources.kept, OF_LAYER: self._sources.of_layer}
        self._offered = from_where[source]()
        self._taken = () if self._model is None else of_model(self._offered, self._model)

    def _follow(self) -> None:
        self._gather()
        self._update()
        self.edited.emit()

    def _follow_number(self) -> None:
        if self.latents.get() != RANDOM:
            self.edited.emit()

    def _follow_sources(self) -> None:
        # Layers are selected while something else goes on; what does not matter here is passed over.
        before = self.problem
        self._gather()
        if self.problem != before:
            self.edited.emit()

    def _update(self) -> None:
        known = self.latents.get() != RANDOM
        needs_numbers = not known or self.one_red.isChecked()
        for row in (self.number, self._seed_row, self.truncation):
            self._rows.setRowVisible(row, needs_numbers)
        several = self._rows.isRowVisible(self.classes)
        self._rows.setRowVisible(self.own_greens, several and needs_numbers)
        self._number_label.setText("Greens" if known else "Cells")
        self.one_red.setText("many greens for each red" if known else "one red, many greens")
        offer(self.one_red, self._refusal, GREENS_PER_RED if known else ONE_RED)
        self.seed.setEnabled(not self.is_new.isChecked())


def _side_by_side(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return row
