"""What is to be tested: the comparisons of a table, before any work is done."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from napari_biogans.cells import CellSet
from napari_biogans.evaluation.critics import Comparison, CriticScores
from napari_biogans.evaluation.diversity import Diversity
from napari_biogans.evaluation.errors import C2STError
from napari_biogans.evaluation.matching import Given, Pair, describe, matched, notes_on, opened
from napari_biogans.evaluation.results import ALL, REAL, C2STResult, Kind
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.sides import CellsSide
from napari_biogans.evaluation.two_sample import TwoSampleTest
from napari_biogans.models import Model
from napari_biogans.training.devices import choose_device
from napari_biogans.training.past_models import model_at
from napari_biogans.training.run import Run

Models = Model | str | os.PathLike[str] | Mapping[str, Model | str | os.PathLike[str]]
FEWEST_FOR_HALVES = 4
"""Cells that can be halved twice."""


@dataclass(frozen=True, eq=False)
class C2STPlan:
    """What is to be tested, before any work is done.

    Parameters
    ----------
    kind : {"pair", "matrix", "models", "run"}
    rows, columns : tuple of str
        Of the table that results.
    comparisons : sequence of Comparison
    sides : tuple of str
        What a and b are, in words.
    config : C2STConfig
    mirrored : bool
        Whether a test stands for that of the swapped classes too.
    notes : tuple of str
    models : mapping
        Models that are tested, with the real cells that they are tested
        against, by name.
    """

    kind: Kind
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    comparisons: Sequence[Comparison]
    sides: tuple[str, str]
    config: C2STConfig
    mirrored: bool = False
    notes: tuple[str, ...] = ()
    models: Mapping[str, tuple[Model, CellSet]] = field(default_factory=dict)

    def result(
        self,
        done: Mapping[Comparison, Sequence[CriticScores]],
        diversities: Mapping[str, Diversity] | None = None,
    ) -> C2STResult:
        """Put together what is known so far.

        Parameters
        ----------
        done : mapping
            Scores of the critics by comparison.
        diversities : mapping, optional
            Spread of greens by model.
        """
        tests: dict[tuple[str, str], TwoSampleTest] = {}
        for comparison in self.comparisons:
            if scores := done.get(comparison):
                test = TwoSampleTest([(comparison, tuple(scores))], self.config)
                tests[comparison.row, comparison.column] = test
                if self.mirrored:
                    tests[comparison.column, comparison.row] = test
        if ALL in (*self.rows, *self.columns):
            tests |= self._of_all(done)
        return C2STResult(
            self.kind,
            self.rows,
            self.columns,
            tests,
            self.config,
            self.sides,
            _made_with(self.config),
            all(len(done.get(comparison, ())) == self.config.splits for comparison in self.comparisons),
            self.notes,
            diversities or {},
        )

    def _of_all(self, done: Mapping[Comparison, Sequence[CriticScores]]) -> dict[tuple[str, str], TwoSampleTest]:
        in_rows = ALL in self.rows
        tests = {}
        for line in self.columns if in_rows else self.rows:
            parts = [
                (comparison, tuple(done.get(comparison, ())))
                for comparison in self.comparisons
                if line == (comparison.column if in_rows else comparison.row)
            ]
            if parts and set.intersection(*({of.split for of in scores} for _, scores in parts)):
                tests[(ALL, line) if in_rows else (line, ALL)] = TwoSampleTest(parts, self.config)
        return tests


def plan_c2st(a: Given, b: Given, config: C2STConfig) -> C2STPlan:
    """Plan the test of two sides; see `c2st`."""
    a, b = opened(a), opened(b)
    return _plan_columns("pair", {describe(a): a}, b, config)


def plan_c2st_models(models: Models, cells: Given, config: C2STConfig) -> C2STPlan:
    """Plan the tests of models against cells; see `c2st_model`."""
    given: object = models
    if not isinstance(given, Mapping | Model | str | os.PathLike) or given == {}:
        raise C2STError("Give a model, the path of one, or several by names: {'first': model, 'second': other}.")
    named = models if isinstance(models, Mapping) else {describe(models): models}
    sides: dict[str, Given] = {str(name): opened(model) for name, model in named.items()}
    for name, side in sides.items():
        if not isinstance(side, Model):
            raise C2STError(f"{name} is not a model; test it by c2st(a, b).")
    return _plan_columns("models", sides, opened(cells), config)


def plan_c2st_matrix(cells: Given, columns: Given | None, config: C2STConfig) -> C2STPlan:
    """Plan the tests of every class against every class; see `c2st_matrix`."""
    rows = opened(cells)
    if isinstance(rows, CellSet):
        _check_names(rows.class_names)
    if not isinstance(rows, CellSet) or len(rows.class_names) < 2:
        raise C2STError("Every class against every class needs a cell set of two classes at least.")
    others = rows if columns is None else opened(columns)
    if not isinstance(others, CellSet):
        raise C2STError("The columns of the table are the classes of a cell set.")
    mirrored = others is rows and config.protocol != "paper"
    comparisons = []
    notes: list[str] = []
    for i, row in enumerate(rows.class_names):
        for j, column in enumerate(others.class_names):
            if mirrored and j < i:
                continue
            one, other = rows.subset([row]), others.subset([column])
            (pair,) = matched(one, other, config)
            if others is not rows:
                notes += notes_on(one, other, [pair])
            comparisons.append(Comparison(row, column, pair.a, pair.b, halves=others is rows and i == j))
            _check_halves(comparisons[-1])
    return C2STPlan(
        "matrix",
        tuple(rows.class_names),
        tuple(others.class_names),
        comparisons,
        (describe(rows), describe(others)),
        config,
        mirrored=mirrored,
        notes=tuple(notes),
    )


def plan_c2st_run(
    run: Run | str | os.PathLike[str], cells: Given, steps: Sequence[int] | None, config: C2STConfig
) -> C2STPlan:
    """Plan the tests of a run's checkpoints against cells; see `c2st_run`."""
    run = run if isinstance(run, Run) else Run(run)
    reference = opened(cells)
    chosen = sorted(set(run.checkpoints() if steps is None else steps))
    if not chosen:
        raise C2STError(
            f"{run.folder}: this run has no checkpoints to test."
            if steps is None
            else "No steps of the run were given; leave them out to test all checkpoints."
        )
    comparisons: list[Comparison] = []
    columns: list[str] = []
    models: dict[str, tuple[Model, CellSet]] = {}
    for step in chosen:
        model = model_at(run, step)
        pairs = matched(model, reference, config)
        models |= _models(f"step {step}", model, pairs)
        columns = [pair.class_name for pair in pairs]
        comparisons += _comparisons(pairs, config, row=str(step))
    rows = [str(step) for step in chosen]
    _check_names(columns)
    bands, band_notes = _bands(pairs, config, row=REAL)
    notes = (*notes_on(model, reference, pairs), *band_notes)
    return C2STPlan(
        "run",
        (*rows, *([REAL] if bands else [])),
        (*columns, *([ALL] if len(columns) > 1 else [])),
        [*comparisons, *bands],
        (f"the run {run.folder.name}", describe(reference)),
        config,
        notes=notes,
        models=models,
    )


def _plan_columns(kind: Kind, sides: Mapping[str, Given], b: Given, config: C2STConfig) -> C2STPlan:
    comparisons: list[Comparison] = []
    of_rows: dict[str, Pair] = {}
    notes: list[str] = []
    models: dict[str, tuple[Model, CellSet]] = {}
    for name, a in sides.items():
        pairs = matched(a, b, config)
        of_rows = {pair.class_name: pair for pair in pairs} | of_rows
        models |= _models(name, a, pairs)
        comparisons += _comparisons(pairs, config, column=name)
        notes += [f"{name}: {note}" for note in notes_on(a, b, pairs)]
    bands, band_notes = _bands(list(of_rows.values()), config, column=REAL)
    rows = list(of_rows)
    _check_names([*rows, *sides])
    return C2STPlan(
        kind,
        (*rows, *([ALL] if len(rows) > 1 else [])),
        (*sides, *([REAL] if bands else [])),
        [*comparisons, *bands],
        (", ".join(sides), describe(b)),
        config,
        notes=(*notes, *band_notes),
        models=models,
    )


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if name in (ALL, REAL):
            raise C2STError(
                f"No class and no model can be called {name!r} here, which has a meaning of its own; rename it."
            )


def _models(name: str, a: Given, pairs: Sequence[Pair]) -> dict[str, tuple[Model, CellSet]]:
    """Give a model with the real cells of all its classes, for the spread of its greens; nothing where some miss."""
    real = [(pair.class_name, pair.b) for pair in pairs]
    if not isinstance(a, Model) or len(pairs) < len(a.class_names):
        return {}
    sides = [(own, side) for own, side in real if isinstance(side, CellsSide)]
    if len(sides) < len(pairs):
        return {}
    names = a.class_names if len(pairs) == 1 else [own for own, _ in sides]
    cells = CellSet(
        [side.cells for _, side in sides], names, a.channel_names, intensity_range=sides[0][1].intensity_range
    )
    return {name: (a, cells)}


def _comparisons(
    pairs: Sequence[Pair], config: C2STConfig, *, row: str | None = None, column: str | None = None
) -> list[Comparison]:
    """Compare the sides of each pair, in a row or a column of the table; the class is the other."""
    most = None
    if config.protocol == "paper" and len(pairs) > 1:
        held_out = [pair.b.count // 2 for pair in pairs if pair.b.count is not None]
        most = min((-(-count // config.resolved_batch_size) for count in held_out), default=None)
    return [
        Comparison(row or pair.class_name, column or pair.class_name, pair.a, pair.b, most_batches=most)
        for pair in pairs
    ]


def _bands(
    pairs: Sequence[Pair], config: C2STConfig, *, row: str | None = None, column: str | None = None
) -> tuple[list[Comparison], tuple[str, ...]]:
    """Compare halves of the reference cells of each pair, where they are enough."""
    if not config.band:
        return [], ()
    if not any(isinstance(pair.b, CellsSide) for pair in pairs):
        return [], ("no test of real against real, since b is a model",)
    real = [pair for pair in pairs if isinstance(pair.b, CellsSide)]
    small = [pair.class_name for pair in real if (pair.b.count or 0) < FEWEST_FOR_HALVES]
    bands = [
        Comparison(row or pair.class_name, column or pair.class_name, pair.b, pair.b, halves=True)
        for pair in real
        if pair.class_name not in small
    ]
    note = f"no test of real against real for {', '.join(small)}: it takes {FEWEST_FOR_HALVES} real cells"
    return bands, (note,) if small else ()


def _check_halves(comparison: Comparison) -> None:
    if comparison.halves and (comparison.b.count or 0) < FEWEST_FOR_HALVES:
        raise C2STError(
            f"Class {comparison.row!r} has {comparison.b.count} cells; its halves can be tested against each other "
            f"from {FEWEST_FOR_HALVES} on. Leave it out, or add cells."
        )


def _made_with(config: C2STConfig) -> dict[str, Any]:
    return {
        "napari_biogans": version("napari-biogans"),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "python": platform.python_version(),
        "device": str(choose_device(config.device)),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
