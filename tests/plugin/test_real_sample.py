"""Real cells as sample data: downloaded from a server on this machine while napari waits."""

import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QPushButton

from napari_biogans import FetchStoppedError
from napari_biogans.cells import downloads
from napari_biogans.plugin import fetch_window
from napari_biogans.plugin.fetch_window import FetchWindow

KEY = ("napari-biogans", "bbbc013")
IMAGE = "Channel1-04-A-04.tif"


@pytest.fixture
def once_shown(viewer):
    """Do something with the window of the download, some time after it came up."""
    timer = QTimer()

    def look_for(act, ready=lambda window: True):
        def look():
            for window in QApplication.topLevelWidgets():
                if isinstance(window, FetchWindow) and window.isVisible() and ready(window):
                    timer.stop()
                    act(window)

        timer.timeout.connect(look)
        timer.start(10)

    yield look_for
    timer.stop()


def check_layers(layers):
    assert [layer.name for layer in layers] == ["BBBC013 DNA", "BBBC013 FKHR-GFP"]
    assert [layer.colormap.name for layer in layers] == ["red", "green"]
    assert [layer.data.shape for layer in layers] == [(3, 16, 20)] * 2
    for layer in layers:
        assert layer.blending == "additive"
        assert layer.axis_labels == ("well", "y", "x")
        known = layer.metadata["biogans"]
        assert known["wells"] == ["A02", "A04", "B02"]
        assert known["doses"] == [0, 2, 0]
        assert "Ilya Ravkin" in known["source"]
        assert "CC BY 3.0" in known["source"]


def test_all_wells_are_opened_as_two_layers(viewer, small_bbbc013):
    viewer.open_sample(*KEY)
    check_layers(viewer.layers)
    assert sorted(small_bbbc013.asked_for) == sorted(small_bbbc013.files)
    assert not np.array_equal(viewer.layers[0].data, viewer.layers[1].data)


def test_the_second_time_nothing_is_downloaded_and_no_window_comes_up(viewer, small_bbbc013, once_shown):
    viewer.open_sample(*KEY)
    small_bbbc013.asked_for.clear()
    shown = []
    once_shown(shown.append)
    viewer.open_sample(*KEY)
    assert len(viewer.layers) == 4
    assert (small_bbbc013.asked_for, shown) == ([], [])


def test_fields_are_not_taken_for_single_cells(viewer, small_bbbc013, open_train):
    viewer.open_sample(*KEY)
    assert not open_train().controls.start.isEnabled()


def test_a_viewer_without_a_window_gets_them_too(viewer, small_bbbc013, monkeypatch):
    monkeypatch.setattr(fetch_window, "QApplication", SimpleNamespace(instance=lambda: None))
    viewer.open_sample(*KEY)
    check_layers(viewer.layers)


def test_the_window_tells_how_far_it_is_and_whose_images_they_are_and_stops_at_once(
    viewer, small_bbbc013, once_shown, qtbot, monkeypatch
):
    monkeypatch.setattr(downloads, "TIMEOUT", (5, 5))
    small_bbbc013.faults[IMAGE] = "silent"
    seen = []

    def stop(window):
        seen.append((window.value(), window.maximum(), window.isModal(), window.labelText(), time.monotonic()))
        (button,) = window.findChildren(QPushButton)
        button.click()

    once_shown(stop, ready=lambda window: window.value() == 2)
    with pytest.raises(FetchStoppedError, match="Files that are complete are kept"):
        viewer.open_sample(*KEY)
    assert time.monotonic() - seen[0][4] < 2
    assert seen[0][:3] == (2, 7, True)
    assert "Ilya Ravkin" in seen[0][3]
    assert "CC BY 3.0" in seen[0][3]
    assert len(viewer.layers) == 0
    qtbot.waitUntil(lambda: not any(isinstance(shown, FetchWindow) for shown in QApplication.topLevelWidgets()))


@pytest.mark.parametrize("fault", ["dies", 404, b"something else"])
def test_an_error_in_the_menu_becomes_one_clear_notification(viewer, small_bbbc013, monkeypatch, notes, fault):
    receive = notification_manager.receive_error
    small_bbbc013.faults[IMAGE] = fault
    (entry,) = (
        action
        for menu in viewer.window.file_menu.actions()
        if menu.menu() and "Open Sample" in menu.text().replace("&", "")
        for action in _entries(menu.menu())
        if action.text().startswith("BBBC013")
    )
    # Where Qt leaves errors, and napari takes them; a traceback that is kept would keep the viewer.
    with monkeypatch.context() as patch:
        patch.setattr(sys, "excepthook", lambda kind, error, _: receive(kind, error.with_traceback(None)))
        entry.trigger()
    sys.last_traceback = None
    ((severity, message),) = notes
    assert severity == "error"
    assert "2 of 7 files are in" in message
    assert "by hand" in message
    assert len(viewer.layers) == 0


def _entries(menu):
    menu.aboutToShow.emit()
    for action in menu.actions():
        if action.menu():
            yield from _entries(action.menu())
        else:
            yield action
