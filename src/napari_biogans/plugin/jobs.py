"""One long job at a time on each device; others wait for their turn, in order.

Two trainings on one device take more than twice as long as one after the other,
and may not fit its memory. So long jobs of all docks of all viewers go through
the queue; what is short, or has to follow the mouse, runs beside them.
"""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_biogans.plugin.workers import Worker, start_long

WITHDRAWN = "Taken out of the queue; nothing was begun."


@dataclass(frozen=True)
class Place:
    """Where a job stands that waits.

    Examples
    --------
    >>> str(Place(2, "cuda:0", "training into runs/1"))
    'Waits for: training into runs/1; 2nd in the queue of cuda:0.'
    >>> str(Place(13, "cpu", "testing two sides", is_paused=True))
    'Waits for: testing two sides, which is paused; 13th in the queue of cpu.'
    """

    number: int
    """2 for the next one, as the first is the one that runs."""
    device: str
    runs: str
    """The name of the first."""
    is_paused: bool = False
    """Whether the first is."""

    def __str__(self) -> str:
        pause = ", which is paused" if self.is_paused else ""
        return f"Waits for: {self.runs}{pause}; {_ordinal(self.number)} in the queue of {self.device}."


class JobQueue:
    """Starts workers one after another on each device, and those of different devices side by side.

    A job that is paused keeps its device, with what it has in its memory. All
    of this is called in the main thread.
    """

    moved = Signal()
    """Some job began, ended, left, was paused or goes on."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    def start(self, worker: Worker, device: str) -> None:
        """Start a worker as soon as those before it on its device have ended.

        A worker that is stopped before leaves the queue: it is aborted, and
        finished.

        Parameters
        ----------
        worker : Worker
        device : str
            From `device_name`.
        """
        self._turns.append(_Turn(worker, device, self))
        self._advance()

    def __len__(self) -> int:
        """Count the jobs that run and those that wait."""
        return len(self._turns)

    @property
    def is_busy(self) -> bool:
        """Whether any job runs."""
        return any(turn.has_begun for turn in self._turns)

    def place(self, worker: Worker) -> Place | None:
        """Tell where a worker stands.

        Returns
        -------
        Place or None
            None if it does not wait: it runs, has ended, or was never here.
        """
        if not worker.is_waiting:
            return None
        device = next(turn.device for turn in self._turns if turn.worker is worker)
        line = [turn.worker for turn in self._turns if turn.device == device]
        return Place(line.index(worker) + 1, device, line[0].name, line[0].is_paused)

    def end(self, turn: _Turn) -> None:
        """Let the next one begin, with all memory that this one had."""
        self._turns.remove(turn)
        if turn.has_begun:
            # Networks and optimisers refer to each other. In another thread this might delete widgets.
            gc.collect()
            free_device_memory()
        self._advance()

    def _advance(self) -> None:
        taken = {turn.device for turn in self._turns if turn.has_begun}
        for turn in self._turns:
            if turn.device not in taken:
                taken.add(turn.device)
                turn.begin()
        self.moved.emit()


class _Turn(QObject):
    """A worker in the queue, heard in the main thread."""

    def __init__(self, worker: Worker, device: str, queue: JobQueue) -> None:
        super().__init__()
        self.worker, self.device, self.has_begun = worker, device, False
        self._queue = queue
        worker.wait_for_turn()
        worker.finished.connect(self._end)
        worker.paused.connect(self._tell)
        worker.resumed.connect(self._tell)

    def begin(self) -> None:
        self.has_begun = True
        start_long(self.worker)

    def _end(self, nothing: None = None) -> None:
        self._queue.end(self)
        self.deleteLater()

    def _tell(self, nothing: None = None) -> None:
        self._queue.moved.emit()


QUEUE = JobQueue()
"""That of this process, for all viewers."""


def device_name(wanted: str = "auto") -> str:
    """Tell which device is meant; for docks whose engine is loaded.

    Parameters
    ----------
    wanted : str
        As for `choose_device`.

    Returns
    -------
    str
        Such as "cpu", "cuda:0" or "mps"; `wanted` if there is none such, so
        that the job begins and says what is wrong.

    Examples
    --------
    >>> device_name("cpu")
    'cpu'
    """
    import torch

    from napari_biogans.training.devices import choose_device
    from napari_biogans.training.errors import TrainingError

    try:
        device = choose_device(wanted)
    except TrainingError:
        return wanted
    if device.type == "cuda" and device.index is None:
        return f"cuda:{torch.cuda.current_device()}"
    return str(device)


def free_device_memory() -> None:
    """Give back what torch keeps on a GPU for later."""
    torch = sys.modules.get("torch")  # where it is not loaded, it keeps nothing
    if torch is None:
        return
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"
