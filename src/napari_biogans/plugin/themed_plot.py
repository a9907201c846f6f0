"""Plots in the colours of napari's theme."""

from __future__ import annotations

import pyqtgraph
from napari.utils.theme import get_theme

GRID_OPACITY = 0.15
MARGIN = 6
"""Pixels below the label of an axis, which lies a little outside of it; its descenders are cut off otherwise."""


def make_plot(bottom: str, left: str) -> pyqtgraph.PlotWidget:
    """Make a plot without menus.

    Parameters
    ----------
    bottom, left : str
        What the axes show.
    """
    plot = pyqtgraph.PlotWidget(enableMenu=False)
    plot.setLabel("bottom", bottom)
    plot.setLabel("left", left)
    plot.plotItem.setContentsMargins(0, 0, 0, MARGIN)
    plot.showGrid(x=True, y=True, alpha=GRID_OPACITY)
    return plot


def paint(plot: pyqtgraph.PlotWidget, theme_name: str) -> str:
    """Give a plot the colours of a theme.

    Parameters
    ----------
    plot : pyqtgraph.PlotWidget
    theme_name : str

    Returns
    -------
    str
        The colour of its axes.
    """
    theme = get_theme(theme_name)
    foreground: str = theme.text.as_hex("long")
    plot.setBackground(theme.background.as_hex("long"))
    for side in ("bottom", "left"):
        axis = plot.getAxis(side)
        axis.setPen(foreground)
        axis.setTextPen(foreground)
    return foreground
