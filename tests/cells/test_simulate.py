"""Simulated cells: what the images show agrees with the truth that comes with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.patterns import GREEN_PATTERNS
from napari_biogans.cells.simulate import SimulatedCells, simulate_cells

Images = NDArray[Any]


@pytest.fixture(scope="module")
def every_class() -> SimulatedCells:
    return simulate_cells(80, seed=3)


@pytest.fixture(scope="module")
def clean() -> SimulatedCells:
    """One class without noise."""
    return simulate_cells(300, classes=["cytoplasm"], seed=4, noise=0)


def light_of(images: NDArray[np.uint8]) -> Images:
    """Images less their background, which is the median of each image's border."""
    border = np.concatenate([images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], axis=-1)
    light: Images = np.maximum(images - np.median(border, axis=-1)[..., None, None], 0.0)
    return light


def place_along(images: Images) -> Images:
    """Mean place of the light along the image, from -1 (left) to 1."""
    profile = images.sum(axis=-2)
    place: Images = profile @ np.linspace(-1, 1, profile.shape[-1]) / profile.sum(axis=-1)
    return place


def green_of(simulated: SimulatedCells, name: str) -> Images:
    return light_of(simulated.greens[0][:, simulated.green_names.index(name)])


def test_types_and_shapes(every_class: SimulatedCells) -> None:
    cells = every_class.cells
    assert len(GREEN_PATTERNS) >= 6
    assert cells.class_names == every_class.green_names == tuple(GREEN_PATTERNS)
    assert cells.channel_names == ("red", "green")
    assert cells.pixel_size == 0.2
    assert cells.dtype == np.uint8
    assert [array.shape for array in cells.images] == [(80, 2, 48, 80)] * len(GREEN_PATTERNS)
    for greens, truth in zip(every_class.greens, every_class.truth, strict=True):
        assert greens.shape == (80, len(GREEN_PATTERNS), 48, 80)
        assert greens.dtype == np.uint8
        assert len(truth) == 80
    for features, truth in zip(cells.features or (), every_class.truth, strict=True):
        assert (features["source"] == "simulated").all()
        assert features[truth.columns].equals(truth)
    cells.check_trainable()


def test_green_of_a_class_is_its_slice_of_all_greens(every_class: SimulatedCells) -> None:
    for name, images, greens in zip(
        every_class.cells.class_names, every_class.cells.images, every_class.greens, strict=True
    ):
        np.testing.assert_array_equal(images[:, 1], greens[:, every_class.green_names.index(name)])


def test_without_all_greens_the_cells_are_the_same(every_class: SimulatedCells) -> None:
    fewer = simulate_cells(80, seed=3, classes=["tips", "nucleus"], all_greens=False)
    assert fewer.greens == ()
    assert fewer.green_names == ()
    for name, images in zip(fewer.cells.class_names, fewer.cells.images, strict=True):
        index = every_class.cells.class_names.index(name)
        np.testing.assert_array_equal(images, every_class.cells.images[index])


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**63),
    count=st.integers(1, 5),
    names=st.lists(st.sampled_from(sorted(GREEN_PATTERNS)), min_size=1, max_size=3, unique=True),
    size=st.sampled_from([(48, 80), (24, 40), (64, 64), (48, 112)]),
)
def test_same_seed_gives_the_same_bits(seed: int, count: int, names: list[str], size: tuple[int, int]) -> None:
    first, second = (simulate_cells(count, classes=names, size=size, seed=seed) for _ in range(2))
    for k in range(len(names)):
        np.testing.assert_array_equal(first.cells.images[k], second.cells.images[k])
        np.testing.assert_array_equal(first.greens[k], second.greens[k])
        assert first.truth[k].equals(second.truth[k])
    other = simulate_cells(count, classes=names, size=size, seed=seed + 1)
    assert not np.array_equal(first.cells.images[0], other.cells.images[0])


def test_classes_hold_different_cells(every_class: SimulatedCells) -> None:
    reds = [images[:, 0].tobytes() for images in every_class.cells.images]
    assert len(set(reds)) == len(reds)


def test_population_grows() -> None:
    simulated = simulate_cells(3000, classes=["tips"], size=(12, 20), all_greens=False)
    truth = simulated.truth[0]
    phase = truth["phase"]
    assert phase.between(0, 1, inclusive="left").all()
    # Twice as many at birth as at division: the mean of 2 ln 2 2^-phase is 1 / ln 2 - 1.
    assert phase.mean() == pytest.approx(1 / np.log(2) - 1, abs=0.02)
    by_phase = truth["length"].groupby((phase * 8).astype(int)).mean()
    assert by_phase[0] == pytest.approx(7, rel=0.1)
    assert by_phase[7] == pytest.approx(14, rel=0.03)
    assert (np.diff(by_phase[:7]) > 0.3).all()
    assert truth["width"].between(3.4, 4.2).all()
    assert set(truth["old_end"]) == {"left", "right"}
    assert truth["old_end"].eq("left").mean() == pytest.approx(0.5, abs=0.04)


def test_image_shows_the_length_and_the_place(clean: SimulatedCells) -> None:
    truth = clean.truth[0]
    # Half the light of the middle marks the outline of a cell.
    inside = light_of(clean.cells.images[0][:, 1]).max(axis=1) > 30
    lengths = inside.sum(axis=1) * 0.2
    np.testing.assert_allclose(lengths, truth["length"], atol=0.8)
    middle = [np.flatnonzero(row).mean() for row in inside]
    np.testing.assert_allclose(middle, truth["column"], atol=1.5)


def test_red_goes_from_one_end_to_both_to_the_middle(clean: SimulatedCells) -> None:
    truth = clean.truth[0]
    profile = light_of(clean.cells.images[0][:, 0]).sum(axis=1)
    from_old_end = np.where(truth["old_end"].eq("left").to_numpy()[:, None], profile, profile[:, ::-1])
    centre = np.where(truth["old_end"] == "left", truth["column"], 79 - truth["column"]).astype(float)
    half = truth["length"].to_numpy() / 2 / clean.cells.pixel_size

    def near(place: Images) -> Images:
        window = np.abs(np.arange(80) - place[:, None]) < 3
        light: Images = (from_old_end * window).sum(axis=1)
        return light

    old, new, middle = near(centre - half + 2), near(centre + half - 2), near(centre)
    phase = truth["phase"].to_numpy()
    young, grown, dividing = phase < 0.2, (phase > 0.45) & (phase < 0.75), phase > 0.9
    assert min(young.sum(), grown.sum(), dividing.sum()) > 10
    assert (old > 1.8 * new)[young].all()
    assert (old > 1.5 * middle)[young].all()
    assert (new > 0.5 * old)[grown].all()
    assert (new > 1.2 * middle)[grown].all()
    assert (middle > 2 * np.maximum(old, new))[dividing].all()
    assert truth.loc[young, "new_tip"].max() == 0
    assert truth.loc[dividing, "septum"].min() > 1


def test_nuclei_part(clean: SimulatedCells) -> None:
    truth = clean.truth[0]
    nuclei = green_of(clean, "nucleus")
    counts = np.array([ndimage.label(image > 0.4 * image.max())[1] for image in nuclei])
    apart = truth["nuclei_distance"].to_numpy()
    assert (counts[apart == 0] == 1).all()
    assert (counts[apart > 4] == 2).all()
    assert (apart[truth["phase"] < 0.7] == 0).all()
    assert (apart[truth["phase"] > 0.85] > 4).all()


def test_greens_follow_the_growing_end(clean: SimulatedCells) -> None:
    truth = clean.truth[0]
    young = (truth["phase"] < 0.25).to_numpy()
    red = place_along(light_of(clean.cells.images[0][:, 0]))[young]
    assert np.corrcoef(red, place_along(green_of(clean, "actin-patches"))[young])[0, 1] > 0.8
    assert np.corrcoef(red, place_along(green_of(clean, "medial-nodes"))[young])[0, 1] < -0.8


def test_left_and_right_are_mirror_images(clean: SimulatedCells) -> None:
    left = clean.truth[0]["old_end"].eq("left").to_numpy()
    young = (clean.truth[0]["phase"] < 0.25).to_numpy()
    for name in ("actin-patches", "medial-nodes"):
        green = green_of(clean, name)
        grown_left, grown_right = green[left & young].mean(axis=0), green[~left & young].mean(axis=0)
        same = np.corrcoef(grown_left.ravel(), grown_right.ravel())[0, 1]
        mirrored = np.corrcoef(grown_left.ravel(), grown_right[:, ::-1].ravel())[0, 1]
        assert mirrored > max(0.9, same + 0.1)


def test_green_seed_redraws_greens_for_the_same_reds(clean: SimulatedCells) -> None:
    again = simulate_cells(300, classes=["cytoplasm"], seed=4, noise=0, green_seed=5)
    np.testing.assert_array_equal(again.cells.images[0][:, 0], clean.cells.images[0][:, 0])
    state = ["phase", "length", "width", "angle", "row", "column", "old_end", "septum"]
    assert again.truth[0][state].equals(clean.truth[0][state])
    for name in clean.green_names:
        first, second = (green_of(simulated, name).reshape(300, -1) for simulated in (clean, again))
        alike = np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(first, second, strict=True)])
        strangers = np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(first, np.roll(second, 1, axis=0), strict=True)])
        # Red says something about the green, but not all.
        assert strangers < alike < 0.99


def simple_features(images: NDArray[np.uint8]) -> Images:
    """Mean and spread of the light in 8x10 tiles, both ends and both sides added up, and its quantiles."""
    light = light_of(images)
    light /= light.max(axis=(1, 2), keepdims=True)
    tiles = light.reshape(len(light), 6, 8, 8, 10)
    pooled = np.stack([tiles.mean(axis=(2, 4)), tiles.std(axis=(2, 4))], axis=1)
    pooled = pooled + pooled[:, :, ::-1]
    pooled = (pooled + pooled[..., ::-1])[:, :, :3, :4].reshape(len(light), -1)
    quantiles = np.quantile(light.reshape(len(light), -1), [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99], axis=1).T
    return np.log(np.concatenate([pooled, quantiles], axis=1) + 0.02)


def test_a_simple_classifier_tells_the_classes_apart() -> None:
    cells = simulate_cells(200, all_greens=False).cells
    # Linear discriminant analysis: the nearest class mean, measured by the spread within classes.
    features = [simple_features(images[:, 1]) for images in cells.images]
    means = np.stack([table[:140].mean(axis=0) for table in features])
    within = np.mean([np.cov(table[:140].T) for table in features], axis=0)
    precision = np.linalg.inv(within + 0.01 * within.diagonal().mean() * np.eye(len(within)))
    right = []
    for k, table in enumerate(features):
        steps = table[140:, None] - means
        right.append((np.einsum("nkf,fg,nkg->nk", steps, precision, steps).argmin(axis=1) == k).mean())
    assert np.mean(right) > 0.85, dict(zip(cells.class_names, right, strict=True))
    assert min(right) > 0.6, dict(zip(cells.class_names, right, strict=True))


def test_brightness_uses_the_range_and_saturates_nowhere(every_class: SimulatedCells) -> None:
    for images in every_class.cells.images:
        peaks = images.max(axis=(2, 3))
        assert peaks.max() < 255
        assert (peaks.mean(axis=0) > 140).all()
        assert (peaks.std(axis=0) > 15).all()
        assert (np.median(images, axis=(2, 3)) < 80).all()


def test_noise_has_the_size_of_photon_noise() -> None:
    without, once = (simulate_cells(60, classes=["cytoplasm"], noise=noise, all_greens=False) for noise in (0, 1))
    clean, noisy = (simulated.cells.images[0].astype(float) for simulated in (without, once))
    difference = noisy - clean
    assert abs(difference.mean()) < 0.05
    dark, bright = clean < 20, clean > 120
    assert 2 < difference[dark].std() < 3
    assert 7 < difference[bright].std() < 10


@pytest.mark.parametrize(("size", "pixel_size"), [((96, 160), 0.1), ((24, 40), 0.4), ((64, 64), 0.25)])
def test_other_sizes_show_the_same_cells(size: tuple[int, int], pixel_size: float) -> None:
    reference, resized = (simulate_cells(12, classes=["reticulum"], noise=0, size=s) for s in ((48, 80), size))
    assert resized.cells.size == size
    assert resized.cells.pixel_size == pytest.approx(pixel_size)
    same = ["phase", "length", "width", "old_end", "septum", "nuclei_distance"]
    assert resized.truth[0][same].equals(reference.truth[0][same])


def test_smaller_pixels_show_the_same_image() -> None:
    reference, finer = (simulate_cells(12, classes=["reticulum"], noise=0, size=s) for s in ((48, 80), (96, 160)))
    averaged = finer.cells.images[0].reshape(12, 2, 48, 2, 80, 2).mean(axis=(3, 5))
    assert np.corrcoef(averaged.ravel(), reference.cells.images[0].ravel())[0, 1] > 0.98


def test_cells_stay_clear_of_the_border(clean: SimulatedCells) -> None:
    images = np.concatenate([clean.cells.images[0][:, :1], clean.greens[0]], axis=1)
    border = np.concatenate([images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], axis=-1)
    # Only the foot of the blur may reach it.
    assert np.ptp(border, axis=-1).max() <= 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_per_class": 0}, "give 1 or more"),
        ({"n_per_class": 2.5}, "whole number"),
        ({"classes": ["nucleolus"]}, "choose from nucleus, "),
        ({"classes": []}, "name at least one"),
        ({"classes": "nucleus"}, r"write \['nucleus'\]"),
        ({"classes": ["tips", "tips"]}, "name each once"),
        ({"size": (50, 80)}, "the nearest size that can is 48x80"),
        ({"size": (48,)}, r"\(height, width\)"),
        ({"size": (12, 12)}, "at least 16 pixels wide"),
        ({"seed": -1}, "give 0 or more"),
        ({"green_seed": -1}, "give 0 or more"),
        ({"pixel_size": 0.1}, "give 0.2 to 1 µm"),
        ({"pixel_size": float("nan")}, "give 0.2 to 1 µm"),
        ({"blur": -0.1}, "blur is 0 or a positive number"),
        ({"noise": float("inf")}, "noise is 0 or a positive number"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(CellsError, match=message):
        simulate_cells(**{"n_per_class": 2, **arguments})  # type: ignore[arg-type]
