"""What the dock Explore shows: a model, where to start from, sliders, and cells to keep.

This imports torch, which takes seconds: import it when that is done.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QFormLayout, QGroupBox, QVBoxLayout, QWidget

from napari_biogans.latent import Direction
from napari_biogans.plugin import session
from napari_biogans.plugin.direction_sliders import DirectionSliders
from napari_biogans.plugin.draw_form import NOT_SEPARABLE
from napari_biogans.plugin.exploring import Explored, Look, find_directions, find_feature, open_model
from napari_biogans.plugin.feature_box import FeatureBox
from napari_biogans.plugin.generation import ModelFacts
from napari_biogans.plugin.image_layers import ImageLayers
from napari_biogans.plugin.kept_cells_box import KeptCellsBox
from napari_biogans.plugin.key_cells import KeyCell, KeyCellError, latents_of, of_model
from napari_biogans.plugin.key_sources import NO_CELLS_IN_LAYER, KeySources
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.live_picture import LivePicture
from napari_biogans.plugin.model_group import NO_MODEL, ModelGroup
from napari_biogans.plugin.panel_layout import lay_out_panel
from napari_biogans.plugin.preferences import preferences
from napari_biogans.plugin.setting_editors import Choice
from napari_biogans.plugin.start_box import NO_CELL, StartBox
from napari_biogans.plugin.status_line import StatusLine

ALL_CLASSES = "all classes"
FOUND = "found"
FINDING = "Finding the directions along which the images change most …"
NOT_SEEN = "No cell of the selected layer is seen by itself: draw a stack, or move the slider below the picture."
FINDING_FEATURE = "A direction is being found already."


class ExplorePanel(QWidget):
    """Shows a cell that follows the sliders.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._explored: Explored | None = None
        self._start: NDArray[np.float32] | None = None
        self._waiting: KeyCell | None = None
        self.picture = LivePicture(viewer, self)
        self._image_layers = ImageLayers(viewer, self)
        self._sources = KeySources(viewer, self)
        self.model = ModelGroup()
        self.start = StartBox()
        self.classes = Choice({ALL_CLASSES: None})
        self.sliders = DirectionSliders()
        self.kept = KeptCellsBox(self._sources)
        self.feature = FeatureBox(self._image_layers)
        self.status = StatusLine()
        self._opening = LatestWork(self)
        self._finding, self._measuring = LatestWork(self, is_long=True), LatestWork(self, is_long=True)
        self._lay_out()
        self._connect()
        self._open(self.model.facts)

    def close_down(self) -> None:
        """Stop what goes on, and leave the viewer alone."""
        for work in (self._opening, self._finding, self._measuring):
            work.abandon()
        self.picture.stop()
        self._image_layers.disconnect_all()
        self._sources.disconnect_all()
        self.model.close_down()

    def _lay_out(self) -> None:
        inputs = QWidget()
        groups = QVBoxLayout(inputs)
        groups.setContentsMargins(0, 0, 0, 0)
        class_row = QWidget()
        self._rows = QFormLayout(class_row)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows.addRow("Class", self.classes)
        self.classes.setToolTip("The class whose green is shown, or all of them as layers")
        groups.addWidget(self.model)
        for title, widgets in (
            ("Cell", (self.start, class_row)),
            ("Directions", (self.sliders,)),
            ("Kept cells", (self.kept,)),
            ("Find a direction", (self.feature,)),
        ):
            group = QGroupBox(title)
            box = QVBoxLayout(group)
            for widget in widgets:
                box.addWidget(widget)
            groups.addWidget(group)
        groups.addStretch()
        lay_out_panel(self, inputs, (self.status,), (), main=self.start.cell)

    def _connect(self) -> None:
        self.model.looked.connect(self._open)
        self.start.cell.clicked.connect(partial(self._draw_part, slice(None)))
        self.start.red.clicked.connect(self._draw_red)
        self.start.green.clicked.connect(self._draw_green)
        self.start.layer.clicked.connect(self._take_from_layer)
        self.classes.edited.connect(self._ask)
        self.sliders.moved.connect(self._ask)
        self.kept.asked.connect(self._keep)
        self.kept.chosen.connect(self._start_from_cell)
        self.feature.asked.connect(self._find_feature)
        self.feature.lost.connect(self.status.say)
        self._opening.returned.connect(self._note_opened)
        self._finding.yielded.connect(self._offer_directions)
        self._finding.returned.connect(self._note_directions)
        self._measuring.returned.connect(self._add_direction)
        for work in (self._opening, self.picture, self._finding, self._measuring):
            work.failed.connect(self._fail)
        self._sources.changed.connect(self._update)

    # The model

    def _open(self, facts: ModelFacts | None) -> None:
        if self._measuring.is_running:
            self.status.say("")
        for work in (self._opening, self._finding, self._measuring):
            work.abandon()
        self.picture.stop()
        if self._waiting is not None and self._waiting.model != self.model.box.path():
            self._waiting = None
        if facts is None or (self._explored is not None and self._explored.facts.path != facts.path):
            self._explored = self._start = None
            self.sliders.forget()
        self.sliders.say("")
        if facts is not None:
            self._opening.begin(f"opening {facts.path}", partial(open_model, facts, preferences().device))
        self._update()

    def _note_opened(self, explored: Explored) -> None:
        latent, is_another = self.latent(), self._explored is None
        self._explored = explored
        names = explored.facts.class_names
        several = {} if len(names) == 1 else {ALL_CLASSES: None}
        classes = {**several, **{name: name for name in names}}
        self.classes.offer(classes)
        if is_another:
            self.classes.set(next(iter(classes.values())))
        self._rows.setRowVisible(self.classes, bool(several))
        self.picture.stop()
        self.sliders.say(FINDING)
        self._finding.begin("finding directions", partial(find_directions, explored))
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._start_from_cell(waiting)
        elif latent is not None and latent.shape == (explored.model.latent_size,):
            self._begin(latent)  # the same cell, by what the model has learned since
        self._update()

    # Directions

    def _offer_directions(self, found: tuple[str, list[Direction]]) -> None:
        self._hold()
        self.sliders.offer(*found)
        self._update()

    def _note_directions(self, nothing: None) -> None:
        self.sliders.say("")

    def _find_feature(self) -> None:
        if self._explored is None:
            return
        work = partial(
            find_feature, self._explored, self.feature.latents(), self.feature.feature.get(), self._classes()[0]
        )
        self._measuring.begin("finding a direction", work)
        self.status.say(f"Measuring {self.feature.feature.get()} …")
        self._update()

    def _add_direction(self, direction: Direction | None) -> None:
        self._update()
        if direction is not None:
            self.sliders.add(FOUND, direction)
            self.status.say(f"Added {direction.name}, foretold to {direction.explained:.0%} of its variance.")
            self._update()

    # The cell

    def latent(self) -> NDArray[np.float32] | None:
        """Give the latent that the sliders stand for."""
        return None if self._start is None else self._start + self.sliders.offset(len(self._start))

    def _hold(self) -> None:
        """Start from where the sliders are."""
        self._start = self.latent()
        self.sliders.centre()

    def _begin(self, latent: NDArray[np.float32]) -> None:
        self._start = latent
        self.sliders.centre()
        self._ask()
        self._update()

    def _draw_part(self, numbers: slice) -> None:
        if self._explored is None:
            return
        (drawn,) = self._explored.model.draw_latents(1, truncation=self.start.truncation.get())
        latent = self.latent()
        if latent is None:
            latent = drawn
        latent[numbers] = drawn[numbers]
        self._begin(latent)

    def _draw_red(self) -> None:
        if self._explored is not None:
            self._draw_part(slice(None, self._explored.model.red_latent_size))

    def _draw_green(self) -> None:
        if self._explored is not None:
            self._draw_part(slice(self._explored.model.red_latent_size, None))

    def _take_from_layer(self) -> None:
        cell = self._sources.in_slice()
        if cell is None:
            self.status.say(NOT_SEEN)
        else:
            self._start_from_cell(cell)

    def _start_from_cell(self, cell: KeyCell) -> None:
        if self._explored is None or not of_model([cell], self._explored.facts.path):
            self._waiting = cell
            self.model.box.add(cell.model)
            return
        try:
            (latent,) = latents_of([cell], self._explored.model.latent_size)
        except KeyCellError as error:
            self.status.say(str(error))
            return
        if self.classes.get() is not None and cell.class_name in self._explored.facts.class_names:
            self.classes.blockSignals(True)
            self.classes.set(cell.class_name)
            self.classes.blockSignals(False)
        self._begin(latent)
        self.status.say(f"Started from {cell.name}.")

    def _keep(self, name: str) -> None:
        latent = self.latent()
        if latent is not None and self._explored is not None:
            classes = self._classes()
            class_name = classes[0] if len(classes) == 1 else None
            session.SESSION.keep(KeyCell(name, latent, self._explored.facts.path, class_name))
            self.status.say(f"Kept {name}.")

    # The picture

    def _classes(self) -> tuple[str, ...]:
        if self._explored is None:
            return ()
        chosen = self.classes.get()
        return self._explored.facts.class_names if chosen is None else (chosen,)

    def _ask(self) -> None:
        latent = self.latent()
        if self._explored is not None and latent is not None:
            self.picture.ask(self._explored, Look(latent, self._classes()))

    # What can be done

    def _fail(self, error: Exception) -> None:
        if not self._opening.is_running:
            self._waiting = None
        self.status.say(str(error) or type(error).__name__)
        if not self._finding.is_running:
            self.sliders.say("")
        self._update()

    def _update(self, event: Any = None) -> None:
        problem = "" if self._explored is not None else NO_MODEL
        no_cell = problem or ("" if self._start is not None else NO_CELL)
        whole = self._explored is not None and not self._explored.facts.separable
        layer_problem = "" if self._sources.layer_has_cells else NO_CELLS_IN_LAYER
        self.start.update_buttons(problem, NOT_SEPARABLE if whole else no_cell, layer_problem)
        self.sliders.disable(no_cell)
        self.kept.offer(no_cell)
        self.feature.disable(problem or (FINDING_FEATURE if self._measuring.is_running else ""))
