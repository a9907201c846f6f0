"""A plot of losses that grows while a model is trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pyqtgraph
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_biogans.plugin.loss_history import LossHistory

if TYPE_CHECKING:
    from napari_biogans.training import Metrics

CURVES = {"critic": "#4a9ced", "generator": "#ef8a2e"}
"""Names and colours, to be told apart on dark and on light."""
MOST_POINTS = 1000
"""Of a curve; a dock is a few hundred pixels wide."""
GRID_OPACITY = 0.15
SPACES = "&nbsp;" * 4
HEIGHT = 200
AXIS_HEIGHT = 44
"""Of numbers and label, whose descenders are cut off otherwise."""


class LossPlot(QWidget):
    """The critic's and the generator's loss by generator step.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose theme is followed.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.history = LossHistory(len(CURVES))
        self.plot = pyqtgraph.PlotWidget(enableMenu=False)
        self.plot.setLabel("bottom", "generator step")
        self.plot.setLabel("left", "loss")
        self.plot.getAxis("bottom").setHeight(AXIS_HEIGHT)
        self.plot.showGrid(x=True, y=True, alpha=GRID_OPACITY)
        self.curves = [self.plot.plot(pen=pyqtgraph.mkPen(colour, width=1.5)) for colour in CURVES.values()]
        # Above the plot, where it covers no curve.
        self.legend = QLabel(SPACES.join(f"<font color='{colour}'>■</font> {name}" for name, colour in CURVES.items()))
        self.legend.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFixedHeight(HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.legend)
        layout.addWidget(self.plot)
        viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()

    def append(self, metrics: Iterable[Metrics]) -> None:
        """Add points at the end of the curves."""
        rows = list(metrics)
        for row in rows:
            self.history.append(row.step, row.critic_loss, row.generator_loss)
        if rows:
            self._draw()

    def clear(self) -> None:
        """Take all points away, and follow the curves again if the plot was zoomed."""
        self.history.clear()
        self._draw()
        self.plot.enableAutoRange()

    def disconnect_all(self) -> None:
        """Stop following the viewer."""
        self._viewer.events.theme.disconnect(self._follow_theme)

    def _draw(self) -> None:
        for number, curve in enumerate(self.curves):
            curve.setData(*self.history.curve(number, MOST_POINTS))

    def _follow_theme(self, event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        background, foreground = theme.background.as_hex("long"), theme.text.as_hex("long")
        self.plot.setBackground(background)
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.setPen(foreground)
            axis.setTextPen(foreground)
