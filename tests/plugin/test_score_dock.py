"""The dock Score (C2ST), by clicks: its panel without a window, and in a real viewer."""

import time

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils import progress
from qtpy.QtCore import QThreadPool

from napari_biogans import CellSet, write_cells
from napari_biogans.cells import simulate_cells
from napari_biogans.plugin import time_line
from napari_biogans.plugin.score_panel import ScorePanel

from .conftest import WAIT_MS

SIZE = (24, 40)

SETTINGS = {"splits": 2, "steps": 2, "width": 2, "batch_size": 4, "permutations": 99, "device": "cpu"}
ENDLESS = {**SETTINGS, "steps": 100_000}
CLASSES = ("nucleus", "tips")


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """Nothing is known from other tests."""
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def cells():
    return simulate_cells(8, classes=CLASSES, size=SIZE, all_greens=False, seed=0).cells


@pytest.fixture
def folder(tmp_path):
    more = simulate_cells(10, classes=CLASSES, size=SIZE, all_greens=False, seed=1).cells
    write_cells(more, tmp_path / "real cells")
    return tmp_path / "real cells"


def add_layers(viewer, cells, prefix=""):
    for images, name in zip(cells.images, cells.class_names, strict=True):
        for place, colour in enumerate(("red", "green")):
            viewer.add_image(images[:, place], name=f"{prefix}{name} {colour}", colormap=colour)


@pytest.fixture
def in_model(shown):
    """Open panels with a viewer that has no window."""
    viewer = ViewerModel()

    def open_panel(**settings):
        panel = ScorePanel(viewer)
        panel.settings.set_values({**SETTINGS, **settings})
        return shown(panel)

    open_panel.viewer = viewer
    return open_panel


@pytest.fixture
def to_end(click, qtbot):
    """Press Start, and wait for the verdicts."""

    def press(panel):
        click(panel.start)
        assert panel.start.toolTip() == "A test is running already."
        qtbot.waitUntil(lambda: not panel.test.is_running, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: panel.status.text().startswith(("All done", "Stopped")), timeout=WAIT_MS)

    return press


def texts(table):
    return [[table.item(i, j).text() for j in range(table.columnCount())] for i in range(table.rowCount())]


def headers(table):
    return (
        [table.verticalHeaderItem(i).text() for i in range(table.rowCount())],
        [table.horizontalHeaderItem(j).text() for j in range(table.columnCount())],
    )


def test_two_sides_from_layers(in_model, cells, to_end, notes):
    add_layers(in_model.viewer, cells)
    panel = in_model()
    assert panel.status.text() == "Ready."
    # Layers that are chosen on one side are not on the other; what was there first is the reference.
    assert [side.rows.rows[0].name.text() for side in (panel.sides.a, panel.sides.b)] == ["tips", "nucleus"]
    to_end(panel)
    assert panel.status.text() == "All done."
    table = panel.results.table
    assert headers(table) == (["tips | nucleus"], ["8 cells", "real against real"])
    (shown,) = texts(table)
    assert all(" ± " in text for text in shown)
    assert [table.item(0, j).font().italic() for j in (0, 1)] == [False, True]
    tip = table.item(0, 0).toolTip()
    assert "accuracy" in tip
    assert "p = " in tip or "too few" in tip
    assert panel.results.verdicts.text().startswith("tips | nucleus: ")
    assert not notes
    assert list(progress._all_instances) == []


def test_a_model_against_a_folder(in_model, trained_run, folder, pixels, to_end, tmp_path):
    run = trained_run()
    write_cells(CellSet([pixels], ["Tea1"]), tmp_path / "Tea1")
    panel = in_model()
    panel.sides.a.from_model.setChecked(True)
    assert panel.start.toolTip() == panel.status.text() == "a: Train a model, or open one."
    panel.sides.a.model.add(run)
    panel.sides.b.from_folder.setChecked(True)
    assert panel.status.text() == "b: Choose the folder that holds the cells."
    assert not panel.start.isEnabled()
    panel.sides.b.folder.set_path(tmp_path / "Tea1")
    to_end(panel)
    assert headers(panel.results.table)[0] == ["Tea1"]
    panel.results.table.cellClicked.emit(0, 0)
    # The model draws the cells that it was told by.


def test_all_classes_of_one_set(in_model, cells, to_end):
    add_layers(in_model.viewer, cells)
    panel = in_model()
    panel.sides.question.set("matrix")
    assert panel.sides.a.isHidden() or not panel.sides.a.isVisible()
    assert panel.sides.b.from_model.isHidden()
    panel.sides.b.rows.add.click()
    to_end(panel)
    table = panel.results.table
    assert headers(table) == (["nucleus", "tips"], ["nucleus", "tips"])
    shown = texts(table)
    assert shown[0][1] == shown[1][0]
    assert [[table.item(i, j).font().italic() for j in (0, 1)] for i in (0, 1)] == [[True, False], [False, True]]


def test_a_run_over_its_checkpoints(in_model, trained_run, pixels, to_end, tmp_path):
    run = trained_run(steps=4, checkpoint_every=2, keep_checkpoints=5)
    write_cells(CellSet([pixels], ["Tea1"]), tmp_path / "Tea1")
    panel = in_model()
    panel.sides.question.set("run")
    assert panel.status.text() == "Train a model, or open the folder of a run."
    panel.sides.run.add(run)
    panel.sides.b.from_folder.setChecked(True)
    panel.sides.b.folder.set_path(tmp_path / "Tea1")
    to_end(panel)
    assert headers(panel.results.table) == (["2", "4", "real against real"], ["Tea1"])


def test_stop_keeps_what_is_done_and_start_goes_on(in_model, cells, click, to_end, qtbot, monkeypatch):
    from napari_biogans.evaluation import work

    train_critic, held = work.train_critic, []

    def some(comparison, config, split, *, should_stop, **keywords):
        # The first split of the first comparison is let through, the others wait until they are stopped.
        if (split, comparison.halves) == (1, False) or not held:
            return train_critic(comparison, config, split, should_stop=should_stop, **keywords)
        while not should_stop():
            time.sleep(0.01)
        return None

    held.append(True)
    monkeypatch.setattr(work, "train_critic", some)
    add_layers(in_model.viewer, cells)
    panel = in_model()
    click(panel.start)
    qtbot.waitUntil(lambda: panel.results.isVisible() and bool(texts(panel.results.table)[0][0]), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "1 of 4 critics" in panel.progress.text.text(), timeout=WAIT_MS)
    click(panel.stop)
    qtbot.waitUntil(lambda: panel.status.text().startswith("Stopped."), timeout=WAIT_MS)
    first, second = texts(panel.results.table)[0]
    assert first
    assert not second
    held.clear()
    to_end(panel)
    assert all(texts(panel.results.table)[0])


def test_stop_before_the_first_critic(in_model, cells, click, qtbot, notes):
    add_layers(in_model.viewer, cells)
    panel = in_model(**ENDLESS)
    click(panel.start)
    qtbot.waitUntil(lambda: "critics" in panel.progress.text.text(), timeout=WAIT_MS)
    click(panel.stop)
    assert panel.status.text() == "Stopping …"
    qtbot.waitUntil(panel.start.isEnabled, timeout=WAIT_MS)
    assert "nothing to tell yet" in panel.status.text()
    assert not panel.export.isEnabled()
    assert not notes, "it was asked for"


def test_sides_that_do_not_fit_are_told_by_the_message(in_model, cells, folder, click, qtbot, notes, monkeypatch):
    monkeypatch.setattr(time_line, "WAIT_MS", 0)
    small = CellSet([images[:, :, :12, :12] for images in cells.images], cells.class_names)
    add_layers(in_model.viewer, small)
    panel = in_model()
    panel.sides.b.from_folder.setChecked(True)
    panel.sides.b.folder.set_path(folder)
    # It is said before anything is started, and again by a notification when it is.
    qtbot.waitUntil(lambda: "differ in pixels" in panel.status.text(), timeout=WAIT_MS)
    assert not notes
    click(panel.start)
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    assert "The sides differ in pixels high and wide: (12, 12) and (24, 40)" in notes[0][1]
    qtbot.waitUntil(panel.start.isEnabled, timeout=WAIT_MS)
    assert panel.status.text() == notes[0][1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"steps": "many"}, "Steps:"), ({"learning_rate": -1}, "Learning rate:"), ({"width": 0}, "Width:")],
)
def test_bad_settings_keep_it_from_starting(in_model, cells, settings, message):
    add_layers(in_model.viewer, cells)
    panel = in_model()
    for name, value in settings.items():
        panel.settings.findChild(object, name).setText(str(value))
    assert not panel.start.isEnabled()
    assert message in panel.status.text()
    assert panel.start.toolTip() == panel.status.text()
    assert panel.time.text() == time_line.UNKNOWN


def test_the_same_cells_on_both_sides_are_refused(in_model, cells):
    add_layers(in_model.viewer, cells.subset(["tips"]))
    panel = in_model()
    assert "a: Choose a red layer" in panel.status.text()
    panel.sides.a.rows.rows[0].red.choose(in_model.viewer.layers["tips red"])
    panel.sides.a.rows.rows[0].green.choose(in_model.viewer.layers["tips green"])
    assert "a and b are the same cells" in panel.status.text()
    assert not panel.start.isEnabled()


def test_the_time_is_told_and_measured_anew_when_it_changes(in_model, cells, qtbot, to_end, monkeypatch):
    add_layers(in_model.viewer, cells)
    panel = in_model()
    qtbot.waitUntil(lambda: panel.time.text().startswith("about"), timeout=WAIT_MS)
    assert "4 critics" in panel.time.text()
    panel.settings.set_values({"splits": 3})
    assert panel.time.text() == time_line.MEASURING
    qtbot.waitUntil(lambda: "6 critics" in panel.time.text(), timeout=WAIT_MS)
    told = panel.time.text()
    in_model.viewer.add_image(np.zeros(SIZE), name="nothing to do with it")
    assert panel.time.text() == told
    to_end(panel)
    qtbot.waitUntil(lambda: panel.time.text().startswith("at once"), timeout=WAIT_MS)


def test_presets_fill_the_settings(in_model):
    panel = in_model()
    panel.settings.preset.set("paper")
    assert (panel.settings.values()["protocol"], panel.settings.values()["splits"]) == ("paper", 10)
    panel.settings.preset.set("quick")
    assert (panel.settings.values()["protocol"], panel.settings.values()["splits"]) == ("default", 3)
    panel.settings.set_values({"splits": 4})
    assert panel.settings.preset.currentText() == "own settings"


def test_export_writes_and_says_where(in_model, cells, click, to_end, answer_dialog, qtbot, tmp_path):
    add_layers(in_model.viewer, cells)
    panel = in_model()
    assert panel.export.toolTip() == "There is no result yet."
    to_end(panel)
    answer_dialog("")  # cancelled
    click(panel.export)
    answer_dialog(tmp_path / "exported")
    click(panel.export)
    qtbot.waitUntil(lambda: "report.md" in panel.status.text(), timeout=WAIT_MS)
    assert {"report.md", "table.csv", "result.json"} <= {path.name for path in (tmp_path / "exported").iterdir()}
    assert panel.status.toolTip() == str(tmp_path / "exported")


def test_a_folder_that_cannot_be_written_to(in_model, cells, click, to_end, answer_dialog, qtbot, notes, tmp_path):
    add_layers(in_model.viewer, cells)
    panel = in_model()
    to_end(panel)
    (tmp_path / "file").write_text("in the way")
    answer_dialog(tmp_path / "file")
    click(panel.export)
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    assert panel.export.isEnabled()
    assert panel.status.text() == notes[0][1]


def test_a_click_on_a_test_adds_the_cells_that_tell(in_model, cells, folder, to_end, qtbot):
    viewer = in_model.viewer
    add_layers(viewer, cells)
    panel = in_model()
    panel.sides.b.from_folder.setChecked(True)
    panel.sides.b.folder.set_path(folder)
    panel.sides.a.rows.add.click()
    to_end(panel)
    table = panel.results.table
    assert headers(table)[0] == ["nucleus", "tips", "all classes"]
    before = len(viewer.layers)
    table.cellClicked.emit(1, 0)
    qtbot.waitUntil(lambda: panel.status.text().startswith("Added"), timeout=WAIT_MS)
    added = list(viewer.layers)[before:]
    a_column = headers(table)[1][0]
    assert [layer.name for layer in added] == [
        f"tips, {a_column}: telling {side} {colour}" for side in "ab" for colour in ("red", "green")
    ]
    for a, b in (added[::2], added[1::2]):
        assert tuple(a.contrast_limits) == tuple(b.contrast_limits)
    assert added[2].extent.world[0, -1] > added[0].extent.world[1, -1], "b covers a"
    known = added[0].metadata["biogans"]
    assert (known["row"], known["column"]) == ("tips", a_column)
    assert list(known["scores"]) == sorted(known["scores"], reverse=True)


# -- in a real viewer


@pytest.fixture
def score(viewer, cells, qtbot):
    add_layers(viewer, cells)
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Score (C2ST)")
    qtbot.waitUntil(lambda: dock.panel is not None, timeout=WAIT_MS)
    dock.panel.settings.set_values(SETTINGS)
    return dock.panel


def test_it_fits_beside_the_viewer(viewer, score, cells, to_end):
    assert score.minimumSizeHint().width() <= 330
    score.sides.b.rows.rows[0].name.setText("a class with a very long name indeed " * 3)
    to_end(score)
    assert score.minimumSizeHint().width() <= 330


def test_closing_the_dock_stops_the_test(viewer, score, click, qtbot):
    score.settings.set_values(ENDLESS)
    click(score.start)
    qtbot.waitUntil(lambda: "critics" in score.progress.text.text(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: bool(list(progress._all_instances)), timeout=WAIT_MS)
    (dock,) = (dock for name, dock in viewer.window._wrapped_dock_widgets.items() if name.startswith("Score"))
    dock.destroyOnClose()
    assert list(progress._all_instances) == []
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    viewer.add_image(np.zeros(SIZE), name="what changes now is nothing to it")
    _, again = viewer.window.add_plugin_dock_widget("napari-biogans", "Score (C2ST)")
    qtbot.waitUntil(lambda: again.panel is not None, timeout=WAIT_MS)
    assert again.panel.start.isEnabled()
