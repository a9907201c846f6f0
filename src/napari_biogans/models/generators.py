"""Networks that draw cells from latents."""

from __future__ import annotations

from torch import Tensor, nn

from napari_biogans.models.layers import SeparableConvTranspose2d
from napari_biogans.models.shape import NetworkShape


class JointGenerator(nn.Module):
    """The DCGAN generator: one network that draws all channels of a cell.

    The latent is brought to the smallest image by a transposed convolution,
    which is doubled by 4x4 transposed convolutions of stride 2 that halve the
    channels, with batch norm and ReLU after all but the last, and tanh at the
    end. There are no biases.

    Parameters
    ----------
    shape : NetworkShape
    separable : bool
        Whether red is computed from the red latent alone.

    Raises
    ------
    ValueError
        If separable and the red portion leaves some layer without a red or a
        green channel.

    References
    ----------
    Radford, Metz, Chintala, arXiv 1511.06434 (DCGAN); Osokin et al., GANs for
    Biological Image Synthesis, ICCV 2017 (separable).

    Examples
    --------
    >>> import torch
    >>> generator = JointGenerator(NetworkShape(image_size=(48, 80), width=4), separable=True)
    >>> generator(torch.randn(7, 100)).shape
    torch.Size([1, 7, 2, 48, 80])
    """

    def __init__(self, shape: NetworkShape, *, separable: bool) -> None:
        super().__init__()
        widths = [shape.width * 2**level for level in reversed(range(shape.levels))]
        reds = [shape.red_channels(width) for width in widths]
        layers = [
            _transposed(
                (shape.latent_size, shape.red_latent_size),
                (widths[0], reds[0]),
                separable=separable,
                kernel_size=shape.final_size,
            ),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
        for level in range(1, shape.levels):
            layers += [
                _doubling((widths[level - 1], reds[level - 1]), (widths[level], reds[level]), separable=separable),
                nn.BatchNorm2d(widths[level]),
                nn.ReLU(inplace=True),
            ]
        layers += [_doubling((widths[-1], reds[-1]), (shape.channels, 1), separable=separable), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor) -> Tensor:
        """Draw one cell per latent.

        Parameters
        ----------
        latents : tensor (B, Z)
            Standard normal; the first part is the red latent.

        Returns
        -------
        tensor (1, B, C, H, W)
            In [-1, 1].
        """
        images: Tensor = self.layers(latents[:, :, None, None])
        return images.unsqueeze(0)


def _doubling(inputs: tuple[int, int], outputs: tuple[int, int], *, separable: bool) -> nn.Module:
    return _transposed(inputs, outputs, separable=separable, kernel_size=(4, 4), stride=2, padding=1)


def _transposed(
    inputs: tuple[int, int],
    outputs: tuple[int, int],
    *,
    separable: bool,
    kernel_size: tuple[int, int],
    stride: int = 1,
    padding: int = 0,
) -> nn.Module:
    """Make a transposed convolution; inputs and outputs are (channels, red among them)."""
    if not separable:
        return nn.ConvTranspose2d(inputs[0], outputs[0], kernel_size, stride, padding, bias=False)
    return SeparableConvTranspose2d(
        inputs[0],
        outputs[0],
        red_in=inputs[1],
        red_out=outputs[1],
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
    )
