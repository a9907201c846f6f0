"""Green patterns of simulated cells: where a protein shows, one function per pattern.

Each takes the cells and a random number generator and returns the light of
every cell, `(N, H, W)`, in units of its own. A pattern follows the cell cycle
and the geometry that red shows; its random numbers are what red does not show.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_biogans.cells.rods import MITOSIS_STARTS, Floats, Rods, as_floats, bump, per_pixel, ramp

Pattern = Callable[[Rods, np.random.Generator], Floats]


def nucleus(rods: Rods, rng: np.random.Generator) -> Floats:
    """Nucleoplasm: a disc that divides in mitosis, darker on the nucleolus at a random side."""
    radius = per_pixel(rods.nucleus_radius)
    direction = rng.uniform(0, 2 * np.pi, (len(rods), 2)).astype(np.float32)
    light = 0.1 * rods.body
    for k, distance in enumerate(rods.nucleus_distances()):
        inside = np.clip((radius - distance) / rods.pixel_size + 0.5, 0, 1)
        place = rods.nuclei[:, k] + 0.75 * rods.nucleus_radius[:, None] * _unit(direction[:, k])
        nucleolus = bump(rods.distance(place), 0.42 * radius)
        thickness = np.sqrt(np.clip(1 - (distance / radius) ** 2, 0, 1))
        light = np.maximum(light, inside * (0.55 + 0.45 * thickness) * (1 - 0.6 * nucleolus))
    return light


def cytoplasm(rods: Rods, rng: np.random.Generator) -> Floats:
    """Cytosol: the whole cell but its nuclei and a random number of round vacuoles."""
    radius = per_pixel(rods.nucleus_radius)
    light = rods.body.copy()
    for distance in rods.nucleus_distances():
        light *= 1 - 0.8 * np.clip((radius - distance) / 0.4, 0, 1)
    count = 14
    along = as_floats(rng.uniform(-0.46, 0.46, (len(rods), count)) * rods.length[:, None])
    across = as_floats(rng.uniform(-0.75, 0.75, along.shape) * rods.half_width(along))
    vacuoles = rods.dots(along, across, _some(rng, len(rods), count, 3, count), width=0.28)
    return as_floats(light * (1 - 0.7 * np.minimum(vacuoles, 1)))


def microtubules(rods: Rods, rng: np.random.Generator) -> Floats:
    """Microtubules: 3 to 5 bundles along the cell, from the nucleus to the ends; the spindle in mitosis.

    After Hagan, J. Cell Sci. 111:1603 (1998).
    """
    bundles, steps = 5, 48
    shape = (len(rods), bundles)
    # A bundle belongs to the whole cell, or to one of its daughters once the nuclei have parted.
    side = rng.choice([-1, 1], (len(rods), 1)) * (-1) ** np.arange(bundles)
    home = side * (rods.division * rods.length / 4)[:, None]
    half = (rods.length / 2 * (1 - rods.division / 2))[:, None]
    left = home - half * rng.uniform(0.5, 0.97, shape)
    right = home + half * rng.uniform(0.5, 0.97, shape)
    part = np.linspace(0, 1, steps, dtype=np.float32)
    along = as_floats(left[..., None] + (right - left)[..., None] * part)
    # Bundles lie side by side in random order, run closer together towards the ends, and bend a little.
    lanes = rng.permuted(np.tile(np.linspace(-0.75, 0.75, bundles), (len(rods), 1)), axis=1)
    lane = (lanes + rng.uniform(-0.12, 0.12, shape))[..., None]
    bend = rng.uniform(-0.22, 0.22, shape)[..., None] * np.sin(np.pi * (part * 1.3 + rng.random(shape)[..., None]))
    across = as_floats((lane * (1 - 0.35 * (2 * part - 1) ** 2) + bend) * rods.half_width(along))
    # Two antiparallel arms overlap near the nucleus.
    overlap = 0.7 + 0.6 * bump(along - home[..., None].astype(np.float32), 1.0)
    interphase = 1 - 0.93 * ramp(rods.phase, MITOSIS_STARTS - 0.02, 0.76) * (1 - ramp(rods.phase, 0.85, 0.9))
    light = overlap * (_some(rng, len(rods), bundles, 3, bundles) * interphase[:, None])[..., None]
    flat = (len(rods), bundles * steps)
    drawn = rods.dots(along.reshape(flat), across.reshape(flat), as_floats(light).reshape(flat), width=0.1)
    return as_floats(drawn + _spindle(rods) + 0.1 * rods.body)


def actin_patches(rods: Rods, rng: np.random.Generator) -> Floats:
    """Actin patches: 20 to 40 dots at the wall, most of them where the cell grows.

    After Marks and Hyams, Eur. J. Cell Biol. 39:27 (1985).
    """
    count = 40
    growth = rods.growth / rods.growth.sum(axis=1, keepdims=True)
    old, new = np.cumsum(0.86 * growth, axis=1)[:, :2].T
    pick = rng.random((len(rods), count), np.float32)
    scattered = pick > 0.86
    near_tip = rods.length[:, None] / 2 - rng.exponential(0.8, pick.shape) - 0.08
    end = np.where(pick < old[:, None], rods.old_end[:, None], -rods.old_end[:, None])
    along = np.where(pick < new[:, None], near_tip * end, rng.normal(0, 0.3, pick.shape))
    along = np.where(scattered, rng.uniform(-0.45, 0.45, pick.shape) * rods.length[:, None], along)
    along = as_floats(np.clip(along, -rods.length[:, None] / 2, rods.length[:, None] / 2))
    light = _some(rng, len(rods), count, 20, count) * rng.lognormal(-0.1, 0.3, pick.shape)
    return rods.dots(along, _on_wall(rods, along, rng), as_floats(light), width=0.15) + 0.12 * rods.body


def spindle_poles(rods: Rods, rng: np.random.Generator) -> Floats:
    """Spindle poles: one dot at the rim of the nucleus, two from mitosis on.

    After Sad1 in Hagan and Yanagida, J. Cell Biol. 129:1033 (1995).
    """
    direction = _unit(rng.uniform(0, 2 * np.pi, len(rods)).astype(np.float32))
    # Both poles start at one place of the rim and go to opposite sides.
    opposite = ramp(rods.phase, MITOSIS_STARTS - 0.02, 0.77)[:, None, None]
    sides = as_floats([[-1, 0], [1, 0]])
    offset = (1 - opposite) * direction[:, None] + opposite * sides
    places = rods.nuclei + 0.9 * rods.nucleus_radius[:, None, None] * offset
    light = as_floats(rng.lognormal(0, 0.15, (len(rods), 2)))
    haze = sum(bump(distance, 0.7) for distance in rods.nucleus_distances())
    return as_floats(rods.dots(places[..., 0], places[..., 1], light, width=0.17) + 0.03 * haze + 0.06 * rods.body)


def medial_nodes(rods: Rods, rng: np.random.Generator) -> Floats:
    """Cortical nodes around the middle, which become the ring that then closes.

    After Moseley et al., Nature 459:857 (2009), and Wu et al., J. Cell Biol.
    174:391 (2006). That the band keeps away from the growing end of a young
    cell is our exaggeration: it makes this green follow red.
    """
    count = 40
    centre = -0.13 * rods.old_end * rods.length * (1 - rods.both_ends)
    ring = ramp(rods.phase, 0.68, 0.77)
    spread = 1.0 - 0.95 * ring
    scatter = np.clip(rng.standard_normal((len(rods), count), np.float32), -2, 2)
    along = as_floats(centre[:, None] + spread[:, None] * scatter)
    open_part = 1 - 0.85 * ramp(rods.phase, 0.86, 0.98)
    across = _on_wall(rods, along, rng) * open_part[:, None]
    some = _some(rng, len(rods), count, 18, count)
    light = as_floats(some * rng.lognormal(-0.1, 0.35, some.shape))
    # A closed ring would outshine everything: its parts are shed as it closes.
    light *= (1 - 0.6 * ring)[:, None] * (0.25 + 0.75 * open_part[:, None])
    diffuse = 0.12 + 0.15 * (1 - ramp(rods.phase, 0.0, 0.3))
    return as_floats(rods.dots(along, across, light, width=0.13) + per_pixel(diffuse) * rods.body)


def reticulum(rods: Rods, rng: np.random.Generator) -> Floats:
    """Endoplasmic reticulum: a line around each nucleus, and one with gaps under the wall.

    After Zhang et al., Curr. Biol. 20:1831 (2010).
    """
    line = max(0.13, rods.pixel_size / 2)
    side = np.where(rods.across > 0, 1, 0)
    # Three waves per side, of random lengths and places, make the gaps.
    waves = rng.uniform(0.6, 3.0, (3, len(rods), 2)).astype(np.float32)
    starts = rng.uniform(0, 2 * np.pi, (3, len(rods), 2)).astype(np.float32)
    cell = np.arange(len(rods))[:, None, None]
    ripple = sum(
        np.sin(wave[cell, side] * rods.along + start[cell, side]) for wave, start in zip(waves, starts, strict=True)
    )
    wall = rods.cover * bump(rods.depth - 0.25, line) * np.clip(0.65 + 0.35 * ripple, 0.1, 1.2)
    radius = per_pixel(rods.nucleus_radius)
    left, right = rods.nucleus_distances()
    # The envelope of two nuclei that still touch is that of their union.
    envelope = bump(np.minimum(left, right) - radius, line)
    return as_floats(
        envelope + 0.7 * wall * (1 - 0.8 * per_pixel(rods.closing) * bump(rods.along, 0.3)) + 0.13 * rods.body
    )


def tips(rods: Rods, rng: np.random.Generator) -> Floats:
    """Landmarks of the ends: dense dots at both ends at all times, whether they grow or not.

    After Tea1 in Mata and Nurse, Cell 89:939 (1997).
    """
    count = 36
    # How the dots are shared out between the ends is up to each cell.
    right_share = rng.uniform(0.35, 0.65, (len(rods), 1))
    end = np.where(rng.random((len(rods), count)) < right_share, 1, -1)
    at_end = end * (rods.length[:, None] / 2 - rng.uniform(0.1, 0.8, end.shape))
    # A few are on their way along microtubules.
    travelling = np.arange(count) < 4
    along = as_floats(np.where(travelling, rng.uniform(-0.4, 0.4, end.shape) * rods.length[:, None], at_end))
    across = np.where(travelling, rng.uniform(-0.6, 0.6, end.shape) * rods.radius[:, None], _on_wall(rods, along, rng))
    light = _some(rng, len(rods), count, 22, count) * np.where(travelling, 0.6, rng.lognormal(-0.1, 0.2, end.shape))
    return rods.dots(along, as_floats(across), as_floats(light), width=0.17) + 0.1 * rods.body


GREEN_PATTERNS: dict[str, Pattern] = {
    "nucleus": nucleus,
    "cytoplasm": cytoplasm,
    "microtubules": microtubules,
    "actin-patches": actin_patches,
    "spindle-poles": spindle_poles,
    "medial-nodes": medial_nodes,
    "reticulum": reticulum,
    "tips": tips,
}
"""What green can show, by name of the class."""


def _spindle(rods: Rods) -> Floats:
    present = ramp(rods.phase, MITOSIS_STARTS, 0.76) * (1 - ramp(rods.phase, 0.85, 0.88))
    reach = rods.nucleus_radius[:, None] * as_floats([-0.9, 0.9])
    poles = rods.nuclei[..., 0] + reach
    part = np.linspace(0, 1, 32, dtype=np.float32)
    along = poles[:, :1] + (poles[:, 1:] - poles[:, :1]) * part
    across = np.repeat(rods.nuclei[:, :1, 1], len(part), axis=1)
    # The same amount of light per µm, however long the spindle.
    light = np.repeat((present * 0.35 * (poles[:, 1] - poles[:, 0]) / 2)[:, None], len(part), axis=1)
    return rods.dots(along, across, as_floats(light))


def _on_wall(rods: Rods, along: Floats, rng: np.random.Generator) -> Floats:
    """Places across (N, K) of things that sit anywhere around the wall, seen from the side."""
    around = rng.uniform(0, 2 * np.pi, along.shape).astype(np.float32)
    return as_floats(0.93 * rods.half_width(along) * np.sin(around))


def _unit(direction: Floats) -> Floats:
    """Split a step of 1 in a direction (...) into its parts along and across (..., 2)."""
    return np.stack([np.cos(direction), np.sin(direction)], axis=-1)


def _some(rng: np.random.Generator, cells: int, count: int, fewest: int, most: int) -> Floats:
    """Keep some out of `count` things in each cell: 1 for those, 0 for the rest (N, K)."""
    present = rng.integers(fewest, most + 1, (cells, 1))
    return (np.arange(count) < present).astype(np.float32)
