"""The dock Train in a real viewer, by clicks."""

import numpy as np

from napari_biogans import Run
from napari_biogans.plugin.training_job import State

from .conftest import WAIT_MS


def sample_layers(viewer):
    return [layer for layer in viewer.layers if layer.name.startswith("samples")]


def test_start_is_ready_at_once_with_two_layers(train):
    assert train.controls.start.isEnabled()
    assert train.controls.status.text() == "Ready."
    (row,) = train.cells.rows.rows
    assert (row.name.text(), row.red.currentText(), row.green.currentText()) == ("Tea1", "Tea1 red", "Tea1 green")


def test_a_training_from_start_to_stop(viewer, train, run_to, click, wait_for_state, qtbot, tmp_path):
    buttons = train.controls
    run_to(3)
    assert (buttons.start.isEnabled(), buttons.pause.isEnabled(), buttons.stop.isEnabled()) == (False, True, True)
    assert not buttons.resume_run.isEnabled()
    steps, losses = train.plot.curves[0].getData()
    assert len(steps) >= 3
    assert np.isfinite(losses).all()
    assert "steps/s" in train.progress.text.text()
    assert "left" in train.progress.text.text()

    # One pair of layers, changed in place.
    qtbot.waitUntil(lambda: len(sample_layers(viewer)) == 2, timeout=WAIT_MS)
    pair = sample_layers(viewer)
    first = [layer.data.copy() for layer in pair]
    qtbot.waitUntil(lambda: not np.array_equal(pair[1].data, first[1]), timeout=WAIT_MS)
    assert sample_layers(viewer) == pair
    assert [layer.colormap.name for layer in pair] == ["red", "green"]
    assert [layer.blending for layer in pair] == ["opaque", "additive"]
    np.testing.assert_allclose(pair[0].scale, (0.2, 0.2))
    assert [str(unit) for unit in pair[0].units] == ["pixel"] * 2, "as those of the cells"
    assert pair[0].extent.world[0, 1] > viewer.layers["Tea1 red"].extent.world[1, -1], "they cover the cells"

    click(buttons.pause)
    wait_for_state(train, State.PAUSED)
    paused_at = len(train.plot.history)
    qtbot.wait(300)
    assert len(train.plot.history) == paused_at
    assert buttons.pause.text() == "Continue"
    click(buttons.pause)
    qtbot.waitUntil(lambda: len(train.plot.history) > paused_at, timeout=WAIT_MS)

    click(buttons.stop)
    wait_for_state(train, State.IDLE)
    run = Run(tmp_path / "run")
    (step,) = run.checkpoints()
    assert run.model_path.exists()
    assert f"Stopped at step {step:,} of 100,000" in buttons.status.text()
    assert not buttons.pause.isEnabled()
    assert sample_layers(viewer) == pair


def test_resuming_a_run(train, run_to, click, answer_dialog, wait_for_state, qtbot, tmp_path):
    run_to(3)
    click(train.controls.stop)
    wait_for_state(train, State.IDLE)
    (stopped_at,) = Run(tmp_path / "run").checkpoints()

    train.settings.set_values({"width": 64, "steps": 7})
    answer_dialog(tmp_path / "run")
    click(train.controls.resume_run)
    qtbot.waitUntil(train.banner.isVisible, timeout=WAIT_MS)
    assert train.settings.values()["width"] == 2, "the settings are those of the run"
    assert train.controls.start.text() == "Resume"
    train.settings.set_values({"steps": stopped_at})
    assert "give more steps" in train.controls.start.toolTip()
    train.settings.set_values({"steps": stopped_at + 4})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    run = Run(tmp_path / "run")
    assert max(run.checkpoints()) == stopped_at + 4
    assert run.metrics()["step"].tolist() == list(range(1, stopped_at + 5))
    assert train.controls.start.text() == "Start"
