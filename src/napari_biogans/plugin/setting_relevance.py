"""Which settings of a training do not matter, given the others. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_biogans.models import ARCHITECTURES
from napari_biogans.training.starting import TAKEN_OVER

NOT_SEPARABLE = "(This architecture has no red and green parts.)"
NOT_MULTI_CHANNEL = "(Only multi-channel architectures learn from made-up cells.)"
FROM_THE_MODEL = "(Taken over from the model to start from.)"
OF_MULTI_CHANNEL = ("neighbours", "red_mask")
NO_MODEL = "Start from: there is no model at {path}. Choose a .safetensors file or a run, or leave it empty."


def irrelevant_settings(values: Mapping[str, Any]) -> dict[str, str]:
    """Find settings that change nothing, and say why.

    Parameters
    ----------
    values : mapping
        Of the fields of `TrainingConfig`.

    Returns
    -------
    dict from name to text

    Examples
    --------
    >>> list(irrelevant_settings({"architecture": "star-shaped", "start_from": None}))
    ['neighbours', 'red_mask']
    """
    if values["start_from"] is not None:
        return dict.fromkeys(TAKEN_OVER, FROM_THE_MODEL)
    architecture = ARCHITECTURES[values["architecture"]]
    reasons = {} if architecture.separable else {"red_portion": NOT_SEPARABLE}
    if architecture.layout != "multi-channel":
        reasons |= dict.fromkeys(OF_MULTI_CHANNEL, NOT_MULTI_CHANNEL)
    return reasons


def classes_matter(values: Mapping[str, Any]) -> bool:
    """Tell whether a training asks which class a cell is of."""
    return values["start_from"] is not None or not ARCHITECTURES[values["architecture"]].pools_classes


def settings_to_train(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a model to start from decides, so that it does not contradict it."""
    if values["start_from"] is None:
        return dict(values)
    return {name: value for name, value in values.items() if name not in TAKEN_OVER}


def starting_problem(values: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the model to start from, as far as can be seen without opening it."""
    start = values["start_from"]
    if start is None:
        return None
    path = Path(start)
    is_model = (path / "model.safetensors").is_file() if path.is_dir() else path.is_file()
    return None if is_model else NO_MODEL.format(path=path)
