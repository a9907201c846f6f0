"""Every architecture learns from one cell set with classes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_biogans import import_original
from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.models import ARCHITECTURES, load_model
from napari_biogans.training import (
    DeviceMemoryError,
    Preparing,
    Run,
    Samples,
    StepDone,
    TrainingError,
    TrainingWarning,
    iterate_training,
    make_config,
    preparing,
    resume,
    train,
)
from napari_biogans.training.errors import TrainingStoppedError
from napari_biogans.training.presets import PRESETS
from napari_biogans.training.samples import sample_latents
from napari_biogans.training.starting import TAKEN_OVER
from napari_biogans.training.state import TrainingState, network_shape

from .conftest import TINY
from .test_train import same_weights

CASES = Path(__file__).parents[1] / "data" / "original"
SEPARABLE = [name for name, architecture in ARCHITECTURES.items() if architecture.separable]
SMALL = {**TINY, "red_portion": 0.5, "critic_steps": 1}
WITHOUT_SIZES = {name: value for name, value in SMALL.items() if name not in TAKEN_OVER}


@pytest.fixture(scope="module")
def classes():
    """Cells of three classes of different sizes, one of them smaller than a batch."""
    cells = simulate_cells(9, classes=["nucleus", "tips", "cytoplasm"], size=(24, 40), all_greens=False).cells
    return cells.subset(indices=[slice(0, 9), slice(0, 3), slice(0, 6)])


@pytest.mark.parametrize("objective", ["gan", "wgan-gp"])
@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_a_run_is_left_whole_and_resumes_exactly(classes, tmp_path, architecture, objective):
    chosen = {**SMALL, "architecture": architecture.name, "objective": objective, "extra_layers": 1}
    whole = train(classes, tmp_path / "whole", progress=False, steps=4, **chosen)
    train(classes, tmp_path / "parts", progress=False, steps=2, **chosen)
    assert same_weights(whole, resume(tmp_path / "parts", classes, progress=False, steps=4))

    names = ("pooled",) if architecture.pools_classes else classes.class_names
    assert whole.class_names == names
    assert whole.header.shape.classes == len(names)
    images = whole.generate(3, seed=0)
    assert images.shape == (len(names), 3, 2, 24, 40)
    opened = load_model(tmp_path / "whole")
    assert np.array_equal(opened.generate(3, seed=0), images)
    assert len(list((tmp_path / "whole" / "samples").glob("step-00000004*.tif"))) == len(names)
    assert np.isfinite(Run(tmp_path / "whole").metrics().to_numpy(float)).all()


@settings(max_examples=8, deadline=None)
@given(
    architecture=st.sampled_from(SEPARABLE),
    red_portion=st.sampled_from([0.3, 0.5, 0.7]),
    width=st.integers(4, 6),
    extra_layers=st.integers(0, 1),
    image_size=st.sampled_from([(12, 20), (24, 24)]),
)
def test_after_training_too_green_never_changes_red(
    tmp_path_factory, architecture, red_portion, width, extra_layers, image_size
):
    cells = simulate_cells(4, classes=["nucleus", "tips"], size=(24, 40), all_greens=False).cells
    small = CellSet([array[:, :, : image_size[0], : image_size[1]] for array in cells.images], cells.class_names)
    chosen = {**SMALL, "architecture": architecture, "red_portion": red_portion, "width": width}
    folder = tmp_path_factory.mktemp("run") / "run"
    model = train(small, folder, progress=False, steps=3, extra_layers=extra_layers, **chosen)
    for weights in ("last", "averaged"):
        images = model.generate(2, seed=0, greens_per_red=4, weights=weights)
        reds = images[:, :, 0].reshape(len(images), 2, 4, *image_size)
        assert (reds == reds[:, :, :1]).all()
    latents = torch.from_numpy(model.draw_latents(1, seed=0, greens_per_red=4))
    with torch.no_grad():
        exact = model.architecture.pairs(model.generator(latents), model.header.shape)[:, :, 0]
    assert (exact == exact[:, :1]).all(), "by a bit"


@pytest.mark.parametrize("architecture", ["star-shaped", "independent", "multi-channel"])
def test_classes_keep_their_own_greens(tmp_path, architecture):
    """A class that is bright and one that is dark: each generator, or each channel, learns its own."""
    rng = np.random.default_rng(0)
    dark, bright = (rng.integers(low, low + 40, (12, 2, 12, 12), dtype=np.uint8) for low in (0, 215))
    for array in (dark, bright):
        array[:, 0] = rng.integers(0, 255, (12, 12, 12), dtype=np.uint8)
    cells = CellSet([dark, bright], ["dark", "bright"])
    chosen = {**SMALL, "architecture": architecture, "objective": "gan", "learning_rate": 0.01, "width": 6}
    model = train(cells, tmp_path / "run", progress=False, steps=60, averaging_decay=0.5, **chosen)
    images = model.generate(20, seed=0)
    assert images[0, :, 1].mean() < 100
    assert images[1, :, 1].mean() > 155
    assert 60 < images[:, :, 0].mean() < 195


# -- multi-channel: neighbours are found first


def test_neighbours_are_told_of_and_kept(classes, tmp_path, monkeypatch):
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
    config = make_config(**{**SMALL, "architecture": "multi-channel", "steps": 1})
    events = list(iterate_training(classes, tmp_path / "run", config))
    preparing = [event for event in events if isinstance(event, Preparing)]
    assert preparing
    assert events[: len(preparing)] == preparing, "before all else"
    assert all("alike in red" in event.what and 0 <= event.done <= 1 for event in preparing)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_without_flips_no_neighbour_is_flipped(classes, tmp_path, monkeypatch):
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
    train(classes, tmp_path / "run", progress=False, steps=1, flips=False, **SMALL, architecture="multi-channel")
    (kept,) = (tmp_path / "cache").iterdir()
    with np.load(kept) as neighbours:
        assert not neighbours["flips"].any()


def test_a_stop_while_neighbours_are_found_leaves_nothing(classes, tmp_path, monkeypatch):
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
    config = make_config(**{**SMALL, "architecture": "multi-channel"})
    with pytest.raises(TrainingStoppedError, match="before the first step"):
        list(iterate_training(classes, tmp_path / "run", config, should_stop=lambda: True))
    assert not (tmp_path / "run").exists()


def test_too_little_memory_for_the_search_is_explained(classes, tmp_path, monkeypatch):
    def search(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(preparing, "find_red_neighbours", search)
    with pytest.raises(DeviceMemoryError, match="too little memory"):
        train(classes, tmp_path / "run", progress=False, **SMALL, architecture="multi-channel")
    assert not (tmp_path / "run").exists()


# -- starting from a model


@pytest.mark.parametrize("architecture", ["joint", "multi-channel-separable", "star-shaped"])
def test_training_starts_from_the_weights_of_a_model(classes, tmp_path, architecture):
    chosen = {**SMALL, "width": 4, "architecture": architecture, "extra_layers": 1, "averaging": False}
    first = train(classes, tmp_path / "first", progress=False, steps=3, **chosen)
    config = make_config(**WITHOUT_SIZES, averaging=False, start_from=str(tmp_path / "first"))
    events = iterate_training(classes, tmp_path / "second", config)
    samples = next(event for event in events if isinstance(event, Samples))
    latents = sample_latents(architecture, first.header.shape, samples.images.shape[1], seed=0)
    assert np.array_equal(samples.images, first.generate(latents=latents))
    config = Run(tmp_path / "second").config
    assert (config.architecture, config.width, config.extra_layers, config.red_portion) == (architecture, 4, 1, 0.5)
    next(event for event in events if isinstance(event, StepDone))
    events.close()
    assert resume(tmp_path / "second", classes, progress=False, steps=2).header.shape == first.header.shape


def test_a_path_is_a_model_to_start_from_and_a_model_is_not(classes, tmp_path):
    first = train(classes, tmp_path / "first", progress=False, steps=1, **SMALL)
    again = train(classes, tmp_path / "again", progress=False, start_from=tmp_path / "first", **WITHOUT_SIZES, steps=1)
    assert again.header.shape == first.header.shape
    with pytest.raises(TrainingError, match="a model is saved by its save"):
        train(classes, tmp_path / "other", progress=False, start_from=first)


def test_the_critic_goes_on_where_it_is_of_the_same_kind(classes, tmp_path):
    first = train(classes, tmp_path / "first", progress=False, steps=2, **SMALL)
    for objective, is_kept in (("wgan-gp", True), ("gan", False)):
        config = make_config(**{**SMALL, "objective": objective, "seed": 7})
        state = TrainingState(classes, config, start=first)
        weight = next(state.critic.parameters())
        assert torch.equal(weight, next(first.critic.parameters())) == is_kept
        assert torch.equal(next(state.generator.parameters()), next(first.generator.parameters()))


@pytest.mark.parametrize("case", ["one-class", "star-shaped", "multi-channel-separable", "independent"])
def test_training_goes_on_from_a_file_of_the_original_release(tmp_path, case):
    critic = CASES / "star-critic.netD.pth" if case in ("star-shaped", "independent") else None
    model = import_original(CASES / f"{case}.netG.pth", critic=critic)
    model.save(tmp_path / "imported.safetensors")
    cells = simulate_cells(4, classes=["nucleus", "tips", "cytoplasm"], all_greens=False).cells
    chosen = {"start_from": str(tmp_path / "imported.safetensors"), "batch_size": 4, "device": "cpu", "steps": 1}
    with pytest.warns(TrainingWarning) as told:
        trained = train(cells, tmp_path / "run", progress=False, critic_steps=1, **chosen)
    notes = " ".join(str(warning.message) for warning in told)
    assert ("starts anew, as the model to start from has none" in notes) == (critic is None)
    assert ("class 1 as nucleus, class 2 as tips" in notes) == (case != "one-class")
    log = (tmp_path / "run" / "log.txt").read_text("utf-8")
    assert all(str(warning.message) in log for warning in told)
    assert trained.header.shape.latent_size == model.latent_size
    assert trained.header.shape.critic_width == trained.header.shape.width
    assert trained.critic is not None
    assert trained.class_names == (("pooled",) if case == "one-class" else cells.class_names)


def test_a_critic_of_the_other_kind_starts_anew_and_it_is_said(tmp_path):
    model = import_original(CASES / "one-class.netG.pth", critic=CASES / "discriminator-batch-norm.netD.pth")
    model.save(tmp_path / "imported.safetensors")
    cells = simulate_cells(4, classes=["nucleus"], all_greens=False).cells
    chosen = {"start_from": str(tmp_path / "imported.safetensors"), "batch_size": 4, "device": "cpu", "steps": 1}
    with pytest.warns(TrainingWarning, match="take the objective gan or wgan"):
        train(cells, tmp_path / "penalty", progress=False, critic_steps=1, **chosen)
    train(cells, tmp_path / "gan", progress=False, objective="gan", **chosen)  # warnings are errors in tests


@pytest.mark.parametrize("setting", [{"architecture": "star-shaped"}, {"width": 5}, {"extra_layers": 1}])
def test_settings_that_contradict_the_model_to_start_from_are_refused(classes, tmp_path, setting):
    train(classes, tmp_path / "first", progress=False, steps=1, **SMALL, architecture="joint")
    (name,) = setting
    with pytest.raises(TrainingError, match=f"{name.replace('_', ' ')}: .* was asked for, but the model"):
        train(classes, tmp_path / "run", progress=False, start_from=str(tmp_path / "first"), **setting)
    assert not (tmp_path / "run").exists()
    same = {"architecture": "joint", "width": 2, "steps": 1, "batch_size": 4, "start_from": str(tmp_path / "first")}
    assert train(classes, tmp_path / "run", progress=False, **same).header.step == 1


def test_sizes_of_which_no_networks_can_be_built_are_refused_before_neighbours_are_searched(
    classes, tmp_path, monkeypatch
):
    monkeypatch.setattr(preparing, "find_red_neighbours", lambda *_, **__: pytest.fail("searched"))
    chosen = {**SMALL, "architecture": "multi-channel-separable", "red_portion": 0.1}
    with pytest.raises(TrainingError, match="0 red channels"):
        train(classes, tmp_path / "run", progress=False, **chosen)


def test_what_training_cannot_start_from_is_refused(classes, tmp_path):
    train(classes, tmp_path / "star", progress=False, steps=1, **SMALL, architecture="star-shaped")
    start = {"start_from": str(tmp_path / "star")}
    other = simulate_cells(4, classes=["nucleus", "tips"], all_greens=False).cells
    two = classes.subset(["nucleus", "tips"])
    turned = classes.subset(["tips", "nucleus", "cytoplasm"])
    partly = CellSet(classes.images, ["tips", "another", "cytoplasm"])
    for cells, message in (
        (other, "draws 24x40 pixels, but the cells are 48x80"),
        (two, "draws 3 classes .*, but there are cells of 2"),
        (turned, "another order: nucleus, tips, cytoplasm"),
        (partly, "another order: nucleus, tips, cytoplasm"),
    ):
        with pytest.raises(TrainingError, match=message):
            train(cells, tmp_path / "run", progress=False, **start)
    with pytest.raises(TrainingError, match="no such file"):
        train(tmp_path / "not read", tmp_path / "run", progress=False, start_from=str(tmp_path / "nothing.safetensors"))
    with pytest.raises(TrainingError, match="import-original"):
        train(classes, tmp_path / "run", progress=False, start_from=str(CASES / "one-class.netG.pth"))
    assert not (tmp_path / "run").exists()


# -- presets


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_makes_a_configuration(preset, architecture):
    if preset.architectures and architecture not in preset.architectures:
        with pytest.raises(TrainingError, match=f"for {preset.architectures[0]}"):
            preset.settings_for(architecture)
        return
    config = make_config(**{"architecture": architecture, **preset.settings_for(architecture)})
    assert config.architecture == architecture


def test_a_training_takes_from_a_preset_what_it_is_not_given(classes, tmp_path):
    settings = {"preset": "demo", "steps": 1, "width": 2, "batch_size": 4, "device": "cpu", "progress": False}
    train(classes, tmp_path / "run", **settings)
    config = Run(tmp_path / "run").config
    assert (config.steps, config.width, config.batch_size) == (1, 2, 4)
    assert (config.critic_steps, config.learning_rate, config.averaging_decay) == (2, 1e-3, 0.99)
    # A model to start from decides its own sizes.
    settings |= {"preset": "small", "start_from": tmp_path / "run"}
    del settings["width"]
    train(classes, tmp_path / "more", **settings)
    assert Run(tmp_path / "more").config.width == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preset": "large"}, "no preset 'large'; there are demo, small"),
        ({"preset": "paper-class", "architecture": "joint"}, "is for star-shaped"),
    ],
)
def test_presets_that_are_not_there_or_for_others_are_refused(settings, message, classes, tmp_path):
    with pytest.raises(TrainingError, match=message):
        train(classes, tmp_path / "run", progress=False, **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_papers_presets_train_the_papers_networks(architecture):
    preset = PRESETS["paper-joint" if architecture.startswith("joint") else "paper-class"]
    config = make_config(**preset.settings_for(architecture))
    cells = simulate_cells(2, all_greens=False).cells.subset(
        ["nucleus", "tips", "cytoplasm", "actin-patches", "microtubules"]
    )
    six = CellSet([*cells.images, cells.images[0]], [*cells.class_names, "sixth"])
    shape = network_shape(six.pool() if architecture.startswith("joint") else six, config)
    sizes = (350, 224, 224) if "multi" in architecture else (100, 64, 64)
    assert (shape.latent_size, shape.width, shape.critic_width) == sizes
    assert shape.red_portion == pytest.approx(0.143 if "multi" in architecture else 0.5, abs=1e-3)
    assert (config.steps, config.batch_size) == (500_000 if architecture.startswith("joint") else 50_000, 64)
    assert not config.resolved_averaging
    assert config.resolved_precision == "float32"
    assert config.resolved_red_mask
    assert not make_config().resolved_red_mask
