"""Docks whose jobs wait for others say so, and lose nothing."""

import pytest
from napari._qt.dialogs.confirm_close_dialog import ConfirmCloseDialog
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QDialog, QLabel

from napari_biogans import Run, load_model
from napari_biogans.plugin import generate, generation, interpolation, jobs
from napari_biogans.plugin.jobs import WITHDRAWN
from napari_biogans.plugin.key_cells import KeyCell
from napari_biogans.plugin.train import TrainDock
from napari_biogans.plugin.training_job import State

from .conftest import TINY, WAIT_MS


@pytest.fixture
def until(qtbot):
    return lambda condition: qtbot.waitUntil(condition, timeout=WAIT_MS)


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    """Docks without a choice of device would take a GPU, where there is one."""
    for module in (generate, jobs):
        monkeypatch.setattr(module, "device_name", lambda wanted="auto": "cpu")


@pytest.fixture
def busy(train, run_to):
    """A dock in which a training goes on, and what others say of it."""
    run_to(1)
    return train


@pytest.fixture
def opened(viewer, until):
    """Open another dock, and wait for its panel."""

    def open_dock(name):
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", name)
        until(lambda: getattr(dock, "panel", dock) is not None)
        return getattr(dock, "panel", dock)

    return open_dock


@pytest.fixture
def another(viewer, until, tmp_path):
    """Open one more dock Train; napari's menu shows the one that is open."""

    def open_dock(name, **settings):
        dock = TrainDock(viewer)
        viewer.window.add_dock_widget(dock, name=name)
        until(lambda: dock.panel is not None)
        dock.panel.settings.set_values({**TINY, "steps": 2, **settings})
        dock.panel.output.set_path(tmp_path / name)
        return dock.panel

    return open_dock


WAITS = "Waits for: training into {folder}/run; {place} in the queue of cpu."


@pytest.fixture
def waits(tmp_path):
    return lambda place="2nd": WAITS.format(folder=tmp_path.name, place=place)


@pytest.fixture
def scored(opened, trained_run):
    panel = opened("Score (C2ST)")
    panel.settings.set_values({"splits": 2, "steps": 2, "width": 2, "batch_size": 2, "device": "cpu"})
    panel.sides.a.from_model.setChecked(True)
    panel.sides.a.model.add(trained_run("to score"))
    panel.sides.b.from_layers.setChecked(True)
    return panel


@pytest.fixture
def interpolating(opened, until, trained_run, fresh_session):
    """The dock Interpolate, with a model and two key cells."""
    run = trained_run("to draw with")
    for place, latent in enumerate(load_model(run).draw_latents(2, seed=1)):
        fresh_session.keep(KeyCell(str(place), latent, run))
    dock = opened("Interpolate")
    dock.model.box.add(run)
    until(lambda: dock.model.facts is not None)
    menu = dock.keys.from_kept.menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == "All 2").trigger()
    dock.form.frames.set(4)
    return dock


def test_a_test_waits_for_a_training_and_then_begins(busy, scored, click, until, waits, qtbot):
    click(scored.start)
    assert scored.status.text() == waits()
    assert not scored.start.isEnabled()
    click(busy.controls.pause)
    until(lambda: scored.status.text() == waits().replace(";", ", which is paused;"))
    click(busy.controls.pause)
    until(lambda: scored.status.text() == waits())
    click(busy.controls.stop)
    until(lambda: scored.status.text() == "All done.")


def test_a_test_that_is_taken_out_of_the_queue_leaves_what_was_found_before(
    opened, scored, cell_layers, click, until, tmp_path
):
    click(scored.start)
    until(lambda: scored.status.text() == "All done.")
    result = scored._result
    panel = opened("Train")
    panel.settings.set_values(TINY)
    panel.output.set_path(tmp_path / "run")
    click(panel.controls.start)
    until(lambda: panel.job.state is State.RUNNING)
    click(scored.start)
    assert scored.status.text().startswith("Waits for: training into")
    click(scored.stop)
    assert scored.status.text() == WITHDRAWN
    assert scored.start.isEnabled()
    assert scored._result is result
    assert scored.results.isVisible()
    assert scored.export.isEnabled()
    assert panel.job.state is State.RUNNING


def test_a_second_training_waits_and_can_leave(busy, another, click, until, waits, tmp_path, notes):
    second = another("second")
    click(second.controls.start)
    assert second.job.state is State.WAITING
    assert second.controls.status.text() == waits()
    assert not second.controls.pause.isEnabled()
    click(second.controls.stop)
    assert second.job.state is State.IDLE
    assert second.controls.status.text() == WITHDRAWN
    assert not (tmp_path / "second").exists()
    click(second.controls.start)
    assert second.job.state is State.WAITING
    click(busy.controls.stop)
    until(lambda: "All 2 steps done" in second.controls.status.text())
    assert [severity for severity, _ in notes if severity == "error"] == []


def test_a_run_that_was_to_be_resumed_is_offered_again(busy, another, click, until, trained_run):
    run = trained_run("earlier")
    second = another("second")
    second.look_at(run)
    until(lambda: second.banner.facts is not None)
    second.settings.set_values({"steps": 4})
    click(second.controls.start)
    assert second.banner.facts is None
    assert second.job.state is State.WAITING
    click(second.controls.stop)
    until(lambda: second.banner.facts is not None)
    assert second.banner.facts.folder == run
    assert second.controls.start.text() == "Resume"


def test_rebuilding_waits(busy, opened, click, until, waits, trained_run):
    panel = opened("Reconstruct")
    panel.form.model.box.add(trained_run("to rebuild with"))
    panel.form.settings.set_values({"steps": 3, "device": "cpu"})
    until(panel.start.isEnabled)
    click(panel.start)
    assert panel.status.text() == waits()
    assert not panel.progress.isVisible()
    click(panel.stop)
    assert panel.status.text() == WITHDRAWN
    click(panel.start)
    click(busy.controls.stop)
    until(lambda: panel.status.text().startswith("Rebuilt"))


def test_many_cells_wait_and_few_do_not(busy, opened, click, until, waits, trained_run, viewer):
    dock = opened("Generate")
    dock.model.add(trained_run("to draw with"))
    until(dock.generate.isEnabled)
    dock.form.number.set(3)
    click(dock.generate)
    until(lambda: dock.status.text().startswith("Drew 3 cells"))
    assert busy.job.state is State.RUNNING
    dock.form.number.set(generate.BESIDE + 1)
    click(dock.generate)
    assert dock.status.text() == waits()
    click(dock.stop)
    assert dock.status.text() == WITHDRAWN
    click(dock.generate)
    click(busy.controls.stop)
    until(lambda: dock.status.text().startswith("Drew 1,001 cells"))


def test_a_film_waits_and_a_preview_does_not(busy, interpolating, click, until, waits, answer_dialog, tmp_path):
    dock = interpolating
    click(dock.preview)
    until(lambda: dock.status.text().startswith("Drew 4 frames"))
    answer_dialog(tmp_path / "film.gif")
    click(dock.export)
    assert dock.status.text() == waits()
    click(dock.stop)
    assert dock.status.text() == WITHDRAWN
    assert not (tmp_path / "film.gif").exists()
    click(dock.export)
    click(busy.controls.stop)
    until(lambda: dock.status.text() == "Wrote film.gif.")


@pytest.mark.parametrize("which", ["the one that runs", "the one that waits"])
def test_closing_a_dock_keeps_nobody_waiting(viewer, busy, another, click, until, waits, which, tmp_path):
    second, third = another("second"), another("third")
    for panel in (second, third):
        click(panel.controls.start)
    assert third.controls.status.text() == waits("3rd")
    closed = busy if which == "the one that runs" else second
    dock = next(d for d in viewer.window._wrapped_dock_widgets.values() if d.isAncestorOf(closed))
    dock.destroyOnClose()
    if closed is second:
        assert third.controls.status.text() == waits("2nd")
        click(busy.controls.stop)
    until(lambda: "All 2 steps done" in third.controls.status.text())
    assert Run(tmp_path / "run").checkpoints(), "the one that ran was saved"


class ByTheUser(QCloseEvent):
    """As when somebody clicks on the cross of the window."""

    def spontaneous(self):
        return True


@pytest.mark.parametrize("goes", [False, True])
def test_napari_asks_before_closing_and_names_what_runs_and_what_waits(
    viewer, busy, another, click, until, monkeypatch, tmp_path, goes
):
    second = another("second")
    click(second.controls.start)
    texts = []

    def answer(dialog):
        texts.append("\n".join(label.text() for label in dialog.findChildren(QLabel)))
        return QDialog.DialogCode.Accepted if goes else QDialog.DialogCode.Rejected

    monkeypatch.setattr(ConfirmCloseDialog, "exec_", answer)
    with monkeypatch.context() as patch:
        patch.setattr(type(viewer.window._qt_window), "_save_current_window_settings", lambda window: None)
        viewer.window._qt_window.closeEvent(ByTheUser())
    named = [line.partition(": ")[2] for line in texts[0].splitlines() if line.startswith("napari-worker")]
    assert f"Executing training into {tmp_path.name}/run" in named
    assert f"training into {tmp_path.name}/second execution pending" in named
    assert len(named) == 2
    if goes:
        until(lambda: bool(Run(tmp_path / "run").checkpoints()))
        until(lambda: not jobs.QUEUE.is_busy)
        assert not (tmp_path / "second").exists()
    else:
        assert (busy.job.state, second.job.state) == (State.RUNNING, State.WAITING)


def test_viewers_share_the_queue_and_closing_one_leaves_the_jobs_of_others(
    make_napari_viewer, viewer, busy, pixels, click, until, waits, tmp_path, monkeypatch
):
    other = make_napari_viewer(show=True)
    for place, colour in enumerate(("red", "green")):
        other.add_image(pixels[:, place], name=f"Tea1 {colour}")
    docks = [TrainDock(other), TrainDock(other)]
    for dock in docks:
        other.window.add_dock_widget(dock)
        until(lambda dock=dock: dock.panel is not None)
        dock.panel.settings.set_values({**TINY, "steps": 2})
        dock.panel.output.set_path(tmp_path / f"other {docks.index(dock)}")
        click(dock.panel.controls.start)
    assert docks[1].panel.controls.status.text() == waits("3rd")
    with monkeypatch.context() as patch:
        patch.setattr(type(viewer.window._qt_window), "_save_current_window_settings", lambda window: None)
        other.window._qt_window.closeEvent(QCloseEvent())
    assert busy.job.state is State.RUNNING
    assert len(jobs.QUEUE) == 1
    for dock in docks:
        dock.close_down()


def failing(*arguments, **keywords):
    raise RuntimeError("CUDA out of memory")


def test_generate_goes_on_after_a_job_that_failed(opened, click, until, trained_run, monkeypatch):
    dock = opened("Generate")
    dock.model.add(trained_run("to draw with"))
    until(dock.generate.isEnabled)
    with monkeypatch.context() as patch:
        patch.setattr(generation, "_latents", failing)
        click(dock.generate)
        until(lambda: dock.status.text() == "CUDA out of memory")
    click(dock.generate)
    until(lambda: dock.status.text().startswith("Drew 64 cells"))


def test_interpolate_goes_on_after_a_job_that_failed(interpolating, click, until, monkeypatch):
    dock = interpolating
    with monkeypatch.context() as patch:
        patch.setattr(interpolation, "_interpolated", failing)
        click(dock.preview)
        until(lambda: dock.status.text() == "CUDA out of memory")
    click(dock.preview)
    until(lambda: dock.status.text().startswith("Drew 4 frames"))
