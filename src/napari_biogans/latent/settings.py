"""The settings of a reconstruction: one class for the API, the command line and the dock widget."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from napari_biogans.latent.errors import LatentError
from napari_biogans.settings import checked
from napari_biogans.training.configuration import Protocol

Mode = Literal["full", "red-first", "red-only"]
PAPER_STARTS, STANDARD_STARTS = 5, 2
PAPER_STEPS, STANDARD_STEPS = 1000, 150
"""Evaluations of each start. As published: 50 times 20 steps."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(use_attribute_docstrings=True, extra="forbid"))
class ReconstructionConfig:
    """Settings of a reconstruction. Empty settings take the value of the protocol.

    Examples
    --------
    >>> ReconstructionConfig().resolved_steps, ReconstructionConfig(protocol="paper").resolved_starts
    (150, 5)
    """

    mode: Mode = "full"
    """What the latent is to match: red and green at once; red by the red latent first, then green by the green latent;
    or red only. The last two are for separable models."""

    protocol: Protocol = "default"
    """The default, or the paper's search to the letter: for comparison, since it is slower and finds less."""

    starts: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Random latents to start from, of which the best goes on after 25 steps, or all in the paper's protocol; empty: 2,
    paper 5."""

    steps: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Most evaluations of each start; empty: 150, paper 1000."""

    prior: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Weight of the latent's -log density beside the mean squared error on [0, 1], which keeps latents plausible; 0
    for none, 1e-6 to 1e-5 are usual."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Of the starts; the same seed on the same machine gives the same result."""

    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Cells at a time."""

    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1 or mps."""

    @property
    def resolved_starts(self) -> int:
        """`starts`, or what the protocol says where it is empty."""
        return self.starts or (PAPER_STARTS if self.protocol == "paper" else STANDARD_STARTS)

    @property
    def resolved_steps(self) -> int:
        """`steps`, or what the protocol says where it is empty."""
        return self.steps or (PAPER_STEPS if self.protocol == "paper" else STANDARD_STEPS)

    @property
    def matched(self) -> slice:
        """The channels that are to be matched: all, or red, the first."""
        return slice(0, 1) if self.mode == "red-only" else slice(None)

    def __str__(self) -> str:
        paper = ", as published" if self.protocol == "paper" else ""
        prior = f", prior {self.prior:g}" if self.prior else ""
        starts = "1 start" if self.resolved_starts == 1 else f"{self.resolved_starts} starts"
        return f"{self.mode}{paper}, {starts} of at most {self.resolved_steps} evaluations{prior}, seed {self.seed}"


def make_reconstruction_config(**settings: Any) -> ReconstructionConfig:
    """Check settings and make a configuration of them.

    Parameters
    ----------
    **settings
        Fields of `ReconstructionConfig`.

    Raises
    ------
    LatentError
        If a setting is unknown or out of its range; the message names every
        one, with what it may be.

    Examples
    --------
    >>> make_reconstruction_config(starts=0)
    Traceback (most recent call last):
    ...
    napari_biogans.latent.errors.LatentError: starts: Input should be greater than or equal to 1 (not 0)
    """
    return checked(ReconstructionConfig, settings, LatentError)
