"""The steps of a training, as fast as the device can take them.

They are those of `reference`, but for the rounding of the type that
convolutions compute in.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from napari_biogans.models.critics import AnyCritic, Critic
from napari_biogans.training.collectives import WHOLE_BATCH, BatchPart
from napari_biogans.training.devices import channels_last
from napari_biogans.training.objectives import (
    GRADIENT_PENALTY_WEIGHT,
    CriticLoss,
    Objective,
    clamp_weights,
    mixed_images,
)
from napari_biogans.training.penalty_gradient import add_penalty_gradients


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
    ) -> None:
        self.objective, self.critic = objective, channels_last(critic)
        self._precision, self._part = precision, part
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
        self.optimiser.zero_grad()
        # One class after another: measured faster than grouped convolutions (benchmarks/classes.md), and the memory for
        # one is enough for all.
        results = [
            self._of_class(*parts, factor=self._part.share / len(critics))
            for parts in zip(critics, real.split(1), fake.split(1), mix.split(1), strict=True)
        ]
        return CriticLoss(*self._part.add_up(self.critic, [torch.cat(values) for values in zip(*results, strict=True)]))

    def _of_class(self, critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, *, factor: float) -> CriticLoss:
        objective = self.objective
        # Two passes, also without batch norms: measured as fast as one, or faster.
        with rounded_to(self._precision, real.device):
            result = objective.critic_loss(critic(real), critic(fake))
        (result.loss.sum() * factor).backward()
        loss, gap, penalty = (part.detach() for part in result)
        if objective.penalised:
            weight = GRADIENT_PENALTY_WEIGHT
            penalty = add_penalty_gradients(critic, mixed_images(real, fake, mix)[0], self._precision, factor * weight)
            loss = loss + weight * penalty
        return CriticLoss(loss, gap, penalty)

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
        with rounded_to(self._precision, latents.device):
            loss = self.objective.generator_loss(self.critic(self.generator(latents))).mean()
        self.optimiser.zero_grad()
        (loss * self._part.share).backward()
        self.critic.requires_grad_(True)
        (total,) = self._part.add_up(self.generator, [loss.detach()])
        return total

    def __call__(self, latents: Tensor) -> Tensor:
        """Take the step: as `gradients`, and change the generator by them."""
        loss = self.gradients(latents)
        self.optimiser.step()
        return loss


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
