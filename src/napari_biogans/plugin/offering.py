"""Buttons, and whatever else is pressed or moved, that say why they cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from qtpy.QtWidgets import QWidget

NOTHING_RUNS = "Nothing is under way that could be stopped."
STOPPING = "It is being stopped already."
PROBLEM = "problem"
"""Property of a widget in which `offer` notes why it cannot be used."""


class Stoppable(Protocol):
    """Work that may be under way."""

    @property
    def is_running(self) -> bool:
        """Whether it is."""

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to end."""


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
    widget.setProperty(PROBLEM, problem or "")


def offer_stop(button: QWidget, works: Iterable[Stoppable], tip: str, nothing_runs: str = NOTHING_RUNS) -> None:
    """Let work be stopped while there is some that was not yet.

    Parameters
    ----------
    button : QWidget
    works : iterable of Stoppable
    tip : str
        Of the button while it can be pressed.
    nothing_runs : str
        Its tooltip while no work is under way.
    """
    running = [work for work in works if work.is_running]
    problem = STOPPING if all(work.is_stopping for work in running) else None
    offer(button, problem if running else nothing_runs, tip)
