"""Several processes that train one model together: who they are, how they agree, and what if one is lost.

They are started by `torchrun`, which tells each its place by environment
variables. Every worker draws the random numbers of whole batches and computes
its part of them; gradients, losses and the statistics of batch norms are those
of all (`collectives`), so that weights stay the same for all.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from napari_biogans.cells.neighbours import never
from napari_biogans.training.collectives import BatchPart, highest
from napari_biogans.training.errors import TrainingError, TrainingStoppedError, WorkerLostError
from napari_biogans.training.notes import Notes

TIMEOUT = timedelta(minutes=10)
"""For a worker that does not answer. One that ends is noticed at once; only a machine that is cut off is silent, and
worker 0 while it draws samples and saves."""
LONGEST_PREPARATION = timedelta(hours=12)
SECONDS_FOR_FIRST = 3.0
"""For worker 0 to tell that it is there, once a worker is lost."""
SECONDS_FOR_STEP = 10.0
"""For a GPU to end a step once the worker was told to end; `torchrun` kills it 20 seconds later."""

_joinings = itertools.count()


@dataclass(frozen=True)
class Place:
    """The place of a process among those that were started together."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """Among those on its machine."""
    local_count: int = 1

    @classmethod
    def from_environment(cls) -> Place:
        """Read what `torchrun` says; a process that it did not start is alone.

        Raises
        ------
        TrainingError
            If what it says makes no sense.
        """
        names = {"rank": "RANK", "count": "WORLD_SIZE", "local_rank": "LOCAL_RANK", "local_count": "LOCAL_WORLD_SIZE"}
        if os.environ.get("WORLD_SIZE", "1") == "1":
            return cls()
        try:
            return cls(**{field: int(os.environ[name]) for field, name in names.items()})
        except (KeyError, ValueError) as error:
            raise TrainingError(
                f"WORLD_SIZE is set to {os.environ['WORLD_SIZE']}, but not all of {', '.join(names.values())} are set "
                "to numbers. Start several processes with torchrun; or unset WORLD_SIZE for one."
            ) from error


class Workers:
    """The processes that train a model together, as one of them sees them; by default there is only this one.

    Parameters
    ----------
    place : Place
        Of this one.
    notes : Notes, optional
        That they leave for each other; needed for more than one.
    """

    def __init__(self, place: Place = Place(), notes: Notes | None = None) -> None:
        self.place = place
        self._kept_notes = notes
        self._agreements = itertools.count()
        self._terminated = threading.Event()
        self._device = torch.device("cpu")

    @property
    def several(self) -> bool:
        """Whether there are more than this one."""
        return self.place.count > 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes, and tells what happens."""
        return self.place.rank == 0

    @property
    def terminated(self) -> bool:
        """Whether this process was told to end by SIGTERM."""
        return self._terminated.is_set()

    def part_of(self, batch_size: int) -> BatchPart:
        """Find the part of a batch that this worker computes."""
        return BatchPart.of(batch_size, self.place.rank, self.place.count)

    def check_settings(self, batch_size: int, device: torch.device) -> None:
        """Refuse what cannot be shared.

        Raises
        ------
        TrainingError
        """
        if not self.several:
            return
        if batch_size < self.place.count:
            raise TrainingError(
                f"A batch of {batch_size} cells cannot be shared by {self.place.count} workers. Take a larger batch "
                "size, or start fewer."
            )
        if device.type not in ("cpu", "cuda"):
            raise TrainingError(f"Several workers cannot share the device {device.type}; take cpu, or start only one.")
        if device.type == "cuda" and device.index != self.place.local_rank:
            raise TrainingError(
                f"Each of several workers takes a GPU of its own, not all of them {device}; take the device cuda."
            )

    @contextmanager
    def agreed(self) -> Iterator[None]:
        """Let no worker go on before what each does in this block has gone well for all.

        Raises
        ------
        TrainingError
            With the reason of the one that failed, for all others.
        TrainingStoppedError, WorkerLostError
            If this one was told to end while it waited for the others.
        """
        if not self.several:
            yield
            return
        number = next(self._agreements)
        try:
            yield
        except BaseException as error:
            self._notes.leave(f"agreement-{number}-{self.place.rank}", _words(error))
            raise
        self._notes.leave(f"agreement-{number}-{self.place.rank}", "")
        for rank in range(self.place.count):
            if reason := self._told_by(rank, f"agreement-{number}"):
                raise TrainingError(f"Worker {rank} of {self.place.count} cannot take part: {reason}")

    def connect(self, device: torch.device, **facts: str) -> None:
        """Begin to compute together.

        Parameters
        ----------
        device : torch.device
            Of this worker; must be of the same kind for all.
        **facts
            What else must be the same for all, such as the cells.

        Raises
        ------
        TrainingError
            If something differs that must not.
        WorkerLostError
            If one does not answer.
        """
        if not self.several:
            return
        facts = {"device": device.type, **facts}
        for name, fact in facts.items():
            self._notes.leave(f"{name}-{self.place.rank}", fact)
        for rank in range(self.place.count):
            for name, fact in facts.items():
                if self._told_by(rank, name) != fact:
                    raise TrainingError(
                        f"Workers {self.place.rank} and {rank} differ in {name}, which has to be the same for all. "
                        "Start each with the same command, on the same files and the same kind of device."
                    )
        from torch.distributed.distributed_c10d import PrefixStore

        self._device = device
        if device.type == "cuda":
            torch.cuda.set_device(device)
            # A computation that waits for a lost worker is given up, and not the process with all that it has learned.
            os.environ.setdefault("TORCH_NCCL_ASYNC_ERROR_HANDLING", "2")
        try:
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
                store=PrefixStore("group", self._notes.store),
                rank=self.place.rank,
                world_size=self.place.count,
                timeout=TIMEOUT,
            )
        except RuntimeError as error:
            raise WorkerLostError("The workers cannot reach each other over the network.") from error

    def leave(self) -> None:
        """End computing together."""
        if self.several and dist.is_initialized():
            dist.destroy_process_group()

    def any(self, flag: bool) -> bool:
        """Tell whether a flag is set for any of the workers, once all have got here.

        Raises
        ------
        WorkerLostError
        """
        if not self.several:
            return flag
        self._wait_for_device()
        # On the CPU, where a worker that has ended is noticed at once.
        return bool(highest(torch.tensor(int(flag))).item())

    def wait_for_all(self) -> None:
        """Wait until all have done their work; one that was lost has nothing left to do."""
        with suppress(WorkerLostError):
            self.any(False)

    def note_failure(self, error: BaseException) -> None:
        """Leave the others a note of what ends this worker, which they find when they miss it."""
        self._notes.leave("failure", f"Worker {self.place.rank} failed: {_words(error)}")
        self._notes.leave(f"missing-{self.place.rank}", "itself")

    def explain_loss(self) -> WorkerLostError:
        """Find out why another worker is missing, and whether it is the one that writes."""
        reason = (
            self._notes.read("failure")
            or "A worker was lost: its process was killed, or its machine cannot be reached."
        )
        self._notes.leave(f"missing-{self.place.rank}", "noticed")
        if self.is_first or self._notes.wait_for("missing-0", SECONDS_FOR_FIRST, never):
            return WorkerLostError(reason)
        alone_says = not any(self._notes.read(f"missing-{rank}") for rank in range(self.place.rank))
        return WorkerLostError(
            f"{reason} It was worker 0, which saves the run. Go on from its last checkpoint with resume, with any "
            "number of workers.",
            first_is_lost=alone_says,
        )

    def _wait_for_device(self) -> None:
        """Wait for a GPU, which may itself be waiting for a lost worker."""
        if self._device.type != "cuda":
            return
        done = torch.cuda.Event()
        done.record()
        end = None
        while not done.query():
            if self.terminated:
                end = end or time.monotonic() + SECONDS_FOR_STEP
                if time.monotonic() > end:
                    # Not there in all versions of torch.
                    abort = getattr(dist.distributed_c10d, "_abort_process_group", None)
                    if abort is not None:
                        abort()
                    raise WorkerLostError("The step was not done in time after SIGTERM.")
            time.sleep(1e-4)

    @property
    def _notes(self) -> Notes:
        if self._kept_notes is None:
            raise ValueError("several workers need notes")
        return self._kept_notes

    def _told_by(self, rank: int, about: str) -> str:
        """Wait for what a worker has to tell before the first step."""
        text = self._notes.wait_for(f"{about}-{rank}", LONGEST_PREPARATION.total_seconds(), lambda: self.terminated)
        if text is not None:
            return text
        reason = (
            f"Told to end while waiting for worker {rank} to begin, which may have ended; there is nothing to keep."
        )
        if rank == 0:
            raise WorkerLostError(reason, first_is_lost=True)
        raise TrainingStoppedError(reason)

    def _terminate(self, *_: object) -> None:
        self._terminated.set()


ALONE = Workers()


@contextmanager
def joined_workers() -> Iterator[Workers]:
    """Find the other workers that `torchrun` started, if it did, and leave them at the end.

    Raises
    ------
    TrainingError
        If the environment is not that of `torchrun`, or torch was built
        without what is needed.
    """
    place = Place.from_environment()
    if place.count == 1:
        yield ALONE
        return
    if not dist.is_available():
        raise TrainingError("This build of torch cannot share a training; start one process, or install another build.")
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    try:
        store, _, _ = next(iter(rendezvous("env://", timeout=TIMEOUT)))
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"The other workers cannot be reached; start all with torchrun. ({error})") from error
    start = f"{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}-{next(_joinings)}"
    workers = Workers(place, Notes(PrefixStore(f"napari-biogans-{start}", store)))
    if threading.current_thread() is threading.main_thread():
        # For good: torchrun ends all workers so when one has ended, and what happened is still to be said then.
        signal.signal(signal.SIGTERM, workers._terminate)
        if hasattr(signal, "pthread_sigmask"):
            # The command line holds it back until here.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    try:
        yield workers
    except WorkerLostError:
        raise
    except BaseException as error:
        workers.note_failure(error)
        raise
    finally:
        workers.leave()


def _words(error: BaseException) -> str:
    return f"{(str(error) or type(error).__name__).removesuffix('.')}."
