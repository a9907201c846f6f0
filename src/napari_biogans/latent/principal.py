"""The directions along which the images of a model change most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_biogans.cells.neighbours import never
from napari_biogans.latent.directions import Direction, unit_direction
from napari_biogans.latent.errors import LatentError, LatentStoppedError
from napari_biogans.models import Model
from napari_biogans.training.devices import chosen_threads

Part = Literal["red", "green", "all"]
PROBES = 4
"""Random changes of the image that are followed back for each draw (benchmarks/directions.md)."""
AT_A_TIME = 16
"""Draws; more do not make it faster."""


def principal_directions(
    model: Model,
    *,
    part: Part = "all",
    n: int = 5,
    draws: int = 128,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    should_stop: Callable[[], bool] = never,
) -> list[Direction]:
    """Find the directions along which the images of a model change most.

    Latents are drawn alike in all directions, so only what the model makes of
    them tells directions apart: these are the eigenvectors of the mean, over
    draws, of JᵀJ, J being the derivative of the image by the latent. The mean
    is estimated from random changes of the images, followed back to latents.

    Parameters
    ----------
    model : Model
    part : {"red", "green", "all"}
        The derivative of red by the red latent, or of greens by the green
        latent with red held (both for separable models), or of everything.
    n : int
        How many directions.
    draws : int
        Of latents; more are slower and more exact.
    seed : int
        The same seed gives the same directions.
    classes : sequence of str, optional
        Those whose greens count; default all.
    should_stop : callable
        Asked after each block of draws.

    Returns
    -------
    list of Direction
        From the strongest on, at right angles to each other, and pointing to
        where the images are brighter. `explained` is the part of the mean
        squared change of the images, over all directions of that latent, that
        is along this one.

    Raises
    ------
    LatentError
        If an argument makes no sense for this model; the message says why.
    LatentStoppedError
        If it was stopped.

    References
    ----------
    Ramesh, Choi, LeCun, A Spectral Regularizer for Unsupervised
    Disentanglement, arXiv 1812.01161; Wang, Ponce, The Geometry of Deep
    Generative Image Models and its Applications, ICLR 2021, arXiv 2101.06006.

    Examples
    --------
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> model = untrained_model(NetworkShape(image_size=(24, 40), width=4, latent_size=8), "joint-separable")
    >>> [direction.name for direction in principal_directions(model, part="red", n=2, draws=16)]
    ['red 1', 'red 2']
    """
    numbers = _numbers(model, part)
    if not 1 <= n <= numbers.stop - numbers.start:
        raise LatentError(f"The number of directions is from 1 to {numbers.stop - numbers.start}, not {n}.")
    if draws < 1:
        raise LatentError(f"The number of draws is at least 1, not {draws}.")
    groups = _groups(model, part, classes)
    rng = torch.Generator().manual_seed(seed)
    gram = np.zeros((numbers.stop - numbers.start,) * 2)
    brightness = np.zeros(len(gram))
    with chosen_threads():
        for number, group in enumerate(groups):
            of_group = -(-draws // len(groups))
            for start in range(0, of_group, AT_A_TIME):
                if should_stop():
                    raise LatentStoppedError("Stopped before directions were found.")
                latents = torch.randn(min(AT_A_TIME, of_group - start), model.latent_size, generator=rng)
                brighter, *changes = _followed_back(model, part, group, number == 0, numbers, latents, rng)
                gram += sum(change.T @ change for change in changes)
                brightness += brighter.sum(axis=0)
    whole = np.trace(gram)
    if whole == 0:
        raise LatentError("The model draws the same from every latent, so that no direction changes anything.")
    values, vectors = np.linalg.eigh(gram)
    found = []
    for place, (value, axis) in enumerate(zip(values[::-1][:n], vectors.T[::-1], strict=False)):
        vector = np.zeros(model.latent_size)
        vector[numbers] = axis if axis @ brightness >= 0 else -axis
        name = f"{'direction' if part == 'all' else part} {place + 1}"
        found.append(unit_direction(name, vector, float(value / whole)))
    return found


def _numbers(model: Model, part: Part) -> slice:
    """Find the numbers of the latent that belong to a part."""
    if part not in get_args(Part):
        raise LatentError(f"The part is {', '.join(get_args(Part))}, not {part!r}.")
    red = model.red_latent_size
    if part == "all":
        return slice(0, model.latent_size)
    if red is None:
        raise LatentError(
            f"Red cannot be held in this {model.architecture.name} model, so that no part of its latent is for {part} "
            "alone; take the part all."
        )
    return slice(0, red) if part == "red" else slice(red, model.latent_size)


def _groups(model: Model, part: Part, classes: Sequence[str] | None) -> list[list[int]]:
    """Part the classes into those that are drawn at once: one by one where each has a network of its own."""
    names = model.class_names if classes is None else classes
    unknown = [name for name in names if name not in model.class_names]
    if unknown or not names:
        raise LatentError(
            f"This model does not draw {', '.join(unknown) or 'nothing'}; it draws {', '.join(model.class_names)}."
        )
    places = [model.class_names.index(name) for name in names]
    if part == "red" and model.architecture.shares_red:
        return [places[:1]]
    return [[place] for place in places] if model.architecture.layout == "by-class" else [places]


def _followed_back(
    model: Model, part: Part, group: list[int], is_first: bool, numbers: slice, latents: Tensor, rng: torch.Generator
) -> Iterator[NDArray[np.float64]]:
    """Yield Jᵀv of each latent, (B, numbers), for an image v that is brighter, and then for random changes of it."""
    whole = latents.to(model.device)
    of_part = whole[:, numbers].clone().requires_grad_()
    whole = torch.cat([whole[:, : numbers.start], of_part, whole[:, numbers.stop :]], dim=1)
    pairs = model.architecture.pairs(model.generator(whole, group), model.header.shape)
    images = _that_count(pairs, part, model.architecture.shares_red, is_first)
    changes = [torch.randn(images.shape, generator=rng).to(images.device) for _ in range(PROBES)]
    for change in (torch.ones_like(images), *changes):
        (back,) = torch.autograd.grad(images, of_part, change, retain_graph=True)
        yield back.cpu().numpy().astype(float)


def _that_count(pairs: Tensor, part: Part, shares_red: bool, is_first: bool) -> Tensor:
    """Take the intensities that count, (B, …); those of a red that all classes share count once."""
    kinds = []
    if part != "green" and (is_first or not shares_red):
        kinds.append(pairs[: 1 if shares_red else None, :, :1])
    if part != "red":
        kinds.append(pairs[:, :, 1:])
    return torch.cat([kind.transpose(0, 1).flatten(1) for kind in kinds], dim=1)
