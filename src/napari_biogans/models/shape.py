"""The sizes from which networks are built."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from napari_biogans.cells.sizes import halvings


@dataclass(frozen=True, kw_only=True, config=ConfigDict(use_attribute_docstrings=True, extra="forbid"))
class NetworkShape:
    """Everything that decides the shapes of a generator's and a critic's weights.

    Examples
    --------
    >>> shape = NetworkShape(image_size=(48, 80), width=16)
    >>> shape.final_size, shape.red_latent_size
    ((3, 5), 50)
    """

    image_size: tuple[int, int]
    """Height and width of the images, in pixels; a good size."""

    channels: Annotated[int, Field(ge=2)] = 2
    """Channels of a cell; the first is red."""

    classes: Annotated[int, Field(ge=1)] = 1
    """Classes that the generator draws at once."""

    latent_size: Annotated[int, Field(ge=2)] = 100
    """Numbers in the latent, red and green together."""

    width: Annotated[int, Field(ge=1)] = 64
    """Channels of the generator's last hidden layer; each layer before it has twice as many."""

    critic_width: Annotated[int, Field(ge=1)] = 64
    """Channels of the critic's first layer; each layer after it has twice as many."""

    red_portion: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Part of the latent and of every hidden layer that is red, in separable networks."""

    extra_layers: Annotated[int, Field(ge=0)] = 0
    """3x3 layers before the generator's last one."""

    critic_extra_layers: Annotated[int, Field(ge=0)] = 0
    """3x3 layers after the critic's first one."""

    extra_red_portion: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Red part of the extra layers where it is not that of the others, as in files of the original release."""

    critic_batch_norm: bool = False
    """Whether the critic has batch norms (all objectives but WGAN-GP)."""

    def __post_init__(self) -> None:
        halvings(self.image_size)  # refuses sizes that cannot be halved evenly

    @property
    def levels(self) -> int:
        """How often the image is halved."""
        return halvings(self.image_size)

    @property
    def final_size(self) -> tuple[int, int]:
        """Height and width after all halvings, in pixels."""
        factor = 2**self.levels
        return self.image_size[0] // factor, self.image_size[1] // factor

    @property
    def red_latent_size(self) -> int:
        """Numbers of the latent that are red, in separable networks."""
        return self.red_channels(self.latent_size)

    def red_channels(self, channels: int) -> int:
        """How many of a layer's channels are red, in separable networks."""
        return _part(self.red_portion, channels)

    @property
    def extra_red_channels(self) -> int:
        """How many channels of the generator's extra layers are red, in separable networks."""
        return _part(self.extra_red_portion or self.red_portion, self.width)


def _part(portion: float, channels: int) -> int:
    # A third of 300 is 100, whatever the last digit of a float says.
    return int(portion * channels + 1e-9)
