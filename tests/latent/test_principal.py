"""Directions along which images change most, against derivatives by differences."""

import numpy as np
import pytest
import torch

from napari_biogans.latent import LatentError, LatentStoppedError, principal_directions

from .conftest import varied

STEP = 1e-3


def strengthened(model, number, factor=20.0):
    """Let one number of the latent have more say in the first layer of every tower."""
    for name, weight in model.generator.named_parameters():
        first = weight.ndim == 4 and weight.shape[-2:] == (3, 5)
        if first and name.startswith("red."):
            weight.data[number] *= factor
    return model


def gram_by_differences(model, numbers, channels, draws=60, seed=5):
    """Mean of JᵀJ in double precision, by central differences."""
    generator = model.generator.double()
    latents = torch.randn(draws, 1, model.latent_size, generator=torch.Generator().manual_seed(seed)).double()
    steps = torch.eye(model.latent_size).double()[numbers] * STEP
    change = (generator((latents + steps).flatten(0, 1)) - generator((latents - steps).flatten(0, 1))) / (2 * STEP)
    generator.float()
    jacobians = channels(change).reshape(draws, len(steps), -1)
    return torch.einsum("dip,djp->ij", jacobians, jacobians).numpy() / draws


def every(images):
    return images.transpose(0, 1).flatten(1)


def only_red(images):
    return every(images[:, :, :1])


def only_green(images):
    return every(images[:, :, 1:])


def one_red_and_greens(images):
    return torch.cat([only_red(images[:1]), only_green(images)], dim=1)


@pytest.mark.parametrize(
    ("architecture", "classes", "part", "numbers", "channels"),
    [
        ("joint", 1, "all", slice(0, 8), every),
        ("joint-separable", 1, "red", slice(0, 4), only_red),
        ("joint-separable", 1, "green", slice(4, 8), only_green),
        ("independent-separable", 2, "red", slice(0, 4), only_red),
        ("multi-channel", 2, "all", slice(0, 8), every),
        ("star-shaped", 3, "green", slice(4, 8), only_green),
        ("star-shaped", 3, "all", slice(0, 8), one_red_and_greens),
    ],
)
def test_directions_are_those_of_the_derivatives(architecture, classes, part, numbers, channels):
    model = varied(architecture, classes)
    gram = gram_by_differences(model, numbers, channels)
    found = principal_directions(model, part=part, n=4, draws=300)
    vectors = np.stack([direction.vector for direction in found]).astype(float)
    outside = np.delete(vectors, np.arange(8)[numbers], axis=1)
    assert (outside == 0).all(), "a direction of one part moves the other"
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(4), atol=1e-5)
    shares = np.einsum("kz,zy,ky->k", vectors[:, numbers], gram, vectors[:, numbers]) / np.trace(gram)
    best = np.linalg.eigvalsh(gram)[::-1][:4] / np.trace(gram)
    np.testing.assert_allclose(shares, best, rtol=0.2)
    np.testing.assert_allclose([direction.explained for direction in found], best, rtol=0.2)
    explained = [direction.explained for direction in found]
    assert explained == sorted(explained, reverse=True)


def test_the_number_that_has_most_say_is_found():
    model = strengthened(varied("star-shaped", 2), number=2)
    first, second = principal_directions(model, part="red", n=2, draws=64)
    assert abs(first.vector[2]) > 0.95
    assert first.explained > 0.8 > second.explained
    assert [first.name, second.name] == ["red 1", "red 2"]


def test_images_get_brighter_along_a_direction(star):
    for part in ("red", "green", "all"):
        for direction in principal_directions(star, part=part, n=2, draws=128):
            latents = star.draw_latents(40, seed=3)
            brighter, darker = (
                star.generate(latents=latents + side * 0.2 * direction.vector).astype(float).mean() for side in (1, -1)
            )
            assert brighter > darker - 0.1


def test_the_same_seed_gives_the_same(star):
    first, again, other = (principal_directions(star, part="green", n=2, draws=40, seed=seed) for seed in (1, 1, 2))
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one.vector, two.vector)
        assert not np.array_equal(one.vector, three.vector)


def test_only_the_classes_that_count_are_drawn(star):
    one = principal_directions(star, part="green", n=1, draws=200, classes=["class 2"])[0]
    gram = gram_by_differences(star, slice(4, 8), lambda images: only_green(images[1:2]))
    strongest = np.linalg.eigh(gram)[1][:, -1]
    assert abs(one.vector[4:] @ strongest) > 0.95


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"part": "blue"}, "red, green, all"),
        ({"n": 0}, "from 1 to 8"),
        ({"part": "red", "n": 5}, "from 1 to 4"),
        ({"draws": 0}, "at least 1"),
        ({"classes": ["class 9"]}, "does not draw class 9"),
        ({"classes": []}, "does not draw nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(star, settings, message):
    with pytest.raises(LatentError, match=message):
        principal_directions(star, **settings)


def test_parts_take_a_separable_model():
    with pytest.raises(LatentError, match="take the part all"):
        principal_directions(varied("joint"), part="red")


def test_a_model_that_draws_one_image_has_none():
    model = varied("joint")
    for weight in model.generator.parameters():
        weight.data.mul_(0)
    with pytest.raises(LatentError, match="same from every latent"):
        principal_directions(model, draws=16)


def test_it_can_be_stopped(star):
    asked = iter([False, True])
    with pytest.raises(LatentStoppedError):
        principal_directions(star, draws=1000, should_stop=lambda: next(asked))
