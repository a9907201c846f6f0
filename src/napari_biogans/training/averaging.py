"""The moving average of a generator's weights."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

CALIBRATION_BATCHES = 4
CALIBRATION_BATCH_SIZE = 128


class AveragedGenerator:
    """Follows a generator with an exponential moving average of its weights.

    Early in a training the average follows faster, so that it does not lag
    behind weights that were drawn at random.

    Parameters
    ----------
    generator : torch.nn.Module
        Copied as it is now.
    decay : float
        Weight of the past in each step, in (0, 1).

    References
    ----------
    Yazici et al., The unusual effectiveness of averaging in GAN training,
    ICLR 2019.
    """

    def __init__(self, generator: nn.Module, decay: float) -> None:
        self.network = deepcopy(generator).requires_grad_(False).eval()
        self._decay = decay

    @torch.no_grad()
    def follow(self, generator: nn.Module, step: int) -> None:
        """Move towards the weights of `generator` after its step `step` (from 0)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        # In one go, which on a GPU is one call instead of one for each weight.
        torch._foreach_lerp_(list(self.network.parameters()), list(generator.parameters()), 1 - decay)


def calibrate(network: nn.Module, rng: torch.Generator, latent_size: int) -> None:
    """Compute the batch-norm statistics of an averaged generator anew, from its own draws.

    Averaged weights have statistics of their own, which no average of the
    statistics along the training gives.

    Parameters
    ----------
    network : torch.nn.Module
    rng : torch.Generator
        On the device of the network.
    latent_size : int
    """
    latents = (
        torch.randn(CALIBRATION_BATCH_SIZE, latent_size, generator=rng, device=rng.device)
        for _ in range(CALIBRATION_BATCHES)
    )
    update_bn(latents, network)
    network.eval()
