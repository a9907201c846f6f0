"""Trainings that were asked for, and how they are carried out in a worker's thread."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_biogans.cells.cellset import CellSet
from napari_biogans.plugin.cell_layers import ClassLayers, read_layers
from napari_biogans.plugin.workers import ShouldStop

if TYPE_CHECKING:
    from napari_biogans.plugin.reports import Outcome, Report
    from napari_biogans.training import Run, TrainingConfig
    from napari_biogans.training.loop import Training

CellsChoice = Path | tuple[ClassLayers, ...]
"""Where cells come from: a file or folder, or layers of the viewer."""


@dataclass(frozen=True)
class NewRun:
    """A training from the beginning."""

    cells: CellsChoice
    folder: Path
    settings: dict[str, Any]
    """Fields of `TrainingConfig`."""

    def begin(self, should_stop: ShouldStop) -> Training:
        """Read the cells and make the generator of events."""
        from napari_biogans.training import iterate_training, make_config

        config = make_config(**self.settings)
        return iterate_training(_read(self.cells), self.folder, config, should_stop=should_stop)


@dataclass(frozen=True)
class ResumedRun:
    """Going on with a run."""

    folder: Path
    cells: CellsChoice | None = None
    """Taken where the cells of the run are no longer where they were, or were layers."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings that may change in a resumed run."""

    def begin(self, should_stop: ShouldStop) -> Training:
        """Read the cells and make the generator of events."""
        from napari_biogans.training import Run, iterate_resumed

        cells = self._cells(Run(self.folder))
        return iterate_resumed(self.folder, cells, should_stop=should_stop, **self.changes)

    def _cells(self, run: Run) -> CellSet | Path | None:
        record = run.cells_record
        is_there = record["path"] is not None and Path(record["path"]).exists()
        if is_there or self.cells is None:
            return None
        cells = _read(self.cells)
        names = tuple(record["class_names"])
        if isinstance(cells, CellSet) and len(cells.class_names) == len(names):
            # The names of layers matter less than their pixels, which the run compares.
            cells = replace(cells, class_names=names)
        return cells


def carry_out(request: NewRun | ResumedRun, should_stop: ShouldStop) -> Generator[Report, None, Outcome]:
    """Train, telling a few times a second what happens.

    Parameters
    ----------
    request : NewRun or ResumedRun
    should_stop : callable

    Yields
    ------
    Report

    Returns
    -------
    Outcome
        Of step 0 if it was stopped before its first one.
    """
    from napari_biogans.plugin.reports import Outcome, reports
    from napari_biogans.training.errors import TrainingStoppedError

    try:
        return (yield from reports(request.begin(should_stop)))
    except TrainingStoppedError:
        return Outcome(request.folder, step=0, steps=1)


@dataclass(frozen=True)
class RunFacts:
    """What is shown of a run before it is resumed."""

    folder: Path
    step: int
    config: TrainingConfig
    resumable: frozenset[str]
    """Settings that may change."""


def look_at_run(folder: Path, should_stop: ShouldStop) -> Generator[None, None, RunFacts]:
    """Read how far a run is; shaped as work for a worker.

    Raises
    ------
    RunError
        If the folder holds no run, or one without a checkpoint.
    """
    from napari_biogans.training import Run, RunError
    from napari_biogans.training.run import RESUMABLE_SETTINGS

    yield
    run = Run(folder)
    checkpoints = run.checkpoints()
    if not checkpoints:
        raise RunError(f"{folder}: this run has no checkpoint to go on from. Start a new one.")
    return RunFacts(Path(folder), max(checkpoints), run.config, RESUMABLE_SETTINGS)


def _read(cells: CellsChoice) -> CellSet | Path:
    # A path is left to the engine, which notes it in the run, so that it can be resumed.
    return cells if isinstance(cells, Path) else read_layers(cells)
