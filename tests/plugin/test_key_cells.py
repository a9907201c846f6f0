"""Cells that are gone on from: out of layers, and kept for other docks."""

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image

from napari_biogans.plugin.generation import DrawRequest, draw
from napari_biogans.plugin.key_cells import KeyCell, key_cells_of


def drawn_layers(run, **request):
    drawing = draw(DrawRequest(path=run, number=3, seed=0, **request), lambda: False)
    try:
        while True:
            next(drawing)
    except StopIteration as end:
        return [Image(data, **keywords) for data, keywords, _ in end.value.layers(as_sheet=False)]


def test_cells_of_a_layer_are_drawn_from_their_latents(trained_run):
    from napari_biogans import load_model

    run = trained_run()
    _, green = drawn_layers(run)
    cells = key_cells_of(green)
    assert [cell.name for cell in cells] == ["green [0]", "green [1]", "green [2]"]
    assert {cell.model for cell in cells} == {run}
    assert {cell.class_name for cell in cells} == {"Tea1"}
    again = load_model(run).generate(latents=np.stack([cell.latent for cell in cells]))
    np.testing.assert_array_equal(again[0, :, 1], green.data)


def test_cells_whose_classes_have_greens_of_their_own(tmp_path, pixels):
    from napari_biogans import CellSet, load_model
    from napari_biogans import train as train_model

    from .conftest import TINY

    cells = CellSet([pixels, pixels], ["Alp14", "Tea1"])
    run = tmp_path / "star"
    train_model(cells, run, progress=False, **{**TINY, "steps": 1, "architecture": "star-shaped"})
    green = next(layer for layer in drawn_layers(run, own_greens=True, classes=("Tea1",)) if "green" in layer.name)
    latents = np.stack([cell.latent for cell in key_cells_of(green)])
    again = load_model(run).generate(latents=latents, classes=["Tea1"])
    np.testing.assert_array_equal(again[0, :, 1], green.data)


@pytest.mark.parametrize("metadata", [{}, {"biogans": {}}, {"biogans": {"latents": None}}, {"biogans": "mine"}])
def test_other_layers_have_none(metadata):
    assert key_cells_of(Image(np.zeros((3, 4, 4)), metadata=metadata)) == []


def test_kept_cells_are_told_to_all(fresh_session):
    first, second = (KeyCell(name, np.zeros(4, np.float32), Path("model")) for name in ("first", "second"))
    heard = []
    fresh_session.cells_changed.connect(heard.append)
    fresh_session.keep(first)
    fresh_session.keep(second)
    fresh_session.forget(first)
    assert heard == [(first,), (first, second), (second,)]
    assert fresh_session.kept_cells == (second,)
