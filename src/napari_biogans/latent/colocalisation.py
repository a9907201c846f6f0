"""How much proteins that were never imaged together overlap in one cell, as a model has it."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells import CellSet, to_unit
from napari_biogans.cells.neighbours import never
from napari_biogans.files import replacing
from napari_biogans.latent.complete import PRIOR, Drawing, refusal
from napari_biogans.latent.errors import LatentError
from napari_biogans.latent.reconstruct import CellsDone, Searching, iterate_reconstruction, on_device, run_to_end
from napari_biogans.latent.settings import make_reconstruction_config
from napari_biogans.models import Model
from napari_biogans.stopping import stopped_by_interrupt
from napari_biogans.training.devices import chosen_threads

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMOOTHING = 1.0
"""Standard deviation, in pixels, of the filter before the threshold that parts a cell from what is around it."""
ASSUMPTION = (
    "Two greens of one cell were never seen together. They are drawn as if, red being given, they did not depend on "
    "each other: each class has green latents of its own. What is told is the overlap that follows from where each "
    "protein is in cells of this red; an interaction that red does not show is not in it."
)
SHARED_LATENT = (
    "All classes are drawn from the same green latent, as this model has no others; how that makes greens go together "
    "was not learned from cells that showed both."
)


@dataclass(frozen=True, eq=False)
class Colocalisation:
    """Overlap of the greens of all pairs of classes, over cells and draws.

    Parameters
    ----------
    pearson : array (K, K, N, D)
        Pearson's correlation of the intensities of two classes within the
        cell, for each of N cells and D draws; NaN where one is flat.
    manders : array (K, K, N, D)
        Manders' coefficient: the part of the light of the first class, within
        the cell, that is where the second is above its threshold (Otsu's).
    class_names : tuple of str
        The K classes.
    assumption : str
        What the numbers rest on.
    is_complete : bool
        Whether all cells that were asked for are there.
    """

    pearson: NDArray[np.float64]
    manders: NDArray[np.float64]
    class_names: tuple[str, ...]
    assumption: str
    is_complete: bool

    def to_frame(self) -> pd.DataFrame:
        """Give one row per ordered pair of classes.

        Returns
        -------
        pandas.DataFrame
            `a`, `b`; `pearson`, the mean over cells and draws, with
            `pearson_over_draws`, the standard deviation over the draws of a
            cell, and `pearson_over_cells`, that of the cells' means; and the
            same of `manders`, the part of a's light where b is.
        """
        rows = []
        for a, b in permutations(range(len(self.class_names)), 2):
            row: dict[str, Any] = {"a": self.class_names[a], "b": self.class_names[b]}
            for name, values in (("pearson", self.pearson[a, b]), ("manders", self.manders[a, b])):
                row |= _summary(name, values)
            rows.append(row)
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Draw a table of either number in colours, with its spread over draws.

        Returns
        -------
        matplotlib.figure.Figure
        """
        # The module that draws results imports this one.
        from napari_biogans.latent.figures import colocalisation_figure

        return colocalisation_figure(self)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the table and the figure into a folder.

        Parameters
        ----------
        folder : path-like
            Made if it is missing; files of the same names are replaced.

        Returns
        -------
        list of pathlib.Path
            `colocalisation.csv`, `.png` and `.svg`.
        """
        from napari_biogans.evaluation.report import save_figure

        folder = Path(folder)
        table = folder / "colocalisation.csv"
        with replacing(table) as temporary:
            self.to_frame().to_csv(temporary, index=False)
        return [table, *save_figure(self.plot(), folder / "colocalisation")]

    def __str__(self) -> str:
        cells, draws = self.pearson.shape[2:]
        lines = [f"Overlap of {len(self.class_names)} proteins in {cells:,} cells, {draws} draws each"]
        for row in self.to_frame().itertuples():
            lines.append(
                f"{row.a} with {row.b}: Pearson {row.pearson:.2f} ± {row.pearson_over_draws:.2f} over draws, "
                f"± {row.pearson_over_cells:.2f} over cells; "
                f"{row.manders:.0%} of the light of {row.a} is where {row.b} is"
            )
        if not self.is_complete:
            lines.append("NOT COMPLETE: it was stopped")
        return "\n".join([*lines, self.assumption])

    __repr__ = __str__


def colocalisation(
    model: Model,
    cells: CellSet,
    *,
    draws: int = 32,
    seed: int = 0,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[Searching | CellsDone | Drawing], object] | None = None,
    **settings: Any,
) -> Colocalisation:
    """Tell how much the greens of different classes overlap in real cells, of which each showed one at most.

    The red latent of each cell is found by its red; then the greens of all
    classes are drawn for it many times, each class from green latents of its
    own where the model can (star-shaped), and compared pixel by pixel within
    the cell: where the sum of red and the mean greens is above a threshold of
    least cross entropy.

    Parameters
    ----------
    model : Model
        Of several classes that share red: star-shaped, multi-channel-separable.
    cells : CellSet
        Of any class.
    draws : int
        Green latents of each class for each cell, at least 2.
    seed : int
        Of the green latents and of the search.
    progress, should_stop, on_event
        As for `reconstruct`; the cells that are compared when it is stopped
        come back.
    **settings
        Fields of `ReconstructionConfig`, but the mode; the prior is 1e-6
        unless another is given.

    Returns
    -------
    Colocalisation

    Raises
    ------
    LatentError
        If the model cannot draw greens for a given red or has one class, or
        the cells or the settings do not fit.

    References
    ----------
    Manders, Verbeek, Aten, Measurement of co-localization of objects in
    dual-colour confocal images, J. Microscopy 169:375, 1993. Dunn, Kamocka,
    McDonald, A practical guide to evaluating colocalization in biological
    microscopy, Am. J. Physiol. Cell Physiol. 300:C723, 2011.

    Examples
    --------
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> shape = NetworkShape(image_size=(24, 40), width=4, latent_size=8, classes=3)
    >>> model = untrained_model(shape, "star-shaped")
    >>> drawn = model.as_cells(model.generate(2, seed=0))
    >>> result = colocalisation(model, drawn, draws=4, steps=5, device="cpu", progress=False)
    >>> result.pearson.shape, len(result.to_frame())
    ((3, 3, 6, 4), 6)
    """
    if problem := refusal(model):
        raise LatentError(problem)
    if len(model.class_names) < 2:
        raise LatentError("Overlap is told of two classes or more; this model draws one.")
    if draws < 2:
        raise LatentError(f"At least two draws are needed to know how much they differ, not {draws}.")
    with stopped_by_interrupt(should_stop) as stop:
        comparing = _iterate(model, cells, draws, seed, stop, settings)
        return run_to_end(comparing, len(cells), progress=progress, on_event=on_event)


def _iterate(
    model: Model, cells: CellSet, draws: int, seed: int, should_stop: Callable[[], bool], settings: dict[str, Any]
) -> Generator[Searching | CellsDone | Drawing, None, Colocalisation]:
    """Compare greens, yielding how far it is."""
    size = model.red_latent_size
    per_class = model.architecture.green_latent_per_class
    config = make_reconstruction_config(**{"prior": PRIOR, "seed": seed, **settings, "mode": "red-only"})
    found = yield from iterate_reconstruction(model, cells, config, should_stop=should_stop)
    moved = on_device(model, config)
    greens = model.draw_latents(draws, seed=seed, green_latents="per-class" if per_class else "shared")
    shape = (len(model.class_names), len(model.class_names), len(found), draws)
    pearson, manders = np.full(shape, np.nan), np.full(shape, np.nan)
    done = 0
    for latent in found.latents:
        # Stopped in the search, it is brought to the end with the cells that were found.
        if done and found.is_complete and should_stop():
            break
        greens[..., :size] = latent[:size]
        with chosen_threads():
            unit: NDArray[Any] = (to_unit(moved.generate(latents=greens), found.intensity_range) + 1) / 2
        inside = _inside(unit)
        for draw in range(draws):
            pearson[:, :, done, draw], manders[:, :, done, draw] = overlap_of(unit[:, draw, 1], inside)
        done += 1
        yield Drawing(done, len(found))
    return Colocalisation(
        pearson[:, :, :done],
        manders[:, :, :done],
        model.class_names,
        ASSUMPTION if per_class else SHARED_LATENT,
        found.is_complete and done == len(found),
    )


def _inside(unit: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell where the cell is, by the images of all its classes and draws (K, D, C, H, W)."""
    from skimage.filters import gaussian, threshold_li

    light = gaussian(unit[0, 0, 0] + unit[:, :, 1].mean(axis=(0, 1)), SMOOTHING)
    inside: NDArray[np.bool_] = light > threshold_li(light)
    return inside


def overlap_of(
    greens: NDArray[np.float32], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compare the greens (K, H, W) of one cell in pairs."""
    # They load much of SciPy, which nothing else here needs.
    from skimage.filters import threshold_otsu
    from skimage.measure import manders_coloc_coeff, pearson_corr_coeff

    count = len(greens)
    pearson, manders = np.eye(count), np.eye(count)
    varies = [np.ptp(green[inside]) > 0 for green in greens]
    present = [
        green > threshold_otsu(green[inside]) if vary else None for green, vary in zip(greens, varies, strict=True)
    ]
    for a, b in permutations(range(count), 2):
        if not (varies[a] and varies[b]):
            pearson[a, b] = manders[a, b] = np.nan
            continue
        manders[a, b] = manders_coloc_coeff(greens[a], present[b], mask=inside)
        pearson[a, b] = pearson[b, a] if b < a else pearson_corr_coeff(greens[a], greens[b], mask=inside)[0]
    return pearson, manders


def _summary(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """Give the mean over cells and draws (N, D), and the spread over either."""
    known = values[np.isfinite(values).all(axis=1)]
    if not len(known):
        return dict.fromkeys((name, f"{name}_over_draws", f"{name}_over_cells"), np.nan)
    means = known.mean(axis=1)
    return {
        name: float(means.mean()),
        f"{name}_over_draws": float(known.std(axis=1, ddof=1).mean()),
        f"{name}_over_cells": float(means.std(ddof=1)) if len(means) > 1 else np.nan,
    }
