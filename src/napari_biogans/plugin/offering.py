"""Buttons, and whatever else is pressed or moved, that say why they cannot be."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget


def offer(widget: QWidget, problem: str | None, tip: str) -> None:
    """Let a widget be used, or say in its tooltip why not.

    Parameters
    ----------
    widget : QWidget
    problem : str or None
        What keeps it from being used; None or empty if nothing does.
    tip : str
        Its tooltip while it can be used.
    """
    widget.setEnabled(not problem)
    widget.setToolTip(problem or tip)
