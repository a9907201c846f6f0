"""What a completion found, in numbers, pictures and files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells import to_unit
from napari_biogans.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    latents : array (N, Z)
        Their red part is what was found for the red of each cell. The rest was
        found for its green, if it was asked to be matched; else it means
        nothing.
    matched : array (K, N, C - 1, H, W), float32, optional
        Each class's green from these latents, if greens were to be matched.
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
    latents: NDArray[np.float32]
    matched: NDArray[np.float32] | None
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
            truth; `matched_rmse` of the green that was matched, if it was to
            be. NaN for other cells.
        """
        truth = (to_unit(self.targets, self.intensity_range)[:, 1:] + 1) / 2
        rows = []
        for n, name in enumerate(self.own_classes):
            row = {"class": name, "red_rmse": float(self.red_rmse[n])}
            error = spread = correlation = matched = np.nan
            if name in self.class_names:
                k = self.class_names.index(name)
                error = _root_mean_square(self.mean[k, n] - truth[n])
                spread = _root_mean_square(self.std[k, n])
                correlation = _correlation(self.mean[k, n], truth[n])
                if self.matched is not None:
                    matched = _root_mean_square(self.matched[k, n] - truth[n])
            row |= {"green_rmse": error, "green_std": spread, "green_correlation": correlation}
            rows.append(row if self.matched is None else {**row, "matched_rmse": matched})
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
            W), `class_names`, `own_classes` and `latents`, and `matched`
            where greens were matched; `completions.png` and `.svg`.
        """
        from napari_biogans.evaluation.report import save_figure

        folder = Path(folder)
        paths = [folder / "cells.csv", folder / "completions.npz"]
        with replacing(paths[0]) as temporary:
            self.to_frame().to_csv(temporary, index=False)
        arrays = {
            "mean": self.mean,
            "std": self.std,
            "class_names": np.array(self.class_names),
            "own_classes": np.array(self.own_classes),
            "latents": self.latents,
        }
        if self.matched is not None:
            arrays["matched"] = self.matched
        with replacing(paths[1]) as temporary:
            np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
        return paths + save_figure(self.plot(), folder / "completions")

    def __str__(self) -> str:
        table = self.to_frame()
        lines = [
            f"{len(self):,} cells completed with the greens of {', '.join(self.class_names)}, {self.draws} draws each",
            f"median RMSE of red on [0, 1]: {np.median(self.red_rmse):.4f}",
        ]
        for name, known in table.dropna(subset="green_rmse").groupby("class", sort=False):
            median = known.median(numeric_only=True)
            line = f"{name}: median RMSE of its own green {median['green_rmse']:.4f}"
            if self.matched is not None:
                line += f" (matched by a green latent of its own {median['matched_rmse']:.4f})"
            line += f", spread over draws {median['green_std']:.4f}"
            if np.isfinite(median["green_correlation"]):
                line += f", correlation {median['green_correlation']:.2f}"
            lines.append(line)
        if not self.is_complete:
            lines.append("NOT COMPLETE: it was stopped")
        return "\n".join([*lines, ASSUMPTION])

    __repr__ = __str__


def _root_mean_square(differences: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(differences).mean()))


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Compute Pearson's correlation of two images; NaN where one is flat."""
    if a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
