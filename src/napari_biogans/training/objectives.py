"""The objectives: what the critic and the generator minimise, and with which optimiser.

Losses are per class, (K,); the training loop takes their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.optim import Adam, Optimizer, RMSprop

GRADIENT_PENALTY_WEIGHT = 10.0

ObjectiveName = Literal["gan", "wgan", "wgan-gp"]
MakeOptimiser = Callable[..., Optimizer]


class CriticLoss(NamedTuple):
    """What one critic step computes, each (K,)."""

    loss: Tensor
    """Minimised by the critic."""

    gap: Tensor
    """Mean score of fakes less mean score of real cells: how far the critic tells them apart."""

    penalty: Tensor
    """Mean gradient penalty, before its weight; 0 where there is none."""


@dataclass(frozen=True)
class Objective:
    """One objective with its published settings.

    Parameters
    ----------
    name : str
    summary : str
        In one line, what it is for.
    critic_loss : callable
        Scores of real cells and of fakes, (K, B) each, to `CriticLoss`, in
        which there is no penalty yet.
    generator_loss : callable
        Scores of fakes (K, B) to the loss (K,).
    optimiser : callable
        (parameters, learning rate, further options of it) to an optimiser.
    learning_rate : float
    critic_steps : int
        Critic steps for one generator step.
    critic_batch_norm : bool
        Whether the critic has batch norms.
    weight_limit : float, optional
        The critic's weights are kept within plus and minus this.
    penalised : bool
        Whether a gradient penalty, of the weight `GRADIENT_PENALTY_WEIGHT`,
        is added to the critic's loss.
    fused_optimiser : bool
        Whether the optimiser takes the option `fused`, to change all weights
        in one go.
    towards_fakes : {1, -1}
        The sign of the critic's scores of fakes, against those of real cells.
    warm_up : bool
        Whether the critic takes `WARM_UP_CRITIC_STEPS` at the steps that
        `critic_steps_at` names.
    """

    name: ObjectiveName
    summary: str
    critic_loss: Callable[[Tensor, Tensor], CriticLoss]
    generator_loss: Callable[[Tensor], Tensor]
    optimiser: MakeOptimiser
    learning_rate: float
    critic_steps: int
    critic_batch_norm: bool
    weight_limit: float | None = None
    penalised: bool = False
    fused_optimiser: bool = False
    towards_fakes: Literal[1, -1] = 1
    warm_up: bool = False

    def critic_steps_at(self, step: int) -> int:
        """Critic steps before the generator step `step` (from 0), by the published schedule.

        Examples
        --------
        >>> [OBJECTIVES["wgan"].critic_steps_at(step) for step in (0, 24, 25, 500, 501)]
        [100, 100, 5, 100, 5]
        """
        if self.warm_up and (step < WARM_UP_STEPS or step % WARM_UP_EVERY == 0):
            return WARM_UP_CRITIC_STEPS
        return self.critic_steps


# The schedule of the authors of WGAN: a critic near its optimum from the start, and brought there again now and then.
WARM_UP_STEPS = 25
WARM_UP_EVERY = 500
WARM_UP_CRITIC_STEPS = 100


def cross_entropy_critic_loss(real_scores: Tensor, fake_scores: Tensor) -> CriticLoss:
    """-log D(real) - log(1 - D(fake)), where D is the sigmoid of the score.

    References
    ----------
    Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014.
    """
    loss = softplus(-real_scores).mean(dim=1) + softplus(fake_scores).mean(dim=1)
    # High on real cells here, unlike in the Wasserstein objectives: the gap is turned to mean the same.
    gap = real_scores.mean(dim=1) - fake_scores.mean(dim=1)
    return CriticLoss(loss, gap, torch.zeros_like(gap))


def cross_entropy_generator_loss(fake_scores: Tensor) -> Tensor:
    """-log D(fake), the non-saturating loss."""
    return softplus(-fake_scores).mean(dim=1)


def wasserstein_critic_loss(real_scores: Tensor, fake_scores: Tensor) -> CriticLoss:
    """critic(real) - critic(fake).

    References
    ----------
    Arjovsky, Chintala, Bottou, Wasserstein GAN, ICML 2017.
    """
    gap = fake_scores.mean(dim=1) - real_scores.mean(dim=1)
    return CriticLoss(-gap, gap, torch.zeros_like(gap))


def wasserstein_generator_loss(fake_scores: Tensor) -> Tensor:
    """critic(fake)."""
    return fake_scores.mean(dim=1)


def gradient_penalties(critic: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """(|gradient of the critic| - 1)^2 at mix * real + (1 - mix) * fake.

    Parameters
    ----------
    critic : torch.nn.Module
    real, fake : tensor (K, B, C, H, W)
    mix : tensor (K, B)

    Returns
    -------
    tensor (K, B)
        Differentiable with respect to the critic's weights.

    References
    ----------
    Gulrajani et al., Improved Training of Wasserstein GANs, NeurIPS 2017.
    """
    mixed = mixed_images(real, fake, mix).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    norms: Tensor = gradient.to(mix.dtype).flatten(start_dim=2).norm(dim=2)
    return (norms - 1).square()


def mixed_images(real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Mix images, (K, B, C, H, W), so that the parts of the real ones are `mix`, (K, B)."""
    return fake.lerp(real, mix[:, :, None, None, None]).detach()


@torch.no_grad()
def clamp_weights(critic: nn.Module, limit: float | None) -> None:
    """Bring a critic's weights to within plus and minus a limit, if there is one."""
    if limit is not None:
        for weight in critic.parameters():
            weight.clamp_(-limit, limit)


def _adam(betas: tuple[float, float]) -> MakeOptimiser:
    def make(parameters: Iterable[nn.Parameter], learning_rate: float, **options: Any) -> Optimizer:
        return Adam(parameters, lr=learning_rate, betas=betas, **options)

    return make


def _rmsprop(parameters: Iterable[nn.Parameter], learning_rate: float, **options: Any) -> Optimizer:
    return RMSprop(parameters, lr=learning_rate, **options)


OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        Objective(
            name="gan",
            summary="Cross entropy, the original GAN: quick at first, less stable over long trainings.",
            critic_loss=cross_entropy_critic_loss,
            generator_loss=cross_entropy_generator_loss,
            optimiser=_adam(betas=(0.5, 0.999)),
            fused_optimiser=True,
            learning_rate=2e-4,
            critic_steps=1,
            critic_batch_norm=True,
            towards_fakes=-1,
        ),
        Objective(
            name="wgan",
            summary="Wasserstein distance with clamped weights; slow, for comparison.",
            critic_loss=wasserstein_critic_loss,
            generator_loss=wasserstein_generator_loss,
            optimiser=_rmsprop,
            learning_rate=5e-5,
            critic_steps=5,
            critic_batch_norm=True,
            weight_limit=0.01,
            warm_up=True,
        ),
        Objective(
            name="wgan-gp",
            summary="Wasserstein distance with a gradient penalty: stable, and the best in the paper.",
            critic_loss=wasserstein_critic_loss,
            generator_loss=wasserstein_generator_loss,
            optimiser=_adam(betas=(0.0, 0.9)),
            fused_optimiser=True,
            learning_rate=1e-4,
            critic_steps=5,
            critic_batch_norm=False,
            penalised=True,
        ),
    )
}
