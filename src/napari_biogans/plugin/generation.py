"""Drawing cells with a model, in a worker's thread. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.plugin.class_colours import class_colours
from napari_biogans.plugin.class_names import listed
from napari_biogans.plugin.layer_data import LayerData, channel_layers, contact_sheet

if TYPE_CHECKING:
    from napari_biogans.models import Model

AT_A_TIME = 256
MOST_GREENS_VISIBLE = 2
"""On top of each other; more add up to white."""


@dataclass(frozen=True)
class ModelFacts:
    """What is shown of a model before it is used."""

    path: Path
    architecture: str
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    step: int
    separable: bool
    green_latent_per_class: bool
    """Whether each class may get a green latent of its own."""
    weights: tuple[str, ...]
    """Names of the weights that can be drawn from, those preferred first."""

    @property
    def summary(self) -> str:
        """The model in one line."""
        height, width = self.image_size
        return f"{self.architecture}, {height}×{width}, {self.step:,} steps; draws {listed(self.class_names)}"

    @property
    def details(self) -> str:
        """Where the model is, and all that it draws."""
        return f"{self.path}\n{', '.join(self.class_names)}"


@dataclass(frozen=True)
class DrawRequest:
    """Cells that were asked for."""

    path: Path
    """A model file or the folder of a run."""
    number: int
    seed: int
    truncation: float | None = None
    one_red: bool = False
    """Whether all cells share a red."""
    classes: tuple[str, ...] | None = None
    """Names of those to draw; default all."""
    own_greens: bool = False
    """Whether each class gets a green latent of its own."""
    weights: str | None = None
    """Default those that the model prefers."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Cells that were drawn."""

    images: NDArray[Any]
    """(K, N, C, H, W)"""
    class_names: tuple[str, ...]
    """Of the K classes that were drawn."""
    colours: tuple[str, ...]
    """Of their greens."""
    shares_red: bool
    """Whether red is the same in all classes."""
    pixel_size: float | None
    metadata: dict[str, Any]
    """How to draw the same cells again."""

    def layers(self, *, as_sheet: bool, limits: Sequence[tuple[float, float]] | None = None) -> list[LayerData]:
        """Make a layer of red and one of green per class.

        There is one layer of red where all classes share it, else one per
        class. Of more greens than can be told apart on top of each other, the
        first is visible and the others are hidden.

        Parameters
        ----------
        as_sheet : bool
            All cells beside each other, and not in a stack.
        limits : sequence of (low, high), optional
            Of the contrast of each channel; default those of its pixels.
        """
        layers: list[LayerData] = []
        for place, (name, colour, cells) in enumerate(zip(self.class_names, self.colours, self.images, strict=True)):
            channels = cells.swapaxes(0, 1)
            if as_sheet:
                channels = np.stack([contact_sheet(channel) for channel in channels])
            of_class = channel_layers(
                channels,
                self._names(name, len(channels)),
                colormaps=("red", colour, "gray"),
                pixel_size=self.pixel_size,
                metadata={**self.metadata, "class": name},
            )
            if limits is not None:
                of_class = [
                    (data, {**keywords, "contrast_limits": limit}, kind)
                    for (data, keywords, kind), limit in zip(of_class, limits, strict=True)
                ]
            layers += [
                (data, {**keywords, "visible": place == 0 or len(self.class_names) <= MOST_GREENS_VISIBLE}, kind)
                for data, keywords, kind in (of_class[1:] if place and self.shares_red else of_class)
            ]
        return layers

    def _names(self, class_name: str, channels: int) -> list[str]:
        colours = ["red", "green", *(f"channel {place}" for place in range(2, channels))]
        if self.metadata["classes"] == 1:
            return colours
        red = "red" if self.shares_red else f"{class_name} red"
        return [red, *(f"{class_name} {colour}" for colour in colours[1:])]


def look_at_model(path: Path, should_stop: Callable[[], bool]) -> Generator[None, None, ModelFacts]:
    """Read what a model is; shaped as work for a worker.

    Raises
    ------
    ModelFileError
        If it cannot be opened.
    """
    yield
    from napari_biogans.models import load_model

    return facts_of(load_model(path), path)


def facts_of(model: Model, path: Path) -> ModelFacts:
    """Take what is shown of a model.

    Parameters
    ----------
    model : Model
    path : pathlib.Path
        Where it was opened.
    """
    header = model.header
    kept = [name for name in model.networks if name != "critic"]
    return ModelFacts(
        path=path,
        architecture=header.architecture,
        class_names=model.class_names,
        image_size=header.shape.image_size,
        step=header.step,
        separable=model.red_latent_size is not None,
        green_latent_per_class=model.architecture.green_latent_per_class,
        weights=tuple(sorted(kept, key=lambda name: name != header.draws_from)),
    )


def draw(request: DrawRequest, should_stop: Callable[[], bool]) -> Generator[int, None, Drawn | None]:
    """Draw cells; shaped as work for a worker.

    Parameters
    ----------
    request : DrawRequest
    should_stop : callable

    Yields
    ------
    int
        Cells drawn so far.

    Returns
    -------
    Drawn or None
        None if it was stopped.

    Raises
    ------
    ModelFileError
        If the model cannot be opened.
    """
    yield 0
    from napari_biogans.models import load_model
    from napari_biogans.training.devices import choose_device

    model = load_model(request.path, choose_device())
    latents = model.draw_latents(
        1 if request.one_red else request.number,
        seed=request.seed,
        truncation=request.truncation,
        greens_per_red=request.number if request.one_red else 1,
        green_latents="per-class" if request.own_greens else "shared",
    )
    names = model.class_names if request.classes is None else request.classes
    number = latents.shape[-2]
    blocks = []
    for start in range(0, number, AT_A_TIME):
        if should_stop():
            return None
        block = latents[..., start : start + AT_A_TIME, :]
        blocks.append(model.generate(latents=block, classes=names, weights=request.weights))  # type: ignore[arg-type]
        yield min(start + AT_A_TIME, number)
    return drawn_by(
        model,
        request.path,
        np.concatenate(blocks, axis=1),
        names,
        {
            "latents": latents,
            "seed": request.seed,
            "truncation": request.truncation,
            "one_red": request.one_red,
            "own_greens": request.own_greens,
            "weights": request.weights or model.header.draws_from,
        },
    )


def drawn_by(
    model: Model, path: Path, images: NDArray[Any], class_names: tuple[str, ...], metadata: dict[str, Any]
) -> Drawn:
    """Put what a model drew together with what is known of the model.

    Parameters
    ----------
    model : Model
    path : pathlib.Path
        Where it was opened.
    images : array (K, N, C, H, W)
    class_names : tuple of str
        Of the K classes.
    metadata : dict
        What is known of the cells.
    """
    header, count = model.header, len(model.class_names)
    colours = dict(zip(model.class_names, class_colours(count) if count > 1 else ["green"], strict=True))
    return Drawn(
        images=images,
        class_names=class_names,
        colours=tuple(colours[name] for name in class_names),
        shares_red=model.architecture.shares_red,
        pixel_size=header.pixel_size,
        metadata={
            **metadata,
            "classes": count,
            "class_names": model.class_names,
            "model": str(path),
            "step": header.step,
            "architecture": header.architecture,
        },
    )
