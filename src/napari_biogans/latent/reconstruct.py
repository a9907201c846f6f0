"""Rebuilding real cells: the latent from which a model draws each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from napari_biogans.cells import CellSet, to_unit
from napari_biogans.cells.neighbours import flipped, nearest_images, never
from napari_biogans.latent.errors import LatentError, LatentStoppedError
from napari_biogans.latent.results import Reconstruction, joined
from napari_biogans.latent.search import Found, LatentSearch, negative_log_density
from napari_biogans.latent.settings import ReconstructionConfig, make_reconstruction_config
from napari_biogans.models import Model
from napari_biogans.stopping import stopped_by_interrupt
from napari_biogans.training.devices import choose_device, chosen_threads

EventT = TypeVar("EventT")
ResultT = TypeVar("ResultT")
ESTIMATE_AFTER = 0.02
"""Part of the search after which the time that is left is estimated."""


@dataclass(frozen=True)
class Searching:
    """Latents are being searched for."""

    done: int
    """Cells that are done."""
    cells: int
    """Cells in all."""
    progress: float
    """Part of the search that is done, in [0, 1]."""
    seconds_left: float | None
    """Estimated from that part; None at first."""


@dataclass(frozen=True, eq=False)
class CellsDone:
    """Some more cells are rebuilt."""

    result: Reconstruction
    """All that are."""


Reconstructing = Generator[Searching | CellsDone, None, Reconstruction]


def iterate_reconstruction(
    model: Model,
    cells: CellSet,
    config: ReconstructionConfig | None = None,
    *,
    training_cells: CellSet | None = None,
    start_from: ArrayLike | None = None,
    should_stop: Callable[[], bool] = never,
) -> Reconstructing:
    """Rebuild cells, yielding how far it is.

    Parameters
    ----------
    model, cells, training_cells, start_from
        As for `reconstruct`.
    config : ReconstructionConfig, optional
    should_stop : callable
        Asked after every step. Blocks of cells that are done are returned.

    Yields
    ------
    Searching or CellsDone
        The first after every step, the other after every block of cells.

    Returns
    -------
    Reconstruction

    Raises
    ------
    LatentError
        If the cells or the mode do not fit the model.
    LatentStoppedError
        If it was stopped before the first block was done.
    """
    config = config or ReconstructionConfig()
    places = _checked_classes(model, cells, config)
    starts = _checked_starts(model, cells, start_from)
    if training_cells is not None:
        check_cells(model, training_cells, "training cells")
    moved = on_device(model, config)
    blocks = list(_blocks(cells, config.batch_size))
    rng = np.random.default_rng(config.seed)
    done: list[Reconstruction] = []
    progress = _Progress(len(cells))
    with chosen_threads():
        for k, some in blocks:
            search = LatentSearch(moved, places[k], config)
            targets = torch.from_numpy(to_unit(cells.images[k][some], _range_of(model))).to(moved.device)
            first = None if starts is None else starts[k][some]
            searching = search.run(targets, rng, first)
            while True:
                try:
                    part = next(searching)
                except StopIteration as end:
                    found = end.value
                    break
                if should_stop():
                    searching.close()
                    if not done:
                        raise LatentStoppedError(
                            "Stopped before the first cells were rebuilt; there is nothing to show. "
                            "A smaller batch size gives the first results earlier."
                        )
                    return joined(done, is_complete=False)
                yield progress.event(part * (some.stop - some.start))
            done.append(_result(moved, cells, k, places[k], some, found, config, training_cells))
            progress.note(some.stop - some.start)
            yield CellsDone(joined(done, is_complete=len(done) == len(blocks)))
    return joined(done, is_complete=True)


def reconstruct(
    model: Model,
    cells: CellSet,
    *,
    training_cells: CellSet | None = None,
    start_from: ArrayLike | None = None,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[Searching | CellsDone], object] | None = None,
    **settings: Any,
) -> Reconstruction:
    """Find, for real cells, the latents from which a model draws them.

    Each cell has its own search, by L-BFGS with a history, a step length and
    an end of its own for each of several random starts, of which the best is
    kept. Cells are taken as they are: not flipped.

    Ctrl-C stops it; the cells that are done come back.

    Parameters
    ----------
    model : Model
    cells : CellSet
        Of the size and the units of the model's. Cells of a class that the
        model draws are matched by that class; others in red only.
    training_cells : CellSet, optional
        Cells that the model was trained on. The nearest of them to each cell,
        flips and the channels that are to be matched considered, is what a
        reconstruction has to be better than; a cell that is among them itself
        is passed over.
    start_from : array (N, Z), optional
        Latents that the first start of each cell begins with, such as that of
        a cell it looks like, one class after another; the other starts are
        random.
    progress : bool
        Show a progress bar.
    should_stop : callable
        Asked after every step.
    on_event : callable, optional
        Given every event as it happens.
    **settings
        Fields of `ReconstructionConfig`: `mode`, `starts`, `steps`, `prior`,
        `seed`, `device`, …

    Returns
    -------
    Reconstruction

    Raises
    ------
    LatentError
        If the cells or the settings do not fit the model.
    LatentStoppedError
        If it was stopped before the first cells were done.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, section 5.3.

    Examples
    --------
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> model = untrained_model(NetworkShape(image_size=(24, 40), width=4, latent_size=8), "joint-separable")
    >>> drawn = model.as_cells(model.generate(3, seed=0))
    >>> result = reconstruct(model, drawn, steps=5, device="cpu", progress=False)
    >>> result.latents.shape, result.rmse.shape
    ((3, 8), (3, 2))
    """
    config = make_reconstruction_config(**settings)
    with stopped_by_interrupt(should_stop) as stop:
        search = iterate_reconstruction(
            model, cells, config, training_cells=training_cells, start_from=start_from, should_stop=stop
        )
        return run_to_end(search, len(cells), progress=progress, on_event=on_event)


def run_to_end(
    events: Generator[EventT, None, ResultT],
    cells: int,
    *,
    progress: bool,
    on_event: Callable[[EventT], object] | None,
) -> ResultT:
    """Let a search run to its end, with a progress bar.

    Parameters
    ----------
    events : generator
        Its `Searching` moves the bar; what has `done` otherwise is told of
        cells whose greens are drawn.
    cells : int
        In all.
    progress : bool
        Whether there is a bar.
    on_event : callable, optional
        Given every event as it happens.

    Returns
    -------
    object
        What the generator returns.
    """
    with (
        closing(events),
        tqdm(total=cells, unit="cell", disable=not progress, dynamic_ncols=True) as bar,
    ):
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                result: ResultT = end.value
                return result
            if isinstance(event, Searching):
                bar.update(round(event.progress * event.cells, 1) - bar.n)
            elif (drawn := getattr(event, "done", None)) is not None:
                bar.set_postfix_str(f"greens drawn for {drawn}")
            if on_event is not None:
                on_event(event)


def on_device(model: Model, config: ReconstructionConfig) -> Model:
    """Copy a model to where it is to be computed, since somebody else may draw with it meanwhile."""
    copied = Model(model.header, {name: deepcopy(network) for name, network in model.networks.items()})
    return copied.to(choose_device(config.device))


def _range_of(model: Model) -> NDArray[np.float32]:
    return np.array(model.header.intensity_range, np.float32)


def check_cells(model: Model, cells: CellSet, name: str = "cells") -> None:
    """Refuse cells that are not of the size and the type of those that a model draws.

    Raises
    ------
    LatentError
    """
    if not isinstance(cells, CellSet):
        raise LatentError(f"The {name} are a CellSet, as read_cells gives, not {type(cells).__name__}.")
    size = model.header.shape.image_size
    if cells.size != size or len(cells.channel_names) != model.header.shape.channels:
        raise LatentError(
            f"The {name} are {cells.size} pixels of {len(cells.channel_names)} channels, the model draws {size} of "
            f"{model.header.shape.channels}; read_cells(..., size={size}) brings cells to its size."
        )
    if cells.dtype.name != model.header.dtype:
        raise LatentError(
            f"The {name} are of type {cells.dtype.name}, the model draws {model.header.dtype}; save them in the units "
            "and the type of those that it was trained on."
        )


def _checked_classes(model: Model, cells: CellSet, config: ReconstructionConfig) -> list[str]:
    """Find the class that each class of cells is drawn as."""
    check_cells(model, cells)
    if model.architecture.pools_classes:
        return [model.class_names[0]] * len(cells.class_names)
    unknown = [name for name in cells.class_names if name not in model.class_names]
    if unknown and config.mode != "red-only":
        raise LatentError(
            f"The model does not draw {', '.join(unknown)}; it draws {', '.join(model.class_names)}. Take the mode "
            "red-only for cells of other classes, or leave them out."
        )
    return [name if name in model.class_names else model.class_names[0] for name in cells.class_names]


def _checked_starts(model: Model, cells: CellSet, start_from: ArrayLike | None) -> list[NDArray[np.float32]] | None:
    """Give the latents to start from, class by class."""
    if start_from is None:
        return None
    latents = np.asarray(start_from, np.float32)
    if latents.shape != (len(cells), model.latent_size) or not np.isfinite(latents).all():
        raise LatentError(
            f"Latents to start from are finite numbers, ({len(cells)}, {model.latent_size}): a latent for each cell; "
            f"not {latents.shape}."
        )
    return np.split(latents, np.cumsum(cells.counts)[:-1])


def _blocks(cells: CellSet, size: int) -> Iterator[tuple[int, slice]]:
    for k, count in enumerate(cells.counts):
        for start in range(0, count, size):
            yield k, slice(start, min(start + size, count))


def _result(
    model: Model,
    cells: CellSet,
    k: int,
    drawn_as: str,
    some: slice,
    found: Found,
    config: ReconstructionConfig,
    training_cells: CellSet | None,
) -> Reconstruction:
    intensity_range = _range_of(model)
    targets = cells.images[k][some]
    images = model.generate(latents=found.latents, classes=[drawn_as])[0]
    difference = (to_unit(images, intensity_range) - to_unit(targets, intensity_range)) / 2
    name = cells.class_names[k]
    neighbours, neighbour_rmse = None, None
    if training_cells is not None:
        pooled = name not in training_cells.class_names
        known = training_cells.pool().images[0] if pooled else training_cells.subset([name]).images[0]
        matched = config.matched
        nearest = nearest_images(targets[:, matched], known[:, matched], 2, intensity_range=intensity_range[matched])
        # A cell that is itself among the training cells is to be compared with others.
        is_itself = (known[nearest.indices[:, 0]] == targets).all(axis=(1, 2, 3)) & (nearest.flips[:, 0] == 0)
        which = np.arange(len(targets)), is_itself.astype(int)
        neighbours = np.stack(
            [
                flipped(known[index], flip)
                for index, flip in zip(nearest.indices[which], nearest.flips[which], strict=True)
            ]
        )
        # Where there is no other, it is not known.
        alone = is_itself & (len(known) == 1)
        neighbour_rmse = np.where(alone, np.float32(np.nan), nearest.distances[which])
    return Reconstruction(
        targets=targets,
        images=images,
        latents=found.latents,
        rmse=np.sqrt(np.square(difference).mean(axis=(2, 3))),
        start_errors=found.errors,
        nll=negative_log_density(torch.from_numpy(found.latents)).numpy(),
        class_names=(name,) * len(targets),
        features=cells.features[k].iloc[some].reset_index(drop=True),
        neighbours=neighbours,
        neighbour_rmse=neighbour_rmse,
        intensity_range=intensity_range,
        channel_names=tuple(cells.channel_names),
        pixel_size=cells.pixel_size,
        config=config,
        is_complete=True,
    )


class _Progress:
    """How far the search is, and how long the rest will take."""

    def __init__(self, cells: int) -> None:
        self._cells, self._done = cells, 0
        self._started = time.monotonic()

    def note(self, cells: int) -> None:
        self._done += cells

    def event(self, more: float) -> Searching:
        part = (self._done + more) / self._cells
        took = time.monotonic() - self._started
        left = took * (1 - part) / part if part > ESTIMATE_AFTER else None
        return Searching(self._done, self._cells, part, left)
