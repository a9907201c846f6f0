"""Computations that are recorded once and replayed, where a GPU would wait for Python otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

ResultT = TypeVar("ResultT", bound=tuple[Tensor, ...])

WARM_UPS = 3
"""Calls before the recording, as in torch's guide: libraries choose their ways of computing in the first ones."""


def replayed(compute: Callable[..., ResultT], device: torch.device) -> Callable[..., ResultT]:
    """Make a computation one that is recorded as a CUDA graph and replayed, or leave it as it is on other devices.

    Parameters
    ----------
    compute : callable
        Of tensors to tensors, always of the same shapes and types. May change
        weights and optimisers, always the same ones. Must draw no random
        numbers, ask for no value, and move nothing between devices.
    device : torch.device

    Returns
    -------
    callable
        Gives what `compute` gives. On a GPU these are the same tensors at each
        call, with other values in them.
    """
    return _Replayed(compute, device) if device.type == "cuda" else compute


class _Replayed(Generic[ResultT]):
    """A CUDA graph of a computation, recorded after some calls of it that are carried out as they come.

    References
    ----------
    torch documentation, "CUDA Graphs", whole-network capture.
    """

    def __init__(self, compute: Callable[..., ResultT], device: torch.device) -> None:
        self._compute = compute
        self._stream = torch.cuda.Stream(device)
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._results: ResultT

    def __call__(self, *inputs: Tensor) -> ResultT:
        self._calls += 1
        if self._calls <= WARM_UPS:
            return self._warm_up(inputs)
        graph = self._graph or self._record(inputs)
        for kept, given in zip(self._inputs, inputs, strict=True):
            kept.copy_(given)
        graph.replay()
        return self._results

    def _warm_up(self, inputs: tuple[Tensor, ...]) -> ResultT:
        """Compute beside what else is under way, as recording will."""
        current = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            results = self._compute(*inputs)
        current.wait_stream(self._stream)
        return results

    def _record(self, inputs: tuple[Tensor, ...]) -> torch.cuda.CUDAGraph:
        self._inputs = tuple(given.clone() for given in inputs)
        graph = torch.cuda.CUDAGraph()
        # Other threads may allocate meanwhile, as when a window draws with the same GPU.
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            self._results = self._compute(*self._inputs)
        self._graph = graph
        return graph
