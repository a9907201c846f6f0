"""How long a test will take: what is counted, and that it follows from what was measured."""

import pytest

from napari_biogans.evaluation import estimate
from napari_biogans.evaluation.c2st import carry_out
from napari_biogans.evaluation.critics import halves
from napari_biogans.evaluation.estimate import estimate_time
from napari_biogans.evaluation.plans import plan_c2st, plan_c2st_matrix
from napari_biogans.evaluation.settings import make_c2st_config


@pytest.fixture
def config(tiny):
    return make_c2st_config(**{name: value for name, value in tiny.items() if name not in ("store", "progress")})


def to_end(testing):
    while True:
        try:
            next(testing)
        except StopIteration as end:
            return end.value


def test_critics_that_are_known_take_no_time(cells, more_cells, config, tiny):
    plan = plan_c2st(cells, more_cells, config)
    before = estimate_time(plan, store=tiny["store"])
    assert (before.critics, before.known) == (8, 0), "two classes, real against real too, and two splits"
    assert before.seconds > 0
    assert not tiny["store"].exists(), "what is measured is no result"
    to_end(carry_out(plan, store=tiny["store"]))
    after = estimate_time(plan, store=tiny["store"])
    assert (after.critics, after.known, after.seconds) == (8, 8, 0)
    assert str(after) == "all 8 critics are known already"


def test_models_and_halves_are_measured_too(cells, star, config):
    for plan in (plan_c2st(star, cells, config), plan_c2st(star, star, config), plan_c2st_matrix(cells, None, config)):
        assert estimate_time(plan, store=None).seconds > 0


def test_it_can_be_stopped(cells, more_cells, config):
    assert estimate_time(plan_c2st(cells, more_cells, config), store=None, should_stop=lambda: True) is None


class Clock:
    """Time that passes only when something is done."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


def test_steps_and_cells_are_scaled_up(cells, more_cells, config, monkeypatch):
    clock = Clock()

    def train_critic(comparison, config, split, *, should_stop, on_step):
        clock.now += 5  # the first step is slow
        for step in range(config.resolved_steps):
            clock.now += 0.5
            on_step(step + 1)
            if should_stop():
                return None
        clock.now += 0.125 * sum(len(part.places) for part in halves(comparison, config, split))
        return "scores"

    monkeypatch.setattr(estimate, "time", clock)
    monkeypatch.setattr(estimate, "train_critic", train_critic)
    monkeypatch.setattr(estimate, "choose_workers", lambda config: 1)
    config = make_c2st_config(splits=3, steps=1000, batch_size=2, device="cpu", band=False)
    plan = plan_c2st(cells.subset(["tips"]), more_cells.subset(["tips"]), config)
    assert estimate_time(plan, store=None).seconds == pytest.approx(3 * (1000 * 0.5 + (24 + 20) * 0.125))
    config = make_c2st_config(splits=3, steps=1000, batch_size=2, device="cpu")
    plan = plan_c2st(cells.subset(["tips"]), more_cells.subset(["tips"]), config)
    with_band = 3 * (1000 * 0.5 + 20 * 0.125)
    assert estimate_time(plan, store=None).seconds == pytest.approx(3 * (1000 * 0.5 + 44 * 0.125) + with_band, rel=0.01)
