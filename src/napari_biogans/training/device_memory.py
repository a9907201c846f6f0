"""How much memory a device still has, and how much a run took at its peak."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

import torch

UNLIMITED = 2**60
"""Limits of this size are how the first version of control groups writes that there is none."""


def available_memory(device: torch.device) -> int | None:
    """Find how many bytes a training may still take on a device.

    On the CPU of Linux: what is free or can be freed, not more than the limit
    of a container leaves, and free swap. Windows and macOS make room by
    compressing and by growing their swap, so all memory counts there.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    int or None
        None where it cannot be known: on Apple's GPUs, and on the CPU where
        psutil is not installed.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch holds for later, as after an earlier training.
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return _of_the_machine() if device.type == "cpu" else None


def peak_memory(device: torch.device) -> int | None:
    """Find how many bytes were taken at the most: on a GPU since `forget_peak`, on the CPU by the process in its life.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    int or None
        None where it cannot be known: on Apple's GPUs, and on the CPU of
        Windows.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type != "cpu" or sys.platform == "win32":
        return None
    # What getrusage says begins, on Linux, with the memory of the process that started this one.
    with suppress(OSError):
        if found := re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text()):
            return int(found[1]) * 1024
    import resource

    in_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * in_bytes


def forget_peak(device: torch.device) -> None:
    """Let the peak of a GPU be that of what comes now; a process keeps its own."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_words(peak: int | None, device: str) -> str:
    """Say what a peak is, and whose.

    Examples
    --------
    >>> peak_words(1_234_567_890, "cuda:0"), peak_words(1_234_567_890, "cpu"), peak_words(None, "mps")
    ('peak memory on cuda:0: 1.2 GB', 'peak memory of the whole process: 1.2 GB', 'peak memory: not known')
    """
    if peak is None:
        return "peak memory: not known"
    return f"peak memory {'of the whole process' if device == 'cpu' else f'on {device}'}: {gigabytes(peak)}"


def gigabytes(amount: int) -> str:
    """Write a number of bytes the way people read it.

    Examples
    --------
    >>> gigabytes(1_234_567_890), gigabytes(23_400_000_000)
    ('1.2 GB', '23 GB')
    """
    return f"{amount / 1e9:.1f} GB" if amount < 10e9 else f"{amount / 1e9:,.0f} GB"


def _of_the_machine() -> int | None:
    try:
        import psutil
    except ImportError:
        return None
    memory = psutil.virtual_memory()
    if sys.platform != "linux":
        return int(memory.total)
    left = [int(memory.available)]
    # Systems without control groups have no such file.
    with suppress(OSError):
        left += left_in_control_groups(Path("/proc/self/cgroup").read_text(), Path("/sys/fs/cgroup"))
    return min(left) + int(psutil.swap_memory().free)


def left_in_control_groups(groups: str, root: Path) -> list[int]:
    """Find what limits of the process, such as those of a container, leave.

    Parameters
    ----------
    groups : str
        Content of `/proc/self/cgroup`.
    root : pathlib.Path
        Where control groups are mounted.

    Returns
    -------
    list of int
        Bytes; what is kept of files counts as free. Empty without a limit.
    """
    left = []
    for line in groups.splitlines():
        _, kinds, path = line.split(":", 2)
        if not kinds:
            start, limit, used, files = root, "memory.max", "memory.current", ("inactive_file", "active_file")
        elif "memory" in kinds.split(","):
            start, limit, used = root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            files = ("total_inactive_file", "total_active_file")
        else:
            continue
        own = start / path.strip("/")
        # Within a container, the path may be that outside of it, where it leads nowhere.
        for group in {start, *(folder for folder in (own, *own.parents) if folder.is_relative_to(start))}:
            try:
                most = (group / limit).read_text().strip()
                if most == "max" or int(most) >= UNLIMITED:
                    continue
                kept = dict(entry.split() for entry in (group / "memory.stat").read_text().splitlines())
                left.append(int(most) - int((group / used).read_text()) + sum(int(kept.get(name, 0)) for name in files))
            except (OSError, ValueError):
                continue
    return left
