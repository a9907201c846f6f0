"""On what and in which precision to compute."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

import torch
from torch import nn

from napari_biogans.training.distributed import Place
from napari_biogans.training.errors import TrainingError

Precision = Literal["auto", "float32", "bfloat16"]
_before: list[int] = []
"""Threads before any were chosen, once for each choice that is in force."""
NetworkT = TypeVar("NetworkT", bound=nn.Module)


def choose_device(name: str = "auto") -> torch.device:
    """Find the device to compute on.

    Parameters
    ----------
    name : str
        `"auto"` for the best there is (CUDA, then Apple's MPS, then the CPU),
        or a name that torch knows: `"cpu"`, `"cuda"`, `"cuda:1"`, `"mps"`.
        Of several processes that `torchrun` started, each gets a GPU of its
        own for `"cuda"`.

    Returns
    -------
    torch.device

    Raises
    ------
    TrainingError
        If the device is not there.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    place = Place.from_environment()
    if name == "cuda" and place.count > 1:
        name = f"cuda:{place.local_rank}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise TrainingError(f"There is no device {name!r}; take auto, cpu, cuda, cuda:0 or mps.") from None
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device.type, False):
        advice = "take auto or cpu"
        if place.count > 1 and device.type == "cuda":
            advice = f"start as many processes on it as it has GPUs ({torch.cuda.device_count()}), or take cpu"
        raise TrainingError(f"The device {name!r} is not available on this machine; {advice}.")
    return device


def choose_precision(name: Precision, device: torch.device) -> torch.dtype:
    """Find the type that convolutions compute in.

    Parameters
    ----------
    name : {"auto", "float32", "bfloat16"}
        `"auto"` takes bfloat16 where the processor multiplies matrices of it
        in hardware, else float32. Weights, losses, penalties and optimisers
        are float32 always.
    device : torch.device

    Returns
    -------
    torch.dtype

    Examples
    --------
    >>> choose_precision("float32", torch.device("cpu"))
    torch.float32
    """
    if name == "auto":
        return torch.bfloat16 if _multiplies_bfloat16(device) else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        # The questions are private to torch. AMX multiplies matrices; AVX512-BF16 pairs, which is twice float32's pace.
        questions = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
        return any(ask() for name in questions if (ask := getattr(torch.cpu, name, None)))
    return False


def channels_last(network: NetworkT) -> NetworkT:
    """Lay a network's weights out as convolutions read them fastest; in place."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def choose_threads() -> int:
    """Find how many threads to compute with on the CPU.

    Threads that share a computation wait for each other at the end of each
    part of it; one whose processor is busy with something else, as with
    napari's window, holds up all others, and everything becomes several times
    slower instead of a little. So what is computed beside the main thread
    leaves a processor to it; the main thread itself takes all, or its share
    where several processes on the machine train together.

    Returns
    -------
    int
        At least 1; what the environment variable `OMP_NUM_THREADS` says, where
        it is set.
    """
    default = _unchosen_threads()
    if "OMP_NUM_THREADS" in os.environ:
        return default
    # Not every system tells which processors a process may use.
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    beside_main = threading.current_thread() is not threading.main_thread()
    return max(1, min(default, there // Place.from_environment().local_count - beside_main))


@contextmanager
def chosen_threads(threads: int | None = None) -> Iterator[None]:
    """Compute with so many threads for a while; default `choose_threads`.

    Threads that begin meanwhile compute with as many. So that a test with one
    thread does not slow down a training that begins beside it, nor all that
    comes later, `choose_threads` goes by what was before, and the last of
    several choices brings that back.
    """
    before, own = _unchosen_threads(), torch.get_num_threads()
    torch.set_num_threads(threads or choose_threads())
    _before.append(before)
    try:
        yield
    finally:
        _before.pop()
        torch.set_num_threads(own if _before else before)


def _unchosen_threads() -> int:
    return _before[0] if _before else torch.get_num_threads()
