"""What all docks of the plugin have in common, whatever they are for."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDockWidget,
    QDoubleSpinBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)

from napari_biogans.plugin.accessible import MAIN, spoken_name, used_widgets
from napari_biogans.plugin.dock_help import KEYS, DockHelp
from napari_biogans.plugin.image_layers import LayerBox
from napari_biogans.plugin.known_paths import KnownPaths
from napari_biogans.plugin.model_box import ModelBox
from napari_biogans.plugin.offering import NOTHING_RUNS, PROBLEM, STOPPING, offer_stop
from napari_biogans.plugin.path_edit import PathEdit
from napari_biogans.plugin.setting_editors import NumberText
from napari_biogans.plugin.settings_form import SettingsForm
from napari_biogans.plugin.status_line import StatusLine
from napari_biogans.plugin.train_controls import TrainControls
from napari_biogans.plugin.training_job import State

from .conftest import WAIT_MS

DOCKS = [
    widget.display_name for widget in PluginManifest.from_distribution("napari-biogans").contributions.widgets or ()
]
WINDOW = (1366, 768)
WIDEST = 430
"""Pixels of a dock at least; the canvas has to have room beside it."""
LONG = Path("/") / "протеин" / "a folder of cells" / ("Zellkörper-" * 20) / "model.safetensors"
assert len(str(LONG)) > 250


@pytest.fixture
def open_dock(viewer, qtbot):
    """Open a dock, and wait until it shows its panel."""

    def open_one(name):
        viewer.window.resize(*WINDOW)
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", name)
        if hasattr(dock, "panel"):
            qtbot.waitUntil(lambda: dock.panel is not None, timeout=WAIT_MS)
        qtbot.wait(100)  # until all is laid out
        return dock

    return open_one


def test_docks_share_the_height_of_a_small_screen_behind_tabs(open_dock, viewer, qtbot):
    docks = [open_dock(name) for name in ("Train", "Generate", "Score (C2ST)", "Put into field")]
    window = viewer.window._qt_window
    qtbot.waitUntil(lambda: not docks[-1].visibleRegion().isEmpty(), timeout=WAIT_MS)
    assert all(dock.visibleRegion().isEmpty() for dock in docks[:-1])
    assert window.height() <= WINDOW[1]
    frame = next(frame for frame in window.findChildren(QDockWidget) if frame.isAncestorOf(docks[-1]))
    assert len(window.tabifiedDockWidgets(frame)) == len(docks) - 1
    assert docks[-1].height() > WINDOW[1] / 2


def told(widget, dock):
    """The tooltip that is seen over a widget: its own, or that of what it is in."""
    while widget is not dock and not widget.toolTip():
        widget = widget.parentWidget()
    return widget.toolTip()


def path_of(widget):
    text = widget.text() if hasattr(widget, "text") else ""
    return f"{type(widget).__name__} {widget.objectName() or text!r} in {type(widget.parentWidget()).__name__}"


@pytest.mark.parametrize("name", DOCKS)
def test_everything_has_a_name_and_a_tip_and_is_reached_by_keys(open_dock, name):
    dock = open_dock(name)
    found = list(used_widgets(dock))
    assert len(found) > 5
    assert not [path_of(widget) for widget in found if not told(widget, dock)], "no tooltip"
    assert not [path_of(widget) for widget in found if not spoken_name(widget)], "no name for screen readers"
    tabbed = Qt.FocusPolicy.TabFocus
    assert not [path_of(widget) for widget in found if widget.focusPolicy() & tabbed != tabbed], "not in reach of Tab"
    reached, widget = set(), dock.nextInFocusChain()
    while widget is not dock and widget not in reached:
        reached.add(widget)
        widget = widget.nextInFocusChain()
    assert reached.issuperset(found)


@pytest.mark.parametrize("name", DOCKS)
def test_lines_for_paths_have_tips_of_their_own(open_dock, name):
    dock = open_dock(name)
    edits = dock.findChildren(PathEdit)
    assert not [path_of(edit) for edit in edits if len(edit.line.toolTip()) < 10]
    assert [edit.line.toolTip() for edit in edits] == [edit.toolTip() for edit in edits]
    for form in dock.findChildren(SettingsForm):
        for box in form.findChildren(PathEdit):
            assert box.line.toolTip() != box.browse.toolTip(), "what it means, and not just what it is"


@pytest.mark.parametrize("name", DOCKS)
def test_numbers_tell_which_may_be_given(open_dock, name):
    dock = open_dock(name)
    for editor in used_widgets(dock):
        if isinstance(editor, QAbstractSpinBox):
            format_ = "{:g}" if isinstance(editor, QDoubleSpinBox) else "{:,}"
            assert format_.format(editor.minimum()) in editor.toolTip(), path_of(editor)
        if isinstance(editor, NumberText):
            assert any(word in editor.toolTip() for word in ("From ", " or more.", "More than ")), path_of(editor)


@pytest.mark.parametrize("name", DOCKS)
def test_a_dock_says_what_it_does_and_how_it_is_used(open_dock, name, click):
    dock = open_dock(name)
    (about,) = dock.findChildren(DockHelp)
    assert 30 < len(about.summary.text()) < 110, "a line or two"
    assert about.summary.heightForWidth(about.summary.width()) < 3 * about.summary.fontMetrics().lineSpacing()
    assert not about.steps.isVisible()
    click(about.more)
    assert about.steps.isVisible()
    assert KEYS in about.steps.text()
    headings = (Path(__file__).parents[2] / "mkdocs.yml").read_text("utf-8")
    assert f"- {dock.about.page}:" in headings


@pytest.mark.parametrize("name", DOCKS)
def test_a_main_button_that_cannot_be_pressed_says_why(open_dock, name):
    dock = open_dock(name)
    main = dock.findChild(QPushButton, MAIN)
    assert not main.isEnabled(), "there are neither models nor layers"
    reason = main.toolTip()
    assert reason.endswith(".")
    assert any(word in reason for word in ("Choose", "Train", "Open", "open", "Select", "Draw"))
    assert any(label.isVisible() and reason in label.text() for label in dock.findChildren(QLabel))


def unexplained(parent):
    """Buttons that cannot be pressed, and of which `offer` was not told why, or whose tooltip says something else."""
    disabled = [button for button in parent.findChildren(QAbstractButton) if not button.isEnabled()]
    assert disabled
    reasons = {button: button.property(PROBLEM) or "" for button in disabled}
    return [
        f"{path_of(button)}: {button.toolTip()!r}"
        for button, reason in reasons.items()
        if not reason.endswith(".") or button.toolTip() != reason
    ]


@pytest.mark.parametrize("name", DOCKS)
def test_every_button_that_cannot_be_pressed_says_why(open_dock, name):
    assert not unexplained(open_dock(name))


@pytest.mark.parametrize("state", State)
def test_the_buttons_of_a_training_say_why_they_cannot_be_pressed(qtbot, state):
    controls = TrainControls()
    qtbot.addWidget(controls)
    controls.show_problem("Choose something.")
    controls.show_state(state)
    assert not unexplained(controls)
    assert controls.pause.isEnabled() == (state in (State.RUNNING, State.PAUSING, State.PAUSED))
    assert controls.stop.isEnabled() == (state not in (State.IDLE, State.STOPPING))


def test_stop_says_that_it_was_pressed_already(qtbot):
    button = QPushButton("Stop")
    qtbot.addWidget(button)
    idle, running, stopping = (
        SimpleNamespace(is_running=runs, is_stopping=stops)
        for runs, stops in ((False, False), (True, False), (True, True))
    )
    for works, told in (
        ((idle,), NOTHING_RUNS),
        ((idle, running), "Ends it"),
        ((running, stopping), "Ends it"),
        ((idle, stopping), STOPPING),
    ):
        offer_stop(button, works, "Ends it")
        assert (button.toolTip(), button.isEnabled()) == (told, told == "Ends it")


@pytest.mark.parametrize("name", DOCKS)
def test_ctrl_enter_presses_the_main_button(open_dock, name, qtbot):
    dock = open_dock(name)
    main = dock.findChild(QPushButton, MAIN)
    pressed = []
    main.clicked.disconnect()
    main.clicked.connect(pressed.append)
    focused = next(widget for widget in used_widgets(dock) if widget.isVisible() and widget.isEnabled())
    dock.activateWindow()
    focused.setFocus()
    qtbot.waitUntil(focused.hasFocus, timeout=WAIT_MS)
    qtbot.keyClick(focused, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert not pressed, "it is disabled"
    main.setEnabled(True)
    qtbot.keyClick(focused, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert len(pressed) == 1


def cut_off(dock):
    """What does not show the whole of its text."""
    found = []
    for widget in dock.findChildren(QLabel) + dock.findChildren(QAbstractButton) + dock.findChildren(QComboBox):
        if not widget.isVisible() or isinstance(widget.parentWidget(), (LayerBox, ModelBox)):
            continue
        if isinstance(widget, QComboBox):
            option = QStyleOptionComboBox()
            widget.initStyleOption(option)
            part = QStyle.SubControl.SC_ComboBoxEditField
            room = widget.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, widget).width()
            is_cut = widget.fontMetrics().horizontalAdvance(widget.currentText()) > room
        elif isinstance(widget, QLabel) and widget.wordWrap():
            is_cut = widget.heightForWidth(widget.width()) > widget.height()
        else:
            is_cut = widget.sizeHint().width() > widget.width() and widget.text() not in "…▾×↑↓?"
        if is_cut:
            found.append(f"{path_of(widget)}: {widget.width()} x {widget.height()} of {widget.sizeHint()}")
    return found


def check_fit(viewer, dock):
    assert viewer.window._qt_window.height() <= WINDOW[1]
    assert viewer.window._qt_window.width() <= WINDOW[0]
    assert dock.minimumSizeHint().width() <= min(dock.width(), WIDEST)
    assert dock.minimumSizeHint().height() <= dock.height() <= WINDOW[1]
    for area in dock.findChildren(QScrollArea):
        if area.isVisible() and area.widget() is not None:
            assert area.widget().width() <= area.viewport().width()
            assert area.widget().minimumSizeHint().width() <= area.viewport().width()
    assert not cut_off(dock)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", DOCKS)
def test_nothing_is_cut_off_on_a_small_screen(viewer, open_dock, qtbot, name, theme, cell_layers):
    viewer.theme = theme
    dock = open_dock(name)
    check_fit(viewer, dock)
    panel = getattr(dock, "panel", dock)
    for later in ("progress", "plot", "results"):
        if isinstance(getattr(panel, later, None), QWidget):
            getattr(panel, later).show()
    dock.findChild(DockHelp).more.click()
    qtbot.wait(100)
    check_fit(viewer, dock)


WITH_ADVANCED = ["Train", "Score (C2ST)", "Reconstruct", "Cut cells", "Put into field"]
CHANGED = {
    "batch_size": 7,
    "seed": 3,
    "min_solidity": 0.5,
    "margin": 9.0,
    "softness": 5.0,
    "device": "cpu",
    "smoothing": 3.0,
}


@pytest.mark.parametrize("name", WITH_ADVANCED)
def test_what_is_changed_under_advanced_is_told_and_widens_nothing(viewer, open_dock, qtbot, name):
    dock = open_dock(name)
    before = dock.minimumSizeHint().width()
    forms = dock.findChildren(SettingsForm)
    assert {form.advanced.text() for form in forms} == {"▸ Advanced"}, "nothing is changed in a new dock"
    for form in forms:
        form.set_values(CHANGED)
    qtbot.wait(100)
    assert any(re.fullmatch(r"▸ Advanced \(\d changed\)", form.advanced.text()) for form in forms)
    assert dock.minimumSizeHint().width() == before
    check_fit(viewer, dock)


@pytest.mark.parametrize("name", DOCKS)
def test_long_paths_do_not_stretch_a_dock(viewer, open_dock, qtbot, name, fresh_session):
    dock = open_dock(name)
    before = dock.minimumSizeHint().width()
    window = viewer.window._qt_window.size()
    fresh_session.add_model(LONG.parent)
    fresh_session.open_cells(LONG)
    fresh_session.use_fields(LONG)
    for edit in dock.findChildren(PathEdit):
        edit.set_path(LONG)
        edit.show()
    for box in dock.findChildren(ModelBox):
        box.add(LONG)
        box.show()
        assert str(LONG) in box.list.toolTip()
    for known in dock.findChildren(KnownPaths):
        known.fill()
        assert 0 < known.choices.sizeHint().width() < WINDOW[0] / 2
        assert any(str(LONG.parent) in action.toolTip() for action in known.choices.actions())
    for line in dock.findChildren(StatusLine):
        line.say(f"There is nothing at {LONG}; choose another one.")
        assert str(LONG) in line.toolTip()
    qtbot.wait(100)
    assert dock.minimumSizeHint().width() == before
    assert viewer.window._qt_window.size() == window
    for line in dock.findChildren(StatusLine):
        widest = max(line.fontMetrics().horizontalAdvance(word) for word in re.split(r"[\s/]", line.text()))
        assert widest < dock.width() - 40, "no line can be broken there"
    assert not [cut for cut in cut_off(dock) if cut.startswith("StatusLine")]
