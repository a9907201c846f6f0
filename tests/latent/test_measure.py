import numpy as np
import pytest

from napari_biogans import LatentError, measure_cells, simulate_cells

RANGE = np.array([[0, 255], [0, 255]], np.float32)


def bar(length, width, bright=200, at=(4, 6), size=(24, 48)):
    cell = np.zeros((2, *size), np.uint8)
    cell[:, at[0] : at[0] + width, at[1] : at[1] + length] = bright
    return cell


def test_a_bar_is_as_long_wide_and_bright_as_it_is():
    cells = np.stack([bar(20, 8), bar(30, 8, bright=100)])
    cells[:, 1] //= 2
    table = measure_cells(cells, intensity_range=RANGE, pixel_size=0.5)
    # Smoothing adds a rim of up to a pixel, and the longest distance goes from corner to corner.
    np.testing.assert_allclose(table["length"], [10, 15], atol=2)
    np.testing.assert_allclose(table["area"], [22 * 10 / 4, 32 * 10 / 4], rtol=0.15)
    np.testing.assert_allclose(table["area"], table["length"] * table["width"])
    light = [200 / 255 * 20 * 8 / 4, 100 / 255 * 30 * 8 / 4]
    np.testing.assert_allclose(table["mean_red"] * table["area"], light, rtol=0.01)
    np.testing.assert_allclose(table["mean_green"], table["mean_red"] / 2, rtol=0.02)


def test_the_largest_region_is_the_cell():
    alone, accompanied = bar(24, 8), bar(24, 8)
    accompanied[:, 18:21, 2:5] = 200
    table = measure_cells(np.stack([alone, accompanied]), intensity_range=RANGE)
    assert table["area"][1] == pytest.approx(table["area"][0], rel=0.05)


def test_lengths_of_simulated_cells_are_near_the_truth():
    simulated = simulate_cells(60, classes=["tips", "nucleus"], seed=4, all_greens=False)
    cells = simulated.cells
    for images, truth in zip(cells.images, simulated.truth, strict=True):
        table = measure_cells(images, intensity_range=cells.intensity_range, pixel_size=cells.pixel_size)
        assert np.corrcoef(table["length"], truth["length"])[0, 1] > 0.98
        assert abs((table["length"] - truth["length"]).mean()) < 1  # the blur makes cells longer


def test_nothing_stands_out_of_a_flat_picture():
    table = measure_cells(np.full((1, 2, 8, 8), 7, np.uint8), intensity_range=RANGE, channel_names=("DNA", "GFP"))
    assert table.columns.tolist() == ["length", "width", "area", "mean_DNA", "mean_GFP"]
    assert table.isna().all(axis=None)


@pytest.mark.parametrize("shape", [(2, 24, 48), (2, 3, 24, 48)])
def test_images_of_other_channels_are_refused(shape):
    with pytest.raises(LatentError, match="the channels red, green, not"):
        measure_cells(np.zeros(shape), intensity_range=np.array([[0, 255]] * 2, np.float32))
