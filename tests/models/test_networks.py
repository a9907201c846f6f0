"""Shapes, sizes, initialisation and separability of the networks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_biogans.models import ARCHITECTURES, NetworkShape, SeparableConvTranspose2d
from napari_biogans.models.architectures import ArchitectureName


def parameters(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(("architecture", "millions"), [("joint", 3.5), ("joint-separable", 2.6)])
def test_full_size_networks_have_the_published_number_of_parameters(architecture, millions):
    generator, critic = ARCHITECTURES[architecture].build(NetworkShape(image_size=(48, 80)))
    assert round(parameters(generator) / 1e6, 1) == millions
    assert round(parameters(critic) / 1e6, 1) == 2.8


def test_architecture_names_are_the_ones_that_types_allow():
    assert set(ARCHITECTURES) == set(ArchitectureName.__args__)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("image_size", [(48, 80), (96, 160), (64, 64), (12, 20), (80, 48)])
def test_any_good_size_gives_class_first_images_and_scores(architecture, image_size):
    shape = NetworkShape(image_size=image_size, width=2, critic_width=3, latent_size=10)
    generator, critic = ARCHITECTURES[architecture].build(shape)
    images = generator(torch.randn(5, 10))
    assert images.shape == (1, 5, 2, *image_size)
    assert images.abs().max() <= 1
    assert critic(images).shape == (1, 5)


def test_awkward_sizes_are_refused_with_the_nearest_good_one():
    with pytest.raises(ValueError, match="48x80"):
        NetworkShape(image_size=(50, 80))


def test_weights_are_drawn_as_published():
    generator, critic = ARCHITECTURES["joint"].build(NetworkShape(image_size=(48, 80), critic_batch_norm=True), seed=1)
    for network in (generator, critic):
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                assert module.bias is None
                weights = module.weight.detach()
                assert weights.mean().abs() < 0.002
                assert weights.std() == pytest.approx(0.02, rel=0.05)
            elif isinstance(module, torch.nn.BatchNorm2d):
                gains = module.weight.detach()
                assert gains.mean() == pytest.approx(1, abs=0.01)
                assert gains.std() == pytest.approx(0.02, rel=0.3)
                assert not module.bias.any()


def test_the_seed_decides_the_weights():
    shape = NetworkShape(image_size=(48, 80), width=4)
    first, again, other = (ARCHITECTURES["joint"].build(shape, seed)[0].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["layers.0.weight"], other["layers.0.weight"])


@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(2, 6),
    latent_size=st.integers(4, 30),
    red_portion=st.floats(0.25, 0.9),
    image_size=st.sampled_from([(48, 80), (24, 24), (16, 40)]),
    training=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_the_green_latent_never_changes_red(width, latent_size, red_portion, image_size, training, seed):
    shape = NetworkShape(image_size=image_size, width=width, latent_size=latent_size, red_portion=red_portion)
    red = shape.red_latent_size
    if min(red, shape.red_channels(width)) < 1 or latent_size - red < 1 or width - shape.red_channels(width) < 1:
        with pytest.raises(ValueError, match="separable"):
            ARCHITECTURES["joint-separable"].build(shape)
        return
    generator, _ = ARCHITECTURES["joint-separable"].build(shape, seed)
    generator.train(training)
    rng = torch.Generator().manual_seed(seed)
    latents = torch.randn(4, latent_size, generator=rng)
    other = torch.cat([latents[:, :red], torch.randn(4, latent_size - red, generator=rng)], dim=1)
    with torch.no_grad():
        first, second = generator(latents)[0], generator(other)[0]
    assert torch.equal(first[:, 0], second[:, 0])
    assert not torch.equal(first[:, 1], second[:, 1])


def test_green_sees_red():
    generator, _ = ARCHITECTURES["joint-separable"].build(NetworkShape(image_size=(48, 80), width=4))
    latents = torch.randn(2, 100)
    latents[1, 50:] = latents[0, 50:]
    with torch.no_grad():
        greens = generator.eval()(latents)[0, :, 1]
    assert not torch.equal(greens[0], greens[1])


def test_a_layer_without_red_or_green_is_refused():
    with pytest.raises(ValueError, match="red portion"):
        SeparableConvTranspose2d(4, 2, red_in=0, red_out=1, kernel_size=4)
