"""The networks compute what the published ones do, from the same weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_biogans.models import ARCHITECTURES, NetworkShape
from napari_biogans.training import OBJECTIVES
from napari_biogans.training.objectives import gradient_penalties

CASES = Path(__file__).parents[1] / "data" / "original"
SMALL = {"image_size": (48, 80), "latent_size": 12, "width": 4, "critic_width": 4}


def load_published(network, path):
    """Fill a network with published weights, whose layers come in the same order."""
    published = torch.load(path, weights_only=True)
    own = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    assert len(own) == len(published)
    network.load_state_dict(dict(zip(own, published.values(), strict=True)), strict=False)
    return network


def largest_relative_difference(ours, theirs):
    return np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max()


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize(("case", "architecture"), [("one-class", "joint"), ("one-class-separable", "joint-separable")])
def test_generators_draw_the_published_images(case, architecture, mode):
    generator, _ = ARCHITECTURES[architecture].build(NetworkShape(**SMALL))
    load_published(generator, CASES / f"{case}.netG.pth").train(mode == "train")
    with np.load(CASES / f"{case}.generator.npz") as expected, torch.no_grad():
        images = generator(torch.from_numpy(expected["z"]))
        assert images.shape == (1, *expected["images_eval"].shape)
        assert largest_relative_difference(images[0], expected[f"images_{mode}"]) < 1e-5


def published_critic(case, *, batch_norm):
    _, critic = ARCHITECTURES["joint"].build(NetworkShape(**SMALL, critic_batch_norm=batch_norm))
    load_published(critic, CASES / f"{case}.netD.pth").eval()
    with np.load(CASES / f"{case}.critic.npz") as file:
        expected = dict(file)
    real, fake = (torch.from_numpy(expected[name])[None] for name in ("real", "fake"))
    return critic, real, fake, expected


@pytest.mark.parametrize(("case", "batch_norm"), [("critic", False), ("discriminator-batch-norm", True)])
def test_critics_give_the_published_scores(case, batch_norm):
    critic, real, fake, expected = published_critic(case, batch_norm=batch_norm)
    with torch.no_grad():
        assert largest_relative_difference(critic(real)[0], expected["scores_real_eval"]) < 1e-5
        assert largest_relative_difference(critic(fake)[0], expected["scores_fake_eval"]) < 1e-5


def test_wgan_gp_agrees_in_penalties_losses_and_gradients():
    critic, real, fake, expected = published_critic("critic", batch_norm=False)
    mix = torch.from_numpy(expected["eps"])[None]
    objective = OBJECTIVES["wgan-gp"]

    penalties = gradient_penalties(critic, real, fake, mix)[0].detach()
    assert largest_relative_difference(penalties, expected["gradient_penalties"]) < 1e-4

    result = objective.critic_loss(critic, real, fake, mix)
    result.loss.mean().backward()
    assert result.loss.item() == pytest.approx(float(expected["critic_loss_wgan_gp"]), rel=1e-4)
    first = next(critic.parameters()).grad
    assert largest_relative_difference(first, expected["grad_first_layer_wgan_gp"]) < 1e-4

    generator_loss = objective.generator_loss(critic(fake)).item()
    assert generator_loss == pytest.approx(float(expected["generator_loss_wgan_gp_at_fake"]), rel=1e-4)


def test_gan_agrees_in_losses():
    critic, real, fake, expected = published_critic("discriminator-batch-norm", batch_norm=True)
    objective = OBJECTIVES["gan"]
    mix = torch.rand(1, 3)
    assert objective.critic_loss(critic, real, fake, mix).loss.item() == pytest.approx(
        float(expected["critic_loss_gan_eval"]), rel=1e-4
    )
    assert objective.generator_loss(critic(fake)).item() == pytest.approx(
        float(expected["generator_loss_gan_at_fake_eval"]), rel=1e-4
    )
