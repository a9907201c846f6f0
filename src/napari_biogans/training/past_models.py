"""Models as they were earlier in a run."""

from __future__ import annotations

from dataclasses import replace

from napari_biogans.models import Model, ModelFileError, load_model, modelfile
from napari_biogans.training.averaging import calibrate
from napari_biogans.training.checkpoints import tensors_under
from napari_biogans.training.errors import RunError
from napari_biogans.training.run import Run
from napari_biogans.training.state import side_rng

PARTS = {"last": "generator", "averaged": "averaged", "critic": "critic"}
"""Names of networks in a model, and in a checkpoint."""


def model_at(run: Run, step: int) -> Model:
    """Open the model of a checkpoint.

    Parameters
    ----------
    run : Run
    step : int
        One of `Run.checkpoints`.

    Returns
    -------
    Model
        The one that the run saved at that step.

    Raises
    ------
    RunError
        If there is no checkpoint of this step, or it is damaged.
    """
    checkpoints = run.checkpoints()
    if step not in checkpoints:
        there = ", ".join(map(str, checkpoints)) or "none"
        raise RunError(
            f"{run.folder}: there is no checkpoint of step {step}; there are {there}. A training keeps as many as "
            "keep_checkpoints says."
        )
    path = checkpoints[step]
    try:
        model = load_model(run.model_path)
        tensors, header = modelfile.read(path, kind="checkpoint")
        for name, network in model.networks.items():
            network.load_state_dict(tensors_under(PARTS[name], tensors))
        step = int(header["step"])
    except (ModelFileError, RuntimeError, KeyError, ValueError) as error:
        raise RunError(f"{path}: the model of this checkpoint cannot be opened: {error}") from error
    if "averaged" in model.networks:
        calibrate(model.networks["averaged"], side_rng(run.config.seed, step, model.device), model.latent_size)
    return Model(replace(model.header, step=step, metrics={}), model.networks)
