"""What workers that train one model together compute in common: sums over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn

from napari_biogans.training.errors import WorkerLostError


class BatchPart(NamedTuple):
    """The part of every batch that one worker computes.

    Parts may differ in size. Losses are means over cells, so that a worker's
    count by its share of the batch.

    Examples
    --------
    >>> [BatchPart.of(7, rank, 3).cells for rank in range(3)]
    [slice(0, 3, None), slice(3, 5, None), slice(5, 7, None)]
    """

    cells: slice = slice(None)
    """Its places in the batch."""

    share: float = 1.0
    """Its cells, divided by those of the batch."""

    @classmethod
    def of(cls, batch_size: int, rank: int, count: int) -> BatchPart:
        """Find the part of the worker `rank` of `count`; the first ones get the cells that are left over."""
        if count == 1:
            return WHOLE_BATCH
        size, left_over = divmod(batch_size, count)
        first = rank * size + min(rank, left_over)
        own = size + (rank < left_over)
        return cls(slice(first, first + own), own / batch_size)

    @property
    def is_whole(self) -> bool:
        """Whether there is nothing to sum up: one worker computes the whole batch."""
        return self == WHOLE_BATCH

    def add_up(self, network: nn.Module, means: Sequence[Tensor]) -> list[Tensor]:
        """Make gradients and means over the part those of the whole batch, in one go.

        Parameters
        ----------
        network : torch.nn.Module
            Its gradients are those of a loss that was multiplied by `share`;
            changed in place.
        means : sequence of tensors
            Over the part, such as losses.

        Returns
        -------
        list of tensors
            The means over the whole batch.

        Raises
        ------
        WorkerLostError
        """
        if self.is_whole:
            return list(means)
        weighted = [mean * self.share for mean in means]
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        in_one_go(sum_up, [*gradients, *weighted])
        return weighted


WHOLE_BATCH = BatchPart()


def in_one_go(change: Callable[[Tensor], object], tensors: Sequence[Tensor]) -> None:
    """Let a function change tensors of one type in place, all together as one vector: many calls would take longer."""
    vector = torch.cat([tensor.flatten() for tensor in tensors])
    change(vector)
    for tensor, part in zip(tensors, vector.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view(tensor.shape))


def sum_up(tensor: Tensor) -> Tensor:
    """Sum a tensor up over all workers, in place."""
    _together(dist.all_reduce, tensor)
    return tensor


def highest(tensor: Tensor) -> Tensor:
    """Find the highest of each number over all workers, in place."""
    _together(dist.all_reduce, tensor, op=dist.ReduceOp.MAX)
    return tensor


def gathered(tensor: Tensor) -> Tensor:
    """Bring together the tensors of all workers, (workers, ...), by rank."""
    parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    _together(dist.all_gather, parts, tensor)
    return torch.stack(parts)


def take_from_first(tensor: Tensor) -> None:
    """Make a tensor what it is for worker 0, in place."""
    _together(dist.broadcast, tensor, src=0)


def _together(collective: Callable[..., object], *arguments: Any, **options: Any) -> None:
    try:
        collective(*arguments, **options)
    except RuntimeError as error:
        raise WorkerLostError("Another worker has ended or cannot be reached; this one cannot go on.") from error
