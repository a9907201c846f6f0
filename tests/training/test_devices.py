"""On what to compute."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from napari_biogans.training import TrainingError
from napari_biogans.training.devices import choose_device, choose_precision, choose_threads, chosen_threads


@pytest.fixture
def four_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("processors", "alone", "beside"), [(1, 1, 1), (2, 2, 1), (4, 4, 3), (16, 4, 4)])
def test_a_processor_is_left_to_the_main_thread(monkeypatch, four_threads, processors, alone, beside):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(processors)), raising=False)
    assert choose_threads() == alone
    with chosen_threads():
        assert torch.get_num_threads() == alone
    assert torch.get_num_threads() == 4
    with ThreadPoolExecutor() as pool:
        assert pool.submit(choose_threads).result() == beside


def test_whoever_sets_the_threads_is_obeyed(monkeypatch, four_threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert choose_threads() == 4


def test_the_best_device_is_found():
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device().type == expected
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["abacus", "cuda:99", "meta"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(TrainingError, match="take auto"):
        choose_device(name)


def test_precision():
    cpu = torch.device("cpu")
    assert choose_precision("float32", cpu) is torch.float32
    assert choose_precision("bfloat16", cpu) is torch.bfloat16
    assert choose_precision("auto", cpu) in (torch.float32, torch.bfloat16)
    assert choose_precision("auto", torch.device("mps")) is torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_trains_resumes_and_draws(cells, settings, tmp_path):
    from napari_biogans.training import resume, train

    settings |= {"device": "cuda", "precision": "auto"}
    train(cells, tmp_path / "run", progress=False, steps=3, **settings)
    model = resume(tmp_path / "run", cells, progress=False, steps=6)
    assert model.device.type == "cuda"
    assert model.generate(4, seed=0).shape == (1, 4, 2, 24, 40)


def test_what_begins_beside_a_choice_is_not_bound_by_it(monkeypatch, four_threads):
    """As a training that is begun while a test with one thread per critic runs, and ends after or before it."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(4)), raising=False)
    found = []

    def train(has_begun, may_end):
        with chosen_threads():
            found.append(torch.get_num_threads())
            has_begun.set()
            may_end.wait()

    for ends_first in (True, False):
        has_begun, may_end = threading.Event(), threading.Event()
        training = threading.Thread(target=train, args=(has_begun, may_end))
        with chosen_threads(1):
            training.start()
            has_begun.wait()
            if ends_first:
                may_end.set()
                training.join()
                assert torch.get_num_threads() == 1
        may_end.set()
        training.join()
        later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        later.start()
        later.join()
    assert found == [3, 4] * 2
