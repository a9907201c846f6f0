"""Directions that are known beforehand, and found."""

import numpy as np
import pytest

from napari_biogans.latent import LatentError, class_direction, feature_direction, latent_principal_directions


def planted(cells, size=20, seed=0):
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal(size)
    return rng, rng.standard_normal((cells, size)), direction / np.linalg.norm(direction)


@pytest.mark.parametrize(("cells", "size"), [(300, 20), (300, 100), (12, 3)])
def test_a_planted_direction_is_found(cells, size):
    rng, latents, truth = planted(cells, size)
    values = 7 + 3 * latents @ truth + 0.3 * rng.standard_normal(cells)
    found = feature_direction(latents, values, "length")
    assert found.name == "length"
    assert found.vector.shape == (size,)
    assert np.linalg.norm(found.vector) == pytest.approx(1, rel=1e-6)
    assert found.vector @ truth > 0.95
    assert found.explained > 0.9
    shorter = feature_direction(latents, -values, "shortness")
    np.testing.assert_allclose(shorter.vector, -found.vector, atol=1e-6)


def test_what_is_explained_is_that_of_cells_that_were_left_out():
    rng, latents, truth = planted(40, size=6)
    values = latents @ truth + 0.5 * rng.standard_normal(40)
    found = feature_direction(latents, values, "length")
    best = 0.0
    for penalty in np.geomspace(1e-4, 1e5, 300):
        wrong, alone = 0.0, 0.0
        for k in range(40):
            rest = np.delete(np.arange(40), k)
            middle, mean = latents[rest].mean(axis=0), values[rest].mean()
            centred = latents[rest] - middle
            slopes = np.linalg.solve(centred.T @ centred + penalty * np.eye(6), centred.T @ (values[rest] - mean))
            wrong += (values[k] - mean - (latents[k] - middle) @ slopes) ** 2
            alone += (values[k] - mean) ** 2
        best = max(best, 1 - wrong / alone)
    assert found.explained == pytest.approx(best, abs=0.01)


def test_noise_is_not_explained():
    rng, latents, _ = planted(30, size=50)
    assert feature_direction(latents, rng.standard_normal(30), "nothing").explained < 0.2


def test_a_class_direction_joins_the_means():
    rng, latents, truth = planted(100)
    latents[50:] += 4 * truth
    labels = ["wild type"] * 50 + ["mutant"] * 50
    found = class_direction(latents, labels, "wild type", "mutant")
    assert found.name == "wild type to mutant"
    assert found.vector @ truth > 0.95
    assert found.explained > 0.6
    np.testing.assert_allclose(class_direction(latents, labels, "mutant", "wild type").vector, -found.vector, atol=1e-6)
    alike = class_direction(rng.standard_normal((100, 20)), labels, "wild type", "mutant")
    assert alike.explained < 0.1


def test_latents_vary_most_along_what_was_stretched():
    _, latents, truth = planted(200)
    stretched = latents + 4 * np.outer(latents @ truth, truth)
    found = latent_principal_directions(stretched, 3)
    assert [direction.name for direction in found] == ["variation 1", "variation 2", "variation 3"]
    assert abs(found[0].vector @ truth) > 0.95
    assert found[0].explained > found[1].explained > found[2].explained
    assert found[0].explained == pytest.approx(np.var(stretched @ found[0].vector) / stretched.var(axis=0).sum())
    assert all(direction.vector[np.abs(direction.vector).argmax()] > 0 for direction in found)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda z: feature_direction(z[:2], [1, 2], "length"), "3 cells or more"),
        (lambda z: feature_direction(z[0], [1], "length"), "Latents are an array"),
        (lambda z: feature_direction(z * np.nan, np.arange(9), "length"), "NaN"),
        (lambda z: feature_direction(z, np.arange(8), "length"), "each of 9 cells"),
        (lambda z: feature_direction(z, [np.nan] * 9, "length"), "finite"),
        (lambda z: feature_direction(z, [2.0] * 9, "length"), "same in all cells"),
        (lambda z: feature_direction(z * 0, np.arange(9), "length"), "All cells have the same latent"),
        (lambda z: class_direction(z, ["a"] * 8 + ["b"], "a", "b"), "1 of 'b'"),
        (lambda z: class_direction(z, ["a"] * 8, "a", "b"), "9 cells, and 8 labels"),
        (lambda z: class_direction(z, ["a"] * 9, "a", "a"), "to itself"),
        (lambda z: latent_principal_directions(z, 0), "from 1 to 5"),
        (lambda z: latent_principal_directions(z[:4], 4), "from 1 to 3"),
        (lambda z: latent_principal_directions(z * 0, 1), "same latent"),
        (lambda z: class_direction(z * 0, ["a", "a", *"bbbbbbb"], "a", "b"), "do not differ"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    latents = np.random.default_rng(0).standard_normal((9, 5))
    with pytest.raises(LatentError, match=message):
        call(latents)
