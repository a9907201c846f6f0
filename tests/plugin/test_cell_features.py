"""What is known of single cells stays with them: in layers, in files, and in what models make of them."""

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image

from napari_biogans import CellSet, CellsWarning, cut_cells, read_cells, simulate_field, write_cells
from napari_biogans.plugin.cell_features import (
    CellOrigin,
    FieldRecord,
    features_of,
    fields_of,
    joined_origins,
    origins_of,
    with_features,
)
from napari_biogans.plugin.cell_records import with_records
from napari_biogans.plugin.generation import DrawRequest, draw
from napari_biogans.plugin.key_cells import key_cells_of
from napari_biogans.plugin.layer_data import cell_layers
from napari_biogans.plugin.own_layers import OwnLayers
from napari_biogans.plugin.sample_data import simulated_cells
from napari_biogans.plugin.saved_layers import cell_set_of
from napari_biogans.plugin.writer import write_cell_layers

RECORD = FieldRecord(
    "simulated", (400, 400), ("DNA", "protein"), (2,), (0.2, 0.2), (1.0, 2.0), ("micrometer", "micrometer"), 0.2
)


@pytest.fixture(scope="module")
def cut():
    field = simulate_field(12, shape=(400, 400), seed=3).field
    return cut_cells(field, normalisation="field", progress=False).cells


def layers_of(cells, fields=(RECORD,)):
    layers = with_records(cell_layers(cells), cells.class_names[0], cells.channel_names, cells.intensity_range)
    return with_features(layers, cells.features[0], fields)


def made(layers):
    return [Image(data, **keywords) for data, keywords, _ in layers]


@pytest.mark.parametrize("name", ["again.cells", "again.cells.npz"])
def test_features_go_from_field_to_layers_to_files_and_back(viewer, cut, tmp_path, name):
    for layer in made(layers_of(cut)):
        viewer.add_layer(layer)
    viewer.layers.save(str(tmp_path / name))
    (table,) = read_cells(tmp_path / name).features
    pd.testing.assert_frame_equal(table, cut.features[0])
    viewer.layers.clear()
    for layer in viewer.open(tmp_path / name, plugin="napari-biogans"):
        pd.testing.assert_frame_equal(features_of(layer), cut.features[0])
    viewer.layers.save(str(tmp_path / "third.cells"))
    pd.testing.assert_frame_equal(read_cells(tmp_path / "third.cells").features[0], cut.features[0])


def test_layers_of_cells_and_samples_have_the_features_of_the_set(cut, monkeypatch):
    from napari_biogans.plugin import sample_data

    monkeypatch.setattr(sample_data, "CELLS", 4)
    red, green = made(simulated_cells())
    assert features_of(red).equals(features_of(green))
    assert len(features_of(red)) == 4
    for layer in made(cell_layers(cut)):
        pd.testing.assert_frame_equal(features_of(layer), cut.features[0])


def test_fields_are_known_by_their_names(cut):
    for layer in made(layers_of(cut)):
        assert fields_of(layer) == {"simulated": RECORD}
    assert fields_of(made(cell_layers(cut))[0]) == {}


def test_a_table_of_other_cells_counts_as_none(cut):
    red, _ = made(layers_of(cut))
    red.data = red.data[:3]
    assert features_of(red) is None
    assert origins_of(red) == [None] * 3


@pytest.mark.parametrize("place", [0, 1])
def test_one_layer_with_features_is_enough(cut, place):
    layers = made(layers_of(cut))
    layers[place].metadata = {}
    pd.testing.assert_frame_equal(cell_set_of(layers, "cells").features[0], cut.features[0])


def test_layers_that_disagree_are_saved_without_features(cut, viewer, tmp_path, notes):
    layers = made(layers_of(cut))
    table = features_of(layers[1])
    layers[1].metadata = {**layers[1].metadata, "biogans features": table.assign(label=table["label"][::-1].to_numpy())}
    with pytest.warns(CellsWarning, match="different features"):
        (saved,) = cell_set_of(layers, "cells").features
    assert list(saved) == ["source", "index"]
    write_cell_layers(str(tmp_path / "x.cells"), [layer.as_layer_data_tuple() for layer in layers])
    assert [text for kind, text in notes if kind == "warning" and "different features" in text]
    assert list(read_cells(tmp_path / "x.cells").features[0]) == ["source", "index"]


def test_tables_of_others_are_saved_with_what_is_missing(pixels):
    layers = [Image(pixels[:, k], name=f"Tea1 {name}") for k, name in enumerate(("red", "green"))]
    layers[0].metadata = {"biogans features": pd.DataFrame({"age": np.arange(6.0)})}
    (table,) = cell_set_of(layers, "cells").features
    assert table["age"].tolist() == list(range(6))
    assert (table["source"][0], table["index"].tolist()) == ("Tea1 green", list(range(6)))


def test_each_class_keeps_its_own_table(pixels, viewer, tmp_path):
    tables = [pd.DataFrame({"source": name, "index": range(len(pixels))}) for name in ("one.tif", "two.tif")]
    write_cells(CellSet([pixels, pixels], ["Tea1", "Alp14"], features=tables), tmp_path / "set")
    viewer.open(tmp_path / "set", plugin="napari-biogans")
    viewer.layers.save(str(tmp_path / "again.cells"))
    again = read_cells(tmp_path / "again.cells")
    assert again.class_names == ("Tea1", "Alp14")
    for table, before in zip(again.features, tables, strict=True):
        pd.testing.assert_frame_equal(table, before, check_dtype=False)


def test_rows_of_several_tables_are_joined_in_the_order_of_the_cells():
    one, two = (pd.DataFrame({"y": [k, k + 1.0], "field": f"field {k}"}) for k in (0, 10))
    other = FieldRecord("other", (5, 5), (), (), (1, 1), (0, 0), ("pixel", "pixel"), None)
    origins = [CellOrigin(two, 1, (other,)), CellOrigin(one, 0, (RECORD,)), CellOrigin(two, 1, (other,))]
    table, fields = joined_origins(origins)
    assert table["y"].tolist() == [11, 0, 11]
    assert table["field"].tolist() == ["field 10", "field 0", "field 10"]
    assert {field.name for field in fields} == {"other", "simulated"}
    assert joined_origins([*origins, None]) == (None, ())
    assert joined_origins([]) == (None, ())


def rebuilt_layer(run, pixels, table):
    """What Reconstruct adds: cells with latents, and the features of the real ones."""
    latents = np.random.default_rng(0).normal(size=(len(pixels), 4)).astype(np.float32)
    metadata = {"biogans": {"latents": latents, "model": str(run), "class": "Tea1"}}
    layer = (pixels[:, 0], {"name": "rebuilt red", "metadata": metadata}, "image")
    (known,) = made(with_features([layer], table, [RECORD]))
    return known


@pytest.mark.parametrize(("one_red", "number"), [(False, 1), (True, 3)])
def test_what_is_drawn_for_a_real_cell_has_its_features(class_run, pixels, one_red, number):
    run = class_run()
    table = pd.DataFrame({"y": np.arange(6.0), "field": "simulated"})
    cells = tuple(key_cells_of(rebuilt_layer(run, pixels, table)))
    drawing = draw(DrawRequest(run, number, seed=0, one_red=one_red, cells=cells[2:4]), lambda: False)
    while True:
        try:
            next(drawing)
        except StopIteration as end:
            drawn = end.value
            break
    layers = made(drawn.layers(as_sheet=False))
    assert len(layers) == 4
    for layer in layers:
        assert features_of(layer)["y"].tolist() == [2.0] * number + [3.0] * number
        assert fields_of(layer) == {"simulated": RECORD}
        assert origins_of(layer)[-1].row == 2 * number - 1
    assert not any("biogans features" in layer.metadata for layer in made(drawn.layers(as_sheet=True)))


def test_new_pixels_bring_their_own_features(viewer, cut):
    own = OwnLayers(viewer)
    own.add(layers_of(cut))
    own.layers[0].metadata["mine"] = 1
    fewer = cut.subset(indices=[[4, 2]])
    own.replace(layers_of(fewer))
    pd.testing.assert_frame_equal(features_of(own.layers[0]), fewer.features[0])
    own.replace([(data, {**keywords, "metadata": {"biogans": {}}}, kind) for data, keywords, kind in layers_of(fewer)])
    assert features_of(own.layers[0]) is None
    assert fields_of(own.layers[0]) == {}
    assert own.layers[0].metadata["mine"] == 1
