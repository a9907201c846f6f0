"""The cell cycle: real cells in the order of their age, and the way between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from napari_biogans.cells import CellSet, to_unit
from napari_biogans.cells.neighbours import flipped, nearest_images, never
from napari_biogans.latent.complete import PRIOR
from napari_biogans.latent.errors import LatentError, LatentStoppedError
from napari_biogans.latent.interpolate import Way, interpolate
from napari_biogans.latent.measure import measure_cells
from napari_biogans.latent.paths import LatentPath
from napari_biogans.latent.reconstruct import CellsDone, Searching, check_cells, reconstruct
from napari_biogans.latent.results import Reconstruction, joined
from napari_biogans.models import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDS = (0.02, 0.98)
"""Quantiles of the feature between which the stages lie."""
CANDIDATES = 20
"""Cells near each stage, at most, out of which those most like that of the stage before are rebuilt."""
LARGEST_DISTANCE = 0.25
"""Of a cell from its stage, in steps from stage to stage; the nearest cell is taken even if it is further off."""
UNIT = np.array([[0, 1]], np.float32)
SHORTLIST = 4
"""Cells that are rebuilt for each stage, of which the one that the model draws best is kept."""


@dataclass(frozen=True, eq=False)
class CellCycle:
    """Real cells by stage, and what a model draws on the way from one to the next.

    Parameters
    ----------
    way : LatentPath
        Its keys are the stages.
    stages : Reconstruction
        The real cell of each stage, flipped to stand like the one before, and
        what the model made of it; in the order of the stages.
    values : array (M,)
        The feature of the cell of each stage.
    order_by : str
        Name of the feature.
    """

    way: LatentPath
    stages: Reconstruction
    values: NDArray[np.float64]
    order_by: str

    def to_frame(self) -> pd.DataFrame:
        """Give one row per stage.

        Returns
        -------
        pandas.DataFrame
            `stage`, `frame` of the way, the feature, and what
            `Reconstruction.to_frame` tells of the cell.
        """
        table = self.stages.to_frame()
        table = table.drop(columns=[name for name in (self.order_by, "stage", "frame") if name in table])
        table.insert(0, "stage", np.arange(len(table)))
        table.insert(1, "frame", self.way.keys)
        table.insert(2, self.order_by, self.values)
        return table

    def plot(self) -> Figure:
        """Draw the real cell of each stage, and below it what the model draws of all classes.

        Returns
        -------
        matplotlib.figure.Figure
        """
        # The module that draws results imports this one.
        from napari_biogans.latent.figures import cycle_figure

        return cycle_figure(self)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the stages and the way between them into a folder.

        Parameters
        ----------
        folder : path-like
            Made if it is missing; files of the same names are replaced.

        Returns
        -------
        list of pathlib.Path
            What `LatentPath.save` writes; `cell-cycle.png` and `.svg`; and in
            `stages/` what `Reconstruction.save` writes.
        """
        from napari_biogans.evaluation.report import save_figure

        folder = Path(folder)
        paths = [*self.way.save(folder), *save_figure(self.plot(), folder / "cell-cycle")]
        return paths + self.stages.save(folder / "stages")

    def __str__(self) -> str:
        low, high = self.values[[0, -1]]
        # The first line of the stages tells of the settings of the first of them.
        _, *errors = str(self.stages).splitlines()
        head = f"{len(self.values)} stages by {self.order_by}, from {low:.4g} to {high:.4g}; {len(self.way)} frames"
        return "\n".join([head, *errors])

    __repr__ = __str__


def cell_cycle(
    model: Model,
    cells: CellSet,
    *,
    order_by: str = "length",
    stages: int = 6,
    frames: int = 120,
    way: Way = "spherical",
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[Searching | CellsDone], object] | None = None,
    **settings: Any,
) -> CellCycle:
    """Rebuild real cells of each stage of the cell cycle, and draw the way from one to the next.

    Stages are at equal steps of a feature that grows with age, between its
    2nd and 98th percentile. Of up to 20 cells that are near to a stage, the
    four whose red is most like that of the stage before are rebuilt, flipped
    as they fit best, since cells lie in the pictures in every way; and the one
    that is rebuilt best, for its contrast, is taken.

    Parameters
    ----------
    model : Model
    cells : CellSet
        Real cells, as many as there are stages at least.
    order_by : str
        A column of the cells' features; or `length`, `width`, `area` or
        `mean_CHANNEL`, which are measured (`measure_cells`) where the features
        do not have them.
    stages, frames : int
        Real cells that are rebuilt, at least 2; and frames in all.
    way : {"spherical", "linear"}
        From stage to stage, as for `interpolate`.
    progress, should_stop, on_event
        As for `reconstruct`.
    **settings
        Fields of `ReconstructionConfig`. Where the classes of a model share
        red, the mode is red-only unless another is given, and all stages get
        one green latent, so that greens change with red alone; the prior is
        1e-6 unless another is given.

    Returns
    -------
    CellCycle

    Raises
    ------
    LatentError
        If the cells or the settings do not fit, or the feature is unknown.
    LatentStoppedError
        If it was stopped before all stages were rebuilt.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, figure 7.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_cells
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> cells = simulate_cells(30, classes=["tips"], size=(24, 40), all_greens=False).cells
    >>> model = untrained_model(NetworkShape(image_size=(24, 40), width=4, latent_size=8), "joint-separable")
    >>> cycle = cell_cycle(model, cells, stages=3, frames=9, steps=3, device="cpu", progress=False)
    >>> cycle.way.keys.tolist(), bool((np.diff(cycle.values) > 0).all())
    ([0, 4, 8], True)
    """
    if stages < 2 or len(cells) < stages:
        raise LatentError(f"There are at least 2 stages, and as many cells as stages; not {stages} and {len(cells)}.")
    if frames < stages:
        raise LatentError(f"{stages} stages need {stages} frames at least, not {frames}.")
    if way not in get_args(Way):
        raise LatentError(f"The way from stage to stage is {' or '.join(get_args(Way))}, not {way!r}.")
    check_cells(model, cells)
    holds_green = model.architecture.shares_red and model.red_latent_size is not None
    settings = {"prior": PRIOR, "mode": "red-only" if holds_green else "full", **settings}
    values = _feature(cells, order_by)
    found: list[Reconstruction] = []
    chosen: list[tuple[int, int]] = []
    with tqdm(total=stages, unit="stage", disable=not progress, dynamic_ncols=True) as bar:
        for shortlist in _shortlists(cells, values, stages):
            # Cells of a set stand class by class.
            shortlist.sort(key=lambda choice: choice.class_place)
            if found:
                # The way between latents that were found near each other goes through fewer other cells.
                before = np.repeat(found[-1].latents, len(shortlist), axis=0)
                settings |= {"start_from": before, "starts": 1}
            rebuilt = reconstruct(
                model,
                _as_cells(cells, shortlist),
                progress=False,
                should_stop=should_stop,
                on_event=on_event,
                **settings,
            )
            if not rebuilt.is_complete:
                raise LatentStoppedError("Stopped before all stages were rebuilt; there is no way between them yet.")
            best = int((rebuilt.error / _contrast(rebuilt)).argmin())
            found.append(rebuilt.take([best]))
            chosen.append((shortlist[best].class_place, shortlist[best].index))
            bar.update()
    kept = joined(found, is_complete=True)
    latents = kept.latents.copy()
    if settings["mode"] == "red-only":
        size = model.red_latent_size
        latents[:, size:] = model.draw_latents(1, seed=kept.config.seed)[:, size:]
    return CellCycle(
        way=interpolate(model, latents, frames=frames, mode=way),
        stages=kept,
        values=np.array([values[k][index] for k, index in chosen]),
        order_by=order_by,
    )


@dataclass(frozen=True)
class _Choice:
    """A cell of a set, and how it is flipped."""

    class_place: int
    index: int
    flip: int


def _feature(cells: CellSet, name: str) -> list[NDArray[np.float64]]:
    """Look the feature up, or measure it, for the cells of each class."""
    tables = cells.features
    if not all(name in table for table in tables):
        tables = tuple(
            measure_cells(
                images,
                intensity_range=cells.intensity_range,
                channel_names=cells.channel_names,
                pixel_size=cells.pixel_size,
            )
            for images in cells.images
        )
    if name not in tables[0]:
        known = dict.fromkeys([*cells.features[0].select_dtypes("number"), *tables[0]])
        raise LatentError(f"The cells have no feature {name!r}; order them by {', '.join(map(str, known))}.")
    values = [pd.to_numeric(table[name], errors="coerce").to_numpy(float) for table in tables]
    if not np.isfinite(np.concatenate(values)).any():
        raise LatentError(f"The feature {name!r} has no numbers to order cells by.")
    return values


def _shortlists(cells: CellSet, values: list[NDArray[np.float64]], stages: int) -> Iterator[list[_Choice]]:
    every = np.concatenate(values)
    places = [(k, index) for k, of_class in enumerate(values) for index in range(len(of_class))]
    left = np.isfinite(every)
    if left.sum() < stages:
        raise LatentError(f"Only {left.sum()} cells have a number to order them by, for {stages} stages.")
    before: NDArray[Any] | None = None
    low, high = (float(np.quantile(every[left], end)) for end in ENDS)
    for wanted in np.linspace(low, high, stages):
        distance = np.where(left, np.abs(every - wanted), np.inf)
        within = max(1, np.count_nonzero(distance <= LARGEST_DISTANCE * (high - low) / (stages - 1)))
        near = np.argsort(distance, kind="stable")[: min(CANDIDATES, within)]
        reds = _as_bright(np.stack([cells.images[places[place][0]][places[place][1], :1] for place in near]))
        nearest = nearest_images(reds[:1] if before is None else before[None], reds, SHORTLIST, intensity_range=UNIT)
        # Where there are fewer, they are repeated.
        flips = dict(zip(nearest.indices[0].tolist(), nearest.flips[0].tolist(), strict=True))
        yield [_Choice(*places[near[place]], flip) for place, flip in flips.items()]
        left[near[list(flips)]] = False
        first, flip = next(iter(flips.items()))
        before = flipped(reds[first], flip)


def _as_bright(reds: NDArray[Any]) -> NDArray[np.float32]:
    """Make all reds (N, 1, H, W) as bright as each other, since pale ones differ little from anything."""
    low, high = (end(reds, axis=(1, 2, 3), keepdims=True).astype(np.float32) for end in (np.min, np.max))
    scaled: NDArray[np.float32] = (reds - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
    return scaled


def _contrast(rebuilt: Reconstruction) -> NDArray[np.float32]:
    """Tell how much there is to be rebuilt of each cell: a pale one has a small error in any case."""
    unit = to_unit(rebuilt.targets, rebuilt.intensity_range)[:, rebuilt.config.matched]
    contrast: NDArray[np.float32] = np.maximum(unit.std(axis=(1, 2, 3)), np.finfo(np.float32).tiny)
    return contrast


def _as_cells(cells: CellSet, chosen: list[_Choice]) -> CellSet:
    """Make a set of chosen cells, which come class by class."""
    classes = list(dict.fromkeys(choice.class_place for choice in chosen))
    of_classes = [[choice for choice in chosen if choice.class_place == k] for k in classes]
    return CellSet(
        [
            np.stack([flipped(cells.images[choice.class_place][choice.index], choice.flip) for choice in some])
            for some in of_classes
        ],
        [cells.class_names[k] for k in classes],
        cells.channel_names,
        cells.pixel_size,
        cells.intensity_range,
        [
            cells.features[k].iloc[[choice.index for choice in some]].reset_index(drop=True)
            for k, some in zip(classes, of_classes, strict=True)
        ],
    )
