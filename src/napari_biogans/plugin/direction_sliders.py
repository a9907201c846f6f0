"""Sliders that move a latent along directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_biogans.latent import Direction
from napari_biogans.plugin.offering import offer
from napari_biogans.plugin.setting_editors import ignore_wheel
from napari_biogans.plugin.status_line import StatusLine

FARTHEST = 3.0
"""Standard deviations to either side."""
PER_SIGMA = 20
"""Steps of a slider."""
LETTERS = 14
"""Of a name that there is room for."""
RESET_TIP = "All sliders to the middle: back to the cell that was started from"
IN_THE_MIDDLE = "All sliders are in the middle."
WIDEST, MARGIN = "+0.00 σ", 16
"""Text beside a slider, and pixels around it, which napari's style needs."""


class DirectionSliders(QWidget):
    """A slider for each direction, all in the middle for the cell that was started from."""

    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._of_parts: dict[str, list[Direction]] = {}
        self._directions: list[Direction] = []
        self._problem = ""
        self.sliders: list[QSlider] = []
        self._values: list[QLabel] = []
        self.notice = StatusLine()
        self.reset = QPushButton("Reset")
        self._rows = QWidget()
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        below = QHBoxLayout()
        below.addStretch()
        below.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.notice)
        layout.addWidget(self._rows)
        layout.addLayout(below)
        self.reset.clicked.connect(self._reset)
        self.disable("")

    @property
    def names(self) -> list[str]:
        """Of the directions."""
        return [direction.name for direction in self._directions]

    def forget(self) -> None:
        """Have no directions, as for another model."""
        self._of_parts = {}
        self._rebuild()

    def offer(self, part: str, directions: Sequence[Direction]) -> None:
        """Have sliders for these directions, in place of others of this part; the others keep their places."""
        self._of_parts[part] = list(directions)
        self._rebuild()

    def add(self, part: str, direction: Direction) -> None:
        """Have a slider for one more direction, in place of one of the same name."""
        others = [each for each in self._of_parts.get(part, []) if each.name != direction.name]
        self.offer(part, [*others, direction])

    def disable(self, problem: str) -> None:
        """Keep the sliders from being moved, for a reason; an empty one lets them."""
        self._problem = problem
        for slider, direction in zip(self.sliders, self._directions, strict=True):
            offer(slider, problem, _tip(direction))
        self._update()

    def say(self, text: str) -> None:
        """Show what goes on with the directions."""
        self.notice.say(text)
        self.notice.setVisible(bool(text))

    def centre(self) -> None:
        """Move all sliders to the middle, and tell nobody."""
        for slider in self.sliders:
            slider.blockSignals(True)
            slider.setValue(0)
            slider.blockSignals(False)
        self._update()

    def offset(self, size: int) -> NDArray[np.float32]:
        """Give how far the latent is from the one that was started from, (Z,)."""
        total = np.zeros(size, np.float32)
        for slider, direction in zip(self.sliders, self._directions, strict=True):
            total += slider.value() / PER_SIGMA * direction.vector
        return total

    def _rebuild(self) -> None:
        before = {each.name: slider.value() for each, slider in zip(self._directions, self.sliders, strict=True)}
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._directions = [direction for part in self._of_parts.values() for direction in part]
        self.sliders, self._values = [], []
        for row, direction in enumerate(self._directions):
            self._add_row(row, direction, before.get(direction.name, 0))
        self.disable(self._problem)

    def _add_row(self, row: int, direction: Direction, value: int) -> None:
        name, number = QLabel(), QLabel()
        width = name.fontMetrics().averageCharWidth() * LETTERS
        name.setText(name.fontMetrics().elidedText(direction.name, Qt.TextElideMode.ElideRight, width))
        number.setFixedWidth(number.fontMetrics().horizontalAdvance(WIDEST) + MARGIN)
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(round(-FARTHEST * PER_SIGMA), round(FARTHEST * PER_SIGMA))
        slider.setPageStep(PER_SIGMA // 2)
        slider.setValue(value)
        ignore_wheel(slider)
        name.setToolTip(_tip(direction))
        for column, widget in enumerate((name, slider, number)):
            self._grid.addWidget(widget, row, column)
        slider.valueChanged.connect(self._tell)
        self.sliders.append(slider)
        self._values.append(number)

    def _reset(self) -> None:
        self.centre()
        self.moved.emit()

    def _tell(self, value: int) -> None:
        self._update()
        self.moved.emit()

    def _update(self) -> None:
        for slider, number in zip(self.sliders, self._values, strict=True):
            number.setText(f"{slider.value() / PER_SIGMA:+.2f} σ" if slider.value() else "0 σ")
        in_the_middle = None if any(slider.value() for slider in self.sliders) else IN_THE_MIDDLE
        offer(self.reset, self._problem or in_the_middle, RESET_TIP)


def _tip(direction: Direction) -> str:
    text = f"{direction.name}, in standard deviations of what the model draws from, {-FARTHEST:g} to {FARTHEST:g} σ"
    return text if direction.explained is None else f"{text}.\nExplains {direction.explained:.0%}."
