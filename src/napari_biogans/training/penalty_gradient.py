"""The gradient of a gradient penalty, in three passes and without differentiating twice.

A critic without batch norms is a chain of convolutions without biases and of
LeakyReLUs. So it is linear around any image: with a_l the activations, W_l the
convolutions and D_l the slopes (1 or 0.2) at that image,

    forward   a_l = D_l W_l a_{l-1}               the score is the last of them
    backward  b_{l-1} = W_l' D_l b_l              the gradient g of the score is the first of them
    tangent   t_l = D_l W_l t_{l-1}, t_0 = v      how the score changes along v

The gradient of a penalty p(|g|) with respect to the weights is, with v = dp/dg
held fixed, that of the number (v, g): of the score's tangent along v. The slopes
are constant around the image, so that it is simply that of a chain of
convolutions: for W_l that of a convolution with input t_{l-1} and output
gradient D_l b_l.

Differentiating twice computes the same, and zeros for the slopes besides: the
work of 6 passes instead of 4. It also keeps twice as much.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu_
from torch.nn.grad import conv2d_input, conv2d_weight

from napari_biogans.models.critics import SLOPE, Critic


@torch.no_grad()
def add_penalty_gradients(critic: Critic, images: Tensor, dtype: torch.dtype, factor: float) -> Tensor:
    """Compute the mean of (|gradient of the critic| - 1)^2 at some images, and add its gradients to the weights'.

    Parameters
    ----------
    critic : Critic
        Without batch norms; its `weight.grad` are added to.
    images : tensor (B, C, H, W)
    dtype : torch.dtype
        That convolutions compute in. The penalty has the type of the weights.
    factor : float
        Of the penalty in the loss.

    Returns
    -------
    tensor (1,)
        The mean penalty, without its factor.
    """
    # The last convolution is a product with one vector: it costs nothing, and decides how exact gradients are.
    *hidden, last = critic.convolutions
    layers = [*(_Layer(layer, dtype) for layer in hidden), _Layer(last, last.weight.dtype)]
    activations = [images]
    for layer in layers[:-1]:
        activations.append(leaky_relu_(layer(activations[-1]), SLOPE))
    signals = [images.new_ones(len(images), 1, 1, 1)]
    for layer, inputs in zip(layers[:0:-1], activations[:0:-1], strict=True):
        signals.append(_sloped(layer.back(signals[-1], inputs.shape), inputs))
    signals.reverse()

    gradient = layers[0].back(signals[0], images.shape).to(images.dtype)
    norms = gradient.flatten(start_dim=1).norm(dim=1)
    excess = norms - 1
    # A gradient of zero has a norm without a gradient; torch takes zero there, too.
    slopes = torch.where(norms > 0, 2 * excess / norms, 0.0)
    tangents = slopes[:, None, None, None] * gradient
    for layer, signal, outputs in zip(layers, signals, [*activations[1:], None], strict=True):
        layer.add_gradient(tangents, signal, factor / len(images))
        if outputs is not None:
            tangents = _sloped(layer(tangents), outputs)
    penalty: Tensor = excess.square().mean()[None]
    return penalty


class _Layer:
    """A convolution whose weights are rounded to a type once for all that is computed with them."""

    def __init__(self, layer: nn.Conv2d, dtype: torch.dtype) -> None:
        self._layer = layer
        self._weight = layer.weight.to(dtype, memory_format=torch.channels_last)
        self._how: tuple[tuple[int, ...], tuple[int, ...]] = (layer.stride, layer.padding)  # type: ignore[assignment]

    def __call__(self, inputs: Tensor) -> Tensor:
        return conv2d(self._rounded(inputs), self._weight, None, *self._how)

    def back(self, signal: Tensor, shape: torch.Size) -> Tensor:
        """Give the gradient of the inputs, of a given shape, for that of the outputs."""
        gradient: Tensor = conv2d_input(shape, self._weight, self._rounded(signal), *self._how)
        return gradient

    def add_gradient(self, inputs: Tensor, signal: Tensor, factor: float) -> None:
        weight = self._layer.weight
        gradient = conv2d_weight(self._rounded(inputs), weight.shape, self._rounded(signal), *self._how)
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        weight.grad.add_(gradient, alpha=factor)

    def _rounded(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._weight.dtype, memory_format=torch.channels_last)


def _sloped(signal: Tensor, activations: Tensor) -> Tensor:
    """Multiply by the slopes of the LeakyReLU that gave the activations."""
    sloped: Tensor = torch.ops.aten.leaky_relu_backward(signal.to(activations.dtype), activations, SLOPE, True)
    return sloped
