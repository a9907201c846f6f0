"""The files of models and of checkpoints: tensors, and a JSON header in the safetensors metadata.

Reading one never runs code from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from napari_biogans.files import replacing
from napari_biogans.formats import FileKind, format_name

FORMAT_VERSION = 1


class ModelFileError(ValueError):
    """A file that cannot be opened as a model or a checkpoint, with the reason."""


def write(path: str | Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any], kind: FileKind = "model") -> Path:
    """Write tensors and a header, whole and at once.

    Parameters
    ----------
    path : path-like
        Ends in `.safetensors`.
    tensors : mapping from name to tensor
    header : mapping
        Of what JSON can hold.
    kind : {"model", "checkpoint"}
        What the file is; told again when it is read.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ModelFileError
        If the name does not end in `.safetensors`.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ModelFileError(f"{path}: the name of a model file ends in .safetensors.")
    metadata = {"format": format_name(kind), "format_version": str(FORMAT_VERSION), "header": json.dumps(header)}
    with replacing(path) as temporary:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary, metadata)
    return path


def read(path: str | Path, kind: FileKind = "model") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and the header of a file.

    Parameters
    ----------
    path : path-like
    kind : {"model", "checkpoint"}
        What the file must be.

    Returns
    -------
    (dict of tensors, dict)
        On the CPU.

    Raises
    ------
    ModelFileError
        If the file is missing, of another kind, truncated, or newer than this
        package.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            _check_format(path, metadata, kind)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path}: not a whole safetensors file ({error}). Was it copied completely?") from error
    try:
        header = json.loads(metadata["header"])
    except (KeyError, json.JSONDecodeError) as error:
        raise ModelFileError(f"{path}: the header cannot be read ({error}).") from error
    return tensors, header


def _check_format(path: Path, metadata: Mapping[str, str], kind: FileKind) -> None:
    if metadata.get("format") != format_name(kind):
        raise ModelFileError(f"{path}: a safetensors file, but not a {kind} of napari-biogans.")
    version = metadata.get("format_version", "")
    if not version.isdecimal() or int(version) > FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: written in format {version!r} by a newer napari-biogans; this one reads up to {FORMAT_VERSION}. "
            "Update with: pip install -U napari-biogans"
        )
