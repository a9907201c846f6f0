"""Drawing with a model, and its file."""

import json
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_biogans.models import ModelFileError, NetworkShape, load_model, untrained_model

SHAPE = NetworkShape(image_size=(48, 80), width=4, critic_width=4, latent_size=20)


@pytest.fixture(scope="module")
def model():
    return untrained_model(SHAPE, "joint-separable")


@pytest.fixture
def saved(model, tmp_path):
    return model.save(tmp_path / "model.safetensors")


def with_changed_header(path, **changes):
    """Rewrite the JSON header inside the metadata of a model file."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = header["__metadata__"]
    if "format_version" in changes:
        metadata["format_version"] = changes.pop("format_version")
    metadata["header"] = json.dumps({**json.loads(metadata["header"]), **changes})
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + content[8 + length :])


def test_drawn_cells_are_in_the_units_of_the_cells(model):
    images = model.generate(300, seed=0)
    assert images.shape == (1, 300, 2, 48, 80)
    assert images.dtype == np.uint8
    assert 100 < images.mean() < 155  # weights near 0 draw the middle of the range


def test_a_seed_draws_the_same_cells_and_no_seed_new_ones(model):
    assert np.array_equal(model.generate(3, seed=5), model.generate(3, seed=5))
    assert not np.array_equal(model.generate(3, seed=5), model.generate(3, seed=6))
    assert not np.array_equal(model.generate(3), model.generate(3))


def test_latents_that_were_drawn_can_be_drawn_again(model):
    latents = model.draw_latents(4, seed=2)
    assert np.array_equal(model.generate(latents=latents), model.generate(4, seed=2))
    assert np.array_equal(model.generate(latents=latents[1:2])[:, 0], model.generate(4, seed=2)[:, 1])


def test_truncation_bounds_the_latents(model):
    latents = model.draw_latents(500, seed=0, truncation=0.7)
    assert np.abs(latents).max() <= 0.7
    assert np.abs(latents).max() > 0.65
    assert latents.mean() == pytest.approx(0, abs=0.02)


def test_many_greens_for_given_reds(model):
    reds = model.draw_latents(3, seed=0)[:, : model.red_latent_size]
    images = model.generate(5, seed=1, red_latents=reds)
    assert images.shape[1] == 15
    by_red = images[0].reshape(3, 5, 2, 48, 80)
    assert (by_red[:, :, 0] == by_red[:, :1, 0]).all()
    assert not (by_red[:, :, 1] == by_red[:, :1, 1]).all()
    assert not np.array_equal(by_red[0, 0, 0], by_red[1, 0, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "at least 1"),
        ({"n": 2, "truncation": 0}, "positive"),
        ({"n": 2, "seed": -1}, "0 or larger"),
        ({"latents": np.zeros((3, 7))}, r"\(N, 20\)"),
        ({"latents": np.full((1, 20), np.nan)}, "NaN"),
        ({"latents": np.zeros((1, 20)), "seed": 1}, "not both"),
        ({"n": 1, "red_latents": np.zeros((1, 3))}, r"\(R, 10\)"),
        ({"n": 1, "weights": "averaged"}, "it has last"),
        ({"n": 1, "weights": "critic"}, "it has last"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.generate(**arguments)


def test_greens_for_each_red_in_one_call(model):
    images = model.generate(3, seed=0, greens_per_red=5)
    by_red = images[0].reshape(3, 5, 2, 48, 80)
    assert (by_red[:, :, 0] == model.generate(3, seed=0)[0][:, None, 0]).all()
    reds = model.draw_latents(3, seed=0)[:, : model.red_latent_size]
    assert np.array_equal(images, model.generate(5, seed=1, red_latents=reds))


CLASSES = NetworkShape(image_size=(48, 80), width=8, critic_width=4, latent_size=20, classes=3)


@pytest.mark.parametrize("architecture", ["independent", "multi-channel", "multi-channel-separable", "star-shaped"])
def test_only_the_classes_asked_for_come_in_the_order_asked_for(architecture):
    model = untrained_model(CLASSES, architecture)
    images = model.generate(2, seed=0)
    assert images.shape == (3, 2, 2, 48, 80)
    chosen = model.generate(2, seed=0, classes=["class 3", "class 1"])
    assert np.abs(chosen.astype(int) - images[[2, 0]]).max() <= 1
    cells = model.as_cells(chosen, ["class 3", "class 1"])
    assert cells.class_names == ("class 3", "class 1")
    shares_red = bool((images[:, :, 0] == images[0, :, 0]).all())
    assert shares_red == model.architecture.shares_red


@pytest.mark.parametrize("architecture", ["star-shaped", "independent-separable"])
def test_each_class_may_get_a_green_latent_of_its_own(architecture):
    model = untrained_model(CLASSES, architecture)
    shared = model.draw_latents(4, seed=0)
    own = model.draw_latents(4, seed=0, green_latents="per-class")
    assert own.shape == (3, 4, 20)
    assert np.array_equal(own[0], shared)
    assert (own[:, :, :10] == shared[:, :10]).all()
    assert all(np.abs(np.corrcoef(own[0, :, 10:].ravel(), other[:, 10:].ravel())[0, 1]) < 0.5 for other in own[1:])
    images, expected = model.generate(4, seed=0, green_latents="per-class"), model.generate(latents=shared)
    assert np.array_equal(images[:, :, 0], expected[:, :, 0]), "reds stay"
    assert np.array_equal(images[0], expected[0])
    assert not np.array_equal(images[1, :, 1], expected[1, :, 1])
    assert np.array_equal(images, model.generate(latents=own))
    assert np.array_equal(images[2:], model.generate(latents=own, classes=["class 3"]))


@pytest.mark.parametrize("architecture", ["joint-separable", "independent", "multi-channel-separable"])
def test_other_models_have_one_green_latent(architecture):
    shape = SHAPE if architecture == "joint-separable" else CLASSES
    with pytest.raises(ValueError, match="those that take one for each class are independent-separable, star-shaped"):
        untrained_model(shape, architecture).generate(1, green_latents="per-class")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["class 9"]}, "it has class 1, class 2, class 3"),
        ({"classes": []}, "there are class 1"),
        ({"classes": "class 1"}, "a list of names"),
        ({"classes": ["class 1", "class 1"]}, "twice"),
        ({"greens_per_red": 0}, "at least 1"),
        ({"green_latents": "perclass"}, "shared or per-class, not 'perclass'"),
        ({"greens_per_red": 2, "red_latents": np.zeros((1, 10))}, "not both"),
        ({"latents": np.zeros((2, 4, 20))}, r"\(N, 20\) or \(3, N, 20\)"),
        ({"latents": np.zeros((3, 0, 20))}, "no latents"),
        ({"latents": np.arange(3)[:, None, None] * np.ones((3, 1, 20))}, "share their red latents"),
    ],
)
def test_arguments_about_classes_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        untrained_model(CLASSES, "star-shaped").generate(**arguments)


def test_many_classes_are_drawn_in_parts():
    model = untrained_model(NetworkShape(image_size=(12, 12), width=2, classes=41, latent_size=4), "star-shaped")
    assert model.generate(20, seed=0).shape == (41, 20, 2, 12, 12)


def test_red_cannot_be_held_where_it_shares_the_latent():
    model = untrained_model(SHAPE, "joint")
    assert model.red_latent_size is None
    with pytest.raises(ValueError, match="separable"):
        model.generate(1, red_latents=np.zeros((1, 10)))


def test_a_saved_model_opens_and_draws_the_same(model, saved):
    opened = load_model(saved)
    assert np.array_equal(opened.generate(4, seed=0), model.generate(4, seed=0))
    assert opened.header == model.header
    images = torch.zeros(1, 2, 2, 48, 80)
    assert torch.equal(opened.critic(images), model.critic(images))


def test_the_folder_of_a_run_opens_too(model, saved):
    assert load_model(saved.parent).header == model.header


def test_saving_leaves_the_old_file_when_it_fails(model, saved, monkeypatch):
    before = saved.read_bytes()

    def full_disk(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("napari_biogans.models.modelfile.save_file", full_disk)
    with pytest.raises(OSError, match="no space"):
        model.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_other_files_are_refused(tmp_path, saved, model):
    def refused(path, message):
        with pytest.raises(ModelFileError, match=message) as raised:
            load_model(path)
        assert str(path) in str(raised.value)

    refused(tmp_path / "missing.safetensors", "no such file")
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_text("this is not a model")
    refused(foreign, "not a whole safetensors file")
    save_file({"weight": torch.zeros(3)}, foreign)
    refused(foreign, "not a model")
    content = saved.read_bytes()
    for length in (0, 5, 100, len(content) // 2, len(content) - 1):
        foreign.write_bytes(content[:length])
        refused(foreign, "not a whole safetensors file")
    with pytest.raises(ModelFileError, match="ends in"):
        model.save(tmp_path / "model.pth")


def test_newer_formats_and_misfits_are_refused(saved):
    with_changed_header(saved, format_version="2")
    with pytest.raises(ModelFileError, match="newer"):
        load_model(saved)
    with_changed_header(saved, format_version="1", architecture="hexagonal")
    with pytest.raises(ModelFileError, match="hexagonal"):
        load_model(saved)
    with_changed_header(saved, architecture="joint")
    with pytest.raises(ModelFileError, match="do not fit"):
        load_model(saved)
    with_changed_header(saved, architecture="joint-separable", draws_from="averaged")
    with pytest.raises(ModelFileError, match="do not fit"):
        load_model(saved)
    with_changed_header(saved, draws_from="last", surprise=1)
    with pytest.raises(ModelFileError, match="surprise"):
        load_model(saved)
