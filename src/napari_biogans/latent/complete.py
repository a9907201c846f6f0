"""All the proteins in one cell: every class's green for the red of a real one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells import CellSet, to_unit
from napari_biogans.cells.neighbours import never
from napari_biogans.latent.completions import Completion
from napari_biogans.latent.errors import LatentError
from napari_biogans.latent.reconstruct import CellsDone, Searching, iterate_reconstruction, on_device, run_to_end
from napari_biogans.latent.settings import make_reconstruction_config
from napari_biogans.models import Model
from napari_biogans.stopping import stopped_by_interrupt
from napari_biogans.training.devices import chosen_threads

PRIOR = 1e-6
"""Of the search for red latents: greens that were not seen mean something for plausible latents only."""


@dataclass(frozen=True)
class Drawing:
    """Red latents are found; the greens of all classes are drawn for them."""

    done: int
    """Cells that are done."""
    cells: int
    """Cells in all."""


Completing = Generator[Searching | CellsDone | Drawing, None, Completion]


def refusal(model: Model) -> str | None:
    """Say why a model cannot draw the greens of all its classes for a red that is given; None if it can."""
    if model.red_latent_size is not None and (model.architecture.shares_red or len(model.class_names) == 1):
        return None
    return (
        "Greens of all classes for one red take a model whose classes share red, star-shaped or "
        f"multi-channel-separable; this one is {model.architecture.name}."
    )


def iterate_completion(
    model: Model,
    cells: CellSet,
    *,
    draws: int = 32,
    match_green: bool = False,
    seed: int = 0,
    should_stop: Callable[[], bool] = never,
    **settings: Any,
) -> Completing:
    """Complete cells, yielding how far it is.

    Parameters
    ----------
    model, cells, draws, match_green, seed, **settings
        As for `complete`.
    should_stop : callable
        Asked after every step of the search; then greens are drawn for the
        cells that were found. If all were, asked before those of each further
        cell.

    Yields
    ------
    Searching, CellsDone or Drawing

    Returns
    -------
    Completion

    Raises
    ------
    LatentError
        As `complete`.
    LatentStoppedError
        If it was stopped before the red latents of the first cells were found.
    """
    if problem := refusal(model):
        raise LatentError(problem)
    if draws < 2:
        raise LatentError(f"At least two draws are needed to know how much they differ, not {draws}.")
    size = model.red_latent_size
    mode = "red-first" if match_green else "red-only"
    config = make_reconstruction_config(**{"prior": PRIOR, "seed": seed, **settings, "mode": mode})
    found = yield from iterate_reconstruction(model, cells, config, should_stop=should_stop)
    moved = on_device(model, config)
    greens = model.draw_latents(draws, seed=seed)[:, size:]
    means: list[NDArray[np.float32]] = []
    stds: list[NDArray[np.float32]] = []
    for latents in found.latents:
        # Stopped in the search, it is brought to the end with the cells that were found.
        if means and found.is_complete and should_stop():
            break
        whole = np.concatenate([np.repeat(latents[None, :size], draws, axis=0), greens], axis=1)
        with chosen_threads():
            unit = _greens(moved, whole)
        means.append(unit.mean(axis=1))
        stds.append(unit.std(axis=1, ddof=1))
        yield Drawing(len(means), len(found))
    done = slice(len(means))
    return Completion(
        targets=found.targets[done],
        mean=np.stack(means, axis=1),
        std=np.stack(stds, axis=1),
        class_names=model.class_names,
        own_classes=found.class_names[done],
        latents=found.latents[done],
        matched=_greens(moved, found.latents[done]) if match_green else None,
        red_rmse=found.rmse[done, 0],
        intensity_range=found.intensity_range,
        draws=draws,
        pixel_size=found.pixel_size,
        is_complete=found.is_complete and len(means) == len(found),
    )


def complete(
    model: Model,
    cells: CellSet,
    *,
    draws: int = 32,
    match_green: bool = False,
    seed: int = 0,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[Searching | CellsDone | Drawing], object] | None = None,
    **settings: Any,
) -> Completion:
    """Draw, for the red of real cells, the green of every class that a model knows.

    The red latent of each cell is found first, by its red alone; then the
    greens of all classes are drawn for it from many green latents.

    Parameters
    ----------
    model : Model
        Whose classes share red: star-shaped, multi-channel-separable; or a
        separable one for a single class.
    cells : CellSet
        Of any class: of cells of a class that the model draws, the error of
        that class's green is known.
    draws : int
        Green latents for each cell, at least 2. The k-th latent of the same
        seed is the same for all cells.
    match_green : bool
        Find, for each cell, the green latent for its own green too, and draw
        all classes from it once. All classes of the cells have to be known to
        the model. What such a latent means for other classes is as it
        happened to turn out: no training ever sees two greens of one cell.
    seed : int
        Of the green latents and of the search.
    progress, should_stop, on_event
        As for `reconstruct`.
    **settings
        Fields of `ReconstructionConfig`, but the mode; the prior is 1e-6
        unless another is given.

    Returns
    -------
    Completion

    Raises
    ------
    LatentError
        If the model cannot draw greens for a given red, or the cells or the
        settings do not fit.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, section 4.2.

    Examples
    --------
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> shape = NetworkShape(image_size=(24, 40), width=4, latent_size=8, classes=3)
    >>> model = untrained_model(shape, "star-shaped")
    >>> drawn = model.as_cells(model.generate(2, seed=0))
    >>> result = complete(model, drawn, draws=4, steps=5, device="cpu", progress=False)
    >>> result.mean.shape
    (3, 6, 1, 24, 40)
    """
    with stopped_by_interrupt(should_stop) as stop:
        completing = iterate_completion(
            model, cells, draws=draws, match_green=match_green, seed=seed, should_stop=stop, **settings
        )
        return run_to_end(completing, len(cells), progress=progress, on_event=on_event)


def _greens(model: Model, latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """Draw the greens (K, N, C - 1, H, W) of all classes, on [0, 1]."""
    intensity_range = np.array(model.header.intensity_range, np.float32)
    greens: NDArray[Any] = (to_unit(model.generate(latents=latents), intensity_range)[:, :, 1:] + 1) / 2
    return greens
