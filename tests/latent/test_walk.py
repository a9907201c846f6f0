import numpy as np
import pytest

from napari_biogans import LatentError, feature_direction, walk


def test_only_the_part_along_the_direction_changes(star):
    rng = np.random.default_rng(0)
    latent, direction = rng.standard_normal((2, 8))
    way = walk(star, latent, direction, reach=2, frames=9)
    unit = direction / np.linalg.norm(direction)
    np.testing.assert_allclose(way.latents @ unit, np.linspace(-2, 2, 9), atol=1e-5)
    across = way.latents - (way.latents @ unit)[:, None] * unit
    np.testing.assert_allclose(across, np.tile(latent - (latent @ unit) * unit, (9, 1)), atol=1e-5)
    np.testing.assert_array_equal(way.images, star.generate(latents=way.latents))


def test_the_key_is_the_frame_nearest_to_the_cell(joint):
    latent = np.full(8, 0.1)
    latent[3] = 1.4
    way = walk(joint, latent, 5 * np.eye(8)[3], reach=3, frames=7)
    assert way.keys.tolist() == [4]
    assert way.latents[4, 3] == pytest.approx(1)


def test_directions_that_were_found_can_be_walked(joint):
    latents = joint.draw_latents(40, seed=0)
    direction = feature_direction(latents, latents[:, 2] + 0.01 * latents[:, 5], "third number")
    way = walk(joint, latents[0], direction, frames=3)
    np.testing.assert_allclose(way.latents[:, 2], [-3, 0, 3], atol=0.1)


def test_red_stays_on_a_way_of_green(star):
    direction = np.zeros(8)
    direction[star.red_latent_size :] = 1
    way = walk(star, star.draw_latents(1, seed=0)[0], direction, frames=5)
    assert (way.images[:, :, 0] == way.images[:, :1, 0]).all()
    assert (way.images[:, 0, 1] != way.images[:, 4, 1]).any()


@pytest.mark.parametrize(
    ("latent", "direction", "arguments", "says"),
    [
        (np.zeros(7), np.ones(8), {}, "The latent of a cell is 8 finite numbers"),
        (np.zeros(8), np.ones((1, 8)), {}, "A direction is 8 finite numbers"),
        (np.full(8, np.nan), np.ones(8), {}, "finite"),
        (np.zeros(8), np.zeros(8), {}, "leads nowhere"),
        (np.zeros(8), np.ones(8), {"reach": 0}, "positive number of standard deviations"),
        (np.zeros(8), np.ones(8), {"reach": float("nan")}, "positive number of standard deviations"),
        (np.zeros(8), np.ones(8), {"frames": 1}, "two frames at least"),
    ],
)
def test_what_makes_no_sense_is_refused(joint, latent, direction, arguments, says):
    with pytest.raises(LatentError, match=says):
        walk(joint, latent, direction, **arguments)
