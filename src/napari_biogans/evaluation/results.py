"""What two-sample tests found, in numbers and in words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from napari_biogans.evaluation.diversity import Diversity
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.statistics import (
    Interval,
)
from napari_biogans.evaluation.two_sample import TwoSampleTest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from napari_biogans.evaluation.telling import TellingCells

Kind = Literal["pair", "matrix", "models", "run"]
ALL, REAL = "all classes", "real against real"
"""The row of all classes together, and the column of halves of the reference cells; no class may be called so."""


@dataclass(frozen=True, eq=False)
class C2STResult:
    """Two-sample tests, in rows and columns.

    Parameters
    ----------
    kind : {"pair", "matrix", "models", "run"}
        What was asked: two sides; every class against every class; models, or
        the checkpoints of a run, against cells.
    rows, columns : tuple of str
        Classes, models, steps or what else there is.
    tests : dict
        `TwoSampleTest` by row and column; those that were not done when it was
        stopped are missing.
    config : C2STConfig
    sides : tuple of str
        What a and b are, in words.
    facts : dict
        Versions, date and whatever else is needed to make sense of it.
    is_complete : bool
        Whether all splits of all tests are done.
    notes : tuple of str
        What its reader should know.
    diversities : dict
        Of each model that was tested, by its name: how much its greens vary
        for one red; see `napari_biogans.diversity`.
    """

    kind: Kind
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    tests: dict[tuple[str, str], TwoSampleTest]
    config: C2STConfig
    sides: tuple[str, str]
    facts: dict[str, Any]
    is_complete: bool
    notes: tuple[str, ...] = ()
    diversities: Mapping[str, Diversity] = field(default_factory=dict)

    @property
    def diversity(self) -> pd.DataFrame | None:
        """The spread of the models' greens at one red, a row for each class; None without a model."""
        if not self.diversities:
            return None
        return pd.concat([found.to_frame().assign(model=name) for name, found in self.diversities.items()])

    @property
    def overall(self) -> TwoSampleTest:
        """The test of all classes together, or the only one.

        Raises
        ------
        ValueError
            If there are several; take one from `tests`.
        """
        tested = [column for column in self.columns if column != REAL]
        place = ALL if ALL in self.rows else self.rows[-1], tested[0]
        if self.kind in ("pair", "models") and len(tested) == 1 and place in self.tests:
            return self.tests[place]
        raise ValueError("There is no single test for all of this; take those of `tests`, by row and column.")

    @property
    def score(self) -> float:
        """Of `overall`: mean over splits, by the protocol."""
        return self.overall.score

    @property
    def std(self) -> float:
        """Of `overall`: standard deviation of the score over splits."""
        return self.overall.std

    @property
    def interval(self) -> Interval:
        """Of `overall`: confidence interval of the score."""
        return self.overall.interval

    @property
    def accuracy(self) -> float:
        """Of `overall`: part of held-out cells that were assigned to their side."""
        return self.overall.accuracy

    @property
    def auc(self) -> float:
        """Of `overall`: area under the curve."""
        return self.overall.auc

    @property
    def p_value(self) -> float:
        """Of `overall`."""
        return self.overall.p_value

    @property
    def verdict(self) -> str:
        """Of `overall`, in words."""
        return self.overall.sentence

    def to_frame(self) -> pd.DataFrame:
        """Give one row per test.

        Returns
        -------
        pandas.DataFrame
            `row` and `column` of the table, then score, standard deviation
            over splits and interval (`low`, `high`), `gap`, `paper_score`,
            `accuracy`, `auc` with their intervals, `p_value` and its
            resolution, numbers of splits and cells, and the verdict.
        """
        return pd.DataFrame(
            [{"row": row, "column": column, **test.facts()} for (row, column), test in self._in_order()]
        )

    def splits_frame(self) -> pd.DataFrame:
        """Give one row per split of each test."""
        return pd.DataFrame(
            [
                {"row": row, "column": column, **facts}
                for (row, column), test in self._in_order()
                for facts in test.split_facts()
            ]
        )

    def plot(self) -> Figure:
        """Draw it: a heat map, a curve over the steps of a run, or intervals by class.

        Returns
        -------
        matplotlib.figure.Figure
        """
        # The modules that draw and write results import this one.
        from napari_biogans.evaluation.figures import result_figure

        return result_figure(self)

    def plot_histogram(self, row: str | None = None, column: str | None = None) -> Figure:
        """Draw how the held-out scores of the two sides of one test are distributed.

        Parameters
        ----------
        row, column : str, optional
            Of the test; default `overall`.
        """
        from napari_biogans.evaluation.figures import histogram_figure
        from napari_biogans.evaluation.report import names_of_sides

        row, column = self._place(row, column)
        return histogram_figure(self.tests[row, column], *names_of_sides(self, row, column))

    def plot_telling(self, row: str | None = None, column: str | None = None, n: int = 8) -> Figure:
        """Draw the cells of one test that the critics were surest about; see `telling`."""
        from napari_biogans.evaluation.figures import telling_figure
        from napari_biogans.evaluation.report import names_of_sides

        row, column = self._place(row, column)
        return telling_figure(self.telling(row, column, n), *names_of_sides(self, row, column))

    def telling(self, row: str | None = None, column: str | None = None, n: int = 8) -> TellingCells:
        """Find the held-out cells of one test that the critics were surest about.

        Parameters
        ----------
        row, column : str, optional
            Of the test; default `overall`.
        n : int
            So many of either side, or as many as there are.

        Returns
        -------
        TellingCells
            `a_images` and `b_images` in the units of the cells, and how sure
            the critics were.
        """
        from napari_biogans.evaluation.telling import telling_cells

        return telling_cells(self.tests[self._place(row, column)], n)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write `to_frame` as a CSV file."""
        from napari_biogans.evaluation.report import save_csv

        return save_csv(self, path)

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write the tests with their splits, the settings and the versions as a JSON file."""
        from napari_biogans.evaluation.report import save_json

        return save_json(self, path)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write tables, figures (PNG and SVG) and a short report into a folder.

        Parameters
        ----------
        folder : path-like
            Made if it is missing; files of an earlier result are replaced.

        Returns
        -------
        list of pathlib.Path
            `report.md` first.
        """
        from napari_biogans.evaluation.report import save_result

        return save_result(self, folder)

    def _place(self, row: str | None, column: str | None) -> tuple[str, str]:
        if row is None and column is None:
            overall = self.overall
            return next(place for place, test in self.tests.items() if test is overall)
        place = (row or self.rows[0], column or self.columns[0])
        if place not in self.tests:
            raise KeyError(f"There is no test in row {place[0]!r}, column {place[1]!r}.")
        return place

    def __str__(self) -> str:
        lines = [self.title, f"({self.config})"]
        if not self.is_complete:
            lines.append(f"NOT COMPLETE: {self.splits_text} done so far")
        width = max(len(row) for row in self.rows)
        cells = {place: test.score_text for place, test in self.tests.items()}
        widths = [
            max(len(column), *(len(cells.get((row, column), "")) for row in self.rows)) for column in self.columns
        ]
        lines += [
            "",
            " " * width + "  " + "  ".join(name.rjust(w) for name, w in zip(self.columns, widths, strict=True)),
        ]
        for row in self.rows:
            texts = [cells.get((row, column), "–").rjust(w) for column, w in zip(self.columns, widths, strict=True)]
            lines.append(row.ljust(width) + "  " + "  ".join(texts))
        lines += ["", *self.sentences()]
        for name, found in self.diversities.items():
            lines += ["", f"{name}: {found}"]
        lines += [f"Note: {note}." for note in self.notes]
        return "\n".join(lines)

    @property
    def title(self) -> str:
        """What was asked, in one line."""
        a, b = self.sides
        match self.kind:
            case "matrix":
                return f"C2ST of every class against every class: {a}"
            case "run":
                return f"C2ST over the training of {a} against {b}"
            case _:
                return f"C2ST of {a} against {b}"

    def sentences(self) -> list[str]:
        """Give the verdicts, one line each; of a matrix only those that are no difference."""
        if self.kind == "matrix":
            unexpected: dict[TwoSampleTest, tuple[str, str]] = {}
            for (row, column), test in self._in_order():
                if test.verdict != ("alike" if row == column else "differ"):
                    unexpected.setdefault(test, (row, column))  # one test stands for both orders of two classes
            lines = [f"{row} against {column}: {test.sentence}." for test, (row, column) in unexpected.items()]
            if lines or not self.is_complete:
                return lines
            return ["All classes differ from each other" + (", and none from itself." if self._has_diagonal else ".")]
        if self.kind == "run":
            main = ALL if ALL in self.columns else self.columns[0]
            steps = [row for row in self.rows if row != REAL and (row, main) in self.tests]
            return [f"step {row}, {main}: {self.tests[row, main].sentence}." for row in steps]
        columns = [column for column in self.columns if column != REAL]
        return [
            f"{row}{f', {column}' if len(columns) > 1 else ''}: {self.tests[row, column].sentence}."
            for row in self.rows
            for column in columns
            if (row, column) in self.tests
        ]

    @property
    def _has_diagonal(self) -> bool:
        return any(row == column for row, column in self.tests)

    @property
    def splits_text(self) -> str:
        """How many splits are done, in words."""
        done = {test.splits for test in self.tests.values()}
        if done == {self.config.splits}:
            return "1 split" if self.config.splits == 1 else f"{self.config.splits} splits"
        few = min(done, default=0)
        some = f"{few} to {max(done)}" if len(done) > 1 else f"{few}"
        return f"{some} of {self.config.splits} splits"

    def _in_order(self) -> list[tuple[tuple[str, str], TwoSampleTest]]:
        places = [(row, column) for row in self.rows for column in self.columns]
        return [(place, self.tests[place]) for place in places if place in self.tests]
