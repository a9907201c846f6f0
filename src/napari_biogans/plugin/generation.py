"""Drawing cells with a model, in a worker's thread. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.plugin.layer_data import LayerData, channel_layers, contact_sheet

if TYPE_CHECKING:
    from napari_biogans.models import Model

AT_A_TIME = 256


@dataclass(frozen=True)
class ModelFacts:
    """What is shown of a model before it is used."""

    path: Path
    architecture: str
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    step: int
    separable: bool
    weights: tuple[str, ...]
    """Names of the weights that can be drawn from, those preferred first."""

    @property
    def summary(self) -> str:
        """The model in one line."""
        height, width = self.image_size
        return f"{self.architecture}, {height}×{width}, {self.step:,} steps; draws {', '.join(self.class_names)}"


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
    weights: str | None = None
    """Default those that the model prefers."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Cells that were drawn."""

    images: NDArray[Any]
    """(K, N, C, H, W)"""
    class_names: tuple[str, ...]
    channel_count: int
    pixel_size: float | None
    metadata: dict[str, Any]
    """How to draw the same cells again."""

    def layers(self, *, as_sheet: bool) -> list[LayerData]:
        """Make a red and a green layer, or such a pair per class.

        Parameters
        ----------
        as_sheet : bool
            All cells beside each other, and not in a stack.
        """
        layers: list[LayerData] = []
        for name, cells in zip(self.class_names, self.images, strict=True):
            channels = cells.swapaxes(0, 1)
            if as_sheet:
                channels = np.stack([contact_sheet(channel) for channel in channels])
            prefix = f"{name} " if len(self.class_names) > 1 else ""
            colours = ["red", "green", *(f"channel {place}" for place in range(2, self.channel_count))]
            layers += channel_layers(
                channels,
                [f"{prefix}{colour}" for colour in colours],
                pixel_size=self.pixel_size,
                metadata={**self.metadata, "class": name},
            )
        return layers


def look_at_model(path: Path, should_stop: Callable[[], bool]) -> Generator[None, None, ModelFacts]:
    """Read what a model is; shaped as work for a worker.

    Raises
    ------
    ModelFileError
        If it cannot be opened.
    """
    yield
    from napari_biogans.models import load_model

    model = load_model(path)
    header = model.header
    kept = [name for name in model.networks if name != "critic"]
    return ModelFacts(
        path=path,
        architecture=header.architecture,
        class_names=model.class_names,
        image_size=header.shape.image_size,
        step=header.step,
        separable=model.red_latent_size is not None,
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
    latents = _latents(model, request)
    blocks = []
    for start in range(0, len(latents), AT_A_TIME):
        if should_stop():
            return None
        blocks.append(model.generate(latents=latents[start : start + AT_A_TIME], weights=request.weights))  # type: ignore[arg-type]
        yield min(start + AT_A_TIME, len(latents))
    header = model.header
    return Drawn(
        images=np.concatenate(blocks, axis=1),
        class_names=model.class_names,
        channel_count=len(model.channel_names),
        pixel_size=header.pixel_size,
        metadata={
            "latents": latents,
            "seed": request.seed,
            "truncation": request.truncation,
            "one_red": request.one_red,
            "model": str(request.path),
            "step": header.step,
            "weights": request.weights or header.draws_from,
            "architecture": header.architecture,
        },
    )


def _latents(model: Model, request: DrawRequest) -> NDArray[np.float32]:
    if not request.one_red:
        return model.draw_latents(request.number, seed=request.seed, truncation=request.truncation)
    # As on the command line: the red is that of the first cell of the same seed.
    first = model.draw_latents(1, seed=request.seed, truncation=request.truncation)
    return model.draw_latents(
        request.number,
        seed=request.seed + 1,
        truncation=request.truncation,
        red_latents=first[:, : model.red_latent_size],
    )
