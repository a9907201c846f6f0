"""Telling models, checkpoints and runs of ours from what others wrote, by their beginning. Nothing heavy is loaded."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

FileKind = Literal["model", "checkpoint"]
Kind = Literal["model", "checkpoint", "run"]

PROGRAM = "napari-biogans"
MODEL_FILE = "model.safetensors"
"""The latest model in the folder of a run."""
CONFIG_FILE = "config.json"
"""What makes a folder that of a run."""
LENGTH_BYTES = 8
# No header of safetensors is longer.
LONGEST_HEADER = 100_000_000
LONGEST_CONFIG = 10_000_000


def format_name(kind: Kind) -> str:
    """Name a format, as the files themselves do.

    Examples
    --------
    >>> format_name("model")
    'napari-biogans model'
    """
    return f"{PROGRAM} {kind}"


def kind_of(path: str | os.PathLike[str]) -> Kind | None:
    """Tell what of ours a file or a folder is, by what it says of itself.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    {"model", "checkpoint", "run"} or None
        None for everything else, be it of others, damaged or missing. A file
        of ours that ends too early is still told by its beginning.

    Examples
    --------
    >>> import tempfile
    >>> kind_of(tempfile.mkdtemp()) is None
    True
    """
    path = Path(path)
    try:
        if path.is_dir():
            return "run" if _says(_read_config(path), "run") else None
        header = _read_header(path)
    except (OSError, ValueError, RecursionError):
        return None
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    kinds: tuple[FileKind, ...] = ("model", "checkpoint")
    return next((kind for kind in kinds if _says(metadata, kind)), None)


def run_of(path: Path) -> Path | None:
    """Give the run whose latest model a path means: its folder, or the model file in it; None if there is no run.

    Parameters
    ----------
    path : pathlib.Path
    """
    folder = path.parent if path.name == MODEL_FILE else path
    return folder if kind_of(folder) == "run" else None


def _says(record: Any, kind: Kind) -> bool:
    return isinstance(record, dict) and record.get("format") == format_name(kind)


def _read_config(folder: Path) -> Any:
    with (folder / CONFIG_FILE).open("rb") as file:
        return json.loads(file.read(LONGEST_CONFIG))


def _read_header(path: Path) -> Any:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        header = file.read(length) if length <= LONGEST_HEADER else b""
    # Headers of others may be long; few of them need to be understood.
    return json.loads(header) if PROGRAM.encode() in header else None
