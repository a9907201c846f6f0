"""Work in another thread that is replaced by newer work, or done once at a time."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_biogans.plugin.workers import Work, Worker, make_worker, start_long


class LatestWork(QObject):
    """One piece of work, of which nothing is heard any more once another begins.

    Parameters
    ----------
    is_long : bool
        Whether it may take minutes or hours, so that short work must not wait
        for it.
    """

    yielded = Signal(object)
    returned = Signal(object)
    failed = Signal(object)
    """The exception, which was shown as a notification already."""

    def __init__(self, parent: QObject | None = None, *, is_long: bool = False) -> None:
        super().__init__(parent)
        self._is_long = is_long
        self._worker: Worker | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is work whose end is waited for."""
        return self._worker is not None

    @property
    def is_stopping(self) -> bool:
        """Whether the work was asked to come to an end."""
        return self._worker is not None and self._worker.is_stopping

    def begin(self, name: str, work: Work) -> None:
        """Begin, and abandon what was begun before.

        Parameters
        ----------
        name : str
            What napari says it is doing.
        work : callable
            As for `make_worker`.
        """
        self.abandon()
        self._worker = make_worker(name, work)
        _Ear(self._worker, self)
        if self._is_long:
            start_long(self._worker)
        else:
            self._worker.start()

    def stop(self) -> None:
        """Ask the work to come to an end and return what it has."""
        if self._worker is not None:
            self._worker.stop()

    def abandon(self) -> None:
        """Stop, and tell nobody of it any more."""
        if self._worker is not None:
            self._worker.quit()
        self._worker = None

    def is_heard(self, worker: Worker) -> bool:
        """Tell whether a worker is the one whose end is waited for."""
        return worker is self._worker and not worker.is_abandoned

    def end(self, worker: Worker) -> bool:
        """Note that a worker has ended, and tell whether it was heard until then."""
        was_heard = self.is_heard(worker)
        if worker is self._worker:
            self._worker = None
        return was_heard


class _Ear(QObject):
    """Hears one worker: what an earlier one sent may arrive when a later one has begun."""

    def __init__(self, worker: Worker, owner: LatestWork) -> None:
        super().__init__(owner)
        self._worker, self._owner = worker, owner
        worker.yielded.connect(self._tell)
        worker.returned.connect(self._return)
        worker.errored.connect(self._fail)
        worker.finished.connect(self._end)

    def _tell(self, value: object) -> None:
        if self._owner.is_heard(self._worker):
            self._owner.yielded.emit(value)

    def _return(self, value: object) -> None:
        if self._owner.end(self._worker):
            self._owner.returned.emit(value)

    def _end(self, nothing: None = None) -> None:
        self.deleteLater()

    def _fail(self, error: Exception) -> None:
        if self._owner.end(self._worker):
            self._owner.failed.emit(error)
