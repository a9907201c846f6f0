"""Figures of reconstructions. No screen is needed; colours are told apart by everybody."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from napari_biogans.cells import to_unit
from napari_biogans.evaluation.sheets import GAP, add_scale_bar, composite, contact_sheet
from napari_biogans.latent.colocalisation import Colocalisation
from napari_biogans.latent.completions import Completion
from napari_biogans.latent.cycle import CellCycle
from napari_biogans.latent.paths import LatentPath
from napari_biogans.latent.results import Reconstruction

WIDTH_INCHES, REST_INCHES, LETTER_INCHES = 10.0, 1.2, 0.075
"""Of the cells in a row, of what is beside them, and of a letter of the names."""
LARGEST_DIFFERENCE = 0.5
"""Of intensities on [0, 1], at the ends of the colours."""
DIVERGING = "PuOr"
MERGED = "first channel in magenta, second in green"
MOST_ROW_INCHES = 2.0
"""Of a row of cells, however few or tall they are."""
MOST_LETTERS, LETTERS_IN_ROW = 24, 120
"""Of the name of a class, and of all the texts below a row; longer ones are cut."""
CURVES_INCHES, LEGEND_ROWS = 2.2, 12
"""Of the curves below cells along a way, and classes below each other in their legend."""
TABLE_INCHES, MIDDLE_GREY = 2.2, 0.5
BRIGHTEST = 0.9
"""Part of viridis that can be seen on white."""
LARGEST_SPREAD = 0.2
"""Standard deviation, of a range of 1, that is shown in white."""


def _check_count(n: int, what: str) -> None:
    if n < 1:
        raise ValueError(f"The number of {what} to draw is at least 1, not {n}.")


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
    _check_count(n, "cells")
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
    texts = [f"{result.error[k]:.3f}" for k in chosen]
    below = f"RMSE on intensities of [0, 1]; {MERGED}"
    if result.config.mode == "red-only":
        below = f"RMSE of {result.channel_names[0]}, which alone was matched, on intensities of [0, 1]; {MERGED}"
    figure = _rows_figure(rows, labels, texts, below, result.pixel_size)
    axes = figure.axes[0]
    bar = figure.colorbar(
        ScalarMappable(norm, DIVERGING),
        ax=axes,
        fraction=0.03,
        pad=0.01,
        ticks=[-LARGEST_DIFFERENCE, 0, LARGEST_DIFFERENCE],
    )
    bar.set_label("rebuilt less real (range = 1)", fontsize=8)
    return figure


def completion_figure(result: Completion, n: int = 8) -> Figure:
    """Draw real cells, and below each the mean green of every class, and its spread over the draws.

    Parameters
    ----------
    result : Completion
    n : int
        So many cells at most: the first ones of each class in turn.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `n` is less than 1.
    """
    _check_count(n, "cells")
    own = np.array(result.own_classes)
    turn = np.array([np.count_nonzero(own[:k] == own[k]) for k in range(len(own))])
    chosen = np.sort(np.argsort(turn, kind="stable")[:n])
    unit: NDArray[Any] = (to_unit(result.targets[chosen], result.intensity_range) + 1) / 2
    rows: list[NDArray[Any]] = [np.stack([unit[:, 0], unit[:, 1], unit[:, 0]], axis=-1)]
    labels = ["real"]
    for name, mean, std in zip(result.class_names, result.mean[:, chosen, 0], result.std[:, chosen, 0], strict=True):
        rows.append(np.stack([unit[:, 0], mean, unit[:, 0]], axis=-1))
        labels.append(name)
        rows.append(np.repeat((std / LARGEST_SPREAD).clip(0, 1).astype(np.float32)[..., None], 3, axis=-1))
        labels.append("spread")
    below = (
        f"class of the real cell; real red in magenta, mean green of {result.draws} draws in green; spread: standard "
        f"deviation over the draws, white is {LARGEST_SPREAD:g} of the range"
    )
    return _rows_figure(rows, labels, own[chosen].tolist(), below, result.pixel_size)


def path_figure(path: LatentPath, n: int = 10) -> Figure:
    """Draw cells along a way, a row per class, and below how long and how bright they are in every frame.

    Parameters
    ----------
    path : LatentPath
    n : int
        Frames that are shown, at equal steps.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `n` is less than 1.
    """
    _check_count(n, "frames")
    chosen = np.linspace(0, len(path) - 1, min(n, len(path))).round().astype(int)
    if len(path.keys) == 1:  # the cell that a walk goes through
        chosen[np.abs(chosen - path.keys[0]).argmin()] = path.keys[0]
    texts = [f"{frame}{'*' if frame in path.keys else ''}" for frame in chosen]
    legend = f"frame (* key cell); {MERGED}"
    return _rows_and_curves(path, _rows_of(path, chosen), list(path.class_names), texts, legend)


def cycle_figure(cycle: CellCycle) -> Figure:
    """Draw the real cell of each stage, and below it what the model draws of every class.

    Parameters
    ----------
    cycle : CellCycle

    Returns
    -------
    matplotlib.figure.Figure
    """
    path = cycle.way
    rows = [composite(cycle.stages.targets, path.intensity_range, magenta=True), *_rows_of(path, path.keys)]
    texts = [f"{value:.3g}" for value in cycle.values]
    legend = f"{cycle.order_by} of the real cell; {MERGED}"
    return _rows_and_curves(path, rows, ["real", *path.class_names], texts, legend)


def _rows_of(path: LatentPath, frames: NDArray[np.integer[Any]]) -> list[NDArray[Any]]:
    return [composite(images[frames], path.intensity_range, magenta=True) for images in path.images]


def _rows_and_curves(
    path: LatentPath, rows: list[NDArray[Any]], labels: list[str], texts: list[str], legend: str
) -> Figure:
    """Draw rows of cells, and below how long and how bright those of every frame are."""
    width, height = _size_of_rows(rows, labels)
    figure = Figure(figsize=(width, height + CURVES_INCHES), facecolor="white", layout="constrained")
    above, below = (row for (row,) in figure.subfigures(2, 1, height_ratios=[height, CURVES_INCHES], squeeze=False))
    _draw_rows(above.subplots(), rows, labels, texts, legend, path.pixel_size)
    _draw_curves(below.subplots(1, 2), path)
    return figure


def _draw_curves(axes: Any, path: LatentPath) -> None:
    table = path.to_frame()
    unit = "pixels" if path.pixel_size is None else "µm"
    curves = {"length": f"length in first channel ({unit})", f"mean_{path.channel_names[1]}": "mean of second channel"}
    colours = colormaps["viridis"](np.linspace(0, BRIGHTEST, len(path.class_names)))
    for of_curve, (column, label) in zip(axes, curves.items(), strict=True):
        once = column == "length" and path.shares_red
        for name, colour in zip(path.class_names[: 1 if once else None], colours, strict=False):
            values = table.loc[table["class"] == name, column].to_numpy()
            of_curve.plot(values, color=colour, linewidth=1.5, label="all classes" if once else _short(name))
            of_curve.plot(path.keys, values[path.keys], "o", color=colour, markersize=4)
        of_curve.set_xlabel("frame", fontsize=8)
        of_curve.set_ylabel(label, fontsize=8)
        of_curve.tick_params(labelsize=8)
        of_curve.spines[["top", "right"]].set_visible(False)
        of_curve.set_ylim(bottom=0)
        of_curve.xaxis.set_major_locator(MaxNLocator(integer=True))
    columns = math.ceil(len(path.class_names) / LEGEND_ROWS)
    axes[1].legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), ncols=columns)


def colocalisation_figure(result: Colocalisation) -> Figure:
    """Draw Pearson's correlations and Manders' coefficients of all pairs of classes in colours.

    Parameters
    ----------
    result : Colocalisation

    Returns
    -------
    matplotlib.figure.Figure
    """
    names, table = result.class_names, result.to_frame()
    shown = [_short(name) for name in names]
    side = TABLE_INCHES + 0.5 * len(names)
    letters = LETTER_INCHES * max(map(len, shown))
    figure = Figure(figsize=(2 * (side + letters), side + letters), layout="constrained")
    kinds = {
        "pearson": ("Pearson's correlation", Normalize(-1, 1), DIVERGING),
        "manders": ("Manders: part of the row's light where the column is", Normalize(0, 1), "viridis"),
    }
    for axes, (name, (title, norm, colours)) in zip(figure.subplots(1, 2), kinds.items(), strict=True):
        mean, spread = (
            table.pivot(index="a", columns="b", values=column).reindex(index=names, columns=names).to_numpy()
            for column in (name, f"{name}_over_draws")
        )
        picture = axes.imshow(mean, norm=norm, cmap=colours)
        for row, column in zip(*np.nonzero(np.isfinite(mean)), strict=True):
            brightness = np.mean(picture.cmap(norm(mean[row, column]))[:3])
            axes.text(
                column,
                row,
                f"{mean[row, column]:.2f}\n±{spread[row, column]:.2f}",
                ha="center",
                va="center",
                fontsize=7,
                color="black" if brightness > MIDDLE_GREY else "white",
            )
        axes.set_xticks(range(len(names)), shown, rotation=45, ha="right", fontsize=8)
        axes.set_yticks(range(len(names)), shown, fontsize=8)
        axes.set_title(f"{title}\nmean over cells, ± over the draws of a cell", fontsize=8)
        figure.colorbar(picture, ax=axes, fraction=0.04, pad=0.02).ax.tick_params(labelsize=7)
    return figure


def _rows_figure(
    rows: list[NDArray[Any]], labels: list[str], texts: list[str], below: str, pixel_size: float | None
) -> Figure:
    """Draw rows of images, each (N, H, W, 3), with a label beside each row and a text below each column."""
    figure = Figure(figsize=_size_of_rows(rows, labels), facecolor="white", layout="constrained")
    _draw_rows(figure.subplots(), rows, labels, texts, below, pixel_size)
    return figure


def _size_of_rows(rows: list[NDArray[Any]], labels: list[str]) -> tuple[float, float]:
    """Give width and height in inches."""
    height, width = contact_sheet(rows, len(rows[0])).shape[:2]
    longest = max(len(line) for label in labels for line in _short(label).splitlines())
    width_inches = WIDTH_INCHES + REST_INCHES + LETTER_INCHES * longest
    return width_inches, min(WIDTH_INCHES / width * height, MOST_ROW_INCHES * len(rows)) + REST_INCHES


def _draw_rows(
    axes: Axes, rows: list[NDArray[Any]], labels: list[str], texts: list[str], below: str, pixel_size: float | None
) -> None:
    count, height, width = rows[0].shape[:3]
    sheet = contact_sheet(rows, count)
    axes.imshow(sheet, interpolation="nearest")
    axes.set_yticks([k * (height + GAP) + height / 2 for k in range(len(rows))], map(_short, labels), fontsize=8)
    below_each = [_short(text, LETTERS_IN_ROW // count) for text in texts]
    axes.set_xticks([k * (width + GAP) + width / 2 for k in range(count)], below_each, fontsize=8)
    axes.set_xlabel(below, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if pixel_size is not None:
        add_scale_bar(axes, sheet.shape, pixel_size)


def _short(text: str, letters: int = MOST_LETTERS) -> str:
    """Cut a text that is too long for its place."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _coloured(difference: NDArray[np.float32], norm: Normalize) -> NDArray[np.float32]:
    coloured: NDArray[np.float32] = colormaps[DIVERGING](norm(difference))[..., :3].astype(np.float32)
    return coloured
