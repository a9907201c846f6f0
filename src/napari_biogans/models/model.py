"""The model: networks with everything that is needed to draw cells from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import nn

from napari_biogans.cells import CellSet, from_unit
from napari_biogans.models import modelfile
from napari_biogans.models.architectures import ARCHITECTURES, Architecture, architecture_named
from napari_biogans.models.shape import NetworkShape

IMAGES_AT_A_TIME = 256
Weights = Literal["averaged", "last"]
GreenLatents = Literal["shared", "per-class"]
CellType = Literal["uint8", "uint16", "float32"]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(use_attribute_docstrings=True, extra="forbid"))
class ModelHeader:
    """What a model file says about its weights."""

    architecture: str
    """Name of the architecture."""

    shape: NetworkShape
    """Sizes of the networks."""

    class_names: tuple[str, ...]
    """Name of each class that the generator draws."""

    channel_names: tuple[str, ...]
    """Name of each channel; red first."""

    intensity_range: tuple[tuple[float, float], ...]
    """Intensities that are -1 and 1 in the networks, per channel."""

    dtype: CellType
    """Type of the cells that the model was trained on, and of those it draws."""

    pixel_size: float | None = None
    """Side of a pixel in µm, when it is known."""

    draws_from: Weights = "last"
    """Weights that are drawn from unless others are asked for."""

    step: Annotated[int, Field(ge=0)] = 0
    """Generator steps that the model was trained for."""

    training: dict[str, Any] = field(default_factory=dict)
    """Configuration of the training."""

    metrics: dict[str, float] = field(default_factory=dict)
    """The last metrics of the training."""

    package_version: str = ""
    """Version of napari-biogans that wrote the file."""


class Model:
    """A generator and its critic, and everything that is needed to use them.

    Models come from `napari_biogans.train` or `napari_biogans.load_model`.

    Parameters
    ----------
    header : ModelHeader
    networks : dict of torch.nn.Module
        `"last"`, the generator as trained; `"averaged"`, the same with the
        moving average of its weights, where one was kept; and `"critic"`,
        where there is one.

    Raises
    ------
    ValueError
        If the header names an architecture that does not exist here.
    """

    def __init__(self, header: ModelHeader, networks: dict[str, nn.Module]) -> None:
        self.header = header
        self.architecture: Architecture = architecture_named(header.architecture)
        self._networks = networks
        for network in networks.values():
            network.eval().requires_grad_(False)

    def __repr__(self) -> str:
        height, width = self.header.shape.image_size
        return (
            f"Model({self.header.architecture}, {height}x{width}, latent size {self.latent_size}, "
            f"{self.header.step} steps; classes {', '.join(self.class_names)})"
        )

    @property
    def generator(self) -> nn.Module:
        """The generator that is drawn from: `generator(z)`, (B, Z) to (K, B, C, H, W) in [-1, 1].

        That of a multi-channel model draws one class, of 1 + classes channels; `generate` takes it apart.
        """
        return self._networks[self.header.draws_from]

    @property
    def critic(self) -> nn.Module | None:
        """The critic: what the generator draws, in [-1, 1], to scores (K, B); None in a model without one."""
        return self._networks.get("critic")

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks by name: `last` and, where there are any, `averaged` and `critic`."""
        return dict(self._networks)

    @property
    def latent_size(self) -> int:
        """Numbers in a latent."""
        return self.header.shape.latent_size

    @property
    def red_latent_size(self) -> int | None:
        """Numbers of a latent that are red; None where red cannot be held, since green's change it too."""
        shape = self.header.shape
        return shape.red_latent_size if self.architecture.separable and shape.extra_red_portion is None else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class, in the order of the images that `generate` returns."""
        return self.header.class_names

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Name of each channel; red first."""
        return self.header.channel_names

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.generator.parameters()).device

    def to(self, device: str | torch.device) -> Model:
        """Move the networks to a device, in place, and return the model."""
        for network in self._networks.values():
            network.to(device)
        return self

    def draw_latents(
        self,
        n: int,
        *,
        seed: int | None = None,
        truncation: float | None = None,
        red_latents: ArrayLike | None = None,
        greens_per_red: int = 1,
        green_latents: GreenLatents = "shared",
    ) -> NDArray[np.float32]:
        """Draw latents from the standard normal distribution.

        Parameters
        ----------
        n : int
            How many; with `red_latents`, how many for each of them.
        seed : int, optional
            The same seed gives the same latents, on every device. Without
            one they are new each time.
        truncation : float, optional
            Keep every number within this many standard deviations, by drawing
            from the truncated normal distribution: cells nearer to the typical
            and less varied. 0.5 to 2 are usual; default none.
        red_latents : array (R, red_latent_size) or (red_latent_size,), optional
            Take these for the red part and draw the green part only
            (separable models).
        greens_per_red : int
            Draw so many for each of n reds (separable models). The reds are
            those of the same call without it.
        green_latents : {"shared", "per-class"}
            Whether all classes get the same green latent, as in training, or
            each one of its own; the red latent is the same for all. Those of
            the first class are the shared ones.

        Returns
        -------
        array (N, Z), float32
            Of N = n * greens_per_red or n * R rows: first those of the first
            red, then those of the second, … One such array per class,
            (K, N, Z), with green latents per class.

        Raises
        ------
        ValueError
            If an argument makes no sense for this model; the message says why.

        References
        ----------
        Brock, Donahue, Simonyan, arXiv 1809.11096, section 3.1 (truncation).
        """
        if n < 1:
            raise ValueError(f"The number of cells to draw is at least 1, not {n}.")
        if greens_per_red < 1:
            raise ValueError(f"The number of greens for each red is at least 1, not {greens_per_red}.")
        if truncation is not None and not truncation > 0:
            raise ValueError(f"A truncation is a positive number of standard deviations, not {truncation}.")
        if seed is not None and seed < 0:
            raise ValueError(f"A seed is a whole number, 0 or larger, not {seed}.")
        if green_latents not in get_args(GreenLatents):
            raise ValueError(f"Green latents are {' or '.join(get_args(GreenLatents))}, not {green_latents!r}.")
        if green_latents == "per-class":
            self._check_green_latents_per_class()
        if greens_per_red > 1:
            if red_latents is not None:
                raise ValueError("Give either red_latents, with n greens for each, or greens_per_red; not both.")
            red_latents = self.draw_latents(n, seed=seed, truncation=truncation)[:, : self._known_red_latent_size()]
            # Another seed, since the greens would else begin with the numbers of the reds.
            n, seed = greens_per_red, None if seed is None else seed + 1
        reds = None if red_latents is None else self._checked_red_latents(red_latents)
        rows = n if reds is None else n * len(reds)
        rng = np.random.default_rng(seed)
        latents = _normal(rng, (rows, self.latent_size), truncation)
        if reds is not None:
            latents[:, : reds.shape[1]] = np.repeat(reds, n, axis=0)
        if green_latents == "shared":
            return latents
        by_class = np.repeat(latents[None], len(self.class_names), axis=0)
        red_size = self._known_red_latent_size()
        for others in by_class[1:]:
            others[:, red_size:] = _normal(rng, (rows, self.latent_size - red_size), truncation)
        return by_class

    def generate(
        self,
        n: int | None = None,
        *,
        seed: int | None = None,
        latents: ArrayLike | None = None,
        classes: Sequence[str] | None = None,
        truncation: float | None = None,
        red_latents: ArrayLike | None = None,
        greens_per_red: int | None = None,
        green_latents: GreenLatents | None = None,
        weights: Weights | None = None,
    ) -> NDArray[Any]:
        """Draw cells.

        Parameters
        ----------
        n : int, optional
            How many; with `red_latents`, how many greens for each red. Default
            1 where neither this nor `latents` is given.
        seed, truncation, red_latents, greens_per_red, green_latents
            As for `draw_latents`.
        latents : array (N, Z) or (K, N, Z), optional
            Draw the cells of these latents, of `draw_latents`, instead of new
            ones.
        classes : sequence of str, optional
            Names of the classes to draw, in the order wanted; others are not
            computed. Default all.
        weights : {"averaged", "last"}, optional
            Which weights of the generator; default those that the header says.

        Returns
        -------
        array (K, N, C, H, W)
            In the units and of the type of the cells that the model was
            trained on; channel 0 is red. In star-shaped and multi-channel
            models it is the same in all classes.

        Raises
        ------
        ValueError
            If an argument makes no sense for this model; the message says why.

        Examples
        --------
        >>> from napari_biogans.models import untrained_model
        >>> shape = NetworkShape(image_size=(48, 80), width=4, critic_width=4, classes=2)
        >>> model = untrained_model(shape, "star-shaped")
        >>> images = model.generate(3, seed=0)
        >>> images.shape, images.dtype
        ((2, 3, 2, 48, 80), dtype('uint8'))
        >>> bool((model.generate(3, seed=0, classes=["class 2"]) == images[1]).all())
        True
        >>> greens = model.generate(1, seed=0, greens_per_red=8)
        >>> greens.shape, bool((greens[0, :, 0] == greens[0, 0, 0]).all())
        ((2, 8, 2, 48, 80), True)
        """
        settings = {
            "seed": seed,
            "truncation": truncation,
            "red_latents": red_latents,
            "greens_per_red": greens_per_red,
            "green_latents": green_latents,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        if latents is None:
            latents = self.draw_latents(1 if n is None else n, **given)  # type: ignore[arg-type]
        elif given or n is not None:
            raise ValueError(f"Give either latents, or n, {', '.join(settings)}; not both.")
        latents = self._checked_latents(latents)
        places = None if classes is None else self._places(classes)
        generator = self._weights_named(weights)
        at_a_time = max(1, IMAGES_AT_A_TIME // (len(self.class_names) if places is None else len(places)))
        drawn = []
        for start in range(0, latents.shape[-2], at_a_time):
            block = torch.from_numpy(np.ascontiguousarray(latents[..., start : start + at_a_time, :]))
            images = generator(block.to(self.device), places)
            drawn.append(self.architecture.pairs(images, self.header.shape).float().cpu().numpy())
        intensity_range = np.array(self.header.intensity_range, np.float32)
        return from_unit(np.concatenate(drawn, axis=1), intensity_range, self.header.dtype)

    def as_cells(self, images: NDArray[Any], classes: Sequence[str] | None = None) -> CellSet:
        """Make a cell set of images that the model drew.

        Parameters
        ----------
        images : array (K, N, C, H, W)
            As `generate` returns them.
        classes : sequence of str, optional
            As `generate` was given them; default all.

        Returns
        -------
        CellSet
            With the names, the pixel size and the intensity range of the
            cells that the model was trained on.
        """
        return CellSet(
            list(images),
            self.class_names if classes is None else tuple(classes),
            channel_names=self.channel_names,
            pixel_size=self.header.pixel_size,
            intensity_range=np.array(self.header.intensity_range, np.float32),
            features=[pd.DataFrame({"source": "generated", "index": np.arange(len(array))}) for array in images],
        )

    def save(self, path: str | Path) -> Path:
        """Write the model to one `.safetensors` file.

        Parameters
        ----------
        path : path-like
            An existing file is replaced, whole and at once.

        Returns
        -------
        pathlib.Path
        """
        tensors = {
            f"{name}.{key}": value
            for name, network in self._networks.items()
            for key, value in network.state_dict().items()
        }
        return modelfile.write(path, tensors, asdict(self.header))

    def _weights_named(self, weights: Weights | None) -> nn.Module:
        name = weights or self.header.draws_from
        generators = {name: network for name, network in self._networks.items() if name != "critic"}
        if name not in generators:
            raise ValueError(f"This model has no weights called {name!r}; it has {', '.join(generators)}.")
        return generators[name]

    def _places(self, classes: Sequence[str]) -> list[int]:
        if isinstance(classes, str) or not len(classes):
            raise ValueError(
                f"Classes are a list of names, such as [{self.class_names[0]!r}], not {classes!r}; "
                f"there are {', '.join(self.class_names)}."
            )
        for name in classes:
            if name not in self.class_names:
                raise ValueError(f"This model has no class {name!r}; it has {', '.join(self.class_names)}.")
        if len(set(classes)) != len(classes):
            raise ValueError(f"A class was asked for twice: {', '.join(classes)}; name each once.")
        return [self.class_names.index(name) for name in classes]

    def _checked_latents(self, latents: ArrayLike) -> NDArray[np.float32]:
        array = np.ascontiguousarray(latents, np.float32)
        if array.ndim == 3:
            self._check_green_latents_per_class()
        wanted = [len(self.class_names)] * (array.ndim == 3)
        if array.ndim not in (2, 3) or [*array.shape[:-2], array.shape[-1]] != [*wanted, self.latent_size]:
            by_class = (
                f" or ({len(self.class_names)}, N, {self.latent_size})" * self.architecture.green_latent_per_class
            )
            raise ValueError(f"Latents for this model are (N, {self.latent_size}){by_class}, not {array.shape}.")
        if not array.size:
            raise ValueError("There are no latents to draw cells of.")
        if not np.isfinite(array).all():
            raise ValueError("There are NaN or infinite values in the latents.")
        reds = array[..., : self.red_latent_size]
        if array.ndim == 3 and (reds != reds[0]).any():
            raise ValueError("All classes share their red latents; only the green ones may differ between them.")
        return array

    def _checked_red_latents(self, red_latents: ArrayLike) -> NDArray[np.float32]:
        size = self._known_red_latent_size()
        array = np.atleast_2d(np.asarray(red_latents, np.float32))
        if array.ndim != 2 or array.shape[1] != size or not len(array):
            raise ValueError(f"Red latents for this model are (R, {size}), not {array.shape}.")
        if not np.isfinite(array).all():
            raise ValueError("There are NaN or infinite values in the red latents.")
        return array

    def _known_red_latent_size(self) -> int:
        if self.header.shape.extra_red_portion is not None:
            raise ValueError("The extra layers of this model mix red and green, so red cannot be held.")
        if self.red_latent_size is None:
            raise ValueError(
                f"Models that are {self.header.architecture} draw red and green from the same latent, so red cannot be "
                "held; train a separable one to draw many greens for one red."
            )
        return self.red_latent_size

    def _check_green_latents_per_class(self) -> None:
        if not self.architecture.green_latent_per_class:
            able = ", ".join(name for name, known in ARCHITECTURES.items() if known.green_latent_per_class)
            raise ValueError(
                f"Models that are {self.header.architecture} have one green latent for all that they draw; "
                f"those that take one for each class are {able}."
            )


def _normal(rng: np.random.Generator, shape: tuple[int, int], truncation: float | None) -> NDArray[np.float32]:
    if truncation is None:
        return rng.standard_normal(shape, np.float32)
    # Inverse of the cumulative distribution, so that each number is drawn once
    # and the same seed gives nearby latents for nearby truncations.
    from scipy.special import ndtr, ndtri

    lowest = ndtr(-truncation)
    return np.asarray(ndtri(rng.uniform(lowest, 1 - lowest, shape)), np.float32)
