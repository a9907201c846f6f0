"""Settings that go well together, by name. A preset is data: add one here and it is offered everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

PresetName = Literal["demo", "small", "medium", "full"]


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
    """

    name: PresetName
    summary: str
    settings: dict[str, Any]


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
        ),
        Preset(
            name="small",
            summary="Hours on a laptop: width 16.",
            settings={"steps": 10_000, "width": 16, "batch_size": 32, "sample_every": 100, "checkpoint_every": 500},
        ),
        Preset(
            name="medium",
            summary="A night on a laptop, or half an hour on a GPU: width 32.",
            settings={"steps": 20_000, "width": 32, "sample_every": 200, "checkpoint_every": 1000},
        ),
        Preset(
            name="full",
            summary="The sizes of the paper, for a GPU: width 64.",
            settings={"steps": 50_000, "width": 64},
        ),
    )
}
