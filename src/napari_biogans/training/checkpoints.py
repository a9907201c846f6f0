"""What a checkpoint holds of a training, as tensors by name."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor


class Contents(NamedTuple):
    """What a checkpoint holds of a training."""

    tensors: dict[str, Tensor]
    header: dict[str, Any]

    def copied(self) -> Contents:
        """Keep it as it is now."""
        return Contents({name: tensor.clone() for name, tensor in self.tensors.items()}, self.header)


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Name the tensors of a checkpoint by the part that they belong to."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def tensors_under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take the tensors of a checkpoint that belong to one part, by their names in it."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Flatten an optimiser's state, {parameter: {name: tensor}}; its settings follow from the configuration."""
    state = optimiser.state_dict()["state"]
    return {f"{index}.{name}": value for index, values in state.items() for name, value in values.items()}


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Bring an optimiser to the state that `optimiser_tensors` gave, in place."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        weight = weights[int(index)]
        # Laid out in memory as the weight, so that the sums are done in the same order as before.
        same = torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value
        state.setdefault(int(index), {})[name] = same
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
