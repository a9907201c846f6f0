"""Long jobs take turns: one at a time on each device."""

import gc
import threading
import traceback
import weakref

import pytest
from qtpy.QtCore import QThreadPool

from napari_biogans.plugin import jobs
from napari_biogans.plugin.latest_work import LatestWork

from .conftest import WAIT_MS


class Job:
    """A job that runs until it is let go, or stopped."""

    def __init__(self, name, device="cpu", error=None):
        self.name, self.device, self.error = name, device, error
        self.may_end, self.told = threading.Event(), []
        self.work = LatestWork(is_long=True)
        self.work.waits.connect(self.told.append)
        for signal, text in (("began", "began"), ("withdrawn", "withdrawn")):
            getattr(self.work, signal).connect(lambda text=text: self.told.append(text))
        self.work.returned.connect(lambda value: self.told.append(f"returned {value}"))
        self.work.failed.connect(lambda error: self.told.append(f"failed: {error}"))

    def begin(self):
        self.work.begin(self.name, self._run, self.device)
        return self

    def _run(self, should_stop):
        while not (self.may_end.is_set() or should_stop()):
            yield
            self.may_end.wait(0.001)
        if self.error is not None:
            raise self.error
        return "stopped" if should_stop() else "all"


@pytest.fixture
def begin(qtbot):
    begun = []

    def start(name, **keywords):
        begun.append(Job(name, **keywords).begin())
        return begun[-1]

    yield start
    for job in begun:
        job.may_end.set()
        if hasattr(job, "work"):
            job.work.abandon()
    QThreadPool.globalInstance().waitForDone(WAIT_MS)


@pytest.fixture
def until(qtbot):
    return lambda condition: qtbot.waitUntil(condition, timeout=WAIT_MS)


def test_jobs_of_a_device_run_in_order_one_at_a_time(begin, until):
    first, second, third = (begin(name) for name in ("the first", "the second", "the third"))
    assert first.told == ["began"]
    assert second.told[-1] == "Waits for: the first; 2nd in the queue of cpu."
    assert third.told == ["Waits for: the first; 3rd in the queue of cpu."]
    assert third.work.is_running
    first.may_end.set()
    until(lambda: second.told[-1] == "began")
    assert first.told == ["began", "returned all"]
    assert third.told[-1] == "Waits for: the second; 2nd in the queue of cpu."
    second.may_end.set()
    third.may_end.set()
    until(lambda: third.told[-1] == "returned all")
    until(lambda: not jobs.QUEUE.is_busy)


def test_devices_have_queues_of_their_own(begin, until):
    on_cpu, on_gpu, waits = begin("a", device="cpu"), begin("b", device="cuda:0"), begin("c", device="cuda:0")
    assert (on_cpu.told, on_gpu.told) == (["began"], ["began"])
    assert waits.told == ["Waits for: b; 2nd in the queue of cuda:0."]
    on_gpu.may_end.set()
    until(lambda: waits.told[-1] == "began")
    assert on_cpu.work.is_running


@pytest.mark.parametrize(
    "error",
    [ValueError("wrong"), RuntimeError("CUDA out of memory"), MemoryError("no memory"), KeyboardInterrupt("key")],
    ids=lambda error: type(error).__name__,
)
def test_a_job_that_fails_lets_the_next_begin(begin, until, notes, error):
    fails, waits = begin("fails", error=error), begin("waits")
    fails.may_end.set()
    until(lambda: waits.told[-1] == "began")
    assert fails.told == ["began", f"failed: {error}"]
    assert not fails.work.is_running
    assert [text for _, text in notes] == [str(error)]


def test_a_job_that_is_stopped_while_it_waits_leaves_the_queue_without_an_error(begin, until, notes):
    first, second, third = (begin(name) for name in ("the first", "the second", "the third"))
    second.work.stop()
    assert second.told[-1] == "withdrawn"
    assert not second.work.is_running
    assert third.told[-1] == "Waits for: the first; 2nd in the queue of cpu."
    first.may_end.set()
    until(lambda: third.told[-1] == "began")
    assert second.told.count("began") == 0
    second.begin()  # it can be begun anew
    assert second.told[-1] == "Waits for: the third; 2nd in the queue of cpu."
    assert not notes


@pytest.mark.parametrize("which", ["the one that runs", "the one that waits"])
def test_a_job_that_is_abandoned_keeps_nobody_waiting(begin, until, which):
    first, second, third = (begin(name) for name in ("the first", "the second", "the third"))
    abandoned, next_one = (first, second) if which == "the one that runs" else (second, third)
    told = list(abandoned.told)
    abandoned.work.abandon()
    first.may_end.set()
    until(lambda: next_one.told[-1] == "began")
    assert abandoned.told == told, "nothing is heard of it any more"


def test_a_job_whose_owner_is_gone_keeps_nobody_waiting(begin, until):
    first, second, third = (begin(name) for name in ("the first", "the second", "the third"))
    for job in (first, second):
        job.work.deleteLater()
    del first.work, second.work, job
    first.may_end.set()
    second.may_end.set()
    until(lambda: third.told[-1] == "began")


def test_a_pause_keeps_the_device_and_is_told(begin, until):
    first, second = begin("the first"), begin("the second")
    first.work.pause()
    until(lambda: second.told[-1] == "Waits for: the first, which is paused; 2nd in the queue of cpu.")
    first.work.resume()
    until(lambda: second.told[-1] == "Waits for: the first; 2nd in the queue of cpu.")
    first.work.pause()
    first.work.stop()
    until(lambda: second.told[-1] == "began")
    assert first.told[-1] == "returned stopped"


def test_short_work_does_not_wait(begin, qtbot):
    begin("endless")

    def quick(should_stop):
        yield
        return "drawn"

    live = LatestWork()
    with qtbot.waitSignal(live.returned, timeout=WAIT_MS):
        live.begin("drawing a cell", quick)


def test_a_job_may_begin_where_another_is_told_to_have_ended(begin, until):
    first, second = begin("the first"), Job("the second")
    first.work.returned.connect(lambda value: second.begin())
    first.may_end.set()
    until(lambda: second.told[-1:] == ["began"])
    assert "withdrawn" not in second.told
    second.work.abandon()


def test_what_a_job_was_to_work_on_is_forgotten_when_it_leaves(viewer, begin):
    class Pixels:
        pass

    def work(pixels, should_stop):
        yield pixels

    begin("endless")
    pixels, waits = Pixels(), LatestWork()
    is_kept = weakref.ref(pixels)
    waits.begin("waits", lambda should_stop, pixels=pixels: work(pixels, should_stop), "cpu")
    waits.stop()
    del pixels
    gc.collect()
    assert is_kept() is None, "napari keeps the task for as long as the viewer is open"


def test_what_an_error_came_through_is_forgotten(viewer, until):
    class Network:
        pass

    networks = []

    def work(should_stop):
        network = Network()
        networks.append(weakref.ref(network))
        yield
        raise RuntimeError("wrong") from ValueError(id(network))

    job = LatestWork(is_long=True)
    errors = []
    job.failed.connect(errors.append)
    job.begin("fails", work, "cpu")
    until(lambda: bool(errors) and not jobs.QUEUE.is_busy)
    assert networks[0]() is None, "the notification keeps the error with its traceback"
    (error,) = errors
    assert "in work" in "".join(traceback.format_exception(error)), "which still says where it came from"


def test_names_of_devices():
    pytest.importorskip("torch")
    assert jobs.device_name("cpu") == "cpu"
    assert jobs.device_name() in ("cpu", "mps", "cuda:0")
    assert jobs.device_name("there is none such") == "there is none such"


def test_memory_kept_by_torch_is_given_back_after_a_job(begin, until, monkeypatch):
    import torch

    given_back = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: given_back.append(threading.current_thread()))
    job, waits = begin("a job", device="cpu"), begin("another", device="cpu")
    waits.work.stop()
    assert not given_back, "nothing was begun"
    job.may_end.set()
    until(lambda: bool(given_back))
    assert set(given_back) == {threading.main_thread()}
