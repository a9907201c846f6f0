import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, mannwhitneyu, t

from napari_biogans.evaluation.statistics import (
    area_under_curve,
    balanced_accuracy,
    best_threshold,
    interval_over_splits,
    p_value_over_splits,
    permutation_p_value,
    permuted_areas,
    share_interval,
    smallest_noticed_area,
    smallest_p_value,
)

scores = st.lists(st.integers(-5, 5), min_size=1, max_size=12).map(lambda values: np.array(values, np.float32))


@given(scores, scores)
def test_the_area_counts_pairs_and_ties_by_half(a, b):
    pairs = [(x > y) + 0.5 * (x == y) for x in a for y in b]
    assert area_under_curve(a, b) == pytest.approx(np.mean(pairs))
    assert area_under_curve(b, a) == pytest.approx(1 - np.mean(pairs))


@given(scores, scores)
def test_no_threshold_is_better_than_the_best(a, b):
    best = balanced_accuracy(a, b, best_threshold(a, b))
    others = [balanced_accuracy(a, b, value) for value in np.arange(-6, 6, 0.5)]
    assert best >= max(others) - 1e-9
    assert best >= 0.5


@given(scores, scores)
def test_shuffled_areas_are_those_of_all_arrangements(a, b):
    together = np.concatenate([a, b])
    shuffled = permuted_areas(a, b, 50, np.random.default_rng(0))
    if len(together) <= 8:
        possible = {
            round(area_under_curve(together[list(chosen)], np.delete(together, chosen)), 6)
            for chosen in itertools.combinations(range(len(together)), len(a))
        }
        assert {round(float(value), 6) for value in shuffled} <= possible
    assert shuffled.min() >= -1e-9
    assert shuffled.max() <= 1 + 1e-9


def test_the_p_value_is_that_of_the_rank_sum_test():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.4, 1, 40), rng.normal(0, 1, 30)
    expected = mannwhitneyu(a, b, alternative="greater", method="exact").pvalue
    permuted = permuted_areas(a, b, 20_000, rng)
    assert permutation_p_value(area_under_curve(a, b), permuted) == pytest.approx(expected, rel=0.1)


def test_p_values_are_uniform_when_there_is_nothing_to_find():
    rng = np.random.default_rng(4)
    values = []
    for _ in range(300):
        a, b = rng.normal(size=25), rng.normal(size=20)
        values.append(permutation_p_value(area_under_curve(a, b), permuted_areas(a, b, 199, rng)))
    assert kstest(values, "uniform").pvalue > 0.01


def test_a_p_value_is_never_zero():
    assert permutation_p_value(1.0, np.zeros(999)) == pytest.approx(1 / 1000)


def test_the_interval_has_the_corrected_variance():
    values = np.array([0.1, 0.3, 0.2, 0.4])
    reach = t.ppf(0.975, 3) * np.sqrt((1 / 4 + 1) * values.var(ddof=1))
    assert interval_over_splits(values, 0.95) == pytest.approx((0.25 - reach, 0.25 + reach))
    assert np.isnan(interval_over_splits(values[:1], 0.95)).all()


def test_p_values_of_splits_are_joined_by_twice_their_median():
    assert p_value_over_splits(np.array([0.01, 0.5, 0.03])) == pytest.approx(0.06)
    assert p_value_over_splits(np.array([0.7, 0.8])) == 1


@given(st.integers(1, 6), st.integers(1, 6))
def test_no_arrangement_has_a_smaller_p_value_than_the_smallest(a, b):
    # The best arrangement is one of as many as there are.
    assert smallest_p_value(a, b, splits=1) == pytest.approx(1 / len(list(itertools.combinations(range(a + b), a))))
    assert smallest_p_value(a, b, splits=2) == min(1, 2 * smallest_p_value(a, b, splits=1))


def test_more_cells_notice_smaller_differences():
    areas = [smallest_noticed_area([(n, n)], 0.05, splits=1) for n in (5, 50, 500)]
    assert areas == sorted(areas, reverse=True)
    assert 0.5 < areas[-1] < areas[0] <= 1


@pytest.mark.parametrize("splits", [1, 10])
@pytest.mark.parametrize("held_out", [[(60, 60)], [(4, 4), (1000, 1000)]])
def test_the_area_that_counts_is_where_p_values_become_significant(held_out, splits):
    rng = np.random.default_rng(0)
    permuted = np.mean([permuted_areas(rng.normal(size=a), rng.normal(size=b), 9999, rng) for a, b in held_out], axis=0)
    area = smallest_noticed_area(held_out, 0.05, splits)
    p_value = permutation_p_value(area, permuted)
    assert p_value == pytest.approx(0.05 / (1 if splits == 1 else 2), rel=0.35)


def test_a_share_of_everything_is_not_certain():
    low, high = share_interval(1.0, 60, 0.95)
    assert 0.93 < low < 0.95
    assert high == pytest.approx(1)


def test_a_threshold_beyond_all_scores_is_not_far_beyond():
    a, b = np.array([0.0, 1e-4]), np.array([2e-4, 3e-4])
    assert -1e-3 < best_threshold(a, b) < 1e-3
