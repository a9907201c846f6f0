"""How soon does the picture of the dock Explore follow a slider?

    xvfb-run -a -s "-screen 0 1366x768x24" python -m benchmarks.explore [--moves 200]

Opens untrained models of full size in the dock, moves a slider, and measures the
time until all layers have their new pixels: after a pause, and while the slider is
pulled as by a hand. Prints a Markdown table.
Without a graphics card napari draws by the processor, which is the worst case.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QEventLoop
from qtpy.QtTest import QTest

from napari_biogans.models import NetworkShape, untrained_model

SIZE = (48, 80)
MODELS = (("joint-separable", 1, 64), ("star-shaped", 1, 64), ("star-shaped", 6, 64))
PATIENCE = 300.0
HAND_MS = 16
"""Between moves of a hand that pulls a slider."""
LONGEST_PAUSE_MS = 500
WARM_UP = 10
SHARES = (50, 95)


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        QTest.qWait(1)
        if time.monotonic() > end:
            raise TimeoutError("The dock does not go on; is there an error in the terminal?")


class Stopwatch:
    """Takes the time from a slider's move to the pixels of that latent in the layers."""

    def __init__(self, panel: Any) -> None:
        self.panel = panel
        self.begun: dict[bytes, float] = {}
        self.took: list[float] = []
        self.waiting = QEventLoop()
        panel.picture.shown.connect(self.note)

    def note(self, look: Any) -> None:
        begun = self.begun.pop(look.latent.tobytes(), None)
        if begun is not None:
            self.took.append(time.perf_counter() - begun)
            self.waiting.quit()

    def move(self, rng: np.random.Generator) -> None:
        slider = self.panel.sliders.sliders[rng.integers(len(self.panel.sliders.sliders))]
        others = [value for value in range(slider.minimum(), slider.maximum() + 1) if value != slider.value()]
        begun = time.perf_counter()
        slider.setValue(int(rng.choice(others)))
        self.begun[self.panel.latent().tobytes()] = begun

    def after_pauses(self, moves: int, rng: np.random.Generator) -> list[float]:
        self.begun, self.took = {}, []
        for _ in range(moves):
            self.move(rng)
            self.waiting.exec()
            QTest.qWait(int(rng.integers(LONGEST_PAUSE_MS)))
        return self.took

    def pulled(self, moves: int, rng: np.random.Generator) -> tuple[list[float], float]:
        self.begun, self.took = {}, []
        started = time.perf_counter()
        for _ in range(moves):
            self.move(rng)
            QTest.qWait(HAND_MS)
        rate = len(self.took) / (time.perf_counter() - started)
        return self.took, rate


def milliseconds(took: list[float]) -> str:
    return " | ".join(f"{value:.0f}" for value in np.percentile(np.array(took) * 1000, SHARES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--moves", type=int, default=200)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Explore")
    wait_until(lambda: dock.panel is not None)
    watch = Stopwatch(dock.panel)
    print("| architecture | classes | layers | median, ms | 95 %, ms | pulled: median, ms | 95 %, ms | pictures/s |")
    print("|-|-|-|-|-|-|-|-|")
    with tempfile.TemporaryDirectory() as folder:
        for architecture, classes, width in MODELS:
            shape = NetworkShape(image_size=SIZE, width=width, classes=classes)
            path = Path(folder) / f"{architecture}-{classes}.safetensors"
            untrained_model(shape, architecture).save(path)
            viewer.layers.clear()
            dock.panel.model.box.add(path)
            wait_until(lambda: bool(dock.panel.sliders.names) and not dock.panel.sliders.notice.text())
            dock.panel.start.cell.click()
            wait_until(lambda: len(viewer.layers) > 0)
            watch.after_pauses(WARM_UP, rng)
            alone = watch.after_pauses(options.moves, rng)
            pulled, rate = watch.pulled(options.moves, rng)
            columns = [architecture, classes, len(viewer.layers), milliseconds(alone), milliseconds(pulled)]
            print("|", " | ".join(map(str, columns)), f"| {rate:.0f} |", flush=True)
    viewer.close()


if __name__ == "__main__":
    main()
