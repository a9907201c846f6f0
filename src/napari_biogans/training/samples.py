"""Cells drawn from the same latents again and again, to watch a training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.models import NetworkShape, architecture_named

GREENS_PER_RED = 8


def sample_latents(architecture: str, shape: NetworkShape, count: int, seed: int) -> NDArray[np.float32]:
    """Draw the latents that a run's samples are drawn from.

    Parameters
    ----------
    architecture : str
        For separable ones, groups of 8 latents share their red part.
    shape : NetworkShape
    count : int
        How many.
    seed : int
        The same seed gives the same latents.

    Returns
    -------
    array (count, Z), float32

    Examples
    --------
    >>> latents = sample_latents("joint-separable", NetworkShape(image_size=(48, 80)), 16, seed=0)
    >>> bool((latents[:8, :50] == latents[0, :50]).all()), bool((latents[8, :50] == latents[0, :50]).all())
    (True, False)
    """
    latents = np.random.default_rng(seed).standard_normal((count, shape.latent_size), np.float32)
    if architecture_named(architecture).separable:
        group = np.arange(count) // GREENS_PER_RED * GREENS_PER_RED
        latents[:, : shape.red_latent_size] = latents[group, : shape.red_latent_size]
    return latents


def groups_of_one_red(images: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Part the samples of a separable architecture into those of the same red.

    Parameters
    ----------
    images : array (K, N, C, H, W)
        Of the latents that `sample_latents` gives.

    Yields
    ------
    array (K, G, C, H, W)
        Of 8 cells, the last one of fewer, but of two at least: a cell by
        itself is left out.

    Examples
    --------
    >>> [group.shape[1] for group in groups_of_one_red(np.zeros((1, 18, 2, 48, 80)))]
    [8, 8, 2]
    """
    for start in range(0, images.shape[1] - 1, GREENS_PER_RED):
        yield images[:, start : start + GREENS_PER_RED]
