"""A training in another thread, as the docks see it."""

from __future__ import annotations

from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.training_work import NewRun, ResumedRun, carry_out

if TYPE_CHECKING:
    from napari_biogans.plugin.reports import Report


class State(Enum):
    """What a training does."""

    IDLE = auto()
    WAITING = auto()
    """Another job has the device."""
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
    withdrawn = Signal(object)
    """The request, if it was stopped while it waited, so that nothing was begun."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = State.IDLE
        self._request: NewRun | ResumedRun | None = None
        self._place = ""
        self._work = LatestWork(self, is_long=True)
        self._work.waits.connect(self._wait)
        self._work.began.connect(partial(self._set_state, State.PREPARING))
        self._work.yielded.connect(self._report)
        self._work.paused.connect(self._note_pause)
        self._work.returned.connect(partial(self._end, self.completed))
        self._work.failed.connect(partial(self._end, self.failed))
        self._work.withdrawn.connect(self._withdraw)

    @property
    def state(self) -> State:
        """What the training does."""
        return self._state

    @property
    def place(self) -> str:
        """Where it stands in the queue, in words, while it waits."""
        return self._place

    def begin(self, request: NewRun | ResumedRun, device: str) -> None:
        """Begin a training as soon as a device is free for it.

        Parameters
        ----------
        request : NewRun or ResumedRun
        device : str
            As `jobs.device_name` calls it.
        """
        if self._state is not State.IDLE:
            return
        self._request = request
        folder = request.folder
        self._work.begin(f"training into {folder.parent.name}/{folder.name}", partial(carry_out, request), device)

    def pause(self) -> None:
        """Hold the training after its step."""
        if self._state is State.RUNNING:
            self._work.pause()
            self._set_state(State.PAUSING)

    def resume(self) -> None:
        """Let a paused training go on."""
        if self._state in (State.PAUSING, State.PAUSED):
            self._work.resume()
            self._set_state(State.RUNNING)

    def stop(self) -> None:
        """Finish the step, save everything, and end; or leave the queue."""
        if self._state not in (State.IDLE, State.WAITING):
            self._set_state(State.STOPPING)
        self._work.stop()

    def abandon(self) -> None:
        """Stop, and tell nobody of it any more; everything is saved all the same."""
        self._work.abandon()
        self._request, self._state = None, State.IDLE

    def _wait(self, place: str) -> None:
        self._place = place
        self._set_state(State.WAITING)

    def _report(self, report: Report) -> None:
        if self._state is State.PREPARING and report.preparing is None:
            self._set_state(State.RUNNING)
        self.reported.emit(report)

    def _note_pause(self) -> None:
        if self._state is State.PAUSING:
            self._set_state(State.PAUSED)

    def _withdraw(self) -> None:
        self._end(self.withdrawn, self._request)

    def _end(self, signal: Any, value: object) -> None:
        self._request = None
        self._set_state(State.IDLE)
        signal.emit(value)

    def _set_state(self, state: State) -> None:
        self._state = state
        self.state_changed.emit(state)
