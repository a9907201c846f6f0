"""How the panels of larger docks are laid out: settings that scroll, buttons, and what is found below."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QLayout, QPushButton, QSpacerItem, QVBoxLayout, QWidget

from napari_biogans.plugin.accessible import MAIN
from napari_biogans.plugin.scrolling import WidthFittingScrollArea

WIDTH = 330
"""Pixels at least: as many as the settings of a training need, whose names would be cut off else."""


def lay_out_panel(
    panel: QWidget,
    inputs: QWidget,
    below: Sequence[QWidget | QLayout],
    later: Sequence[QWidget],
    *,
    main: QPushButton | None = None,
) -> None:
    """Lay out a panel from top to bottom.

    Parameters
    ----------
    panel : QWidget
    inputs : QWidget
        Gets the room that is left, and scrolls.
    below : sequence of QWidget or QLayout
        Buttons, and what is said.
    later : sequence of QWidget
        Hidden until there is something to see, so that the inputs have more
        room.
    main : QPushButton, optional
        Begins what the panel is for; Ctrl+Enter presses it.
    """
    scroll = WidthFittingScrollArea()
    scroll.setWidget(inputs)
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addItem(QSpacerItem(WIDTH, 0))
    layout.addWidget(scroll, 1)
    for item in below:
        if isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)
    for widget in later:
        layout.addWidget(widget)
        widget.hide()
    if main is not None:
        main.setObjectName(MAIN)
