"""What models, runs and cells are, and the verb that says it: info."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from napari_biogans.cells import read_cells
from napari_biogans.cli.app import answer
from napari_biogans.models import load_model
from napari_biogans.training import Run


def info_command(path: Path, *, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Say what a model, a run or a cell set is.

    Parameters
    ----------
    path
        A model file, the folder of a run, or cells (as for train).
    as_json
        Print it as JSON.
    """
    if path.suffix == ".safetensors":
        facts = model_facts(path)
    elif (path / "config.json").exists():
        facts = _run_facts(path)
    else:
        facts = _cells_facts(path)
    answer(facts, as_json=as_json, always=True)
    return 0


def model_facts(path: Path) -> dict[str, Any]:
    """Describe the model of a file or a run."""
    model = load_model(path)
    header, shape = model.header, model.header.shape
    return {
        "kind": "model",
        "architecture": header.architecture,
        "image_size_pixels": list(shape.image_size),
        "pixel_size_um": header.pixel_size,
        "classes": list(header.class_names),
        "channels": list(header.channel_names),
        "intensity_range": [list(ends) for ends in header.intensity_range],
        "cell_type": header.dtype,
        "latent_size": shape.latent_size,
        "red_latent_size": model.red_latent_size,
        "width": shape.width,
        "red_portion": shape.red_portion if model.architecture.separable else None,
        "extra_layers": shape.extra_layers,
        "critic_width": None if model.critic is None else shape.critic_width,
        "critic_batch_norm": None if model.critic is None else shape.critic_batch_norm,
        "generator_parameters": sum(weight.numel() for weight in model.generator.parameters()),
        "critic_parameters": 0 if model.critic is None else sum(weight.numel() for weight in model.critic.parameters()),
        "weights": [name for name in model.networks if name != "critic"],
        "draws_from": header.draws_from,
        "steps": header.step,
        "objective": header.training.get("objective"),
        "package_version": header.package_version,
    }


def _run_facts(path: Path) -> dict[str, Any]:
    run = Run(path)
    checkpoints = run.checkpoints()
    return {
        "kind": "run",
        "architecture": run.config.architecture,
        "objective": run.config.objective,
        "steps_done": max(checkpoints, default=0),
        "steps_wanted": run.config.steps,
        "cells": dict(zip(run.cells_record["class_names"], run.cells_record["counts"], strict=True)),
        "cells_path": run.cells_record["path"],
        "last_metrics": run.last_metrics(),
        "checkpoints": [str(checkpoint) for checkpoint in checkpoints.values()],
        "model": str(run.model_path) if run.model_path.exists() else None,
    }


def _cells_facts(path: Path) -> dict[str, Any]:
    cells = read_cells(path, progress=sys.stderr.isatty())
    return {
        "kind": "cells",
        "cells": dict(zip(cells.class_names, cells.counts, strict=True)),
        "image_size_pixels": list(cells.size),
        "cell_type": cells.dtype.name,
        "channels": list(cells.channel_names),
        "intensity_range": cells.intensity_range.tolist(),
        "pixel_size_um": cells.pixel_size,
        "memory_mb": round(cells.nbytes / 1e6, 1),
    }
