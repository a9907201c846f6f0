"""Takes the pictures of the plugin that the documentation shows, from the running program.

    xvfb-run -a -s "-screen 0 1366x768x24" python tools/screenshots.py
    python tools/screenshots.py --seconds 20 --theme light --into pictures

Opens the sample data, trains the preset `demo` on it for a minute or so,
generates cells with the model, tests them against real ones, and rebuilds one;
everything by the buttons that a user presses.
Look at the pictures before they are committed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
from qtpy.QtTest import QTest

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WINDOW = (1366, 768)
PATIENCE = 300.0
REDRAW_MS = 1000


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        QTest.qWait(20)
        if time.monotonic() > end:
            raise TimeoutError("The plugin does not go on; is there an error in the terminal?")


def take(viewer: napari.Viewer, path: Path) -> None:
    QTest.qWait(REDRAW_MS)
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=75, help="time to train")
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--into", type=Path, default=IMAGES)
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)

    viewer = napari.Viewer()
    viewer.theme = options.theme
    viewer.window.resize(*WINDOW)
    viewer.open_sample("napari-biogans", "simulated_cells")
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Train")
    wait_until(lambda: dock.panel is not None)
    panel = dock.panel
    with tempfile.TemporaryDirectory() as folder:
        panel.output.set_path(Path(folder) / "fission-yeast")
        panel.controls.start.click()
        wait_until(lambda: "samples green" in viewer.layers)
        viewer.layers.selection.active = viewer.layers["samples green"]
        QTest.qWait(int(options.seconds * 1000))
        take(viewer, options.into / "train.png")

        panel.controls.stop.click()
        wait_until(lambda: panel.job.state.name == "IDLE")
        viewer.window.remove_dock_widget("all")
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Generate")
        wait_until(dock.generate.isEnabled)
        dock.form.is_new.setChecked(False)
        dock.form.one_red.setChecked(True)
        dock.form.number.set(16)
        dock.form.shape.set(True)
        viewer.layers.clear()
        dock.generate.click()
        wait_until(lambda: "green" in viewer.layers)
        take(viewer, options.into / "generate.png")

        os.environ["BIOGANS_CACHE"] = str(Path(folder) / "cache")  # else the answer may be known
        viewer.window.remove_dock_widget("all")
        viewer.layers.clear()
        viewer.open_sample("napari-biogans", "simulated_cells")
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Score (C2ST)")
        wait_until(lambda: dock.panel is not None)
        dock.panel.start.click()
        wait_until(dock.panel.export.isEnabled)
        wait_until(lambda: dock.panel.status.text() == "All done.")
        for layer in viewer.layers:
            layer.visible = False  # so that the cells that tell can be seen
        dock.panel.results.table.cellClicked.emit(0, 0)
        wait_until(lambda: dock.panel.status.text().startswith("Added"))
        take(viewer, options.into / "score.png")

        viewer.window.remove_dock_widget("all")
        viewer.layers.clear()
        viewer.open_sample("napari-biogans", "simulated_cells")
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Reconstruct")
        wait_until(lambda: dock.panel is not None)
        panel = dock.panel
        viewer.dims.set_point(0, 12)
        wait_until(panel.start.isEnabled)
        for button in (panel.start, panel.results.plot.others):
            button.click()
            wait_until(lambda: not panel.search.is_running)
        take(viewer, options.into / "reconstruct.png")
        viewer.close()


if __name__ == "__main__":
    main()
