"""Computations that are recorded once and replayed, where a GPU would wait for Python otherwise."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Generic, TypeVar

import torch
from torch import Tensor

log = logging.getLogger(__name__)

PreparedT = TypeVar("PreparedT")
ResultT = TypeVar("ResultT", bound=tuple[Tensor, ...])

AHEAD = 5
"""Things that are prepared before they are needed, at most; all of them stay in memory."""
RECORDING = Lock()
"""A process can record one graph at a time."""
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
        self._failed = False
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._results: ResultT

    def __call__(self, *inputs: Tensor) -> ResultT:
        self._calls += 1
        if self._calls > WARM_UPS and self._graph is None and not self._failed:
            self._record(inputs)
        if self._graph is None:
            return self._carry_out(inputs)
        for kept, given in zip(self._inputs, inputs, strict=True):
            kept.copy_(given)
        self._graph.replay()
        return self._results

    def _carry_out(self, inputs: tuple[Tensor, ...]) -> ResultT:
        """Compute beside what else is under way, as recording will."""
        current = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            results = self._compute(*inputs)
        current.wait_stream(self._stream)
        return results

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        current = torch.cuda.current_stream(self._stream.device)
        kept, graph = tuple(given.clone() for given in inputs), torch.cuda.CUDAGraph()
        try:
            # Other threads may allocate meanwhile, as when a window draws with the same GPU.
            with RECORDING, torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                self._results = self._compute(*kept)
        except RuntimeError as error:
            # Nothing has been computed yet, so that all goes on as before. torch leaves its stream the current one.
            torch.cuda.set_stream(current)
            log.warning("The steps could not be recorded, so that they take longer: %s", error)
            self._failed = True
        else:
            self._inputs, self._graph = kept, graph


class Ahead:
    """Prepares things that are needed one after another, on a GPU beside what is done with those before.

    Parameters
    ----------
    device : torch.device

    Examples
    --------
    >>> list(Ahead(torch.device("cpu"))(lambda k: 10 * k, 3))
    [0, 10, 20]
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self, prepare: Callable[[int], PreparedT], count: int) -> Iterator[PreparedT]:
        """Give `prepare(0)` to `prepare(count - 1)`, which must not need what is done with them meanwhile."""
        if self._stream is None:
            yield from map(prepare, range(count))
            return
        current = torch.cuda.current_stream(self._stream.device)
        prepared: deque[tuple[PreparedT, torch.cuda.Event]] = deque()
        for k in range(count + AHEAD):
            if k >= AHEAD:
                result, is_done = prepared.popleft()
                current.wait_event(is_done)
                yield result
            if k < count:
                # Its memory may be that of an earlier one, which has to be done with.
                self._stream.wait_stream(current)
                with torch.cuda.stream(self._stream):
                    prepared.append((prepare(k), self._stream.record_event()))
        current.wait_stream(self._stream)
