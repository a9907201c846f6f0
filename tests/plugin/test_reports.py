"""Events of a training are gathered into a few reports a second."""

from pathlib import Path

import numpy as np
import pytest

from napari_biogans.plugin.reports import Outcome, reports
from napari_biogans.training import GreenSpread, Metrics, Samples, Saved, Started, StepDone

FOLDER = Path("run")
STARTED = Started(
    folder=FOLDER, step=0, steps=100, device="cpu", precision="float32", cells=6, pixel_size=0.2, class_names=("Tea1",)
)


class Time:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def metrics(step):
    return Metrics(step=step, critic_loss=-step, generator_loss=step, critic_gap=0, gradient_penalty=0, seconds=0)


def samples(step):
    return Samples(step, np.full((1, 1, 2, 4, 4), step), FOLDER / "samples")


def spread(step):
    return GreenSpread(step, ("Tea1",), drawn=(0.01 * step,), real=(0.1,))


def training(time, steps=100, seconds_per_step=0.01):
    yield STARTED
    yield samples(0)
    for step in range(1, steps + 1):
        time.now += seconds_per_step
        yield StepDone(step, 100, 1 / seconds_per_step)
        yield metrics(step)
        if step % 10 == 0:
            yield spread(step)
    yield samples(steps)
    yield Saved(steps, FOLDER / "checkpoint", FOLDER / "model")
    return "a model"


def exhaust(generator):
    found = []
    while True:
        try:
            found.append(next(generator))
        except StopIteration as end:
            return found, end.value


def test_hundreds_of_events_are_a_few_reports_and_none_is_lost():
    time = Time()
    found, outcome = exhaust(reports(training(time), 0.1, time))
    assert len(found) <= 12
    assert found[0].started == STARTED
    assert [row.step for report in found for row in report.metrics] == list(range(1, 101))
    assert [row.step for report in found for row in report.spreads] == list(range(10, 101, 10))
    assert [report.samples.step for report in found if report.samples] == [0, 100]
    assert found[-1].saved.step == found[-1].step == 100
    assert outcome == Outcome(FOLDER, 100, 100)
    assert outcome.is_complete


def test_rate_and_time_left_leave_out_pauses():
    time = Time()
    generator = reports(training(time), 0.1, time)
    report = next(generator)
    while report.step < 50:
        report = next(generator)
        if report.step > 20:
            time.now += 1000
    assert report.rate == pytest.approx(100)
    assert report.seconds_left == pytest.approx(0.5, abs=0.2)


def test_steps_slower_than_the_reports_are_told_one_by_one():
    time = Time()
    found, _ = exhaust(reports(training(time, steps=3, seconds_per_step=7), 0.1, time))
    assert [report.step for report in found] == [0, 1, 2, 3, 3]
    assert found[2].rate == pytest.approx(1 / 7)


def test_closing_closes_the_training():
    closed = []

    def endless():
        try:
            yield STARTED
            while True:
                yield StepDone(1, 100, 1.0)
        finally:
            closed.append(True)

    generator = reports(endless(), 0.0)
    next(generator)
    generator.close()
    assert closed


def test_errors_pass():
    def broken():
        yield STARTED
        raise ValueError("broken")

    generator = reports(broken(), 10.0)
    next(generator)
    with pytest.raises(ValueError, match="broken"):
        next(generator)
