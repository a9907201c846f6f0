"""Figures of two-sample tests. No screen is needed; colours are told apart by everybody."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from napari_biogans.evaluation.results import ALL, REAL, C2STResult
from napari_biogans.evaluation.sheets import GAP, add_scale_bar, composite, contact_sheet
from napari_biogans.evaluation.telling import TellingCells
from napari_biogans.evaluation.two_sample import TwoSampleTest

# Okabe and Ito's colours: blue, vermilion, green, purple, orange, sky, yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
REAL_COLOUR = "#777777"
CELL_INCHES = 0.72
LETTER_INCHES = 0.085
LINE_INCHES = 0.45
MOST_IN_LEGEND = 12
MOST_LETTERS = 40
"""Of a name."""


def result_figure(result: C2STResult) -> Figure:
    """Draw a result as what it is: a heat map, a curve over steps, or intervals by class.

    Parameters
    ----------
    result : C2STResult

    Returns
    -------
    matplotlib.figure.Figure
    """
    if result.kind == "run":
        return curve_figure(result)
    return heat_map_figure(result) if result.kind == "matrix" or len(result.columns) > 2 else interval_figure(result)


def _label(name: str) -> str:
    """Write a name on one line, and cut it where it is so long that no room is left for the figure."""
    line = " ".join(name.split())
    return line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 1]}…"


def score_name(result: C2STResult) -> str:
    """Say what the score is, for an axis."""
    objective = result.config.resolved_objective.name
    what = "paper's score" if result.config.protocol == "paper" else "critic gap"
    return f"C2ST: {what} ({objective} critic, arbitrary units)"


def heat_map_figure(result: C2STResult) -> Figure:
    """Draw rows and columns as a heat map of scores, with their numbers and spread."""
    shape = len(result.rows), len(result.columns)
    scores = np.full(shape, np.nan)
    for (row, column), test in result.tests.items():
        scores[result.rows.index(row), result.columns.index(column)] = test.score
    rows, columns = ([_label(name) for name in names] for names in (result.rows, result.columns))
    left = 0.3 + LETTER_INCHES * max(map(len, rows))
    top = 0.5 + LETTER_INCHES * max(map(len, columns)) * 0.75
    height, width = CELL_INCHES * shape[0] + top + 0.55, CELL_INCHES * 1.2 * shape[1] + left + 1.3
    figure = Figure(figsize=(max(width, 5.5), max(height, 3)), facecolor="white", layout="constrained")
    axes = figure.subplots()
    low, high = min(0.0, np.nanmin(scores)), max(np.nanmax(scores), 1e-6)
    norm, colours = Normalize(low, high), colormaps["cividis"]
    image = axes.imshow(scores, cmap=colours, norm=norm, aspect="auto")
    for (row, column), test in result.tests.items():
        ink = "black" if norm(test.score) > 0.55 else "white"
        place = result.columns.index(column), result.rows.index(row)
        text = test.score_text.replace(" ±", "\n±")
        axes.text(*place, text, ha="center", va="center", fontsize=8, color=ink)
    axes.set_xticks(range(shape[1]), columns, rotation=40, ha="left", rotation_mode="anchor", fontsize=9)
    axes.set_yticks(range(shape[0]), rows, fontsize=9)
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label(score_name(result), fontsize=8)
    axes.set_xlabel(f"{result.splits_text}: mean ± standard deviation", fontsize=8)
    return figure


def interval_figure(result: C2STResult) -> Figure:
    """Draw scores with their intervals by row, beside those of real against real."""
    height = 1.6 + LINE_INCHES * len(result.rows) * max(1, len(result.columns) / 2)
    figure = Figure(figsize=(7.5, height), facecolor="white", layout="constrained")
    score_axes, area_axes = figure.subplots(1, 2, sharey=True)
    offsets = np.linspace(-0.15, 0.15, len(result.columns)) if len(result.columns) > 1 else [0.0]
    for number, column in enumerate(result.columns):
        colour = REAL_COLOUR if column == REAL else COLOURS[number % len(COLOURS)]
        for place, row in enumerate(result.rows):
            if (row, column) in result.tests:
                test = result.tests[row, column]
                _draw_interval(score_axes, test.score, test.interval, place + offsets[number], colour)
                _draw_interval(area_axes, test.auc, test.auc_interval, place + offsets[number], colour)
    score_axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    area_axes.axvline(0.5, color="0.6", linewidth=0.8, zorder=0)
    score_axes.set_yticks(range(len(result.rows)), [_label(row) for row in result.rows])
    score_axes.set_ylim(len(result.rows) - 0.5, -0.5)
    score_axes.set_xlabel(score_name(result).replace(" (", "\n("), fontsize=9)
    area_axes.set_xlabel("area under the curve\n(0.5: chance, 1: always told apart)", fontsize=9)
    handles = [
        Line2D([], [], marker="o", color=REAL_COLOUR if name == REAL else COLOURS[k % len(COLOURS)], label=_label(name))
        for k, name in enumerate(result.columns)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=8, frameon=False)
    figure.supxlabel(f"mean and {result.config.confidence:.0%} interval over {result.splits_text}", fontsize=8)
    return figure


def curve_figure(result: C2STResult) -> Figure:
    """Draw scores over the steps of a training, with the band of real against real."""
    figure = Figure(figsize=(7.5, 4.2), facecolor="white", layout="constrained")
    axes = figure.subplots()
    rows = [row for row in result.rows if row != REAL]
    main = ALL if ALL in result.columns else result.columns[0]
    names = [name for name in result.columns if name != main][:MOST_IN_LEGEND]
    for number, column in enumerate([main, *names]):
        done = [row for row in rows if (row, column) in result.tests]
        tests = [result.tests[row, column] for row in done]
        steps = [int(row) for row in done]
        colour = "black" if column == main else COLOURS[(number - 1) % len(COLOURS)]
        scores = [test.score for test in tests]
        if column == main:
            axes.errorbar(
                steps,
                scores,
                yerr=np.nan_to_num([test.std for test in tests]),
                color=colour,
                marker="o",
                capsize=3,
                linewidth=2,
                label=_label(column),
                zorder=3,
            )
        else:
            axes.plot(steps, scores, color=colour, marker=".", linewidth=1, label=_label(column))
    if (REAL, main) in result.tests:
        band = result.tests[REAL, main]
        spread = float(np.nan_to_num(band.std))
        axes.axhspan(band.score - spread, band.score + spread, color="0.8", zorder=0, label=REAL)
        axes.axhline(band.score, color=REAL_COLOUR, linewidth=0.8, zorder=0)
    if len(rows) > 2 and int(rows[0]) > 0 and int(rows[-1]) > 20 * int(rows[0]):
        axes.set_xscale("log")
    axes.set_xlabel("generator steps")
    axes.set_ylabel(score_name(result), fontsize=9)
    axes.set_title(f"mean and standard deviation over {result.splits_text}", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def histogram_figure(test: TwoSampleTest, a_name: str, b_name: str) -> Figure:
    """Draw how the held-out scores of either side are distributed.

    Parameters
    ----------
    test : TwoSampleTest
    a_name, b_name : str
        For the legend.

    Returns
    -------
    matplotlib.figure.Figure
        Scores of all splits, each by its own critic's threshold and spread.
    """
    sides: dict[str, list[float]] = {"a": [], "b": []}
    for _, of_splits in test.parts:
        for scores in of_splits:
            spread = max(float(np.concatenate([scores.a, scores.b]).std()), 1e-12)
            sides["a"] += ((scores.a - scores.threshold) / spread).tolist()
            sides["b"] += ((scores.b - scores.threshold) / spread).tolist()
    figure = Figure(figsize=(6, 3.6), facecolor="white", layout="constrained")
    axes = figure.subplots()
    edges = np.histogram_bin_edges(np.concatenate([sides["a"], sides["b"]]), bins=40).tolist()
    for name, label, colour in (("b", b_name, COLOURS[0]), ("a", a_name, COLOURS[1])):
        axes.hist(sides[name], edges, density=True, color=colour, alpha=0.55, label=_label(label))
    axes.axvline(0, color="black", linewidth=1, linestyle="--")
    axes.set_xlabel("critic's score of held-out cells, from its threshold (standard deviations)")
    axes.set_ylabel("density")
    axes.set_title(
        f"accuracy {test.accuracy:.0%}, AUC {test.auc:.2f}, {test.p_text}, splits: {test.splits}", fontsize=9
    )
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def telling_figure(cells: TellingCells, a_name: str, b_name: str) -> Figure:
    """Draw the cells that the critics were surest about.

    Parameters
    ----------
    cells : TellingCells
    a_name, b_name : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = max(len(cells.a_images), len(cells.b_images))
    sheets = [
        contact_sheet([composite(images, cells.intensity_range, magenta=True)], columns)
        for images in (cells.a_images, cells.b_images)
    ]
    height, width = sheets[0].shape[:2]
    inches = 9.6 / width
    figure = Figure(figsize=(10, 2 * height * inches + 1.5), facecolor="white", layout="constrained")
    titles = (f"surest to be from: {_label(a_name)}", f"surest to be from: {_label(b_name)}")
    scores = (cells.a_scores, cells.b_scores)
    for axes, sheet, title, of_cells in zip(figure.subplots(2, 1), sheets, titles, scores, strict=True):
        axes.imshow(sheet, interpolation="nearest")
        axes.set_title(title, loc="left", fontsize=10)
        across = [k * (width + GAP) / columns + width / columns / 2 for k in range(len(of_cells))]
        axes.set_xticks(across, [f"{score:.1f}" for score in of_cells], fontsize=7)
        axes.set_yticks([])
        axes.tick_params(length=0, pad=1)
        axes.spines[:].set_visible(False)
    if cells.pixel_size is not None:
        add_scale_bar(figure.axes[0], sheets[0].shape, cells.pixel_size)
    figure.supxlabel(
        "first channel in magenta, second in green; below: standard deviations beyond the critics' threshold",
        fontsize=7,
    )
    return figure


def _draw_interval(axes: Axes, value: float, interval: tuple[float, float], place: float, colour: str) -> None:
    if np.isfinite(interval[0]):
        axes.plot(interval, [place, place], color=colour, linewidth=1.5)
    axes.plot([value], [place], "o", color=colour, markersize=5)
