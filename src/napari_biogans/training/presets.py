"""Settings that go well together, by name. A preset is data: add one here and it is offered everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from napari_biogans.models.architectures import ARCHITECTURES, ArchitectureName
from napari_biogans.training.errors import TrainingError
from napari_biogans.training.starting import TAKEN_OVER

PresetName = Literal["demo", "small", "medium", "full", "paper-joint", "paper-class"]


@dataclass(frozen=True)
class Preset:
    """A name for some settings.

    Parameters
    ----------
    name : str
    summary : str
        In one line, what it is for.
    settings : dict
        Fields of `TrainingConfig`; the others keep their defaults.
    multi_channel : dict
        The same for multi-channel architectures, where they differ: one
        network draws all greens, and needs to be wider.
    architectures : tuple of str
        Those it is for, the usual one first; all where it is empty.
    """

    name: PresetName
    summary: str
    settings: dict[str, Any]
    multi_channel: dict[str, Any] = field(default_factory=dict)
    architectures: tuple[ArchitectureName, ...] = ()

    def settings_for(self, architecture: str | None = None) -> dict[str, Any]:
        """Give the settings for an architecture.

        Parameters
        ----------
        architecture : str, optional
            One that was asked for; default the preset's usual one, if it has
            one.

        Returns
        -------
        dict
            Fields of `TrainingConfig`; the architecture is among them where
            the preset has a usual one.

        Raises
        ------
        TrainingError
            If the preset is for other architectures.

        Examples
        --------
        >>> PRESETS["small"].settings_for("joint")["width"], PRESETS["small"].settings_for("multi-channel")["width"]
        (16, 48)
        >>> PRESETS["paper-class"].settings_for()["architecture"]
        'star-shaped'
        """
        if self.architectures and architecture not in (None, *self.architectures):
            raise TrainingError(
                f"The preset {self.name} is for {', '.join(self.architectures)}, not for {architecture}; "
                "take one of these, or another preset."
            )
        chosen = architecture or next(iter(self.architectures), None)
        settings = dict(self.settings)
        # A name that is unknown is left to the configuration, which refuses it.
        known = ARCHITECTURES.get(chosen or "")
        if known is not None and known.layout == "multi-channel":
            settings |= self.multi_channel
        return {**settings, "architecture": chosen} if self.architectures else settings


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="demo",
            summary="Minutes on a laptop: enough to see cells appear.",
            settings={
                "steps": 2000,
                "width": 12,
                "batch_size": 32,
                "critic_steps": 2,
                "learning_rate": 1e-3,
                "averaging_decay": 0.99,
                "sample_every": 50,
                "checkpoint_every": 500,
            },
            multi_channel={"width": 32},
        ),
        Preset(
            name="small",
            summary="Hours on a laptop: width 16.",
            settings={"steps": 10_000, "width": 16, "batch_size": 32, "sample_every": 100, "checkpoint_every": 500},
            multi_channel={"width": 48},
        ),
        Preset(
            name="medium",
            summary="A night on a laptop, or half an hour on a GPU: width 32.",
            settings={"steps": 20_000, "width": 32, "sample_every": 200, "checkpoint_every": 1000},
            multi_channel={"width": 96},
        ),
        Preset(
            name="full",
            summary="The sizes of the paper, for a GPU: width 64.",
            settings={"steps": 50_000, "width": 64},
            multi_channel={"width": None},
        ),
        Preset(
            name="paper-joint",
            summary="The paper's training of joint networks to the letter, for a GPU.",
            settings={"protocol": "paper", "steps": 500_000, "checkpoint_every": 5000, "sample_every": 5000},
            architectures=("joint-separable", "joint"),
        ),
        Preset(
            name="paper-class",
            summary="The paper's training of networks for several classes to the letter, for a GPU.",
            settings={"protocol": "paper", "steps": 50_000},
            architectures=(
                "star-shaped",
                "independent",
                "independent-separable",
                "multi-channel",
                "multi-channel-separable",
            ),
        ),
    )
}


def preset_settings(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a preset sets where some settings are given.

    Parameters
    ----------
    name : str
    given : mapping
        Fields of `TrainingConfig`: of them the preset heeds the architecture,
        and leaves to a model to start from what that decides.

    Returns
    -------
    dict
        Fields of `TrainingConfig`, which those that are given go before.

    Raises
    ------
    TrainingError
        If there is no such preset, or it is for other architectures.

    Examples
    --------
    >>> preset_settings("small", {"architecture": "multi-channel"})["width"]
    48
    """
    if name not in PRESETS:
        raise TrainingError(f"There is no preset {name!r}; there are {', '.join(PRESETS)}.")
    settings = PRESETS[name].settings_for(given.get("architecture"))
    taken_over = TAKEN_OVER if given.get("start_from") else ()
    return {name: value for name, value in settings.items() if name not in taken_over}
