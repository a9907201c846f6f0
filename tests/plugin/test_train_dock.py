"""The dock Train in a real viewer, by clicks."""

import numpy as np
import pytest

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


def test_start_without_layers_says_what_is_missing(open_train):
    panel = open_train()
    assert not panel.controls.start.isEnabled()
    assert "Choose a red layer" in panel.controls.start.toolTip()
    assert "Choose a red layer" in panel.controls.status.text()


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
    assert [layer.blending for layer in pair] == ["additive"] * 2
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


def test_all_steps_done(train, click, wait_for_state, tmp_path):
    train.settings.set_values({"steps": 3})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    assert "All 3 steps done" in train.controls.status.text()
    assert train.progress.bar.value() == 3
    assert len(train.plot.history) == 3
    assert list(Run(tmp_path / "run").checkpoints()) == [3]


def test_stop_while_paused(train, run_to, click, wait_for_state, tmp_path):
    run_to(1)
    click(train.controls.pause)
    wait_for_state(train, State.PAUSED)
    click(train.controls.stop)
    wait_for_state(train, State.IDLE)
    assert Run(tmp_path / "run").checkpoints()


def test_resuming_a_run(train, run_to, click, wait_for_state, qtbot, tmp_path):
    run_to(3)
    click(train.controls.stop)
    wait_for_state(train, State.IDLE)
    (stopped_at,) = Run(tmp_path / "run").checkpoints()

    train.settings.set_values({"width": 64, "steps": 7})
    train.look_at(tmp_path / "run")
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


def test_a_run_can_be_left_alone_after_all(train, trained_run, click, qtbot):
    train.look_at(trained_run())
    qtbot.waitUntil(train.banner.isVisible, timeout=WAIT_MS)
    click(train.banner.dismiss)
    assert train.banner.isHidden()
    assert train.controls.start.text() == "Start"
    assert train.settings.findChild(type(train.settings.preset), "architecture").isEnabled()


def test_cells_out_of_a_folder(open_train, click, wait_for_state, tmp_path, pixels):
    from napari_biogans import CellSet, write_cells

    write_cells(CellSet([pixels, pixels[:4]], ["Tea1", "Alp14"]), tmp_path / "cells")
    panel = open_train(steps=2)
    click(panel.cells.from_folder)
    assert "Choose the folder" in panel.controls.start.toolTip()
    panel.cells.folder.line.setText(str(tmp_path / "nowhere"))
    assert "There is nothing at" in panel.controls.start.toolTip()
    panel.cells.folder.line.setText(str(tmp_path / "cells"))
    click(panel.controls.start)
    wait_for_state(panel, State.IDLE)
    assert "All 2 steps done" in panel.controls.status.text()
    record = Run(tmp_path / "run").cells_record
    assert record["path"] == str(tmp_path / "cells"), "so that the run can be resumed without choosing cells"


def test_classes_can_be_added_and_taken_away(viewer, train, click, pixels):
    for place, colour in enumerate(("red", "green")):
        viewer.add_image(pixels[:, place], name=f"Alp14 {colour}")
    rows = train.cells.rows
    click(rows.add)
    assert [row.name.text() for row in rows.rows] == ["Tea1", "Alp14"]
    assert [each.name for each in train.cells.choice()] == ["Tea1", "Alp14"]
    click(rows.add)
    assert not train.controls.start.isEnabled()
    assert "Choose a red layer for 'class 3'" in train.controls.start.toolTip()
    click(rows.rows[2].remove)
    click(rows.rows[0].remove)
    assert [each.name for each in train.cells.choice()] == ["Alp14"]
    assert not rows.rows[0].remove.isEnabled(), "the last one stays"


def test_names_of_layers_are_followed(viewer, train):
    (row,) = train.cells.rows.rows
    viewer.layers["Tea1 red"].name = "marker"
    assert row.red.currentText() == "marker"
    assert train.controls.start.isEnabled()
    viewer.layers.remove("marker")
    assert row.red.choice() is None
    assert not train.controls.start.isEnabled()
    assert [row.red.itemText(index) for index in range(row.red.count())] == ["Tea1 green"]


def test_layers_that_do_not_fit_are_refused_before_the_start(viewer, train, pixels):
    viewer.add_image(pixels[:3, 0], name="fewer")
    (row,) = train.cells.rows.rows
    row.green.choose(viewer.layers["fewer"])
    assert not train.controls.start.isEnabled()
    assert "choose layers that show the same cells" in train.controls.status.text()
    row.green.choose(viewer.layers["Tea1 green"])
    assert train.controls.start.isEnabled()


def test_one_layer_with_a_channel_axis(viewer, open_train, click, wait_for_state, pixels):
    viewer.add_image(pixels, name="both")
    panel = open_train(steps=1)
    (row,) = panel.cells.rows.rows
    assert (row.red.currentText(), row.green.currentText()) == ("both", "same layer, channel 1")
    click(panel.controls.start)
    wait_for_state(panel, State.IDLE)
    assert "All 1 steps done" in panel.controls.status.text()


def test_presets_fill_the_settings(train):
    train.settings.preset.set("small")
    assert train.settings.values()["width"] == 16
    assert train.settings.values()["critic_steps"] is None, "not named by the preset: its default"
    assert train.settings.values()["device"] == "cpu", "no preset names it: as it was"
    train.settings.set_values({"width": 17})
    assert train.settings.preset.get() is None
    train.settings.set_values({"width": 16})
    assert train.settings.preset.get() == "small"


def test_settings_that_make_no_sense_are_refused_before_the_start(train):
    train.settings.set_values({"learning_rate": -1.0})
    assert not train.controls.start.isEnabled()
    assert train.controls.status.text().startswith("learning_rate: Input should be greater than 0")


def test_samples_are_left_alone_once_deleted(viewer, train, run_to, qtbot):
    run_to(2)
    qtbot.waitUntil(lambda: len(sample_layers(viewer)) == 2, timeout=WAIT_MS)
    for layer in sample_layers(viewer):
        viewer.layers.remove(layer)
    seen = len(train.plot.history)
    qtbot.waitUntil(lambda: len(train.plot.history) > seen + 20, timeout=WAIT_MS)
    assert sample_layers(viewer) == []


def test_contrast_limits_that_were_set_by_hand_stay(viewer, train, run_to, qtbot):
    run_to(2)
    qtbot.waitUntil(lambda: len(sample_layers(viewer)) == 2, timeout=WAIT_MS)
    red, green = sample_layers(viewer)
    red.contrast_limits = (10, 20)
    before = green.data.copy()
    qtbot.waitUntil(lambda: not np.array_equal(green.data, before), timeout=WAIT_MS)
    assert tuple(red.contrast_limits) == (10, 20)
    assert tuple(green.contrast_limits) == (green.data.min(), green.data.max())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_plot_follows_the_theme(viewer, train, theme):
    from napari.utils.theme import get_theme

    viewer.theme = "dark" if theme == "light" else "light"
    viewer.theme = theme
    assert train.plot.plot.backgroundBrush().color().name() == get_theme(theme).background.as_hex("long")
