"""The cells that critics were surest about: a picture of what tells the sides apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from napari_biogans.evaluation.critics import Comparison, CriticScores, halves
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.sides import CellsSide, DrawnPart
from napari_biogans.evaluation.two_sample import TwoSampleTest


@dataclass(frozen=True, eq=False)
class TellingCells:
    """Held-out cells of either side, the most telling first.

    Parameters
    ----------
    a_images, b_images : array (N, C, H, W)
        In the units of the cells.
    a_scores, b_scores : array (N,)
        By how many standard deviations of the held-out scores a cell lies on
        its side of the threshold; of real cells the mean over the splits.
    a_class_names, b_class_names : tuple of str
        One per cell.
    intensity_range : array (C, 2)
        To show them by.
    pixel_size : float, optional
        In µm.
    """

    a_images: NDArray[Any]
    b_images: NDArray[Any]
    a_scores: NDArray[np.float32]
    b_scores: NDArray[np.float32]
    a_class_names: tuple[str, ...]
    b_class_names: tuple[str, ...]
    intensity_range: NDArray[np.float32]
    pixel_size: float | None


def telling_cells(test: TwoSampleTest, n: int = 8) -> TellingCells:
    """Find the cells that the critics of a test were surest about.

    Parameters
    ----------
    test : TwoSampleTest
    n : int
        So many of either side at most. Cells that were taken for the other
        side are left out, unless there are no others.

    Returns
    -------
    TellingCells

    Raises
    ------
    ValueError
        If `n` is less than 1.
    """
    if n < 1:
        raise ValueError(f"The number of cells to find is at least 1, not {n}.")
    found = {side: _of_side(test, side, n) for side in ("a", "b")}
    first, _ = test.parts[0]
    return TellingCells(
        a_images=np.stack([image for image, _, _ in found["a"]]),
        b_images=np.stack([image for image, _, _ in found["b"]]),
        a_scores=np.array([score for _, score, _ in found["a"]], np.float32),
        b_scores=np.array([score for _, score, _ in found["b"]], np.float32),
        a_class_names=tuple(name for _, _, name in found["a"]),
        b_class_names=tuple(name for _, _, name in found["b"]),
        intensity_range=first.b.intensity_range,
        pixel_size=first.b.pixel_size,
    )


_Cell = tuple[NDArray[Any], float, str]
"""Image, score, class."""


def _of_side(test: TwoSampleTest, side: Literal["a", "b"], n: int) -> list[_Cell]:
    cells = [cell for part in test.parts for cell in _of_part(*part, test.config, side, n)]
    ranked = sorted(cells, key=lambda cell: -cell[1])[:n]
    return [cell for cell in ranked if cell[1] > 0] or ranked[:1]


def _of_part(
    comparison: Comparison, scores: Sequence[CriticScores], config: C2STConfig, name: Literal["a", "b"], n: int
) -> list[_Cell]:
    side = comparison.a if name == "a" else comparison.b
    by_split = {of.split: _certainties(of, name) for of in scores}
    if isinstance(side, CellsSide):
        sums, counts = np.zeros(len(side.cells)), np.zeros(len(side.cells))
        for of in scores:
            places = of.a_places if name == "a" else of.b_places
            np.add.at(sums, places, by_split[of.split])
            np.add.at(counts, places, 1)
        means = np.where(counts > 0, sums / counts.clip(min=1), -np.inf)
        best = np.argsort(-means, kind="stable")[: min(n, int((counts > 0).sum()))]
        return [
            (image, float(means[place]), side.class_name)
            for place, image in zip(best, side.show(best.astype(np.int32)), strict=True)
        ]
    ranked = sorted(
        ((float(value), split, place) for split, values in by_split.items() for place, value in enumerate(values)),
        reverse=True,
    )
    cells = []
    for value, split, place in ranked[:n]:
        parts = halves(comparison, config, split)
        part = parts.a_held_out if name == "a" else parts.b_held_out
        if isinstance(part, DrawnPart):
            latents = part.latents(torch.device("cpu"))[place : place + 1]
            cells.append((side.show(latents.to(side.model.device))[0], value, side.class_name))
    return cells


def _certainties(scores: CriticScores, side: Literal["a", "b"]) -> NDArray[np.float32]:
    """By how many standard deviations each cell lies on its side of the threshold."""
    spread = max(float(np.concatenate([scores.a, scores.b]).std()), 1e-12)
    return (scores.a - scores.threshold) / spread if side == "a" else (scores.threshold - scores.b) / spread
