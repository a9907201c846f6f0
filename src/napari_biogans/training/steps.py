"""The steps of a training, as fast as the device can take them.

They are those of `reference`, but for the rounding of the type that
convolutions compute in.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import grad
from torch.optim import Optimizer

from napari_biogans.models.critics import AnyCritic, Critic
from napari_biogans.training.chain import Chain, Convolution, Pass
from napari_biogans.training.collectives import WHOLE_BATCH, BatchPart
from napari_biogans.training.compiling import compiled
from napari_biogans.training.devices import channels_last
from napari_biogans.training.objectives import (
    GRADIENT_PENALTY_WEIGHT,
    CriticLoss,
    Objective,
    clamp_weights,
    mixed_images,
)

CELLS_AT_ONCE = {"cpu": 32}
"""Of a batch, by device: as fast as more of them or faster, with less memory."""
CELLS_AT_ONCE_ELSEWHERE = 128


class CriticStep:
    """Lets a critic learn from one batch.

    Parameters
    ----------
    objective : Objective
    critic : Critic or ClassCritics
        Changed by each step; its weights are laid out anew.
    learning_rate : float
    precision : torch.dtype
        That convolutions compute in.
    part : BatchPart
        Of each batch, that it gets; gradients and losses are those of all.
    compiles : bool
        Whether the gradients of a critic without batch norms are compiled at
        the first step, which takes half a minute and makes steps on a GPU
        faster (`pays_to_compile`).

    Examples
    --------
    >>> from napari_biogans.models import ARCHITECTURES, NetworkShape
    >>> from napari_biogans.training.objectives import OBJECTIVES
    >>> _, critic = ARCHITECTURES["joint"].build(NetworkShape(image_size=(24, 40), width=2, critic_width=2))
    >>> step = CriticStep(OBJECTIVES["wgan-gp"], critic, 1e-3)
    >>> real, fake = torch.ones(1, 4, 2, 24, 40), torch.zeros(1, 4, 2, 24, 40)
    >>> gaps = [step(real, fake, torch.rand(1, 4)).gap.item() for _ in range(9)]
    >>> gaps[-1] > gaps[0]
    True
    """

    def __init__(
        self,
        objective: Objective,
        critic: AnyCritic,
        learning_rate: float,
        precision: torch.dtype = torch.float32,
        part: BatchPart = WHOLE_BATCH,
        *,
        compiles: bool = False,
    ) -> None:
        self.objective, self.critic = objective, channels_last(critic)
        self._precision, self._part = precision, part
        self._closed_form = compiled(closed_form) if compiles else closed_form
        self.optimiser = fast_optimiser(objective, critic, learning_rate)

    def gradients(self, real: Tensor, fake: Tensor, mix: Tensor) -> CriticLoss:
        """Compute the loss and set the gradients of the critic's weights.

        Parameters
        ----------
        real, fake : tensor (K, B, C, H, W)
            In [-1, 1]; no gradient goes into them.
        mix : tensor (K, B)
            Uniform in [0, 1].

        Returns
        -------
        CriticLoss
            Without a graph.
        """
        critics = cast("tuple[Critic, ...]", self.critic.critics)
        # One class after another: measured faster than grouped convolutions (benchmarks/classes.md), and the memory for
        # one is enough for all.
        of_class = self._by_autograd if _has_batch_norms(critics[0]) else self._in_closed_form
        results = [
            of_class(*parts, factor=self._part.share / len(critics))
            for parts in zip(critics, real.split(1), fake.split(1), mix.split(1), strict=True)
        ]
        return CriticLoss(*self._part.add_up(self.critic, [torch.cat(values) for values in zip(*results, strict=True)]))

    def _by_autograd(self, critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, *, factor: float) -> CriticLoss:
        """Let batch norms see real and fake cells apart."""
        with rounded_to(self._precision, real.device):
            result = self.objective.critic_loss(critic(real), critic(fake))
        for weight in critic.parameters():
            weight.grad = None
        (result.loss.sum() * factor).backward()
        return CriticLoss(*(part.detach() for part in result))

    @torch.no_grad()
    def _in_closed_form(self, critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, *, factor: float) -> CriticLoss:
        convolutions = [Convolution(own.weight.detach(), own.stride, own.padding) for own in critic.convolutions]
        batch = real.shape[1]
        pieces = ceil(batch / cells_at_once(real.device))
        total = CriticLoss(*real.new_zeros(3, 1))
        parts = (whole.chunk(pieces, dim=1) for whole in (real, fake, mix))
        for k, (own_real, own_fake, own_mix) in enumerate(zip(*parts, strict=True)):
            share = own_real.shape[1] / batch
            result, gradients = self._closed_form(
                self.objective, self._precision, convolutions, own_real, own_fake, own_mix, factor * share
            )
            total = CriticLoss(*(torch.add(*both, alpha=share) for both in zip(total, result, strict=True)))
            for layer, gradient in zip(critic.convolutions, gradients, strict=True):
                # In the place of the one before, and laid out as the weight, which fused optimisers ask for.
                if layer.weight.grad is None:
                    layer.weight.grad = torch.empty_like(layer.weight)
                (layer.weight.grad.add_ if k else layer.weight.grad.copy_)(gradient)
        return total

    def __call__(self, real: Tensor, fake: Tensor, mix: Tensor) -> CriticLoss:
        """Take the step: as `gradients`, and change the critic by them."""
        result = self.gradients(real, fake, mix)
        self.optimiser.step()
        clamp_weights(self.critic, self.objective.weight_limit)
        return result


class GeneratorStep:
    """Lets a generator learn from its critic.

    Parameters
    ----------
    objective : Objective
    generator : torch.nn.Module
        Changed by each step; its weights are laid out anew.
    critic : Critic or ClassCritics
    learning_rate : float
    precision : torch.dtype
        That convolutions compute in.
    part : BatchPart
        Of each batch, that it gets; gradients and losses are those of all.
    """

    def __init__(
        self,
        objective: Objective,
        generator: nn.Module,
        critic: AnyCritic,
        learning_rate: float,
        precision: torch.dtype = torch.float32,
        part: BatchPart = WHOLE_BATCH,
    ) -> None:
        self.objective, self.generator, self.critic = objective, channels_last(generator), critic
        self._precision, self._part = precision, part
        self.optimiser = fast_optimiser(objective, generator, learning_rate)

    def draw(self, latents: Tensor) -> Tensor:
        """Draw cells, without a graph.

        Parameters
        ----------
        latents : tensor (B, Z)

        Returns
        -------
        tensor (K, B, C, H, W), float32
        """
        with rounded_to(self._precision, latents.device), torch.no_grad():
            images: Tensor = self.generator(latents)
        return images.float()

    def gradients(self, latents: Tensor) -> Tensor:
        """Compute the loss, a scalar, and set the gradients of the generator's weights.

        Parameters
        ----------
        latents : tensor (B, Z)
        """
        # The critic's weights need no gradient here, which saves a third of its backward pass.
        self.critic.requires_grad_(False)
        try:
            with rounded_to(self._precision, latents.device):
                loss = self.objective.generator_loss(self.critic(self.generator(latents))).mean()
            self.optimiser.zero_grad()
            (loss * self._part.share).backward()
        finally:
            # Also where memory runs out, after which smaller batches are tried.
            self.critic.requires_grad_(True)
        (total,) = self._part.add_up(self.generator, [loss.detach()])
        return total

    def __call__(self, latents: Tensor) -> Tensor:
        """Take the step: as `gradients`, and change the generator by them."""
        loss = self.gradients(latents)
        self.optimiser.step()
        return loss


def cells_at_once(device: torch.device) -> int:
    """Give how many cells of a batch a critic without batch norms sees in one go."""
    return CELLS_AT_ONCE.get(device.type, CELLS_AT_ONCE_ELSEWHERE)


def closed_form(
    objective: Objective,
    precision: torch.dtype,
    convolutions: Sequence[Convolution],
    real: Tensor,
    fake: Tensor,
    mix: Tensor,
    factor: float,
) -> tuple[CriticLoss, list[Tensor]]:
    """Compute the loss of a critic without batch norms and the gradients of its weights, of all images at once.

    Parameters
    ----------
    objective : Objective
    precision : torch.dtype
    convolutions : sequence of Convolution
        Of the critic.
    real, fake : tensor (1, B, C, H, W)
        In [-1, 1].
    mix : tensor (1, B)
        Uniform in [0, 1].
    factor : float
        Of the loss, in the gradients.
    """
    batch = real.shape[1]
    images = [real[0], fake[0]]
    if objective.penalised:
        images.append(mixed_images(real, fake, mix)[0])
    everything = Pass(Chain(convolutions, precision), *images)

    def loss(scores: Tensor) -> tuple[Tensor, CriticLoss]:
        result = objective.critic_loss(scores[None, :batch], scores[None, batch:])
        return result.loss.sum() * factor, result

    scores = everything.scores()
    signal, result = grad(loss, has_aux=True)(scores[: 2 * batch])
    everything.go_back(torch.cat([signal, torch.ones_like(scores[2 * batch :])]))
    if objective.penalised:
        weight = GRADIENT_PENALTY_WEIGHT
        penalty = everything.penalise(batch, factor * weight)[None]
        result = CriticLoss(result.loss + weight * penalty, result.gap, penalty)
    return result, everything.weight_gradients()


def rounded_to(precision: torch.dtype, device: torch.device) -> torch.autocast:
    """Compute convolutions in a type for a while."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision is torch.bfloat16)


def fast_optimiser(objective: Objective, network: nn.Module, learning_rate: float) -> Optimizer:
    """Make the objective's optimiser in the form that is fastest on the device of a network."""
    device = next(network.parameters()).device
    options: dict[str, Any] = {}
    if device.type == "cuda":
        options["capturable"] = True
    if device.type in ("cpu", "cuda") and objective.fused_optimiser:
        options["fused"] = True
    return objective.optimiser(network.parameters(), learning_rate, **options)


def _has_batch_norms(network: nn.Module) -> bool:
    return any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
