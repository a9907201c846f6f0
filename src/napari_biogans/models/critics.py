"""Networks that tell generated cells from real ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_biogans.models.layers import convolution
from napari_biogans.models.shape import NetworkShape
from napari_biogans.models.stages import critic_stages

SLOPE = 0.2
"""Of the LeakyReLUs where they are negative."""


class Critic(nn.Module):
    """The DCGAN discriminator, without a sigmoid, for one class of cells.

    4x4 convolutions of stride 2 halve the image and double the channels, with
    LeakyReLU of slope 0.2; a last convolution spans what is left. Batch norm,
    where asked for, follows all but the first and the last. There are no
    biases. Scores are low on real images for the Wasserstein objectives.

    Parameters
    ----------
    shape : NetworkShape
    image_channels : int, optional
        Channels that it sees; default those of a cell.

    References
    ----------
    Radford, Metz, Chintala, arXiv 1511.06434 (DCGAN).

    Examples
    --------
    >>> critic = Critic(NetworkShape(image_size=(48, 80), critic_width=4))
    >>> critic(torch.zeros(1, 7, 2, 48, 80)).shape
    torch.Size([1, 7])
    """

    def __init__(self, shape: NetworkShape, image_channels: int | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for stage in critic_stages(shape, image_channels or shape.channels):
            layers.append(convolution(stage, stage.inputs.total, stage.outputs.total))
            if stage.kind in ("extra", "pyramid") and shape.critic_batch_norm:
                layers.append(nn.BatchNorm2d(stage.outputs.total))
            if stage.kind != "final":
                layers.append(nn.LeakyReLU(SLOPE, inplace=True))
        self.layers = nn.Sequential(*layers)

    @property
    def critics(self) -> tuple[Critic]:
        """Itself: the critic of its one class."""
        return (self,)

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """Its convolutions, from the image to the score; LeakyReLUs are between them."""
        return [layer for layer in self.layers if isinstance(layer, nn.Conv2d)]

    def forward(self, images: Tensor) -> Tensor:
        """Score cells.

        Parameters
        ----------
        images : tensor (1, B, C, H, W)
            In [-1, 1].

        Returns
        -------
        tensor (1, B), float32 as the weights
        """
        hidden: Tensor = self.layers[:-1](images[0])
        # The last convolution spans what is left, so that it is a product with one vector. Written as such it is exact
        # under autocast, too, which rounds convolutions.
        weight = self.convolutions[-1].weight
        scores: Tensor = (hidden.to(weight.dtype) * weight).flatten(start_dim=1).sum(dim=1)
        return scores.unsqueeze(0)


class ClassCritics(nn.Module):
    """A critic of its own for each class.

    Parameters
    ----------
    shape : NetworkShape

    Examples
    --------
    >>> critics = ClassCritics(NetworkShape(image_size=(48, 80), classes=3, critic_width=4))
    >>> critics(torch.zeros(3, 7, 2, 48, 80)).shape
    torch.Size([3, 7])
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.critics = nn.ModuleList(Critic(shape) for _ in range(shape.classes))

    def forward(self, images: Tensor) -> Tensor:
        """Score the cells of every class by its critic.

        Parameters
        ----------
        images : tensor (K, B, C, H, W)
            In [-1, 1].

        Returns
        -------
        tensor (K, B), float32
        """
        # One after another: measured faster than grouped convolutions (benchmarks/classes.md). Splitting, unlike
        # indexing, has a gradient that is as large as its input.
        return torch.cat([critic(cells) for critic, cells in zip(self.critics, images.split(1), strict=True)])


AnyCritic = Critic | ClassCritics
