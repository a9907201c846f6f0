import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_biogans.latent.lbfgs import LBFGS


def solved(points, objective, evaluations=200, **keywords):
    solver = LBFGS(points, objective, **keywords)
    progress = list(solver.run(evaluations))
    return solver, progress


def rosenbrock(x):
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(dim=1)


def test_it_finds_the_minimum_of_rosenbrock_from_many_starts():
    starts = torch.from_numpy(np.random.default_rng(0).uniform(-2, 2, (20, 4)))
    solver, _ = solved(starts, lambda x, _: rosenbrock(x), tolerance=1e-10)
    # There is a second, local minimum near (-1, 1, 1, 1).
    at_one = (solver.points - 1).abs().amax(dim=1) < 1e-3
    at_other = (solver.points[:, 0] + 0.776).abs() < 1e-2
    assert (at_one | at_other).all()
    assert at_one.sum() > 10


def test_it_needs_about_as_many_evaluations_as_a_solver_for_one_problem():
    start = torch.tensor([[-1.2, 1.0, -1.2, 1.0]], dtype=torch.float64)
    solver, _ = solved(start, lambda x, _: rosenbrock(x), tolerance=1e-9)
    expected = scipy.optimize.minimize(
        scipy.optimize.rosen, start[0].numpy(), jac=scipy.optimize.rosen_der, method="L-BFGS-B"
    )
    assert solver.values[0] < 1e-8
    assert solver.evaluations[0] < 2 * expected.nfev


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_problems_do_not_know_of_each_other(seed):
    rng = torch.Generator().manual_seed(seed)
    scales = torch.rand(5, 6, generator=rng, dtype=torch.float64) * 50 + 0.1
    starts = torch.randn(5, 6, generator=rng, dtype=torch.float64)

    def objective(x, which):
        return (scales[which] * (x - 1).square()).sum(dim=1) + torch.cos(3 * x).sum(dim=1)

    together, _ = solved(starts, objective, 40)
    for k in range(5):
        alone, _ = solved(starts[k : k + 1], lambda x, which, k=k: objective(x, which + k), 40)
        torch.testing.assert_close(alone.points[0], together.points[k])
        assert alone.evaluations[0] == together.evaluations[k]


def test_values_never_rise_and_the_best_is_kept():
    rng = torch.Generator().manual_seed(0)
    starts = torch.randn(8, 5, generator=rng, dtype=torch.float64)

    def bumpy(x, _):
        return x.abs().sum(dim=1) + torch.sin(20 * x).sum(dim=1)

    solver = LBFGS(starts, bumpy)
    before = torch.full((8,), float("inf"), dtype=torch.float64)
    for _ in solver.run(50):
        assert (solver.values <= before).all()
        before = solver.values.clone()
        torch.testing.assert_close(bumpy(solver.points, None), solver.values)
    assert (solver.values < bumpy(starts, None)).all()


def test_finished_problems_leave_the_batch():
    seen = []

    def objective(x, which):
        seen.append(len(which))
        return torch.tensor([1.0, 1000.0])[which] * (x - 3).square().sum(dim=1) + (x[:, 0] - x[:, 1]) ** 4

    _, progress = solved(torch.tensor([[3.0, 3.0], [50.0, -20.0]]), objective, 100)
    assert seen[0] == 2
    assert seen[1] == 1, "one was at its minimum from the start"
    assert progress[-1].active == 0
    assert progress[-1].evaluations < 100


def test_it_stops_after_so_many_evaluations():
    solver, progress = solved(torch.full((3, 4), 5.0), lambda x, _: rosenbrock(x), 7)
    assert [step.evaluations for step in progress] == list(range(1, 8))
    assert solver.evaluations.tolist() == [7, 7, 7]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_steps_into_the_undefined_are_taken_back(bad):
    def objective(x, _):
        value = (x - 2).square().sum(dim=1)
        return torch.where(x[:, 0] > 4, bad, value)

    solver, _ = solved(torch.tensor([[-30.0, 0.0]]), objective, 60)
    torch.testing.assert_close(solver.points, torch.tensor([[2.0, 2.0]]), atol=1e-3, rtol=0)
