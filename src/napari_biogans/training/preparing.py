"""What is done before the first step, told as events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue

from napari_biogans.cells import CellSet
from napari_biogans.cells.neighbours import SearchStoppedError
from napari_biogans.cells.red_neighbours import RedNeighbours, find_red_neighbours
from napari_biogans.training.configuration import TrainingConfig
from napari_biogans.training.devices import choose_device, chosen_threads
from napari_biogans.training.errors import TrainingStoppedError
from napari_biogans.training.events import Event, Preparing
from napari_biogans.training.memory import explained_build

FINDING = "Finding cells that look alike in red"
SECONDS_BETWEEN_LOOKS = 0.1


def found_neighbours(
    cells: CellSet, config: TrainingConfig, should_stop: Callable[[], bool]
) -> Generator[Event, None, RedNeighbours]:
    """Find the neighbours that multi-channel cells are made up from.

    Yields
    ------
    Preparing

    Returns
    -------
    RedNeighbours

    Raises
    ------
    TrainingStoppedError
        If it was stopped before it was done.
    DeviceMemoryError
        If the device has too little memory.
    """
    parts: Queue[float] = Queue()
    closed = threading.Event()

    def search_neighbours() -> RedNeighbours:
        with chosen_threads():
            return find_red_neighbours(
                cells,
                config.neighbours,
                flips=config.flips,
                device=choose_device(config.device),
                should_stop=lambda: closed.is_set() or should_stop(),
                progress=parts.put,
            )

    # In a thread of its own, since a function that calls back cannot yield.
    with ThreadPoolExecutor(1, thread_name_prefix="neighbours") as pool:
        search = pool.submit(search_neighbours)
        try:
            yield Preparing(FINDING, 0.0)
            while not search.done():
                try:
                    yield Preparing(FINDING, parts.get(timeout=SECONDS_BETWEEN_LOOKS))
                except Empty:
                    continue
            with explained_build():
                return search.result()
        except SearchStoppedError:
            raise TrainingStoppedError("Stopped before the first step; there is nothing to keep.") from None
        finally:
            closed.set()
