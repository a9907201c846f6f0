"""Two-sample tests that were asked for, and how they are carried out in a worker's thread.

Nothing here knows Qt or napari; the engine is imported where it is used, as that takes seconds.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_biogans.plugin.cell_layers import read_layers
from napari_biogans.plugin.progress_view import duration_text
from napari_biogans.plugin.score_grid import ScoreGrid, grid_of
from napari_biogans.plugin.training_work import CellsChoice
from napari_biogans.plugin.workers import ShouldStop, is_for_users

if TYPE_CHECKING:
    from napari_biogans.evaluation import C2STConfig, C2STResult
    from napari_biogans.evaluation.events import CriticsTraining
    from napari_biogans.evaluation.plans import C2STPlan
    from napari_biogans.evaluation.telling import TellingCells

Question = Literal["sides", "matrix", "run"]
INTERVAL = 0.2
"""Seconds between two reports, at least."""
TELLING = 16
"""Cells of either side that are shown as the most telling ones."""


@dataclass(frozen=True, eq=False)
class Sides:
    """What is to be told apart."""

    question: Question
    cells: CellsChoice
    """b, the reference; or all classes of the matrix."""
    other: CellsChoice | None = None
    """a, or the folder of the run."""

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same question about the same layers or paths."""
        return self.question, _key(self.cells), _key(self.other)

    def opened(self) -> OpenedSides:
        """Read the cells and open the models.

        Raises
        ------
        CellsError, ModelFileError, RunError
        """
        from napari_biogans.training import Run

        other = self.other
        if self.question == "run" and isinstance(other, Path):
            return OpenedSides(self.question, _opened(self.cells), Run(other))
        return OpenedSides(self.question, _opened(self.cells), None if other is None else _opened(other))


@dataclass(frozen=True, eq=False)
class OpenedSides:
    """The same, read."""

    question: Question
    cells: Any
    other: Any

    def plan(self, config: C2STConfig) -> C2STPlan:
        """Plan what is asked.

        Raises
        ------
        C2STError
            If the sides do not match.
        """
        from napari_biogans.evaluation.plans import plan_c2st, plan_c2st_matrix, plan_c2st_run

        match self.question:
            case "matrix":
                return plan_c2st_matrix(self.cells, None, config)
            case "run":
                return plan_c2st_run(self.other, self.cells, None, config)
            case _:
                return plan_c2st(self.other, self.cells, config)


@dataclass(frozen=True, eq=False)
class ScoreReport:
    """How far a test is."""

    grid: ScoreGrid
    steps: int
    """Of all critics that have to be trained."""
    progress: CriticsTraining | None = None


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is known of a test before it is begun."""

    opened: OpenedSides | None = None
    """To be asked again with other settings."""
    time_text: str = ""
    problem: str | None = None
    """Why it cannot be carried out."""


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What a test has found, with its p-values."""

    grid: ScoreGrid
    sentences: tuple[str, ...]


def carry_out(
    sides: Sides, config: C2STConfig, should_stop: ShouldStop
) -> Generator[ScoreReport, None, C2STResult | None]:
    """Test, telling a few times a second how far it is; shaped as work for a worker.

    Parameters
    ----------
    sides : Sides
    config : C2STConfig
    should_stop : callable

    Yields
    ------
    ScoreReport

    Returns
    -------
    C2STResult or None
        What there is, if it was stopped; None if there is nothing yet.
    """
    from napari_biogans.evaluation import C2STStoppedError
    from napari_biogans.evaluation.c2st import carry_out as carried_out
    from napari_biogans.evaluation.events import CriticsTraining, Planned, ResultSoFar

    plan = sides.opened().plan(config)
    result, progress, steps, due = plan.result({}), None, 0, time.monotonic()
    yield ScoreReport(grid_of(result), steps)
    try:
        with closing(carried_out(plan, should_stop=should_stop)) as testing:
            while True:
                try:
                    event = next(testing)
                except StopIteration as end:
                    final: C2STResult = end.value
                    break
                match event:
                    case Planned():
                        steps = event.steps
                    case CriticsTraining():
                        progress = event
                    case ResultSoFar():
                        result = event.result
                if time.monotonic() >= due:
                    yield ScoreReport(grid_of(result), steps, progress)
                    due = time.monotonic() + INTERVAL
    except C2STStoppedError:
        return None
    yield ScoreReport(grid_of(final), steps, progress)
    return final


def forecast(
    sides: Sides, opened: OpenedSides | None, config: C2STConfig, should_stop: ShouldStop
) -> Generator[None, None, Forecast]:
    """Tell how long a test will take, or why it cannot be made; shaped as work for a worker.

    Parameters
    ----------
    sides : Sides
    opened : OpenedSides, optional
        The same, if they were read before.
    config : C2STConfig
    should_stop : callable
    """
    from napari_biogans.evaluation.estimate import estimate_time

    yield
    try:
        opened = opened or sides.opened()
        estimate = estimate_time(opened.plan(config), should_stop=should_stop)
    except Exception as error:
        if not is_for_users(error):
            raise
        return Forecast(problem=str(error))
    if estimate is None:
        return Forecast(opened)
    took = f"about {duration_text(estimate.seconds)}" if estimate.known < estimate.critics else "at once"
    return Forecast(opened, f"{took}: {estimate}")


def work_out(result: C2STResult, should_stop: ShouldStop) -> Generator[None, None, Verdicts | None]:
    """Compute the p-values, which takes a while, and the verdicts; shaped as work for a worker.

    Returns
    -------
    Verdicts or None
        None if it was stopped.
    """
    for test in dict.fromkeys(result.tests.values()):
        if should_stop():
            return None
        _ = test.p_value  # which is kept
        yield
    return Verdicts(grid_of(result, with_verdicts=True), (*result.sentences(), *result.notes))


def find_telling(
    result: C2STResult, row: str, column: str, should_stop: ShouldStop
) -> Generator[None, None, tuple[TellingCells, str, str]]:
    """Find the cells that the critics of a test were surest about; shaped as work for a worker.

    Returns
    -------
    tuple of TellingCells, row and column
    """
    yield
    return result.telling(row, column, n=TELLING), row, column


def export(result: C2STResult, folder: Path, should_stop: ShouldStop) -> Generator[None, None, Path]:
    """Write tables, figures and a report; shaped as work for a worker.

    Returns
    -------
    pathlib.Path
        Of the folder.
    """
    yield
    result.save(folder)
    return folder


def pixels_of(choice: CellsChoice | None) -> frozenset[object]:
    """Tell choices of the same cells by what they have in common: a path, or the arrays of layers."""
    if not isinstance(choice, tuple):
        return frozenset({choice})
    return frozenset(
        (id(each.red.data), None if each.green is None else id(each.green.data), each.channel_axis) for each in choice
    )


def _key(choice: CellsChoice | None) -> object:
    if not isinstance(choice, tuple):
        return choice
    return tuple((each.name, pixels_of((each,))) for each in choice)


def _opened(choice: CellsChoice) -> Any:
    from napari_biogans.evaluation.matching import opened

    return opened(choice) if isinstance(choice, Path) else read_layers(choice)
