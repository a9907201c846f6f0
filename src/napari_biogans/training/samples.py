"""Cells drawn from the same latents again and again, to watch a training."""

from __future__ import annotations

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
