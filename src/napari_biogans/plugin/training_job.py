"""A training in another thread, as the docks see it."""

from __future__ import annotations

from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_biogans.plugin.training_work import NewRun, ResumedRun, carry_out
from napari_biogans.plugin.workers import Worker, make_worker, start_long

if TYPE_CHECKING:
    from napari_biogans.plugin.reports import Report


class State(Enum):
    """What a training does."""

    IDLE = auto()
    PREPARING = auto()
    """Cells are read and networks built."""
    RUNNING = auto()
    PAUSING = auto()
    """The step is finished."""
    PAUSED = auto()
    STOPPING = auto()
    """The step is finished and everything saved."""


class TrainingJob(QObject):
    """One training at a time: begins, pauses and stops it, and tells what it does."""

    state_changed = Signal(object)
    """The new `State`."""
    reported = Signal(object)
    """A `Report`."""
    completed = Signal(object)
    """The `Outcome`, when all steps are done or it was stopped."""
    failed = Signal(object)
    """The exception that ended it, which was shown as a notification already."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: Worker | None = None
        self._state = State.IDLE

    @property
    def state(self) -> State:
        """What the training does."""
        return self._state

    def begin(self, request: NewRun | ResumedRun) -> None:
        """Begin a training.

        Parameters
        ----------
        request : NewRun or ResumedRun
        """
        if self._worker is not None:
            return
        worker = make_worker(f"training in {request.folder}", partial(carry_out, request))
        self._worker = worker
        worker.yielded.connect(self._report)
        worker.paused.connect(self._note_pause)
        worker.returned.connect(self._complete)
        worker.errored.connect(self._fail)
        self._set_state(State.PREPARING)
        start_long(worker)

    def pause(self) -> None:
        """Hold the training after its step."""
        if self._worker is not None and self._state is State.RUNNING:
            self._worker.pause()
            self._set_state(State.PAUSING)

    def resume(self) -> None:
        """Let a paused training go on."""
        if self._worker is not None and self._state in (State.PAUSING, State.PAUSED):
            self._worker.resume()
            self._set_state(State.RUNNING)

    def stop(self) -> None:
        """Finish the step, save everything, and end."""
        if self._worker is not None:
            self._worker.stop()
            self._set_state(State.STOPPING)

    def abandon(self) -> None:
        """Stop, and tell nobody of it any more; everything is saved all the same."""
        if self._worker is not None:
            self._worker.quit()
        self._worker = None
        self._state = State.IDLE

    def _report(self, report: Report) -> None:
        if not self._is_heard():
            return
        if self._state is State.PREPARING and report.preparing is None:
            self._set_state(State.RUNNING)
        self.reported.emit(report)

    def _note_pause(self, nothing: None = None) -> None:
        if self._is_heard() and self._state is State.PAUSING:
            self._set_state(State.PAUSED)

    def _complete(self, outcome: object) -> None:
        was_heard = self._is_heard()
        self._end()
        if was_heard:
            self.completed.emit(outcome)

    def _fail(self, error: object) -> None:
        was_heard = self._is_heard()
        self._end()
        if was_heard:
            self.failed.emit(error)

    def _end(self) -> None:
        self._worker = None
        self._set_state(State.IDLE)

    def _is_heard(self) -> bool:
        return self._worker is not None and not self._worker.is_abandoned

    def _set_state(self, state: State) -> None:
        self._state = state
        self.state_changed.emit(state)
