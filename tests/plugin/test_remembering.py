"""What was entered last is there next time, and Preferences say what docks begin with."""

import json
from operator import attrgetter

import pytest
from napari._qt.dialogs.preferences_dialog import PreferencesDialog
from napari.components import ViewerModel
from qtpy.QtWidgets import QCheckBox, QComboBox, QLineEdit

from napari_biogans.evaluation import C2STConfig
from napari_biogans.evaluation.settings import C2ST_PRESETS
from napari_biogans.plugin import entries
from napari_biogans.plugin.cut_form import CutForm
from napari_biogans.plugin.draw_form import DrawForm
from napari_biogans.plugin.entries import EntriesFile
from napari_biogans.plugin.key_sources import KeySources
from napari_biogans.plugin.path_form import PathForm
from napari_biogans.plugin.preferences import preferences
from napari_biogans.plugin.put_form import PutForm
from napari_biogans.plugin.reconstruct_panel import ReconstructPanel
from napari_biogans.plugin.remembering import BackButton, remember
from napari_biogans.plugin.score_panel import ScorePanel
from napari_biogans.plugin.settings_form import SettingsForm
from napari_biogans.plugin.train_panel import TrainPanel

from .conftest import WAIT_MS

FIRST = C2ST_PRESETS[next(iter(C2ST_PRESETS))].settings["splits"]
"""Of the preset with which the form begins."""


@pytest.fixture
def next_session(monkeypatch):
    """Forget all but what is in the file, as when napari is started anew."""

    def begin():
        entries.ENTRIES.write()
        monkeypatch.setattr(entries, "ENTRIES", EntriesFile())

    return begin


@pytest.fixture
def panel(qtbot):
    """Open a panel without a window around it, and close it with the test."""
    opened = []

    def make(kind, *arguments):
        opened.append(kind(*arguments))
        qtbot.addWidget(opened[-1])
        return opened[-1]

    yield make
    for each in opened:
        if hasattr(each, "close_down"):
            each.close_down()


@pytest.fixture
def form(panel):
    """A form with the settings of a test, as the dock Score has it."""

    def make():
        made = panel(SettingsForm, C2STConfig, C2ST_PRESETS, ("splits",), "Test")
        remember(made, "a form")
        return made

    return make


def back(widget):
    return widget.findChild(BackButton)


def heading(form):
    return form.advanced.toggleButton()


def test_what_is_changed_under_advanced_is_told_by_its_heading(form, next_session, monkeypatch):
    first = form()
    usual = heading(first).toolTip()
    assert heading(first).text() == "▸ Advanced"
    first.set_values({"batch_size": 7, "permutations": 999, "splits": FIRST + 1})
    assert heading(first).text() == "▸ Advanced (2 changed)", "splits is not under it"
    assert heading(first).toolTip().splitlines()[1:] == ["Batch size", "Permutations"]
    next_session()
    again = form()
    assert heading(again).text() == "▸ Advanced (2 changed)"
    again.advanced.expand(animate=False)
    assert heading(again).text() == "▾ Advanced (2 changed)"
    again._rest._editors["batch_size"].set(C2STConfig().batch_size)
    again._rest._editors["batch_size"].edited.emit()
    assert heading(again).text() == "▾ Advanced (1 changed)"
    back(again).click()
    assert heading(again).text() == "▾ Advanced"
    assert heading(again).toolTip() == usual
    for name in C2ST_PRESETS:
        again.preset.set(name)
        again.preset.edited.emit()
        assert again.preset.get() == name
        assert heading(again).text() == "▾ Advanced", "a preset is no change"


def test_a_dock_that_is_closed_and_opened_in_another_viewer(make_napari_viewer, qtbot, next_session, click, tmp_path):
    def opened():
        viewer = make_napari_viewer()
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Train")
        qtbot.waitUntil(lambda: dock.panel is not None, timeout=WAIT_MS)
        return dock

    dock = opened()
    defaults = dock.panel.settings.values()
    dock.panel.settings.set_values({"steps": 77, "objective": "wgan", "width": 9, "learning_rate": 0.002})
    dock.panel.output.line.setText(str(tmp_path / "runs" / "first"))
    dock.panel.output.line.editingFinished.emit()
    (tmp_path / "runs").mkdir()
    dock.close_down()
    next_session()
    again = opened()
    assert again.panel.settings.values() == {
        **defaults,
        "steps": 77,
        "objective": "wgan",
        "width": 9,
        "learning_rate": 0.002,
    }
    assert again.panel.output.path() is None, "a run needs a folder of its own"
    assert again.panel.output.line.placeholderText() == f"new folder in {tmp_path / 'runs'}"
    assert again.panel._parent.folder == tmp_path / "runs"
    again.panel.settings.findChild(BackButton).click()
    assert again.panel.settings.values() == defaults
    again.close_down()
    next_session()
    third = opened()
    assert third.panel.settings.values() == defaults
    third.close_down()


@pytest.mark.parametrize(
    ("kind", "form", "changes"),
    [
        (ScorePanel, "settings", {"splits": 4}),
        (ReconstructPanel, "form.settings", {"prior": 1e-6}),
        (CutForm, "finding", {"smallest": 7, "smoothing": 2.5}),
        (CutForm, "cutting", {"facing": "brighter-right", "min_area": 7}),
        (PutForm, "settings", {"part": "image"}),
    ],
)
def test_the_settings_of_other_docks(panel, next_session, kind, form, changes):
    def settings(opened):
        return attrgetter(form)(opened)

    first = settings(panel(kind, ViewerModel()))
    defaults = first.values()
    first.set_values(changes)
    next_session()
    second = settings(panel(kind, ViewerModel()))
    assert second.values() == {**defaults, **changes}
    back(second).click()
    assert second.values() == defaults


def test_what_is_drawn(panel, next_session):
    def made():
        return panel(DrawForm, KeySources(ViewerModel(), None))

    first = made()
    assert not back(first).isEnabled()
    first.number.set(5)
    first.is_new.setChecked(False)
    first.seed.set(123)
    first.truncation.set(0.7)
    first.shape.set(True)
    next_session()
    second = made()
    assert (second.number.get(), second.seed.get(), second.truncation.get()) == (5, 123, 0.7)
    assert not second.is_new.isChecked()
    assert second.seed.isEnabled()
    assert second.as_sheet
    back(second).click()
    assert (second.number.get(), second.truncation.get(), second.as_sheet) == (64, None, False)
    assert second.is_new.isChecked()
    assert not back(second).isEnabled()


def test_a_way_between_cells(panel, next_session):
    first = panel(PathForm)
    first.frames.set(33)
    first.mode.set("linear")
    first.loop.set(True)
    next_session()
    second = panel(PathForm)
    assert (second.frames.get(), second.mode.get(), second.loop.get(), second.rate.get()) == (33, "linear", True, 15)


def test_folders_of_cells_are_remembered_while_they_are_there(panel, next_session, tmp_path):
    (tmp_path / "cells").mkdir()
    first = panel(TrainPanel, ViewerModel())
    first.cells.from_folder.setChecked(True)
    first.cells.folder.set_path(tmp_path / "cells")
    next_session()
    second = panel(TrainPanel, ViewerModel())
    assert second.cells.from_folder.isChecked()
    assert second.cells.folder.path() == tmp_path / "cells"
    (tmp_path / "cells").rmdir()
    next_session()
    assert panel(TrainPanel, ViewerModel()).cells.from_layers.isChecked()


def test_values_that_make_no_sense_any_more_are_dropped_one_by_one(form, next_session):
    defaults = form().values()
    values = {
        "splits": 4,
        "steps": -1,
        "width": "wide",
        "objective": "an older one",
        "permutations": 99.5,
        "an old setting": 1,
        "batch_size": None,
        "learning_rate": [1],
        "seed": 3,
    }
    path = entries.entries_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"a form": {"values": values}}))
    next_session()
    assert form().values() == {**defaults, "splits": 4, "seed": 3}


@pytest.mark.parametrize("content", ["{", "[]", '"text"', b"\xff\xfe", '{"a form": 1}', '{"a form": {"values": 2}}'])
def test_a_damaged_file_is_passed_over(form, next_session, notes, content):
    path = entries.entries_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    first = form()
    assert first.values()["splits"] == FIRST
    assert all(str(path) in text and severity == "warning" for severity, text in notes)
    assert bool(notes) == ("a form" not in str(content))
    first.set_values({"splits": 6})
    next_session()
    assert form().values()["splits"] == 6, "it was replaced by a whole one"


def test_a_folder_that_cannot_be_written_to_is_told_once(form, notes, monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("BIOGANS_CONFIG", str(tmp_path / "a file"))
    made = form()
    for splits in (4, 5):
        made.set_values({"splits": splits})
        entries.ENTRIES.write()
    assert len(notes) == 1
    assert notes[0][0] == "warning"


def test_it_is_written_by_itself_and_leaves_what_others_wrote(form, qtbot, monkeypatch):
    monkeypatch.setattr(entries, "SOON_MS", 1)
    made = form()
    path = entries.entries_path()
    other = EntriesFile()
    other.keep("another form", {"values": {"a": 1}})
    other.write()
    made.set_values({"splits": 7})
    qtbot.waitUntil(lambda: "a form" in json.loads(path.read_text()), timeout=WAIT_MS)
    assert json.loads(path.read_text())["another form"] == {"values": {"a": 1}}
    assert [each.name for each in path.parent.iterdir() if each.suffix == ".json"] == [path.name]


def test_what_is_not_written_yet_goes_where_it_was_read(form, monkeypatch, tmp_path):
    made, path = form(), entries.entries_path()
    made.set_values({"splits": 7})
    monkeypatch.setenv("BIOGANS_CONFIG", str(tmp_path / "of another test"))
    entries.ENTRIES.write()
    assert path.exists()
    assert not (tmp_path / "of another test").exists()


def test_what_cannot_be_edited_is_neither_kept_nor_lost(form, next_session):
    first = form()
    first.set_values({"splits": 7, "seed": 5})
    first.set_fixed({"splits": "(For a reason.)"})
    first.set_values({"splits": 2})
    next_session()
    assert [form().values()[name] for name in ("splits", "seed")] == [7, 5]


def test_a_run_that_is_resumed_is_not_what_was_entered(panel, qtbot, trained_run, next_session):
    first = panel(TrainPanel, ViewerModel())
    defaults = first.settings.values()
    first.look_at(trained_run())
    qtbot.waitUntil(lambda: first.banner.facts is not None, timeout=WAIT_MS)
    assert first.settings.values() != defaults
    next_session()
    assert panel(TrainPanel, ViewerModel()).settings.values() == defaults


# -- Preferences


@pytest.fixture
def dialog(viewer, qtbot):
    """napari's window of Preferences, on our page, with the widgets of its entries by their names."""
    opened = PreferencesDialog(parent=viewer.window._qt_window)
    qtbot.addWidget(opened)
    opened.show()
    (row,) = (row for row in range(opened._list.count()) if opened._list.item(row).text() == "BioGANs")
    opened._list.setCurrentRow(row)
    page = opened._stack.currentWidget().widget()
    form = page.layout().itemAt(0).widget()
    opened.entries = form.widget.widgets
    return opened


def test_our_page_is_in_the_window_of_preferences(dialog):
    assert list(dialog.entries) == ["device", "precision", "runs_folder", "cells_folder", "remember"]
    kinds = [QComboBox, QComboBox, QLineEdit, QLineEdit, QCheckBox]
    assert all(isinstance(widget, kind) for widget, kind in zip(dialog.entries.values(), kinds, strict=True))
    devices = dialog.entries["device"]
    assert [devices.itemText(i) for i in range(devices.count())] == ["auto", "cpu", "cuda", "mps"]


def test_what_is_set_there_is_used_by_docks(dialog, panel, next_session, tmp_path):
    before = panel(ReconstructPanel, ViewerModel())
    by_hand = panel(ScorePanel, ViewerModel())
    by_hand.settings.set_values({"device": "mps"})
    dialog.entries["device"].setCurrentText("cpu")
    dialog.entries["precision"].setCurrentText("float32")
    dialog.entries["runs_folder"].setText(str(tmp_path / "all runs"))
    dialog.accept()
    assert before.form.settings.values()["device"] == "cpu", "open docks follow"
    assert by_hand.settings.values()["device"] == "mps", "but not where something else was entered"
    train = panel(TrainPanel, ViewerModel())
    assert [train.settings.values()[name] for name in ("device", "precision")] == ["cpu", "float32"]
    assert heading(train.settings).text() == "▸ Advanced", "what Preferences say is no change"
    assert heading(by_hand.settings).text() == "▸ Advanced (1 changed)"
    assert train._parent.folder == tmp_path / "all runs"
    assert train.output.line.placeholderText() == f"new folder in {tmp_path / 'all runs'}"
    back(train.settings).click()
    assert train.settings.values()["device"] == "cpu"
    path = preferences()
    assert (path.device, path.precision, path.remembers) == ("cpu", "float32", True)


def test_what_is_set_there_later_wins_over_what_was_entered_before(dialog, form, next_session):
    form().set_values({"device": "mps", "splits": 4})
    next_session()
    dialog.entries["device"].setCurrentText("cpu")
    dialog.accept()
    made = form()
    assert [made.values()[name] for name in ("device", "splits")] == ["cpu", 4]


def test_cancelling_changes_nothing(dialog, panel):
    train = panel(TrainPanel, ViewerModel())
    dialog.entries["device"].setCurrentText("cpu")
    assert train.settings.values()["device"] == "cpu"
    dialog.reject()
    assert train.settings.values()["device"] == preferences().device == "auto"


def test_docks_need_not_remember(dialog, form, next_session):
    form().set_values({"splits": 4})
    dialog.entries["remember"].setChecked(False)
    dialog.accept()
    next_session()
    second = form()
    assert second.values()["splits"] == FIRST
    second.set_values({"splits": 5})
    next_session()
    dialog.entries["remember"].setChecked(True)
    assert form().values()["splits"] == 4


def test_where_napari_has_no_page_for_plugins_docks_have_their_defaults(form, monkeypatch, next_session):
    from napari import settings

    monkeypatch.delattr(settings, "get_plugin_settings")
    assert preferences().device == "auto"
    form().set_values({"splits": 4})
    next_session()
    assert form().values()["splits"] == 4
