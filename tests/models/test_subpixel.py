"""Transposed convolutions by phases."""

import pytest
import torch
from torch.nn.functional import conv_transpose2d

from napari_biogans.models import ARCHITECTURES, NetworkShape, subpixel
from napari_biogans.models.subpixel import transposed_convolution


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 7)])
@pytest.mark.parametrize("channels", [(3, 1), (4, 2), (2, 5)])
def test_the_same_values_and_gradients_as_torch(size, channels):
    rng = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, channels[0], *size, generator=rng, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(*channels, 4, 4, generator=rng, dtype=torch.float64, requires_grad=True)
    ours, theirs = transposed_convolution(inputs, weight), conv_transpose2d(inputs, weight, stride=2, padding=1)
    torch.testing.assert_close(ours, theirs)
    signal = torch.randn(theirs.shape, generator=rng, dtype=torch.float64)
    for gradient, expected in zip(
        torch.autograd.grad(ours, (inputs, weight), signal),
        torch.autograd.grad(theirs, (inputs, weight), signal),
        strict=True,
    ):
        torch.testing.assert_close(gradient, expected)


def test_differentiable_twice():
    rng = torch.Generator().manual_seed(0)
    sizes = (2, 3, 2, 3), (3, 2, 4, 4)
    both = [torch.randn(*size, generator=rng, dtype=torch.float64, requires_grad=True) for size in sizes]
    assert torch.autograd.gradgradcheck(transposed_convolution, both)


def test_gradients_are_asked_for_one_by_one():
    inputs, weight = torch.randn(1, 2, 3, 3), torch.randn(2, 2, 4, 4)
    for asked in (inputs, weight):
        asked.requires_grad_()
        (gradient,) = torch.autograd.grad(transposed_convolution(inputs, weight).sum(), asked)
        assert gradient.shape == asked.shape
        asked.requires_grad_(False)


def test_rounded_as_autocast_asks_for():
    inputs, weight = torch.randn(1, 2, 3, 3), torch.randn(2, 2, 4, 4, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = transposed_convolution(inputs, weight)
    assert outputs.dtype is torch.bfloat16
    outputs.sum().backward()
    assert weight.grad.dtype is torch.float32


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_generators_draw_the_same_by_phases(monkeypatch, architecture):
    shape = NetworkShape(image_size=(24, 40), classes=2, width=8, critic_width=8)
    generator, _ = ARCHITECTURES[architecture].build(shape, seed=1)
    latents = torch.randn(3, shape.latent_size)
    with torch.no_grad():
        expected = generator(latents)
        calls = []
        monkeypatch.setattr(subpixel, "computes_by_cudnn", lambda tensor: not calls.append(tensor))
        monkeypatch.setattr(subpixel, "SMALLEST", 1)
        torch.testing.assert_close(generator(latents), expected, rtol=0, atol=1e-5)
    assert calls


@pytest.mark.parametrize(
    "architecture", [name for name in ARCHITECTURES if "separable" in name or name == "star-shaped"]
)
def test_green_latents_leave_red_as_it_is_by_phases(monkeypatch, architecture):
    monkeypatch.setattr(subpixel, "computes_by_cudnn", lambda tensor: True)
    monkeypatch.setattr(subpixel, "SMALLEST", 1)
    shape = NetworkShape(image_size=(24, 40), classes=2, width=8, critic_width=8)
    generator, _ = ARCHITECTURES[architecture].build(shape, seed=1)
    latents = torch.randn(3, shape.latent_size)
    others = latents.clone()
    others[:, shape.red_latent_size :] = torch.randn(3, shape.latent_size - shape.red_latent_size)
    generator.eval()
    with torch.no_grad():
        first, second = generator(latents), generator(others)
    assert torch.equal(first[:, :, 0], second[:, :, 0])
    assert not torch.equal(first, second)
