"""Networks that tell generated cells from real ones."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from napari_biogans.models.shape import NetworkShape


class Critic(nn.Module):
    """The DCGAN discriminator, without a sigmoid, for one class of cells.

    4x4 convolutions of stride 2 halve the image and double the channels, with
    LeakyReLU of slope 0.2; a last convolution spans what is left. Batch norm,
    where asked for, follows all but the first and the last. There are no
    biases. Scores are low on real images for the Wasserstein objectives.

    Parameters
    ----------
    shape : NetworkShape

    References
    ----------
    Radford, Metz, Chintala, arXiv 1511.06434 (DCGAN).

    Examples
    --------
    >>> import torch
    >>> critic = Critic(NetworkShape(image_size=(48, 80), critic_width=4))
    >>> critic(torch.zeros(1, 7, 2, 48, 80)).shape
    torch.Size([1, 7])
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        widths = [shape.critic_width * 2**level for level in range(shape.levels)]
        layers: list[nn.Module] = [_halving(shape.channels, widths[0]), nn.LeakyReLU(0.2, inplace=True)]
        for narrow, wide in pairwise(widths):
            layers.append(_halving(narrow, wide))
            if shape.critic_batch_norm:
                layers.append(nn.BatchNorm2d(wide))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        layers.append(nn.Conv2d(widths[-1], 1, shape.final_size, bias=False))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Score cells.

        Parameters
        ----------
        images : tensor (1, B, C, H, W)
            In [-1, 1].

        Returns
        -------
        tensor (1, B), float32
        """
        scores: Tensor = self.layers(images[0])
        return scores.flatten().float().unsqueeze(0)


def _halving(inputs: int, outputs: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False)
