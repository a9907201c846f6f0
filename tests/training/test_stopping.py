"""Stopping, going on, and failing without losing anything."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from napari_biogans.cells import write_cells
from napari_biogans.models import load_model
from napari_biogans.training import (
    DeviceMemoryError,
    Metrics,
    Run,
    RunError,
    StepDone,
    TrainingConfig,
    TrainingDivergedError,
    TrainingError,
    iterate_training,
    resume,
    train,
)
from napari_biogans.training.state import TrainingState

from .test_train import same_weights


@pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_resumed_run_ends_where_one_that_went_through_does(cells, settings, tmp_path, objective, precision):
    settings |= {"objective": objective, "precision": precision, "critic_steps": 2, "log_every": 7}
    whole = train(cells, tmp_path / "whole", progress=False, steps=40, **settings)
    train(cells, tmp_path / "parts", progress=False, steps=20, **settings)
    resumed = resume(tmp_path / "parts", cells, progress=False, steps=40)
    assert same_weights(whole, resumed)
    assert whole.header.step == resumed.header.step == 40
    assert Run(tmp_path / "parts").config.steps == 40


def test_a_stop_between_metrics_and_samples_is_resumed_exactly(cells, settings, tmp_path):
    settings |= {"log_every": 5, "steps": 23}
    whole = train(cells, tmp_path / "whole", progress=False, **settings)
    steps = iter(range(1000))
    train(cells, tmp_path / "parts", progress=False, should_stop=lambda: next(steps) == 7, **settings)
    assert max(Run(tmp_path / "parts").checkpoints()) == 8
    resumed = resume(tmp_path / "parts", cells, progress=False)
    assert same_weights(whole, resumed)
    rows = [Run(tmp_path / name).metrics().drop(columns="seconds") for name in ("whole", "parts")]
    assert rows[0].equals(rows[1])


def test_the_cells_are_found_again_where_they_were_read(cells, settings, tmp_path):
    write_cells(cells, tmp_path / "cells")
    train(tmp_path / "cells", tmp_path / "run", progress=False, steps=2, **settings)
    assert resume(tmp_path / "run", progress=False, steps=3).header.step == 3


def test_cells_that_have_moved_are_asked_for(cells, settings, tmp_path):
    write_cells(cells, tmp_path / "cells")
    train(tmp_path / "cells", tmp_path / "run", progress=False, steps=2, **settings)
    (tmp_path / "cells").rename(tmp_path / "moved")
    with pytest.raises(RunError, match="no longer at"):
        resume(tmp_path / "run", progress=False, steps=3)
    assert resume(tmp_path / "run", tmp_path / "moved", progress=False, steps=3).header.step == 3


def test_stop_saves_and_returns_the_model(cells, settings, tmp_path):
    model = train(cells, tmp_path / "run", progress=False, steps=1000, should_stop=lambda: True, **settings)
    assert model.header.step == 1
    assert same_weights(load_model(tmp_path / "run"), model)
    assert list(Run(tmp_path / "run").checkpoints()) == [1]


def test_closing_the_events_saves(cells, settings, tmp_path):
    events = iterate_training(cells, tmp_path / "run", TrainingConfig(steps=1000, **settings))
    for event in events:
        if isinstance(event, StepDone) and event.step == 3:
            break
    events.close()
    assert list(Run(tmp_path / "run").checkpoints()) == [3]
    assert load_model(tmp_path / "run").header.step == 3
    assert resume(tmp_path / "run", cells, progress=False, steps=4).header.step == 4


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_saves(cells, settings, tmp_path):
    write_cells(cells, tmp_path / "cells")
    script = (
        "import sys, napari_biogans as biogans\n"
        f"model = biogans.train({str(tmp_path / 'cells')!r}, {str(tmp_path / 'run')!r}, progress=False, steps=10**8,\n"
        f"    on_event=lambda event: print(event.step if hasattr(event, 'rate') else '', flush=True), **{settings!r})\n"
        "print('model', model.header.step)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.strip() == "3":
            break
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    step = int(output.split("model ")[1])
    assert process.returncode == 0
    assert list(Run(tmp_path / "run").checkpoints()) == [step]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL does not exist on Windows")
def test_a_killed_run_goes_on_from_its_last_checkpoint(cells, settings, tmp_path):
    write_cells(cells, tmp_path / "cells")
    settings |= {"checkpoint_every": 3, "log_every": 1}
    script = (
        "import napari_biogans as biogans\n"
        f"cells, run = {str(tmp_path / 'cells')!r}, {str(tmp_path / 'run')!r}\n"
        f"biogans.train(cells, run, progress=False, steps=10**8, **{settings!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    run = None
    deadline = time.monotonic() + 60
    while (run is None or len(run.checkpoints()) < 2) and time.monotonic() < deadline:
        time.sleep(0.01)
        if (tmp_path / "run" / "config.json").exists():
            run = Run(tmp_path / "run")
    process.kill()
    process.wait()
    last = max(run.checkpoints())
    resumed = resume(tmp_path / "run", progress=False, steps=last + 2)
    assert resumed.header.step == last + 2
    assert Run(tmp_path / "run").metrics()["step"].is_monotonic_increasing
    assert Run(tmp_path / "run").metrics()["step"].is_unique


def test_divergence_stops_with_the_last_good_checkpoint(cells, settings, tmp_path, monkeypatch):
    settings |= {"checkpoint_every": 4, "log_every": 1}
    advance = TrainingState.advance

    def spoil(state):
        advance(state)
        if state.step == 6:
            with torch.no_grad():
                next(state.critic.parameters()).fill_(float("nan"))

    monkeypatch.setattr(TrainingState, "advance", spoil)
    with pytest.raises(TrainingDivergedError, match="step 4, is kept") as raised:
        train(cells, tmp_path / "run", progress=False, steps=50, **settings)
    assert "learning rate" in str(raised.value)
    assert not isinstance(raised.value, RuntimeError)
    assert list(Run(tmp_path / "run").checkpoints()) == [4]
    assert load_model(tmp_path / "run").header.step == 4


def test_a_learning_rate_that_is_far_too_large_diverges_with_advice(cells, settings, tmp_path):
    with pytest.raises(TrainingDivergedError, match="smaller learning rate"):
        train(cells, tmp_path / "run", progress=False, steps=200, learning_rate=1e6, **settings)


def test_infinite_weights_are_never_saved(cells, settings, tmp_path, monkeypatch):
    advance = TrainingState.advance

    def spoil(state):
        advance(state)
        with torch.no_grad():
            next(state.generator.parameters()).fill_(float("inf"))

    monkeypatch.setattr(TrainingState, "advance", spoil)
    settings["log_every"] = 100
    with pytest.raises(TrainingDivergedError, match="weights"):
        train(cells, tmp_path / "run", progress=False, steps=50, should_stop=lambda: True, **settings)
    assert not Run(tmp_path / "run").checkpoints()
    assert not Run(tmp_path / "run").model_path.exists()


def test_a_device_out_of_memory_says_which_batch_fits(cells, settings, tmp_path, monkeypatch):
    advance = TrainingState.advance

    def small_device(state):
        if state.config.batch_size > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        advance(state)

    monkeypatch.setattr(TrainingState, "advance", small_device)
    settings["batch_size"] = 32
    with pytest.raises(DeviceMemoryError, match=r"batch of 32 cells. A batch of 4 fits"):
        train(cells, tmp_path / "run", progress=False, steps=5, **settings)


def test_a_device_where_nothing_fits_says_so(cells, settings, tmp_path, monkeypatch):
    def no_memory(state):
        raise RuntimeError("MPS backend out of memory")

    monkeypatch.setattr(TrainingState, "advance", no_memory)
    with pytest.raises(DeviceMemoryError, match="smaller width"):
        train(cells, tmp_path / "run", progress=False, steps=5, **settings)


def test_other_failures_pass_through(cells, settings, tmp_path, monkeypatch):
    def broken(state):
        raise RuntimeError("a bug")

    monkeypatch.setattr(TrainingState, "advance", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        train(cells, tmp_path / "run", progress=False, steps=5, **settings)
    assert "a bug" in Run(tmp_path / "run").log_path.read_text()


def test_what_cannot_be_resumed_is_refused(cells, cells_16_bit, settings, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(RunError, match=r"no run in this folder"):
        resume(tmp_path, cells)
    train(cells, run, progress=False, steps=2, **settings)
    with pytest.raises(RunError, match="at step 2 already"):
        resume(run, cells)
    with pytest.raises(RunError, match="not the cells"):
        resume(run, cells_16_bit, steps=3)
    with pytest.raises(RunError, match="Give the same cells"):
        resume(run, steps=3)
    with pytest.raises(TrainingError, match="keeps its width"):
        resume(run, cells, steps=3, width=8)
    checkpoint = Run(run).checkpoint_path(2)
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match="cannot be resumed"):
        resume(run, cells, steps=3)
    checkpoint.unlink()
    with pytest.raises(RunError, match="no checkpoint"):
        resume(run, cells, steps=3)
    (run / "config.json").write_text("{}")
    with pytest.raises(RunError, match="not the configuration"):
        resume(run, cells)


def test_metrics_are_written_as_they_come(cells, settings, tmp_path):
    settings["log_every"] = 2
    for event in iterate_training(cells, tmp_path / "run", TrainingConfig(steps=6, **settings)):
        if isinstance(event, Metrics):
            assert Run(tmp_path / "run").last_metrics()["critic_loss"] == pytest.approx(event.critic_loss)
