"""Layers become a cell set, or it is said why not."""

import dask.array
import numpy as np
import pytest
from napari.layers import Image

from napari_biogans.cells import CellsError, CellsWarning
from napari_biogans.plugin.cell_layers import ClassLayers, LayerImages, channel_axes, check_layers, read_layers

RED = np.random.default_rng(1).integers(0, 255, (5, 12, 16), dtype=np.uint8)
GREEN = 255 - RED


def images(data, **keywords):
    return LayerImages.of(Image(data, **{"name": "some", "rgb": False, **keywords}))


def pair(red=RED, green=GREEN, name="Tea1", **keywords):
    return ClassLayers(name, images(red, **{**keywords, "name": "a"}), images(green, **{**keywords, "name": "b"}))


def test_a_red_and_a_green_layer():
    cells = read_layers([pair(), pair(RED[:2], GREEN[:2], name="Alp14")])
    assert cells.class_names == ("Tea1", "Alp14")
    assert cells.counts == (5, 2)
    assert cells.pixel_size is None
    np.testing.assert_array_equal(cells.images[0][:, 0], RED)
    np.testing.assert_array_equal(cells.images[1][:, 1], GREEN[:2])


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_one_layer_with_a_channel_axis(axis):
    both = np.stack([RED, GREEN, RED], axis)
    (cells,) = read_layers([ClassLayers("Tea1", images(both), channel_axis=axis)]).images
    np.testing.assert_array_equal(cells, np.stack([RED, GREEN], axis=1))


@pytest.mark.parametrize(
    ("shape", "labels", "axes"),
    [
        ((5, 2, 12, 16), ("t", "a", "y", "x"), [1]),
        ((2, 2, 12, 16), ("t", "a", "y", "x"), [0, 1]),
        ((2, 2, 12, 16), ("t", "C", "y", "x"), [1]),
        ((5, 12, 16, 2), ("t", "y", "x", "channel"), [3]),
        ((5, 9, 12, 16), ("t", "c", "y", "x"), [1]),
        ((5, 9, 12, 16), ("t", "z", "y", "x"), []),
        ((2, 12, 16), ("c", "y", "x"), []),
    ],
)
def test_axes_that_may_hold_channels(shape, labels, axes):
    assert channel_axes(shape, labels) == axes


@pytest.mark.parametrize(
    ("scale", "units", "size"),
    [
        ((1, 1, 1), None, None),
        ((1, 0.2, 0.2), None, 0.2),
        ((1, 1, 1), ("pixel", "um", "um"), 1),
        ((1, 65, 65), ("pixel", "nm", "nm"), 0.065),
        ((1, 0.2, 0.2), ("pixel", "second", "second"), None),
    ],
)
def test_pixel_size_is_the_scale(scale, units, size):
    assert read_layers([pair(scale=scale, units=units)]).pixel_size == size


def test_pixels_that_are_not_square_have_no_one_size():
    with pytest.warns(CellsWarning, match="0.2 µm high and 0.3 µm wide"):
        assert read_layers([pair(scale=(1, 0.2, 0.3))]).pixel_size is None


def test_layers_of_different_scales_are_refused():
    red, green = images(RED, name="a", scale=(1, 0.2, 0.2)), images(GREEN, name="b", scale=(1, 0.3, 0.3))
    with pytest.raises(CellsError, match=r"A pixel of layer 'a' is 0\.2 µm wide, but one of 'b' 0\.3 µm"):
        read_layers([ClassLayers("x", red, green)])


def test_awkward_sizes_are_brought_to_a_good_one_with_a_warning():
    wider = [np.pad(stack, ((0, 0), (0, 0), (1, 0))) for stack in (RED, GREEN)]
    narrower = [stack[..., 1:] for stack in (RED, GREEN)]
    with pytest.warns(CellsWarning, match="Cells of 12x17, 12x15 pixels are centre-padded or cropped to 12x16"):
        cells = read_layers([pair(*wider), pair(*narrower, name="Alp14")])
    assert cells.size == (12, 16)


def test_pixels_that_are_computed_on_demand():
    cells = read_layers([pair(dask.array.from_array(RED), dask.array.from_array(GREEN))])
    np.testing.assert_array_equal(cells.images[0][:, 0], RED)


@pytest.mark.parametrize(
    ("each", "message"),
    [
        (pair(RED[0], GREEN[0]), "Layer 'a' has 2 axes .* three: cell, row, column"),
        (pair(RED, GREEN[:3]), "Red layer 'a' is 5×12×16, green layer 'b' 3×12×16"),
        (pair(RED, GREEN.astype(np.uint16)), "of type uint8, green layer 'b' of type uint16; convert"),
        (
            pair(np.stack([RED, RED], 1), GREEN),
            "Layer 'a' has 4 axes .* choose the layer as red and 'same layer' as green",
        ),
        (ClassLayers("x", images(RED, name="a")), "Choose the layer that holds green for 'a'"),
        (
            ClassLayers("x", images(np.zeros((5, 12, 16, 3), np.uint8), name="a", rgb=True), images(GREEN)),
            "'a' holds coloured",
        ),
        (
            ClassLayers("x", images([RED, RED[:, ::2, ::2]], name="a", multiscale=True), images(GREEN)),
            "'a' is multiscale",
        ),
    ],
)
def test_layers_that_cannot_be_cells_are_refused_without_reading_them(each, message):
    with pytest.raises(CellsError, match=message):
        check_layers([each])


def test_classes_need_names_of_their_own():
    with pytest.raises(CellsError, match="Two classes are called 'Tea1'"):
        check_layers([pair(), pair()])


def test_classes_need_the_same_type():
    with pytest.raises(CellsError, match="'a' is of type uint8, 'a' of type uint16"):
        check_layers([pair(), pair(RED.astype(np.uint16), GREEN.astype(np.uint16), name="Alp14")])


@pytest.mark.parametrize("kind", [bool, np.int32])
def test_types_that_cells_cannot_have_are_refused(kind):
    with pytest.raises(CellsError, match="save them as 8-bit or 16-bit unsigned integers or as floats"):
        read_layers([pair(RED.astype(kind), GREEN.astype(kind))])
