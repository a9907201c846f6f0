"""Batch norm over a batch whose cells are with several workers."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import batch_norm

from napari_biogans.training.collectives import gathered, sum_up

PIXELS = (0, 2, 3)


class SharedBatchNorm2d(nn.BatchNorm2d):
    """A batch norm with the statistics of the cells of all workers.

    On any kind of device, unlike `torch.nn.SyncBatchNorm`. While it trains, all
    workers have to call it at once, and to go back through it at once. A deep
    copy is a plain batch norm, so that models hold nothing else.
    """

    @classmethod
    def in_place_of(cls, norm: nn.BatchNorm2d) -> SharedBatchNorm2d:
        """Make one of a plain batch norm, with the same tensors."""
        shared = cls.__new__(cls)
        shared.__dict__.update(norm.__dict__)
        return shared

    def __deepcopy__(self, memo: dict[int, Any]) -> nn.BatchNorm2d:
        plain = nn.BatchNorm2d.__new__(nn.BatchNorm2d)
        memo[id(self)] = plain
        plain.__dict__.update(deepcopy(self.__dict__, memo))
        return plain

    def forward(self, input: Tensor) -> Tensor:
        """Normalise images (B, C, H, W), this worker's part of the batch.

        Raises
        ------
        WorkerLostError
        """
        if not self.training:
            return super().forward(input)
        images, mean, variance, count = _NormOfAll.apply(input, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        running = cast("tuple[Tensor, Tensor, Tensor]", (self.running_mean, self.running_var, self.num_batches_tracked))
        with torch.no_grad():
            running[0].lerp_(mean, cast("float", self.momentum))
            running[1].lerp_(variance * (count / (count - 1)), cast("float", self.momentum))
            running[2].add_(1)
        return cast("Tensor", images)


def share_norms(network: nn.Module) -> None:
    """Let the batch norms of a network be those of all workers; names and tensors stay as they are."""
    for part in list(network.modules()):
        for name, child in part.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(part, name, SharedBatchNorm2d.in_place_of(child))


class _NormOfAll(Function):
    """Normalised images, and the mean, the variance and the number of pixels that they were normalised by."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        channels = len(weight)
        values = images.to(weight.dtype)
        mean = values.mean(dim=PIXELS)
        # Squares around each worker's own mean: those around zero would cancel where the mean is large. As sums, which
        # take a tenth of the time of torch's variance on channels-last images.
        squares = (values - _each(mean)).square_().sum(dim=PIXELS)
        count = torch.full_like(mean[:1], images.numel() // channels)
        parts = gathered(torch.cat([mean, squares, count]))
        means, squares, counts = parts.split([channels, channels, 1], dim=1)
        count = counts.sum(dim=0)
        mean = (counts * means).sum(dim=0) / count
        variance = (squares + counts * (means - mean).square()).sum(dim=0) / count
        ctx.save_for_backward(images, weight, mean, variance, count)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance, count)
        return batch_norm(images, mean, variance, weight, bias, eps=eps), mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        images, weight, mean, variance, count = ctx.saved_tensors
        of_outputs = gradient.to(weight.dtype)
        normalised = batch_norm(images.to(weight.dtype), mean, variance, eps=ctx.eps)
        of_bias, of_weight = of_outputs.sum(dim=PIXELS), (of_outputs * normalised).sum(dim=PIXELS)
        # Mean and variance depend on the cells of all workers, and so do all outputs on them. The gradients of weight
        # and bias stay those of the own cells; they are summed up with those of the other weights.
        by_mean, by_variance = (sum_up(torch.cat([of_bias, of_weight])) / count).chunk(2)
        of_images = torch.addcmul(of_outputs, normalised, _each(by_variance), value=-1).sub_(_each(by_mean))
        of_images.mul_(_each(weight * (variance + ctx.eps).rsqrt()))
        return of_images.to(images.dtype), of_weight, of_bias, None


def _each(values: Tensor) -> Tensor:
    """Give a number for each channel the shape with which it goes to every pixel."""
    return values[:, None, None]
