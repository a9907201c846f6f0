"""The architectures by name: what each is for and how its networks are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn

from napari_biogans.models.critics import Critic
from napari_biogans.models.generators import JointGenerator
from napari_biogans.models.layers import initialise
from napari_biogans.models.shape import NetworkShape

ArchitectureName = Literal["joint", "joint-separable"]


@dataclass(frozen=True)
class Architecture:
    """One architecture: everything that differs between them follows from here.

    Parameters
    ----------
    name : str
    summary : str
        In one line, what it is for.
    separable : bool
        Whether red is drawn from the red latent alone.
    pools_classes : bool
        Whether it learns the cells of all classes as one.
    make_generator, make_critic : callable
        Build a network of a given `NetworkShape`.
    """

    name: ArchitectureName
    summary: str
    separable: bool
    pools_classes: bool
    make_generator: Callable[[NetworkShape], nn.Module]
    make_critic: Callable[[NetworkShape], nn.Module]

    def build(self, shape: NetworkShape, seed: int = 0) -> tuple[nn.Module, nn.Module]:
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


ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture(
            name="joint",
            summary="One network draws red and green together; the simplest, and the strongest on one class.",
            separable=False,
            pools_classes=True,
            make_generator=partial(JointGenerator, separable=False),
            make_critic=Critic,
        ),
        Architecture(
            name="joint-separable",
            summary="Red is drawn first and alone, then green for that red: one red can have many greens.",
            separable=True,
            pools_classes=True,
            make_generator=partial(JointGenerator, separable=True),
            make_critic=Critic,
        ),
    )
}
