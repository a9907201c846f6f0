"""Models, runs and cell sets that are known in one dock are offered in all."""

import shutil

import pytest
from qtpy.QtWidgets import QLineEdit

from napari_biogans import CellSet, write_cells
from napari_biogans.plugin.known_paths import NOTHING
from napari_biogans.plugin.setting_editors import ModelPath

from .conftest import WAIT_MS


@pytest.fixture
def open_dock(viewer, qtbot):
    def open_named(name):
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", name)
        qtbot.waitUntil(lambda: getattr(dock, "panel", dock) is not None, timeout=WAIT_MS)
        return getattr(dock, "panel", dock)

    return open_named


@pytest.fixture
def cell_set(tmp_path, pixels):
    write_cells(CellSet([pixels], ["Tea1"]), tmp_path / "cells")
    return tmp_path / "cells"


def texts(box):
    return [box.list.itemText(place) for place in range(box.list.count())]


def offered(known):
    known.fill()
    return [action.text() for action in known.choices.actions() if action.isEnabled()]


def pick(known, text):
    known.fill()
    next(action for action in known.choices.actions() if action.text() == text).trigger()


def test_a_model_that_one_dock_opens_is_offered_in_all(open_dock, trained_run, answer_dialog, qtbot, fresh_session):
    first, other = trained_run("first"), trained_run("other")
    alone = first.parent / "alone.safetensors"
    shutil.copy(other / "model.safetensors", alone)
    generate, score = open_dock("Generate"), open_dock("Score (C2ST)")
    file_action, run_action = generate.model.open.menu().actions()
    answer_dialog(first)
    run_action.trigger()
    qtbot.waitUntil(generate.generate.isEnabled, timeout=WAIT_MS)
    answer_dialog(alone)
    file_action.trigger()

    title = f"{alone.parent.name}/alone.safetensors"
    assert fresh_session.models == (alone, first)
    assert texts(generate.model) == texts(score.sides.a.model) == texts(score.sides.b.model) == [title, "first"]
    assert generate.model.path() == alone
    assert score.sides.a.model.path() == first, "what was there first stays chosen"
    assert texts(score.sides.run) == ["first"], "a file is no run"
    for name in ("Explore", "Interpolate"):
        assert texts(open_dock(name).model.box) == [title, "first"]

    answer_dialog(first / "model.safetensors")
    file_action.trigger()
    assert len(texts(generate.model)) == len(texts(score.sides.a.model)) == 2, "the model of a run, once"


def test_what_is_no_model_is_not_offered_elsewhere(open_dock, answer_dialog, tmp_path, notes, qtbot, fresh_session):
    (tmp_path / "some.safetensors").write_bytes(b"nothing")
    generate, interpolate = open_dock("Generate"), open_dock("Interpolate")
    answer_dialog(tmp_path / "some.safetensors")
    generate.model.open.menu().actions()[0].trigger()
    qtbot.waitUntil(lambda: bool(notes), timeout=WAIT_MS)
    assert not fresh_session.models
    assert texts(interpolate.model.box) == []


def test_a_known_run_is_resumed_from_a_list(open_dock, viewer, trained_run, qtbot, click):
    train = open_dock("Train")
    assert offered(train.controls.known_runs) == []
    assert train.controls.known_runs.choices.actions()[0].text() == NOTHING
    run = trained_run()
    viewer.open(run, plugin="napari-biogans")
    click(train.controls.known_runs)
    assert train.controls.known_runs.choices.isVisible()
    train.controls.known_runs.choices.close()
    pick(train.controls.known_runs, "trained")
    qtbot.waitUntil(train.banner.isVisible, timeout=WAIT_MS)
    assert train.banner.facts.folder == run


def test_a_run_that_is_resumed_is_offered_to_other_docks(open_dock, trained_run, click, answer_dialog, qtbot):
    train, generate = open_dock("Train"), open_dock("Generate")
    answer_dialog(trained_run())
    click(train.controls.resume_run)
    qtbot.waitUntil(train.banner.isVisible, timeout=WAIT_MS)
    assert texts(generate.model) == ["trained"]


def test_a_known_run_that_is_gone_says_so_when_it_is_chosen(
    open_dock, viewer, trained_run, notes, qtbot, fresh_session
):
    run = trained_run()
    viewer.open(run, plugin="napari-biogans")
    score = open_dock("Score (C2ST)")
    shutil.rmtree(run)
    train = open_dock("Train")
    pick(train.controls.known_runs, "trained")
    qtbot.waitUntil(lambda: any("there is no run" in message for _, message in notes), timeout=WAIT_MS)
    generate = open_dock("Generate")
    qtbot.waitUntil(lambda: "there is no such file" in generate.summary.text(), timeout=WAIT_MS)
    assert any("there is no such file" in message for _, message in notes)
    score.sides.a.from_model.setChecked(True)
    score.sides.question.set("run")
    score._check()
    assert "There is no run at" in score.status.text()


def test_a_model_that_is_gone_is_told_of_once(open_dock, trained_run, notes, qtbot, fresh_session):
    gone, there = trained_run("gone"), trained_run("there")
    fresh_session.open_model(there)
    fresh_session.open_model(gone)
    shutil.rmtree(gone)
    generate = open_dock("Generate")
    qtbot.waitUntil(lambda: "there is no such file" in generate.summary.text(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(notes) == 1, timeout=WAIT_MS)
    assert fresh_session.models == (there,)
    interpolate = open_dock("Interpolate")
    assert texts(interpolate.model.box) == ["there"]
    qtbot.waitUntil(lambda: interpolate.model.facts is not None, timeout=WAIT_MS)
    assert len(notes) == 1

    # One that is there, but damaged, may be mended, or be a run to go on with.
    (there / "model.safetensors").write_bytes(b"nothing")
    explore = open_dock("Explore")
    qtbot.waitUntil(lambda: len(notes) == 2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "model.safetensors" in explore.model.summary.text(), timeout=WAIT_MS)
    assert fresh_session.models == (there,)


def test_cell_sets_are_offered_in_all_docks(open_dock, viewer, cell_set, click, answer_dialog, tmp_path, fresh_session):
    train, score, rebuild = open_dock("Train"), open_dock("Score (C2ST)"), open_dock("Reconstruct")
    folders = [train.cells.folder, score.sides.a.folder, score.sides.b.folder, rebuild.form.training.folder]
    train.cells.from_folder.setChecked(True)
    answer_dialog(cell_set)
    click(train.cells.folder.browse)
    viewer.open(cell_set / "Tea1.cells.tif", plugin="napari-biogans")
    titles = [f"{cell_set.name}/Tea1.cells.tif", "cells"]
    assert [offered(folder.known) for folder in folders] == [titles] * 4
    pick(folders[1].known, "cells")
    assert folders[1].path() == cell_set

    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "missing", f"{cell_set}/"):
        folders[2].line.setText(str(path))
        folders[2].line.editingFinished.emit()
    assert len(fresh_session.cell_sets) == 2, "only what may be cells, however it is written"

    shutil.rmtree(cell_set)
    assert train.controls.status.text() == "Ready."
    pick(train.cells.folder.known, "cells")
    assert "There is nothing at" in train.controls.status.text()


def test_models_are_offered_to_start_trainings_from(open_dock, viewer, trained_run, tmp_path):
    run = trained_run()
    viewer.open(run, plugin="napari-biogans")
    train = open_dock("Train")
    (editor,) = train.settings.findChildren(ModelPath)
    assert isinstance(editor.line, QLineEdit)
    pick(editor.known, "trained")
    assert train.settings.values()["start_from"] == str(run)
