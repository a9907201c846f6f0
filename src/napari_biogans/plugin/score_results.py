"""The results of a test: a table of scores, what they mean, and verdicts in words."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from napari_biogans.plugin.score_grid import ScoreGrid
from napari_biogans.plugin.score_table import ScoreTable
from napari_biogans.plugin.score_work import Verdicts

LEGEND = "Score ± spread over splits; in italics halves of the same cells. Click for the most telling cells."
TALLEST = 110
"""Pixels of the verdicts; more are scrolled to."""


class ScoreResults(QWidget):
    """Fills while a test runs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = ScoreTable()
        self._legend = QLabel(LEGEND)
        self.verdicts = QLabel()
        for label in (self._legend, self.verdicts):
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.verdicts.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.verdicts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self.verdicts)
        self._scroll.setFixedHeight(TALLEST)
        self._scroll.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.table, self._legend, self._scroll):
            layout.addWidget(widget)

    def clear(self) -> None:
        """Take the verdicts of the last test away."""
        self.verdicts.clear()
        self._scroll.hide()

    def show_grid(self, grid: ScoreGrid) -> None:
        """Show what is known so far."""
        self.table.show_grid(grid)

    def show_verdicts(self, verdicts: Verdicts) -> None:
        """Show what was found, in words too."""
        self.table.show_grid(verdicts.grid)
        self.verdicts.setText("\n".join(verdicts.sentences))
        self._scroll.setVisible(bool(verdicts.sentences))
