"""Trainings that fail: a notification says why, and the dock goes on."""

import pytest
from napari.utils import progress

import napari_biogans.training
from napari_biogans import Run
from napari_biogans.plugin.training_job import State

from .conftest import WAIT_MS


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


def test_a_training_that_diverges(train, fails, works_again):
    train.settings.set_values({"learning_rate": 1e20, "objective": "gan"})
    message = fails()
    assert "became infinite or NaN" in message
    assert "smaller learning rate" in message
    works_again()


def test_a_folder_that_cannot_be_written_to(train, fails, works_again, tmp_path):
    (tmp_path / "file").touch()
    train.output.set_path(tmp_path / "file" / "run")
    assert "a run cannot be written here" in fails()
    works_again()


def test_a_folder_that_holds_a_run_already(train, fails, works_again, trained_run):
    train.output.set_path(trained_run())
    assert "there is a run in this folder already" in fails()
    works_again()


def test_a_runtime_error_of_the_engine_is_not_lost(train, fails, works_again, monkeypatch):
    def broken(*arguments, **keywords):
        yield from ()
        raise RuntimeError("the engine is broken")

    with monkeypatch.context() as patch:
        patch.setattr(napari_biogans.training, "iterate_training", broken)
        assert fails() == "the engine is broken"
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
