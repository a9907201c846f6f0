"""Which settings of a training do not matter, given the others. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_biogans.models import ARCHITECTURES

NOT_SEPARABLE = "(This architecture has no red and green parts.)"
NOT_MULTI_CHANNEL = "(Only multi-channel architectures learn from made-up cells.)"
TAKEN_OVER = "(Taken over from the model to start from.)"
OF_SEPARABLE = ("red_portion", "extra_red_portion")
OF_MULTI_CHANNEL = ("neighbours", "red_mask")
OF_THE_MODEL = (
    "architecture",
    "width",
    "critic_width",
    "latent_size",
    "red_portion",
    "extra_layers",
    "critic_extra_layers",
    "extra_red_portion",
)


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
        return dict.fromkeys(OF_THE_MODEL, TAKEN_OVER)
    architecture = ARCHITECTURES[values["architecture"]]
    reasons = {} if architecture.separable else dict.fromkeys(OF_SEPARABLE, NOT_SEPARABLE)
    if architecture.layout != "multi-channel":
        reasons |= dict.fromkeys(OF_MULTI_CHANNEL, NOT_MULTI_CHANNEL)
    return reasons


def classes_matter(values: Mapping[str, Any]) -> bool:
    """Tell whether a training asks which class a cell is of."""
    return values["start_from"] is not None or not ARCHITECTURES[values["architecture"]].pools_classes
