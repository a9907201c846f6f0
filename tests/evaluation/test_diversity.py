"""Whether a model draws many greens for one red, or one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_biogans import CellSet, Run, diversity, train
from napari_biogans.cells import simulate_cells
from napari_biogans.models import ARCHITECTURES, Model, NetworkShape, untrained_model

SIZE = (12, 12)
SHAPE = NetworkShape(image_size=SIZE, width=4, critic_width=2, latent_size=8)
COLUMNS = ["class", "drawn", "real", "ratio", "drawn_red_difference", "red_difference", "method"]


def pixels_of(numbers, seed):
    """Pixels in [-1, 1] that follow from each row of numbers, and look like noise."""
    mixing = torch.randn(numbers.shape[-1], *SIZE, generator=torch.Generator().manual_seed(seed))
    return torch.tanh(torch.einsum("bz,zhw->bhw", numbers, mixing))


class Greens(torch.nn.Module):
    """Red from the first four numbers of a latent; green from the others, by as much as the class says."""

    def __init__(self, *strengths):
        super().__init__()
        self.strengths = torch.nn.Parameter(torch.tensor(strengths))

    def forward(self, latents, places=None):
        red, green = pixels_of(latents[:, :4], 1), pixels_of(latents[:, 4:], 2)
        return torch.stack([torch.stack([red, strength * green], dim=1) for strength in self.strengths])


def model_of(architecture, *strengths, flips=True):
    header = untrained_model(replace(SHAPE, classes=len(strengths)), architecture).header
    return Model(replace(header, training={"flips": flips}), {"last": Greens(*strengths)})


def cells_like(model, counts, *, seed=1):
    """Real cells that the model would have drawn with a strength of 1."""
    full = Model(model.header, {"last": Greens(*[1.0] * len(counts))})
    images = full.generate(max(counts), seed=seed)
    return CellSet([array[:count] for array, count in zip(images, counts, strict=True)], model.class_names)


@pytest.fixture
def star():
    """A class as varied as the real one, one half as much, and one collapsed."""
    return model_of("star-shaped", 1.0, 0.5, 0.0)


def test_a_collapsed_class_is_told_from_a_varied_one(star):
    found = diversity(star, cells_like(star, (60, 60, 60)))
    # The greens of the real cells do not depend on their reds here at all.
    assert found.ratio == pytest.approx([1.0, 0.5, 0.0], abs=0.1)
    assert found.drawn[2] == 0
    assert [verdict.partition(" for")[0] for verdict in found.verdicts] == [
        "greens vary about as much as real ones",
        "greens vary less",
        "greens hardly vary",
    ]


def test_the_table_holds_all_and_the_text_has_a_line_for_each_class(star):
    found = diversity(star, cells_like(star, (20, 20, 20)))
    table = found.to_frame()
    assert table.columns.tolist() == COLUMNS
    assert table["class"].tolist() == list(star.class_names)
    assert table["ratio"].to_numpy() == pytest.approx(table["drawn"] / table["real"])
    assert (table["drawn_red_difference"] == 0).all()
    assert (table["red_difference"] > 0).all()
    assert set(table["method"]) == {"fixed red"}
    lines = str(found).splitlines()[-3:]
    assert [line.split("  ")[0] for line in lines] == list(star.class_names)
    assert "mode collapse" in lines[2]
    assert "mode collapse" not in lines[0]


def test_the_seed_decides_and_the_numbers_do_not_hang_on_it(star):
    cells = cells_like(star, (30, 30, 30))
    first, again, other = (diversity(star, cells, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.drawn, again.drawn)
    assert not np.array_equal(first.drawn, other.drawn)
    assert first.drawn[:2] == pytest.approx(other.drawn[:2], rel=0.1)


def test_more_reds_or_greens_give_the_same_but_for_chance(star):
    cells = cells_like(star, (20, 20, 20))
    usual = diversity(star, cells).drawn
    for numbers in ({"reds": 200, "greens_per_red": 2}, {"reds": 3, "greens_per_red": 100}):
        assert diversity(star, cells, **numbers).drawn == pytest.approx(usual, rel=0.1)


def test_where_red_cannot_be_held_drawn_cells_are_compared_as_real_ones_are():
    model = model_of("independent", 1.0, 0.0)
    cells = cells_like(model, (40, 10))
    found = diversity(model, cells)
    assert found.method == "nearest reds"
    assert found.ratio == pytest.approx([1.0, 0.0], abs=0.15)
    assert (found.drawn_red_difference > 0).all()
    assert found.drawn_red_difference == pytest.approx(found.red_difference, rel=0.1)
    assert "among reds that are alike (mode collapse)" in str(found)


def test_extra_layers_that_mix_red_and_green_cannot_hold_red():
    shape = NetworkShape(
        image_size=SIZE, width=4, critic_width=2, latent_size=8, extra_layers=1, extra_red_portion=0.25
    )
    model = untrained_model(shape, "joint-separable")
    cells = cells_like(model_of("joint-separable", 1.0), (10,))
    assert diversity(model, cells).method == "nearest reds"


def test_flips_that_were_not_learned_are_not_looked_at():
    flipping, upright = (model_of("joint", 1.0, flips=flips) for flips in (True, False))
    cells = cells_like(upright, (10,))
    both = CellSet([np.concatenate([cells.images[0], cells.images[0][..., ::-1]])], cells.class_names)
    assert diversity(flipping, both).real == pytest.approx(diversity(flipping, cells).real)
    assert diversity(upright, both).real != pytest.approx(diversity(upright, cells).real)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_has_a_diversity(architecture):
    cells = simulate_cells(6, classes=["nucleus", "tips"], size=(24, 40), all_greens=False).cells
    pools = ARCHITECTURES[architecture].pools_classes
    shape = NetworkShape(
        image_size=(24, 40), width=6, critic_width=2, latent_size=8, classes=1 if pools else 2, red_portion=0.5
    )
    model = untrained_model(shape, architecture)
    cells = replace(cells, class_names=["class 1", "class 2"])
    found = diversity(model, cells)
    assert found.class_names == model.class_names
    assert np.isfinite(found.to_frame()[["drawn", "real", "ratio"]].to_numpy()).all()
    assert found.method == ("fixed red" if ARCHITECTURES[architecture].separable else "nearest reds")


def test_classes_are_found_by_name(star):
    cells = cells_like(star, (20, 20, 20))
    more = CellSet([*cells.images[::-1], cells.images[0]], [*cells.class_names[::-1], "another"])
    assert np.array_equal(diversity(star, more).real, diversity(star, cells).real)


def test_intensities_are_those_of_the_model(star):
    """So that cells of another range, as 16-bit ones have, are measured as those that it learned."""
    cells = cells_like(star, (20, 20, 20))
    other = replace(cells, intensity_range=[[0, 100], [0, 100]])
    assert np.array_equal(diversity(star, other).real, diversity(star, cells).real)


def test_a_class_of_one_cell_has_no_ratio(star):
    found = diversity(star, cells_like(star, (20, 1, 20)))
    assert np.isnan(found.ratio).tolist() == [False, True, False]
    assert "nothing to compare with" in found.verdicts[1]
    found.plot().canvas.draw()


def test_what_cannot_be_compared_is_refused(star):
    cells = cells_like(star, (4, 4, 4))
    with pytest.raises(ValueError, match="give cells of class 2 as well"):
        diversity(star, cells.subset(["class 1", "class 3"]))
    with pytest.raises(ValueError, match=r"read_cells\(..., size=\(12, 12\)\) brings them"):
        diversity(star, simulate_cells(2, size=(24, 40), all_greens=False).cells)
    three = CellSet([np.repeat(array, [2, 1], axis=1) for array in cells.images], cells.class_names, ["a", "b", "c"])
    with pytest.raises(ValueError, match="3 channels, the model draws 2"):
        diversity(star, three)
    with pytest.raises(ValueError, match="At least two greens"):
        diversity(star, cells, greens_per_red=1)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        diversity(star, cells, reds=0)


def test_the_bars_are_the_spreads_and_the_axis_says_their_unit(star, tmp_path):
    found = diversity(star, cells_like(star, (20, 20, 20)))
    figure = found.plot()
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(star.class_names)
    assert axes.get_xlabel() == "RMS difference of green intensity (range = 1)"
    for container, spreads in zip(axes.containers, (found.drawn, found.real), strict=True):
        assert [bar.get_width() for bar in container] == pytest.approx(spreads.tolist())
    figure.savefig(tmp_path / "diversity.png")
    assert (tmp_path / "diversity.png").stat().st_size > 5_000


def test_the_log_of_a_training_has_the_same_real_cells(tmp_path):
    """So that the two can be compared."""
    cells = simulate_cells(12, classes=["nucleus"], size=(24, 40), all_greens=False).cells
    model = train(cells, tmp_path / "run", progress=False, steps=1, width=2, batch_size=4, seed=3, device="cpu")
    logged = Run(tmp_path / "run").diversity()
    found = diversity(model, cells, seed=3)
    assert logged["real"].to_numpy() == pytest.approx(found.real[0])
