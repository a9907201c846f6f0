"""How long napari's window is blocked while a model is trained in it, and what that costs the training.

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/responsiveness.py
    python benchmarks/responsiveness.py --seconds 60 --preset medium

Opens a viewer with simulated cells, presses Start, and lets a timer of the main
thread ring every 10 ms: how much later than that it rings is how long the window
was blocked. The same training without a window follows. Prints a Markdown table.
Without a graphics card napari draws by the processor, which is the worst case.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

TICK_MS = 10
WARM_UP = 5.0
"""Seconds after the first step that are not counted: the first samples, memory."""


class Clock:
    """Notes when a timer of the main thread rings."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.times: list[float] = []
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.ring)
        self.timer.start(TICK_MS)

    def ring(self) -> None:
        self.times.append(time.perf_counter())

    def gaps(self) -> np.ndarray:
        """Milliseconds from one ring to the next."""
        return np.diff(self.times) * 1000


def in_a_viewer(seconds: float, preset: str, folder: Path) -> tuple[np.ndarray, float]:
    import napari
    from qtpy.QtCore import QTimer

    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    viewer.open_sample("napari-biogans", "simulated_cells")
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Train")
    steps: list[tuple[float, int]] = []
    clocks: list[Clock] = []

    def start() -> None:
        if dock.panel is None:
            QTimer.singleShot(100, start)
            return
        dock.panel.settings.preset.set(preset)
        dock.panel.output.set_path(folder)
        dock.panel.job.reported.connect(note)
        dock.panel.controls.start.click()

    def note(report: object) -> None:
        steps.append((time.perf_counter(), report.step))
        if report.step and not clocks:
            clocks.append(None)  # asked for
            QTimer.singleShot(int(WARM_UP * 1000), begin)

    def begin() -> None:
        clocks[0] = Clock()
        QTimer.singleShot(int(seconds * 1000), end)

    def end() -> None:
        clocks[0].timer.stop()
        viewer.close()

    QTimer.singleShot(500, start)
    napari.run()
    counted = [(when, step) for when, step in steps if clocks[0].times[0] <= when <= clocks[0].times[-1]]
    (first, first_step), (last, last_step) = counted[0], counted[-1]
    return clocks[0].gaps(), (last_step - first_step) / (last - first)


def without_a_viewer(seconds: float, preset: str, folder: Path) -> float:
    from napari_biogans import iterate_training, simulate_cells
    from napari_biogans.training import StepDone, TrainingConfig
    from napari_biogans.training.presets import PRESETS

    cells = simulate_cells(1000, classes=["cytoplasm"], all_greens=False).cells
    begun = time.perf_counter()
    counted: list[tuple[float, int]] = []
    training = iterate_training(cells, folder, TrainingConfig(**PRESETS[preset].settings))
    for event in training:
        now = time.perf_counter()
        if isinstance(event, StepDone):
            begun = begun if event.step > 1 else now
            if now - begun > WARM_UP:
                counted.append((now, event.step))
            if now - begun > WARM_UP + seconds:
                break
    training.close()
    (first, first_step), (last, last_step) = counted[0], counted[-1]
    return (last_step - first_step) / (last - first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--preset", default="small")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
        gaps, rate = in_a_viewer(options.seconds, options.preset, Path(folder) / "viewer")
        alone = without_a_viewer(options.seconds, options.preset, Path(folder) / "alone")
    late = (gaps > 100).sum()
    print(f"Preset {options.preset}, {options.seconds:g} s, {os.cpu_count()} processors, load {load:.1f} before.\n")
    print("| gap between rings (ms): median | 99 % | greatest | over 100 ms | steps/s in the viewer | without |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| {np.median(gaps):.1f} | {np.percentile(gaps, 99):.1f} | {gaps.max():.1f} | {late} of {len(gaps)} "
        f"| {rate:.2f} | {alone:.2f} |"
    )


if __name__ == "__main__":
    main()
