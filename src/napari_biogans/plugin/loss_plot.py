"""Plots that grow while a model is trained: of its losses, and of how much its greens vary."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from napari_biogans.plugin.class_colours import OKABE_ITO
from napari_biogans.plugin.loss_history import LossHistory
from napari_biogans.plugin.setting_editors import Choice
from napari_biogans.plugin.themed_plot import make_plot, paint

if TYPE_CHECKING:
    from napari_biogans.training import GreenSpread, Metrics

LOSSES, SPREAD = "losses", "green spread"
STEP = "generator step"
CURVES = {"critic": "#4a9ced", "generator": "#ef8a2e"}
"""Names and colours, to be told apart on dark and on light."""
SPREAD_COLOUR = OKABE_ITO[0]
SPREAD_MEANS = (
    "How much greens vary that are drawn for the same red, divided by how much those of real cells alike in red do; "
    "the mean over classes. Near 0, the same green is drawn each time (mode collapse); at 1, they vary as real ones do."
)
TIP_WIDTH = 80
"""Letters in a line of a tooltip."""
MOST_POINTS = 1000
"""Of a curve; a dock is a few hundred pixels wide."""
SPACES = "&nbsp;" * 4
HEIGHT = 200


class LossPlot(QWidget):
    """The critic's and the generator's loss by generator step, or the spread of greens where it is known.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose theme is followed.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.history = LossHistory(len(CURVES))
        self.spreads = LossHistory(1)
        self.plot = make_plot(STEP, "loss")
        self.curves = [self.plot.plot(pen=pyqtgraph.mkPen(colour, width=1.5)) for colour in CURVES.values()]
        self.spread_plot = make_plot(STEP, "drawn / real")
        # Points too, since there are few, and one alone makes no line.
        self.spread_curve = self.spread_plot.plot(
            pen=pyqtgraph.mkPen(SPREAD_COLOUR, width=1.5),
            symbol="o",
            symbolSize=4,
            symbolBrush=SPREAD_COLOUR,
            symbolPen=None,
        )
        # Always in sight: one green for each red, and greens as varied as real ones.
        self._collapsed, self._as_real = (self.spread_plot.addLine(y=ratio) for ratio in (0, 1))
        self.view = Choice({LOSSES: self.plot, SPREAD: self.spread_plot})
        self.view.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)  # leaves room for the legend
        self.view.setToolTip("What is plotted")
        # Above the plot, where it covers no curve.
        self.legend = QLabel()
        self.legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._plots = QStackedWidget()
        for plot in (self.plot, self.spread_plot):
            self._plots.addWidget(plot)
        self.setFixedHeight(HEIGHT)
        top = QHBoxLayout()
        top.addWidget(self.view)
        top.addWidget(self.legend, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self._plots)
        self.view.edited.connect(self._show_view)
        viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()
        self.clear()

    def append(self, metrics: Iterable[Metrics]) -> None:
        """Add points at the end of the curves of losses."""
        rows = list(metrics)
        for row in rows:
            self.history.append(row.step, row.critic_loss, row.generator_loss)
        if rows:
            self._draw()

    def append_spreads(self, spreads: Iterable[GreenSpread]) -> None:
        """Add points at the end of the curve of green spread, and offer to show it from the first one on."""
        for spread in spreads:
            known = [ratio for ratio in spread.ratio if np.isfinite(ratio)]
            if known:
                self.spreads.append(spread.step, float(np.mean(known)))
                by_class = ", ".join(
                    f"{name} {ratio:.2f}" for name, ratio in zip(spread.class_names, spread.ratio, strict=True)
                )
                lines = SPREAD_MEANS, f"Step {spread.step:,}: {by_class}"
                self.spread_plot.setToolTip("\n".join(fill(line, TIP_WIDTH) for line in lines))
                self.view.show()
        self._draw_spread()

    def clear(self) -> None:
        """Take all points away, show losses, and follow the curves again if a plot was zoomed."""
        self.history.clear()
        self.spreads.clear()
        self._draw()
        self._draw_spread()
        for plot in (self.plot, self.spread_plot):
            plot.enableAutoRange()
        # Until it is known that there is a spread to be shown.
        self.view.hide()
        self.view.set(self.plot)
        self._show_view()

    def disconnect_all(self) -> None:
        """Stop following the viewer."""
        self._viewer.events.theme.disconnect(self._follow_theme)

    def _draw(self) -> None:
        for number, curve in enumerate(self.curves):
            curve.setData(*self.history.curve(number, MOST_POINTS))

    def _draw_spread(self) -> None:
        self.spread_curve.setData(*self.spreads.curve(0, MOST_POINTS))

    def _show_view(self) -> None:
        plot = self.view.get()
        self._plots.setCurrentWidget(plot)
        curves = CURVES if plot is self.plot else {"drawn": SPREAD_COLOUR}
        keys = [f"<font color='{colour}'>■</font> {name}" for name, colour in curves.items()]
        self.legend.setText(SPACES.join(keys if plot is self.plot else [*keys, "┄ as real"]))

    def _follow_theme(self, event: Any = None) -> None:
        for plot in (self.plot, self.spread_plot):
            foreground = paint(plot, self._viewer.theme)
        self._collapsed.setPen(foreground)
        self._as_real.setPen(foreground, style=Qt.PenStyle.DashLine)
