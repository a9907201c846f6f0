"""The way from cell to cell, through the latents between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_biogans.cells.neighbours import never
from napari_biogans.latent.errors import LatentError
from napari_biogans.latent.paths import LatentPath
from napari_biogans.models import Model

Way = Literal["spherical", "linear"]
PARALLEL = 1e-6
"""Angle below which two latents are taken for one direction."""


def interpolate(
    model: Model,
    latents: ArrayLike,
    *,
    frames: int = 60,
    mode: Way = "spherical",
    loop: bool = False,
    should_stop: Callable[[], bool] = never,
) -> LatentPath:
    """Draw the cells along the way between latents, of all classes at once.

    Parameters
    ----------
    model : Model
    latents : array (M, Z)
        Key cells, such as those of `reconstruct` or `Model.draw_latents`; two
        at least.
    frames : int
        In all, as many as there are keys at least. Each stretch between two
        keys gets as many as the others, or one more.
    mode : {"spherical", "linear"}
        Along great circles, on which latents stay as long as those that a
        model draws from; or straight, through shorter ones in between, whose
        cells are more average.
    loop : bool
        Whether the way goes back to the first key, whose frame is not shown
        twice.
    should_stop : callable
        Asked now and then, from this thread, whether to end.

    Returns
    -------
    LatentPath

    Raises
    ------
    LatentError
        If an argument makes no sense; the message says why.
    LatentStoppedError
        If it was stopped.

    References
    ----------
    White, Sampling Generative Networks, arXiv 1609.04468 (spherical
    interpolation).

    Examples
    --------
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> model = untrained_model(NetworkShape(image_size=(24, 40), width=4, latent_size=8, classes=2), "star-shaped")
    >>> path = interpolate(model, model.draw_latents(3, seed=0), frames=9)
    >>> path.images.shape, path.keys.tolist()
    ((2, 9, 2, 24, 40), [0, 4, 8])
    """
    keys = np.asarray(latents, np.float32)
    if keys.ndim != 2 or len(keys) < 2 or keys.shape[1] != model.latent_size:
        raise LatentError(
            f"Key latents are an array of two or more, each of {model.latent_size} numbers, (M, {model.latent_size}); "
            f"not {keys.shape}."
        )
    if not np.isfinite(keys).all():
        raise LatentError("Key latents hold NaN or infinite values.")
    if mode not in get_args(Way):
        raise LatentError(f"The mode is {' or '.join(get_args(Way))}, not {mode!r}.")
    if frames < len(keys):
        raise LatentError(f"{len(keys)} key cells need {len(keys)} frames at least, not {frames}.")
    stops = np.concatenate([keys, keys[:1]]) if loop else keys
    edges = np.linspace(0, frames if loop else frames - 1, len(stops)).round().astype(int)
    blend = _spherical if mode == "spherical" else _linear
    way: list[NDArray[Any]] = [
        blend(stops[k], stops[k + 1], np.arange(edges[k + 1] - edges[k]) / (edges[k + 1] - edges[k]))
        for k in range(len(stops) - 1)
    ]
    if not loop:
        way.append(keys[-1:])
    along = np.concatenate(way).astype(np.float32)
    return LatentPath.drawn_by(model, along, (edges[:-1] if loop else edges).tolist(), should_stop)


def _linear(start: NDArray[np.float32], end: NDArray[np.float32], parts: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = parts[:, None]
    return (1 - weights) * start + weights * end


def _spherical(start: NDArray[np.float32], end: NDArray[np.float32], parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn from one direction to the other by equal angles, while the length changes evenly."""
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    if min(lengths) == 0:
        return _linear(start, end, parts)
    directions = start.astype(float) / lengths[0], end.astype(float) / lengths[1]
    angle = float(np.arccos(np.clip(directions[0] @ directions[1], -1, 1)))
    # Of opposite directions there is no one way round, and of the same nothing to turn.
    if angle < PARALLEL or np.pi - angle < PARALLEL:
        return _linear(start, end, parts)
    weights = parts[:, None]
    turned = (np.sin((1 - weights) * angle) * directions[0] + np.sin(weights * angle) * directions[1]) / np.sin(angle)
    along: NDArray[np.float64] = turned * ((1 - weights) * lengths[0] + weights * lengths[1])
    return along
