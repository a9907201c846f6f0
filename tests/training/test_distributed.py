"""One training by several processes: the same as by one, whatever happens to them."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from napari_biogans.cells import write_cells
from napari_biogans.models import load_model
from napari_biogans.training import (
    DeviceMemoryError,
    Run,
    TrainingError,
    TrainingStoppedError,
    WorkerLostError,
    make_config,
    memory,
    resume,
    train,
)
from napari_biogans.training.devices import choose_device, choose_threads
from napari_biogans.training.distributed import Place, Workers
from napari_biogans.training.memory_estimate import estimate_memory
from napari_biogans.training.notes import Notes
from napari_biogans.training.state import TrainingState

from . import worker_program as program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="torchrun and signals are other ones on Windows")
PROGRAM = Path(program.__file__)
# Sums over workers differ from those of one process in how they are rounded.
ROUNDING = 1e-5
SETTINGS = {
    **program.TINY,
    "architecture": "joint",
    "objective": "gan",
    "batch_size": 7,
    "log_every": 1,
    "sample_every": 10_000,
    "samples": 1,
}
OPTIONS = [text for name, value in SETTINGS.items() for text in (f"--{name.replace('_', '-')}", str(value))]


def start(*command):
    """Start two workers."""
    # This machine only, which no name service has to know.
    loopback = {"linux": "lo", "darwin": "lo0"}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": loopback.get(sys.platform, "")}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.Popen(
        [*torchrun, *map(str, command)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def end_of(process):
    """Wait until all have ended, and give what they said; none is left behind if they do not."""
    everyone = [*psutil.Process(process.pid).children(recursive=True), process]
    try:
        return process.communicate(timeout=120)[0]
    except subprocess.TimeoutExpired:
        for one in everyone:
            one.kill()
        pytest.fail(f"The workers did not end:\n{process.communicate()[0]}")


def start_training(cells, run, *options):
    """Start a training, and give its process and those of its workers by rank once it has logged some steps."""
    process = start("-m", "napari_biogans.cli", "train", cells, "-o", run, "--steps", 10**6, *OPTIONS, *options)
    while not is_at(run, 3):
        if process.poll() is not None:
            pytest.fail(end_of(process))
        time.sleep(0.02)
    workers = {int(child.environ()["RANK"]): child for child in psutil.Process(process.pid).children()}
    return process, workers


def is_at(folder, step):
    path = folder / "metrics.csv"
    return path.exists() and path.read_text().count("\n") > step


def errors_in(output):
    return re.findall(r"^Error: .*", output, re.MULTILINE)


def assert_same_training(folder, other):
    """The last checkpoints hold the same, but for rounding."""
    mine, theirs = (load_file(max(Run(path).checkpoints().items())[1]) for path in (folder, other))
    assert_same_tensors(mine, theirs)


def assert_same_tensors(mine, theirs):
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-4, atol=ROUNDING, msg=lambda text: f"{name}: {text}")  # noqa: B023


@pytest.fixture(scope="module")
def stored_cells(cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("together") / "cells"
    write_cells(cells, folder)
    return folder


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """What two workers computed, in a folder."""
    folder = tmp_path_factory.mktemp("computed")
    output = end_of(start(PROGRAM, "compute", folder))
    assert (folder / "undone.safetensors").exists(), output
    return folder


@pytest.mark.parametrize("name", program.TYPES)
def test_a_norm_over_two_workers_is_that_of_the_joined_batch(computed, name):
    parts = [load_file(computed / f"norm-{name}-{rank}.safetensors") for rank in range(2)]
    assert [len(part["outputs"]) for part in parts] == [4, 3]
    expected = program.normalised(*program.new_norm(name))
    exact = {"rtol": 1e-9, "atol": 1e-9} if name == "float64" else {"rtol": 2e-2, "atol": 2e-2}
    for key in ("outputs", "of_images"):
        torch.testing.assert_close(torch.cat([part[key] for part in parts]), expected.pop(key), **exact)
    for key in ("of_weight", "of_bias"):
        torch.testing.assert_close(sum(part[key] for part in parts), expected.pop(key), **exact)
    for key, statistic in expected.items():
        for part in parts:
            torch.testing.assert_close(part[key], statistic, **exact)


@pytest.mark.parametrize("name", program.CASES)
def test_two_workers_train_as_one_process_with_the_joined_batch(computed, tmp_path, name):
    alone = program.new_state(name)
    before = torch.cat([weight.detach().flatten() for weight in alone.generator.parameters()])
    for _ in range(program.STEPS):
        alone.advance()
    moved = torch.cat([weight.detach().flatten() for weight in alone.generator.parameters()]) - before
    assert moved.abs().max() > 10 * ROUNDING
    alone.save(tmp_path / "alone.safetensors", 0.0)
    first, second = (load_file(computed / f"{name}-{rank}.safetensors") for rank in range(2))
    assert_same_tensors(first, load_file(tmp_path / "alone.safetensors"))
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key


def test_a_step_in_which_a_worker_is_lost_is_undone(computed):
    name = list(program.CASES)[-1]
    before, torn, undone = (load_file(computed / f"{n}.safetensors") for n in (f"{name}-0", "torn", "undone"))
    assert any(not torch.equal(torn[key], tensor) for key, tensor in before.items() if key.startswith("critic."))
    assert undone.keys() == before.keys()
    for key, tensor in before.items():
        assert torch.equal(undone[key], tensor), key


@pytest.mark.slow
def test_a_lost_worker_ends_all_and_one_process_goes_on(stored_cells, tmp_path):
    process, workers = start_training(stored_cells, tmp_path / "run")
    workers[1].kill()
    output = end_of(process)
    assert process.returncode != 0
    (message,) = errors_in(output)
    (step,) = Run(tmp_path / "run").checkpoints()
    assert "A worker was lost" in message
    assert f"Step {step} is saved" in message
    assert f"napari-biogans resume {tmp_path / 'run'}" in message
    assert load_model(tmp_path / "run").header.step == step

    resume(tmp_path / "run", progress=False, steps=step + 2)
    train(stored_cells, tmp_path / "whole", progress=False, steps=step + 2, **SETTINGS)
    assert_same_training(tmp_path / "run", tmp_path / "whole")
    assert Run(tmp_path / "run").metrics()["step"].tolist() == list(range(1, step + 3))


@pytest.mark.slow
def test_the_loss_of_the_worker_that_writes_is_told_by_another(stored_cells, tmp_path):
    process, workers = start_training(stored_cells, tmp_path / "run", "--checkpoint-every", "1")
    workers[0].kill()
    output = end_of(process)
    assert process.returncode != 0
    (message,) = errors_in(output)
    assert "worker 0, which saves the run" in message
    assert Run(tmp_path / "run").checkpoints()


@pytest.mark.slow
def test_what_one_process_began_two_go_on_with(stored_cells, tmp_path):
    train(stored_cells, tmp_path / "run", progress=False, steps=3, **SETTINGS)
    process = start("-m", "napari_biogans.cli", "resume", tmp_path / "run", "--steps", 6)
    output = end_of(process)
    assert process.returncode == 0, output
    assert output.count("All 6 steps done") == 1
    train(stored_cells, tmp_path / "whole", progress=False, steps=6, **SETTINGS)
    assert_same_training(tmp_path / "run", tmp_path / "whole")
    rows = [Run(tmp_path / name).metrics().drop(columns="seconds").to_numpy() for name in ("run", "whole")]
    assert rows[0] == pytest.approx(rows[1], rel=1e-4, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("who", "wish"), [("all", signal.SIGTERM), ("one", signal.SIGINT)])
def test_a_wish_to_stop_reaches_all(stored_cells, tmp_path, who, wish):
    process, workers = start_training(stored_cells, tmp_path / "run")
    (process if who == "all" else workers[1]).send_signal(wish)
    output = end_of(process)
    (step,) = Run(tmp_path / "run").checkpoints()
    assert re.findall(r"^Stopped at step (\d+)", output, re.MULTILINE) == [str(step)]
    assert not errors_in(output)
    assert resume(tmp_path / "run", progress=False, steps=step + 1).header.step == step + 1


@pytest.mark.slow
def test_a_refusal_is_said_once(stored_cells, tmp_path):
    """By worker 0, who alone looks at the folder of the run; the other one does not wait for it."""
    train(stored_cells, tmp_path / "run", progress=False, steps=1, **SETTINGS)
    process = start("-m", "napari_biogans.cli", "train", stored_cells, "-o", tmp_path / "run", *OPTIONS)
    output = end_of(process)
    assert process.returncode != 0
    (message,) = errors_in(output)
    assert "there is a run in this folder already" in message
    assert list(Run(tmp_path / "run").checkpoints()) == [1]


@pytest.mark.slow
def test_what_fails_on_one_worker_is_told_by_the_first(cells, tmp_path):
    write_cells(cells, tmp_path / "cells")
    process = start(PROGRAM, "fail", tmp_path)
    output = end_of(process)
    assert process.returncode != 0
    (message,) = re.findall(r"^worker 0 ends: .*", output, re.MULTILINE)
    assert "Worker 1 failed: no such luck. Step 3 is saved." in message
    assert list(Run(tmp_path / "run").checkpoints()) == [3]


def be_worker(monkeypatch, rank=1, count=2):
    places = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
    for name, value in places.items():
        monkeypatch.setenv(name, str(value))


def test_a_batch_that_cannot_be_shared_is_refused():
    workers = Workers(Place(rank=0, count=3, local_rank=0, local_count=3))
    workers.check_settings(3, torch.device("cpu"))
    with pytest.raises(TrainingError, match="batch of 2 cells cannot be shared by 3 workers"):
        workers.check_settings(2, torch.device("cpu"))
    with pytest.raises(TrainingError, match="cannot share the device mps"):
        workers.check_settings(3, torch.device("mps"))
    with pytest.raises(TrainingError, match="GPU of its own"):
        workers.check_settings(3, torch.device("cuda:1"))


@pytest.fixture
def two():
    """Two workers that can leave each other notes, and are in this process."""
    notes = Notes(torch.distributed.HashStore())
    return [Workers(Place(rank=rank, count=2, local_rank=rank, local_count=2), notes) for rank in range(2)]


def agree(worker, error=None):
    with worker.agreed():
        if error is not None:
            raise error


def test_workers_wait_for_each_other_before_they_begin(two):
    with ThreadPoolExecutor() as pool:
        first = pool.submit(agree, two[0])
        assert not wait([first], timeout=0.2).done
        agree(two[1])
        assert first.result(60) is None


def test_what_one_worker_cannot_begin_with_none_begins(two):
    with pytest.raises(LookupError, match="no cells"):
        agree(two[1], LookupError("There are no cells here."))
    with pytest.raises(TrainingError, match=r"Worker 1 of 2 cannot take part: There are no cells here\."):
        agree(two[0])


def test_workers_end_while_they_wait_if_they_have_to(two):
    two[0]._terminate()
    with pytest.raises(TrainingStoppedError, match="waiting for worker 1"):
        agree(two[0])


def test_that_the_first_worker_has_not_begun_is_told_by_another(two):
    two[1]._terminate()
    with pytest.raises(WorkerLostError, match="waiting for worker 0") as raised:
        agree(two[1])
    assert raised.value.first_is_lost


@pytest.mark.parametrize("what", ["device", "cells"])
def test_workers_that_differ_where_they_must_not_are_refused(two, what):
    for name, fact in {"device": "cpu", "cells": "some", what: "other"}.items():
        two[1]._notes.leave(f"{name}-1", fact)
    with pytest.raises(TrainingError, match=f"Workers 0 and 1 differ in {what}"):
        two[0].connect(torch.device("cpu"), cells="some")


def test_memory_is_that_of_a_worker(cells, monkeypatch):
    config = make_config(**{**SETTINGS, "batch_size": 64, "width": 32})
    needed = estimate_memory(cells, config, torch.device("cpu")).of_batch(64)
    monkeypatch.setattr(memory, "available_memory", lambda _: round(0.7 * needed))
    with pytest.raises(DeviceMemoryError):
        memory.check_memory(cells, config)
    # Two on two machines have twice the memory, two on one share it.
    memory.check_memory(cells, config, Workers(Place(rank=0, count=2, local_rank=0, local_count=1)))
    with pytest.raises(DeviceMemoryError):
        memory.check_memory(cells, config, Workers(Place(rank=0, count=2, local_rank=0, local_count=2)))


def test_a_worker_out_of_memory_tries_nothing_without_the_others(monkeypatch):
    steps = []

    def no_memory(state):
        steps.append(state.step)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TrainingState, "advance", no_memory)
    state = program.new_state("joint", workers=Workers(Place(rank=1, count=2, local_rank=1, local_count=2)))
    with pytest.raises(DeviceMemoryError, match="its part of a batch of 7 cells"):
        memory.advance(state)
    assert steps == [0]


def test_every_worker_takes_a_gpu_and_its_share_of_the_processors(monkeypatch):
    be_worker(monkeypatch, rank=1, count=2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda:1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(TrainingError, match=r"start as many processes on it as it has GPUs \(1\)"):
        choose_device("cuda")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert choose_threads() == 4


def test_half_an_environment_is_refused(monkeypatch):
    be_worker(monkeypatch)
    monkeypatch.delenv("LOCAL_RANK")
    with pytest.raises(TrainingError, match="torchrun"):
        Place.from_environment()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert Place.from_environment() == Place()
