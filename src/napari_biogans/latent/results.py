"""What a reconstruction found, in numbers, pictures and files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells import CellSet, write_cells
from napari_biogans.files import replacing
from napari_biogans.latent.settings import ReconstructionConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Part = Literal["targets", "images", "neighbours"]
PARTS: tuple[Part, ...] = ("targets", "images", "neighbours")
NLL_PER_NUMBER = 0.5 * (1 + np.log(2 * np.pi))
"""Of a random draw, on average; its variance is half."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Real cells, and what a model made of them.

    N counts the cells of all classes that are done, one class after another.

    Parameters
    ----------
    targets : array (N, C, H, W)
        The real cells, in their own units.
    images : array (N, C, H, W)
        What the model draws from the latents, in the same units and type.
    latents : array (N, Z)
    rmse : array (N, C)
        Root mean square error of each channel, on intensities of [0, 1].
    start_errors : array (S, N)
        Of each start, over the channels that were matched last; NaN where a
        cell had fewer.
    nll : array (N,)
        Negative log density of the latents under N(0, 1); a random draw of 100
        numbers has 142 ± 7.
    class_names : tuple of str
        One per cell.
    features : pandas.DataFrame
        Of the cells, as their set has them.
    neighbours : array (N, C, H, W), optional
        The training cell that is most alike, flipped as it fits best.
    neighbour_rmse : array (N,), optional
        Its error over all channels.
    intensity_range : array (C, 2)
    channel_names : tuple of str
    pixel_size : float, optional
        In µm.
    config : ReconstructionConfig
    is_complete : bool
        Whether all cells that were asked for are done.
    """

    targets: NDArray[Any]
    images: NDArray[Any]
    latents: NDArray[np.float32]
    rmse: NDArray[np.float32]
    start_errors: NDArray[np.float32]
    nll: NDArray[np.float32]
    class_names: tuple[str, ...]
    features: pd.DataFrame
    neighbours: NDArray[Any] | None
    neighbour_rmse: NDArray[np.float32] | None
    intensity_range: NDArray[np.float32]
    channel_names: tuple[str, ...]
    pixel_size: float | None
    config: ReconstructionConfig
    is_complete: bool

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def error(self) -> NDArray[np.float32]:
        """Root mean square error of each cell over the channels that were to be matched, (N,)."""
        over_channels: NDArray[np.float32] = np.sqrt(np.square(self.rmse[:, self.config.matched]).mean(axis=1))
        return over_channels

    def take(self, places: Sequence[int]) -> Reconstruction:
        """Give some of the cells, or all in another order.

        Parameters
        ----------
        places : sequence of int
            Of the M cells, from 0.

        Returns
        -------
        Reconstruction
        """
        which = list(places)
        arrays: dict[str, Any] = {}
        for name in ("targets", "images", "latents", "rmse", "nll", "neighbours", "neighbour_rmse"):
            array = getattr(self, name)
            arrays[name] = None if array is None else array[which]
        return replace(
            self,
            **arrays,
            start_errors=self.start_errors[:, which],
            class_names=tuple(self.class_names[place] for place in which),
            features=self.features.iloc[which].reset_index(drop=True),
        )

    def to_frame(self) -> pd.DataFrame:
        """Give one row per cell.

        Returns
        -------
        pandas.DataFrame
            `class` and the cell's `source` and `index`; `rmse` over the
            channels that were to be matched, which in the mode red-only is
            red, and `rmse_NAME` of each, on [0, 1]; `nll`; `start_spread`, the
            standard deviation of the error over the starts, NaN where there
            was one; and `neighbour_rmse` where training cells were given.
        """
        table = self.features.copy()
        table.insert(0, "class", list(self.class_names))
        table["rmse"] = self.error
        for channel, name in enumerate(self.channel_names):
            table[f"rmse_{name}"] = self.rmse[:, channel]
        table["nll"] = self.nll
        several = np.isfinite(self.start_errors).sum(axis=0) > 1
        table["start_spread"] = np.where(several, np.nanstd(self.start_errors, axis=0), np.nan)
        if self.neighbour_rmse is not None:
            table["neighbour_rmse"] = self.neighbour_rmse
        return table

    def as_cells(self, what: Part = "images") -> CellSet:
        """Make a cell set of the targets, the reconstructions or the nearest training cells.

        Parameters
        ----------
        what : {"targets", "images", "neighbours"}

        Returns
        -------
        CellSet
            With the errors of each cell among its features.

        Raises
        ------
        ValueError
            If there are no nearest training cells.
        """
        images = getattr(self, what)
        if images is None:
            raise ValueError("No training cells were given, so that there are no nearest ones.")
        table = self.to_frame()
        names = list(dict.fromkeys(self.class_names))
        places = [np.flatnonzero(table["class"] == name) for name in names]
        return CellSet(
            [images[of_class] for of_class in places],
            names,
            self.channel_names,
            self.pixel_size,
            self.intensity_range,
            [table.iloc[of_class].reset_index(drop=True) for of_class in places],
        )

    def plot(self, n: int = 8) -> Figure:
        """Draw targets, reconstructions, their differences and the nearest training cells, below each other.

        Parameters
        ----------
        n : int
            So many cells at most: from the best to the worst, at equal steps.

        Returns
        -------
        matplotlib.figure.Figure
        """
        # The module that draws results imports this one.
        from napari_biogans.latent.figures import reconstruction_figure

        return reconstruction_figure(self, n)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the table, the latents, stacks of images and the figure into a folder.

        Parameters
        ----------
        folder : path-like
            Made if it is missing; files of the same names are replaced.

        Returns
        -------
        list of pathlib.Path
            `cells.csv`, `latents.npy`, `reconstructions.png` and `.svg`; and
            in `targets/`, `images/` and `neighbours/` a TIFF stack per class.
        """
        from napari_biogans.evaluation.report import save_figure

        folder = Path(folder)
        paths = [folder / "cells.csv", folder / "latents.npy"]
        with replacing(paths[0]) as temporary:
            self.to_frame().to_csv(temporary, index=False)
        with replacing(paths[1]) as temporary:
            np.save(temporary, self.latents)
        for what in PARTS:
            if getattr(self, what) is not None:
                paths += write_cells(self.as_cells(what), folder / what, overwrite=True)
        return paths + save_figure(self.plot(), folder / "reconstructions")

    def __str__(self) -> str:
        size = self.latents.shape[1]
        channels = ", ".join(
            f"{name} {np.median(errors):.4f}" for name, errors in zip(self.channel_names, self.rmse.T, strict=True)
        )
        unmatched = f"; {self.channel_names[0]} alone was matched" if self.config.mode == "red-only" else ""
        lines = [
            f"{len(self):,} cells rebuilt: {self.config}",
            f"median RMSE on [0, 1]: {np.median(self.error):.4f} ({channels}{unmatched})",
            f"median -log density of the latents: {np.median(self.nll):.0f}; a random draw has "
            f"{NLL_PER_NUMBER * size:.0f} ± {np.sqrt(size / 2):.0f}",
        ]
        if self.neighbour_rmse is not None:
            known = np.isfinite(self.neighbour_rmse)
            lines.append(
                f"median RMSE of the nearest training cell: {np.median(self.neighbour_rmse[known]):.4f}; the model is "
                f"nearer for {np.mean(self.error[known] < self.neighbour_rmse[known]):.0%} of the cells"
                if known.any()
                else "There are no other training cells to compare with."
            )
        if not self.is_complete:
            lines.append("NOT COMPLETE: it was stopped")
        return "\n".join(lines)

    __repr__ = __str__


def _side_by_side(errors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Put the errors (S, N) of several cells beside each other, of which each may have had its own number of starts."""
    most = max(map(len, errors))
    padded = [np.pad(each, ((0, most - len(each)), (0, 0)), constant_values=np.nan) for each in errors]
    return np.concatenate(padded, axis=1)


def joined(parts: Sequence[Reconstruction], *, is_complete: bool) -> Reconstruction:
    """Put the results of several blocks of cells behind each other."""
    first = parts[0]

    def together(name: str, axis: int = 0) -> Any:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays, axis=axis)

    return replace(
        first,
        **{name: together(name) for name in ("targets", "images", "latents", "rmse", "nll")},
        **{name: together(name) for name in ("neighbours", "neighbour_rmse")},
        start_errors=_side_by_side([part.start_errors for part in parts]),
        class_names=tuple(name for part in parts for name in part.class_names),
        features=pd.concat([part.features for part in parts], ignore_index=True),
        is_complete=is_complete,
    )
