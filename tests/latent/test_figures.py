"""What figures show of unusual cells and classes."""

from dataclasses import replace

import numpy as np
import pytest

from napari_biogans import colocalisation, complete, interpolate, reconstruct, walk
from napari_biogans.models import Model

from .conftest import varied

QUICK = {"steps": 2, "device": "cpu", "progress": False}
LONG = "x" * 200


@pytest.fixture(scope="module")
def long_named(star):
    return Model(replace(star.header, class_names=("a", LONG, "c")), star.networks)


def inches(figure):
    return tuple(figure.get_size_inches())


def test_long_names_are_cut_and_do_not_widen_figures(long_named):
    cells = long_named.as_cells(long_named.generate(3, seed=0))
    whole = complete(long_named, cells, draws=2, **QUICK).plot()
    (axes,) = whole.axes
    assert inches(whole)[0] < 14
    assert max(len(label.get_text()) for label in axes.get_yticklabels()) == 24
    assert max(len(label.get_text()) for label in axes.get_xticklabels()) <= 15
    overlap = colocalisation(long_named, cells, draws=2, **QUICK).plot()
    assert max(inches(overlap)) < 14
    assert overlap.axes[0].get_yticklabels()[1].get_text() == "x" * 23 + "…"
    way = interpolate(long_named, long_named.draw_latents(2, seed=0), frames=4).plot()
    curves = way.subfigs[1].axes[1]
    assert curves.get_legend().get_texts()[1].get_text() == "x" * 23 + "…"


def test_few_cells_make_no_giant_figure(joint):
    cells = joint.as_cells(joint.generate(1, seed=0))
    assert inches(reconstruct(joint, cells, **QUICK).plot())[1] < 10


@pytest.mark.filterwarnings("error")
def test_the_legend_of_many_classes_fits(tmp_path):
    model = varied("star-shaped", classes=20)
    figure = interpolate(model, model.draw_latents(2, seed=0), frames=4).plot()
    figure.savefig(tmp_path / "figure.png")
    curves = figure.subfigs[1].axes[1]
    assert curves.get_legend().get_window_extent().y0 >= 0
    assert all(float(tick).is_integer() for tick in curves.get_xticks())


def test_the_cell_that_a_walk_goes_through_is_shown(star):
    way = walk(star, star.draw_latents(1, seed=0)[0], np.eye(8)[0], frames=31)
    labels = [text.get_text() for text in way.plot(4).subfigs[0].axes[0].get_xticklabels()]
    assert f"{way.keys[0]}*" in labels
