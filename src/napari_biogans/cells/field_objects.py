"""Measuring what a label image holds: place, angle, size, shape and light of each cell, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cut_settings import SegmentationConfig
from napari_biogans.cells.field import Field, check_labels, check_pixels
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.rings import RingMedians
from napari_biogans.cells.tiles import Window, pixels_of, tiles_of

PIXELS_KEPT = 2**18
"""Pixels of each channel that are kept for percentiles and the background."""
MEDIAN_TO_DEVIATION = 1.4826
FEWEST_LEVELS = 16
"""Pictures with fewer intensities are rather drawings, whose steps say nothing of a camera."""
FINEST = 50
"""The mode is looked for down to one in so many pixels; further down it would be chance."""
CHANNELS = ("red", "green")


@dataclass(frozen=True, eq=False)
class FieldLight:
    """The brightness of a field.

    Parameters
    ----------
    values : array (2, M)
        Red and green of some pixels from all over the field, sorted.
    background, spread : arrays (2,)
        The commonest value of red and of green outside of cells, and the
        standard deviation that goes with the median deviation from it of what
        is darker.
    """

    values: NDArray[Any]
    background: NDArray[np.float64]
    spread: NDArray[np.float64]

    def range(self, low: float, high: float) -> NDArray[np.float64]:
        """Give two percentiles of red and of green, (2, 2)."""
        return np.asarray(np.percentile(self.values, (low, high), axis=1).T, np.float64)


@dataclass(frozen=True, eq=False)
class FieldObjects:
    """What is in a field: a table with one row per label, and the field's brightness."""

    table: pd.DataFrame
    light: FieldLight


Measuring = Generator[float, None, FieldObjects | None]


def iterate_measuring(
    field: Field, labels: Any, config: SegmentationConfig, should_stop: Callable[[], bool] = never
) -> Measuring:
    """Measure every label of a field, yielding the part of the work that is done.

    Parameters
    ----------
    field : Field
    labels : array (H, W) of integers
    config : SegmentationConfig
        Of which `ring` and `tile` are used.
    should_stop : callable
        Asked before each tile.

    Returns
    -------
    FieldObjects
        With the columns `label`; `y`, `x`, the centre in pixels; `angle`, in
        degrees in (-90, 90], of the long axis, positive when its right end is
        lower; `area` in pixels; `length` and `width`, the axes of the ellipse
        with the same second moments; `along` and `across`, how far the cell
        reaches from its centre; `solidity`; `mean_red` and `mean_green`;
        `ring_green`, the median of what lies around the outline and nearer to
        it than to others, NaN where nothing does; `red_side`, how far red's
        centre lies to the right along the axis; `top`, `bottom`, `left`,
        `right`, the box that holds the cell. None if it was stopped.

    Raises
    ------
    CellsError
        If a pixel is NaN or infinite, or a label negative.
    """
    tiles = tiles_of(field.shape, config.tile)
    step = max(1, round((field.shape[0] * field.shape[1] / PIXELS_KEPT) ** 0.5))
    runs, kept, rings = [], [], RingMedians(labels, field.shape, config.ring)
    for k, tile in enumerate(tiles):
        if should_stop():
            return None
        found = pixels_of(labels, tile)
        check_labels(found, field.name)
        light = [pixels_of(channel, tile) for channel in (field.red, field.green)]
        for pixels, channel in zip(light, CHANNELS, strict=True):
            check_pixels(pixels, channel, field.name)
        runs.append(_runs(found, light, tile))
        rings.add(light[1], tile)
        some = tuple(slice(-start % step, None, step) for start in tile.origin)
        kept.append((found[some].ravel() != 0, np.stack([pixels[some].ravel() for pixels in light])))
        yield (k + 1) / (len(tiles) + 1)
    table = _table(pd.concat(runs, ignore_index=True))
    table.insert(table.columns.get_loc("mean_green") + 1, "ring_green", rings.of(table["label"].to_numpy()))
    outside = ~np.concatenate([is_cell for is_cell, _ in kept])
    return FieldObjects(table, _light(np.concatenate([values for _, values in kept], axis=1), outside))


def _light(values: NDArray[Any], outside: NDArray[np.bool_]) -> FieldLight:
    dark = np.sort((values[:, outside] if outside.any() else values).astype(np.float64), axis=1)
    background = np.array([_commonest(channel) for channel in dark])
    # Only from below: what is brighter may be the faint rest of cells, such as the cytoplasm around labelled nuclei.
    below = [level - channel[channel <= level] for channel, level in zip(dark, background, strict=True)]
    spread = MEDIAN_TO_DEVIATION * np.array([np.median(depths) if len(depths) else 0.0 for depths in below])
    # Pictures of 8 bits may have the same dark value in most pixels; as floats or longer numbers, too.
    least = np.array([_grey_level(channel) for channel in values])
    return FieldLight(np.sort(values, axis=1), background, np.maximum(spread, least))


def _grey_level(values: NDArray[Any]) -> float:
    """Find the least step between intensities."""
    levels = np.unique(values).astype(np.float64)
    if len(levels) < FEWEST_LEVELS:
        return 1.0 if values.dtype.kind in "ui" else 0.0
    return float(np.diff(levels).min())


def _commonest(values: NDArray[np.float64]) -> float:
    """Find the mode of sorted values: the densest half of them, and of that the densest half, down to a few."""
    least = max(3, len(values) // FINEST)
    while len(values) > least:
        half = (len(values) + 1) // 2
        widths = values[half - 1 :] - values[: len(values) - half + 1]
        # Of several as dense, as there are among whole numbers, the middle one.
        densest = np.flatnonzero(widths == widths.min())
        first = int(densest[len(densest) // 2])
        values = values[first : first + half]
    return float(np.mean(values))


def _runs(labels: NDArray[Any], light: list[NDArray[Any]], tile: Window) -> pd.DataFrame:
    """Part cells into runs of pixels: row, first column, the column after the last, and sums of light over them."""
    rows, columns = np.nonzero(labels)
    names = labels[rows, columns].astype(np.int64)
    starts = np.flatnonzero(
        np.concatenate([[True], (np.diff(names) != 0) | (np.diff(rows) != 0) | (np.diff(columns) != 1)])[: len(names)]
    )
    stops = np.append(starts[1:], len(names))
    table = {
        "label": names[starts],
        "row": rows[starts] + tile.rows.start,
        "start": columns[starts] + tile.columns.start,
        "stop": columns[stops - 1] + 1 + tile.columns.start if len(starts) else columns,
    }
    for name, pixels in zip(CHANNELS, light, strict=True):
        values = pixels[rows, columns].astype(np.float64)
        table[name] = np.add.reduceat(values, starts) if len(starts) else values
        table[f"{name}_x"] = np.add.reduceat(values * (columns + tile.columns.start), starts) if len(starts) else values
    return pd.DataFrame(table)


def _table(runs: pd.DataFrame) -> pd.DataFrame:
    """Put the runs of each cell together."""
    row, start, stop = (runs[name].to_numpy(np.float64) for name in ("row", "start", "stop"))
    pixels = stop - start
    last = stop - 1
    columns = (start + last) / 2 * pixels
    squares = _squares_to(last) - _squares_to(start - 1)
    sums = pd.DataFrame(
        {
            "label": runs["label"],
            "area": pixels,
            "y": row * pixels,
            "x": columns,
            "yy": row**2 * pixels,
            "xy": row * columns,
            "xx": squares,
            "red": runs["red"],
            "green": runs["green"],
            "red_y": runs["red"] * row,
            "red_x": runs["red_x"],
        }
    )
    cells = sums.groupby("label", sort=True).sum()
    area = cells["area"]
    y, x = cells["y"] / area, cells["x"] / area
    # A pixel is a square, with moments of its own.
    yy, xx = cells["yy"] / area - y**2 + 1 / 12, cells["xx"] / area - x**2 + 1 / 12
    xy = cells["xy"] / area - x * y
    axis = 0.5 * np.arctan2(2 * xy, xx - yy)
    difference = np.hypot(xx - yy, 2 * xy)
    with np.errstate(invalid="ignore", divide="ignore"):
        aside_y, aside_x = cells["red_y"] / cells["red"] - y, cells["red_x"] / cells["red"] - x
    boxes = runs.groupby("label", sort=True).agg(
        top=("row", "min"), bottom=("row", "max"), left=("start", "min"), right=("stop", "max")
    )
    table = pd.DataFrame(
        {
            "label": cells.index.to_numpy(np.int64),
            "y": y.to_numpy(),
            "x": x.to_numpy(),
            "angle": np.rad2deg(axis).to_numpy(),
            "area": area.to_numpy(),
            "length": (2 * np.sqrt(2 * (xx + yy + difference))).to_numpy(),
            "width": (2 * np.sqrt(2 * np.maximum(xx + yy - difference, 0))).to_numpy(),
            "mean_red": (cells["red"] / area).to_numpy(),
            "mean_green": (cells["green"] / area).to_numpy(),
            "red_side": np.nan_to_num(aside_x * np.cos(axis) + aside_y * np.sin(axis)),
            "top": boxes["top"].to_numpy(np.int64),
            "bottom": boxes["bottom"].to_numpy(np.int64) + 1,
            "left": boxes["left"].to_numpy(np.int64),
            "right": boxes["right"].to_numpy(np.int64),
        }
    )
    shapes = _shapes(runs, table)
    table.insert(7, "along", shapes[:, 0])
    table.insert(8, "across", shapes[:, 1])
    table.insert(9, "solidity", shapes[:, 2])
    return table


def _squares_to(last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the squares of 0 … last; 0 for -1."""
    return last * (last + 1) * (2 * last + 1) / 6


def _shapes(runs: pd.DataFrame, table: pd.DataFrame) -> NDArray[np.float64]:
    """Find how far each cell reaches along and across its axis, and its solidity, (N, 3)."""
    ordered = runs.sort_values("label", kind="stable")
    rows, starts, lasts = (ordered[name].to_numpy() for name in ("row", "start", "stop"))
    lasts = lasts - 1
    firsts = np.searchsorted(ordered["label"].to_numpy(), table["label"].to_numpy())
    ends = np.append(firsts, len(ordered))[1:]
    shapes = np.empty((len(table), 3))
    centres, angles = table[["y", "x"]].to_numpy(), np.deg2rad(table["angle"].to_numpy())
    for k, (first, end) in enumerate(zip(firsts, ends, strict=True)):
        part = slice(first, end)
        places = np.concatenate([np.stack([rows[part], columns[part]], axis=1) for columns in (starts, lasts)]).astype(
            np.int64
        )
        down, right = (places - centres[k]).T
        cosine, sine = np.cos(angles[k]), np.sin(angles[k])
        # Half a pixel more, since a pixel reaches beyond its centre.
        shapes[k, 0] = np.abs(right * cosine + down * sine).max() + 0.5
        shapes[k, 1] = np.abs(down * cosine - right * sine).max() + 0.5
        shapes[k, 2] = table["area"].iat[k] / _pixels_in_hull(places)
    return shapes


def _pixels_in_hull(places: NDArray[np.int64]) -> float:
    """Count the pixels in the convex hull of some, by Pick's theorem."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(places)
    except QhullError:  # all on a line, or fewer than three
        extent = np.ptp(places, axis=0)
        return float(np.gcd(*extent)) + 1 if extent.any() else 1.0
    corners = places[hull.vertices]
    on_edges = np.gcd(*np.abs(np.roll(corners, -1, axis=0) - corners).T).sum()
    return float(hull.volume + on_edges / 2 + 1)
