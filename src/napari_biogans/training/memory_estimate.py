"""How much memory a training will need on its device, found from its networks without their weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_biogans.cells import CellSet
from napari_biogans.models import Architecture, architecture_named
from napari_biogans.training.averaging import CALIBRATION_BATCH_SIZE
from napari_biogans.training.configuration import TrainingConfig
from napari_biogans.training.devices import choose_precision
from napari_biogans.training.objectives import Objective
from napari_biogans.training.replay import AHEAD
from napari_biogans.training.state import network_shape
from napari_biogans.training.steps import cells_at_once

# Measured (benchmarks/memory.md), in units of what autograd keeps of one forward pass. What is kept, is of all classes;
# what passes, is of one class at a time.
CLOSED_FORM_PASSING = 6.5
"""A critic step in closed form: activations of real, fake and mixed cells, and what comes back to them."""
UNPENALISED = 2 / 3
"""Of that, without mixed cells."""
AUTOGRAD_KEPT, AUTOGRAD_PASSING = 2.0, 1.3
"""A critic step with batch norms: real and fake cells."""
GENERATOR_KEPT, GENERATOR_PASSING = 1.1, 0.5
"""A generator step: the generator and the critic on top of it."""
DRAWING_PASSING = 0.6
"""Cells drawn without a graph, for the statistics of the averaged generator."""
BFLOAT16 = 0.6
"""What bfloat16 makes of activations: images and some gradients stay float32."""
TRIED_BATCH = 2
MOST_CELLS = 2**31
"""Of a batch at once, where there is no limit."""


class MemoryEstimate(NamedTuple):
    """Bytes that a training needs on its device, at its peak."""

    networks: int
    """Weights, their gradients, the optimisers, the averaged generator, and the copies in the last model."""
    cells: int
    """Cells to learn from, where the training holds a copy of its own."""
    generator_step: int
    """Of each cell of a batch, in a generator step."""
    critic_step: int
    """Of each cell that the critic sees in one go, in a critic step."""
    at_once: int
    """Cells of a batch that the critic sees in one go, at most."""
    pause: int
    """Everything, between two steps, while cells are drawn and the networks are saved; the same for all batches."""

    def of_batch(self, batch_size: int) -> int:
        """Give the bytes for a batch of so many cells of each class."""
        passing = max(batch_size * self.generator_step, min(batch_size, self.at_once) * self.critic_step)
        return max(self.networks + self.cells + passing, self.pause)

    def largest_batch(self, memory: int) -> int:
        """Find the largest batch whose steps take no more than so many bytes; 0 if none fits.

        The pause is not among them: it is the same for all batches.
        """
        left = memory - self.networks - self.cells
        if left <= 0:
            return 0
        of_critic = left // self.critic_step
        of_generator = left // self.generator_step
        return of_generator if of_critic >= self.at_once else min(of_critic, of_generator)


def estimate_memory(cells: CellSet, config: TrainingConfig, device: torch.device) -> MemoryEstimate:
    """Estimate the memory that a training needs beside what its process holds already.

    Parameters
    ----------
    cells : CellSet
    config : TrainingConfig
    device : torch.device
        That of the training.

    Returns
    -------
    MemoryEstimate

    Raises
    ------
    ValueError
        If networks of these sizes cannot be built.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_cells
    >>> config = TrainingConfig(precision="float32")
    >>> estimate = estimate_memory(simulate_cells(2).cells, config, torch.device("cpu"))
    >>> 0.1e9 < estimate.of_batch(64) < estimate.of_batch(640) < 10e9
    True
    """
    architecture = architecture_named(config.architecture)
    kept = kept_of_a_pass(cells, config)
    rounded = BFLOAT16 if choose_precision(config.resolved_precision, device) is torch.bfloat16 else 1
    objective = config.resolved_objective
    # Cells and fakes of the next critic steps, which a recording keeps.
    ahead = 2 * AHEAD * kept.images if device.type == "cuda" else 0
    in_training, in_model, in_checkpoint = _networks_bytes(*_networks(cells, config), config)
    own_cells = cells.nbytes if device.type != "cpu" or _copies_cells(architecture, cells) else 0
    drawing = CALIBRATION_BATCH_SIZE * DRAWING_PASSING * kept.generator / kept.classes
    # A file holds weights in another order than convolutions read them in: copies, on the CPU.
    saving = in_checkpoint if device.type == "cpu" else 0
    return MemoryEstimate(
        networks=in_training + in_model,
        cells=own_cells,
        generator_step=round(rounded * _generator_step(kept) + ahead),
        critic_step=round(rounded * _critic_step(kept, objective) + ahead),
        at_once=MOST_CELLS if objective.critic_batch_norm else cells_at_once(device),
        # The model before is still there.
        pause=round(in_training + 2 * in_model + own_cells + max(drawing, saving)),
    )


class KeptOfAPass(NamedTuple):
    """Bytes that autograd keeps of a forward pass in float32, for one cell of each class."""

    generator: float
    critic: float
    classes: int
    """Networks of the critic, which take their steps one after another."""
    images: float
    """Bytes of the images themselves."""


def kept_of_a_pass(cells: CellSet, config: TrainingConfig) -> KeptOfAPass:
    """Find what autograd keeps, by passes through the networks on torch's device "meta", which computes sizes only.

    Parameters
    ----------
    cells : CellSet
    config : TrainingConfig

    Returns
    -------
    KeptOfAPass
    """
    generator, critic = _networks(cells, config)
    latents = torch.empty(TRIED_BATCH, network_shape(cells, config).latent_size, device="meta")
    by_generator, images = _kept_by(generator, latents)
    by_critic, _ = _kept_by(critic, images)
    return KeptOfAPass(by_generator, by_critic, len(images), images.nbytes / TRIED_BATCH)


def _critic_step(kept: KeptOfAPass, objective: Objective) -> float:
    if objective.critic_batch_norm:
        return kept.critic * (AUTOGRAD_KEPT + AUTOGRAD_PASSING / kept.classes)
    return kept.critic / kept.classes * CLOSED_FORM_PASSING * (1 if objective.penalised else UNPENALISED)


def _generator_step(kept: KeptOfAPass) -> float:
    return (kept.generator + kept.critic) * (GENERATOR_KEPT + GENERATOR_PASSING / kept.classes)


def _networks(cells: CellSet, config: TrainingConfig) -> tuple[nn.Module, nn.Module]:
    """Build the networks without weights."""
    architecture = architecture_named(config.architecture)
    shape = network_shape(cells, config)
    if architecture.pools_classes:
        shape = replace(shape, classes=1)
    with torch.device("meta"):
        return architecture.make_generator(shape), architecture.make_critic(shape)


def _networks_bytes(generator: nn.Module, critic: nn.Module, config: TrainingConfig) -> tuple[int, int, int]:
    """Count what networks take while they are trained, in a model, and in a checkpoint."""
    weights = [_bytes(network.state_dict().values()) for network in (generator, critic)]
    model = sum(weights) + config.resolved_averaging * weights[0]
    gradients, optimisers = 0, 0
    for network in (generator, critic):
        optimiser = config.resolved_objective.optimiser(network.parameters(), config.resolved_learning_rate)
        for weight in network.parameters():
            weight.grad = torch.empty_like(weight)
        optimiser.step()
        gradients += _bytes(network.parameters())
        optimisers += _bytes(value for state in optimiser.state.values() for value in state.values())
    return model + gradients + optimisers, model, model + optimisers


def _kept_by(network: nn.Module, inputs: Tensor) -> tuple[float, Tensor]:
    """Find the bytes that a forward pass keeps for the way back, for each of its inputs, and give its outputs."""
    weights = {_storage(tensor) for tensor in network.state_dict().values()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[_storage(tensor)] = tensor.untyped_storage().nbytes()
        # The tensor itself would hold the graph that holds it, where nobody finds them; so its memory alone is held.
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = network(inputs.requires_grad_())
    sizes = [size for place, size in kept.items() if place not in weights]
    return sum(sizes) / TRIED_BATCH, outputs.detach()


def _storage(tensor: Tensor) -> int:
    # Tensors on the device "meta" have no address of their data that would tell them apart.
    return int(tensor.untyped_storage()._cdata)


def _copies_cells(architecture: Architecture, cells: CellSet) -> bool:
    """Tell whether cells on the CPU are copied; else the tensors share the memory of the arrays."""
    return architecture.layout == "multi-channel" or (architecture.pools_classes and len(cells.class_names) > 1)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
