"""Training many critics: on this machine, one per processor, or on a Dask cluster.

Each critic is trained with one thread. So as many as there are processors are
trained at the same time, which takes less time than all processors for one
after another (benchmarks/c2st.md), and its numbers do not depend on how many
others there are, or where.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import torch

from napari_biogans.cells.neighbours import never
from napari_biogans.evaluation.critics import Comparison, CriticScores, train_critic
from napari_biogans.evaluation.errors import C2STError
from napari_biogans.evaluation.events import CriticDone, CriticsTraining, Planned
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.store import ScoreStore
from napari_biogans.training.devices import choose_device, choose_threads, chosen_threads
from napari_biogans.training.errors import DeviceMemoryError
from napari_biogans.training.memory import is_out_of_memory

TELL_EVERY = 0.2
"""Seconds between two events that tell the progress."""
WORKERS_WITHIN = 10
"""Seconds to wait for a worker."""
CLUSTER_LOST = (
    "The Dask cluster was lost before all critics were trained. What is done is kept; start the cluster and ask again."
)
ESTIMATE_AFTER = 20
"""Steps after which the time that is left is estimated; the first ones are slow."""

Job = tuple[Comparison, int]
"""A comparison and a split of it."""
Told = int | tuple[Comparison, CriticScores]
"""Steps that were done since the last message, or the scores of a critic that is done."""
Ended = tuple[Comparison, CriticScores | None] | BaseException
"""What a critic ends with: its scores, None if it was stopped, or what it failed of."""


def run_critics(
    comparisons: Sequence[Comparison],
    config: C2STConfig,
    store: ScoreStore,
    *,
    scheduler: str | None = None,
    should_stop: Callable[[], bool] = never,
) -> Generator[Planned | CriticsTraining | CriticDone, None, None]:
    """Train the critics of all splits of all comparisons, unless the store has their scores.

    Parameters
    ----------
    comparisons : sequence of Comparison
    config : C2STConfig
    store : ScoreStore
    scheduler : str, optional
        Address of a Dask scheduler, such as `"tcp://10.0.0.1:8786"`, on whose
        workers the critics are trained; default this machine.
    should_stop : callable
        Asked now and then. Critics that are done are kept.

    Yields
    ------
    Planned, CriticsTraining or CriticDone
        First `Planned` and the critics that the store knows.

    Raises
    ------
    C2STError
        If there is no scheduler at the address, or no Dask.
    DeviceMemoryError
        If a critic does not fit on the device.
    """
    # The same on every machine of a cluster, whatever it is made for.
    config = replace(config, precision=config.resolved_precision)
    jobs: list[Job] = []
    known: list[CriticDone] = []
    for split in range(1, config.splits + 1):
        for comparison in comparisons:
            scores = store.read(comparison, config, split)
            if scores is None:
                jobs.append((comparison, split))
            else:
                known.append(CriticDone(comparison, scores))
    progress = _Progress(len(known), len(jobs), config.resolved_steps)
    yield Planned(len(known) + len(jobs), len(known), len(jobs) * config.resolved_steps)
    yield from known
    if not jobs:
        return
    run = _run_here if scheduler is None else _run_on_cluster
    for told in run(jobs, config, scheduler, should_stop):
        if isinstance(told, int):
            progress.note_steps(told)
        else:
            comparison, scores = told
            store.write(comparison, config, scores)
            progress.note_critic()
            yield CriticDone(comparison, scores)
        yield progress.event()


class _Progress:
    """How far the critics are, and how long the others will take."""

    def __init__(self, known: int, to_train: int, steps: int) -> None:
        self._critics, self._done = known + to_train, known
        self._step, self._steps = 0, to_train * steps
        self._started = time.monotonic()

    def note_critic(self) -> None:
        self._done += 1

    def note_steps(self, steps: int) -> None:
        self._step += steps

    def event(self) -> CriticsTraining:
        took = time.monotonic() - self._started
        left = took * (self._steps - self._step) / self._step if self._step >= ESTIMATE_AFTER else None
        return CriticsTraining(self._critics, self._done, self._step, self._steps, left)


def _run_here(
    jobs: Sequence[Job], config: C2STConfig, scheduler: str | None, should_stop: Callable[[], bool]
) -> Generator[Told, None, None]:
    """Train critics in threads of this process, and pass on what they tell."""
    is_over = threading.Event()
    ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
    steps = _StepCount()

    def work(job: Job) -> None:
        comparison, split = job
        try:
            scores = train_critic(comparison, config, split, should_stop=is_over.is_set, on_step=steps.add)
            ended.put((comparison, scores))
        except BaseException as error:
            ended.put(error)

    with chosen_threads(1), ThreadPoolExecutor(choose_workers(config), thread_name_prefix="critic") as pool:
        for job in jobs:
            pool.submit(work, job)
        try:
            left = len(jobs)
            while left and not should_stop():
                try:
                    told = ended.get(timeout=TELL_EVERY)
                except queue.Empty:
                    yield steps.take()
                    continue
                yield steps.take()
                yield from _scores_in(told)
                left -= 1
            is_over.set()
            pool.shutdown(cancel_futures=True)
            # Critics that ended while it was stopped are done as well.
            while not ended.empty():
                yield from _scores_in(ended.get())
        finally:
            is_over.set()
            pool.shutdown(cancel_futures=True)


def _scores_in(told: Ended) -> Iterator[Told]:
    """Give what a critic ended with, if it was not stopped; or raise its error."""
    if isinstance(told, BaseException):
        raise _explained(told)
    comparison, scores = told
    if scores is not None:
        yield comparison, scores


class _StepCount:
    """Steps that several threads have done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps = 0

    def add(self, step: int) -> None:
        with self._lock:
            self._steps += 1

    def take(self) -> int:
        with self._lock:
            steps, self._steps = self._steps, 0
        return steps


def _run_on_cluster(
    jobs: Sequence[Job], config: C2STConfig, scheduler: str | None, should_stop: Callable[[], bool]
) -> Generator[Told, None, None]:
    """Train critics on the workers of a Dask cluster; their progress is told critic by critic."""
    try:
        import distributed
    except ImportError:
        raise C2STError("A scheduler needs Dask, which is not installed: pip install 'napari-biogans[grid]'.") from None
    try:
        client: Any = distributed.Client(scheduler, timeout="10s", set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise C2STError(
            f"There is no Dask scheduler at {scheduler} ({error}). Start one with `dask scheduler`, and workers with "
            "`dask worker ADDRESS`."
        ) from None
    with client:
        _wait_for_workers(client, scheduler)
        # On all workers, so that one that is lost takes nothing with it.
        sent = {
            id(comparison): client.scatter(comparison, broadcast=True)
            for comparison in {id(comparison): comparison for comparison, _ in jobs}.values()
        }
        futures = {
            client.submit(train_on_worker, sent[id(comparison)], config, split, pure=False): comparison
            for comparison, split in jobs
        }
        left = set(futures)
        while left and not should_stop():
            ended = {future for future in left if future.done()}
            for future in ended:
                if future.cancelled() or future.status == "lost":
                    raise C2STError(CLUSTER_LOST)
                if (failure := future.exception()) is not None:
                    lost = type(failure).__module__.startswith("distributed")
                    raise C2STError(f"{CLUSTER_LOST} ({failure})") if lost else _explained(failure)
                yield config.resolved_steps
                yield futures[future], future.result()
            left -= ended
            if not ended:
                yield 0
                time.sleep(TELL_EVERY)
        client.cancel(list(left))


def _wait_for_workers(client: Any, scheduler: str | None) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKERS_WITHIN)
    except TimeoutError:
        raise C2STError(
            f"The Dask scheduler at {scheduler} has no workers. Start some with `dask worker {scheduler}`."
        ) from None


def train_on_worker(comparison: Comparison, config: C2STConfig, split: int) -> CriticScores | None:
    """Train a critic on a worker of a cluster, with one thread as everywhere."""
    torch.set_num_threads(1)
    return train_critic(comparison, config, split)


def choose_workers(config: C2STConfig) -> int:
    """Find how many critics are trained at the same time on this machine: one per processor, or one on a GPU."""
    if choose_device(config.device).type != "cpu":
        return 1
    if "OMP_NUM_THREADS" in os.environ:
        return choose_threads()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _explained(error: BaseException) -> BaseException:
    """Turn a want of memory into a message that says what to do."""
    if isinstance(error, RuntimeError) and is_out_of_memory(error):
        explained = DeviceMemoryError(
            "The device has too little memory for the critics. Take a smaller width or batch, fewer cells, or another "
            f"device. ({error})"
        )
        explained.__cause__ = error
        return explained
    return error
