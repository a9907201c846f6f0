"""Work in other threads, so that napari's window stays alive.

Work is a generator: what it yields goes to the main thread as a signal. Two
things are unlike napari's own workers. They lose a RuntimeError that is raised
in a generator, and what is no Exception, and wait for its end forever; here it
becomes a `WorkError`. And their `quit` leaves a generator at the yield where it is; here it asks the work
to come to an end by itself, which for a training means with everything saved.
"""

from __future__ import annotations

import atexit
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from typing import Any, cast

from napari.qt.threading import create_worker
from napari.utils.notifications import notification_manager, show_error, show_warning
from qtpy.QtCore import QThreadPool
from superqt.utils import GeneratorWorker

ShouldStop = Callable[[], bool]
Work = Callable[[ShouldStop], Generator[Any, None, Any]]

# How long the end of the process is put off until a training is saved.
LONGEST_EXIT_MS = 120_000


class WorkError(Exception):
    """Stands for a RuntimeError, or for what is no Exception at all, such as a KeyboardInterrupt: its cause."""


class Task:
    """Work and the words by which napari calls it when it asks before closing.

    Parameters
    ----------
    name : str
        Such as "training into /runs/1".
    work : callable
        Given a callable that tells whether to come to an end; returns a
        generator.
    """

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self._work: Work | None = work

    def begin(self, should_stop: ShouldStop) -> Generator[Any, None, Any]:
        """Make the generator, and forget what it was made of.

        napari keeps tasks for as long as the viewer is open, and with them
        would keep the pixels of layers that were deleted.
        """
        work, self._work = self._work, None
        if work is None:
            raise ValueError(f"{self.name} was begun before.")
        return work(should_stop)

    def forget(self) -> None:
        """Forget what it was made of, as it will not be begun."""
        self._work = None

    def __str__(self) -> str:
        return self.name


class Worker(GeneratorWorker[Any, None, Any]):
    """Runs a task in another thread.

    `pause` acts when the work yields next, and `stop` on one that is paused
    too. Both are called in the main thread.

    Parameters
    ----------
    task : Task
    """

    def __init__(self, task: Task) -> None:
        super().__init__(_run, task, self)
        self._task = task
        self._is_waiting = False
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._is_abandoned = False

    @property
    def name(self) -> str:
        """What napari says it is doing."""
        return self._task.name

    @property
    def is_waiting(self) -> bool:
        """Whether its turn has not come yet."""
        return self._is_waiting

    @property
    def is_stopping(self) -> bool:
        """Whether the work was asked to come to an end."""
        return self._stop.is_set()

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody wants to hear of the work any more, as its window is gone or going."""
        return self._is_abandoned

    @property
    def is_paused(self) -> bool:
        """Whether the work waits, or will wait at its next yield."""
        return not self._go.is_set()

    def pause(self) -> None:
        """Hold the work at its next yield."""
        if not self.is_stopping:
            self._go.clear()

    def resume(self) -> None:
        """Let the work go on."""
        self._go.set()

    def toggle_pause(self) -> None:
        """Pause, or resume what is paused."""
        if self.is_paused:
            self.resume()
        else:
            self.pause()

    def wait_for_turn(self) -> None:
        """Note that it will be started later, by `start`."""
        self._is_waiting = True

    def start(self) -> None:
        """Start the work in another thread."""
        self._is_waiting = False
        super().start()

    def stop(self) -> None:
        """Ask the work to come to an end and return what it has; what was not begun yet never will be."""
        self._stop.set()
        self._go.set()
        if self._is_waiting:
            self._is_waiting = False
            self._task.forget()
            self._gen.close()
            self.aborted.emit()
            self.finished.emit()

    def quit(self) -> None:
        """Stop, and tell nobody; napari calls this when its window or the application closes."""
        self._is_abandoned = True
        self.stop()

    def wait_while_paused(self) -> None:
        """Wait in the worker's thread."""
        if not self._go.is_set():
            self.paused.emit()
            self._go.wait()
            self.resumed.emit()


def _run(task: Task, worker: Worker) -> Generator[Any, None, Any]:
    try:
        with closing(task.begin(lambda: worker.is_stopping)) as steps:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    return end.value
                yield step
                worker.wait_while_paused()
    except GeneratorExit:
        raise
    except BaseException as error:
        _let_go(error)
        if isinstance(error, RuntimeError) or not isinstance(error, Exception):
            raise WorkError(str(error) or type(error).__name__) from error
        raise


def _let_go(error: BaseException) -> None:
    """Put into words where an error came from, instead of the functions: napari keeps errors, and so whole networks."""
    error.add_note("".join(traceback.format_exception(error)))
    found: list[BaseException | None] = [error]
    for each in found:  # which grows meanwhile
        if each is not None:
            each.__traceback__ = None
            found += [other for other in (each.__cause__, each.__context__) if other not in found]


def make_worker(name: str, work: Work) -> Worker:
    """Make a worker that reports errors and warnings as napari notifications.

    Parameters
    ----------
    name : str
        What napari says it is doing.
    work : callable
        As for `Task`.

    Returns
    -------
    Worker
        Not started yet.
    """
    worker: Worker = create_worker(Task(name, work), _worker_class=Worker, _ignore_errors=True, _start_thread=False)
    worker.errored.connect(report_error)
    worker.warned.connect(report_warning)
    atexit.unregister(finish_workers)  # so that it is registered once
    atexit.register(finish_workers)
    return worker


def start_long(worker: Worker) -> None:
    """Start work that may take hours, in a thread beside those for short work, of which there may be as few as one.

    Parameters
    ----------
    worker : Worker
    """
    _thread_pool().releaseThread()
    worker.finished.connect(_take_thread_back)
    worker.start()


def _take_thread_back(nothing: None = None) -> None:
    _thread_pool().reserveThread()


def _thread_pool() -> QThreadPool:
    return cast(QThreadPool, QThreadPool.globalInstance())


def finish_workers() -> None:
    """Stop all workers and wait for their ends.

    napari does so when its application quits, but not every process that opens
    a viewer gets there.
    """
    with suppress(RuntimeError):  # which tells that the time is over
        Worker.await_workers(LONGEST_EXIT_MS)


def report_error(error: Exception) -> None:
    """Show an error of some work as a notification.

    Parameters
    ----------
    error : Exception
        One of our own classes says what to do, and is shown without where it
        came from.
    """
    if is_for_users(error):
        show_error(str(error))
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


def is_for_users(error: Exception) -> bool:
    """Tell whether the message of an error was written for the user."""
    of_ours = _is_of_ours(type(error)) and not isinstance(error, WorkError)
    return of_ours or isinstance(error, OSError | MemoryError)


def _is_of_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == __name__.partition(".")[0]


def report_warning(warning: tuple[Any, ...]) -> None:
    """Show a warning of some work as a notification.

    Parameters
    ----------
    warning : tuple
        Arguments of `warnings.showwarning`.
    """
    message, category, *rest = warning
    if _is_of_ours(category):
        show_warning(str(message))
    else:
        notification_manager.receive_warning(message, category, *rest)
