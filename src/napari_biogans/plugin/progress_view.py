"""How far a training or a test is: a bar with words in the dock, and one in napari's activity list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils import progress
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from napari_biogans.cells.cut_events import CuttingProgress
    from napari_biogans.evaluation.events import CriticsTraining
    from napari_biogans.latent.complete import Drawing
    from napari_biogans.latent.reconstruct import Searching
    from napari_biogans.plugin.reports import Outcome, Report
    from napari_biogans.training import Preparing

# A Qt progress bar counts in 32 bits.
MOST_STEPS = 2**31 - 1
PARTS = 1000
"""Of the bar, where what goes on is told in parts of the whole."""
REFRESH_MS = 200
SLOW = 1.0
"""Steps per second below which the time of a step is told instead."""


class ProgressView(QWidget):
    """A bar, and steps, rate and time left as text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.text = QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addWidget(self.text)
        self.show_idle()

    def show_idle(self) -> None:
        """Show that nothing goes on."""
        self.bar.setRange(0, 1)
        self.bar.setValue(0)
        self.text.setText("")

    def show_busy(self) -> None:
        """Show that something goes on, but not how long it will."""
        self.bar.setRange(0, 0)
        self.text.setText("")

    def show_preparing(self, preparing: Preparing) -> None:
        """Show what is done before the first step, and how far it is."""
        self.bar.setRange(0, 100)
        self.bar.setValue(round(100 * preparing.done))
        self.text.setText(f"{preparing.what}: {preparing.done:.0%}")

    def show_report(self, report: Report) -> None:
        """Show how far a training is, and how fast."""
        if not report.steps:
            return
        parts = [self._show_steps(report.step, report.steps)]
        if report.rate:
            parts.append(rate_text(report.rate))
        if report.seconds_left:
            parts.append(f"{duration_text(report.seconds_left)} left")
        self.text.setText(" · ".join(parts))

    def show_outcome(self, outcome: Outcome) -> None:
        """Show how far a training came."""
        self.text.setText(self._show_steps(outcome.step, outcome.steps))

    def show_critics(self, training: CriticsTraining) -> None:
        """Show how far the critics of a test are."""
        self._show_bar(training.step, training.steps)
        parts = [f"{training.done:,} of {training.critics:,} critics"]
        if training.seconds_left is not None:
            parts.append(f"{duration_text(training.seconds_left)} left")
        self.text.setText(" · ".join(parts))

    def show_search(self, search: Searching) -> None:
        """Show how far a search for the latents of cells is."""
        self._show_bar(round(PARTS * search.progress), PARTS)
        parts = [f"{search.done:,} of {search.cells:,} cells"] if search.cells > 1 else []
        if search.seconds_left is not None:
            parts.append(f"{duration_text(search.seconds_left)} left")
        self.text.setText(" · ".join(parts))

    def show_drawing(self, drawing: Drawing) -> None:
        """Show for how many cells the greens of all classes are drawn."""
        self._show_bar(drawing.done, drawing.cells)
        self.text.setText(f"greens of {drawing.done:,} of {drawing.cells:,} cells")

    def show_part(self, done: float) -> None:
        """Show which part of something is done, in [0, 1]."""
        self._show_bar(round(PARTS * done), PARTS)
        self.text.setText(f"{done:.0%}")

    def show_cutting(self, event: CuttingProgress) -> None:
        """Show how far fields are segmented, measured or cut."""
        self._show_bar(round(PARTS * event.done / event.fields), PARTS)
        self.text.setText(f"{event.stage} {event.field}")

    def _show_bar(self, step: int, steps: int) -> None:
        self.bar.setRange(0, min(steps, MOST_STEPS))
        self.bar.setValue(min(step, MOST_STEPS))

    def _show_steps(self, step: int, steps: int) -> str:
        self._show_bar(step, steps)
        return f"{step:,} / {steps:,} steps"


class ActivityBar(QObject):
    """A bar in napari's activity list, for one thing at a time.

    napari handles other events whenever such a bar is made or changed. So this
    is done apart from everything else, by a timer, and whatever may happen
    meanwhile is expected.

    Parameters
    ----------
    description : str
        What is going on.
    """

    def __init__(self, description: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._description = description
        self._total: int | None = None
        self._done = 0
        self._bar: progress | None = None
        self._is_busy = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._refresh)

    def begin(self, total: int, done: int = 0) -> None:
        """Have a bar, soon.

        Parameters
        ----------
        total, done : int
            Steps in all, and those done before.
        """
        self.end()
        self._total, self._done = total, done
        self._timer.start(REFRESH_MS)

    def show(self, done: int) -> None:
        """Let it show how much is done, soon."""
        self._done = done

    def end(self) -> None:
        """Have no bar from now on."""
        self._total = None
        self._timer.stop()
        if self._bar is not None:
            bar, self._bar = self._bar, None
            bar.close()

    def _refresh(self) -> None:
        if self._is_busy:
            return
        self._is_busy = True
        if self._bar is None:
            bar = progress(total=self._total, desc=self._description, initial=self._done)
            if self._total is None:  # it ended while the bar was made
                bar.close()
            else:
                self._bar = bar
        elif self._done > self._bar.n:
            self._bar.update(self._done - self._bar.n)
        self._is_busy = False


def rate_text(rate: float) -> str:
    """Put a rate into words.

    Examples
    --------
    >>> rate_text(9.84), rate_text(250), rate_text(0.25)
    ('9.8 steps/s', '250 steps/s', '4.0 s per step')
    """
    if rate < SLOW:
        return f"{1 / rate:.1f} s per step"
    return f"{rate:.0f} steps/s" if rate >= 100 else f"{rate:.1f} steps/s"


def duration_text(seconds: float) -> str:
    """Put a duration into words, in its two largest units.

    Examples
    --------
    >>> duration_text(42), duration_text(152), duration_text(7300), duration_text(200_000)
    ('42 s', '2 min 32 s', '2 h 1 min', '2 d 7 h')
    """
    seconds = round(seconds)
    for size, unit, smaller, smaller_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller} {smaller_unit}"
    return f"{seconds} s"
