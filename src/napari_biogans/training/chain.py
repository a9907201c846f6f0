"""A critic without batch norms as a chain of convolutions, whose gradients are computed in closed form.

Such a critic consists of convolutions without biases and of LeakyReLUs. So it is
linear around any image: with a_l the activations, W_l the convolutions and D_l
the slopes (1 or 0.2) at that image,

    forward   a_l = D_l W_l a_{l-1}               the score is the last of them
    backward  b_{l-1} = W_l' D_l b_l              the gradient g of the score is the first of them
    tangent   t_l = D_l W_l t_{l-1}, t_0 = v      how the score changes along v

The gradient of a penalty p(|g|) with respect to the weights is, with v = dp/dg
held fixed, that of the number (v, g): of the score's tangent along v. The slopes
are constant around the image, so that it is simply that of a chain of
convolutions: for W_l that of a convolution with input t_{l-1} and output
gradient D_l b_l. The gradient of a loss of the scores has a_{l-1} in the place
of t_{l-1}, and the b_l of its own gradient.

Differentiating a penalty twice computes the same, and zeros for the slopes
besides: the work of 6 passes instead of 4. It also keeps twice as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d, leaky_relu_
from torch.nn.grad import conv2d_input, conv2d_weight

from napari_biogans.models.critics import SLOPE
from napari_biogans.models.subpixel import (
    by_phase,
    computes_by_cudnn,
    is_faster_by_phases,
    is_halving,
    phase_weight,
    phases,
    put_together,
)

LAST = torch.channels_last


class Convolution(NamedTuple):
    """What a convolution without a bias is, apart from the module that holds it."""

    weight: Tensor
    stride: tuple[int, ...]
    padding: Any
    """Pixels of zeros around, a tuple of int; torch's modules may have words instead."""


class Chain:
    """The convolutions of a critic, with weights rounded once for all that is computed with them.

    Parameters
    ----------
    convolutions : sequence of Convolution
        Of a critic without batch norms. Their weights must not change meanwhile.
    dtype : torch.dtype
        That they compute in, but for the last.
    """

    def __init__(self, convolutions: Sequence[Convolution], dtype: torch.dtype) -> None:
        first, *others, last = convolutions
        patched = is_halving(first) and computes_by_cudnn(first.weight)
        self.layers = [_PatchedLayer(first, dtype) if patched else _layer(first, dtype)]
        self.layers += [_layer(own, dtype) for own in others]
        # The last convolution is a product with one vector: it costs nothing, and decides how exact gradients are.
        self.last = last.weight


class Pass:
    """What a critic computes of some images, and then of what comes back.

    Parameters
    ----------
    chain : Chain
    images : sequence of tensors (B, C, H, W)
        In [-1, 1]; computed together.
    """

    def __init__(self, chain: Chain, *images: Tensor) -> None:
        self._chain = chain
        self._shape = images[0].shape[1:]
        self._inputs = [chain.layers[0].enter(images)]
        for layer in chain.layers:
            self._inputs.append(leaky_relu_(layer(self._inputs[-1]), SLOPE))
        self._signals: list[Tensor] = []

    def scores(self) -> Tensor:
        """Give the scores (N,), of the type of the weights."""
        last = self._chain.last
        scores: Tensor = (self._inputs[-1].to(last.dtype) * last).flatten(start_dim=1).sum(dim=1)
        return scores

    def go_back(self, signal: Tensor) -> None:
        """Find the gradients of all activations for that of the scores, (N,)."""
        layers, top = self._chain.layers, self._inputs[-1]
        self._of_scores = signal[:, None, None, None]
        self._signals = [_sloped(self._of_scores * self._chain.last, top)]
        for layer, inputs in zip(layers[:0:-1], self._inputs[-2:0:-1], strict=True):
            self._signals.append(layer.back(self._signals[-1], inputs))
        self._signals.reverse()

    def penalise(self, count: int, factor: float) -> Tensor:
        """Let the last images be penalised for gradients that are not of norm 1.

        Parameters
        ----------
        count : int
            How many images, whose scores came back with a gradient of 1.
        factor : float
            Of the penalty in the loss.

        Returns
        -------
        tensor ()
            The mean of (|gradient| - 1)^2, without the factor.
        """
        layers = self._chain.layers
        gradient = layers[0].image_gradient(self._signals[0][-count:], (count, *self._shape)).to(self._chain.last.dtype)
        norms = gradient.flatten(start_dim=1).norm(dim=1)
        excess = norms - 1
        # A gradient of zero has a norm without a gradient; torch takes zero there, too.
        slopes = torch.where(norms > 0, excess / norms, 0.0) * (2 * factor / count)
        tangents = layers[0].enter([slopes[:, None, None, None] * gradient])
        for layer, inputs, outputs in zip(layers, self._inputs[:-1], self._inputs[1:], strict=True):
            inputs[-count:] = tangents
            tangents = _sloped(layer(tangents), outputs[-count:])
        self._inputs[-1][-count:] = tangents
        penalty: Tensor = excess.square().mean()
        return penalty

    def weight_gradients(self) -> list[Tensor]:
        """Give the gradients of the weights, in the order of the critic's convolutions."""
        top = self._inputs[-1].to(self._chain.last.dtype)
        of_hidden = zip(self._chain.layers, self._inputs[:-1], self._signals, strict=True)
        gradients = [layer.gradient(inputs, signal) for layer, inputs, signal in of_hidden]
        return [*gradients, (self._of_scores * top).sum(dim=0, keepdim=True)]


class _Layer:
    """A convolution."""

    def __init__(self, layer: Convolution, dtype: torch.dtype) -> None:
        self._weight = layer.weight.to(dtype, memory_format=LAST)
        self._how = layer.stride, layer.padding

    def enter(self, images: Sequence[Tensor]) -> Tensor:
        """Bring images into the form of inputs."""
        joined = torch.cat(list(images)) if len(images) > 1 else images[0]
        return joined.to(self._weight.dtype, memory_format=LAST)

    def __call__(self, inputs: Tensor) -> Tensor:
        return conv2d(inputs, self._weight, None, *self._how)

    def back(self, signal: Tensor, inputs: Tensor) -> Tensor:
        """Give the gradient before the LeakyReLU that gave the inputs, for that of the outputs."""
        return _sloped(self.image_gradient(signal, inputs.shape), inputs)

    def image_gradient(self, signal: Tensor, shape: Sequence[int]) -> Tensor:
        """Give the gradient of the inputs, of a given shape, for that of the outputs."""
        gradient: Tensor = conv2d_input(shape, self._weight, signal, *self._how)
        return gradient

    def gradient(self, inputs: Tensor, signal: Tensor) -> Tensor:
        """Give the gradient of the weights."""
        gradient: Tensor = conv2d_weight(inputs, self._weight.shape, signal, *self._how)
        return gradient


class _HalvingLayer(_Layer):
    """A 4x4 convolution of stride 2, whose way back is a transposed one."""

    def back(self, signal: Tensor, inputs: Tensor) -> Tensor:
        if not is_faster_by_phases(signal, self._weight.shape[1]):
            return super().back(signal, inputs)
        return put_together(_sloped(phases(signal, phase_weight(self._weight)), by_phase(inputs)))

    def image_gradient(self, signal: Tensor, shape: Sequence[int]) -> Tensor:
        if not is_faster_by_phases(signal, self._weight.shape[1]):
            return super().image_gradient(signal, shape)
        return put_together(phases(signal, phase_weight(self._weight)))


class _PatchedLayer(_HalvingLayer):
    """The same of the few channels of an image, as a product with its patches of 4x4 pixels."""

    def __init__(self, layer: Convolution, dtype: torch.dtype) -> None:
        super().__init__(layer, dtype)
        self._matrix = self._weight.permute(0, 2, 3, 1).reshape(len(self._weight), -1)

    def enter(self, images: Sequence[Tensor]) -> Tensor:
        """Cut images into patches, (N, height * width, 16 * C); height and width are those of the outputs."""
        (channels, height, width), count = images[0].shape[1:], sum(map(len, images))
        padded = images[0].new_zeros(count, height + 2, width + 2, channels, dtype=self._weight.dtype)
        inside = padded[:, 1:-1, 1:-1].permute(0, 3, 1, 2)
        for own, part in zip(inside.split([len(part) for part in images]), images, strict=True):
            own.copy_(part)
        self._size = height // 2, width // 2
        of_image, of_row, of_column, _ = padded.stride()
        patches = padded.as_strided(
            (count, *self._size, 4, 4 * channels), (of_image, 2 * of_row, 2 * of_column, of_row, 1)
        )
        return patches.reshape(count, -1, 16 * channels)

    def __call__(self, inputs: Tensor) -> Tensor:
        outputs = inputs.flatten(0, 1) @ self._matrix.t()
        return outputs.view(len(inputs), *self._size, -1).permute(0, 3, 1, 2)

    def gradient(self, inputs: Tensor, signal: Tensor) -> Tensor:
        outputs, channels = self._weight.shape[:2]
        matrix = signal.permute(0, 2, 3, 1).reshape(-1, outputs).t() @ inputs.flatten(0, 1)
        return matrix.view(outputs, 4, 4, channels).permute(0, 3, 1, 2)


def _layer(layer: Convolution, dtype: torch.dtype) -> _Layer:
    return _HalvingLayer(layer, dtype) if is_halving(layer) else _Layer(layer, dtype)


def _sloped(signal: Tensor, activations: Tensor) -> Tensor:
    """Multiply by the slopes of the LeakyReLU that gave the activations, in their type."""
    sloped: Tensor = torch.ops.aten.leaky_relu_backward(signal.to(activations.dtype), activations, SLOPE, True)
    return sloped
