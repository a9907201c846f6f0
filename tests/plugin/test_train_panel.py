"""The panel of the dock Train without a window around it, which is much faster."""

import time

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QLabel, QWidget

from napari_biogans import CellSet, Run, write_cells
from napari_biogans.cells.neighbours import SearchStoppedError
from napari_biogans.models import ARCHITECTURES
from napari_biogans.plugin.panel_layout import WIDTH
from napari_biogans.plugin.train_panel import TrainPanel
from napari_biogans.plugin.training_job import State
from napari_biogans.training import GreenSpread, preparing
from napari_biogans.training.presets import PRESETS

from .conftest import TINY, WAIT_MS


@pytest.fixture
def viewer():
    """What a viewer is besides its window."""
    return ViewerModel()


@pytest.fixture
def open_train(viewer, shown, tmp_path, fresh_session, monkeypatch):
    """Open a panel, set to a tiny training."""
    from napari_biogans.plugin import train_panel

    monkeypatch.setattr(train_panel, "SESSION", fresh_session)

    def open_panel(**settings):
        panel = TrainPanel(viewer)
        panel.settings.set_values({**TINY, **settings})
        panel.output.set_path(tmp_path / "run")
        return shown(panel)

    return open_panel


def sample_layers(viewer):
    return [layer for layer in viewer.layers if layer.name.startswith("samples")]


def test_start_without_layers_says_what_is_missing(open_train):
    panel = open_train()
    assert not panel.controls.start.isEnabled()
    assert "Choose a red layer" in panel.controls.start.toolTip()
    assert "Choose a red layer" in panel.controls.status.text()


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


def test_a_run_can_be_left_alone_after_all(train, trained_run, click, qtbot):
    train.look_at(trained_run())
    qtbot.waitUntil(train.banner.isVisible, timeout=WAIT_MS)
    click(train.banner.dismiss)
    assert train.banner.isHidden()
    assert train.controls.start.text() == "Start"
    assert train.settings.findChild(type(train.settings.preset), "architecture").isEnabled()


def test_cells_out_of_a_folder(open_train, click, wait_for_state, tmp_path, pixels):
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


def test_folders_are_chosen_by_dialogs(open_train, click, answer_dialog, tmp_path):
    panel = open_train()
    answer_dialog(tmp_path)
    click(panel.cells.from_folder)
    click(panel.cells.folder.browse)
    click(panel.output.browse)
    assert panel.cells.choice() == panel.output.path() == tmp_path
    answer_dialog("")  # cancelled
    click(panel.output.browse)
    assert panel.output.path() == tmp_path


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


def test_a_new_dock_is_set_to_the_first_preset(viewer, qtbot):
    panel = TrainPanel(viewer)
    qtbot.addWidget(panel)
    name, preset = next(iter(PRESETS.items()))
    assert panel.settings.preset.get() == name
    assert panel.settings.values().items() >= preset.settings_for("joint-separable").items()
    panel.close_down()


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
    assert train.controls.status.text().startswith("Learning rate: Input should be greater than 0")


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
    for plot in (train.plot.plot, train.plot.spread_plot):
        assert plot.backgroundBrush().color().name() == get_theme(theme).background.as_hex("long")


def test_whether_greens_vary_is_a_second_plot(train, click, wait_for_state, tmp_path):
    assert train.plot.view.isHidden()
    train.settings.set_values({"steps": 10, "architecture": "joint-separable"})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    assert train.plot.view.isVisible()
    assert train.plot.plot.isVisible(), "losses come first"
    assert "generator" in train.plot.legend.text()

    train.plot.view.setCurrentText("green spread")
    assert train.plot.spread_plot.isVisible()
    assert train.plot.plot.isHidden()
    assert "generator" not in train.plot.legend.text()
    table = Run(tmp_path / "run").diversity()
    steps, ratios = train.plot.spread_curve.getData()
    assert steps.tolist() == table["step"].tolist() == [0, 5, 10]
    assert ratios == pytest.approx(table["ratio"].to_numpy())
    assert f"Step 10: Tea1 {ratios[-1]:.2f}" in train.plot.spread_plot.toolTip()
    low, high = train.plot.spread_plot.viewRange()[1]
    assert low <= 0 < 1 <= high, "no green but one, and greens as varied as real ones"


def test_of_several_classes_the_mean_ratio_is_plotted(train):
    nan = float("nan")
    train.plot.append_spreads([GreenSpread(0, ("a",), (nan,), (nan,))])
    assert train.plot.view.isHidden(), "nothing is known of one cell"
    train.plot.append_spreads(
        [
            GreenSpread(5, ("a", "b", "c"), drawn=(0.1, 0.3, 0.2), real=(0.5, 0.5, nan)),
            GreenSpread(10, ("a", "b", "c"), drawn=(0.2, 0.4, 0.2), real=(0.5, 0.5, nan)),
        ]
    )
    steps, ratios = train.plot.spread_curve.getData()
    assert steps.tolist() == [5, 10]
    assert ratios == pytest.approx([0.4, 0.6])
    assert "a 0.40, b 0.80, c nan" in train.plot.spread_plot.toolTip()


def test_where_red_cannot_be_held_losses_are_the_only_plot(train, click, wait_for_state, tmp_path):
    train.settings.set_values({"steps": 2, "architecture": "joint-separable"})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    train.plot.view.setCurrentText("green spread")
    train.output.set_path(tmp_path / "another run")
    train.settings.set_values({"architecture": "joint"})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    assert train.plot.view.isHidden()
    assert train.plot.plot.isVisible()
    assert len(train.plot.history) == 2
    assert len(train.plot.spreads) == 0


def test_the_plots_fit_a_narrow_dock(train):
    train.plot.append_spreads([GreenSpread(0, ("a",), (0.1,), (0.2,))])
    for view in ("losses", "green spread"):
        train.plot.view.setCurrentText(view)
        assert train.plot.minimumSizeHint().width() <= WIDTH


def test_a_folder_that_cannot_be_written_to(train, fails, works_again, tmp_path):
    (tmp_path / "file").touch()
    train.output.set_path(tmp_path / "file" / "run")
    assert "a run cannot be written here" in fails()
    works_again()


def test_a_folder_that_holds_a_run_already(train, fails, works_again, trained_run):
    train.output.set_path(trained_run())
    assert "there is a run in this folder already" in fails()
    works_again()


def test_cells_of_a_type_that_cannot_be_learned(viewer, train, fails, pixels):
    for colour, place in (("red", 0), ("green", 1)):
        viewer.layers[f"Tea1 {colour}"].data = pixels[:, place].astype("int32")
    assert "of type int32" in fails()


def test_cells_of_an_awkward_size_are_cropped_and_it_is_said(viewer, train, click, wait_for_state, notes, tmp_path):
    for colour in ("red", "green"):
        layer = viewer.layers[f"Tea1 {colour}"]
        layer.data = layer.data.repeat(2, axis=1)[:, :13]
    train.settings.set_values({"steps": 1})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    assert Run(tmp_path / "run").cells_record["size"] == [12, 12]
    assert [message for severity, message in notes if severity == "warning"] == [
        "Cells of 13x12 pixels are centre-padded or cropped to 12x12, which the networks can halve evenly."
    ]


def test_a_run_without_its_cells_takes_the_chosen_layers_or_says_so(
    viewer, train, trained_run, notes, click, qtbot, wait_for_state
):
    run = trained_run()  # of cells in memory
    train.look_at(run)
    qtbot.waitUntil(train.banner.isVisible, timeout=WAIT_MS)
    train.settings.set_values({"steps": 4})
    viewer.layers["Tea1 red"].data = 255 - viewer.layers["Tea1 red"].data
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    assert "not the cells that the run was trained on" in notes[-1][1]

    viewer.layers["Tea1 red"].data = 255 - viewer.layers["Tea1 red"].data
    train.cells.rows.rows[0].name.setText("another name")
    train.look_at(run)
    qtbot.waitUntil(train.banner.isVisible, timeout=WAIT_MS)
    train.settings.set_values({"steps": 4})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    assert "All 4 steps done" in train.controls.status.text()


def test_a_folder_without_a_run(train, notes, qtbot, tmp_path):
    train.look_at(tmp_path)
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    assert "there is no run in this folder" in notes[0][1]
    assert train.banner.isHidden()
    assert train.controls.start.isEnabled()


# -- architectures


def editor(panel, name):
    return panel.settings.findChild(QWidget, name)


def texts(panel):
    return [label.text() for label in panel.settings.findChildren(QLabel)]


def test_every_architecture_is_offered_and_explained(train):
    choice = editor(train, "architecture")
    assert [choice.itemText(index) for index in range(choice.count())] == list(ARCHITECTURES)
    for name, architecture in ARCHITECTURES.items():
        choice.setCurrentText(name)
        assert architecture.summary in texts(train)
        assert sum(other.summary in texts(train) for other in ARCHITECTURES.values()) == 1


def test_classes_are_asked_for_where_they_matter(viewer, train, click, pixels):
    for place, colour in enumerate(("red", "green")):
        viewer.add_image(pixels[:, place], name=f"Alp14 {colour}")
    rows = train.cells.rows
    train.settings.set_values({"architecture": "star-shaped"})
    assert rows.rows[0].name.isVisible()
    assert rows.add.text() == "Add class"
    click(rows.add)
    train.settings.set_values({"architecture": "joint"})
    assert not any(row.name.isVisible() for row in rows.rows)
    assert rows.add.text() == "Add cells"
    rows.rows[1].name.setText("Tea1")
    assert train.controls.start.isEnabled(), "names do not matter here"
    assert [each.name for each in train.cells.choice()] == ["Tea1", "Tea1 2"]
    click(rows.add)
    for colour in ("red", "green"):
        getattr(rows.rows[2], colour).choose(viewer.layers[f"Tea1 {colour}"])
    rows.rows[2].name.setText("Tea1 2")
    assert [each.name for each in train.cells.choice()] == ["Tea1", "Tea1 2", "Tea1 2 2"], "as is what stands for one"
    click(rows.rows[2].remove)
    train.settings.set_values({"architecture": "independent"})
    assert "Two classes are called 'Tea1'" in train.controls.start.toolTip()


def test_settings_of_other_architectures_cannot_be_edited_and_say_why(train):
    train.settings.set_values({"architecture": "joint"})
    assert not editor(train, "neighbours").isEnabled()
    assert "Only multi-channel" in editor(train, "neighbours").toolTip()
    assert not editor(train, "red_portion").isEnabled()
    train.settings.set_values({"architecture": "multi-channel-separable"})
    assert editor(train, "neighbours").isEnabled()
    assert "Only multi-channel" not in editor(train, "neighbours").toolTip()
    assert editor(train, "red_portion").isEnabled()


def test_a_preset_for_some_architectures_brings_its_own(train):
    train.settings.set_values({"architecture": "joint"})
    train.settings.preset.set("paper-class")
    values = train.settings.values()
    assert (values["architecture"], values["protocol"], values["width"]) == ("star-shaped", "paper", None)
    editor(train, "architecture").setCurrentText("independent")
    assert train.settings.preset.get() == "paper-class"
    editor(train, "architecture").setCurrentText("joint")
    assert train.settings.preset.get() is None


def test_a_preset_is_wider_for_multi_channel_networks(train):
    train.settings.preset.set("small")
    assert train.settings.values()["width"] == 16
    editor(train, "architecture").setCurrentText("multi-channel")
    assert train.settings.values()["width"] == PRESETS["small"].multi_channel["width"]
    assert train.settings.preset.get() == "small"
    editor(train, "architecture").setCurrentText("star-shaped")
    assert train.settings.values()["width"] == 16


def test_a_star_is_trained_and_its_samples_are_rows_of_classes(viewer, train, click, wait_for_state, pixels, qtbot):
    for place, colour in enumerate(("red", "green")):
        viewer.add_image(pixels[:3, place], name=f"Alp14 {colour}", scale=(1, 0.2, 0.2))
    click(train.cells.rows.add)
    train.settings.set_values({"architecture": "star-shaped"})
    click(train.controls.start)
    qtbot.waitUntil(lambda: len(sample_layers(viewer)) == 2, timeout=WAIT_MS)
    assert train.controls.status.text().endswith("Rows of the samples are Tea1, Alp14.")
    click(train.controls.stop)
    wait_for_state(train, State.IDLE)
    red, green = (layer.data for layer in sample_layers(viewer))
    assert red.shape == green.shape == (2 * 13 + 1, 2 * 13 + 1)
    assert np.array_equal(red[1:13], red[14:26]), "the same reds in both classes"
    assert not np.array_equal(green[1:13], green[14:26])


def test_many_classes_take_no_room_from_the_settings(open_train, click, wait_for_state, pixels, qtbot, tmp_path):
    names = [f"protein {k:02}" for k in range(41)]
    write_cells(CellSet([pixels] * len(names), names), tmp_path / "cells")
    train = open_train(architecture="star-shaped", samples=8)
    click(train.cells.from_folder)
    train.cells.folder.set_path(tmp_path / "cells")
    click(train.controls.start)
    qtbot.waitUntil(lambda: "Rows of the samples" in train.controls.status.text(), timeout=WAIT_MS)
    click(train.controls.pause)
    wait_for_state(train, State.PAUSED)
    click(train.controls.pause)
    wait_for_state(train, State.RUNNING)
    assert "samples are 41 classes (protein 00, protein 01, protein 02, protein 03, …)." in train.controls.status.text()
    line = train.controls.status.fontMetrics().lineSpacing()
    assert train.controls.status.height() < 5 * line
    assert all(name in train.controls.status.toolTip() for name in names)
    click(train.controls.stop)
    wait_for_state(train, State.IDLE)


def test_neighbours_are_looked_for_before_a_multi_channel_training(
    viewer, train, click, wait_for_state, pixels, tmp_path, monkeypatch
):
    seen = []
    show = train.progress.show_preparing
    monkeypatch.setattr(
        train.progress, "show_preparing", lambda event: (show(event), seen.append(train.progress.text.text()))
    )
    for place, colour in enumerate(("red", "green")):
        viewer.add_image(pixels[:3, place], name=f"Alp14 {colour}", scale=(1, 0.2, 0.2))
    click(train.cells.rows.add)
    train.settings.set_values({"architecture": "multi-channel", "steps": 1})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    assert "All 1 steps done" in train.controls.status.text()
    assert seen
    assert seen[0].startswith("Finding cells that look alike in red")


def test_a_stop_while_neighbours_are_looked_for(
    viewer, train, click, wait_for_state, pixels, tmp_path, monkeypatch, notes, qtbot
):
    def search(*_, should_stop, **__):
        while not should_stop():
            time.sleep(0.01)
        raise SearchStoppedError

    monkeypatch.setattr(preparing, "find_red_neighbours", search)
    train.settings.set_values({"architecture": "multi-channel"})
    click(train.controls.start)
    qtbot.waitUntil(lambda: "alike in red" in train.progress.text.text(), timeout=WAIT_MS)
    assert train.job.state is State.PREPARING
    click(train.controls.stop)
    wait_for_state(train, State.IDLE)
    assert train.controls.status.text() == "Stopped before the first step; there is nothing to keep."
    assert not notes
    assert not (tmp_path / "run").exists()


def test_a_training_that_starts_from_a_model(train, trained_run, click, answer_dialog, wait_for_state, tmp_path):
    run = trained_run("first", width=3)
    start = editor(train, "start_from")
    answer_dialog(run / "model.safetensors")
    start.browse.click()
    assert start.get() == str(run / "model.safetensors")
    for name in ("architecture", "width", "latent_size"):
        assert not editor(train, name).isEnabled()
        assert "Taken over from the model" in editor(train, name).toolTip()
    train.settings.set_values({"steps": 1})
    click(train.controls.start)
    wait_for_state(train, State.IDLE)
    assert "All 1 steps done" in train.controls.status.text()
    assert Run(tmp_path / "run").config.width == 3
    start.set(str(tmp_path / "nothing.safetensors"))
    assert not train.controls.start.isEnabled()
    assert "there is no model at" in train.controls.status.text()
    start.set(None)
    assert editor(train, "width").isEnabled()
    assert train.controls.start.isEnabled()
