"""The plain steps: float32, one pass after another, differentiated by torch.

They are what one would write first. Nothing trains with them: the steps that
are taken (`steps`) have to give the same training, and be faster.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_biogans.training.objectives import (
    GRADIENT_PENALTY_WEIGHT,
    CriticLoss,
    Objective,
    clamp_weights,
    gradient_penalties,
)


def critic_loss(objective: Objective, critic: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> CriticLoss:
    """Compute the loss of a critic, with its penalty if it has one, and with a graph.

    Parameters
    ----------
    objective : Objective
    critic : torch.nn.Module
    real, fake : tensor (K, B, C, H, W)
        In [-1, 1]; no gradient goes into them.
    mix : tensor (K, B)
        Uniform in [0, 1].
    """
    result = objective.critic_loss(critic(real), critic(fake))
    if not objective.penalised:
        return result
    penalty = gradient_penalties(critic, real, fake, mix).mean(dim=1)
    return CriticLoss(result.loss + GRADIENT_PENALTY_WEIGHT * penalty, result.gap, penalty)


class ReferenceCriticStep:
    """Lets a critic learn from one batch; see `CriticStep`."""

    def __init__(self, objective: Objective, critic: nn.Module, learning_rate: float) -> None:
        self.objective, self.critic = objective, critic
        self.optimiser = objective.optimiser(critic.parameters(), learning_rate)

    def gradients(self, real: Tensor, fake: Tensor, mix: Tensor) -> CriticLoss:
        """Differentiate the loss; see `CriticStep.gradients`."""
        result = critic_loss(self.objective, self.critic, real, fake, mix)
        self.optimiser.zero_grad()
        result.loss.mean().backward()
        return CriticLoss(*(part.detach() for part in result))

    def __call__(self, real: Tensor, fake: Tensor, mix: Tensor) -> CriticLoss:
        """Take the step."""
        result = self.gradients(real, fake, mix)
        self.optimiser.step()
        clamp_weights(self.critic, self.objective.weight_limit)
        return result


class ReferenceGeneratorStep:
    """Lets a generator learn from its critic; see `GeneratorStep`."""

    def __init__(self, objective: Objective, generator: nn.Module, critic: nn.Module, learning_rate: float) -> None:
        self.objective, self.generator, self.critic = objective, generator, critic
        self.optimiser = objective.optimiser(generator.parameters(), learning_rate)

    def draw(self, latents: Tensor) -> Tensor:
        """Draw cells, without a graph."""
        with torch.no_grad():
            images: Tensor = self.generator(latents)
        return images

    def gradients(self, latents: Tensor) -> Tensor:
        """Differentiate the loss; see `GeneratorStep.gradients`."""
        loss = self.objective.generator_loss(self.critic(self.generator(latents))).mean()
        self.optimiser.zero_grad()
        loss.backward()
        return loss.detach()

    def __call__(self, latents: Tensor) -> Tensor:
        """Take the step."""
        loss = self.gradients(latents)
        self.optimiser.step()
        return loss
