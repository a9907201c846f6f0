"""What two-sample tests found, in numbers and in words."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.evaluation.critics import Comparison, CriticScores
from napari_biogans.evaluation.diversity import Diversity
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.statistics import (
    Interval,
    interval_over_splits,
    p_value_over_splits,
    permutation_p_value,
    permuted_areas,
    share_interval,
    smallest_noticed_area,
    smallest_p_value,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from napari_biogans.evaluation.telling import TellingCells

Verdict = Literal["differ", "alike", "too few cells"]
PLAIN_P_VALUE = 0.001
"""Below it, how small a p-value is depends on its resolution and says no more."""


@dataclass(frozen=True, eq=False)
class TwoSampleTest:
    """What the critics of all splits found about one or several comparisons.

    All numbers are means over the splits, and over the comparisons where there
    are several, which count equally.

    Parameters
    ----------
    parts : sequence of (Comparison, sequence of CriticScores)
        Of one class, or of all classes together.
    config : C2STConfig
    """

    parts: Sequence[tuple[Comparison, Sequence[CriticScores]]]
    config: C2STConfig

    @property
    def splits(self) -> int:
        """Splits that are done in all comparisons."""
        return len(self._common_splits)

    @property
    def score(self) -> float:
        """Mean over splits of the critic gap, or of the paper's score in the paper's protocol."""
        return float(self.scores.mean())

    @property
    def std(self) -> float:
        """Standard deviation of the score over splits; NaN for one."""
        return float(self.scores.std(ddof=1)) if self.splits > 1 else float("nan")

    @property
    def interval(self) -> Interval:
        """Of the score; it accounts for splits sharing cells."""
        return self._interval(self.scores)

    @property
    def gap(self) -> float:
        """Mean score of held-out cells of a less that of b, without a penalty."""
        return float(self._values(lambda of: of.gap).mean())

    @property
    def paper_score(self) -> float:
        """The published score, which has the penalty in it."""
        return float(self._values(lambda of: of.paper_score).mean())

    @property
    def accuracy(self) -> float:
        """Part of held-out cells that were assigned to their side; 0.5 is chance."""
        return float(self.accuracies.mean())

    @property
    def accuracy_interval(self) -> Interval:
        """Of the accuracy, within [0, 1]: never narrower than that of the number of cells that a split holds out."""
        by_splits = self._interval(self.accuracies).clipped(0, 1)
        by_number = share_interval(self.accuracy, sum(self.held_out), self.config.confidence)
        return Interval(min(by_splits.low, by_number.low), max(by_splits.high, by_number.high))

    @property
    def auc(self) -> float:
        """Chance that a held-out cell of a scores higher than one of b; 0.5 where nothing tells them apart."""
        return float(self.aucs.mean())

    @property
    def auc_interval(self) -> Interval:
        """Of the area under the curve, within [0, 1]."""
        return self._interval(self.aucs).clipped(0, 1)

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Score of each split."""
        paper = self.config.protocol == "paper"
        return self._values(lambda of: of.paper_score if paper else of.gap)

    @cached_property
    def accuracies(self) -> NDArray[np.float64]:
        """Accuracy of each split."""
        return self._values(lambda of: of.accuracy)

    @cached_property
    def aucs(self) -> NDArray[np.float64]:
        """Area under the curve of each split."""
        return self._values(lambda of: of.auc)

    @cached_property
    def p_values(self) -> NDArray[np.float64]:
        """Of each split: how often shuffled held-out scores tell the sides apart as well."""
        values = []
        for split, auc in zip(self._common_splits, self.aucs, strict=True):
            rng = np.random.default_rng([self.config.seed, split])
            permuted = np.zeros(self.config.permutations)
            for _, by_split in self._by_split:
                permuted += permuted_areas(by_split[split].a, by_split[split].b, self.config.permutations, rng)
            values.append(permutation_p_value(auc, permuted / len(self.parts)))
        return np.array(values)

    @property
    def p_value(self) -> float:
        """Of all splits together: that of the only one, or twice the median."""
        return p_value_over_splits(self.p_values)

    @property
    def p_resolution(self) -> float:
        """The smallest p-value that can come out, by the number of permutations and of cells."""
        factor = 1 if self.splits == 1 else 2
        return max(factor / (self.config.permutations + 1), self._smallest_p_value)

    @property
    def real_cells(self) -> int:
        """Real cells that take part."""
        return sum(comparison.real_cells for comparison, _ in self.parts)

    @property
    def held_out(self) -> tuple[int, int]:
        """Cells of a and of b in a split that the critics had not seen."""
        of_first = [scores[0] for _, scores in self.parts]
        return sum(len(scores.a) for scores in of_first), sum(len(scores.b) for scores in of_first)

    @property
    def trained_auc(self) -> float:
        """Area under the curve on the cells that the critics were trained on: about 0.5 if they learned nothing."""
        return float(self._values(lambda of: of.trained_auc).mean())

    @property
    def verdict(self) -> Verdict:
        """Whether the sides differ, cannot be told apart, or are too small to tell anything."""
        if self._smallest_p_value > self.config.significance:
            return "too few cells"
        return "differ" if self.p_value <= self.config.significance else "alike"

    @property
    def sentence(self) -> str:
        """The verdict in words, with what it rests on."""
        if self.verdict == "too few cells":
            held_out = " + ".join(f"{count:,}" for count in self.held_out)
            return (
                f"too few cells to tell anything: {held_out} held out, with which no p-value can be below "
                f"{self._smallest_p_value:.2g}"
            )
        if self.verdict == "differ":
            low, high = self.accuracy_interval
            half = (high - low) / 2
            spread = (f" ± {half:.0%}" if half >= 0.01 else f" ± {half:.1%}") if np.isfinite(low) else ""
            return f"differ: {self.accuracy:.0%}{spread} accuracy, {self.p_text}"
        held_out_of_each = [(len(scores[0].a), len(scores[0].b)) for _, scores in self.parts]
        noticed = smallest_noticed_area(held_out_of_each, self.config.significance, self.splits)
        return (
            f"cannot be told apart with these {self._cells_text} by such critics ({self.p_text}; AUC {self.auc:.2f}, "
            f"where about {noticed:.2f} would count as a difference; {self.trained_auc:.2f} on the cells they learned "
            "from)"
        )

    @property
    def _cells_text(self) -> str:
        if not self.real_cells:
            return f"{sum(self.held_out):,} drawn cells"
        smaller = min(self.held_out)
        few = f", {smaller:,} of the smaller side held out," if 4 * smaller < max(self.held_out) else ""
        return f"{self.real_cells:,} cells{few}"

    @property
    def p_text(self) -> str:
        """The p-value as it is reported."""
        if self.p_value < PLAIN_P_VALUE:
            return f"p < {PLAIN_P_VALUE:g}"
        return f"p = {self.p_value:.2g}"

    @property
    def score_text(self) -> str:
        """The score with its standard deviation."""
        return f"{_number(self.score)} ± {_number(self.std)}" if self.splits > 1 else _number(self.score)

    def facts(self) -> dict[str, Any]:
        """Give all numbers by name, as a row of a table."""
        held_out_a, held_out_b = self.held_out
        return {
            "score": self.score,
            "std": self.std,
            "low": self.interval.low,
            "high": self.interval.high,
            "gap": self.gap,
            "paper_score": self.paper_score,
            "accuracy": self.accuracy,
            "accuracy_low": self.accuracy_interval.low,
            "accuracy_high": self.accuracy_interval.high,
            "auc": self.auc,
            "auc_low": self.auc_interval.low,
            "auc_high": self.auc_interval.high,
            "trained_auc": self.trained_auc,
            "p_value": self.p_value,
            "p_resolution": self.p_resolution,
            "splits": self.splits,
            "real_cells": self.real_cells,
            "held_out_a": held_out_a,
            "held_out_b": held_out_b,
            "verdict": self.verdict,
            "sentence": self.sentence,
        }

    def split_facts(self) -> list[dict[str, Any]]:
        """Give the numbers of each split, as rows of a table."""
        columns = {
            "score": self.scores,
            "gap": self._values(lambda of: of.gap),
            "penalty": self._values(lambda of: of.penalty),
            "paper_score": self._values(lambda of: of.paper_score),
            "accuracy": self.accuracies,
            "auc": self.aucs,
            "trained_auc": self._values(lambda of: of.trained_auc),
            "p_value": self.p_values,
        }
        return [
            {"split": split, **{name: float(values[k]) for name, values in columns.items()}}
            for k, split in enumerate(self._common_splits)
        ]

    @cached_property
    def _by_split(self) -> list[tuple[Comparison, dict[int, CriticScores]]]:
        return [(comparison, {scores.split: scores for scores in of_all}) for comparison, of_all in self.parts]

    @cached_property
    def _common_splits(self) -> list[int]:
        return sorted(set.intersection(*(set(by_split) for _, by_split in self._by_split)))

    @property
    def _smallest_p_value(self) -> float:
        smallest = 1.0
        for _, scores in self.parts:
            smallest *= smallest_p_value(len(scores[0].a), len(scores[0].b), splits=1)
        return min(1.0, (1 if self.splits == 1 else 2) * smallest)

    def _interval(self, values: NDArray[np.float64]) -> Interval:
        return interval_over_splits(values, self.config.confidence)

    def _values(self, number: Callable[[CriticScores], float]) -> NDArray[np.float64]:
        """Take a number of each split, the mean over the comparisons."""
        return np.array(
            [np.mean([number(by_split[split]) for _, by_split in self._by_split]) for split in self._common_splits]
        )


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


def _number(value: float) -> str:
    """Write a score with two places, or with two digits where it is small."""
    text = f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
    return text.removeprefix("-") if not float(text) else text
