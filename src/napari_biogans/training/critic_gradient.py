"""The gradient of a critic's loss with a gradient penalty, in three passes and without differentiating twice.

A critic without batch norms is a chain of convolutions without biases and of
LeakyReLUs. So it is linear around any image: with a_l the activations, W_l the
convolutions and D_l the slopes (1 or 0.2) at that image,

    forward   a_l = D_l W_l a_{l-1}               the score is the last of them
    backward  b_{l-1} = W_l' D_l b_l              the gradient g of the score is the first of them
    tangent   t_l = D_l W_l t_{l-1}, t_0 = v      how the score changes along v

The gradient of a loss of scores with respect to W_l is that of a convolution
with input a_{l-1} and output gradient D_l b_l. The gradient of a penalty
p(|g|) is, with v = dp/dg, that of the number (v, g), which is the tangent along v,
where the slopes, being constants around the image, have no gradient: it is that
of the same convolution with t_{l-1} in place of a_{l-1}. So real, fake and mixed
cells go forward and backward as one batch, the mixed ones' inputs are replaced
by tangents, and each convolution's gradient is computed once for all.

Differentiating twice computes the same, in the weights' gradients of the first
backward pass, and zeros for the slopes besides: 12 passes' worth of a batch
instead of 10.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu_
from torch.nn.grad import conv2d_input, conv2d_weight

from napari_biogans.models.critics import SLOPE, Critic
from napari_biogans.training.objectives import GRADIENT_PENALTY_WEIGHT, CriticLoss, Objective, mixed_images


def set_gradients(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    mix: Tensor,
    objective: Objective,
    dtype: torch.dtype,
    *,
    factor: float = 1.0,
) -> CriticLoss:
    """Compute the penalised loss of a critic without batch norms, and the gradients of its weights.

    Parameters
    ----------
    critic : Critic
        Whose `weight.grad` are replaced.
    real, fake : tensor (1, B, C, H, W)
        In [-1, 1].
    mix : tensor (1, B)
        Uniform in [0, 1].
    objective : Objective
    dtype : torch.dtype
        That convolutions compute in. Scores, losses, penalties and the
        gradients that are set have the type of the weights.
    factor : float
        Of the gradients.

    Returns
    -------
    CriticLoss
        Without a graph.
    """
    # The last convolution is a product with one vector: it costs nothing, and decides how exact scores are.
    *hidden, last = critic.convolutions
    layers = [*(_Layer(layer, dtype) for layer in hidden), _Layer(last, last.weight.dtype)]
    batch = real.shape[1]
    *activations, scores = _forward(layers, torch.cat([real[0], fake[0], mixed_images(real, fake, mix)[0]]))
    of_real, of_fake, of_mixed = scores.view(3, 1, batch)
    result, slopes = _loss_of_scores(objective, of_real, of_fake)
    # Times the batch, so that Wasserstein slopes are 1, which a rounded type holds exactly.
    signals = _backward(layers, activations, torch.cat([batch * slopes, torch.ones_like(of_mixed)], dim=1)[0])
    penalty, direction = _penalty(layers[0].back(signals[0][2 * batch :], real[0].shape))
    mixed = [inputs[2 * batch :] for inputs in activations]
    for inputs, tangents in zip(mixed, _tangents(layers, mixed, direction), strict=True):
        inputs.copy_(tangents)
    for layer, inputs, signal in zip(layers, activations, signals, strict=True):
        layer.set_gradient(inputs, signal, factor / batch)
    return CriticLoss(result.loss + GRADIENT_PENALTY_WEIGHT * penalty, result.gap, penalty)


class _Layer:
    """A convolution whose weights are rounded to a type once for all that is computed with them."""

    def __init__(self, layer: nn.Conv2d, dtype: torch.dtype) -> None:
        self._layer = layer
        self._weight = layer.weight.detach().to(dtype, memory_format=torch.channels_last)
        self._how: tuple[tuple[int, ...], tuple[int, ...]] = (layer.stride, layer.padding)  # type: ignore[assignment]

    def __call__(self, inputs: Tensor) -> Tensor:
        return conv2d(self.rounded(inputs), self._weight, None, *self._how)

    def back(self, signal: Tensor, shape: torch.Size) -> Tensor:
        """Give the gradient of the inputs, of a given shape, for that of the outputs."""
        gradient: Tensor = conv2d_input(shape, self._weight, self.rounded(signal), *self._how)
        return gradient

    def set_gradient(self, inputs: Tensor, signal: Tensor, factor: float) -> None:
        weight = self._layer.weight
        gradient = conv2d_weight(self.rounded(inputs), weight.shape, self.rounded(signal), *self._how)
        weight.grad = gradient.to(weight.dtype).mul_(factor)

    def rounded(self, tensor: Tensor) -> Tensor:
        """Bring images to the type and the layout that it computes with."""
        return tensor.to(self._weight.dtype, memory_format=torch.channels_last)


@torch.no_grad()
def _forward(layers: list[_Layer], images: Tensor) -> list[Tensor]:
    """Give what goes into each layer, and what comes out of the last."""
    activations = [layers[0].rounded(images)]
    for layer in layers[:-1]:
        activations.append(leaky_relu_(layer(activations[-1]), SLOPE))
    return [*activations, layers[-1](activations[-1])]


def _loss_of_scores(objective: Objective, real: Tensor, fake: Tensor) -> tuple[CriticLoss, Tensor]:
    """Give the loss of scores, (1, B) each, before the penalty, and its gradient, (1, 2 B)."""
    with torch.enable_grad():
        scores = [part.detach().requires_grad_() for part in (real, fake)]
        result = objective.critic_loss(*scores)
        slopes = torch.autograd.grad(result.loss.sum(), scores)
    return CriticLoss(*(part.detach() for part in result)), torch.cat(slopes, dim=1)


@torch.no_grad()
def _backward(layers: list[_Layer], activations: list[Tensor], slopes: Tensor) -> list[Tensor]:
    """Give the gradient of what comes out of each layer, for that of the scores."""
    signals = [slopes[:, None, None, None]]
    for layer, inputs in zip(layers[:0:-1], activations[:0:-1], strict=True):
        signals.append(_sloped(layer.back(signals[-1], inputs.shape), inputs))
    return signals[::-1]


@torch.no_grad()
def _penalty(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Give the mean penalty, (1,), for gradients of scores, and the gradient of B times its weighted mean."""
    gradient = gradient.float() if gradient.dtype.itemsize < torch.float32.itemsize else gradient
    norms = gradient.flatten(start_dim=1).norm(dim=1)
    excess = norms - 1
    # A gradient of zero has a norm without a gradient; torch takes zero there, too.
    factors = torch.where(norms > 0, 2 * GRADIENT_PENALTY_WEIGHT * excess / norms, 0.0)
    return excess.square().mean()[None], factors[:, None, None, None] * gradient


@torch.no_grad()
def _tangents(layers: list[_Layer], activations: list[Tensor], direction: Tensor) -> list[Tensor]:
    """Give the change of what goes into each layer along a direction of the images."""
    tangents = [direction]
    for layer, outputs in zip(layers[:-1], activations[1:], strict=True):
        tangents.append(_sloped(layer(tangents[-1]), outputs))
    return tangents


def _sloped(signal: Tensor, activations: Tensor) -> Tensor:
    """Multiply by the slopes of the LeakyReLU that gave the activations."""
    sloped: Tensor = torch.ops.aten.leaky_relu_backward(signal.to(activations.dtype), activations, SLOPE, True)
    return sloped
