"""Rebuilding and completing cells, in a worker's thread.

Nothing here knows Qt or napari; the engine is imported where it is used, as that takes seconds.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_biogans.plugin.rebuild_request import Completed, Rebuilt, Request
from napari_biogans.plugin.workers import ShouldStop

if TYPE_CHECKING:
    from napari_biogans.latent import Completion, Reconstruction
    from napari_biogans.latent.complete import Drawing
    from napari_biogans.latent.reconstruct import Searching

ResultT = TypeVar("ResultT")
INTERVAL = 0.2
"""Seconds between two reports, at least."""
DRAWS = 32
"""Green latents for each cell that is completed."""
ALL_CLASSES = "all-classes"
"""Folder into which completed cells are written."""


def rebuild(request: Request, should_stop: ShouldStop) -> Generator[Searching, None, Rebuilt | None]:
    """Rebuild cells, telling a few times a second how far it is; shaped as work for a worker.

    Parameters
    ----------
    request : Request
    should_stop : callable

    Yields
    ------
    Searching

    Returns
    -------
    Rebuilt or None
        The cells that are done, if it was stopped; None if there are none yet.
    """
    from napari_biogans.latent import LatentStoppedError
    from napari_biogans.latent.reconstruct import iterate_reconstruction
    from napari_biogans.models import load_model

    model = load_model(request.facts.path)
    cells = request.cells.read(model)
    known = None if request.training is None else request.training.read(request.facts.image_size)
    search = iterate_reconstruction(model, cells, request.config, training_cells=known, should_stop=should_stop)
    try:
        return Rebuilt(request.without_pixels(), (yield from _now_and_then(search)))
    except LatentStoppedError:
        return None


def complete_all(request: Request, should_stop: ShouldStop) -> Generator[Searching | Drawing, None, Completed | None]:
    """Draw the greens of all classes for the red of cells; shaped as work for a worker.

    Parameters
    ----------
    request : Request
        Its mode does not matter, nor its prior if that is 0.
    should_stop : callable

    Yields
    ------
    Searching or Drawing

    Returns
    -------
    Completed or None
        None if it was stopped before the first cells were done.
    """
    from napari_biogans.latent import LatentStoppedError
    from napari_biogans.latent.complete import iterate_completion
    from napari_biogans.models import load_model

    model = load_model(request.facts.path)
    settings = asdict(request.config)
    if not settings["prior"]:
        del settings["prior"]  # so that it is the one for greens that were not seen
    completing = iterate_completion(model, request.cells.read(model), draws=DRAWS, should_stop=should_stop, **settings)
    try:
        return Completed(request.without_pixels(), (yield from _now_and_then(completing)))
    except LatentStoppedError:
        return None


def export(
    rebuilt: Reconstruction | None, completed: Completion | None, folder: Path, should_stop: ShouldStop
) -> Generator[None, None, Path]:
    """Write tables, latents, stacks and figures; shaped as work for a worker.

    Parameters
    ----------
    rebuilt : Reconstruction, optional
    completed : Completion, optional
        Written into a folder of its own.
    folder : pathlib.Path

    Returns
    -------
    pathlib.Path
        Of the folder.
    """
    if rebuilt is not None:
        rebuilt.save(folder)
    yield
    if completed is not None:
        completed.save(folder / ALL_CLASSES)
    return folder


def _now_and_then(events: Generator[Any, None, ResultT]) -> Generator[Any, None, ResultT]:
    """Pass on how far something is, a few times a second."""
    from napari_biogans.latent.complete import Drawing
    from napari_biogans.latent.reconstruct import Searching

    due = time.monotonic()
    with closing(events):
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                result: ResultT = end.value
                return result
            if isinstance(event, Searching | Drawing) and time.monotonic() >= due:
                yield event
                due = time.monotonic() + INTERVAL
