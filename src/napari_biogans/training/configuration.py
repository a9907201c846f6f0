"""The settings of a training: one class for the API, the command line and the dock widget."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from napari_biogans.models.architectures import ArchitectureName
from napari_biogans.settings import checked
from napari_biogans.training.devices import Precision
from napari_biogans.training.errors import TrainingError
from napari_biogans.training.objectives import OBJECTIVES, Objective, ObjectiveName

Protocol = Literal["default", "paper"]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(use_attribute_docstrings=True, extra="forbid"))
class TrainingConfig:
    """Settings of a training. Empty settings take the published value of the objective.

    Examples
    --------
    >>> config = TrainingConfig(objective="gan", width=16)
    >>> config.resolved_learning_rate, config.critic_steps_at(0)
    (0.0002, 1)
    """

    architecture: ArchitectureName = "joint-separable"
    """How red and the greens of the classes are drawn, and what of them belongs together."""

    objective: ObjectiveName = "wgan-gp"
    """What the networks minimise; wgan-gp is stable and the best in the paper."""

    steps: Annotated[int, Field(ge=1, le=100_000_000)] = 50_000
    """Generator steps in all, earlier parts of a resumed run included."""

    width: Annotated[int, Field(ge=2, le=1024)] | None = None
    """Channels of the generator's last hidden layer; empty: 64, multi-channel 32 for red and each class up to six."""

    critic_width: Annotated[int, Field(ge=2, le=1024)] | None = None
    """Channels of the critic's first layer; empty: as the generator."""

    latent_size: Annotated[int, Field(ge=2, le=4096)] | None = None
    """Numbers in a latent; empty: 100, multi-channel 50 for red and each class up to six."""

    red_portion: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Part of the latent and of every layer that is red, in separable architectures; in (0, 1). Empty: as much as one
    green has."""

    extra_layers: Annotated[int, Field(ge=0, le=64)] = 0
    """3x3 layers more in the generator, before its last one."""

    critic_extra_layers: Annotated[int, Field(ge=0, le=64)] | None = None
    """3x3 layers more in the critic, after its first one; empty: as the generator."""

    start_from: Annotated[str, Field(json_schema_extra={"format": "path"})] | None = None
    """Model file or run whose weights the training starts from; its architecture and sizes are taken over. The critic
    goes on too where the objective takes its kind."""

    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 64
    """Cells of each class in a step, of all processes that train together."""

    critic_steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Critic steps for each generator step; empty: 1 for gan, 5 for wgan (with its schedule) and wgan-gp."""

    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Step size of both optimisers; empty: 2e-4 for gan, 5e-5 for wgan, 1e-4 for wgan-gp."""

    flips: bool = True
    """Flip cells at random, left to right and top to bottom, and neighbours to be nearer."""

    neighbours: Annotated[int, Field(ge=1, le=1000)] = 5
    """Multi-channel: cells nearest in red, of each other class, that a cell takes its other greens from."""

    red_mask: bool | None = None
    """Multi-channel: black out the greens of other cells where red is black; empty: for the paper's protocol only."""

    averaging: bool | None = None
    """Keep a moving average of the generator's weights and draw from it; empty: not for the paper's protocol only."""

    averaging_decay: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """How slowly the moving average follows; in (0, 1), higher is slower."""

    protocol: Protocol = "default"
    """The default, or the paper's training to the letter: float32, no moving average."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """The same seed on the same machine gives the same model."""

    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1 or mps."""

    precision: Precision = "auto"
    """Type that convolutions compute in; auto takes bfloat16 where the processor is made for it."""

    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Stop after so many minutes, with everything saved; empty: when all steps are done."""

    log_every: Annotated[int, Field(ge=1)] = 10
    """Steps between two rows of metrics.csv; each row is the mean over them."""

    sample_every: Annotated[int, Field(ge=1)] = 500
    """Steps between two sample images."""

    samples: Annotated[int, Field(ge=1, le=1024)] = 64
    """Cells in a sample image, always of the same latents; groups of 8 share the red latent where it can be held."""

    checkpoint_every: Annotated[int, Field(ge=1)] = 1000
    """Steps between two checkpoints, from which a run can be resumed."""

    keep_checkpoints: Annotated[int, Field(ge=1)] = 2
    """How many checkpoints are kept; older ones are deleted."""

    def __post_init__(self) -> None:
        if self.protocol == "paper" and self.averaging:
            raise ValueError("the paper's protocol keeps no moving average; leave averaging empty")
        if self.protocol == "paper" and self.precision == "bfloat16":
            raise ValueError("the paper's protocol computes in float32; leave precision at auto")

    @property
    def resolved_objective(self) -> Objective:
        """The objective that `objective` names."""
        return OBJECTIVES[self.objective]

    @property
    def resolved_learning_rate(self) -> float:
        """`learning_rate`, or that of the objective where it is empty."""
        return self.learning_rate or self.resolved_objective.learning_rate

    @property
    def resolved_averaging(self) -> bool:
        """`averaging`, or what the protocol says where it is empty."""
        return self.protocol != "paper" if self.averaging is None else self.averaging

    @property
    def resolved_red_mask(self) -> bool:
        """`red_mask`, or what the protocol says where it is empty."""
        return self.protocol == "paper" if self.red_mask is None else self.red_mask

    @property
    def resolved_precision(self) -> Precision:
        """`precision`, or float32 for the paper's protocol."""
        return "float32" if self.protocol == "paper" else self.precision

    def critic_steps_at(self, step: int) -> int:
        """Critic steps before the generator step `step` (from 0)."""
        return self.critic_steps or self.resolved_objective.critic_steps_at(step)


def make_config(**settings: Any) -> TrainingConfig:
    """Check settings and make a configuration of them.

    Parameters
    ----------
    **settings
        Fields of `TrainingConfig`.

    Returns
    -------
    TrainingConfig

    Raises
    ------
    TrainingError
        If a setting is unknown or out of its range; the message names every
        one, with what it may be.

    Examples
    --------
    >>> make_config(steps=0)
    Traceback (most recent call last):
    ...
    napari_biogans.training.errors.TrainingError: steps: Input should be greater than or equal to 1 (not 0)
    """
    start = settings.get("start_from")
    if isinstance(start, os.PathLike):
        settings = {**settings, "start_from": os.fspath(start)}
    elif start is not None and not isinstance(start, str):
        raise TrainingError("start_from: give the path of a model file or a run; a model is saved by its save(path).")
    return checked(TrainingConfig, settings, TrainingError)
