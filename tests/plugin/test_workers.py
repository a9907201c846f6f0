"""Work in other threads."""

import gc
import threading
import warnings
import weakref
from functools import partial

import pytest
from qtpy.QtCore import QThreadPool

from napari_biogans.cells import CellsError, CellsWarning
from napari_biogans.plugin.workers import WorkError, is_for_users, make_worker

from .conftest import WAIT_MS


@pytest.fixture
def run(qtbot):
    """Run some work and give what became of it."""

    def start(work):
        worker = make_worker("work", work)
        ends = []
        worker.returned.connect(ends.append)
        worker.errored.connect(ends.append)
        worker.start()
        qtbot.waitUntil(lambda: bool(ends), timeout=WAIT_MS)
        return ends[0]

    return start


@pytest.mark.parametrize("error", [RuntimeError("lost by napari"), RecursionError("too"), CellsError("wrong cells")])
def test_every_error_arrives(run, notes, error):
    def work(should_stop):
        yield
        raise error

    end = run(work)
    assert str(end) == str(error)
    assert isinstance(end, WorkError) == isinstance(error, RuntimeError)
    assert not isinstance(end, RuntimeError)
    assert [message for _, message in notes] == [str(error)]


def test_only_messages_for_users_come_without_their_origin():
    assert is_for_users(CellsError("choose others"))
    assert is_for_users(PermissionError("no"))
    assert not is_for_users(WorkError("a bug"))
    assert not is_for_users(KeyError("a bug"))


def test_warnings_of_ours_are_notifications(run, notes):
    def work(should_stop):
        yield
        warnings.warn("cells were cropped", CellsWarning, stacklevel=2)
        return "done"

    assert run(work) == "done"
    assert ("warning", "cells were cropped") in notes


@pytest.mark.parametrize("paused", [False, True])
def test_quitting_lets_the_work_come_to_its_end(qtbot, paused):
    finished = threading.Event()

    def work(should_stop):
        while not should_stop():
            yield 1
        finished.set()

    worker = make_worker("endless work", work)
    with qtbot.waitSignal(worker.yielded, timeout=WAIT_MS):
        worker.start()
    if paused:
        with qtbot.waitSignal(worker.paused, timeout=WAIT_MS):
            worker.pause()
    worker.quit()
    # No events are handled meanwhile, as at the end of the application.
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    assert finished.is_set()
    assert worker.is_abandoned


def test_what_was_worked_on_is_not_kept(qtbot, viewer):
    class Pixels:
        pass

    def work(pixels, should_stop):
        yield
        return isinstance(pixels, Pixels)

    pixels = Pixels()
    is_kept = weakref.ref(pixels)
    worker = make_worker("work", partial(work, pixels))
    with qtbot.waitSignal(worker.finished, timeout=WAIT_MS):
        worker.start()
    del pixels
    gc.collect()
    assert is_kept() is None


def test_pausing_and_going_on_at_once_does_not_pause(qtbot):
    def work(should_stop):
        yield from range(1000)

    worker = make_worker("counting", work)
    with qtbot.waitSignal(worker.returned, timeout=WAIT_MS):
        worker.start()
        worker.pause()
        worker.resume()


def test_napari_names_the_work_when_it_asks_before_closing(viewer):
    from napari_biogans.plugin.workers import Worker

    def work(should_stop):
        yield

    worker = make_worker("training in /runs/1", work)
    (status,) = viewer.window._qt_window._window._task_status_manager.get_status()
    assert status == "napari-worker: training in /runs/1 execution pending"
    assert isinstance(worker, Worker)
    worker.start()
    QThreadPool.globalInstance().waitForDone(WAIT_MS)


def test_of_work_that_was_replaced_nothing_is_heard(qtbot):
    from napari_biogans.plugin.latest_work import LatestWork

    latest, heard = LatestWork(), []
    for signal in (latest.yielded, latest.returned, latest.failed):
        signal.connect(heard.append)
    has_ended = threading.Event()

    def first(should_stop):
        yield "of the first"
        while not should_stop():
            yield
        has_ended.set()
        return "the first"

    def second(should_stop):
        has_ended.wait()
        yield "of the second"
        return "the second"

    latest.begin("the first", first)
    qtbot.waitUntil(lambda: "of the first" in heard, timeout=WAIT_MS)
    latest.begin("the second", second)
    heard.clear()
    assert latest.is_running
    with qtbot.waitSignal(latest.returned, timeout=WAIT_MS):
        pass
    assert heard == ["of the second", "the second"]
    assert not latest.is_running


def test_long_work_leaves_a_thread_for_short_work(qtbot):
    from napari_biogans.plugin.latest_work import LatestWork

    pool = QThreadPool.globalInstance()
    before, may_end = pool.maxThreadCount(), threading.Event()
    pool.setMaxThreadCount(1)
    try:
        long, short = LatestWork(is_long=True), LatestWork()

        def wait(should_stop):
            yield
            may_end.wait()

        def quick(should_stop):
            yield

        long.begin("long work", wait)
        with qtbot.waitSignal(short.returned, timeout=WAIT_MS):
            short.begin("short work", quick)
        assert long.is_running
        with qtbot.waitSignal(long.returned, timeout=WAIT_MS):
            may_end.set()
        assert pool.waitForDone(WAIT_MS)
    finally:
        pool.setMaxThreadCount(before)
