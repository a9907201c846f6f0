"""How the way between key cells is drawn: how many frames, on which way, and which classes."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QWidget

from napari_biogans.plugin.class_list import ClassList
from napari_biogans.plugin.generation import ModelFacts
from napari_biogans.plugin.interpolation import PathRequest
from napari_biogans.plugin.key_cells import KeyCell
from napari_biogans.plugin.preferences import preferences
from napari_biogans.plugin.remembering import BackButton, Editors, remember
from napari_biogans.plugin.setting_editors import Choice, Switch, WholeNumber

MOST_FRAMES = 1000
FIRST_FRAMES = 60
FASTEST = 50
"""Frames per second; GIF films cannot be faster."""
FIRST_RATE = 15


class PathForm(QWidget):
    """The settings of a way between key cells."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames = WholeNumber(2, MOST_FRAMES)
        self.frames.set(FIRST_FRAMES)
        self.frames.setToolTip("In all, key cells among them")
        self.mode = Choice({"spherical": "spherical", "linear": "linear"})
        self.mode.setToolTip(
            "Spherical: along great circles, on which latents stay as long as those that the model draws from.\n"
            "Linear: straight, through shorter latents, whose cells are more average"
        )
        self.loop = Switch()
        self.loop.setText("back to the first")
        self.loop.setToolTip("The film can then be repeated without a jump")
        self.classes = ClassList()
        self.rate = WholeNumber(1, FASTEST)
        self.rate.set(FIRST_RATE)
        self.rate.setToolTip("Frames per second of films; in layers, each slice is a frame")
        self.length = QLabel()
        film = QWidget()
        in_film = QHBoxLayout(film)
        in_film.setContentsMargins(0, 0, 0, 0)
        in_film.addWidget(self.rate)
        in_film.addWidget(self.length)
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for label, field in (
            ("Frames", self.frames),
            ("Way", self.mode),
            ("Loop", self.loop),
            ("Classes", self.classes),
            ("Film", film),
        ):
            self._rows.addRow(label, field)
        for editor in (self.frames, self.mode, self.loop, self.classes, self.rate):
            editor.edited.connect(self._follow)
        self.show_model(None)
        names = ("frames", "mode", "loop", "rate")
        memory = remember(Editors({name: getattr(self, name) for name in names}, self), "interpolate")
        self._rows.addRow(BackButton(memory))

    def show_model(self, facts: ModelFacts | None) -> None:
        """Offer the classes of a model, if it has several."""
        several = facts is not None and len(facts.class_names) > 1
        self._rows.setRowVisible(self.classes, several)
        if facts is not None and several:
            self.classes.offer(facts.class_names)
        self._follow()

    def problem(self, cells: int) -> str | None:
        """Tell what keeps a way between so many key cells from being drawn; None if nothing does."""
        if self.frames.get() < cells:
            return f"{cells} key cells need {cells} frames at least."
        return "Choose a class." if self._asks_for_classes() and not self.classes.chosen() else None

    def request(self, path: Path, cells: tuple[KeyCell, ...]) -> PathRequest:
        """Say what is wanted.

        Parameters
        ----------
        path : pathlib.Path
            Of the model.
        cells : tuple of KeyCell
            In the order of the way.
        """
        return PathRequest(
            path=path,
            cells=cells,
            frames=self.frames.get(),
            mode=self.mode.get(),
            loop=self.loop.get(),
            classes=self.classes.chosen() if self._asks_for_classes() else None,
            frames_per_second=self.rate.get(),
            device=preferences().device,
        )

    def _asks_for_classes(self) -> bool:
        return self._rows.isRowVisible(self.classes)

    def _follow(self) -> None:
        self.length.setText(f"frames/s, {self.frames.get() / self.rate.get():.1f} s")
        self.edited.emit()
