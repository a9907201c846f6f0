"""The settings of a two-sample test: one class for the API, the command line and the dock widget."""

from __future__ import annotations

from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from napari_biogans.evaluation.errors import C2STError
from napari_biogans.settings import checked
from napari_biogans.training.configuration import Protocol
from napari_biogans.training.devices import Precision, choose_device, choose_precision
from napari_biogans.training.objectives import OBJECTIVES, Objective, ObjectiveName

C2STPresetName = Literal["quick", "standard", "paper"]

MOST_SPLITS = 1024
STANDARD_STEPS, PAPER_STEPS = 400, 5000
STANDARD_WIDTH, PAPER_WIDTH = 16, 64
STANDARD_BATCH, PAPER_BATCH = 32, 64
STANDARD_RATE_FACTOR = 5
"""The standard test's learning rate over that of a training: a critic that is trained for few steps has to be quick."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(use_attribute_docstrings=True, extra="forbid"))
class C2STConfig:
    """Settings of a classifier two-sample test. Empty settings take the value of the protocol.

    Examples
    --------
    >>> C2STConfig().resolved_steps, C2STConfig(protocol="paper").resolved_steps
    (400, 5000)
    """

    protocol: Protocol = "default"
    """The default, which scores by the critic gap; or the paper's, which takes the penalty from it and shows each
    held-out cell five times."""

    splits: Annotated[int, Field(ge=1, le=MOST_SPLITS)] = 10
    """How often the cells are halved, and a fresh critic trained on one half and asked about the other."""

    steps: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Steps of each critic; empty: 400, paper 5000."""

    width: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Channels of the critic's first layer; empty: 16, paper 64."""

    batch_size: Annotated[int, Field(ge=2, le=65_536)] | None = None
    """Cells of either side in a step; empty: 32, paper 64."""

    objective: ObjectiveName | None = None
    """What the critics minimise; empty: gan, which is cross entropy and finds small differences soonest; paper
    wgan-gp."""

    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Step size; empty: 5 times that of a training with the objective, paper as in a training."""

    flips: bool = True
    """Show cells flipped at random, left to right and top to bottom."""

    band: bool = True
    """Test halves of the reference cells against each other too: what the score of nothing looks like here."""

    permutations: Annotated[int, Field(ge=99, le=1_000_000)] = 9999
    """How often the held-out scores are shuffled for a p-value, which is a multiple of 1 / (permutations + 1)."""

    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """Of the intervals; one less it is the p-value below which a difference is called one."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """The same seed on the same machine gives the same result."""

    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1 or mps."""

    precision: Precision = "auto"
    """Type that critics learn in; auto takes bfloat16 where the processor is made for it, paper float32. Scores are
    float32."""

    def __post_init__(self) -> None:
        if self.protocol == "paper" and self.precision == "bfloat16":
            raise ValueError("the paper's protocol computes in float32; leave precision at auto")
        factor = 1 if self.splits == 1 else 2
        if factor / (self.permutations + 1) > self.significance:
            raise ValueError(
                f"{self.permutations} permutations cannot give a p-value below {self.significance:g}; take "
                f"{round(10 * factor / self.significance)} permutations, or a lower confidence"
            )

    @property
    def resolved_steps(self) -> int:
        """`steps`, or what the protocol says where it is empty."""
        return self.steps or (PAPER_STEPS if self.protocol == "paper" else STANDARD_STEPS)

    @property
    def resolved_width(self) -> int:
        """`width`, or what the protocol says where it is empty."""
        return self.width or (PAPER_WIDTH if self.protocol == "paper" else STANDARD_WIDTH)

    @property
    def resolved_batch_size(self) -> int:
        """`batch_size`, or what the protocol says where it is empty."""
        return self.batch_size or (PAPER_BATCH if self.protocol == "paper" else STANDARD_BATCH)

    @property
    def resolved_objective(self) -> Objective:
        """The objective that `objective` names, or that of the protocol where it is empty.

        As published, critics have batch norms but for wgan-gp. By default they have none: they see real and
        generated cells in batches of their own, of which a batch norm takes away how bright they are.
        """
        if self.protocol == "paper":
            return OBJECTIVES[self.objective or "wgan-gp"]
        return replace(OBJECTIVES[self.objective or "gan"], critic_batch_norm=False)

    @property
    def resolved_learning_rate(self) -> float:
        """`learning_rate`, or what the protocol says where it is empty."""
        factor = 1 if self.protocol == "paper" else STANDARD_RATE_FACTOR
        return self.learning_rate or factor * self.resolved_objective.learning_rate

    @property
    def resolved_precision(self) -> Precision:
        """`precision`, or what the protocol and the device say where it is auto."""
        wanted: Precision = "float32" if self.protocol == "paper" else self.precision
        return "bfloat16" if choose_precision(wanted, choose_device(self.device)) is torch.bfloat16 else "float32"

    @property
    def significance(self) -> float:
        """The p-value below which a difference is called one."""
        return round(1 - self.confidence, 12)

    @property
    def of_critics(self) -> dict[str, Any]:
        """All that decides what a critic of a split learns and says."""
        return {
            "protocol": self.protocol,
            "steps": self.resolved_steps,
            "width": self.resolved_width,
            "batch_size": self.resolved_batch_size,
            "objective": self.resolved_objective.name,
            "critic_batch_norm": self.resolved_objective.critic_batch_norm,
            "learning_rate": self.resolved_learning_rate,
            "flips": self.flips,
            "precision": self.resolved_precision,
            "seed": self.seed,
        }

    def __str__(self) -> str:
        settings = self.of_critics
        splits = "1 split" if self.splits == 1 else f"{self.splits} splits"
        return (
            f"{settings['protocol']} protocol, {splits}, {settings['objective']} critic of width "
            f"{settings['width']}, {settings['steps']:,} steps, batch {settings['batch_size']}, learning rate "
            f"{settings['learning_rate']:g}, {settings['precision']}, seed {self.seed}"
        )


@plain_dataclass(frozen=True)
class C2STPreset:
    """A name for some settings of a test.

    Parameters
    ----------
    name : str
    summary : str
        In one line, what it is for.
    settings : dict
        Fields of `C2STConfig`; the others keep their defaults.
    """

    name: C2STPresetName
    summary: str
    settings: dict[str, Any]


C2ST_PRESETS: dict[str, C2STPreset] = {
    preset.name: preset
    for preset in (
        C2STPreset(
            "quick",
            "A first look: three splits, small critics; sees what is plain to see.",
            {"splits": 3, "steps": 200, "width": 8},
        ),
        C2STPreset("standard", "Ten splits; for what you will report.", {}),
        C2STPreset("paper", "The published test to the letter, for a GPU.", {"protocol": "paper"}),
    )
}


def make_c2st_config(*, preset: str | None = None, **settings: Any) -> C2STConfig:
    """Check settings and make a configuration of them.

    Parameters
    ----------
    preset : {"quick", "standard", "paper"}, optional
        Settings that go well together; those given by themselves come first.
    **settings
        Fields of `C2STConfig`.

    Returns
    -------
    C2STConfig

    Raises
    ------
    C2STError
        If a setting is unknown or out of its range; the message names every
        one, with what it may be.

    Examples
    --------
    >>> make_c2st_config(splits=0)
    Traceback (most recent call last):
    ...
    napari_biogans.evaluation.errors.C2STError: splits: Input should be greater than or equal to 1 (not 0)
    """
    if preset is not None:
        if preset not in C2ST_PRESETS:
            raise C2STError(f"There is no preset {preset!r}; there are {', '.join(C2ST_PRESETS)}.")
        settings = {**C2ST_PRESETS[preset].settings, **settings}
    return checked(C2STConfig, settings, C2STError)
