"""The fast steps: the same training as the plain ones."""

import gc
import itertools
import weakref

import pytest
import torch

from napari_biogans.cells import simulate_cells
from napari_biogans.models import ARCHITECTURES, NetworkShape, subpixel
from napari_biogans.training import chain, make_config, steps
from napari_biogans.training.objectives import OBJECTIVES
from napari_biogans.training.reference import ReferenceCriticStep, ReferenceGeneratorStep
from napari_biogans.training.state import TrainingState
from napari_biogans.training.steps import CriticStep, GeneratorStep

SIZE = (24, 40)
# Relative error of a gradient, and of a loss, by the type that convolutions compute in: sums of rounded products.
ROUNDING = {torch.float64: (1e-9, 1e-9), torch.float32: (1e-3, 1e-4), torch.bfloat16: (0.25, 0.03)}
CASES = list(itertools.product(ARCHITECTURES, OBJECTIVES))


def networks(architecture, objective, dtype=torch.float32, **sizes):
    """A generator and a critic whose weights are as large as after some training, so that nothing is near zero."""
    shape = NetworkShape(
        image_size=SIZE,
        classes=1 if ARCHITECTURES[architecture].pools_classes else 3,
        latent_size=12,
        width=8,
        critic_width=8,
        critic_batch_norm=OBJECTIVES[objective].critic_batch_norm,
        **sizes,
    )
    both = ARCHITECTURES[architecture].build(shape, seed=3)
    for network in both:
        network.to(dtype).train()
        for weight in network.parameters():
            if weight.ndim == 4:
                weight.data *= 4
    return both


def batch_of(generator, dtype, count=6):
    rng = torch.Generator().manual_seed(1)
    latents = torch.randn(count, 12, generator=rng, dtype=dtype)
    with torch.no_grad():
        fake = generator(latents)
    real = (fake + 0.5 * torch.randn(fake.shape, generator=rng, dtype=dtype)).clamp(-1, 1)
    return real, fake, torch.rand(fake.shape[:2], generator=rng, dtype=dtype), latents


def gradient_of(network):
    return torch.cat([weight.grad.flatten().double() for weight in network.parameters()])


def assert_same_gradient(network, reference, tolerance):
    ours, theirs = gradient_of(network), gradient_of(reference)
    assert theirs.norm() > 0
    assert (ours - theirs).norm() < tolerance * theirs.norm()
    assert torch.cosine_similarity(ours, theirs, dim=0) > 1 - tolerance**2 - 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("architecture", "objective"), CASES)
def test_a_step_is_that_of_the_reference(architecture, objective, dtype):
    of_gradient, of_loss = ROUNDING[dtype]
    ours, theirs = networks(architecture, objective), networks(architecture, objective)
    real, fake, mix, latents = batch_of(ours[0], torch.float32)
    step = CriticStep(OBJECTIVES[objective], ours[1], 1e-4, dtype)
    reference = ReferenceCriticStep(OBJECTIVES[objective], theirs[1], 1e-4)
    result, expected = step.gradients(real, fake, mix), reference.gradients(real, fake, mix)
    for name in expected._fields:
        torch.testing.assert_close(getattr(result, name), getattr(expected, name), rtol=of_loss, atol=of_loss)
    assert_same_gradient(ours[1], theirs[1], of_gradient)

    step = GeneratorStep(OBJECTIVES[objective], *ours, 1e-4, dtype)
    reference = ReferenceGeneratorStep(OBJECTIVES[objective], *theirs, 1e-4)
    torch.testing.assert_close(step.draw(latents), reference.draw(latents), rtol=0, atol=of_loss)
    torch.testing.assert_close(step.gradients(latents), reference.gradients(latents), rtol=of_loss, atol=of_loss)
    assert_same_gradient(ours[0], theirs[0], of_gradient)


@pytest.fixture(params=[False, True], ids=["plain", "for cuDNN"])
def for_cudnn(request, monkeypatch):
    """Compute convolutions in the forms for the CPU, and in those for a GPU."""
    monkeypatch.setattr(subpixel, "computes_by_cudnn", lambda tensor: request.param)
    monkeypatch.setattr(chain, "computes_by_cudnn", lambda tensor: request.param)
    monkeypatch.setattr(subpixel, "SMALLEST", 1)
    return request.param


@pytest.mark.parametrize("at_once", [2, 4, 32])
@pytest.mark.parametrize("extra_layers", [0, 2])
@pytest.mark.parametrize("architecture", ["joint", "star-shaped"])
def test_the_gradient_of_a_penalty_is_exact(monkeypatch, for_cudnn, architecture, extra_layers, at_once):
    """In float64, where rounding hides nothing."""
    monkeypatch.setitem(steps.CELLS_AT_ONCE, "cpu", at_once)
    of_gradient, of_loss = ROUNDING[torch.float64]
    (generator, ours), (_, theirs) = (
        networks(architecture, "wgan-gp", torch.float64, critic_extra_layers=extra_layers) for _ in range(2)
    )
    real, fake, mix, _ = batch_of(generator, torch.float64)
    result = CriticStep(OBJECTIVES["wgan-gp"], ours, 1e-4, torch.float64).gradients(real, fake, mix)
    expected = ReferenceCriticStep(OBJECTIVES["wgan-gp"], theirs, 1e-4).gradients(real, fake, mix)
    for name in expected._fields:
        torch.testing.assert_close(getattr(result, name), getattr(expected, name), rtol=of_loss, atol=of_loss)
    assert_same_gradient(ours, theirs, of_gradient)


def test_all_steps_are_those_of_the_reference_in_the_forms_for_a_gpu(for_cudnn):
    of_gradient, _ = ROUNDING[torch.float64]
    for architecture in ("joint-separable", "star-shaped", "multi-channel"):
        ours, theirs = (networks(architecture, "wgan-gp", torch.float64) for _ in range(2))
        real, fake, mix, latents = batch_of(theirs[0], torch.float64)
        step = CriticStep(OBJECTIVES["wgan-gp"], ours[1], 1e-4, torch.float64)
        reference = ReferenceCriticStep(OBJECTIVES["wgan-gp"], theirs[1], 1e-4)
        step.gradients(real, fake, mix)
        reference.gradients(real, fake, mix)
        assert_same_gradient(ours[1], theirs[1], of_gradient)
        step = GeneratorStep(OBJECTIVES["wgan-gp"], *ours, 1e-4, torch.float64)
        reference = ReferenceGeneratorStep(OBJECTIVES["wgan-gp"], *theirs, 1e-4)
        step.gradients(latents)
        reference.gradients(latents)
        assert_same_gradient(ours[0], theirs[0], of_gradient)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_generator_step_that_fails_leaves_the_critic_able_to_learn(monkeypatch, objective):
    """As where memory runs out, after which smaller batches are tried."""
    generator, critic = networks("joint", objective)
    real, fake, mix, latents = batch_of(generator, torch.float32)
    step = GeneratorStep(OBJECTIVES[objective], generator, critic, 1e-4)
    with monkeypatch.context() as patch:
        patch.setattr(step, "critic", lambda images: 1 / 0)
        patch.setattr(step.critic, "requires_grad_", critic.requires_grad_, raising=False)
        with pytest.raises(ZeroDivisionError):
            step.gradients(latents)
    CriticStep(OBJECTIVES[objective], critic, 1e-4).gradients(real, fake, mix)
    assert gradient_of(critic).norm() > 0


def test_a_critic_that_is_the_same_everywhere_has_a_gradient_too():
    _, critic = networks("joint", "wgan-gp")
    for weight in critic.parameters():
        weight.data.zero_()
    images = torch.zeros(1, 4, 2, *SIZE)
    result = CriticStep(OBJECTIVES["wgan-gp"], critic, 1e-4).gradients(images, images, torch.rand(1, 4))
    assert result.penalty.item() == 1
    assert gradient_of(critic).isfinite().all()


def test_the_memory_of_a_training_is_free_as_soon_as_nobody_holds_it():
    cells = simulate_cells(4, size=SIZE).cells
    state = TrainingState(cells, make_config(width=2, batch_size=4, critic_steps=1))
    state.advance()
    weight = weakref.ref(next(state.generator.parameters()))
    gc.disable()
    try:
        del state
        assert weight() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("architecture", "objective"), CASES)
def test_some_steps_go_where_those_of_the_reference_go(architecture, objective):
    cells = simulate_cells(12, classes=["nucleus", "tips"], size=SIZE, all_greens=False).cells
    config = make_config(
        architecture=architecture, objective=objective, width=4, batch_size=6, critic_steps=2, precision="float32"
    )
    ours, theirs = TrainingState(cells, config), TrainingState(cells, config, reference=True)
    before = torch.cat([weight.detach().flatten() for weight in theirs.generator.parameters()])
    for _ in range(3):
        ours.advance()
        theirs.advance()
    for name, network in (("generator", ours.generator), ("critic", ours.critic)):
        after = dict(getattr(theirs, name).named_parameters())
        for key, weight in network.named_parameters():
            # Adam makes steps as large as its rate of gradients that are near zero, whichever side they are on.
            far = (weight - after[key]).abs() > 1e-5
            assert far.float().mean() < 0.02, (name, key)
    moved = torch.cat([weight.detach().flatten() for weight in theirs.generator.parameters()]) - before
    assert moved.abs().max() > 1e-5
    for mine, expected in zip(ours.take_metrics(), theirs.take_metrics(), strict=True):
        assert mine == pytest.approx(expected, rel=1e-3, abs=1e-4)
