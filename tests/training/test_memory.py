"""Memory: estimated before a training, and told at its end."""

import json
import os
import re
import subprocess
import sys

import pytest
import torch

from napari_biogans.training import (
    DeviceMemoryError,
    Run,
    Saved,
    TrainingConfig,
    memory,
    resume,
    train,
)
from napari_biogans.training.device_memory import available_memory, left_in_control_groups, peak_memory
from napari_biogans.training.memory_estimate import estimate_memory

CPU = torch.device("cpu")
MB = 10**6

TAKEN = """
import json, sys, numpy as np, torch
from napari_biogans.cells import CellSet
from napari_biogans.training import Saved, TrainingConfig, train
from napari_biogans.training.device_memory import peak_memory
from napari_biogans.training.memory_estimate import estimate_memory

pixels = np.random.default_rng(0).integers(0, 255, (100, 2, 48, 80), dtype=np.uint8)
cells, peaks = CellSet([pixels], ["class"]), []
settings = {"device": "cpu", "precision": "float32", "critic_steps": 1, "steps": 2}

def note(event):
    if isinstance(event, Saved):
        peaks.append(event.peak_memory)

train(cells, sys.argv[1] + "/small", progress=False, on_event=note, **settings, width=4, batch_size=2)
train(cells, sys.argv[1] + "/large", progress=False, on_event=note, **settings, width=32, batch_size=256)
estimate = estimate_memory(cells, TrainingConfig(**settings, width=32, batch_size=256), torch.device("cpu"))
print(json.dumps({"taken": peaks[1] - peaks[0], "estimate": estimate.of_batch(256)}))
"""


@pytest.fixture
def is_available(monkeypatch):
    """Say how much memory there is, in bytes."""

    def say(amount):
        monkeypatch.setattr(memory, "available_memory", lambda device: amount)

    return say


def needed_for(cells, settings, batch_size):
    return estimate_memory(cells, TrainingConfig(**settings), CPU).of_batch(batch_size)


def test_a_batch_that_cannot_fit_is_refused_before_there_is_a_run(cells, settings, tmp_path, is_available):
    settings["batch_size"] = 20_000
    is_available(int(needed_for(cells, settings, 1000) * 1.3) + 1)
    with pytest.raises(DeviceMemoryError, match=r"batch of 20000 cells: about .* would be needed") as raised:
        train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    assert not (tmp_path / "run").exists()
    assert f"{needed_for(cells, settings, 20_000) / 1e9:.1f} GB" in str(raised.value)
    assert f"{needed_for(cells, settings, 1000) * 1.3 / 1e9:.1f} GB are free" in str(raised.value)
    fitting = int(re.search(r"A batch of (\d+) should fit", str(raised.value))[1])
    assert fitting == 1000


def test_the_batch_that_is_proposed_trains(cells, settings, tmp_path, is_available):
    settings["batch_size"] = 500
    is_available(needed_for(cells, settings, 100))
    with pytest.raises(DeviceMemoryError) as raised:
        train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    settings["batch_size"] = int(re.search(r"A batch of (\d+)", str(raised.value))[1])
    assert train(cells, tmp_path / "run", progress=False, steps=1, **settings).header.step == 1


def test_a_larger_batch_is_proposed_though_the_pause_would_not_leave_the_margin(
    cells, settings, tmp_path, is_available
):
    settings |= {"width": 64, "batch_size": 20_000}
    estimate = estimate_memory(cells, TrainingConfig(**settings), CPU)
    is_available(int(estimate.pause * 1.1))
    with pytest.raises(DeviceMemoryError) as raised:
        train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    fitting = int(re.search(r"A batch of (\d+) should fit", str(raised.value))[1])
    assert fitting > 2
    assert estimate.of_batch(fitting) <= 1.3 * 1.1 * estimate.pause


def test_networks_that_cannot_fit_need_a_smaller_width(cells, settings, tmp_path, is_available):
    settings |= {"width": 1024, "architecture": "star-shaped"}
    is_available(100 * MB)
    with pytest.raises(DeviceMemoryError, match=r"Even a batch of 2 would need .*: take a smaller width"):
        train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    assert not (tmp_path / "run").exists()


def test_a_training_that_may_fit_is_not_refused(cells, settings, tmp_path, is_available):
    settings["batch_size"] = 100
    is_available(int(needed_for(cells, settings, 100) / 1.25))
    assert train(cells, tmp_path / "tight", progress=False, steps=1, **settings).header.step == 1
    is_available(None)
    assert train(cells, tmp_path / "not known", progress=False, steps=1, **settings).header.step == 1


def test_a_run_is_not_gone_on_with_where_it_cannot_fit(cells, settings, tmp_path, is_available):
    train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    log = Run(tmp_path / "run").log_path.read_text()
    is_available(1000)
    with pytest.raises(DeviceMemoryError, match="too little memory"):
        resume(tmp_path / "run", cells, progress=False, steps=3)
    assert Run(tmp_path / "run").log_path.read_text() == log
    assert Run(tmp_path / "run").config.steps == 1


def test_the_estimate_follows_what_is_asked_for(cells):
    def estimate(**settings):
        return estimate_memory(cells, TrainingConfig(**{"width": 16, "precision": "float32", **settings}), CPU)

    usual = estimate()
    assert usual.of_batch(128) > usual.of_batch(64)
    assert estimate(width=32).networks > 2.5 * usual.networks
    for step in ("critic_step", "generator_step"):
        assert getattr(estimate(width=32), step) > 1.5 * getattr(usual, step)
        assert getattr(estimate(precision="bfloat16"), step) < getattr(usual, step)
    # Batch norms see a whole batch; other critics see some cells at a time, and hold more of each.
    assert estimate(objective="gan").critic_step < usual.critic_step
    assert usual.at_once < 100 < estimate(objective="gan").at_once
    assert estimate(averaging=False).networks < usual.networks
    assert estimate(architecture="independent").networks > 1.9 * estimate(architecture="joint").networks
    # Two classes are put into one array; by class, the arrays are used as they are.
    assert (usual.cells, estimate(architecture="star-shaped").cells) == (cells.nbytes, 0)
    for batch in (2, 64, 1000):
        assert usual.largest_batch(usual.of_batch(batch)) >= batch
        assert usual.largest_batch(usual.of_batch(1000) - 1) == 999


@pytest.mark.skipif(sys.platform != "linux", reason="how the peak of a process grows is known of Linux only")
@pytest.mark.slow
def test_the_estimate_is_near_what_is_held(tmp_path):
    """Above it, since a C library keeps some of what is free; here glibc is asked to give back large blocks at once."""
    gives_back = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(
        [sys.executable, "-c", TAKEN, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env={**os.environ, **gives_back},
    )
    found = json.loads(done.stdout)
    assert found["taken"] < found["estimate"] < 1.7 * found["taken"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak")
def test_the_peak_is_told(cells, settings, tmp_path):
    events = []
    train(cells, tmp_path / "run", progress=False, on_event=events.append, steps=2, checkpoint_every=1, **settings)
    peaks = [event.peak_memory for event in events if isinstance(event, Saved)]
    # A Python with torch takes more than that; bytes mistaken for kilobytes would be more than any machine has.
    assert 50 * MB < peaks[0] <= peaks[1] < 10**12
    words = f"; peak memory of the whole process: {peaks[-1] / 1e9:.1f} GB"
    assert Run(tmp_path / "run").log_path.read_text().rstrip().endswith(words)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_peak_of_a_gpu_is_that_of_the_training(cells, settings, tmp_path):
    events = []
    torch.empty(10**9, dtype=torch.uint8, device="cuda")
    train(cells, tmp_path / "run", progress=False, on_event=events.append, **{**settings, "steps": 1, "device": "cuda"})
    peak = next(event.peak_memory for event in events if isinstance(event, Saved))
    assert 0 < peak < 10**9
    assert available_memory(torch.device("cuda")) > 10**9


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak")
def test_the_peak_is_not_that_of_whoever_started_the_process():
    held = b"x" * (600 * MB)
    code = "import torch; from napari_biogans.training.device_memory import peak_memory\n"
    code += "print(peak_memory(torch.device('cpu')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert int(done.stdout) < len(held)


def test_memory_of_the_machine(monkeypatch):
    assert 10 * MB < available_memory(CPU) < 10**14
    mps = torch.device("mps")
    assert (available_memory(mps), peak_memory(mps)) == (None, None)
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert available_memory(CPU) is None


def write_group(folder, **values):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / f"memory.{name}").write_text(f"{value}\n")


def test_what_a_container_leaves(tmp_path):
    """Limits of the group and of those above it; what is kept of files is given up when it is needed."""
    write_group(tmp_path / "job", max=1000, current=300, stat="anon 100\ninactive_file 40\nactive_file 20")
    write_group(tmp_path / "job" / "step", max="max", current=300, stat="anon 100")
    assert left_in_control_groups("0::/job/step\n", tmp_path) == [760]


def test_what_a_container_of_the_first_version_leaves(tmp_path):
    of_all = {"limit_in_bytes": 2**63 - 4096, "usage_in_bytes": 900, "stat": "total_inactive_file 0"}
    write_group(tmp_path / "memory", **of_all)
    assert left_in_control_groups("3:cpuset:/\n2:memory:/docker/abc\n0::/\n", tmp_path) == []
    # The path is that outside of the container, in which its group is the root.
    write_group(tmp_path / "memory", **of_all | {"limit_in_bytes": 1000, "stat": "total_inactive_file 50"})
    assert left_in_control_groups("3:cpuset:/\n2:memory:/docker/abc\n0::/\n", tmp_path) == [150]
