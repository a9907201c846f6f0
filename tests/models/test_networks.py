"""Shapes, sizes, initialisation and separability of the networks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call, stack_module_state, vmap

from napari_biogans.models import ARCHITECTURES, NetworkShape, SeparableConvolution
from napari_biogans.models.architectures import ArchitectureName
from napari_biogans.models.stages import Channels, Stage

SEPARABLE = [name for name, architecture in ARCHITECTURES.items() if architecture.separable]
BY_CLASS = [name for name, architecture in ARCHITECTURES.items() if architecture.layout == "by-class"]
MULTI_CHANNEL = [name for name, architecture in ARCHITECTURES.items() if architecture.layout == "multi-channel"]


def parameters(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("architecture", "classes", "millions"), [("joint", 1, 3.5), ("joint-separable", 1, 2.6), ("star-shaped", 6, 11.5)]
)
def test_full_size_networks_have_the_published_number_of_parameters(architecture, classes, millions):
    generator, critic = ARCHITECTURES[architecture].build(NetworkShape(image_size=(48, 80), classes=classes))
    assert round(parameters(generator) / 1e6, 1) == millions
    assert round(parameters(critic) / classes / 1e6, 1) == 2.8


def test_sizes_are_the_published_ones_for_six_classes():
    for name, architecture in ARCHITECTURES.items():
        sizes = architecture.sizes(6)
        wanted = (350, 224, 0.143) if "multi-channel" in name else (100, 64, 0.5)
        assert (sizes.latent_size, sizes.width, round(sizes.red_portion, 3)) == wanted
    shape = NetworkShape(image_size=(48, 80), latent_size=350, width=224, red_portion=1 / 7)
    published = NetworkShape(image_size=(48, 80), latent_size=350, width=224, red_portion=0.143)
    for channels in (350, *(224 * 2**level for level in range(4))):
        assert shape.red_channels(channels) == published.red_channels(channels) == channels // 7


def test_architecture_names_are_the_ones_that_types_allow():
    assert set(ARCHITECTURES) == set(ArchitectureName.__args__)


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
@pytest.mark.parametrize("image_size", [(48, 80), (96, 160), (64, 64), (12, 20), (80, 48)])
@pytest.mark.parametrize("extra_layers", [0, 2])
def test_any_good_size_gives_class_first_images_and_scores(architecture, image_size, extra_layers):
    shape = NetworkShape(
        image_size=image_size,
        width=4,
        critic_width=3,
        latent_size=10,
        classes=1 if architecture.pools_classes else 3,
        extra_layers=extra_layers,
        critic_extra_layers=extra_layers,
    )
    generator, critic = architecture.build(shape)
    images = generator(torch.randn(5, 10))
    assert images.abs().max() <= 1
    assert critic(images).shape == images.shape[:2]
    pairs = architecture.pairs(images, shape)
    assert pairs.shape == (shape.classes, 5, 2, *image_size)
    assert images.shape == ((1, 5, 4, *image_size) if architecture.layout == "multi-channel" else pairs.shape)
    assert sum(module.kernel_size == (3, 3) for module in convolutions(generator)) == (
        extra_layers * EXTRA_CONVOLUTIONS.get(architecture.name, 1)
    )


EXTRA_CONVOLUTIONS = {
    "joint-separable": 2,
    "multi-channel-separable": 2,
    "independent": 3,
    "independent-separable": 6,
    "star-shaped": 4,
}


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d)]


@pytest.mark.parametrize("architecture", ["joint", "joint-separable"])
def test_extra_layers_keep_the_parameters_of_the_others(architecture):
    """Their place in the order of the weights differs, so that only the number can be compared."""
    plain, extra = (
        ARCHITECTURES[architecture].build(NetworkShape(image_size=(48, 80), width=8, extra_layers=n))[0] for n in (0, 1)
    )
    added = 8 * 8 * 9 + 2 * 8 if architecture == "joint" else 4 * 4 * 9 + 8 * 4 * 9 + 2 * 8
    assert parameters(extra) - parameters(plain) == added


@pytest.mark.parametrize("architecture", MULTI_CHANNEL + BY_CLASS)
def test_only_the_classes_asked_for_are_computed(architecture):
    shape = NetworkShape(image_size=(48, 80), width=8, latent_size=10, classes=4, channels=3)
    generator, _ = ARCHITECTURES[architecture].build(shape, seed=2)
    latents = torch.randn(5, 10)
    with torch.no_grad():
        everything = ARCHITECTURES[architecture].pairs(generator.eval()(latents), shape)
        chosen = ARCHITECTURES[architecture].pairs(generator(latents, [3, 1]), shape)
    assert chosen.shape == (2, 5, 3, 48, 80)
    assert torch.allclose(chosen, everything[[3, 1]], atol=1e-6)


def test_a_star_of_one_class_is_a_joint_separable_network():
    shape = NetworkShape(image_size=(48, 80), width=8, latent_size=10, red_portion=0.4, extra_layers=1)
    joint, _ = ARCHITECTURES["joint-separable"].build(shape, seed=1)
    star, _ = ARCHITECTURES["star-shaped"].build(shape)
    layers = [layer for layer in joint.layers if not isinstance(layer, torch.nn.ReLU | torch.nn.Tanh)]
    with torch.no_grad():
        for s, (red, green) in enumerate(zip(star.red, star.greens[0], strict=True)):
            red[0].weight.copy_(layers[2 * s].red.weight)
            green[0].weight.copy_(layers[2 * s].green.weight)
            if s < len(star.red) - 1:
                reds = len(red[1].weight)
                red[1].weight.copy_(layers[2 * s + 1].weight[:reds])
                green[1].weight.copy_(layers[2 * s + 1].weight[reds:])
        latents = torch.randn(5, 10)
        assert torch.allclose(star(latents), joint(latents), atol=1e-6)


@pytest.mark.parametrize("classes", [1, 3])
def test_critics_one_after_another_are_those_at_once(classes):
    """The form that is measured against in benchmarks/classes.md gives the same scores and gradients."""
    shape = NetworkShape(image_size=(48, 80), critic_width=4, classes=classes)
    _, critics = ARCHITECTURES["star-shaped"].build(shape)
    # In float64: where a feature is 0 but for rounding, float32 may take the other slope of the LeakyReLU.
    critics = critics.double()
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(classes, 5, 2, 48, 80, generator=rng, dtype=torch.float64).requires_grad_()
    weights, _ = stack_module_state(list(critics.critics))

    def one(weights, cells):
        return functional_call(critics.critics[0], weights, (cells[None],))[0]

    looped, batched = critics(images), vmap(one)(weights, images)
    assert torch.allclose(looped, batched, rtol=1e-5, atol=1e-6)
    (of_looped,) = torch.autograd.grad(looped.sum(), images)
    (of_batched,) = torch.autograd.grad(batched.sum(), images)
    assert (of_looped - of_batched).abs().max() < 1e-5 * of_looped.abs().max()


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


@settings(max_examples=40, deadline=None)
@given(
    architecture=st.sampled_from(SEPARABLE),
    width=st.integers(2, 6),
    latent_size=st.integers(4, 30),
    red_portion=st.floats(0.25, 0.9),
    extra_layers=st.integers(0, 2),
    image_size=st.sampled_from([(48, 80), (24, 24), (16, 40)]),
    training=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_the_green_latent_never_changes_red(
    architecture, width, latent_size, red_portion, extra_layers, image_size, training, seed
):
    described = ARCHITECTURES[architecture]
    shape = NetworkShape(
        image_size=image_size,
        width=width,
        latent_size=latent_size,
        red_portion=red_portion,
        extra_layers=extra_layers,
        classes=1 if described.pools_classes else 2,
    )
    red = shape.red_latent_size
    if min(red, shape.red_channels(width)) < 1 or latent_size - red < 1 or width - shape.red_channels(width) < 1:
        with pytest.raises(ValueError, match="separable"):
            described.build(shape)
        return
    generator, _ = described.build(shape, seed)
    generator.train(training)
    rng = torch.Generator().manual_seed(seed)
    latents = torch.randn(4, latent_size, generator=rng)
    other = torch.cat([latents[:, :red], torch.randn(4, latent_size - red, generator=rng)], dim=1)
    with torch.no_grad():
        first, second = (described.pairs(generator(z), shape) for z in (latents, other))
    assert torch.equal(first[:, :, 0], second[:, :, 0])
    assert not torch.equal(first[:, :, 1], second[:, :, 1])
    if described.shares_red:
        assert torch.equal(first[0, :, 0], first[1, :, 0])


def test_green_sees_red():
    generator, _ = ARCHITECTURES["joint-separable"].build(NetworkShape(image_size=(48, 80), width=4))
    latents = torch.randn(2, 100)
    latents[1, 50:] = latents[0, 50:]
    with torch.no_grad():
        greens = generator.eval()(latents)[0, :, 1]
    assert not torch.equal(greens[0], greens[1])


def test_a_layer_without_red_or_green_is_refused():
    for inputs, outputs in ((Channels(4, 0), Channels(2, 1)), (Channels(4, 2), Channels(2, 2))):
        with pytest.raises(ValueError, match="red portion"):
            SeparableConvolution(Stage("final", inputs, outputs, (4, 4), 2, 1, transposed=True))


def test_towers_have_one_red_portion():
    shape = NetworkShape(image_size=(48, 80), width=8, classes=2, extra_layers=1, extra_red_portion=0.25)
    with pytest.raises(ValueError, match="red portion of the others"):
        ARCHITECTURES["star-shaped"].build(shape)
