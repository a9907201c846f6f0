"""How benchmarks measure: forms of the same work interleaved in one process, and what the machine could do at best."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from napari_biogans.training.device_memory import forget_peak, peak_memory

RESULTS = Path(__file__).parent / "results"
REFERENCE = "reference"


@dataclass(frozen=True)
class Timing:
    """Seconds of a form of some work, as often as it was done."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        return f"{plain(self.median)} ({plain(min(self.seconds))} to {plain(max(self.seconds))})"


def plain(value: float) -> str:
    """Write a number with three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def interleaved(
    forms: Mapping[str, Callable[[], object]], *, repeats: int, warm_ups: int, device: torch.device
) -> dict[str, Timing]:
    """Do each form in turn, again and again, so that what else the machine does meets them alike."""
    times: dict[str, list[float]] = {name: [] for name in forms}
    for repeat in range(warm_ups + repeats):
        for name, work in forms.items():
            took = seconds_of(work, device)
            if repeat >= warm_ups:
                times[name].append(took)
    return {name: Timing(of_form) for name, of_form in times.items()}


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    wait_for(device)
    started = time.perf_counter()
    work()
    wait_for(device)
    return time.perf_counter() - started


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def warm_ups_on(device: torch.device) -> int:
    """Rounds before any is measured: on a GPU, until steps are recorded."""
    return 5 if device.type == "cuda" else 1


def flops_of(work: Callable[[], object]) -> int:
    """Count the floating-point operations of matrix products and convolutions."""
    with _OperationCounter() as counter:
        work()
    return counter.total


class _OperationCounter(TorchDispatchMode):
    """Counts by torch's own formulas. Its FlopCounterMode cannot follow gradients of gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        count = flop_registry.get(function._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=result)
        return result


def matrix_rate(dtype: torch.dtype, device: torch.device, repeats: int = 7) -> float:
    """Measure how many operations a second large matrix products take: the best that the machine can do."""
    size = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    (left @ right).sum().item()
    best = min(seconds_of(lambda: left @ right, device) for _ in range(repeats))
    return 2 * size**3 / best


def peak_of_process(module: str, *arguments: str) -> int:
    """Run a module in a process of its own, which says by how many bytes its memory grew to its peak."""
    run = subprocess.run(
        [sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.PIPE, text=True, timeout=1800
    )
    return int(run.stdout.splitlines()[-1])


def growth(work: Callable[[], object], device: torch.device) -> int:
    """Do some work, and give the bytes by which the process grew to its peak, or on a GPU took there."""
    forget_peak(device)
    before = torch.cuda.memory_allocated(device) if device.type == "cuda" else peak_memory(device) or 0
    work()
    return (peak_memory(device) or 0) - before


def machine(device: torch.device) -> str:
    """Say what is measured on."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"{_processor()}, {torch.get_num_threads()} threads"
    return f"{name}; torch {torch.__version__}, Python {platform.python_version()}, {date.today().isoformat()}"


def _processor() -> str:
    named = Path("/proc/cpuinfo")
    text = named.read_text() if named.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    extras = [kind for kind in ("amx_bf16", "avx512_bf16") if kind in text]
    return ", ".join([names[0] if names else platform.processor(), *extras])


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows of the same columns as a table."""
    columns = list(rows[0])
    lines = [columns, ["-"] * len(columns), *([str(row[name]) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Report:
    """What a benchmark found, as Markdown on the screen and as Markdown and JSON in `results/`."""

    def __init__(self, name: str, device: torch.device) -> None:
        self._path = RESULTS / f"{name}-{device.type}"
        self._machine = machine(device)
        self._tables: list[tuple[str, list[dict[str, Any]]]] = []
        print(f"{self._machine}\n", flush=True)

    def add(self, title: str, rows: list[dict[str, Any]]) -> None:
        """Add a table, and write all so far, so that a benchmark that is stopped leaves what it has."""
        self._tables.append((title, rows))
        print(f"{title}\n\n{markdown(rows)}\n", flush=True)
        self._path.parent.mkdir(exist_ok=True)
        parts = [self._machine, *(f"## {title}\n\n{markdown(rows)}" for title, rows in self._tables)]
        self._path.with_suffix(".md").write_text("\n\n".join([f"# {self._path.name}", *parts]) + "\n", encoding="utf-8")
        record = {"machine": self._machine, "tables": [{"title": title, "rows": rows} for title, rows in self._tables]}
        self._path.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
