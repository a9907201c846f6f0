"""The published test, written down once more: plainly, slowly, and from its description alone."""

import numpy as np
import pytest
import torch
from torch import nn

from napari_biogans.evaluation import c2st
from napari_biogans.evaluation.critics import STEPS_SEEDS, WEIGHTS_SEEDS
from napari_biogans.training.devices import chosen_threads

STEPS, BATCH, WIDTH, SPLITS = 6, 8, 4, 2


@pytest.fixture(autouse=True)
def one_thread():
    """As the package trains critics."""
    with chosen_threads(1):
        yield


class Orders:
    """Goes through cells in random orders without an end."""

    def __init__(self, cells, rng):
        self.cells, self.rng, self.waiting = cells, rng, []

    def take(self, number):
        while len(self.waiting) < number:
            self.waiting += torch.randperm(len(self.cells), generator=self.rng).tolist()
        taken, self.waiting = self.waiting[:number], self.waiting[number:]
        return flipped(self.cells[taken], self.rng)


def flipped(images, rng):
    left_right = torch.rand(1, len(images), generator=rng)[0] < 0.5
    up_down = torch.rand(1, len(images), generator=rng)[0] < 0.5
    images = torch.stack([image.flip(-1) if flip else image for image, flip in zip(images, left_right, strict=True)])
    return torch.stack([image.flip(-2) if flip else image for image, flip in zip(images, up_down, strict=True)])


def plain_critic(height, width, rng, *, batch_norm):
    layers, channels, inputs = [], WIDTH, 2
    while min(height, width) > 4:
        layers.append(nn.Conv2d(inputs, channels, 4, stride=2, padding=1, bias=False))
        if batch_norm and inputs != 2:
            layers.append(nn.BatchNorm2d(channels))
        layers.append(nn.LeakyReLU(0.2))
        inputs, channels, height, width = channels, 2 * channels, height // 2, width // 2
    layers.append(nn.Conv2d(inputs, 1, (height, width), bias=False))
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0, 0.02, generator=rng)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02, generator=rng)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def penalty(critic, real, fake, rng):
    mix = torch.rand(1, len(real), generator=rng)[0][:, None, None, None]
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((gradient.pow(2).sum(dim=(1, 2, 3)).sqrt() - 1) ** 2).mean()


def published_score(draw_training, draw_held_out, first_half, second_half, split, objective):
    """Score of one split: fakes come from the two functions (number, rng)."""
    rng = torch.Generator().manual_seed(STEPS_SEEDS + split)
    height, width = first_half.shape[-2:]
    critic = plain_critic(
        height, width, torch.Generator().manual_seed(WEIGHTS_SEEDS + split), batch_norm=objective != "wgan-gp"
    )
    optimiser = {
        "gan": lambda: torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999)),
        "wgan": lambda: torch.optim.RMSprop(critic.parameters(), lr=5e-5),
        "wgan-gp": lambda: torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.0, 0.9)),
    }[objective]()
    reals = Orders(first_half, rng)
    for _ in range(STEPS):
        real = reals.take(BATCH)
        fake = draw_training(BATCH, rng)
        if objective == "gan":
            torch.rand(1, BATCH, generator=rng)  # a mix is drawn for every objective
            ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)
            entropy = nn.functional.binary_cross_entropy_with_logits
            loss = entropy(critic(real).flatten(), ones) + entropy(critic(fake).flatten(), zeros)
        else:
            loss = critic(real).mean() - critic(fake).mean()
            if objective == "wgan-gp":
                loss = loss + 10 * penalty(critic, real, fake, rng)
            else:
                torch.rand(1, BATCH, generator=rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if objective == "wgan":
            for weight in critic.parameters():
                weight.data.clamp_(-0.01, 0.01)
    critic.eval()
    scores = []
    for _ in range(5):
        for start in range(0, len(second_half), BATCH):
            real = flipped(second_half[start : start + BATCH], rng)
            fake = draw_held_out(len(real), rng)
            score = critic(fake).mean() - critic(real).mean()
            if objective == "gan":
                score = -score  # the cross entropy's critic is high on real cells
            if objective == "wgan-gp":
                score = score - 10 * penalty(critic, real, fake, rng)
            scores.append(score.item())
    return np.mean(scores)


def as_the_critic_sees(images):
    return torch.from_numpy(images.astype(np.float32) / 255 * 2 - 1)


@pytest.mark.parametrize("objective", ["wgan-gp", "gan", "wgan"])
def test_a_model_is_scored_as_published(cells, star, tiny, objective):
    real = as_the_critic_sees(cells.images[1])

    def draw(number, rng):
        with torch.no_grad():
            return star.generator(torch.randn(number, star.latent_size, generator=rng))[1]

    expected = []
    for split in range(1, SPLITS + 1):
        order = torch.randperm(len(real), generator=torch.Generator().manual_seed(split))
        halves = real[order[: len(real) // 2]], real[order[len(real) // 2 :]]
        expected.append(published_score(draw, draw, *halves, split, objective))

    settings = {**tiny, "steps": STEPS, "batch_size": BATCH, "width": WIDTH, "splits": SPLITS, "band": False}
    result = c2st(star, cells.subset(["tips"]), protocol="paper", objective=objective, **settings)
    found = result.tests["tips", result.columns[0]].scores
    # Clamped weights make scores of 1e-9, of which rounding leaves two digits.
    tolerance = 0.02 if objective == "wgan" else 1e-3
    np.testing.assert_allclose(found, expected, rtol=tolerance)
    assert result.score == pytest.approx(np.mean(expected), rel=tolerance, abs=0)
    assert result.std == pytest.approx(np.std(found, ddof=1), abs=0)


def test_real_cells_are_scored_as_published(cells, tiny):
    a, b = (as_the_critic_sees(images) for images in cells.images)
    expected = []
    for split in range(1, SPLITS + 1):
        rng = torch.Generator().manual_seed(split)
        orders = [torch.randperm(len(side), generator=rng) for side in (a, b)]
        halves = [
            (side[order[: len(side) // 2]], side[order[len(side) // 2 :]])
            for side, order in zip((a, b), orders, strict=True)
        ]
        steps_rng_orders = {}

        def draw(number, rng, which, halves=halves, orders=steps_rng_orders):
            orders.setdefault(which, Orders(halves[0][which], rng))
            return orders[which].take(number)

        expected.append(
            published_score(
                lambda number, rng: draw(number, rng, 0),
                lambda number, rng: draw(number, rng, 1),
                *halves[1],
                split,
                "wgan-gp",
            )
        )
    settings = {**tiny, "steps": STEPS, "batch_size": BATCH, "width": WIDTH, "splits": SPLITS, "band": False}
    result = c2st(cells.subset(["nucleus"]), cells.subset(["tips"]), protocol="paper", **settings)
    np.testing.assert_allclose(result.overall.scores, expected, rtol=1e-3)


def test_the_published_settings_are_the_defaults_of_the_protocol():
    from napari_biogans.evaluation import C2STConfig

    config = C2STConfig(protocol="paper")
    assert config.of_critics == {
        "protocol": "paper",
        "precision": "float32",
        "steps": 5000,
        "width": 64,
        "batch_size": 64,
        "objective": "wgan-gp",
        "critic_batch_norm": False,
        "learning_rate": 1e-4,
        "flips": True,
        "seed": 0,
    }
    assert config.splits == 10
    assert C2STConfig(protocol="paper", objective="gan").of_critics["critic_batch_norm"] is True
    assert C2STConfig(objective="gan").of_critics["critic_batch_norm"] is False
