"""A histogram of the errors of rebuilt cells, and where one cell stands among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_biogans.plugin.class_colours import OKABE_ITO
from napari_biogans.plugin.rebuilt_cells import FEWEST, standing
from napari_biogans.plugin.themed_plot import make_plot, paint

BARS, LINE = OKABE_ITO[1], OKABE_ITO[6]
MOST_BARS = 30
HEIGHT = 115
OTHERS = 100
"""Cells that are rebuilt to compare with."""
OTHERS_TIP = f"Rebuild up to {OTHERS} other cells of these layers, at random, to compare with"


class ErrorPlot(QWidget):
    """The errors of all cells that were rebuilt, a line at one of them, and words for it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose theme is followed.
    """

    others_asked = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.plot = make_plot("RMSE, part of the intensity range", "cells")
        self.plot.setFixedHeight(HEIGHT)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.getAxis("bottom").enableAutoSIPrefix(False)
        self.bars = pyqtgraph.BarGraphItem(x0=[], x1=[], height=[], brush=BARS, pen=None)
        self.plot.addItem(self.bars)
        self.line = self.plot.addLine(x=0, pen=pyqtgraph.mkPen(LINE, width=3))
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.others = QPushButton(f"Rebuild {OTHERS} others")
        self.others.setToolTip(OTHERS_TIP)
        below = QHBoxLayout()
        below.addWidget(self.text, 1)
        below.addWidget(self.others)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.plot)
        layout.addLayout(below)
        self.others.clicked.connect(self.others_asked)
        viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()

    def show_errors(self, errors: NDArray[np.float64], number: int | None) -> None:
        """Show where a cell stands.

        Parameters
        ----------
        errors : array (N,)
            Of all cells.
        number : int, optional
            Of the cell, among them.
        """
        enough = len(errors) >= FEWEST
        self.plot.setVisible(enough)
        self.others.setVisible(not enough)
        self.text.setText(standing(errors, number))
        if enough:
            edges = np.histogram_bin_edges(errors, min(MOST_BARS, max(FEWEST, round(2 * len(errors) ** 0.5))))
            counts, _ = np.histogram(errors, edges)
            self.bars.setOpts(x0=edges[:-1], x1=edges[1:], height=counts)
        self.line.setVisible(number is not None)
        if number is not None:
            self.line.setValue(errors[number])

    def disconnect_all(self) -> None:
        """Stop following the viewer."""
        self._viewer.events.theme.disconnect(self._follow_theme)

    def _follow_theme(self, event: Any = None) -> None:
        paint(self.plot, self._viewer.theme)
