"""What a job computes with is gone once it has ended, however it ended."""

import gc

import numpy as np
import pytest
import torch
from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool

from napari_biogans import CellSet
from napari_biogans.evaluation import work
from napari_biogans.latent.search import LatentSearch
from napari_biogans.plugin import jobs
from napari_biogans.plugin.reconstruct_panel import ReconstructPanel
from napari_biogans.plugin.score_panel import ScorePanel
from napari_biogans.plugin.train_panel import TrainPanel
from napari_biogans.training.steps import GeneratorStep

from .conftest import SIZE, TINY, WAIT_MS

OUT_OF_MEMORY = "CUDA out of memory"
GPU = pytest.param(
    "cuda",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")],
)
WORKSPACES = 2**27
"""Bytes that libraries keep for themselves on a GPU."""


def tensors():
    gc.collect()
    return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def allocated():
    return torch.cuda.memory_allocated() if torch.cuda.is_available() else 0


def reserved():
    return torch.cuda.memory_reserved() if torch.cuda.is_available() else 0


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """Nothing is known from other tests."""
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def cells():
    rng = np.random.default_rng(3)
    return CellSet([rng.integers(0, 255, (16, 2, *SIZE), dtype=np.uint8) for _ in range(2)], ["Alp14", "Tea1"])


@pytest.fixture
def open_panel(shown, qtbot, cells, trained_run, tmp_path):
    """Open a panel that is ready to be started, and give it with its button, how it says what went on, and its end."""
    viewer = ViewerModel()
    for images, name in zip(cells.images, cells.class_names, strict=True):
        for place, colour in enumerate(("red", "green")):
            viewer.add_image(images[:, place], name=f"{name} {colour}")

    def training(device):
        panel = TrainPanel(viewer)
        panel.settings.set_values({**TINY, "steps": 4, "sample_every": 1, "checkpoint_every": 2, "device": device})
        panel.output.set_path(tmp_path / "run")
        return panel, panel.controls.start, panel.controls.status

    def test(device):
        panel = ScorePanel(viewer)
        panel.settings.set_values({"splits": 2, "steps": 4, "width": 2, "batch_size": 4, "device": device})
        return panel, panel.start, panel.status

    def reconstruction(device):
        panel = ReconstructPanel(viewer)
        panel.form.settings.set_values({"steps": 4, "device": device})
        panel.form.model.box.add(trained_run())
        qtbot.waitUntil(panel.start.isEnabled, timeout=WAIT_MS)
        return panel, panel.start, panel.status

    def completion(device):
        panel, _, status = reconstruction(device)
        return panel, panel.classes, status

    kinds = {each.__name__: each for each in (training, test, reconstruction, completion)}

    def make(kind, device):
        panel, start, status = kinds[kind](device)
        return shown(panel), start, status

    return make


@pytest.fixture
def run_once(click, qtbot):
    """Press a button, and wait until the job and what follows it are over, and the dock can be used again."""

    def press(start):
        click(start)
        assert not start.isEnabled()
        qtbot.waitUntil(lambda: not jobs.QUEUE.is_busy and start.isEnabled(), timeout=WAIT_MS)
        QThreadPool.globalInstance().waitForDone(WAIT_MS)
        qtbot.wait(50)

    return press


def broken(*arguments, **keywords):
    raise RuntimeError(OUT_OF_MEMORY)  # of which torch's own error is a kind


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.parametrize("kind", ["training", "test", "reconstruction", "completion"])
def test_nothing_is_left_of_a_job(open_panel, run_once, kind, device, monkeypatch, tmp_path, qtbot):
    panel, start, status = open_panel(kind, device)
    before = tensors(), allocated()

    def all_is_given_back():
        # Docks estimate again how long the next job takes, beside it and for a moment.
        qtbot.waitUntil(lambda: tensors() <= before[0], timeout=WAIT_MS)

    with monkeypatch.context() as patch:
        patch.setattr(GeneratorStep, "__call__", broken)
        patch.setattr(work, "train_critic", broken)
        patch.setattr(LatentSearch, "_objective", broken)
        run_once(start)
    assert OUT_OF_MEMORY in status.text()
    all_is_given_back()
    if kind == "training":
        panel.output.set_path(tmp_path / "another run")
    run_once(start)
    assert any(word in status.text() for word in ("done", "Rebuilt", "Drew")), status.text()
    all_is_given_back()
    assert allocated() - before[1] < WORKSPACES
    assert reserved() - allocated() < WORKSPACES, "what torch kept is given back"
