"""The dock Generate in a real viewer, by clicks."""

import numpy as np
import pytest

from napari_biogans import load_model
from napari_biogans.plugin.draw_form import KEPT, OF_LAYER
from napari_biogans.plugin.key_cells import KeyCell, key_cells_of
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


def test_new_layers_are_looked_at_also_beside_a_whole_field(viewer, open_generate, generate, trained_run):
    viewer.add_image(np.zeros((2000, 2000)))
    dock = open_generate(trained_run())
    generate(dock)
    (_, top, left), (_, bottom, right) = viewer.layers["red"].extent.world
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], ((top + bottom) / 2, (left + right) / 2), atol=0.2)
    assert viewer.scene.camera.zoom * (right - left) > 100, "in pixels of the screen"


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
    dock.form.truncation.is_on.setChecked(True)
    dock.form.truncation.sigmas.setValue(0.5)
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
    qtbot.waitUntil(lambda: "not a whole safetensors file" in dock.summary.text(), timeout=WAIT_MS)
    assert not dock.generate.isEnabled()


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


# -- several classes


def names_of(viewer):
    return [layer.name for layer in viewer.layers]


@pytest.mark.parametrize("architecture", ["star-shaped", "multi-channel"])
def test_one_red_layer_and_a_green_one_per_class(viewer, open_generate, generate, class_run, architecture):
    run = class_run(architecture)
    dock = open_generate(run)
    assert dock.form.classes.chosen() == ("Alp14", "Arp3", "Tea1")
    dock.form.number.set(4)
    generate(dock)
    assert names_of(viewer) == ["red", "Alp14 green", "Arp3 green", "Tea1 green"]
    known = viewer.layers["Tea1 green"].metadata["biogans"]
    expected = load_model(run).generate(latents=known["latents"])
    assert np.array_equal(viewer.layers["red"].data, expected[0, :, 0])
    for k, name in enumerate(("Alp14", "Arp3", "Tea1")):
        assert np.array_equal(viewer.layers[f"{name} green"].data, expected[k, :, 1])
    brightest = {tuple(layer.colormap.colors[-1][:3]) for layer in viewer.layers}
    assert len(brightest) == 4, "a colour for each"
    assert all(tuple(layer.colormap.colors[0][:3]) == (0, 0, 0) for layer in viewer.layers)
    assert [layer.visible for layer in viewer.layers] == [True, True, False, False]


def test_chosen_classes_keep_their_colours(viewer, open_generate, generate, class_run):
    dock = open_generate(class_run())
    generate(dock)
    colour = viewer.layers["Tea1 green"].colormap.colors[-1]
    dock.form.classes.choose(["Tea1"])
    viewer.layers.clear()
    generate(dock)
    assert names_of(viewer) == ["red", "Tea1 green"]
    assert np.array_equal(viewer.layers["Tea1 green"].colormap.colors[-1], colour)


def test_without_a_class_it_says_so(open_generate, class_run):
    dock = open_generate(class_run())
    dock.form.classes.all.click()
    assert dock.form.classes.chosen() == ()
    assert not dock.generate.isEnabled()
    assert dock.generate.toolTip() == dock.status.text() == "Choose a class."
    dock.form.classes.all.click()
    assert dock.form.classes.chosen() == ("Alp14", "Arp3", "Tea1")
    assert dock.generate.isEnabled()


def test_independent_classes_have_reds_of_their_own(viewer, open_generate, generate, class_run):
    dock = open_generate(class_run("independent", ["Alp14", "Tea1"]))
    assert not dock.form.own_greens.isEnabled()
    assert "star-shaped" in dock.form.own_greens.toolTip()
    generate(dock)
    assert names_of(viewer) == ["Alp14 red", "Alp14 green", "Tea1 red", "Tea1 green"]


def test_a_green_latent_for_each_class(viewer, open_generate, generate, class_run):
    dock = open_generate(class_run())
    dock.form.own_greens.setChecked(True)
    dock.form.one_red.setChecked(True)
    dock.form.number.set(5)
    dock.form.classes.choose(["Arp3", "Tea1"])
    generate(dock)
    known = viewer.layers["red"].metadata["biogans"]
    assert known["latents"].shape == (3, 5, 4)
    assert known["own_greens"]
    assert (viewer.layers["red"].data == viewer.layers["red"].data[0]).all()


def test_two_greens_are_both_visible(viewer, open_generate, generate, class_run):
    dock = open_generate(class_run())
    dock.form.classes.choose(["Alp14", "Tea1"])
    generate(dock)
    assert all(layer.visible for layer in viewer.layers)
    assert "hidden" not in dock.status.text()


def test_of_many_classes_the_first_is_visible_and_it_is_said(viewer, open_generate, generate, class_run):
    names = [f"protein {k}" for k in range(9)]
    dock = open_generate(class_run("star-shaped", names))
    assert dock.summary.text().endswith("draws 9 classes (protein 0, protein 1, protein 2, protein 3, …)")
    assert "protein 8" in dock.summary.toolTip()
    dock.form.number.set(2)
    generate(dock)
    assert [layer.name for layer in viewer.layers if layer.visible] == ["red", "protein 0 green"]
    assert viewer.layers.selection.active is viewer.layers["protein 0 green"], "its contrast can be set at once"
    assert "8 layers are hidden" in dock.status.text()
    assert dock.form.classes.list.height() < 200


def test_models_of_one_class_are_not_asked_for_classes(open_generate, trained_run):
    dock = open_generate(trained_run())
    assert dock.form.classes.isHidden()
    assert dock.form.own_greens.isHidden()


# -- cells that are known


@pytest.fixture
def kept(fresh_session):
    """Keep cells of a model."""

    def keep(run, n, seed=5):
        latents = load_model(run).draw_latents(n, seed=seed)
        for place, latent in enumerate(latents):
            fresh_session.keep(KeyCell(f"kept {place}", latent, run))
        return latents

    return keep


def test_kept_cells_are_drawn_again(viewer, open_generate, generate, class_run, kept):
    run = class_run()
    dock = open_generate(run / "model.safetensors")
    assert not dock.form.number.isHidden()
    dock.form.latents.set(KEPT)
    assert dock.generate.toolTip() == dock.status.text()
    assert dock.status.text().startswith("No cells are kept")
    assert not dock.generate.isEnabled()
    latents = kept(run, 3)
    assert dock.form.number.isHidden(), "as many as are kept"
    assert dock.status.text() == ""
    generate(dock)
    assert dock.status.text().startswith("Drew 3 cells. ")
    expected = load_model(run).generate(latents=latents)
    for place, name in enumerate(("Alp14", "Arp3", "Tea1")):
        assert np.array_equal(viewer.layers[f"{name} green"].data, expected[place, :, 1])
    known = viewer.layers["red"].metadata["biogans"]
    assert known["cells"] == ("kept 0", "kept 1", "kept 2")
    assert (known["seed"], known["truncation"]) == (None, None)
    assert np.array_equal(known["latents"], latents)


def test_many_greens_for_each_kept_red(viewer, open_generate, generate, class_run, kept):
    run = class_run()
    latents = kept(run, 2)
    dock = open_generate(run)
    dock.form.latents.set(KEPT)
    dock.form.one_red.setChecked(True)
    assert not dock.form.number.isHidden()
    dock.form.number.set(100_000)
    assert not dock.generate.isEnabled()
    assert "100,000 cells can be drawn at once" in dock.generate.toolTip()
    dock.form.number.set(3)
    dock.form.own_greens.setChecked(True)
    generate(dock)
    red = viewer.layers["red"].data
    assert len(red) == 6
    model = load_model(run)
    assert np.array_equal(red, model.generate(latents=np.repeat(latents, 3, axis=0))[0, :, 0])
    known = viewer.layers["red"].metadata["biogans"]
    assert known["latents"].shape == (3, 6, 4)
    again = model.draw_latents(
        3, seed=known["seed"], red_latents=latents[:, : model.red_latent_size], green_latents="per-class"
    )
    assert np.array_equal(known["latents"], again)


def test_cells_of_the_selected_layer(viewer, open_generate, generate, class_run):
    run = class_run()
    dock = open_generate(run)
    dock.form.number.set(4)
    generate(dock)
    viewer.layers.selection.active = source = viewer.layers["Tea1 green"]
    dock.form.latents.set(OF_LAYER)
    dock.form.one_red.setChecked(True)
    dock.form.number.set(2)
    generate(dock)
    assert len(viewer.layers["red [1]"].data) == 8
    assert viewer.layers.selection.active is source, "or the next press would draw sixteen"
    dock.form.one_red.setChecked(False)
    dock.form.classes.choose(["Tea1"])
    generate(dock)
    assert np.array_equal(viewer.layers["Tea1 green [2]"].data, source.data)


def test_cells_of_other_models_are_left_out_or_refused(
    viewer, open_generate, generate, class_run, trained_run, kept, fresh_session, qtbot
):
    star, other = class_run(), trained_run()
    kept(star, 2)
    kept(other, 1)
    dock = open_generate(star)
    dock.form.latents.set(KEPT)
    generate(dock)
    assert len(viewer.layers["red"].data) == 2
    assert dock.status.text().endswith("'kept 0' is of another model; choose 'trained' to go on from there.")
    fresh_session.forget(*fresh_session.kept_cells[:2])
    assert not dock.generate.isEnabled()
    assert dock.generate.toolTip() == "'kept 0' is of another model; choose 'trained' to go on from there."
    dock.model.add(other)
    qtbot.waitUntil(dock.generate.isEnabled, timeout=WAIT_MS)
    dock.form.latents.set(OF_LAYER)
    assert "2 cells are of another model; choose 'star-shaped'" in dock.generate.toolTip()
    viewer.layers.selection.active = None
    assert dock.generate.toolTip() == "Select a layer of cells that a model drew or rebuilt."


def test_what_was_drawn_of_known_cells_can_be_gone_on_from(viewer, open_generate, generate, trained_run, kept):
    run = trained_run()
    latents = kept(run, 2)
    dock = open_generate(run)
    dock.form.latents.set(KEPT)
    generate(dock)
    assert np.array_equal([cell.latent for cell in key_cells_of(viewer.layers["green"])], latents)
