"""A line that tells how long a test will take, measured while the form is filled in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.score_work import Forecast, OpenedSides, Sides, forecast

if TYPE_CHECKING:
    from napari_biogans.evaluation import C2STConfig

WAIT_MS = 700
"""After the last edit."""
MEASURING = "measuring a few steps …"
UNKNOWN = "–"


class TimeLine(QLabel):
    """Measures a few steps in another thread, a while after the last change, and shows what all of them will take."""

    found_problem = Signal(str)
    """Why the test cannot be carried out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(UNKNOWN, parent)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setToolTip("Estimated from a few steps that were measured on this machine")
        self._work = LatestWork(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._asked: tuple[Sides, C2STConfig] | None = None
        self._opened: OpenedSides | None = None
        self._timer.timeout.connect(self._begin)
        self._work.returned.connect(self._show)
        self._work.failed.connect(self._forget)

    def ask(self, sides: Sides, config: C2STConfig) -> None:
        """Tell soon how long a test will take.

        Parameters
        ----------
        sides : Sides
            They are not read again if they are those that were asked for last.
        config : C2STConfig
        """
        self._work.abandon()
        if self._asked is None or self._asked[0].key != sides.key:
            self._opened = None
        self._asked = (sides, config)
        self.setText(MEASURING)
        self._timer.start()

    def forget(self) -> None:
        """Measure nothing, and tell nothing."""
        self._timer.stop()
        self._work.abandon()
        self._asked = self._opened = None
        self.setText(UNKNOWN)

    def pause(self) -> None:
        """Measure nothing now, as it would hold up a test; what is told stays."""
        self._timer.stop()
        self._work.abandon()
        if self.text() == MEASURING:
            self.setText(UNKNOWN)

    def _begin(self) -> None:
        if self._asked is not None:
            sides, config = self._asked
            self._work.begin("measuring how long a test takes", partial(forecast, sides, self._opened, config))

    def _show(self, found: Forecast) -> None:
        self._opened = found.opened
        self.setText(found.time_text or UNKNOWN)
        if found.problem is not None:
            self.found_problem.emit(found.problem)

    def _forget(self, error: Exception) -> None:
        self.setText(UNKNOWN)
