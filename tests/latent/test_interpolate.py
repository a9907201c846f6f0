import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_biogans.latent import LatentError, LatentStoppedError, interpolate, paths


def keys_of(model, number, seed=0):
    return model.draw_latents(number, seed=seed)


@pytest.mark.parametrize("mode", ["spherical", "linear"])
@pytest.mark.parametrize("loop", [False, True])
@given(st.integers(2, 5), st.integers(0, 12), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_keys_are_met_and_frames_are_as_many_as_asked_for(joint, mode, loop, number, more, seed):
    keys = keys_of(joint, number, seed)
    path = interpolate(joint, keys, frames=number + more, mode=mode, loop=loop)
    assert len(path) == number + more
    np.testing.assert_allclose(path.latents[path.keys], keys, atol=1e-5)
    stretches = np.diff([*path.keys, number + more] if loop else path.keys)
    assert stretches.max() - stretches.min() <= 1


def test_lengths_change_evenly_on_the_sphere_and_shrink_on_a_straight_line(joint):
    start, end = np.eye(2, 8, dtype=np.float32) * [[3], [5]]
    sphere = interpolate(joint, [start, end], frames=5)
    np.testing.assert_allclose(np.linalg.norm(sphere.latents, axis=1), [3, 3.5, 4, 4.5, 5], rtol=1e-5)
    angles = np.arctan2(sphere.latents[:, 1], sphere.latents[:, 0])
    np.testing.assert_allclose(np.diff(angles), np.pi / 8, rtol=1e-4)
    line = interpolate(joint, [start, end], frames=5, mode="linear")
    np.testing.assert_allclose(line.latents[2], (start + end) / 2, atol=1e-6)
    assert np.linalg.norm(line.latents[2]) < 3


def test_a_loop_ends_before_it_begins_again(joint):
    path = interpolate(joint, keys_of(joint, 3), frames=12, loop=True)
    assert path.keys.tolist() == [0, 4, 8]
    steps = np.linalg.norm(np.diff(np.concatenate([path.latents, path.latents[:1]]), axis=0), axis=1)
    assert steps.max() < 3 * steps.min()


def test_images_are_those_of_the_latents_for_all_classes(star):
    path = interpolate(star, keys_of(star, 2), frames=4)
    assert path.class_names == star.class_names
    np.testing.assert_array_equal(path.images, star.generate(latents=path.latents))


@pytest.mark.parametrize(
    ("keys", "arguments", "says"),
    [
        ([[0.0] * 8], {}, "two or more"),
        ([[0.0] * 7] * 2, {}, "each of 8 numbers"),
        ([[0.0] * 8, [float("nan")] * 8], {}, "NaN"),
        ([[0.0] * 8, [1.0] * 8], {"mode": "curly"}, "spherical or linear"),
        ([[0.0] * 8, [1.0] * 8, [2.0] * 8], {"frames": 2}, "3 frames at least"),
    ],
)
def test_what_makes_no_sense_is_refused(joint, keys, arguments, says):
    with pytest.raises(LatentError, match=says):
        interpolate(joint, keys, **arguments)


def test_the_same_and_opposite_directions_have_a_way_too(joint):
    one = np.ones(8, np.float32)
    for other in (one, 2 * one, -one, 0 * one):
        assert np.isfinite(interpolate(joint, [one, other], frames=5).latents).all()


def test_a_way_is_the_same_whatever_the_blocks_and_can_be_stopped_between_them(joint, monkeypatch):
    keys = keys_of(joint, 2)
    whole = interpolate(joint, keys, frames=7)
    monkeypatch.setattr(paths, "FRAMES_AT_A_TIME", 2)
    np.testing.assert_allclose(interpolate(joint, keys, frames=7).images, whole.images, atol=1)
    answers = iter([False, True])
    with pytest.raises(LatentStoppedError, match="before the way was drawn"):
        interpolate(joint, keys, frames=7, should_stop=lambda: next(answers))
    assert next(answers, None) is None, "it was asked before each block"
