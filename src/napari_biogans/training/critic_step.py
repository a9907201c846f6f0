"""One step of a critic: the same for a training and for a two-sample test."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from napari_biogans.training.objectives import CriticLoss, Objective


def critic_step(
    objective: Objective,
    critic: nn.Module,
    optimiser: Optimizer,
    real: Tensor,
    fake: Tensor,
    mix: Tensor,
    precision: AbstractContextManager[object] | None = None,
) -> CriticLoss:
    """Let a critic learn from one batch.

    Parameters
    ----------
    objective : Objective
    critic : torch.nn.Module
    optimiser : torch.optim.Optimizer
        Of the critic's weights.
    real, fake : tensor (K, B, C, H, W)
        In [-1, 1]; no gradient goes into them.
    mix : tensor (K, B)
        Uniform in [0, 1].
    precision : context manager, optional
        Within which the loss is computed, such as `torch.autocast`.

    Returns
    -------
    CriticLoss
        Before the step, without a graph.

    Examples
    --------
    >>> from napari_biogans.models import ARCHITECTURES, NetworkShape
    >>> from napari_biogans.training.objectives import OBJECTIVES
    >>> objective = OBJECTIVES["wgan-gp"]
    >>> _, critic = ARCHITECTURES["joint"].build(NetworkShape(image_size=(24, 40), width=2, critic_width=2))
    >>> optimiser = objective.optimiser(critic.parameters(), 1e-3)
    >>> real, fake = torch.ones(1, 4, 2, 24, 40), torch.zeros(1, 4, 2, 24, 40)
    >>> gaps = [critic_step(objective, critic, optimiser, real, fake, torch.rand(1, 4)).gap.item() for _ in range(9)]
    >>> gaps[-1] > gaps[0]
    True
    """
    with precision or nullcontext():
        result = objective.critic_loss(critic, real, fake, mix)
    optimiser.zero_grad()
    result.loss.mean().backward()
    optimiser.step()
    if objective.weight_limit is not None:
        with torch.no_grad():
            for weight in critic.parameters():
                weight.clamp_(-objective.weight_limit, objective.weight_limit)
    return CriticLoss(*(part.detach() for part in result))
