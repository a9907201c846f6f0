"""The architectures by name: what each is for, how its networks are built, and what they learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from napari_biogans.models.critics import AnyCritic, ClassCritics, Critic
from napari_biogans.models.generators import (
    IndependentGenerators,
    JointGenerator,
    MultiChannelGenerator,
    StarGenerator,
    multi_channel_count,
)
from napari_biogans.models.layers import initialise
from napari_biogans.models.shape import NetworkShape

ArchitectureName = Literal[
    "joint",
    "joint-separable",
    "independent",
    "independent-separable",
    "multi-channel",
    "multi-channel-separable",
    "star-shaped",
]
DataLayout = Literal["pooled", "by-class", "multi-channel"]
"""What a batch is: cells of all classes as one (K = 1); cells of each class (K classes of 2 channels); or cells that
show the greens of all classes (K = 1, of 1 + classes channels), which are made up."""

# The networks of the paper for six classes; with more, all greens together would grow past what a GPU can hold.
MOST_CLASSES_TO_GROW_FOR = 6


@dataclass(frozen=True)
class Sizes:
    """Sizes that an architecture takes unless others are asked for; those of the paper for its six classes."""

    latent_size: int
    width: int
    red_portion: float


@dataclass(frozen=True)
class Architecture:
    """One architecture: everything that differs between them follows from here.

    Parameters
    ----------
    name : str
    summary : str
        In one line, what it is for.
    layout : {"pooled", "by-class", "multi-channel"}
        What a batch of training cells is, and so what the generator draws and
        the critic sees.
    separable : bool
        Whether red is drawn from the red latent alone.
    make_generator, make_critic : callable
        Build a network of a given `NetworkShape`.
    shares_red : bool
        Whether the cells that are drawn from one latent have the same red in
        all classes.
    green_latent_per_class : bool
        Whether each class may get a green latent of its own.
    """

    name: ArchitectureName
    summary: str
    layout: DataLayout
    separable: bool
    make_generator: Callable[[NetworkShape], nn.Module]
    make_critic: Callable[[NetworkShape], AnyCritic]
    shares_red: bool = False
    green_latent_per_class: bool = False

    @property
    def pools_classes(self) -> bool:
        """Whether it learns the cells of all classes as one, so that their names do not matter."""
        return self.layout == "pooled"

    def sizes(self, classes: int) -> Sizes:
        """Find the sizes that its networks take unless others are asked for.

        Parameters
        ----------
        classes : int
            Classes to be drawn.

        Returns
        -------
        Sizes
            The published ones. Multi-channel networks grow with their
            classes, so that red and each green get as much as in a pair; up
            to six.

        Examples
        --------
        >>> ARCHITECTURES["star-shaped"].sizes(6)
        Sizes(latent_size=100, width=64, red_portion=0.5)
        >>> ARCHITECTURES["multi-channel"].sizes(6).width, ARCHITECTURES["multi-channel"].sizes(41).width
        (224, 224)
        """
        colours = 1 + (min(classes, MOST_CLASSES_TO_GROW_FOR) if self.layout == "multi-channel" else 1)
        return Sizes(latent_size=50 * colours, width=32 * colours, red_portion=1 / colours)

    def pairs(self, images: Tensor, shape: NetworkShape) -> Tensor:
        """View what the generator draws as cells of red and green by class.

        Parameters
        ----------
        images : tensor (1, B, 1 + K * greens, H, W) or (K, B, C, H, W)
            Of any of the classes.
        shape : NetworkShape

        Returns
        -------
        tensor (K, B, C, H, W)

        Examples
        --------
        >>> shape = NetworkShape(image_size=(48, 80), classes=3)
        >>> ARCHITECTURES["multi-channel"].pairs(torch.zeros(1, 7, 4, 48, 80), shape).shape
        torch.Size([3, 7, 2, 48, 80])
        """
        if self.layout != "multi-channel":
            return images
        red, greens = images[0, :, :1], images[0, :, 1:]
        by_class = greens.unflatten(1, (-1, shape.channels - 1)).transpose(0, 1)
        return torch.cat([red.expand(len(by_class), -1, -1, -1, -1), by_class], dim=2)

    def build(self, shape: NetworkShape, seed: int = 0) -> tuple[nn.Module, AnyCritic]:
        """Build a generator and its critic with freshly drawn weights.

        Parameters
        ----------
        shape : NetworkShape
        seed : int
            The same seed gives the same weights.

        Returns
        -------
        (generator, critic)
            On the CPU.

        Raises
        ------
        ValueError
            If networks of this shape cannot be built; the message says why.

        Examples
        --------
        >>> shape = NetworkShape(image_size=(48, 80), width=4, critic_width=4)
        >>> generator, critic = ARCHITECTURES["joint"].build(shape)
        >>> critic(generator(torch.zeros(3, 100))).shape
        torch.Size([1, 3])
        """
        generator, critic = self.make_generator(shape), self.make_critic(shape)
        rng = torch.Generator().manual_seed(seed)
        initialise(generator, rng)
        initialise(critic, rng)
        return generator, critic


def _multi_channel_critic(shape: NetworkShape) -> Critic:
    return Critic(shape, multi_channel_count(shape))


ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture(
            name="joint",
            summary="One network draws red and green together; the simplest, and the strongest on one class.",
            layout="pooled",
            separable=False,
            make_generator=partial(JointGenerator, separable=False),
            make_critic=Critic,
        ),
        Architecture(
            name="joint-separable",
            summary="Red is drawn first and alone, then green for that red: one red can have many greens.",
            layout="pooled",
            separable=True,
            make_generator=partial(JointGenerator, separable=True),
            make_critic=Critic,
        ),
        Architecture(
            name="independent",
            summary="A joint network for each class: the truest cells of each, but reds that have nothing in common.",
            layout="by-class",
            separable=False,
            make_generator=partial(IndependentGenerators, separable=False),
            make_critic=ClassCritics,
        ),
        Architecture(
            name="independent-separable",
            summary="A joint-separable network for each class: many greens for one red, class by class.",
            layout="by-class",
            separable=True,
            make_generator=partial(IndependentGenerators, separable=True),
            make_critic=ClassCritics,
            green_latent_per_class=True,
        ),
        Architecture(
            name="multi-channel",
            summary="One network draws red and all greens at once, from cells made up of nearest neighbours in red.",
            layout="multi-channel",
            separable=False,
            make_generator=partial(MultiChannelGenerator, separable=False),
            make_critic=_multi_channel_critic,
            shares_red=True,
        ),
        Architecture(
            name="multi-channel-separable",
            summary="As multi-channel, with red drawn first and alone: many sets of greens for one red.",
            layout="multi-channel",
            separable=True,
            make_generator=partial(MultiChannelGenerator, separable=True),
            make_critic=_multi_channel_critic,
            shares_red=True,
        ),
        Architecture(
            name="star-shaped",
            summary="One red for all classes, and for each class a network that draws its green for that red: every "
            "protein in the same cell.",
            layout="by-class",
            separable=True,
            make_generator=StarGenerator,
            make_critic=ClassCritics,
            shares_red=True,
            green_latent_per_class=True,
        ),
    )
}


def architecture_named(name: str) -> Architecture:
    """Find an architecture, or say which there are.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise ValueError(f"There is no architecture {name!r}; there are {', '.join(ARCHITECTURES)}.") from None
