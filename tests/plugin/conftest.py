"""A real viewer with tiny cells, and docks in which they are learned in no time."""

from pathlib import Path

import numpy as np
import pytest
from napari import settings
from napari.utils import progress
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QFileDialog

from napari_biogans.plugin import entries, jobs, session
from napari_biogans.plugin.training_job import State

SIZE = (12, 12)
TINY = {
    "steps": 100_000,
    "width": 2,
    "latent_size": 4,
    "batch_size": 4,
    "critic_steps": 1,
    "learning_rate": 1e-4,
    "log_every": 1,
    "sample_every": 5,
    "checkpoint_every": 100_000,
    "samples": 16,
    "device": "cpu",
    "precision": "float32",
}
WAIT_MS = 20_000


@pytest.fixture(autouse=True)
def fresh_session(monkeypatch):
    """No models of other tests."""
    from napari_biogans.plugin import key_sources, model_box

    fresh = session.Session()
    for module in (session, model_box, key_sources):
        monkeypatch.setattr(module, "SESSION", fresh)
    return fresh


@pytest.fixture(autouse=True)
def fresh_queue(monkeypatch):
    """No jobs of other tests."""
    monkeypatch.setattr(jobs, "QUEUE", jobs.JobQueue())
    return jobs.QUEUE


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    """Preferences, and what was entered in docks, are those of no other test, nor of who runs the tests."""
    monkeypatch.setenv("BIOGANS_CONFIG", str(tmp_path / "settings"))
    monkeypatch.setattr(entries, "ENTRIES", entries.EntriesFile())
    monkeypatch.setattr(settings, "_CFG_PATH", str(tmp_path / "settings" / "settings.yaml"))
    settings._clear_plugin_settings_cache()
    yield
    settings._clear_plugin_settings_cache()


@pytest.fixture
def notes(monkeypatch):
    """Texts of the notifications that came up, with their severity."""
    found = []

    def keep(notification):
        found.append((str(notification.severity), notification.message))

    notification_manager.notification_ready.connect(keep)
    yield found
    notification_manager.notification_ready.disconnect(keep)


@pytest.fixture
def pixels():
    """Tiny two-channel cells (N, 2, H, W)."""
    return np.random.default_rng(0).integers(0, 255, (6, 2, *SIZE), dtype=np.uint8)


@pytest.fixture
def viewer(make_napari_viewer, fresh_session, monkeypatch):
    from napari_biogans.plugin import train_panel

    monkeypatch.setattr(train_panel, "SESSION", fresh_session)
    opened = make_napari_viewer(show=True)
    yield opened
    # The docks stay where they are: where a layer was removed before, Mesa crashes when the canvas changes its size.
    for dock in opened.window.dock_widgets.values():
        dock.close_down()
    QThreadPool.globalInstance().waitForDone(WAIT_MS)


@pytest.fixture
def shown(qtbot):
    """Show a panel without a window around it, which is much faster, and close it down at the end."""
    panels = []

    def show(panel):
        qtbot.addWidget(panel)
        panel.show()
        panels.append(panel)
        return panel

    yield show
    for panel in panels:
        panel.close_down()
    QThreadPool.globalInstance().waitForDone(WAIT_MS)


@pytest.fixture
def cell_layers(viewer, pixels):
    """A red and a green layer of tiny cells, in the viewer."""
    return [
        viewer.add_image(
            pixels[:, place], name=f"Tea1 {colour}", colormap=colour, blending="additive", scale=(1, 0.2, 0.2)
        )
        for place, colour in enumerate(("red", "green"))
    ]


@pytest.fixture
def click(qtbot):
    """Press a button as a mouse does; it has to be enabled."""

    def press(button):
        assert button.isEnabled(), f"{button.text()} is disabled: {button.toolTip()}"
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    return press


@pytest.fixture
def answer_dialog(monkeypatch):
    """Answer dialogs for a folder or a file with this path."""

    def answer(path):
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))
        for name in ("getOpenFileName", "getSaveFileName"):
            monkeypatch.setattr(QFileDialog, name, lambda *_: (str(path), ""))

    return answer


@pytest.fixture
def open_train(viewer, qtbot, tmp_path):
    """Open the dock Train, set to a tiny training."""

    def open_dock(**settings):
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Train")
        qtbot.waitUntil(lambda: dock.panel is not None, timeout=WAIT_MS)
        panel = dock.panel
        panel.settings.set_values({**TINY, **settings})
        panel.output.set_path(tmp_path / "run")
        return panel

    return open_dock


@pytest.fixture
def train(open_train, cell_layers):
    """The dock Train, ready to be started with tiny cells."""
    return open_train()


@pytest.fixture
def wait_for_state(qtbot):
    def wait(panel, state):
        qtbot.waitUntil(lambda: panel.job.state is state, timeout=WAIT_MS)

    return wait


@pytest.fixture
def trained_run(tmp_path, pixels):
    """Make the folder of a run."""
    from napari_biogans import CellSet
    from napari_biogans import train as train_model

    def make(name="trained", **settings) -> Path:
        cells = CellSet([pixels], ["Tea1"], pixel_size=0.2)
        train_model(cells, tmp_path / name, progress=False, **{**TINY, "steps": 2, **settings})
        return tmp_path / name

    return make


@pytest.fixture
def class_run(tmp_path, pixels):
    """Make the folder of a run on several classes."""

    def make(architecture="star-shaped", names=("Alp14", "Arp3", "Tea1")) -> Path:
        from napari_biogans import CellSet
        from napari_biogans import train as train_model

        cells = CellSet([pixels] * len(names), names, pixel_size=0.2)
        settings = {**TINY, "steps": 1, "samples": 8, "red_portion": 0.5, "architecture": architecture}
        train_model(cells, tmp_path / architecture, progress=False, **settings)
        return tmp_path / architecture

    return make


@pytest.fixture
def run_to(train, click, wait_for_state, qtbot):
    """Start the training of the dock, and let it come so far."""

    def run(step=3):
        click(train.controls.start)
        qtbot.waitUntil(lambda: len(train.plot.history) >= step, timeout=WAIT_MS)
        wait_for_state(train, State.RUNNING)

    return run


@pytest.fixture
def fails(train, click, wait_for_state, notes):
    """Start a training that has to fail, and give the error that is shown."""

    def fail():
        click(train.controls.start)
        wait_for_state(train, State.IDLE)
        errors = [message for severity, message in notes if severity == "error"]
        assert len(errors) == 1, notes
        assert train.controls.status.text() == errors[0]
        assert list(progress._all_instances) == [], "napari's activity list shows a training that is over"
        return errors[0]

    return fail


@pytest.fixture
def works_again(train, click, wait_for_state, tmp_path):
    def check():
        train.settings.set_values({"learning_rate": 1e-4, "steps": 2})
        train.output.set_path(tmp_path / "another run")
        click(train.controls.start)
        wait_for_state(train, State.IDLE)
        assert "All 2 steps done" in train.controls.status.text()

    return check
