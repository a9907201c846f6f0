"""Directions in which to move a latent: what they are, and those that cells with known latents tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_biogans.latent.errors import LatentError

FEWEST_CELLS = 3
PENALTIES = np.geomspace(1e-3, 1e3, 25)
"""Of ridge regressions, as parts of the mean variance along the axes."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction in which a latent can be moved.

    Parameters
    ----------
    name : str
        Such as "red 1", or of what grows along it.
    vector : array (Z,)
        Of unit length, so that a step of 1 is one standard deviation of the
        latents that models draw from.
    explained : float, optional
        How much it says, as part of 1; of what is told by what found it.
    """

    name: str
    vector: NDArray[np.float32]
    explained: float | None

    def __repr__(self) -> str:
        explained = "" if self.explained is None else f", {self.explained:.0%} explained"
        return f"Direction({self.name}, {len(self.vector)} numbers{explained})"


def unit_direction(name: str, vector: NDArray[np.float64], explained: float | None) -> Direction:
    """Make a direction of a vector of any length.

    Raises
    ------
    LatentError
        If the vector is of length 0.
    """
    length = np.linalg.norm(vector)
    if length == 0:
        raise LatentError(f"There is no direction for {name!r}: the cells do not differ in it.")
    return Direction(name, (vector / length).astype(np.float32), explained)


def feature_direction(latents: ArrayLike, values: ArrayLike, name: str) -> Direction:
    """Find the direction along which something that was measured grows.

    It is that of a ridge regression of the values on the latents, with the
    penalty that foretells each cell best from all others.

    Parameters
    ----------
    latents : array (N, Z)
        Of cells that were drawn or rebuilt; hundreds tell more than dozens.
    values : array (N,)
        What was measured of each.
    name : str
        What grows.

    Returns
    -------
    Direction
        `explained` is R² of the values of cells that were left out, one at a
        time; 0 where they are not foretold at all.

    Raises
    ------
    LatentError
        If cells are too few, or something is not a finite number.

    References
    ----------
    Allen, The relationship between variable selection and data augmentation
    and a method for prediction, Technometrics 16:125, 1974 (leaving one out).

    Examples
    --------
    >>> latents = np.random.default_rng(0).standard_normal((200, 10))
    >>> direction = feature_direction(latents, latents[:, 3] * 2 + 5, "length")
    >>> int(direction.vector.argmax()), round(direction.explained, 2)
    (3, 1.0)
    """
    array = _checked_latents(latents)
    wanted = np.asarray(values, float)
    if wanted.shape != (len(array),) or not np.isfinite(wanted).all():
        raise LatentError(
            f"{name} is one finite number for each of {len(array)} cells; leave out the cells without one."
        )
    if np.ptp(wanted) == 0:
        raise LatentError(f"{name} is the same in all cells, so that no direction makes it grow.")
    grown = wanted - wanted.mean()
    left, lengths, axes = _axes_of(array)
    errors, slopes = [], []
    for penalty in PENALTIES * np.square(lengths).mean():
        kept = np.square(lengths) / (np.square(lengths) + penalty)
        leverage = 1 / len(array) + np.square(left) @ kept
        errors.append(np.square((grown - left @ (kept * (left.T @ grown))) / (1 - leverage)).sum())
        slopes.append(axes.T @ (lengths / (np.square(lengths) + penalty) * (left.T @ grown)))
    best = int(np.argmin(errors))
    # Each of those that are left out is foretold from the mean of the others, which are one fewer.
    alone = np.square(grown * len(grown) / (len(grown) - 1)).sum()
    return unit_direction(name, slopes[best], max(0.0, float(1 - errors[best] / alone)))


def class_direction(latents: ArrayLike, labels: Sequence[str], a: str, b: str) -> Direction:
    """Find the direction from the cells of one class to those of another.

    It joins the means of both. This is for models in which the class is in
    the latent, as in pooled ones; others draw each class from every latent.

    Parameters
    ----------
    latents : array (N, Z)
        Of cells that were rebuilt.
    labels : sequence of str
        The class of each.
    a, b : str
        Where the way begins, and where it leads.

    Returns
    -------
    Direction
        `explained` is the squared correlation of the class with where cells
        are along the direction, each by means without it; 0 where they are
        not told apart.

    Raises
    ------
    LatentError
        If a class has less than two cells.

    Examples
    --------
    >>> latents = np.random.default_rng(0).standard_normal((60, 10))
    >>> latents[30:, 4] += 6
    >>> direction = class_direction(latents, ["wild type"] * 30 + ["mutant"] * 30, "wild type", "mutant")
    >>> direction.name, int(direction.vector.argmax())
    ('wild type to mutant', 4)
    """
    array = _checked_latents(latents)
    names = np.asarray(labels)
    if names.shape != (len(array),):
        raise LatentError(f"There are {len(array)} cells, and {names.size} labels; each cell has one.")
    if a == b:
        raise LatentError(f"A direction leads from one class to another, not from {a!r} to itself.")
    sides = [array[names == name] for name in (a, b)]
    for name, cells in zip((a, b), sides, strict=True):
        if len(cells) < 2:
            raise LatentError(f"A direction takes two cells of each class; there are {len(cells)} of {name!r}.")
    way = sides[1].mean(axis=0) - sides[0].mean(axis=0)
    return replace(unit_direction(f"{a} to {b}", way, None), explained=_told_apart(*sides))


def latent_principal_directions(latents: ArrayLike, n: int = 5) -> list[Direction]:
    """Find the directions along which the latents of some cells vary most.

    Parameters
    ----------
    latents : array (N, Z)
        Of real cells, that were rebuilt. Those that a model draws vary alike
        in all directions.
    n : int
        How many directions; less than there are cells.

    Returns
    -------
    list of Direction
        `explained` is the part of the variance that is along it.

    Raises
    ------
    LatentError
        If there are too few cells.

    Examples
    --------
    >>> latents = np.random.default_rng(0).standard_normal((50, 10)) * ([5] + [1] * 9)
    >>> int(latent_principal_directions(latents, 1)[0].vector.argmax())
    0
    """
    array = _checked_latents(latents)
    most = min(len(array) - 1, array.shape[1])
    if not 1 <= n <= most:
        raise LatentError(f"The number of directions among {len(array)} cells is from 1 to {most}, not {n}.")
    _, lengths, axes = _axes_of(array)
    shares = np.square(lengths) / np.square(lengths).sum()
    return [
        unit_direction(f"variation {place + 1}", axes[place] * _sign(axes[place]), float(shares[place]))
        for place in range(n)
    ]


def _told_apart(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Correlate, squared, the class with where cells are between the means of the others; 0 if it is negative."""
    along = []
    for own, other, sign in ((first, second.mean(axis=0), 1), (second, first.mean(axis=0), -1)):
        means = (own.mean(axis=0) * len(own) - own) / (len(own) - 1)
        way, middle = sign * (other - means), (other + means) / 2
        along.append(((own - middle) * way).sum(axis=1) / np.linalg.norm(way, axis=1))
    side = np.repeat([0.0, 1.0], [len(first), len(second)])
    return max(0.0, float(np.corrcoef(np.concatenate(along), side)[0, 1])) ** 2


def _axes_of(latents: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Take the differences of latents from their mean apart: where cells are, lengths, and axes."""
    left, lengths, axes = np.linalg.svd(latents - latents.mean(axis=0), full_matrices=False)
    if lengths[0] == 0:
        raise LatentError("All cells have the same latent, so that there is no direction among them.")
    return left, lengths, axes


def _sign(vector: NDArray[np.float64]) -> float:
    """Of the largest number, by which one of two opposite directions is chosen."""
    return float(np.sign(vector[np.abs(vector).argmax()]))


def _checked_latents(latents: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(latents, float)
    if array.ndim != 2 or len(array) < FEWEST_CELLS:
        raise LatentError(f"Latents are an array (N, Z) of {FEWEST_CELLS} cells or more, not {array.shape}.")
    if not np.isfinite(array).all():
        raise LatentError("Latents hold NaN or infinite values.")
    return array
