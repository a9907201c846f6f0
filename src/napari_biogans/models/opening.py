"""Opening models, and making new ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from napari_biogans.formats import MODEL_FILE
from napari_biogans.models import modelfile
from napari_biogans.models.architectures import architecture_named
from napari_biogans.models.model import Model, ModelHeader
from napari_biogans.models.shape import NetworkShape


def untrained_model(shape: NetworkShape, architecture: str, seed: int = 0) -> Model:
    """Make a model with freshly drawn weights, for 8-bit cells.

    Parameters
    ----------
    shape : NetworkShape
    architecture : str
    seed : int

    Returns
    -------
    Model
    """
    generator, critic = architecture_named(architecture).build(shape, seed)
    header = ModelHeader(
        architecture=architecture,
        shape=shape,
        class_names=tuple(f"class {k + 1}" for k in range(shape.classes)),
        channel_names=("red", "green")[: shape.channels] + tuple(f"green {c}" for c in range(2, shape.channels)),
        intensity_range=((0, 255),) * shape.channels,
        dtype="uint8",
    )
    return Model(header, {"last": generator, "critic": critic})


def load_model(path: str | Path, device: str | torch.device = "cpu") -> Model:
    """Open a model file.

    Nothing in the file is run: it holds numbers and a JSON header.

    Parameters
    ----------
    path : path-like
        A `.safetensors` file that `Model.save` or a training wrote, or the
        folder of a run.
    device : str or torch.device
        Where the networks are put.

    Returns
    -------
    Model

    Raises
    ------
    ModelFileError
        If the file is missing, is not a model of napari-biogans, is truncated,
        was written by a newer version, or holds weights that do not fit its
        header.

    Examples
    --------
    >>> import tempfile
    >>> model = untrained_model(NetworkShape(image_size=(48, 80), width=4, critic_width=4), "joint")
    >>> path = model.save(Path(tempfile.mkdtemp()) / "model.safetensors")
    >>> load_model(path).latent_size
    100
    """
    path = Path(path)
    if path.is_dir():
        path = path / MODEL_FILE
    if path.suffix == ".pth" and path.is_file():
        raise modelfile.ModelFileError(
            f"{path}: not a model file. If the authors of the paper released it, turn it into one first, with "
            "napari-biogans import-original or import_original."
        )
    tensors, header_fields = modelfile.read(path)
    with _refused_as_misfit(path):
        header = ModelHeader(**header_fields)
        generator, critic = architecture_named(header.architecture).build(header.shape)
        networks = {"last": generator}
        if any(key.startswith("critic.") for key in tensors):
            networks["critic"] = critic
        if header.draws_from == "averaged" or any(key.startswith("averaged.") for key in tensors):
            networks["averaged"], _ = architecture_named(header.architecture).build(header.shape)
        weights: dict[str, dict[str, Tensor]] = {name: {} for name in networks}
        for key, value in tensors.items():
            name, _, rest = key.partition(".")
            if name not in weights:
                raise ValueError(f"it has weights called {key!r}")
            weights[name][rest] = value
        for name, network in networks.items():
            network.load_state_dict(weights[name])
    return Model(header, networks).to(device)


@contextmanager
def _refused_as_misfit(path: Path) -> Iterator[None]:
    try:
        yield
    # load_state_dict raises RuntimeError, pydantic ValueError; TypeError comes from a header without a field
    except (RuntimeError, ValueError, TypeError) as error:
        raise modelfile.ModelFileError(f"{path}: the weights and the header do not fit together: {error}") from error
