"""The statistics of held-out scores: how well they tell two sides apart, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]
PERMUTED_AT_A_TIME = 2**22
"""Numbers held at once while scores are shuffled."""


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half its length."""
        return (self.high - self.low) / 2

    def clipped(self, lowest: float, highest: float) -> Interval:
        """Leave out what cannot be."""
        return Interval(*np.clip(self, lowest, highest).tolist())


def area_under_curve(a: Scores, b: Scores) -> float:
    """Compute the chance that a score of a is higher than one of b; ties count half.

    Parameters
    ----------
    a, b : arrays (N,), (M,)

    Returns
    -------
    float
        In [0, 1]; 0.5 where the scores say nothing. The area under the
        receiver operating characteristic.

    Examples
    --------
    >>> area_under_curve(np.array([2.0, 3.0]), np.array([0.0, 2.0]))
    0.875
    """
    return float(_area(_ranks(np.concatenate([a, b]))[: len(a)].sum(), len(a), len(b)))


def best_threshold(a: Scores, b: Scores) -> float:
    """Find the threshold above which scores are best taken for those of a.

    Parameters
    ----------
    a, b : arrays (N,), (M,)

    Returns
    -------
    float
        Midway between two scores; the middle one of several that separate
        equally well. Just beyond the scores where all are best taken for those
        of one side.

    Examples
    --------
    >>> best_threshold(np.array([3.0, 4.0]), np.array([0.0, 1.0]))
    2.0
    """
    values = np.unique(np.concatenate([a, b]))
    beyond = (values[-1] - values[0]) / len(values)
    edges = np.concatenate([values[:1] - beyond, (values[:-1] + values[1:]) / 2, values[-1:] + beyond])
    right_a = 1 - np.searchsorted(np.sort(a), edges, side="right") / len(a)
    right_b = np.searchsorted(np.sort(b), edges, side="right") / len(b)
    right = right_a + right_b
    best = np.flatnonzero(right > right.max() - 1e-12)
    return float(edges[best[len(best) // 2]])


def balanced_accuracy(a: Scores, b: Scores, threshold: float) -> float:
    """Compute the part that a threshold assigns to its side, as if the sides were equally large.

    Parameters
    ----------
    a, b : arrays (N,), (M,)
    threshold : float
        Scores above it are taken for those of a.

    Returns
    -------
    float
        In [0, 1]; 0.5 where the scores say nothing.

    Examples
    --------
    >>> balanced_accuracy(np.array([2.0, 3.0]), np.array([0.0, 2.5, 0.0, 1.0]), 1.5)
    0.875
    """
    return float(((a > threshold).mean() + (b <= threshold).mean()) / 2)


def permuted_areas(a: Scores, b: Scores, permutations: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Compute the areas under the curve of scores whose sides were shuffled.

    Parameters
    ----------
    a, b : arrays (N,), (M,)
    permutations : int
    rng : numpy.random.Generator

    Returns
    -------
    array (permutations,)
    """
    ranks = _ranks(np.concatenate([a, b])).astype(np.float32)
    # The sum over the smaller side says as much, and fewer are drawn for it.
    number = min(len(a), len(b))
    at_a_time = max(1, PERMUTED_AT_A_TIME // len(ranks))
    sums = np.empty(permutations)
    for start in range(0, permutations, at_a_time):
        keys = rng.random((min(at_a_time, permutations - start), len(ranks)), np.float32)
        chosen = np.argpartition(keys, number - 1, axis=1)[:, :number]
        sums[start : start + at_a_time] = ranks[chosen].sum(axis=1, dtype=np.float64)
    areas: NDArray[np.float64] = _area(sums, number, len(ranks) - number)
    return areas if len(a) == number else 1 - areas


def permutation_p_value(statistic: float, permuted: NDArray[np.float64]) -> float:
    """Compute how often shuffled scores tell the sides apart as well as the true ones.

    The true arrangement counts as one of them, so that the p-value is exact
    and never 0.

    Parameters
    ----------
    statistic : float
    permuted : array (permutations,)
        The same statistic of shuffled scores.

    References
    ----------
    Phipson and Smyth, Permutation P-values Should Never Be Zero, 2010.

    Examples
    --------
    >>> permutation_p_value(0.9, np.array([0.4, 0.5, 0.6]))
    0.25
    """
    return float((1 + (permuted >= statistic - 1e-9).sum()) / (1 + len(permuted)))


def p_value_over_splits(p_values: NDArray[np.float64]) -> float:
    """Combine the p-values of splits of the same cells.

    Splits overlap, so that their p-values are no independent evidence. Twice
    their median is a valid p-value however they depend on each other; of a
    single split it is the p-value itself.

    Parameters
    ----------
    p_values : array (splits,)

    References
    ----------
    Meinshausen, Meier, Bühlmann, p-Values for High-Dimensional Regression,
    JASA 2009.

    Examples
    --------
    >>> p_value_over_splits(np.array([0.01, 0.02, 0.2])), p_value_over_splits(np.array([0.3]))
    (0.04, 0.3)
    """
    if len(p_values) == 1:
        return float(p_values[0])
    return float(min(1.0, 2 * np.median(p_values)))


def interval_over_splits(values: NDArray[np.float64], confidence: float, held_out_to_trained: float = 1.0) -> Interval:
    """Compute a confidence interval of a mean over splits of the same cells.

    Splits share cells, so that their spread alone makes the mean look surer
    than it is; the corrected variance adds the ratio of the parts.

    Parameters
    ----------
    values : array (splits,)
    confidence : float
        Such as 0.95.
    held_out_to_trained : float
        Cells held out for each one that was trained on; 1 for halves.

    Returns
    -------
    Interval
        NaN for a single split, whose spread is not known.

    References
    ----------
    Nadeau and Bengio, Inference for the Generalization Error, Machine
    Learning 52, 2003.

    Examples
    --------
    >>> interval = interval_over_splits(np.array([1.0, 2.0, 3.0]), 0.95)
    >>> round(interval.low, 2), round(interval.high, 2)
    (-2.97, 6.97)
    """
    from scipy.special import stdtrit

    count = len(values)
    if count < 2:
        return Interval(np.nan, np.nan)
    variance = (1 / count + held_out_to_trained) * values.var(ddof=1)
    reach = float(stdtrit(count - 1, (1 + confidence) / 2)) * sqrt(variance)
    mean = float(values.mean())
    return Interval(mean - reach, mean + reach)


def smallest_p_value(a: int, b: int, splits: int) -> float:
    """Compute the smallest p-value that so many held-out cells can have at all.

    Parameters
    ----------
    a, b : int
        Held-out cells of either side.
    splits : int

    Examples
    --------
    >>> smallest_p_value(2, 2, splits=1)
    0.16666666666666666
    """
    return min(1.0, (1 if splits == 1 else 2) / comb(a + b, a))


def smallest_noticed_area(held_out: Sequence[tuple[int, int]], significance: float, splits: int) -> float:
    """Estimate the area under the curve from which a difference is called one.

    Parameters
    ----------
    held_out : sequence of (int, int)
        Held-out cells of either side, of each class; classes count equally.
    significance : float
        The p-value below which it is.
    splits : int
        Of several, twice the median of the p-values counts.

    Returns
    -------
    float
        By the normal approximation of the rank sum.

    Examples
    --------
    >>> round(smallest_noticed_area([(60, 60)], 0.05, splits=1), 2)
    0.59
    >>> round(smallest_noticed_area([(60, 60)], 0.05, splits=10), 2)
    0.6
    """
    from scipy.special import ndtri

    variance = sum((a + b + 1) / (12 * a * b) for a, b in held_out) / len(held_out) ** 2
    each = significance if splits == 1 else significance / 2
    return float(min(1.0, 0.5 - ndtri(each) * sqrt(variance)))


def share_interval(share: float, number: int, confidence: float) -> Interval:
    """Compute Wilson's confidence interval of a share of so many.

    Parameters
    ----------
    share : float
        In [0, 1].
    number : int
    confidence : float

    Examples
    --------
    >>> interval = share_interval(1.0, 100, 0.95)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.963, 1.0)
    """
    from scipy.special import ndtri

    z = -ndtri((1 - confidence) / 2)
    middle = (share + z * z / (2 * number)) / (1 + z * z / number)
    reach = z / (1 + z * z / number) * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return Interval(float(middle - reach), float(min(1.0, middle + reach)))


def _ranks(scores: Scores) -> NDArray[np.float64]:
    # Half a second to load, which a dock should not take to open.
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(scores)
    return ranks


def _area(rank_sum: Any, number: int, others: int) -> Any:
    return (rank_sum - number * (number + 1) / 2) / (number * others)
