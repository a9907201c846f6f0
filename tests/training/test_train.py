"""A training from cells to a run folder."""

import json

import numpy as np
import pytest
import tifffile
import torch

from napari_biogans.cells import read_cells, write_cells
from napari_biogans.models import load_model
from napari_biogans.training import (
    OBJECTIVES,
    Metrics,
    Run,
    RunError,
    Samples,
    Saved,
    Started,
    StepDone,
    TrainingConfig,
    TrainingError,
    iterate_training,
    train,
)
from napari_biogans.training.objectives import ObjectiveName


def same_weights(first, second):
    return all(
        torch.equal(mine, theirs)
        for name in first.networks
        for mine, theirs in zip(
            first.networks[name].state_dict().values(), second.networks[name].state_dict().values(), strict=True
        )
    )


def test_objective_names_are_the_ones_that_types_allow():
    assert set(OBJECTIVES) == set(ObjectiveName.__args__)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("architecture", ["joint", "joint-separable"])
def test_training_leaves_a_whole_run(cells, settings, tmp_path, objective, architecture):
    events = []
    settings |= {"critic_steps": 2, "sample_every": 4, "checkpoint_every": 4, "keep_checkpoints": 2}
    model = train(
        cells,
        tmp_path / "run",
        progress=False,
        on_event=events.append,
        steps=11,
        objective=objective,
        architecture=architecture,
        **settings,
    )
    run = Run(tmp_path / "run")

    assert [event.step for event in events if isinstance(event, StepDone)] == list(range(1, 12))
    assert [event.step for event in events if isinstance(event, Metrics)] == [5, 10, 11]
    assert [event.step for event in events if isinstance(event, Samples)] == [0, 4, 8, 11]
    assert [event.step for event in events if isinstance(event, Saved)] == [4, 8, 11]
    assert isinstance(events[0], Started)
    assert events[0].cells == 16

    assert list(run.checkpoints()) == [8, 11]
    assert run.metrics()["step"].tolist() == [5, 10, 11]
    assert np.isfinite(run.metrics().to_numpy(float)).all()
    assert (run.metrics()["gradient_penalty"] > 0).all() == (objective == "wgan-gp")
    assert run.config.objective == objective
    assert run.cells_record["class_names"] == ["nucleus", "tips"]
    assert "saved at step 11" in run.log_path.read_text()

    opened = load_model(run.folder)
    assert opened.header.step == 11
    assert opened.header.architecture == architecture
    assert opened.header.pixel_size == cells.pixel_size
    assert opened.header.training["objective"] == objective
    assert opened.header.shape.critic_batch_norm == (objective != "wgan-gp")
    assert same_weights(opened, model)
    assert np.array_equal(opened.generate(3, seed=0), model.generate(3, seed=0))


def test_training_changes_the_networks_towards_the_cells(cells, settings, tmp_path):
    dark = cells.subset(["nucleus"])
    settings |= {"objective": "gan", "learning_rate": 0.01, "averaging_decay": 0.5, "width": 4, "batch_size": 8}
    model = train(dark, tmp_path / "run", progress=False, steps=100, **settings)
    mean = float(np.mean(dark.images[0]))
    before = abs(float(np.mean(tifffile.imread(tmp_path / "run" / "samples" / "step-00000000.cells.tif"))) - mean)
    after = abs(float(np.mean(model.generate(50, seed=0))) - mean)
    assert after < before / 2


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_seed_decides_everything(cells, settings, tmp_path, objective):
    settings |= {"objective": objective, "critic_steps": 2}
    first = train(cells, tmp_path / "first", progress=False, steps=3, seed=1, **settings)
    again = train(cells, tmp_path / "again", progress=False, steps=3, seed=1, **settings)
    other = train(cells, tmp_path / "other", progress=False, steps=3, seed=2, **settings)
    assert same_weights(first, again)
    assert not same_weights(first, other)


def test_16_bit_cells_come_back_in_their_units(cells_16_bit, settings, tmp_path):
    model = train(cells_16_bit, tmp_path / "run", progress=False, steps=1, **settings)
    images = model.generate(4, seed=0)
    assert images.dtype == np.uint16
    low, high = cells_16_bit.intensity_range.T
    middle = ((low + high) / 2)[:, None, None]
    assert (np.abs(images - middle) < 0.3 * (high - low)[:, None, None]).mean() > 0.9


def test_samples_are_stacks_that_read_back_with_their_scale(cells, settings, tmp_path):
    train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    samples = read_cells(tmp_path / "run" / "samples" / "step-00000001.cells.tif")
    assert samples.images[0].shape == (16, 2, 24, 40)
    assert samples.pixel_size == pytest.approx(cells.pixel_size)
    reds = samples.images[0][:, 0].reshape(2, 8, 24, 40)
    greens = samples.images[0][:, 1].reshape(2, 8, 24, 40)
    assert (reds == reds[:, :1]).all()
    assert not (greens == greens[:, :1]).all()


def test_the_average_differs_from_the_last_weights_and_is_drawn_from(cells, settings, tmp_path):
    model = train(cells, tmp_path / "run", progress=False, steps=20, **settings)
    assert model.header.draws_from == "averaged"
    assert set(model.networks) == {"last", "averaged", "critic"}
    averaged, last = (model.generate(4, seed=0, weights=weights) for weights in ("averaged", "last"))
    assert not np.array_equal(averaged, last)
    assert np.array_equal(model.generate(4, seed=0), averaged)


def test_batch_norm_statistics_of_the_average_are_those_of_its_own_draws(cells, settings, tmp_path):
    model = train(cells, tmp_path / "run", progress=False, steps=20, **settings)
    generator = model.networks["averaged"]
    first_layer, first_norm = generator.layers[0], generator.layers[1]
    latents = torch.randn(4000, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = first_layer(latents[:, :, None, None])
    assert torch.allclose(first_norm.running_mean, features.mean(dim=(0, 2, 3)), atol=0.01)
    assert torch.allclose(first_norm.running_var, features.var(dim=(0, 2, 3)), rtol=0.1)


def test_the_papers_protocol_keeps_no_average(cells, settings, tmp_path):
    settings.pop("precision")
    model = train(cells, tmp_path / "run", progress=False, steps=2, protocol="paper", **settings)
    assert set(model.networks) == {"last", "critic"}
    assert model.header.draws_from == "last"
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "torch.float32" in log


def test_wgan_keeps_the_critics_weights_within_the_limit(cells, settings, tmp_path):
    model = train(cells, tmp_path / "run", progress=False, steps=2, objective="wgan", critic_steps=2, **settings)
    assert all(weight.abs().max() <= 0.01 for weight in model.critic.parameters())


def test_the_published_critic_schedule():
    config = TrainingConfig(objective="wgan")
    assert [config.critic_steps_at(step) for step in (0, 24, 25, 499, 500, 1000)] == [100, 100, 5, 5, 100, 100]
    assert TrainingConfig(objective="wgan", critic_steps=3).critic_steps_at(0) == 3
    assert TrainingConfig(objective="wgan-gp").critic_steps_at(0) == 5
    assert TrainingConfig(objective="gan").critic_steps_at(0) == 1


def test_a_class_smaller_than_a_batch_works(cells, settings, tmp_path):
    few = cells.subset(["nucleus"], [slice(0, 3)])
    model = train(few, tmp_path / "run", progress=False, steps=3, **settings)
    assert model.header.step == 3


def test_cells_are_read_from_a_path(cells, settings, tmp_path):
    write_cells(cells, tmp_path / "cells")
    train(tmp_path / "cells", tmp_path / "run", progress=False, steps=1, **settings)
    assert Run(tmp_path / "run").cells_record["path"] == str(tmp_path / "cells")


def test_bfloat16_trains_too(cells, settings, tmp_path):
    settings["precision"] = "bfloat16"
    model = train(cells, tmp_path / "run", progress=False, steps=2, **settings)
    assert all(weight.dtype == torch.float32 for weight in model.generator.parameters())
    assert all(weight.isfinite().all() for weight in model.generator.parameters())


def test_a_run_is_never_written_over(cells, settings, tmp_path):
    train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(RunError, match="already"):
        train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}


def test_what_cannot_start_is_refused_before_the_cells_are_read(cells, settings, tmp_path):
    train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    with pytest.raises(RunError, match="already"):
        train(tmp_path / "no cells here", tmp_path / "run", progress=False)
    with pytest.raises(TrainingError, match="no device"):
        train(tmp_path / "no cells here", tmp_path / "another", progress=False, device="abacus")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps: .*greater than or equal to 1"),
        ({"objective": "lsgan"}, "objective: .*'gan', 'wgan' or 'wgan-gp'"),
        ({"architecture": "sphere"}, "architecture"),
        ({"red_portion": 1.0}, "red_portion"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"colour": "blue"}, "colour"),
        ({"protocol": "paper", "averaging": True}, "moving average"),
        ({"protocol": "paper", "precision": "bfloat16"}, "float32"),
        ({"device": "abacus"}, "no device 'abacus'"),
        ({"device": "cuda:99"}, "not available"),
        ({"red_portion": 0.01, "width": 8}, "red portion nearer to 0.5"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_any_work(cells, tmp_path, settings, message):
    with pytest.raises(TrainingError, match=message):
        train(cells, tmp_path / "run", progress=False, **settings)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_to_is_refused(cells, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="cannot be written"):
        train(cells, tmp_path / "file" / "run", progress=False, steps=1, **settings)


def test_the_time_limit_stops_and_saves(cells, settings, tmp_path):
    model = train(cells, tmp_path / "run", progress=False, steps=1_000_000, minutes=0.5 / 60, **settings)
    assert 0 < model.header.step < 1_000_000
    assert max(Run(tmp_path / "run").checkpoints()) == model.header.step


def test_config_is_json_that_makes_the_same_config(cells, settings, tmp_path):
    train(cells, tmp_path / "run", progress=False, steps=1, **settings)
    record = json.loads((tmp_path / "run" / "config.json").read_text())
    assert TrainingConfig(**record["config"]) == Run(tmp_path / "run").config


def test_events_say_what_is_going_on(cells, settings, tmp_path):
    events = iterate_training(cells, tmp_path / "run", TrainingConfig(steps=2, **settings))
    started = next(events)
    assert (started.step, started.steps, started.device, started.precision) == (0, 2, "cpu", "float32")
    samples = next(events)
    assert samples.images.shape == (1, 16, 2, 24, 40)
    assert samples.images.dtype == np.uint8
    spread = next(events)
    assert (spread.step, spread.class_names) == (0, ("pooled",))
    step = next(events)
    assert step.rate > 0
    assert step.seconds_left == pytest.approx(1 / step.rate)
    events.close()
