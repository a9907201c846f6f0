"""The layers that the networks are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

PairOfInts = tuple[int, int]


class SeparableConvTranspose2d(nn.Module):
    """A transposed convolution whose red outputs do not see its green inputs.

    The first `red_in` input channels carry red, the others green. The first
    `red_out` output channels are computed from the red inputs only, the others
    from all inputs, so that a chain of such layers draws a red image that the
    green latent cannot change.

    Parameters
    ----------
    in_channels, out_channels : int
        Red and green together.
    red_in, red_out : int
        How many of them are red; at least one, and fewer than all.
    kernel_size, stride, padding : int or (int, int)
        As for `torch.nn.ConvTranspose2d`. There is no bias.

    Raises
    ------
    ValueError
        If either colour would be left without a channel.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, section 4.1.

    Examples
    --------
    >>> layer = SeparableConvTranspose2d(8, 4, red_in=4, red_out=2, kernel_size=4, stride=2, padding=1)
    >>> layer(torch.zeros(1, 8, 3, 5)).shape
    torch.Size([1, 4, 6, 10])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        red_in: int,
        red_out: int,
        kernel_size: int | PairOfInts,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        if not (0 < red_in < in_channels and 0 < red_out < out_channels):
            raise ValueError(
                f"A separable layer of {in_channels} to {out_channels} channels cannot have {red_in} red inputs "
                f"and {red_out} red outputs; either colour needs at least one of each. "
                "Take a red portion nearer to 0.5, a larger width or a larger latent size."
            )
        self.red_in = red_in
        self.red = nn.ConvTranspose2d(red_in, red_out, kernel_size, stride, padding, bias=False)
        self.green = nn.ConvTranspose2d(in_channels, out_channels - red_out, kernel_size, stride, padding, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Compute red outputs from red inputs and green outputs from all.

        Parameters
        ----------
        features : tensor (B, in_channels, H, W)

        Returns
        -------
        tensor (B, out_channels, H', W')
        """
        return torch.cat([self.red(features[:, : self.red_in]), self.green(features)], dim=1)


@torch.no_grad()
def initialise(network: nn.Module, rng: torch.Generator) -> None:
    """Draw the weights of a network as DCGAN does.

    Convolutions come from N(0, 0.02), gains of batch norms from N(1, 0.02);
    shifts are 0.

    Parameters
    ----------
    network : torch.nn.Module
        Changed in place; on the CPU.
    rng : torch.Generator
        On the CPU. The same state gives the same weights.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.weight.normal_(0.0, 0.02, generator=rng)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.normal_(1.0, 0.02, generator=rng)
            module.bias.zero_()
