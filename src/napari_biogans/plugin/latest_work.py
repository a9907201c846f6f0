"""Work in another thread that is replaced by newer work, or done once at a time."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_biogans.plugin import jobs
from napari_biogans.plugin.workers import Work, Worker, make_worker, start_long


class LatestWork(QObject):
    """One piece of work, of which nothing is heard any more once another begins.

    Parameters
    ----------
    is_long : bool
        Whether it may take minutes or hours, so that short work must not wait
        for it.
    """

    waits = Signal(str)
    """Its place in the queue, whenever that changes."""
    began = Signal()
    """At once, or when its turn has come."""
    yielded = Signal(object)
    paused = Signal()
    """It holds at the yield where it is."""
    returned = Signal(object)
    failed = Signal(object)
    """The exception, which was shown as a notification already."""
    withdrawn = Signal()
    """It was stopped while it waited, so that nothing was begun."""

    def __init__(self, parent: QObject | None = None, *, is_long: bool = False) -> None:
        super().__init__(parent)
        self.is_long = is_long
        self._worker: Worker | None = None
        self._has_begun = False

    @property
    def is_running(self) -> bool:
        """Whether there is work whose end is waited for; it may wait itself."""
        return self._worker is not None

    @property
    def is_stopping(self) -> bool:
        """Whether the work was asked to come to an end."""
        return self._worker is not None and self._worker.is_stopping

    def begin(self, name: str, work: Work, device: str | None = None) -> None:
        """Begin, and abandon what was begun before.

        Parameters
        ----------
        name : str
            What napari says it is doing.
        work : callable
            As for `make_worker`.
        device : str, optional
            For which it waits in the queue of jobs; default none, so that it
            runs beside them.
        """
        self.abandon()
        self._worker, self._has_begun = make_worker(name, work), False
        _Ear(self._worker, self)
        if device is not None:
            jobs.QUEUE.moved.connect(self._follow_queue)
            jobs.QUEUE.start(self._worker, device)
            return
        if self.is_long:
            start_long(self._worker)
        else:
            self._worker.start()
        self._follow_queue()

    def pause(self) -> None:
        """Hold the work at its next yield."""
        if self._worker is not None:
            self._worker.pause()

    def resume(self) -> None:
        """Let the work go on."""
        if self._worker is not None:
            self._worker.resume()

    def stop(self) -> None:
        """Ask the work to come to an end and return what it has; or take it out of the queue."""
        if self._worker is not None:
            self._worker.stop()

    def abandon(self) -> None:
        """Stop, and tell nobody of it any more."""
        worker = self._worker
        self._forget()
        if worker is not None:
            worker.quit()

    def is_heard(self, worker: Worker) -> bool:
        """Tell whether a worker is the one whose end is waited for."""
        return worker is self._worker and not worker.is_abandoned

    def end(self, worker: Worker) -> bool:
        """Note that a worker has ended, and tell whether it was heard until then."""
        was_heard = self.is_heard(worker)
        if worker is self._worker:
            self._forget()
        return was_heard

    def _forget(self) -> None:
        self._worker = None
        jobs.QUEUE.moved.disconnect(self._follow_queue, missing_ok=True)

    def _follow_queue(self) -> None:
        if self._worker is None or not self.is_heard(self._worker) or self._has_begun:
            return
        place = jobs.QUEUE.place(self._worker)
        if place is not None:
            self.waits.emit(str(place))
        elif not self._worker.is_stopping:
            self._has_begun = True
            self.began.emit()


class _Ear(QObject):
    """Hears one worker: what an earlier one sent may arrive when a later one has begun."""

    def __init__(self, worker: Worker, owner: LatestWork) -> None:
        super().__init__(owner)
        self._worker, self._owner = worker, owner
        worker.yielded.connect(self._tell)
        worker.paused.connect(self._note_pause)
        worker.returned.connect(self._return)
        worker.errored.connect(self._fail)
        worker.finished.connect(self._end)

    def _tell(self, value: object) -> None:
        if self._owner.is_heard(self._worker):
            self._owner.yielded.emit(value)

    def _note_pause(self, nothing: None = None) -> None:
        if self._owner.is_heard(self._worker):
            self._owner.paused.emit()

    def _return(self, value: object) -> None:
        if self._owner.end(self._worker):
            self._owner.returned.emit(value)

    def _end(self, nothing: None = None) -> None:
        if self._owner.end(self._worker):
            self._owner.withdrawn.emit()
        if self._owner.is_long and not jobs.QUEUE.is_busy:  # else it is needed, and given back at the end of the job
            jobs.free_device_memory()
        self.deleteLater()

    def _fail(self, error: Exception) -> None:
        if self._owner.end(self._worker):
            self._owner.failed.emit(error)
