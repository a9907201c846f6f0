"""Cells that are gone on from: out of layers, and kept for other docks."""

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image

from napari_biogans.plugin.generation import DrawRequest, draw
from napari_biogans.plugin.key_cells import (
    KeyCell,
    KeyCellError,
    cell_in_slice,
    key_cells_of,
    latents_of,
    of_model,
    refusal,
)


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


def test_cells_whose_classes_have_greens_of_their_own(class_run):
    from napari_biogans import load_model

    run = class_run()
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


def cell(model, name="cell"):
    return KeyCell(name, np.zeros(4, np.float32), Path(model))


def test_a_run_and_its_model_file_are_one_model(tmp_path, monkeypatch):
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.safetensors").touch()
    (tmp_path / "link").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    names = (run, run / "model.safetensors", "run", "link", "run/../run/model.safetensors")
    cells = [cell(name) for name in names]
    for name in names:
        assert of_model(cells, Path(name)) == tuple(cells)
    assert of_model(cells, tmp_path) == of_model(cells, tmp_path / "model.safetensors") == ()


def test_refusals_name_the_models(tmp_path):
    (tmp_path / "star").mkdir()
    assert refusal([cell(tmp_path / "star")]) == "'cell' is of another model; choose 'star' to go on from there."
    others = [cell(tmp_path / "star"), cell("/models/joint.safetensors"), cell(tmp_path / "star")]
    assert refusal(others).startswith("3 cells are of another model; choose 'star' or 'models/joint.safetensors'")


def test_the_cell_that_is_seen():
    known = {"biogans": {"latents": np.arange(12).reshape(3, 4), "model": "run"}}
    stack = Image(np.zeros((3, 5, 5)), metadata=known, scale=(2, 0.1, 0.1), name="stack")
    assert cell_in_slice(stack, (2.0, 0, 0)).name == "stack [1]"
    assert cell_in_slice(stack, (7.0, 4.0, 0, 0)).name == "stack [2]"
    assert cell_in_slice(stack, (6.0, 0, 0)) is None, "beyond the last"
    assert cell_in_slice(Image(np.zeros((5, 5)), metadata=known), (0.0, 0, 0)) is None, "a contact sheet"
    assert cell_in_slice(Image(np.zeros((3, 5, 5))), (0.0, 0, 0)) is None


def test_a_cell_of_another_latent_size_is_refused_when_it_is_drawn(trained_run):
    run = trained_run()
    cells = tuple(KeyCell(f"cell of {size}", np.zeros(size, np.float32), run) for size in (4, 5))
    assert latents_of(cells[:1], 4).shape == (1, 4)
    with pytest.raises(KeyCellError, match="cell of 5 has another latent size than this model"):
        list(draw(DrawRequest(path=run, number=1, seed=0, cells=cells), lambda: False))
