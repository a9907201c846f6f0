"""The dock Generate in a real viewer, by clicks."""

import numpy as np
import pytest

from napari_biogans import load_model
from napari_biogans.plugin.training_job import State

from .conftest import WAIT_MS


@pytest.fixture
def open_generate(viewer, qtbot):
    def open_dock(model=None):
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Generate")
        if model is not None:
            dock.model.add(model)
            qtbot.waitUntil(dock.generate.isEnabled, timeout=WAIT_MS)
        return dock

    return open_dock


@pytest.fixture
def generate(click, qtbot):
    """Press Generate and wait for the layers."""

    def press(dock):
        dock.status.say("")
        click(dock.generate)
        qtbot.waitUntil(lambda: dock.status.text().startswith("Drew"), timeout=WAIT_MS)

    return press


def test_without_a_model_it_says_so(open_generate):
    dock = open_generate()
    assert not dock.generate.isEnabled()
    assert dock.generate.toolTip() == dock.summary.text() == "Train a model, or open one."


def test_red_and_green_layers(viewer, open_generate, generate, trained_run):
    run = trained_run()
    dock = open_generate(run)
    assert dock.summary.text() == "joint-separable, 12×12, 2 steps; draws Tea1"
    dock.form.number.set(5)
    dock.form.is_new.setChecked(False)
    dock.form.seed.set(7)
    generate(dock)
    assert [layer.name for layer in viewer.layers] == ["red", "green"]
    expected = load_model(run).generate(5, seed=7)[0]
    for place, layer in enumerate(viewer.layers):
        np.testing.assert_array_equal(layer.data, expected[:, place])
        assert layer.colormap.name == layer.name
        assert layer.blending == "additive"
        assert tuple(layer.contrast_limits) == (layer.data.min(), layer.data.max())
        np.testing.assert_allclose(layer.scale, (1, 0.2, 0.2))
        assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"]
        known = layer.metadata["biogans"]
        assert (known["seed"], known["truncation"], known["step"], known["weights"]) == (7, None, 2, "averaged")
        assert known["model"] == str(run)
        np.testing.assert_array_equal(load_model(run).generate(latents=known["latents"])[0, :, place], layer.data)


def test_one_red_many_greens_as_a_contact_sheet_of_the_last_weights(viewer, open_generate, generate, trained_run):
    dock = open_generate(trained_run())
    dock.form.number.set(6)
    dock.form.one_red.setChecked(True)
    generate(dock)
    red, green = (layer.data for layer in viewer.layers)
    assert (red == red[0]).all()
    assert not (green == green[0]).all()

    dock.form.shape.set(True)
    dock.form.weights.set("last")
    dock.form.is_truncated.setChecked(True)
    dock.form.truncation.setValue(0.5)
    generate(dock)
    sheet = viewer.layers[-1]
    assert sheet.name == "green [1]"
    assert sheet.data.shape == (2 * 13 + 1, 3 * 13 + 1)
    known = sheet.metadata["biogans"]
    assert (known["weights"], known["truncation"]) == ("last", 0.5)
    assert np.abs(known["latents"]).max() <= 0.5
    assert sheet.extent.world[0, 1] > viewer.layers["red"].extent.world[1, -1], "they cover what was there"
    assert viewer.layers["red"].metadata["biogans"]["seed"] != known["seed"], "new each time"
    assert dock.form.seed.get() == known["seed"], "the seed is shown"


def test_a_model_that_is_not_separable_says_so(open_generate, trained_run, qtbot):
    dock = open_generate(trained_run(architecture="joint", averaging=False))
    qtbot.waitUntil(lambda: "joint," in dock.summary.text(), timeout=WAIT_MS)
    assert not dock.form.one_red.isEnabled()
    assert "train a separable one" in dock.form.one_red.toolTip()
    assert dock.form.weights.isHidden()


def test_models_are_opened_by_dialogs(open_generate, answer_dialog, trained_run, qtbot):
    run = trained_run()
    dock = open_generate()
    file_action, run_action = dock.model.open.menu().actions()
    answer_dialog(run / "model.safetensors")
    file_action.trigger()
    assert dock.model.path() == run / "model.safetensors"
    assert dock.model.list.currentText() == "trained/model.safetensors"
    qtbot.waitUntil(dock.generate.isEnabled, timeout=WAIT_MS)
    answer_dialog(run)
    run_action.trigger()
    assert dock.model.path() == run
    answer_dialog("")  # cancelled
    file_action.trigger()
    run_action.trigger()
    assert dock.model.path() == run


def test_a_file_that_is_no_model(open_generate, notes, qtbot, tmp_path):
    (tmp_path / "some.safetensors").write_bytes(b"nothing")
    dock = open_generate()
    dock.model.add(tmp_path / "some.safetensors")
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    assert "not a whole safetensors file" in notes[0][1]
    assert not dock.generate.isEnabled()
    assert "not a whole safetensors file" in dock.summary.text()


def test_a_model_that_is_gone_when_it_is_used(open_generate, click, notes, qtbot, trained_run):
    run = trained_run()
    dock = open_generate(run)
    (run / "model.safetensors").unlink()
    click(dock.generate)
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    assert "there is no such file" in notes[0][1]
    qtbot.waitUntil(dock.generate.isEnabled, timeout=WAIT_MS)


def test_the_model_that_was_just_trained_is_chosen(
    viewer, train, open_generate, generate, click, wait_for_state, qtbot, tmp_path
):
    dock = open_generate()
    train.settings.set_values({"steps": 2})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    qtbot.waitUntil(dock.generate.isEnabled, timeout=WAIT_MS)
    assert dock.model.path() == tmp_path / "run"
    dock.form.number.set(3)
    generate(dock)
    assert viewer.layers["red"].data.shape == viewer.layers["green"].data.shape == (3, 12, 12)
    # The cells have a scale but no unit, as usual; napari warns where units are mixed.
    np.testing.assert_allclose(viewer.layers["red"].scale, (1, 0.2, 0.2))
    assert {str(unit) for layer in viewer.layers for unit in layer.units} == {"pixel"}
    # Generated cells are not offered as cells to learn.
    (row,) = train.cells.rows.rows
    assert row.red.currentText() == "Tea1 red"
