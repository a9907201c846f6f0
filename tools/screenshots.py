"""Takes the pictures of the plugin that the documentation shows, from the running program.

    xvfb-run -a -s "-screen 0 1366x768x24" python tools/screenshots.py
    python tools/screenshots.py --seconds 20 --theme light --into pictures
    python tools/screenshots.py --run runs/star --into pictures

Opens the sample data, trains the preset `demo` on it for a minute or so,
generates cells with the model, explores it, draws the way between some cells, tests two sides, and rebuilds a
cell; everything by the buttons that a user presses.
Look at the pictures before they are committed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from qtpy.QtTest import QTest

from napari_biogans.cells import simulate_cells
from napari_biogans.plugin.layer_data import cell_layers
from napari_biogans.plugin.session import SESSION

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


def open_dock(viewer: napari.Viewer, name: str) -> Any:
    viewer.window.remove_dock_widget("all")
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", name)
    return dock


def take_train(viewer: napari.Viewer, options: argparse.Namespace, run: Path) -> None:
    viewer.open_sample("napari-biogans", "simulated_cells")
    dock = open_dock(viewer, "Train")
    wait_until(lambda: dock.panel is not None)
    panel = dock.panel
    panel.output.set_path(run)
    panel.controls.start.click()
    wait_until(lambda: "samples green" in viewer.layers)
    viewer.layers.selection.active = viewer.layers["samples green"]
    QTest.qWait(int(options.seconds * 1000))
    take(viewer, options.into / "train.png")
    panel.controls.stop.click()
    wait_until(lambda: panel.job.state.name == "IDLE")


def take_generate(viewer: napari.Viewer, options: argparse.Namespace) -> None:
    dock = open_dock(viewer, "Generate")
    wait_until(dock.generate.isEnabled)
    dock.form.is_new.setChecked(False)
    dock.form.one_red.setChecked(True)
    dock.form.number.set(16)
    dock.form.shape.set(True)
    viewer.layers.clear()
    dock.generate.click()
    wait_until(lambda: dock.status.text().startswith("Drew"))
    take(viewer, options.into / "generate.png")


def take_explore(viewer: napari.Viewer, options: argparse.Namespace) -> None:
    viewer.layers.clear()
    dock = open_dock(viewer, "Explore")
    wait_until(lambda: dock.panel is not None)
    panel = dock.panel
    wait_until(lambda: panel.sliders.names and not panel.sliders.notice.text())
    panel.start.cell.click()
    wait_until(lambda: len(viewer.layers) > 0)
    for place, value in ((0, 30), (1, -15), (5, 20)):
        panel.sliders.sliders[place].setValue(value)
    panel.kept.keep.click()
    panel.feature.search.click()
    wait_until(lambda: "length" in panel.sliders.names)
    panel.sliders.sliders[-1].setValue(25)
    take(viewer, options.into / "explore.png")


def take_interpolate(viewer: napari.Viewer, options: argparse.Namespace) -> None:
    viewer.layers.clear()
    dock = open_dock(viewer, "Interpolate")
    wait_until(lambda: dock.model.facts is not None)
    for cells in range(1, 5):
        wait_until(dock.keys.at_random.isEnabled)
        dock.keys.at_random.click()
        wait_until(lambda cells=cells: len(dock.keys.cells()) == cells)
    dock.form.classes.choose(dock.model.facts.class_names[:2])  # those are visible
    dock.form.loop.setChecked(True)
    wait_until(dock.preview.isEnabled)
    dock.preview.click()
    wait_until(lambda: dock.status.text().startswith("Drew") and not dock.keys.list.without_picture())
    viewer.dims.set_current_step(0, 8)
    take(viewer, options.into / "interpolate.png")


def take_score(viewer: napari.Viewer, options: argparse.Namespace) -> None:
    viewer.layers.clear()
    viewer.open_sample("napari-biogans", "simulated_cells")
    dock = open_dock(viewer, "Score (C2ST)")
    wait_until(lambda: dock.panel is not None)
    dock.panel.start.click()
    wait_until(dock.panel.export.isEnabled)
    wait_until(lambda: dock.panel.status.text() == "All done.")
    for layer in viewer.layers:
        layer.visible = False  # so that the cells that tell can be seen
    dock.panel.results.table.cellClicked.emit(0, 0)
    wait_until(lambda: dock.panel.status.text().startswith("Added"))
    take(viewer, options.into / "score.png")


def take_reconstruct(viewer: napari.Viewer, options: argparse.Namespace) -> None:
    viewer.layers.clear()
    dock = open_dock(viewer, "Reconstruct")
    wait_until(lambda: dock.panel is not None)
    panel = dock.panel
    wait_until(lambda: panel.form.model.facts is not None)
    name, *others = panel.form.model.facts.class_names
    for data, keywords, _ in cell_layers(simulate_cells(200, classes=[name], seed=1, all_greens=False).cells):
        viewer.add_image(data, **keywords)
    viewer.dims.set_point(0, 12)
    wait_until(panel.start.isEnabled)
    for button in (panel.start, panel.results.plot.others):
        button.click()
        wait_until(lambda: not panel.search.is_running)
    take(viewer, options.into / "reconstruct.png")
    if others:
        panel.classes.click()
        wait_until(lambda: not panel.search.is_running)
        take(viewer, options.into / "all-classes.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=75, help="time to train")
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--into", type=Path, default=IMAGES)
    parser.add_argument("--run", type=Path, help="a run to draw with; then no training and no test is shown")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)

    viewer = napari.Viewer()
    viewer.theme = options.theme
    viewer.window.resize(*WINDOW)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BIOGANS_CACHE"] = str(Path(folder) / "cache")  # else the answer of the test may be known
        if options.run is None:
            take_train(viewer, options, Path(folder) / "fission-yeast")
        else:
            SESSION.add_model(options.run)
        take_generate(viewer, options)
        take_explore(viewer, options)
        take_interpolate(viewer, options)
        if options.run is None:
            take_score(viewer, options)
        take_reconstruct(viewer, options)
        viewer.close()


if __name__ == "__main__":
    main()
