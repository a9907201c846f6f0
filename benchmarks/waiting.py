"""What torch's way of waiting costs when something else wants a core.

    python -m benchmarks.waiting [--repeats 3]

Times training steps of a small network in processes of their own, with torch's
threads waiting actively (spinning, the default of its OpenMP runtime) or
passively, alone and beside a program that keeps one core busy. Conditions are
interleaved. Prints a Markdown table of the median time of a step.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

STEPS = 12
CHILD = """
import statistics, sys, time
import torch
from napari_biogans.cells import simulate_cells
from napari_biogans.training import make_config
from napari_biogans.training.state import TrainingState

torch.set_num_threads(int(sys.argv[1]))
cells = simulate_cells(200, classes=["cytoplasm"], all_greens=False).cells
state = TrainingState(cells, make_config(width=16, batch_size=32, critic_steps=2, precision="float32"))
times = []
for _ in range(int(sys.argv[2]) + 2):
    start = time.perf_counter()
    state.advance()
    times.append(1000 * (time.perf_counter() - start))
print(statistics.median(times[2:]))
"""


def step_time(policy: str, threads: int, *, busy: bool) -> float:
    """Milliseconds."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
    try:
        result = subprocess.run(
            [sys.executable, "-c", CHILD, str(threads), str(STEPS)],
            env={**os.environ, "OMP_WAIT_POLICY": policy},
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        if other is not None:
            other.kill()
            other.wait()
    return float(result.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    cores = os.cpu_count() or 1
    conditions = [
        (busy, policy, threads)
        for busy in (False, True)
        for threads in sorted({cores, max(1, cores - 1)}, reverse=True)
        for policy in ("active", "passive")
    ]
    times: dict[tuple[bool, str, int], list[float]] = {condition: [] for condition in conditions}
    for _ in range(repeats):
        for busy, policy, threads in conditions:
            times[busy, policy, threads].append(step_time(policy, threads, busy=busy))
    print(f"{cores} cores, median of {STEPS} steps in ms: middle of {repeats} runs (all runs)\n")
    print("| beside it | threads | active | passive |")
    print("| --- | --- | --- | --- |")
    for busy, policy, threads in conditions:
        if policy == "active":
            both = [times[busy, each, threads] for each in ("active", "passive")]
            columns = [f"{statistics.median(t):.0f} ({', '.join(f'{x:.0f}' for x in sorted(t))})" for t in both]
            print(f"| {'a busy program' if busy else 'nothing'} | {threads} | {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
