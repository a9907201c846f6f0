"""All the proteins in one cell: every class's green for the red of a real one."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells import CellSet, to_unit
from napari_biogans.cells.neighbours import never
from napari_biogans.evaluation.report import save_figure
from napari_biogans.files import replacing
from napari_biogans.latent.errors import LatentError
from napari_biogans.latent.reconstruct import CellsDone, Searching, iterate_reconstruction, run_to_end
from napari_biogans.latent.settings import make_reconstruction_config
from napari_biogans.models import Model
from napari_biogans.training.devices import chosen_threads
from napari_biogans.training.train import stopped_by_interrupt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRIOR = 1e-6
"""Of the search for red latents: greens that were not seen mean something for plausible latents only."""
ASSUMPTION = (
    "What is drawn are greens that are likely for this red and this class, as the model has learned them; greens of "
    "different classes are taken to depend on each other by red, and by a green latent that they share, only."
)


@dataclass(frozen=True, eq=False)
class Completion:
    """Real cells with the greens of all classes, as a model draws them for their red.

    Parameters
    ----------
    targets : array (N, C, H, W)
        The real cells, in their own units.
    mean, std : array (K, N, C - 1, H, W), float32
        Of each class's green over the draws, on intensities of [0, 1].
    class_names : tuple of str
        The K classes that are drawn.
    own_classes : tuple of str
        Of the N cells.
    red_latents : array (N, red_latent_size)
    red_rmse : array (N,)
        How well red was matched, on [0, 1].
    intensity_range : array (C, 2)
    draws : int
    pixel_size : float, optional
        In µm.
    is_complete : bool
        Whether all cells that were asked for are there.
    """

    targets: NDArray[Any]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    class_names: tuple[str, ...]
    own_classes: tuple[str, ...]
    red_latents: NDArray[np.float32]
    red_rmse: NDArray[np.float32]
    intensity_range: NDArray[np.float32]
    draws: int
    pixel_size: float | None
    is_complete: bool

    def __len__(self) -> int:
        return len(self.targets)

    def to_frame(self) -> pd.DataFrame:
        """Give one row per cell.

        Returns
        -------
        pandas.DataFrame
            `class`; `red_rmse`; and for cells of a class that the model draws,
            whose green is known: `green_rmse` of the mean and `green_std`, the
            spread over the draws that the model expects, both root mean
            squares on [0, 1], and `green_correlation` of the mean with the
            truth. NaN for other cells.
        """
        truth = (to_unit(self.targets, self.intensity_range)[:, 1:] + 1) / 2
        rows = []
        for n, name in enumerate(self.own_classes):
            row = {"class": name, "red_rmse": float(self.red_rmse[n])}
            error = spread = correlation = np.nan
            if name in self.class_names:
                k = self.class_names.index(name)
                error = float(np.sqrt(np.square(self.mean[k, n] - truth[n]).mean()))
                spread = float(np.sqrt(np.square(self.std[k, n]).mean()))
                correlation = _correlation(self.mean[k, n], truth[n])
            rows.append({**row, "green_rmse": error, "green_std": spread, "green_correlation": correlation})
        return pd.DataFrame(rows)

    def plot(self, n: int = 8) -> Figure:
        """Draw real cells, and below each the mean green of every class on its red, and how much it varies.

        Parameters
        ----------
        n : int
            So many cells at most: the first ones of each class in turn.

        Returns
        -------
        matplotlib.figure.Figure
        """
        # The module that draws results imports this one.
        from napari_biogans.latent.figures import completion_figure

        return completion_figure(self, n)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the table, the means and spreads, and the figure into a folder.

        Parameters
        ----------
        folder : path-like
            Made if it is missing; files of the same names are replaced.

        Returns
        -------
        list of pathlib.Path
            `cells.csv`; `completions.npz` with `mean`, `std` (K, N, C - 1, H,
            W), `class_names`, `own_classes` and `red_latents`;
            `completions.png` and `.svg`.
        """
        folder = Path(folder)
        paths = [folder / "cells.csv", folder / "completions.npz"]
        with replacing(paths[0]) as temporary:
            self.to_frame().to_csv(temporary, index=False)
        arrays = {
            "mean": self.mean,
            "std": self.std,
            "class_names": np.array(self.class_names),
            "own_classes": np.array(self.own_classes),
            "red_latents": self.red_latents,
        }
        with replacing(paths[1]) as temporary:
            np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
        return paths + save_figure(self.plot(), folder / "completions")

    def __str__(self) -> str:
        table = self.to_frame()
        lines = [
            f"{len(self):,} cells completed with the greens of {', '.join(self.class_names)}, {self.draws} draws each",
            f"median RMSE of red on [0, 1]: {np.median(self.red_rmse):.4f}",
        ]
        for name, known in table.dropna().groupby("class", sort=False):
            lines.append(
                f"{name}: median RMSE of its own green {known['green_rmse'].median():.4f}, spread over draws "
                f"{known['green_std'].median():.4f}, correlation {known['green_correlation'].median():.2f}"
            )
        if not self.is_complete:
            lines.append("NOT COMPLETE: it was stopped")
        return "\n".join([*lines, ASSUMPTION])


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
    seed: int = 0,
    should_stop: Callable[[], bool] = never,
    **settings: Any,
) -> Completing:
    """Complete cells, yielding how far it is.

    Parameters
    ----------
    model, cells, draws, seed, **settings
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
    config = make_reconstruction_config(**{"prior": PRIOR, "seed": seed, **settings, "mode": "red-only"})
    found = yield from iterate_reconstruction(model, cells, config, should_stop=should_stop)
    greens = model.draw_latents(draws, seed=seed)[:, size:]
    means: list[NDArray[np.float32]] = []
    stds: list[NDArray[np.float32]] = []
    for latents in found.latents:
        # Stopped in the search, it is brought to the end with the cells that were found.
        if means and found.is_complete and should_stop():
            break
        whole = np.concatenate([np.repeat(latents[None, :size], draws, axis=0), greens], axis=1)
        with chosen_threads():
            drawn = model.generate(latents=whole)
        unit = (to_unit(drawn, found.intensity_range)[:, :, 1:] + 1) / 2
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
        red_latents=found.latents[done, :size],
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
        completing = iterate_completion(model, cells, draws=draws, seed=seed, should_stop=stop, **settings)
        return run_to_end(completing, len(cells), progress=progress, on_event=on_event)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Compute Pearson's correlation of two images; NaN where one is flat."""
    if a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
