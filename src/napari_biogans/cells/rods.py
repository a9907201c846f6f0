"""Fission yeast cells as rods: their state in the cell cycle, their outline, light drawn in them.

Lengths are in µm. A place in a cell is given along its long axis, from its
middle and positive towards the right of the image, and across it, positive
towards the bottom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

BIRTH_LENGTH = 7.0
RADIUS = 1.9
# Part of the cycle after which a cell grows no more but divides.
GROWTH_ENDS = 0.8
NEW_END_TAKES_OFF = 0.34
MITOSIS_STARTS = 0.73
NUCLEUS_RADIUS = 1.24  # of a cell of 10 µm
# The field that holds the longest cell, shifted and tilted, with a margin.
FIELD_LENGTH = 16.0
FIELD_HEIGHT = 6.4


def ramp(values: Floats, start: float | Floats, stop: float | Floats) -> Floats:
    """Rise smoothly from 0 at `start` to 1 at `stop`."""
    part = np.clip((values - start) / (stop - start), 0, 1)
    return as_floats(part * part * (3 - 2 * part))


def bump(distance: Floats, width: float | Floats) -> Floats:
    """Gaussian of a distance from a place, 1 at the place."""
    scaled = distance / width
    # Far off it stays at 1e-8: products of smaller numbers are subnormal, with which processors are slow.
    return as_floats(np.exp(-0.5 * np.minimum(scaled * scaled, 36)))


def far(along: Floats, across: Floats) -> Floats:
    """Length of steps along and across; several times as fast as np.hypot, whose care is not needed here."""
    return as_floats(np.sqrt(along * along + across * across))


def as_floats(values: Any) -> Floats:
    """Take the single precision that all drawing is done in."""
    return np.asarray(values, np.float32)


def per_pixel(values: Floats) -> Floats:
    """Give values (N,) the shape that goes with pixels, (N, 1, 1)."""
    return values[:, None, None]


@dataclass(frozen=True, eq=False)
class Rods:
    """A number of cells: what state each is in and where it lies in its image.

    Parameters
    ----------
    phase : array (N,)
        Part of the cell cycle that has passed, in [0, 1).
    length, radius : arrays (N,)
        Of the rod with its round ends, and half its width, in µm.
    angle : array (N,)
        Tilt of the long axis in radians, positive when its right end is lower.
    centre : array (N, 2)
        Row and column of the cell's middle from the image's middle, in µm.
    old_end : array (N,)
        -1 if the end that grows from birth on is the left one, else 1.
    take_off : array (N,)
        Phase at which the new end starts to grow as well.
    new_end_share : array (N,)
        How much of the marker the new end gets in the end, old end = 1.
    nucleus_shift : array (N, 2)
        Place of the nucleus along and across, from the cell's middle, in µm.
    size : (height, width)
        Of the images, in pixels.
    pixel_size : float
        In µm.
    """

    phase: Floats
    length: Floats
    radius: Floats
    angle: Floats
    centre: Floats
    old_end: Floats
    take_off: Floats
    new_end_share: Floats
    nucleus_shift: Floats
    size: tuple[int, int]
    pixel_size: float

    def __len__(self) -> int:
        return len(self.phase)

    # Progress of the cell cycle, one number per cell.

    @cached_property
    def both_ends(self) -> Floats:
        """How far the new end has taken off, 0 to 1, (N,)."""
        return ramp(self.phase, self.take_off - 0.06, self.take_off + 0.06)

    @cached_property
    def septation(self) -> Floats:
        """How far growth has moved from the ends to the septum, 0 to 1, (N,)."""
        return ramp(self.phase, 0.8, 0.88)

    @cached_property
    def closing(self) -> Floats:
        """How far the septum has closed from the wall inwards, 0 to 1, (N,)."""
        return ramp(self.phase, 0.86, 0.95)

    @cached_property
    def division(self) -> Floats:
        """How far the nuclei have parted, 0 to 1, (N,)."""
        return ramp(self.phase, MITOSIS_STARTS, 0.83)

    @cached_property
    def growth(self) -> Floats:
        """Share of growth at the old end, the new end and the septum, (N, 3)."""
        ends = 1 - 0.92 * self.septation
        return np.stack([ends, ends * self.both_ends * self.new_end_share, 1.3 * self.septation], axis=1)

    # Nuclei: two that lie on each other until they part.

    @cached_property
    def nuclei(self) -> Floats:
        """Place along and across of the left and the right nucleus, (N, 2, 2)."""
        # The spindle drives the nuclei far apart; they come back to the middles of the daughters.
        apart = self.length * (0.31 * self.division - 0.06 * ramp(self.phase, 0.84, 0.95))
        # It also centres them.
        places = np.repeat((self.nucleus_shift * (1 - 0.7 * self.division[:, None]))[:, None], 2, axis=1)
        places[:, 0, 0] -= apart
        places[:, 1, 0] += apart
        return places

    @cached_property
    def nucleus_radius(self) -> Floats:
        """Radius of each nucleus in µm, (N,).

        A nucleus keeps its part of the cell's volume (Neumann and Nurse, J.
        Cell Biol. 179:593, 2007), and divides it into two.
        """
        return as_floats(NUCLEUS_RADIUS * np.cbrt(self.length / 10) * (1 - (1 - 0.5 ** (1 / 3)) * self.division))

    def nucleus_distances(self) -> tuple[Floats, Floats]:
        """Distance of each pixel from the centres of the left and the right nucleus, 2 x (N, H, W)."""
        return self.distance(self.nuclei[:, 0]), self.distance(self.nuclei[:, 1])

    def distance(self, places: Floats) -> Floats:
        """Distance of each pixel from a place (N, 2) along and across in each cell, (N, H, W)."""
        return far(self.along - per_pixel(places[:, 0]), self.across - per_pixel(places[:, 1]))

    # The image of a cell.

    @cached_property
    def along(self) -> Floats:
        """Place of each pixel along the long axis, (N, H, W)."""
        rows, columns = self._from_centre()
        return columns * per_pixel(np.cos(self.angle)) + rows * per_pixel(np.sin(self.angle))

    @cached_property
    def across(self) -> Floats:
        """Place of each pixel across the long axis, (N, H, W)."""
        rows, columns = self._from_centre()
        return rows * per_pixel(np.cos(self.angle)) - columns * per_pixel(np.sin(self.angle))

    @cached_property
    def depth(self) -> Floats:
        """Distance of each pixel from the outline, positive inside, (N, H, W)."""
        beyond = np.maximum(np.abs(self.along) - per_pixel(self.length / 2 - self.radius), 0)
        # Daughters round up at the septum before they come apart.
        pinch = per_pixel(0.3 * ramp(self.phase, 0.93, 1.0)) * bump(self.along, 0.45)
        return as_floats(per_pixel(self.radius) * (1 - pinch) - far(beyond, self.across))

    @cached_property
    def body(self) -> Floats:
        """Thickness of the cell at each pixel, 1 on its axis, (N, H, W)."""
        radius = per_pixel(self.radius)
        inside = np.clip(self.depth / radius, 0, 1)
        septum = 0.75 * per_pixel(self.closing) * bump(self.along, max(0.13, self.pixel_size / 2))
        return as_floats(np.sqrt(inside * (2 - inside)) * (1 - septum))

    @cached_property
    def cover(self) -> Floats:
        """Part of each pixel that lies in the cell, 0 to 1, (N, H, W)."""
        return as_floats(np.clip(self.depth / self.pixel_size + 0.5, 0, 1))

    def half_width(self, along: Floats) -> Floats:
        """Half the width of each cell at places (N, ...) along it; 0 beyond its ends."""
        shape = (-1,) + (1,) * (along.ndim - 1)
        radius = self.radius.reshape(shape)
        beyond = np.maximum(np.abs(along) - (self.length / 2 - self.radius).reshape(shape), 0)
        return as_floats(np.sqrt(np.maximum(radius**2 - beyond**2, 0)))

    def dots(self, along: Floats, across: Floats, light: Floats, width: float = 0.12) -> Floats:
        """Draw small round dots.

        Parameters
        ----------
        along, across, light : arrays (N, K)
            Place and brightness of the dots of each cell; 0 draws none.
        width : float
            Standard deviation in µm, made at least half a pixel.

        Returns
        -------
        array (N, H, W)
        """
        cosine, sine = np.cos(self.angle)[:, None], np.sin(self.angle)[:, None]
        rows = self.centre[:, :1] + along * sine + across * cosine
        columns = self.centre[:, 1:] + along * cosine - across * sine
        width = max(width, self.pixel_size / 2)
        # A round Gaussian is a column times a row: all dots of a cell are one matrix product.
        pixel_rows, pixel_columns = (_pixel_places(count, self.pixel_size) for count in self.size)
        by_row = bump(pixel_rows[:, None] - rows[:, None, :], width) * light[:, None, :]
        by_column = bump(columns[:, :, None] - pixel_columns, width)
        return as_floats(by_row @ by_column)

    def _from_centre(self) -> tuple[Floats, Floats]:
        rows, columns = (_pixel_places(count, self.pixel_size) for count in self.size)
        return rows[:, None] - per_pixel(self.centre[:, 0]), columns - per_pixel(self.centre[:, 1])


def draw_rods(
    count: int,
    size: tuple[int, int],
    pixel_size: float,
    rng: np.random.Generator,
    nucleus_rng: np.random.Generator,
) -> Rods:
    """Draw cells from a growing population.

    There are twice as many cells at birth as at division, as in any
    population that doubles in one cycle (Powell, J. Gen. Microbiol. 15:492,
    1956). Growth in length, its end before division and the take-off of the
    new end are as Mitchison and Nurse measured them (J. Cell Sci. 75:357,
    1985).

    Parameters
    ----------
    count : int
        Number of cells.
    size : (height, width)
        In pixels.
    pixel_size : float
        In µm.
    rng, nucleus_rng : numpy.random.Generator
        For what red shows, and for the place of the nucleus, which it does not show.

    Returns
    -------
    Rods
    """
    phase = -np.log2(1 - rng.random(count) / 2)
    at_birth = BIRTH_LENGTH * np.clip(rng.normal(1, 0.04, count), 0.92, 1.04)
    return Rods(
        # Rounding to single precision must not make a phase 1.
        phase=np.minimum(as_floats(phase), np.nextafter(np.float32(1), np.float32(0))),
        length=as_floats(at_birth * 2 ** np.minimum(phase / GROWTH_ENDS, 1)),
        radius=as_floats(RADIUS * np.clip(rng.normal(1, 0.03, count), 0.92, 1.08)),
        angle=as_floats(np.deg2rad(np.clip(rng.normal(0, 1.5, count), -4, 4))),
        centre=as_floats(np.clip(rng.normal(0, 0.12, (count, 2)), -0.2, 0.2)),
        old_end=as_floats(rng.choice([-1, 1], count)),
        take_off=as_floats(NEW_END_TAKES_OFF + np.clip(rng.normal(0, 0.025, count), -0.06, 0.06)),
        new_end_share=as_floats(rng.uniform(0.65, 1, count)),
        nucleus_shift=as_floats(nucleus_rng.normal(0, 1, (count, 2)) * (0.3, 0.12)),
        size=size,
        pixel_size=pixel_size,
    )


def polarity(rods: Rods, rng: np.random.Generator) -> Floats:
    """Light of the red marker: where the cell grows.

    It lies along the wall at the old end, at both ends once the new end has
    taken off, and at the septum: first at the wall, then across the cell, as
    the glucan synthase Bgs4 does (Cortés et al., J. Cell Sci. 118:157, 2005).

    Parameters
    ----------
    rods : Rods
    rng : numpy.random.Generator

    Returns
    -------
    array (N, H, W)
    """
    old, new, septum = rods.growth.T
    cap_width = per_pixel(as_floats(rng.uniform(1.1, 1.6, len(rods))))
    half = rods.length / 2
    caps = np.zeros_like(rods.along)
    for amount, tip in ((old, half * rods.old_end), (new, -half * rods.old_end)):
        caps += per_pixel(amount) * bump(rods.distance(np.stack([tip, 0 * tip], axis=1)), cap_width)
    wall = bump(rods.depth - 0.15, 0.22) * rods.cover
    closing = per_pixel(rods.closing)
    across_cell = rods.cover * (closing + (1 - closing) * bump(rods.depth - 0.2, 0.4))
    band = per_pixel(septum) * bump(rods.along, max(0.16, rods.pixel_size / 2)) * across_cell
    return as_floats(caps * wall + band + 0.13 * rods.body)


def _pixel_places(count: int, pixel_size: float) -> Floats:
    return as_floats((np.arange(count) - (count - 1) / 2) * pixel_size)
