"""How long it takes until the package, the command line and the docks are there.

    xvfb-run -a -s "-screen 0 1366x768x24" python -m benchmarks.startup [--repeats 5]

Everything in processes of its own, as at a start: `import napari_biogans`, calls of the
command line that do no work, and each dock in a viewer, from the call that opens it to
its panel, painted; with torch imported before, and without. A timer of the main thread
rings every 10 ms meanwhile; how much later it rings is how long the window was
blocked. Prints Markdown tables of medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from importlib.abc import MetaPathFinder
from itertools import pairwise
from typing import Any

IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
MODULES = ("napari_biogans", "napari_biogans.training", "napari_biogans.cli", "torch")
COMMANDS = (("--help",), ("--version",), ("train", "--help"), ("presets",))
DOCKS = ("Train", "Generate", "Explore", "Interpolate", "Score (C2ST)", "Reconstruct")
TICK_MS = 10
PATIENCE = 300.0
SETTLE_MS = 1500


class TorchWatch(MetaPathFinder):
    """Notes which thread imports torch first."""

    def __init__(self) -> None:
        self.thread = ""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "torch" and not self.thread:
            main = threading.current_thread() is threading.main_thread()
            self.thread = "the main thread" if main else "another thread"


def open_dock(name: str, with_torch: bool) -> dict[str, Any]:
    """Open a dock in a new viewer, and give the times in seconds."""
    if with_torch:
        import torch  # noqa: F401
    import napari
    from qtpy.QtCore import Qt, QTimer
    from qtpy.QtTest import QTest

    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    QTest.qWait(SETTLE_MS)
    watch = TorchWatch()
    sys.meta_path.insert(0, watch)
    rings: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: rings.append(time.perf_counter()))
    timer.start(TICK_MS)
    start = time.perf_counter()
    rings.append(start)
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", name)
    opened = time.perf_counter()
    while hasattr(dock, "panel") and dock.panel is None:
        QTest.qWait(TICK_MS)
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError("The dock does not open; is there an error in the terminal?")
    panel = getattr(dock, "panel", dock)
    while panel.visibleRegion().isEmpty():
        QTest.qWait(TICK_MS)
    panel.repaint()
    shown = time.perf_counter()
    QTest.qWait(SETTLE_MS)
    timer.stop()
    late = max(after - before for before, after in pairwise(rings)) - TICK_MS / 1000
    viewer.close()
    return {"call": opened - start, "shown": shown - start, "blocked": late, "thread": watch.thread}


def output_of(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def seconds_of(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def row(name: str, times: list[float]) -> None:
    print(f"| {name} | {statistics.median(times):.2f} | {max(times):.2f} |", flush=True)


def tell_docks(repeats: int) -> None:
    print("\n| dock | torch | the call | the panel is there | slowest | longest block | torch imported by |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for with_torch in (True, False):
        for name in DOCKS:
            asked = json.dumps([name, with_torch])
            found = [json.loads(output_of("-m", "benchmarks.startup", "--open", asked)) for _ in range(repeats)]
            medians = {what: statistics.median(times[what] for times in found) for what in ("call", "shown", "blocked")}
            columns = [
                name,
                "imported" if with_torch else "not yet",
                f"{medians['call']:.2f}",
                f"{medians['shown']:.2f}",
                f"{max(times['shown'] for times in found):.2f}",
                f"{medians['blocked']:.2f}",
                ", ".join(sorted({times["thread"] for times in found if times["thread"]})) or "–",
            ]
            print(f"| {' | '.join(columns)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--open", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.open:
        print(json.dumps(open_dock(*json.loads(options.open))))
        return
    print("| what | median, s | slowest, s |\n| --- | --- | --- |")
    row("`python -c pass`, the whole process", [seconds_of("-c", "pass") for _ in range(options.repeats)])
    for module in MODULES:
        row(f"`import {module}`", [float(output_of("-c", IMPORT.format(module))) for _ in range(options.repeats)])
    for command in COMMANDS:
        times = [seconds_of("-m", "napari_biogans.cli", *command) for _ in range(options.repeats)]
        row(f"`napari-biogans {' '.join(command)}`, the whole process", times)
    tell_docks(options.repeats)


if __name__ == "__main__":
    main()
