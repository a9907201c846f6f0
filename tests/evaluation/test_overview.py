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


# -- several classes

CLASSES = NetworkShape(image_size=(24, 40), width=4, critic_width=2, latent_size=8, classes=3)


@pytest.fixture(scope="module")
def three():
    cells = simulate_cells(5, size=(24, 40), classes=["nucleus", "tips", "cytoplasm"], all_greens=False).cells
    return CellSet(cells.images, ["class 1", "class 2", "class 3"], pixel_size=cells.pixel_size)


def tiles_of(axes, rows):
    """Cells of a part, (rows, columns, 24, 40, 3)."""
    sheet = axes.images[0].get_array()
    return np.array([[sheet[26 * r : 26 * r + 24, 42 * c : 42 * c + 40] for c in range(8)] for r in range(rows)])


def test_each_class_has_a_row_and_a_star_the_same_red_in_each_column(three):
    figure = overview_figure(untrained_model(CLASSES, "star-shaped"), three)
    real, generated, one_red = figure.axes
    for axes in figure.axes:
        assert [label.get_text() for label in axes.get_yticklabels()] == list(three.class_names)
    assert "the same red in each column" in generated.get_title(loc="left")
    tiles = tiles_of(generated, 3)
    assert (tiles[..., 0] == tiles[:1, ..., 0]).all()
    assert not (tiles[..., 1] == tiles[:1, ..., 1]).all()
    tiles = tiles_of(one_red, 3)
    assert (tiles[..., 0] == tiles[:1, :1, ..., 0]).all()
    assert not (tiles[0, ..., 1] == tiles[0, :1, ..., 1]).all()
    # Five real cells of each class, and room for three more.
    assert (tiles_of(real, 3)[:, 5:] == 1).all()


def test_independent_classes_are_not_said_to_share_red(three):
    figure = overview_figure(untrained_model(CLASSES, "independent"), three)
    assert len(figure.axes) == 2
    assert "same" not in figure.axes[1].get_title(loc="left")


def test_of_many_classes_some_are_shown_and_it_is_said():
    rng = np.random.default_rng(0)
    many = CellSet(
        list(rng.integers(0, 255, (41, 2, 2, 24, 40), dtype=np.uint8)), [f"class {k + 1}" for k in range(41)]
    )
    model = untrained_model(NetworkShape(image_size=(24, 40), width=2, latent_size=8, classes=41), "star-shaped")
    figure = overview_figure(model, many)
    assert titles(figure)[0] == "Real cells; 12 of 41 classes"
    assert len(figure.axes[0].get_yticklabels()) == 12


def test_cells_of_other_classes_are_refused(three):
    with pytest.raises(ValueError, match="the model draws class 1, class 2"):
        overview_figure(untrained_model(CLASSES, "star-shaped"), three.subset(["class 1"]))
