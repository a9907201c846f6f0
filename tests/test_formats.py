"""Files and folders of ours are told by their beginning, and nothing of others is."""

import json

import numpy as np
import torch

from napari_biogans import CellSet, train
from napari_biogans.formats import kind_of, run_of
from napari_biogans.models import modelfile

SETTINGS = {"steps": 1, "width": 2, "latent_size": 4, "batch_size": 4, "critic_steps": 1, "device": "cpu"}


def test_what_a_training_writes_is_told(tmp_path):
    cells = CellSet([np.random.default_rng(0).integers(0, 255, (4, 2, 12, 12), dtype=np.uint8)], ["Tea1"])
    train(cells, tmp_path / "run", progress=False, **SETTINGS)
    run, model = tmp_path / "run", tmp_path / "run" / "model.safetensors"
    (checkpoint,) = (run / "checkpoints").iterdir()
    assert [kind_of(path) for path in (run, model, checkpoint)] == ["run", "model", "checkpoint"]
    assert [run_of(path) for path in (run, model, checkpoint, tmp_path)] == [run, run, None, None]
    model.write_bytes(model.read_bytes()[:-50])
    assert kind_of(model) == "model", "it says so before it ends too early"
    model.write_bytes(model.read_bytes()[:50])
    assert kind_of(model) is None
    assert kind_of(run / "samples") is None


def test_others_are_told_apart(tmp_path):
    ours = modelfile.write(tmp_path / "ours.safetensors", {"weight": torch.zeros(2)}, {})
    assert kind_of(ours) == "model"
    for name, content in {
        "format": {"format": "napari-biogans film"},
        "number": {"format": 1, "by": "napari-biogans"},
        "nothing": None,
        "list": ["napari-biogans model"],
    }.items():
        header = json.dumps({"__metadata__": content}).encode()
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        assert kind_of(path) is None, name
        (folder := tmp_path / name).mkdir()
        (folder / "config.json").write_text(json.dumps(content))
        assert kind_of(folder) is None, name
    assert kind_of(tmp_path / "missing") is None
