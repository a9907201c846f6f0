"""Buttons with a single sign on them."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton

MARGIN = 12
"""Pixels beside the sign, which napari's style needs."""


def keep_narrow(button: QPushButton) -> None:
    """Make a button no wider than its sign needs."""
    button.setFixedWidth(button.fontMetrics().horizontalAdvance("…") + 2 * MARGIN)
