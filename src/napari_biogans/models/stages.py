"""The stages of the networks, from which their layers and the names in the original release's files follow."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

from napari_biogans.models.shape import NetworkShape

StageKind = Literal["initial", "pyramid", "extra", "final"]


class Channels(NamedTuple):
    """Channels that go into a stage or come out of it."""

    total: int
    red: int
    """How many of them carry red, in separable networks; they are the first."""

    @property
    def green(self) -> int:
        """How many carry green, in separable networks."""
        return self.total - self.red


class Stage(NamedTuple):
    """One convolution, with the batch norm and the activation that follow it."""

    kind: StageKind
    inputs: Channels
    outputs: Channels
    kernel_size: tuple[int, int]
    stride: int
    padding: int
    transposed: bool
    """Whether it enlarges images."""


def generator_stages(shape: NetworkShape, image_channels: int) -> list[Stage]:
    """List the stages of a generator, from the latent to the image.

    Parameters
    ----------
    shape : NetworkShape
    image_channels : int
        Channels that it draws at once; the first is red.

    Returns
    -------
    list of Stage
        One that makes the smallest image of a latent, those that double it,
        extra ones, and one that doubles it a last time.

    Examples
    --------
    >>> for stage in generator_stages(NetworkShape(image_size=(12, 20), width=4), 2):
    ...     print(stage.kind, stage.inputs.total, stage.outputs)
    initial 100 Channels(total=8, red=4)
    pyramid 8 Channels(total=4, red=2)
    final 4 Channels(total=2, red=1)
    """
    sizes = [shape.width * 2**level for level in reversed(range(shape.levels))]
    first, *_, last = widths = [Channels(size, shape.red_channels(size)) for size in sizes]
    latent = Channels(shape.latent_size, shape.red_latent_size)
    extra = Channels(shape.width, shape.extra_red_channels)
    return [
        Stage("initial", latent, first, shape.final_size, 1, 0, transposed=True),
        *(Stage("pyramid", inputs, outputs, (4, 4), 2, 1, transposed=True) for inputs, outputs in pairwise(widths)),
        *(Stage("extra", extra, extra, (3, 3), 1, 1, transposed=False) for _ in range(shape.extra_layers)),
        Stage("final", last, Channels(image_channels, 1), (4, 4), 2, 1, transposed=True),
    ]


def critic_stages(shape: NetworkShape, image_channels: int) -> list[Stage]:
    """List the stages of a critic, from the image to the score.

    Parameters
    ----------
    shape : NetworkShape
    image_channels : int
        Channels that it sees at once.

    Returns
    -------
    list of Stage
        One that halves the image, extra ones, more that halve it, and one
        that spans what is left. Nothing in them is separable.
    """
    widths = [Channels(shape.critic_width * 2**level, 0) for level in range(shape.levels)]
    first, last = widths[0], widths[-1]
    return [
        Stage("initial", Channels(image_channels, 0), first, (4, 4), 2, 1, transposed=False),
        *(Stage("extra", first, first, (3, 3), 1, 1, transposed=False) for _ in range(shape.critic_extra_layers)),
        *(Stage("pyramid", inputs, outputs, (4, 4), 2, 1, transposed=False) for inputs, outputs in pairwise(widths)),
        Stage("final", last, Channels(1, 0), shape.final_size, 1, 0, transposed=False),
    ]
