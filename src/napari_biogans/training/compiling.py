"""Functions that torch compiles for a device, where that is worth its time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

import torch

ResultT = TypeVar("ResultT")

CALLS = 100_000
"""Calls from which on the time that compiling takes comes back, with a gain of some 0.2 ms each."""

log = logging.getLogger(__name__)


def pays_to_compile(device: torch.device, calls: int) -> bool:
    """Whether a function that is called so often on a device should be compiled for it.

    Parameters
    ----------
    device : torch.device
    calls : int

    Returns
    -------
    bool
        False where torch's compiler has no backend: without Triton, which
        comes with torch on Linux.

    Examples
    --------
    >>> pays_to_compile(torch.device("cpu"), 10**6)
    False
    """
    return device.type == "cuda" and calls >= CALLS and find_spec("triton") is not None


def compiled(function: Callable[..., ResultT]) -> Callable[..., ResultT]:
    """Let torch compile a function at its first call, or leave it as it is where that fails, and say so in the log.

    Parameters
    ----------
    function : callable
        Of tensors of the same shapes at every call.
    """
    by_torch: Callable[..., ResultT] | None = torch.compile(function, dynamic=False, fullgraph=True)

    def call(*arguments: Any) -> ResultT:
        nonlocal by_torch
        if by_torch is not None:
            try:
                return by_torch(*arguments)
            # Compilers fail in many ways, as without a C compiler; all of them leave the function itself.
            except Exception as error:
                log.warning("This computer cannot compile %s, so that steps take longer: %s", function.__name__, error)
                by_torch = None
        return function(*arguments)

    return call
