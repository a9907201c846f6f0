"""What the critics of all splits found about two sides, in numbers and in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_biogans.evaluation.critics import Comparison, CriticScores
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


def _number(value: float) -> str:
    """Write a score with two places, or with two digits where it is small."""
    text = f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
    return text.removeprefix("-") if not float(text) else text
