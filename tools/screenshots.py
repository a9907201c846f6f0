"""Takes pictures of all docks, from the running program; those that the documentation shows, or all in both themes.

    make screenshots                                  # the pictures of the documentation
    make screenshots ARGS="--all pictures"            # every dock, empty and in use, in both themes
    make screenshots ARGS="--only tutorial"           # those of docs/tutorial.md alone, which take a quarter of an hour
    python tools/screenshots.py --cache models --seconds 75

Opens the sample data, trains the preset `demo` on it for some seconds, tests what comes out, and then draws, explores,
interpolates and rebuilds cells with a model of several classes; everything by the buttons that a user presses. That
model is taken from the folder `sim-star` in the cache, or trained for a minute and kept there. Then it goes the way of
the tutorial (`tools/tutorial.py`) on the real fields, for which 21 MB are downloaded the first time.
Needs Xvfb, which gives it a screen of its own. Look at the pictures before they are committed.

A picture is a function with `@picture(name of the dock)`, called with the dock opened in an empty viewer; what it is
called, its file is called. The test wants one for every dock of the manifest.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npe2 import PluginManifest
from qtpy.QtTest import QTest

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WINDOW = (1366, 768)
THEMES = ("dark", "light")
PATIENCE = 180.0
REDRAW_MS = 1000
CLASSES = ("nucleus", "actin-patches", "medial-nodes", "tips")
STAR = "sim-star"
TUTORIAL = "tutorial"
SCALE, UNITS = (0.2, 0.2), ("micrometer", "micrometer")


@dataclass
class Stage:
    """A viewer, a dock in it, and where pictures go."""

    viewer: Any
    into: Path
    themes: tuple[str, ...]
    folder: Path
    """For what a training writes."""
    seconds: float
    dock: Any = None

    @property
    def panel(self) -> Any:
        return getattr(self.dock, "panel", self.dock)

    def open_dock(self, name: str) -> None:
        """Open a dock in a viewer with nothing else in it."""
        self.viewer.window.remove_dock_widget("all")
        self.viewer.layers.clear()
        _, self.dock = self.viewer.window.add_plugin_dock_widget("napari-biogans", name)
        wait_until(lambda: self.panel is not None)

    def take(self, name: str) -> list[Path]:
        """Take a picture in each theme; in a folder for each if there are several."""
        taken = []
        for theme in self.themes:
            self.viewer.theme = theme
            path = (self.into / theme if len(self.themes) > 1 else self.into) / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            QTest.qWait(REDRAW_MS)
            self.viewer.screenshot(str(path), canvas_only=False, flash=False)
            print(path, flush=True)
            taken.append(path)
        return taken


@dataclass(frozen=True)
class Picture:
    """A picture of a dock in use."""

    dock: str
    prepare: Callable[[Stage], None]


PICTURES: dict[str, Picture] = {}
"""By the names of their files, in the order in which they are taken."""


def picture(dock: str) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Note that a function brings a dock into the state that is pictured."""

    def note(prepare: Callable[[Stage], None]) -> Callable[[Stage], None]:
        PICTURES[prepare.__name__.replace("_", "-")] = Picture(dock, prepare)
        return prepare

    return note


def docks() -> list[str]:
    """Names of all docks of the plugin."""
    widgets = PluginManifest.from_distribution("napari-biogans").contributions.widgets or ()
    return [widget.display_name for widget in widgets]


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        QTest.qWait(20)
        if time.monotonic() > end:
            raise TimeoutError("The plugin does not go on; is there an error in the terminal?")


# A cell set of one class, and what is done with it: before there is a model of several classes


@picture("Train")
def train(stage: Stage) -> None:
    stage.viewer.open_sample("napari-biogans", "simulated_cells")
    panel = stage.panel
    panel.output.set_path(stage.folder / "fission-yeast")
    panel.controls.start.click()
    wait_until(lambda: "samples green" in stage.viewer.layers)
    stage.viewer.layers.selection.active = stage.viewer.layers["samples green"]
    QTest.qWait(int(stage.seconds * 1000))


@picture("Score (C2ST)")
def score(stage: Stage) -> None:
    stage.viewer.open_sample("napari-biogans", "simulated_cells")
    panel = stage.panel
    wait_until(panel.start.isEnabled)
    panel.start.click()
    wait_until(panel.export.isEnabled)
    wait_until(lambda: panel.status.text() == "All done.")
    for layer in stage.viewer.layers:
        layer.visible = False  # so that the cells that tell can be seen
    panel.results.table.cellClicked.emit(0, 0)
    wait_until(lambda: panel.status.text().startswith("Added"))


# A model of several classes


@picture("Generate")
def generate(stage: Stage) -> None:
    dock = stage.dock
    wait_until(dock.generate.isEnabled)
    dock.form.is_new.setChecked(False)
    if dock.form.one_red.isEnabled():
        dock.form.one_red.setChecked(True)
    dock.form.number.set(16)
    dock.form.shape.set(True)
    dock.generate.click()
    wait_until(lambda: dock.status.text().startswith("Drew"))


@picture("Explore")
def explore(stage: Stage) -> None:
    panel = stage.panel
    wait_until(lambda: bool(panel.sliders.names) and not panel.sliders.notice.text())
    panel.start.cell.click()
    wait_until(lambda: len(stage.viewer.layers) > 0)
    for place, value in ((0, 30), (1, -15), (5, 20)):
        panel.sliders.sliders[place].setValue(value)
    panel.kept.keep.click()
    panel.feature.search.click()
    wait_until(panel.feature.search.isEnabled)
    panel.sliders.sliders[-1].setValue(25)


@picture("Interpolate")
def interpolate(stage: Stage) -> None:
    dock = stage.dock
    wait_until(lambda: dock.model.facts is not None)
    for cells in range(1, 5):
        wait_until(dock.keys.at_random.isEnabled)
        dock.keys.at_random.click()
        wait_until(lambda cells=cells: len(dock.keys.cells()) == cells)
    if len(dock.model.facts.class_names) > 1:
        dock.form.classes.choose(dock.model.facts.class_names[:2])  # those are visible
    dock.form.loop.setChecked(True)
    wait_until(dock.preview.isEnabled)
    dock.preview.click()
    wait_until(lambda: dock.status.text().startswith("Drew") and not dock.keys.list.without_picture())
    stage.viewer.dims.set_current_step(0, 8)


def _rebuild(stage: Stage) -> Any:
    from napari_biogans.cells import simulate_cells
    from napari_biogans.plugin.layer_data import cell_layers

    panel = stage.panel
    wait_until(lambda: panel.form.model.facts is not None)
    name = panel.form.model.facts.class_names[0]
    simulated = simulate_cells(200, classes=[name if name in CLASSES else CLASSES[0]], seed=1, all_greens=False)
    for data, keywords, _ in cell_layers(simulated.cells):
        stage.viewer.add_image(data, **keywords)
    stage.viewer.dims.set_point(0, 12)
    wait_until(panel.start.isEnabled)
    panel.start.click()
    wait_until(lambda: not panel.search.is_running)
    return panel


@picture("Reconstruct")
def reconstruct(stage: Stage) -> None:
    panel = _rebuild(stage)
    panel.results.plot.others.click()
    wait_until(lambda: not panel.search.is_running)


@picture("Reconstruct")
def all_classes(stage: Stage) -> None:
    panel = _rebuild(stage)
    wait_until(panel.classes.isEnabled)
    panel.classes.click()
    wait_until(lambda: not panel.search.is_running)


# Fields


def _add_field(stage: Stage) -> Any:
    """Add the layers of a simulated field, and give the field."""
    from napari_biogans import simulate_field

    field = simulate_field(60, shape=(600, 800), seed=3, name="A-02").field
    for plane, colour in ((field.red, "red"), (field.green, "green")):
        keywords = {"name": f"A-02 {colour}", "colormap": colour, "blending": "additive"}
        stage.viewer.add_image(plane, scale=SCALE, units=UNITS, **keywords)
    return field


@picture("Cut cells")
def cut_cells(stage: Stage) -> None:
    _add_field(stage)
    panel = stage.panel
    wait_until(panel.look.isEnabled)
    panel.look.click()
    wait_until(lambda: not panel.is_running)
    stage.viewer.reset_view()


@picture("Put into field")
def put_into_field(stage: Stage) -> None:
    import napari_biogans as biogans
    from napari_biogans.plugin.cell_features import FieldRecord, with_features
    from napari_biogans.plugin.layer_data import cell_layers
    from napari_biogans.plugin.own_layers import add_layers

    field = _add_field(stage)
    for layer in stage.viewer.layers:
        layer.visible = False
    cells = biogans.cut_cells([field], height=48, width=80, progress=False).cells
    names = tuple(layer.name for layer in stage.viewer.layers)
    record = FieldRecord("A-02", field.shape, names, (), SCALE, (0.0, 0.0), UNITS, SCALE[0])
    dock = stage.dock
    dock.show_layers(add_layers(stage.viewer, with_features(cell_layers(cells), cells.features[0], [record])))
    dock.form.into.set("empty")
    wait_until(dock.put.isEnabled)
    dock.put.click()
    wait_until(lambda: dock.status.text().startswith("Put "))
    stage.viewer.reset_view()


# All of them


OF_ONE_CLASS = ("train", "score")
"""Pictures that are taken before the model of several classes is offered."""


def take_all(stage: Stage, star: Callable[[], Path], names: list[str], *, with_empty: bool) -> None:
    """Take pictures by name, and of all docks as they are when they are opened first."""
    from napari_biogans.plugin.session import SESSION

    if with_empty:
        for dock in docks():
            stage.open_dock(dock)
            stage.take(f"{dock.split(' (')[0].lower().replace(' ', '-')}-empty")
    is_offered = False
    for name in names:
        if name not in OF_ONE_CLASS and not is_offered:
            SESSION.add_model(star())
            is_offered = True
        stage.open_dock(PICTURES[name].dock)
        PICTURES[name].prepare(stage)
        stage.take(name)
        if name == "train":
            stage.panel.controls.stop.click()
            wait_until(lambda: stage.panel.job.state.name == "IDLE")


def take_tutorial(stage: Stage, seconds: float, run: Path | None) -> None:
    """Take the pictures of the tutorial, on its way through the real fields, which are downloaded if need be."""
    from tutorial import Tutorial

    from napari_biogans.plugin.session import SESSION

    stage.viewer.window.remove_dock_widget("all")
    stage.viewer.layers.clear()
    stage.into = stage.into.resolve()
    run = None if run is None else run.resolve()
    tutorial = Tutorial(stage.viewer, lambda name: stage.take(f"{TUTORIAL}/{name}"))
    # Pictures show no path of the machine that they were taken on.
    with chdir(stage.folder):
        tutorial.open_fields()
        tutorial.cut_cells(tutorial.find_cells(magnification=1.3), Path("cells"))
        tutorial.train(Path("every-dose"), classes=6, seconds=seconds)
        if run is not None:
            SESSION.add_model(run)
        tutorial.draw()
        tutorial.put_back(tutorial.every_class(_in_the_middle(stage.viewer.layers["dose 00 red"])))


def _in_the_middle(cells: Any) -> int:
    """Find the cell that was nearest to the middle of the first field."""
    from napari_biogans.plugin.cell_features import features_of, fields_of

    features = features_of(cells)
    field = features["field"].iloc[0]
    height, width = fields_of(cells)[field].shape
    distance = (features["y"] - height / 2).abs() + (features["x"] - width / 2).abs()
    return int(distance.where(features["field"] == field).idxmin())


def star_run(cache: Path, minutes: float) -> Path:
    """Give the run of a model of several classes, trained unless it is there."""
    import napari_biogans as biogans
    from napari_biogans.cells import simulate_cells
    from napari_biogans.training.presets import PRESETS

    run = cache / STAR
    if not (run / "model.safetensors").exists():
        cells = simulate_cells(300, classes=CLASSES, seed=0, all_greens=False).cells
        settings = PRESETS["demo"].settings_for("star-shaped")
        biogans.train(cells, run, progress=False, **{**settings, "architecture": "star-shaped", "minutes": minutes})
    return run


@contextmanager
def own_screen() -> Iterator[None]:
    """A screen of the size of a small laptop's, whatever else there is."""
    from pyvirtualdisplay import Display

    with Display(backend="xvfb", size=WINDOW, color_depth=24):
        yield


@contextmanager
def own_cache(folder: Path) -> Iterator[None]:
    """Another cache, since in the user's the answer of a test may be known."""
    before = os.environ.get("BIOGANS_CACHE")
    os.environ["BIOGANS_CACHE"] = str(folder)
    yield
    del os.environ["BIOGANS_CACHE"]
    if before is not None:
        os.environ["BIOGANS_CACHE"] = before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [*PICTURES, TUTORIAL]
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="take all docks in both themes, into this folder")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="take some only")
    parser.add_argument("--into", type=Path, default=IMAGES, help="default: where the documentation has its pictures")
    parser.add_argument("--theme", default="dark", choices=THEMES)
    parser.add_argument("--seconds", type=float, default=45, help="that a training has run when it is pictured")
    parser.add_argument("--cache", type=Path, help="folder that keeps the model of several classes, in sim-star")
    parser.add_argument("--tutorial-seconds", type=float, default=600, help="that the tutorial trains")
    parser.add_argument("--tutorial-run", type=Path, help="a longer training of the same, which it goes on with")
    options = parser.parse_args()
    with own_screen(), tempfile.TemporaryDirectory() as folder:
        # Docks and napari start with their defaults, whatever was entered or set before.
        os.environ["BIOGANS_CONFIG"] = folder
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "napari.yaml")
        import napari

        viewer = napari.Viewer()
        viewer.window.resize(*WINDOW)
        themes = (options.theme,) if options.all is None else THEMES
        stage = Stage(viewer, options.all or options.into, themes, Path(folder), options.seconds)
        cache = options.cache or Path(folder)
        with own_cache(Path(folder) / "cache"):
            chosen = [name for name in options.only if name != TUTORIAL]
            take_all(stage, lambda: star_run(cache, minutes=1), chosen, with_empty=options.all is not None)
        if TUTORIAL in options.only:
            take_tutorial(stage, options.tutorial_seconds, options.tutorial_run)
        viewer.close()


if __name__ == "__main__":
    main()
