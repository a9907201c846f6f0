"""The layers that the networks are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from napari_biogans.models.stages import Stage
from napari_biogans.models.subpixel import is_faster_by_phases, is_halving, transposed_convolution

Size = int | tuple[int, int]


class TransposedConvolution(nn.ConvTranspose2d):
    """torch's without a bias, computed in the form that is fastest on the device.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel_size, stride, padding : int or tuple of int
    """

    def __init__(self, inputs: int, outputs: int, kernel_size: Size, stride: Size, padding: Size) -> None:
        super().__init__(inputs, outputs, kernel_size, stride, padding, bias=False)

    def forward(self, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Compute the outputs, (B, out_channels, H', W'), of features (B, in_channels, H, W)."""
        if output_size is None and is_halving(self) and is_faster_by_phases(features, self.out_channels):
            return transposed_convolution(features, self.weight)
        return super().forward(features, output_size)


class SeparableConvolution(nn.Module):
    """A convolution whose red outputs do not see its green inputs.

    The first channels carry red, the others green. Red outputs are computed
    from the red inputs only, green ones from all inputs, so that a chain of
    such layers draws a red image that the green latent cannot change.

    Parameters
    ----------
    stage : Stage
        Channels, kernel size, stride and padding. There is no bias.

    Raises
    ------
    ValueError
        If either colour would be left without a channel.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, section 4.1.

    Examples
    --------
    >>> from napari_biogans.models.stages import Channels
    >>> stage = Stage("pyramid", Channels(8, 4), Channels(4, 2), (4, 4), stride=2, padding=1, transposed=True)
    >>> SeparableConvolution(stage)(torch.zeros(1, 8, 3, 5)).shape
    torch.Size([1, 4, 6, 10])
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        check_separable(stage)
        inputs, outputs = stage.inputs, stage.outputs
        self.red_in = inputs.red
        self.red = convolution(stage, inputs.red, outputs.red)
        self.green = convolution(stage, inputs.total, outputs.green)

    def forward(self, features: Tensor) -> Tensor:
        """Compute red outputs from red inputs and green outputs from all.

        Parameters
        ----------
        features : tensor (B, in_channels, H, W)

        Returns
        -------
        tensor (B, out_channels, H', W')
        """
        outputs = self.red.out_channels + self.green.out_channels
        if is_halving(self.red) and is_faster_by_phases(features, outputs):
            return transposed_convolution(features, self._joined_weight())
        return torch.cat([self.red(features[:, : self.red_in]), self.green(features)], dim=1)

    def _joined_weight(self) -> Tensor:
        """Give the weight of one transposed convolution that computes both: zero from green inputs to red outputs."""
        red, green = self.red.weight, self.green.weight
        return torch.cat([pad(red, (0, 0) * 3 + (0, len(green) - len(red))), green], dim=1)


def check_separable(stage: Stage) -> None:
    """Refuse a stage in which a colour has no channel.

    Raises
    ------
    ValueError
        The message says what to change.
    """
    for channels in (stage.inputs, stage.outputs):
        if not (channels.red and channels.green):
            raise ValueError(
                f"A separable layer cannot have {channels.red} red channels of {channels.total}; either colour needs "
                "at least one. Take a red portion nearer to 0.5, a larger width or a larger latent size."
            )


def convolution(stage: Stage, inputs: int, outputs: int) -> nn.Conv2d | nn.ConvTranspose2d:
    """Make the convolution of a stage for so many channels, without a bias."""
    if stage.transposed:
        return TransposedConvolution(inputs, outputs, stage.kernel_size, stage.stride, stage.padding)
    return nn.Conv2d(inputs, outputs, stage.kernel_size, stage.stride, stage.padding, bias=False)


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
