"""Figures of reconstructions. No screen is needed; colours are told apart by everybody."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_biogans.cells import to_unit
from napari_biogans.evaluation.sheets import GAP, add_scale_bar, composite, contact_sheet
from napari_biogans.latent.results import Reconstruction

WIDTH_INCHES = 10.0
LARGEST_DIFFERENCE = 0.5
"""Of intensities on [0, 1], at the ends of the colours."""
DIVERGING = "PuOr"


def reconstruction_figure(result: Reconstruction, n: int = 8) -> Figure:
    """Draw rows of targets, reconstructions, differences by channel and nearest training cells.

    Parameters
    ----------
    result : Reconstruction
    n : int
        So many cells at most: from the best to the worst, at equal steps.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `n` is less than 1.
    """
    if n < 1:
        raise ValueError(f"The number of cells to draw is at least 1, not {n}.")
    ranked = np.argsort(result.error)
    chosen = ranked[np.linspace(0, len(ranked) - 1, min(n, len(ranked))).round().astype(int)]
    intensity_range = result.intensity_range
    rows = [composite(result.targets[chosen], intensity_range, magenta=True)]
    rows.append(composite(result.images[chosen], intensity_range, magenta=True))
    labels = ["real", "rebuilt"]
    difference = (
        to_unit(result.images[chosen], intensity_range) - to_unit(result.targets[chosen], intensity_range)
    ) / 2
    norm = Normalize(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE, clip=True)
    for channel, name in enumerate(result.channel_names):
        rows.append(_coloured(difference[:, channel], norm))
        labels.append(f"difference,\n{name}")
    if result.neighbours is not None:
        rows.append(composite(result.neighbours[chosen], intensity_range, magenta=True))
        labels.append("nearest\ntraining cell")
    sheet = contact_sheet(rows, len(chosen))
    inches = WIDTH_INCHES / sheet.shape[1]
    figure = Figure(figsize=(WIDTH_INCHES + 2, inches * sheet.shape[0] + 1.2), facecolor="white", layout="constrained")
    axes = figure.subplots()
    axes.imshow(sheet, interpolation="nearest")
    height, width = result.targets.shape[-2:]
    axes.set_yticks([k * (height + GAP) + height / 2 for k in range(len(rows))], labels, fontsize=8)
    texts = [f"{result.error[k]:.3f}" for k in chosen]
    axes.set_xticks([k * (width + GAP) + width / 2 for k in range(len(chosen))], texts, fontsize=8)
    axes.set_xlabel("RMSE on intensities of [0, 1]; first channel in magenta, second in green", fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(
        ScalarMappable(norm, DIVERGING),
        ax=axes,
        fraction=0.03,
        pad=0.01,
        ticks=[-LARGEST_DIFFERENCE, 0, LARGEST_DIFFERENCE],
    )
    bar.set_label("rebuilt less real (range = 1)", fontsize=8)
    if result.pixel_size is not None:
        add_scale_bar(axes, sheet.shape, result.pixel_size)
    return figure


def _coloured(difference: NDArray[np.float32], norm: Normalize) -> NDArray[np.float32]:
    coloured: NDArray[np.float32] = colormaps[DIVERGING](norm(difference))[..., :3].astype(np.float32)
    return coloured
