"""A training tells, and logs, whether greens vary where red is the same."""

import numpy as np
import pandas as pd
import pytest

from napari_biogans.cells import CellSet, read_cells
from napari_biogans.cells.green_spread import neighbour_spread, spread_at_fixed_red
from napari_biogans.models import ARCHITECTURES
from napari_biogans.training import GreenSpread, Run, Samples, TrainingConfig, iterate_training, resume, train

from .test_train import same_weights

COLUMNS = ["step", "class", "drawn", "real", "ratio"]


def spreads(events):
    return [event for event in events if isinstance(event, GreenSpread)]


def events_of(cells, folder, **settings):
    return list(iterate_training(cells, folder, TrainingConfig(steps=3, sample_every=2, critic_steps=1, **settings)))


@pytest.fixture
def several(settings):
    return settings | {"red_portion": 0.5, "width": 6}


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_it_comes_with_the_samples_where_red_can_be_held(cells, several, tmp_path, architecture):
    events = events_of(cells, tmp_path / "run", architecture=architecture.name, **several)
    table = Run(tmp_path / "run").diversity()
    assert table.columns.tolist() == COLUMNS
    if not architecture.separable:
        assert not spreads(events)
        assert table.empty
        assert not (tmp_path / "run" / "diversity.csv").exists()
        return
    names = ("pooled",) if architecture.pools_classes else cells.class_names
    samples = [place for place, event in enumerate(events) if isinstance(event, Samples)]
    assert spreads(events) == [events[place + 1] for place in samples], "each right after its samples"
    for event in spreads(events):
        assert event.class_names == names
        rows = table[table["step"] == event.step]
        assert rows["class"].tolist() == list(names)
        for column in ("drawn", "real", "ratio"):
            assert rows[column].to_numpy() == pytest.approx(np.array(getattr(event, column)))
    assert table["step"].drop_duplicates().tolist() == [0, 2, 3]
    assert (table["real"] > 0).all()


def test_the_numbers_are_those_of_the_samples_and_of_the_cells(cells, several, tmp_path):
    chosen = {**several, "architecture": "star-shaped", "flips": False, "seed": 5}
    last = spreads(events_of(cells, tmp_path / "run", **chosen))[-1]
    paths = Run(tmp_path / "run").sample_paths(3, cells.class_names)
    images = np.stack([read_cells(path).images[0] for path in paths])
    groups = [images[:, :8], images[:, 8:]]
    assert last.drawn == pytest.approx(spread_at_fixed_red(groups, cells.intensity_range))
    assert last.real == pytest.approx(neighbour_spread(cells, flips=False).green)


@pytest.mark.parametrize(("count", "is_told"), [(1, False), (2, True), (9, True), (11, True)])
def test_groups_of_samples_may_be_incomplete(cells, settings, tmp_path, count, is_told):
    events = events_of(cells, tmp_path / "run", **(settings | {"samples": count}))
    assert len(spreads(events)) == (3 if is_told else 0)
    if is_told:
        images = next(event.images for event in events if isinstance(event, Samples))
        pairs = [images[:, start : start + 8] for start in range(0, count, 8) if count - start > 1]
        assert spreads(events)[0].drawn == pytest.approx(spread_at_fixed_red(pairs, cells.intensity_range))


def test_greens_that_are_all_the_same_are_told_by_a_ratio_of_0(cells, settings, tmp_path, monkeypatch):
    from napari_biogans.models import Model

    draw = Model.generate

    def collapsed(model, *args, **keywords):
        images = draw(model, *args, **keywords)
        images[:, :, 1] = images[:, :1, 1]
        return images

    monkeypatch.setattr(Model, "generate", collapsed)
    assert {event.ratio for event in spreads(events_of(cells, tmp_path / "run", **settings))} == {(0.0,)}


def test_a_resumed_run_logs_as_one_that_went_through(cells, settings, tmp_path):
    settings |= {"sample_every": 4, "checkpoint_every": 6}
    whole = train(cells, tmp_path / "whole", progress=False, steps=12, **settings)
    train(cells, tmp_path / "parts", progress=False, steps=8, **settings)
    # As after a crash: the last checkpoint is older than the last samples.
    run = Run(tmp_path / "parts")
    run.checkpoint_path(8).unlink()
    assert run.diversity()["step"].tolist() == [0, 4, 8]
    resumed = resume(tmp_path / "parts", cells, progress=False, steps=12)
    assert same_weights(whole, resumed)
    pd.testing.assert_frame_equal(run.diversity(), Run(tmp_path / "whole").diversity(), rtol=1e-12)


def test_names_of_classes_stay_as_they_are_and_what_is_not_known_stays_so(cells, several, tmp_path):
    named = CellSet([cells.images[0], cells.images[1][:1]], ["NA", "007"])
    settings = several | {"architecture": "star-shaped", "sample_every": 1}
    train(named, tmp_path / "run", progress=False, steps=3, **settings)
    run = Run(tmp_path / "run")
    for steps in (4, 2):
        table = run.diversity()
        assert table["class"].tolist() == ["NA", "007"] * steps
        for column in ("real", "ratio"):
            assert table[column].isna().tolist() == [False, True] * steps
        run.forget_after(1)


def test_more_samples_change_nothing_of_what_is_learned(cells, settings, tmp_path):
    """Nothing of it takes the training's random numbers."""
    chosen = [settings | {"samples": count, "sample_every": every} for count, every in ((1, 100), (16, 1))]
    models = [train(cells, tmp_path / str(k), progress=False, steps=4, **each) for k, each in enumerate(chosen)]
    assert same_weights(*models)
