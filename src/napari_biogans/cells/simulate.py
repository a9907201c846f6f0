"""Simulated cells: fission yeast with a polarity marker and a choice of green patterns.

They need no download, and everything about them is known: the state of each
cell, and what every green would have looked like in it.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellsError, CellSet
from napari_biogans.cells.patterns import GREEN_PATTERNS, Pattern
from napari_biogans.cells.rods import (
    FIELD_HEIGHT,
    FIELD_LENGTH,
    Floats,
    Rods,
    as_floats,
    bump,
    draw_rods,
    per_pixel,
    polarity,
)
from napari_biogans.cells.sizes import halvings

# The width of a cell is then four pixels.
COARSEST_PIXEL = 1.0
# Few enough cells that what is drawn of them stays in the processor's cache.
CELLS_AT_A_TIME = 64
# Grey levels of the brightest place of a cell: the middle of the population, and its limits.
PEAK = 165.0
LOWEST_PEAK, HIGHEST_PEAK = 95.0, 210.0
BACKGROUND = 12.0
PHOTONS_PER_GREY = 2.5
READ_NOISE = 1.2


@dataclass(frozen=True, eq=False)
class SimulatedCells:
    """Simulated cells with the truth about them.

    Parameters
    ----------
    cells : CellSet
        Two channels, uint8: red shows where the cell grows, green the pattern
        that the class is named after.
    truth : tuple of pandas.DataFrame
        One table per class, one row per cell: `phase` of the cell cycle in
        [0, 1); `length` and `width` in µm; `angle` in degrees, positive when
        the right end is lower; `row` and `column` of the centre in pixels;
        `old_end`, "left" or "right"; `old_tip`, `new_tip` and `septum`, the
        amounts of red there; `nucleus_shift`, µm of the nucleus (or the
        middle of the two) to the right of the centre; `nuclei_distance`, µm
        between the two nuclei, 0 before mitosis.
    greens : tuple of arrays (N, G, H, W), uint8
        One per class: every green of each of its cells, as the camera would
        have seen it. The one of the class itself is that in `cells`. Empty if
        they were not asked for.
    green_names : tuple of str
        The G names of the greens, in their order.
    """

    cells: CellSet
    truth: tuple[pd.DataFrame, ...]
    greens: tuple[NDArray[np.uint8], ...]
    green_names: tuple[str, ...]


def simulate_cells(
    n_per_class: int = 500,
    *,
    classes: Iterable[str] | None = None,
    size: tuple[int, int] = (48, 80),
    seed: int = 0,
    green_seed: int | None = None,
    pixel_size: float | None = None,
    blur: float = 0.16,
    noise: float = 1.0,
    all_greens: bool = True,
) -> SimulatedCells:
    """Simulate two-channel images of fission yeast cells.

    The cells are rods, long axis horizontal, of a growing population: 7 µm
    long at birth and 14 µm at division. Red is a marker of growth: at one end
    after birth, at both ends after a third of the cycle, at the septum in the
    end. Green shows, by class, one of `GREEN_PATTERNS`, which depends on the
    phase and the geometry that red shows, and on random numbers of its own.

    Parameters
    ----------
    n_per_class : int
        Number of cells of each class, at least 1.
    classes : iterable of str, optional
        Names of the classes, out of `GREEN_PATTERNS`; default all of them. The
        cells of a class do not depend on which other classes there are.
    size : (height, width)
        Of the images in pixels, a good size (see `is_good_size`).
    seed : int
        The same seed gives the same images, to the bit on the same machine,
        and the same cells at any image size, blur and noise.
    green_seed : int, optional
        Draws other greens (and nuclei) for the very same reds; default is
        `seed`.
    pixel_size : float, optional
        In µm, at most 1; default the least with which a dividing cell fits:
        0.2 for 48x80.
    blur : float
        Standard deviation of the microscope's point spread function, in µm.
    noise : float
        Strength of the photon and read noise; 1 is that of a good camera. 0
        gives the same cells without noise.
    all_greens : bool
        Whether all greens of all cells are returned; without them it takes a
        fraction of the time and the memory.

    Returns
    -------
    SimulatedCells
        The cell set and the truth: the state of each cell and all its greens.

    Raises
    ------
    CellsError
        If an argument makes no sense; the message says what to do.

    Examples
    --------
    >>> simulated = simulate_cells(20, classes=["nucleus", "tips"], seed=1)
    >>> simulated.cells
    CellSet(40 cells, 48x80 uint8, 0.2 µm/pixel; nucleus: 20, tips: 20)
    >>> simulated.greens[0].shape == (20, len(simulated.green_names), 48, 80)
    True
    >>> bool(simulated.truth[0]["length"].between(6.4, 14.6).all())
    True
    """
    names = _checked_classes(classes)
    count = _whole_number(n_per_class, "The number of cells per class", 1)
    seed = _whole_number(seed, "The seed", 0)
    green_seed = seed if green_seed is None else _whole_number(green_seed, "The seed of the greens", 0)
    camera = _checked_camera(size, pixel_size, blur, noise)
    drawn = tuple(GREEN_PATTERNS) if all_greens else ()
    simulated = [_simulate_class(name, drawn or (name,), count, camera, seed, green_seed) for name in names]
    features = [table.assign(source="simulated", index=np.arange(count)) for _, table, _ in simulated]
    cells = CellSet([pairs for pairs, _, _ in simulated], names, pixel_size=camera.pixel_size, features=features)
    truth = tuple(table for _, table, _ in simulated)
    return SimulatedCells(cells, truth, tuple(greens for _, _, greens in simulated) if all_greens else (), drawn)


def _simulate_class(
    name: str, greens: tuple[str, ...], count: int, camera: _Camera, seed: int, green_seed: int
) -> tuple[NDArray[np.uint8], pd.DataFrame, NDArray[np.uint8]]:
    """Pairs (N, 2, H, W), truth and greens (N, G, H, W) of one class."""

    # Every part of a class has random numbers of its own, so that no part shifts another's.
    def stream(part: str, part_seed: int = green_seed) -> np.random.Generator:
        return np.random.default_rng([part_seed, crc32(name.encode()), crc32(part.encode())])

    red_streams = stream("red", seed), stream("red camera", seed)
    green_streams = {green: (stream(green), stream(f"{green} camera")) for green in greens}
    rods_stream, nucleus_stream = stream("rods", seed), stream("nuclei")
    red = np.empty((count, *camera.size), np.uint8)
    photographs = np.empty((count, len(greens), *camera.size), np.uint8)
    tables = []
    for start in range(0, count, CELLS_AT_A_TIME):
        chunk = slice(start, min(start + CELLS_AT_A_TIME, count))
        rods = draw_rods(chunk.stop - start, camera.size, camera.pixel_size, rods_stream, nucleus_stream)
        red[chunk] = camera.photograph(polarity, rods, *red_streams)
        for k, green in enumerate(greens):
            photographs[chunk, k] = camera.photograph(GREEN_PATTERNS[green], rods, *green_streams[green])
        tables.append(_truth(rods))
    pairs = np.stack([red, photographs[:, greens.index(name)]], axis=1)
    return pairs, pd.concat(tables, ignore_index=True), photographs


@dataclass(frozen=True)
class _Camera:
    """A microscope and its camera: blur, background, photon and read noise, 8 bits."""

    size: tuple[int, int]
    pixel_size: float
    blur: float
    noise: float

    def photograph(
        self, pattern: Pattern, rods: Rods, rng: np.random.Generator, noise_rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Grey levels (N, H, W) of a pattern; how bright each cell shows is its own."""
        light = self._blurred(pattern(rods, rng))
        peak = np.clip(PEAK * rng.lognormal(0, 0.18, len(rods)), LOWEST_PEAK, HIGHEST_PEAK)
        background = np.maximum(rng.normal(BACKGROUND, 1.5, len(rods)), 0)
        gain = (peak - background) / light.max(axis=(1, 2))
        grey = per_pixel(as_floats(background)) + per_pixel(as_floats(gain)) * light
        if self.noise:
            # The normal limit of the photons' Poisson distribution is right for this many, and several times as fast.
            spread = self.noise * np.sqrt(grey / PHOTONS_PER_GREY + READ_NOISE**2)
            grey += spread * noise_rng.standard_normal(grey.shape, np.float32)
        return grey.round().clip(0, 255).astype(np.uint8)

    def _blurred(self, light: Floats) -> Floats:
        if not self.blur:
            return light
        # A Gaussian is separable: blurring the columns and the rows is one matrix product each.
        along_columns, along_rows = (_blur_matrix(count, self.blur / self.pixel_size) for count in self.size)
        return along_columns @ light @ along_rows


def _blur_matrix(count: int, sigma: float) -> Floats:
    places = np.arange(count, dtype=np.float32)
    weights = bump(places[:, None] - places, sigma)
    return as_floats(weights / weights[count // 2].sum())


def _truth(rods: Rods) -> pd.DataFrame:
    height, width = rods.size
    old_tip, new_tip, septum = rods.growth.T
    table = pd.DataFrame(
        {
            "phase": rods.phase,
            "length": rods.length,
            "width": 2 * rods.radius,
            "angle": np.rad2deg(rods.angle),
            "row": rods.centre[:, 0] / rods.pixel_size + (height - 1) / 2,
            "column": rods.centre[:, 1] / rods.pixel_size + (width - 1) / 2,
            "old_tip": old_tip,
            "new_tip": new_tip,
            "septum": septum,
            "nucleus_shift": rods.nuclei[..., 0].mean(axis=1),
            "nuclei_distance": rods.nuclei[:, 1, 0] - rods.nuclei[:, 0, 0],
        }
    ).astype(np.float64)
    table.insert(6, "old_end", np.where(rods.old_end < 0, "left", "right"))
    return table


def _checked_classes(classes: Iterable[str] | None) -> tuple[str, ...]:
    known = ", ".join(GREEN_PATTERNS)
    if isinstance(classes, str):
        raise CellsError(f"Classes are a list of names, not the text {classes!r}; write [{classes!r}].")
    names = tuple(GREEN_PATTERNS) if classes is None else tuple(classes)
    if not names:
        raise CellsError(f"No class was asked for; name at least one of {known}.")
    for name in names:
        if name not in GREEN_PATTERNS:
            raise CellsError(f"There is no pattern {name!r}; choose from {known}.")
    if len(set(names)) != len(names):
        raise CellsError(f"A class was asked for twice: {', '.join(names)}; name each once.")
    return names


def _whole_number(value: int, what: str, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise CellsError(f"{what} is a whole number, not {value!r}.") from None
    if number < least:
        raise CellsError(f"{what} is {number}; give {least} or more.")
    return number


def _checked_camera(size: tuple[int, int], pixel_size: float | None, blur: float, noise: float) -> _Camera:
    if np.shape(size) != (2,):
        raise CellsError(f"The size of the images is (height, width) in pixels, such as (48, 80), not {size!r}.")
    height, width = (_whole_number(side, "A side of the images", 1) for side in size)
    try:
        halvings((height, width))
    except ValueError as error:
        raise CellsError(str(error)) from None
    least = max(FIELD_LENGTH / width, FIELD_HEIGHT / height)
    if least > COARSEST_PIXEL:
        raise CellsError(
            f"Cells in images of {height}x{width} pixels would be too small to show anything; "
            f"make the images at least {FIELD_LENGTH:g} pixels wide and {FIELD_HEIGHT:g} high."
        )
    pixel_size = least if pixel_size is None else pixel_size
    # The last digits of a division do not count.
    if not least * (1 - 1e-6) <= pixel_size <= COARSEST_PIXEL:
        raise CellsError(
            f"With a pixel size of {pixel_size} µm the cells do not fit into {height}x{width} pixels or are too small "
            f"to show anything; give {least:.3g} to {COARSEST_PIXEL:g} µm."
        )
    for what, value in (("blur", blur), ("noise", noise)):
        if not (np.isfinite(value) and value >= 0):
            raise CellsError(f"The {what} is 0 or a positive number, not {value}.")
    return _Camera((height, width), float(pixel_size), float(blur), float(noise))
