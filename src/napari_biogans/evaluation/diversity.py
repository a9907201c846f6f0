"""Whether a model draws many greens for one red, or always the same: mode collapse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells import CellSet
from napari_biogans.cells.green_spread import (
    CELLS_SEARCHED,
    Floats,
    NeighbourSpread,
    neighbour_spread,
    spread_at_fixed_red,
    spread_ratio,
)
from napari_biogans.evaluation.fitting import cells_of_model
from napari_biogans.models import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Method = Literal["fixed red", "nearest reds"]

# Ratios of drawn to real spread below which greens are said to vary too little, and above which too much.
COLLAPSED = 0.3
NARROW = 0.7
WIDE = 1.4
DRAWN_AT_A_TIME = 64
REAL_COLOUR, DRAWN_COLOUR = "#0072b2", "#e69f00"
"""Of Okabe and Ito (Color Universal Design, 2008), which nearly all can tell apart."""
WIDTH_INCHES = 6.4
CLASS_INCHES = 0.4
REST_INCHES = 1.2
"""Of axis, title and legend."""


@dataclass(frozen=True, eq=False)
class Diversity:
    """How much the greens of a model differ for one red, beside real cells.

    `diversity` makes it; printing it shows a table with a verdict for each
    class. All spreads are root mean square differences of intensities on
    [0, 1], and NaN for a class with fewer than two different cells.

    Parameters
    ----------
    class_names : tuple of str
        The K classes of the model.
    drawn : array (K,)
        Spread of the greens that were drawn.
    real : array (K,)
        Spread of the greens of real cells and the cells nearest in red.
    drawn_red_difference, red_difference : array (K,)
        How far reds were from being the same, among the drawn cells (0 where
        red was held) and among the real ones.
    method : {"fixed red", "nearest reds"}
        Whether greens were drawn for the same red, or drawn cells were
        compared with the ones nearest in red, as real ones are.
    """

    class_names: tuple[str, ...]
    drawn: Floats
    real: Floats
    drawn_red_difference: Floats
    red_difference: Floats
    method: Method

    @property
    def ratio(self) -> Floats:
        """Drawn divided by real spread, (K,); NaN where the real one is 0 or not known."""
        return spread_ratio(self.drawn, self.real)

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What the ratio of each class means, in words."""
        where = "for one red" if self.method == "fixed red" else "among reds that are alike"
        return tuple(_verdict(ratio, where) for ratio in self.ratio)

    def __str__(self) -> str:
        width = max(len("class"), *map(len, self.class_names))
        lines = [
            f"Spread of green ({self.method}), as RMS difference of intensities (range = 1):",
            f"{'class':{width}}  drawn   real  drawn/real",
        ]
        rows = zip(self.class_names, self.drawn, self.real, self.ratio, self.verdicts, strict=True)
        lines += [
            f"{name:{width}}  {drawn:5.3f}  {real:5.3f}  {ratio:10.2f}  {verdict}"
            for name, drawn, real, ratio, verdict in rows
        ]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Put everything into a table.

        Returns
        -------
        pandas.DataFrame
            One row per class: `class`, `drawn`, `real`, `ratio`,
            `drawn_red_difference`, `red_difference` and `method`.
        """
        return pd.DataFrame(
            {
                "class": self.class_names,
                "drawn": self.drawn,
                "real": self.real,
                "ratio": self.ratio,
                "drawn_red_difference": self.drawn_red_difference,
                "red_difference": self.red_difference,
                "method": self.method,
            }
        )

    def plot(self) -> Figure:
        """Draw the spreads of each class as two bars.

        Returns
        -------
        matplotlib.figure.Figure
            To be saved with `savefig`; no screen is needed.
        """
        from matplotlib.figure import Figure

        count = len(self.class_names)
        size = WIDTH_INCHES, REST_INCHES + CLASS_INCHES * count
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        places = np.arange(count)
        how = "for one red" if self.method == "fixed red" else "nearest in red"
        for spreads, shift, colour, label in (
            (self.drawn, -0.2, DRAWN_COLOUR, f"drawn, {how}"),
            (self.real, 0.2, REAL_COLOUR, "real, nearest in red"),
        ):
            axes.barh(places + shift, spreads, height=0.4, color=colour, label=label)
        axes.set_yticks(places, self.class_names)
        axes.set_ylim(count - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel("RMS difference of green intensity (range = 1)")
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside upper left", ncols=2, frameon=False)
        return figure


def diversity(model: Model, cells: CellSet, *, reds: int = 64, greens_per_red: int = 8, seed: int = 0) -> Diversity:
    """Measure how much the greens that a model draws for one red differ, beside those of real cells.

    A separable model may learn to ignore the green latent, and draw the same
    green for every latent once red is held; the paper's did [1]_. Its cells
    look right all the same. Here greens are drawn for the same red, and the
    root mean square difference of two of them is compared with that of two
    real cells. Of real cells no two have the same red; each is compared with
    the one whose red is nearest.

    So the real spread holds what is left of differences of red
    (`red_difference`) and the noise of the camera, which green latents need
    not give: it is an upper bound of how much real greens differ at the same
    red. A ratio of 1 is not to be expected exactly, and in a class whose green
    follows from red a small one is right. A ratio near 0 is a model that draws
    one green for each red.

    Models that cannot hold red are looked at as the real cells are: each drawn
    cell is compared with the nearest in red of as many drawn cells as there
    are real ones.

    Parameters
    ----------
    model : Model
    cells : CellSet
        Real cells, of the size of the model's and of its classes, which are
        found by name. Up to 2000 cells of each class, chosen at random, are
        searched for neighbours. Intensities are scaled by the model's range.
    reds : int
        How many reds are drawn, at least 1.
    greens_per_red : int
        How many greens are drawn for each of them, at least 2.
    seed : int
        Of the latents and of the choice of cells.

    Returns
    -------
    Diversity

    Raises
    ------
    ValueError
        If the cells do not fit the model, or there is nothing to compare; the
        message says what to do.

    References
    ----------
    .. [1] A. Osokin, A. Chessel, R. E. Carazo Salas and F. Vaggi, "GANs for
       Biological Image Synthesis", ICCV 2017.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_cells
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> cells = simulate_cells(20, classes=["nucleus"], all_greens=False).cells
    >>> model = untrained_model(NetworkShape(image_size=(48, 80), width=4), "joint-separable")
    >>> found = diversity(model, cells)
    >>> print(found)
    Spread of green (fixed red), as RMS difference of intensities (range = 1):
    class    drawn   real  drawn/real
    class 1  0.001  0.062        0.02  greens hardly vary for one red (mode collapse)
    >>> found.to_frame().columns.tolist()
    ['class', 'drawn', 'real', 'ratio', 'drawn_red_difference', 'red_difference', 'method']
    """
    given: tuple[object, object] = (model, cells)
    if not isinstance(given[0], Model) or not isinstance(given[1], CellSet):
        raise ValueError("Give a model, which load_model opens, and then real cells, which read_cells reads.")
    if reds < 1:
        raise ValueError(f"The number of reds to draw is at least 1, not {reds}.")
    if greens_per_red < 2:
        raise ValueError(f"At least two greens for each red are needed to compare them, not {greens_per_red}.")
    intensity_range = np.array(model.header.intensity_range, np.float32)
    cells = replace(cells_of_model(model, cells), intensity_range=intensity_range)
    pooled = model.architecture.pools_classes
    # Without flips in its training, a model has learned cells that a flip makes wrong ones of.
    flips = bool(model.header.training.get("flips", True))
    real = neighbour_spread(cells, pooled=pooled, flips=flips, seed=seed)
    method: Method
    if model.red_latent_size is not None:
        method = "fixed red"
        groups = _greens_of_one_red(model, reds, greens_per_red, seed)
        green = spread_at_fixed_red(groups, intensity_range)
        drawn = NeighbourSpread(green, np.zeros_like(green))
    else:
        method = "nearest reds"
        counts = (len(cells),) if pooled else cells.counts
        drawn = neighbour_spread(_as_many(model, counts, seed), flips=flips, seed=seed)
    return Diversity(model.class_names, drawn.green, real.green, drawn.red, real.red, method)


def _greens_of_one_red(model: Model, reds: int, greens_per_red: int, seed: int) -> Iterator[NDArray[Any]]:
    """Draw groups (K, G, C, H, W) of cells, each of one red."""
    latents = model.draw_latents(reds, seed=seed, greens_per_red=greens_per_red)
    reds_at_a_time = max(1, DRAWN_AT_A_TIME // greens_per_red)
    for start in range(0, reds, reds_at_a_time):
        some = latents[start * greens_per_red : (start + reds_at_a_time) * greens_per_red]
        yield from np.split(model.generate(latents=some), len(some) // greens_per_red, axis=1)


def _as_many(model: Model, counts: tuple[int, ...], seed: int) -> CellSet:
    """Draw as many cells of each class as there are real ones, or as are searched for neighbours."""
    counts = tuple(min(count, CELLS_SEARCHED) for count in counts)
    latents = model.draw_latents(max(counts), seed=seed)
    blocks = [
        model.generate(latents=latents[start : start + DRAWN_AT_A_TIME])
        for start in range(0, len(latents), DRAWN_AT_A_TIME)
    ]
    return model.as_cells(np.concatenate(blocks, axis=1)).subset(indices=[slice(count) for count in counts])


def _verdict(ratio: float, where: str) -> str:
    if np.isnan(ratio):
        return "nothing to compare with: too few real cells, or their greens are all the same"
    if ratio < COLLAPSED:
        return f"greens hardly vary {where} (mode collapse)"
    if ratio < NARROW:
        return f"greens vary less {where} than real ones"
    if ratio < WIDE:
        return "greens vary about as much as real ones"
    return "greens vary more than real ones"
