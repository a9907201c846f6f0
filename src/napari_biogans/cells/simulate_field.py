"""Simulated fields of view: rods of known place and angle, for trying out and testing how cells are cut."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.field import Field
from napari_biogans.cells.patterns import GREEN_PATTERNS
from napari_biogans.cells.rods import as_floats, draw_rods, polarity
from napari_biogans.cells.simulate import BACKGROUND, CELLS_AT_A_TIME, PEAK, PHOTONS_PER_GREY, READ_NOISE

PATCH = 19.0
"""Side of the square in which a cell of any angle has room, in µm."""
LEAST_SPACING = 10.0
"""Between the middles of cells, in µm. Closer, longer cells would often lie on each other."""
BODY_SHARE = 0.8
"""How much of red is in the whole cell; the rest marks where it grows."""


@dataclass(frozen=True, eq=False)
class SimulatedField:
    """A simulated field with the truth about it.

    Parameters
    ----------
    field : Field
        Red and green, uint8, with its pixel size; without labels, which a
        segmentation has to find.
    labels : array (H, W), int32
        The true outlines; where cells lie on each other, the later one shows.
    truth : pandas.DataFrame
        One row per cell: `label`; `y` and `x` of the middle in pixels;
        `angle` in degrees in (-90, 90]; `length` and `width` in µm;
        `old_end`, 1 if the end that grows from birth on is the right one
        at that angle, else -1.
    """

    field: Field
    labels: NDArray[np.int32]
    truth: pd.DataFrame


def simulate_field(
    cells: int = 100,
    *,
    shape: tuple[int, int] = (1000, 1000),
    pattern: str = "nucleus",
    pixel_size: float = 0.2,
    noise: float = 1.0,
    seed: int = 0,
    name: str = "simulated",
) -> SimulatedField:
    """Simulate a field of fission yeast.

    Cells lie anywhere and at any angle, evenly spread and seldom on each
    other; some are cut by the border. Red is in the whole cell, and more of it
    where the cell grows.

    Parameters
    ----------
    cells : int
        How many, at least 1.
    shape : (height, width)
        In pixels.
    pattern : str
        What green shows: a name of `GREEN_PATTERNS`, which is the field's
        class, too.
    pixel_size : float
        In µm, in (0, 1].
    noise : float
        Strength of the camera's noise; 0 for none.
    seed : int
        The same seed gives the same field.
    name : str
        Of the field.

    Returns
    -------
    SimulatedField

    Raises
    ------
    CellsError
        If an argument makes no sense, or so many cells do not fit.

    Examples
    --------
    >>> simulated = simulate_field(9, shape=(400, 400))
    >>> simulated.field
    Field('simulated', 400x400 uint8, class 'nucleus')
    >>> len(simulated.truth)
    9
    """
    height, width = shape
    if pattern not in GREEN_PATTERNS:
        raise CellsError(f"There is no pattern {pattern!r}; choose from {', '.join(GREEN_PATTERNS)}.")
    if not 0 < pixel_size <= 1:
        raise CellsError(f"With a pixel size of {pixel_size} µm cells show nothing; give more than 0 and at most 1.")
    most = int(height * pixel_size / LEAST_SPACING) * int(width * pixel_size / LEAST_SPACING)
    if not 1 <= cells <= most:
        raise CellsError(f"In {height}x{width} pixels of {pixel_size:g} µm there is room for 1 to {most} cells.")
    rng = np.random.default_rng(seed)
    centres = _spread(cells, (height, width), rng)
    angles = rng.uniform(-90, 90, cells)
    light = np.zeros((2, height, width), np.float32)
    labels = np.zeros((height, width), np.int32)
    side = 2 * round(PATCH / pixel_size / 2)
    tables = []
    for first in range(0, cells, CELLS_AT_A_TIME):
        chunk = slice(first, min(first + CELLS_AT_A_TIME, cells))
        rods = draw_rods(chunk.stop - first, (side, side), pixel_size, rng, rng)
        corners = np.floor(centres[chunk]).astype(int) - side // 2
        middles = (centres[chunk] - corners - (side - 1) / 2) * pixel_size
        rods = replace(rods, angle=as_floats(np.deg2rad(angles[chunk])), centre=as_floats(middles))
        marker = polarity(rods, rng)
        marker /= marker.max(axis=(1, 2), keepdims=True)
        protein = GREEN_PATTERNS[pattern](rods, rng)
        protein /= protein.max(axis=(1, 2), keepdims=True)
        brightness = rng.lognormal(0, 0.15, (2, len(rods), 1, 1))
        pair = brightness * np.stack([BODY_SHARE * rods.body + (1 - BODY_SHARE) * marker, protein])
        for k, corner in enumerate(corners):
            inner, outer = _overlap(corner, side, (height, width))
            there = light[(slice(None), *outer)]
            np.maximum(there, pair[(slice(None), k, *inner)], out=there)
            labels[outer][rods.cover[k][inner] >= 0.5] = first + k + 1
        tables.append(
            pd.DataFrame(
                {
                    "label": np.arange(chunk.start + 1, chunk.stop + 1),
                    "y": centres[chunk, 0],
                    "x": centres[chunk, 1],
                    "angle": angles[chunk],
                    "length": rods.length.astype(float),
                    "width": 2 * rods.radius.astype(float),
                    "old_end": rods.old_end.astype(int),
                }
            )
        )
    red, green = (_photograph(plane, pixel_size, noise, rng) for plane in light)
    field = Field(red, green, name=name, class_name=pattern, pixel_size=pixel_size, source="simulated")
    return SimulatedField(field, labels, pd.concat(tables, ignore_index=True))


def _spread(count: int, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Choose places (N, 2), about one in each square of a grid."""
    spacing = (shape[0] * shape[1] / count) ** 0.5
    rows, columns = (max(1, int(n / spacing)) for n in shape)
    while rows * columns < count:
        if shape[0] / rows > shape[1] / columns:
            rows += 1
        else:
            columns += 1
    squares = rng.permutation(rows * columns)[:count]
    places = np.stack(np.divmod(squares, columns), axis=1) + rng.uniform(0.2, 0.8, (count, 2))
    return places * (shape[0] / rows, shape[1] / columns)


def _overlap(
    corner: NDArray[np.int_], side: int, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Give the part of a square that lies in a field, in the square and in the field."""
    starts = [max(int(a), 0) for a in corner]
    stops = [max(min(int(a) + side, n), start) for a, n, start in zip(corner, shape, starts, strict=True)]
    outer = [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
    inner = [slice(s.start - int(a), s.stop - int(a)) for s, a in zip(outer, corner, strict=True)]
    return (inner[0], inner[1]), (outer[0], outer[1])


def _photograph(
    light: NDArray[np.float32], pixel_size: float, noise: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    from scipy import ndimage

    blurred = ndimage.gaussian_filter(light, 0.16 / pixel_size)
    grey = BACKGROUND + PEAK * blurred
    if noise:
        grey += noise * np.sqrt(grey / PHOTONS_PER_GREY + READ_NOISE**2) * rng.standard_normal(grey.shape, np.float32)
    return np.asarray(grey.round().clip(0, 255), np.uint8)
