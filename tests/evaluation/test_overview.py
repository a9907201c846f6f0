"""The picture of what a model has learned."""

import numpy as np
import pytest

from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.evaluation import overview_figure
from napari_biogans.models import NetworkShape, untrained_model

SHAPE = NetworkShape(image_size=(24, 40), width=2, critic_width=2, latent_size=8)


@pytest.fixture(scope="module")
def cells():
    return simulate_cells(20, size=(24, 40), classes=["nucleus"], all_greens=False).cells


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_real_cells_generated_cells_and_one_red_with_many_greens(cells):
    figure = overview_figure(untrained_model(SHAPE, "joint-separable"), cells)
    assert [title.split(" ")[0] for title in titles(figure)] == ["Simulated", "Generated", "One"]
    one_red = figure.axes[2].images[0].get_array()
    tiles = [one_red[:24, start : start + 40] for start in range(0, 8 * 42, 42)]
    assert all(np.array_equal(tile[..., 0], tiles[0][..., 0]) for tile in tiles)
    assert not all(np.array_equal(tile[..., 1], tiles[0][..., 1]) for tile in tiles)


def test_real_cells_are_called_real(cells):
    real = CellSet(cells.images, cells.class_names, pixel_size=cells.pixel_size)
    assert titles(overview_figure(untrained_model(SHAPE, "joint"), real))[0] == "Real cells"


def test_the_real_cells_shown_are_real(cells):
    figure = overview_figure(untrained_model(SHAPE, "joint"), cells)
    sheet = figure.axes[0].images[0].get_array()
    reds = cells.images[0][:, 0] / np.float32(255)
    for column in range(8):
        tile = sheet[:24, column * 42 : column * 42 + 40, 0]
        assert np.abs(reds - tile).max(axis=(1, 2)).min() < 1e-3


def test_where_red_cannot_be_held_the_last_part_is_left_out(cells):
    assert len(titles(overview_figure(untrained_model(SHAPE, "joint"), cells))) == 2


def test_the_scale_bar_is_as_long_as_it_says(cells):
    figure = overview_figure(untrained_model(SHAPE, "joint"), cells)
    (bar,) = figure.axes[0].patches
    assert bar.get_width() * cells.pixel_size == pytest.approx(5)
    assert [text.get_text() for text in figure.axes[0].texts] == ["5 µm"]


def test_cells_of_another_size_are_refused(cells):
    with pytest.raises(ValueError, match="24, 40"):
        overview_figure(untrained_model(NetworkShape(image_size=(48, 80), width=2), "joint"), cells)


def test_it_is_saved_without_a_screen(cells, tmp_path):
    for suffix in ("png", "svg"):
        overview_figure(untrained_model(SHAPE, "joint-separable"), cells).savefig(tmp_path / f"picture.{suffix}")
        assert (tmp_path / f"picture.{suffix}").stat().st_size > 10_000
