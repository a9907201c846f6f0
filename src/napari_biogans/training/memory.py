"""Running out of the device's memory, before a training starts or within it, and what would fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_biogans.cells import CellSet
from napari_biogans.training.configuration import TrainingConfig
from napari_biogans.training.device_memory import available_memory, gigabytes
from napari_biogans.training.devices import choose_device
from napari_biogans.training.distributed import ALONE, Workers
from napari_biogans.training.errors import DeviceMemoryError
from napari_biogans.training.memory_estimate import estimate_memory
from napari_biogans.training.state import TrainingState

SMALLEST_BATCH = 2
MARGIN = 1.3
"""By how much an estimate may be too high or too low (benchmarks/memory.md)."""


def check_memory(cells: CellSet, config: TrainingConfig, workers: Workers = ALONE) -> None:
    """Refuse a training for which the device clearly has too little memory, before anything is built.

    Each of several workers holds its part of a batch, and those on the CPU of
    one machine share its memory.

    Raises
    ------
    DeviceMemoryError
        With the batch size that should fit.
    """
    device = choose_device(config.device)
    available = available_memory(device)
    if available is None:
        return
    if device.type == "cpu":
        available //= workers.place.local_count
    estimate = estimate_memory(cells, config, device)
    part = math.ceil(config.batch_size / workers.place.count)
    needed = estimate.of_batch(part)
    if needed <= MARGIN * available:
        return
    count = workers.place.count
    least = max(SMALLEST_BATCH, count)
    smallest = estimate.of_batch(math.ceil(least / count))
    fitting = max(least, estimate.largest_batch(round(available / MARGIN)) * count)
    advice = (
        f"A batch of {fitting} should fit."
        if smallest <= MARGIN * available
        else f"Even a batch of {least} would need {gigabytes(smallest)}: take a smaller width or another "
        "device, or end other programs that use it."
    )
    of_which = "its part of " if workers.several else ""
    raise DeviceMemoryError(
        f"The device {device} has too little memory for {of_which}a batch of {config.batch_size} cells: about "
        f"{gigabytes(needed)} would be needed, and {gigabytes(available)} are free. {advice}"
    )


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell whether torch failed for want of memory, on any kind of device."""
    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in words or "can't allocate memory" in words


@contextmanager
def explained_build() -> Iterator[None]:
    """Turn a want of memory before the first step into a `DeviceMemoryError`."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceMemoryError(
            "The device has too little memory for the networks and the cells. Take a smaller width, fewer cells, "
            "another device, or end other programs that use it."
        ) from error


def advance(state: TrainingState) -> None:
    """Take one step; without the memory for it, find out which batch would fit, unless there are several workers.

    Raises
    ------
    DeviceMemoryError
        With the batch size that was found to fit.
    """
    try:
        state.advance()
        return
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error)
    # Outside the except block, where the traceback no longer holds the tensors of the failed step.
    wanted = state.config.batch_size
    if state.workers.several:
        raise DeviceMemoryError(
            f"The device {state.device} has too little memory for its part of a batch of {wanted} cells. Take a "
            f"smaller batch size, or more workers. ({reason})"
        )
    fitting = _largest_fitting_batch(state)
    advice = (
        f"A batch of {fitting} fits."
        if fitting
        else f"Even a batch of {SMALLEST_BATCH} does not fit: take a smaller width or another device."
    )
    raise DeviceMemoryError(f"The device has too little memory for a batch of {wanted} cells. {advice} ({reason})")


def _largest_fitting_batch(state: TrainingState) -> int | None:
    """Try halved batches on a training that is over anyway, since only trying tells."""
    batch = state.config.batch_size // 2
    while batch >= SMALLEST_BATCH:
        if state.device.type == "cuda":
            torch.cuda.empty_cache()
        state.resize_batch(batch)
        try:
            state.advance()
            return batch
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        batch //= 2
    return None
