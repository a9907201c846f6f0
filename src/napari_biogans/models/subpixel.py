"""Transposed 4x4 convolutions of stride 2 as 2x2 convolutions of stride 1.

Of a pixel of the larger image, 2x2 of the 16 weights meet a pixel of the smaller
one; which, depends on whether its row and its column are even. So the larger
image consists of four images, one for each such phase, and a 2x2 convolution
with four times as many outputs computes all of them at once: the same products,
summed in another order. On large images cuDNN computes that faster (measured by
benchmarks/convolutions.py), and oneDNN where channels are few: the last layer of a
generator in half of the time or less.

References
----------
Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient
Sub-Pixel Convolutional Neural Network, CVPR 2016.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_weight

SMALLEST = 32
"""Pixels of the smaller image from which on phases are faster with cuDNN; below, too much of them is outside."""
FEW = 4
"""Channels of the larger image up to which phases are faster with oneDNN, on a CPU."""


def computes_by_cudnn(tensor: Tensor) -> bool:
    """Whether convolutions of a tensor are cuDNN's, which likes some forms of them better than others."""
    return tensor.is_cuda


def is_faster_by_phases(inputs: Tensor, outputs: int) -> bool:
    """Whether a transposed convolution to so many channels is faster so, where its inputs are."""
    if computes_by_cudnn(inputs):
        return inputs.shape[-2] * inputs.shape[-1] >= SMALLEST
    return inputs.device.type == "cpu" and outputs <= FEW


class LikeConvolution(Protocol):
    """What a convolution without a bias is, whether it is a module or not."""

    @property
    def weight(self) -> Tensor:
        """Kernels."""

    @property
    def stride(self) -> tuple[int, ...]:
        """Pixels from one place to the next."""

    @property
    def padding(self) -> str | tuple[int, ...]:
        """Pixels of zeros around."""


def is_halving(layer: LikeConvolution) -> bool:
    """Whether a convolution is a 4x4 one that halves an image, or transposed doubles it.

    Examples
    --------
    >>> from torch import nn
    >>> is_halving(nn.Conv2d(2, 3, 4, stride=2, padding=1)), is_halving(nn.Conv2d(2, 3, 4, padding=1))
    (True, False)
    """
    return (*layer.weight.shape[2:], *layer.stride, *layer.padding) == (4, 4, 2, 2, 1, 1)


def phase_weight(weight: Tensor) -> Tensor:
    """Give the weights of the convolution of stride 1.

    Parameters
    ----------
    weight : tensor (I, O, 4, 4)
        Of the transposed convolution with I inputs and O outputs.

    Returns
    -------
    tensor (4 * O, I, 2, 2)
        Channels last. Outputs are those of even rows and even columns, of even
        rows and odd columns, and so on.
    """
    inputs, outputs = weight.shape[:2]
    taps = weight.flip(2, 3).reshape(inputs, outputs, 2, 2, 2, 2).permute(3, 5, 1, 0, 2, 4)
    return taps.reshape(4 * outputs, inputs, 2, 2).contiguous(memory_format=torch.channels_last)


def phases(inputs: Tensor, weight: Tensor) -> Tensor:
    """Compute a transposed convolution, by phases.

    Parameters
    ----------
    inputs : tensor (N, I, H, W)
        Channels last.
    weight : tensor (4 * O, I, 2, 2)
        Of `phase_weight`.

    Returns
    -------
    tensor (N, H, 2, W, 2, O)
        A view in which rows and columns are in their order, so that reading it
        puts the phases together.
    """
    # On either side is a row too many: even rows begin with the first, odd ones with the second.
    found = conv2d(inputs, weight, None, 1, 1).contiguous(memory_format=torch.channels_last)
    count, channels, height, width = found.shape
    of_image, _, of_row, of_column = found.stride()
    outputs = channels // 4
    return found.as_strided(
        (count, height - 1, 2, width - 1, 2, outputs),
        (of_image, of_row, of_row + 2 * outputs, of_column, of_column + outputs, 1),
    )


def by_phase(image: Tensor) -> Tensor:
    """View an image (N, C, 2 * H, 2 * W), channels last, as (N, H, 2, W, 2, C)."""
    count, channels, height, width = image.shape
    return image.permute(0, 2, 3, 1).view(count, height // 2, 2, width // 2, 2, channels)


def put_together(parts: Tensor) -> Tensor:
    """Turn (N, H, 2, W, 2, C) into an image (N, C, 2 * H, 2 * W), channels last."""
    count, height, _, width, _, channels = parts.shape
    return parts.reshape(count, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)


def transposed_convolution(inputs: Tensor, weight: Tensor) -> Tensor:
    """Compute a transposed 4x4 convolution of stride 2 and padding 1.

    Parameters
    ----------
    inputs : tensor (N, I, H, W)
    weight : tensor (I, O, 4, 4)

    Returns
    -------
    tensor (N, O, 2 * H, 2 * W)
        Differentiable, also twice. Rounded as autocast asks for.

    Examples
    --------
    >>> from torch import nn
    >>> inputs, weight = torch.randn(1, 3, 5, 7), torch.randn(3, 2, 4, 4)
    >>> expected = nn.functional.conv_transpose2d(inputs, weight, stride=2, padding=1)
    >>> torch.allclose(transposed_convolution(inputs, weight), expected, atol=1e-5)
    True
    """
    kind = inputs.device.type
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
        inputs, weight = inputs.to(dtype), weight.to(dtype)
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    outputs: Tensor = _TransposedConvolution.apply(inputs, weight)  # type: ignore[no-untyped-call]
    return outputs


class _TransposedConvolution(torch.autograd.Function):
    """Forwards by phases; backwards it is a convolution of stride 2, which is fast as it is."""

    @staticmethod
    def forward(context: Any, inputs: Tensor, weight: Tensor) -> Tensor:
        context.save_for_backward(inputs, weight)
        return put_together(phases(inputs, phase_weight(weight)))

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        inputs, weight = context.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        of_inputs = conv2d(gradient, weight, None, 2, 1) if context.needs_input_grad[0] else None
        of_weight = None
        if context.needs_input_grad[1]:
            of_weight = conv2d_weight(gradient, weight.shape, inputs, 2, 1)
        return of_inputs, of_weight
