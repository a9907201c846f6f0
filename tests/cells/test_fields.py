"""Fields are found in files of all kinds, paired rightly or refused, and given their class."""

import glob
import re
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from napari_biogans.cells import (
    CellsError,
    CellsWarning,
    class_table,
    cut_cells,
    read_cells,
    read_fields,
    simulate_field,
)
from napari_biogans.cells.tiles import PackedLabels

SHAPE = (40, 50)


def plane(number, dtype=np.uint16):
    return np.random.default_rng(number).integers(0, 200, SHAPE).astype(dtype)


def whole(array):
    return array[:, :]


def test_folders_patterns_and_lists_pair_by_name(tmp_path):
    for k in range(12):
        tifffile.imwrite(tmp_path / f"Channel1-{k}-A.tif", plane(k))
        tifffile.imwrite(tmp_path / f"Channel2-{k}-A.tif", plane(100 + k))
    (tmp_path / "notes.txt").write_text("")
    by_pattern = read_fields(str(tmp_path / "Channel2-*.tif"), str(tmp_path / "Channel1-*.tif"))
    assert [field.name for field in by_pattern] == [f"Channel2-{k}-A" for k in range(12)]
    for k, field in enumerate(by_pattern):
        assert np.array_equal(whole(field.red), plane(100 + k))
        assert np.array_equal(whole(field.green), plane(k))
        assert field.source == str(tmp_path / f"Channel2-{k}-A.tif")
    listed = read_fields([tmp_path / "Channel2-3-A.tif"], [tmp_path / "Channel1-5-A.tif"])
    assert np.array_equal(whole(listed[0].green), plane(5))
    for channel in (1, 2):
        folder = tmp_path / str(channel)
        folder.mkdir()
        for k in range(3):
            (tmp_path / f"Channel{channel}-{k}-A.tif").rename(folder / f"{k}.tif")
    by_folder = read_fields(tmp_path / "2", tmp_path / "1", classes="folder")
    assert [np.array_equal(whole(field.green), plane(k)) for k, field in enumerate(by_folder)] == [True] * 3
    assert {field.class_name for field in by_folder} == {"2"}


def test_what_does_not_pair_is_refused(tmp_path):
    for name in ("a-1", "a-2", "b-1", "b-3"):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane(0))
    with pytest.raises(CellsError, match=r"not clear which green .* a-2 with b-3"):
        read_fields(str(tmp_path / "a-*.tif"), str(tmp_path / "b-*.tif"))
    with pytest.raises(CellsError, match="2 images of red and 1 of green"):
        read_fields(str(tmp_path / "a-*.tif"), tmp_path / "b-1.tif")
    with pytest.raises(CellsError, match="nothing at"):
        read_fields(str(tmp_path / "c-*.tif"), str(tmp_path / "b-*.tif"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CellsError, match="no images"):
        read_fields(tmp_path / "empty", tmp_path / "empty")
    with pytest.raises(CellsError, match="a path, an array"):
        read_fields(3, 4)
    (tmp_path / "broken.tif").write_bytes(b"II*\0nothing")
    with pytest.raises(CellsError, match="damaged"):
        read_fields(tmp_path / "broken.tif", tmp_path / "a-1.tif")


@pytest.mark.parametrize(
    ("red", "green"),
    [
        ("red-02", "green-04"),
        ("Channel2-02-A-02", "Channel1-04-A-04"),
        ("Channel2-A-02", "Channel1-B-02"),
        ("red_A01", "green_B02"),
        ("sample1_red", "sample2_green"),
    ],
)
@pytest.mark.parametrize("by_pattern", [True, False])
def test_a_single_pair_that_seems_to_be_of_two_fields_is_warned_of(red, green, by_pattern, tmp_path):
    for name in (red, green):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane(0))
    given = [tmp_path / f"{name}.{'t*f' if by_pattern else 'tif'}" for name in (red, green)]
    with pytest.warns(CellsWarning, match=rf"{red}\.tif and {green}\.tif .* of the same field\?"):
        fields = read_fields(*given)
    assert len(fields) == 1
    # Who lists them has decided.
    assert len(read_fields([tmp_path / f"{red}.tif"], [tmp_path / f"{green}.tif"])) == 1


@pytest.mark.parametrize(
    ("red", "green"),
    [
        ("Channel2-02-A-02", "Channel1-02-A-02"),
        ("red-02", "green-02"),
        ("red02", "green02"),
        ("plate_w1DAPI_s3", "plate_w2GFP_s3"),
        ("red", "green"),
        ("nuclei-dapi-raw", "protein-gfp-raw"),
        ("field_1", "field_1_c2"),
    ],
)
def test_a_single_pair_that_differs_in_its_channel_is_taken_silently(red, green, tmp_path):
    for name in (red, green):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane(0))
    assert len(read_fields(tmp_path / f"{red}.tif", tmp_path / f"{green}.tif")) == 1


@pytest.mark.parametrize("shape", [(40, 50, 3), (40, 50, 4), (2, 40, 50, 3), (40, 50, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_arrays_with_channels_last_are_refused(shape, dtype, tmp_path):
    picture = np.zeros(shape, dtype)
    np.save(tmp_path / "picture.npy", picture)
    for given in (picture, tmp_path / "picture.npy"):
        with pytest.raises(CellsError, match=r"channels last, as RGB pictures do; .* array\[\.\.\., 0\]"):
            read_fields(given, given)
    assert len(read_fields(picture[..., 0], picture[..., 1])) == int(np.prod(shape[:-3]))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.float32])
def test_series_of_times_are_fields(compression, dtype, tmp_path):
    stacks = [np.stack([plane(10 * c + t) for t in range(4)]).astype(dtype) for c in range(2)]
    for stack, name in zip(stacks, ("red", "green"), strict=True):
        metadata = {"axes": "TYX"}
        tifffile.imwrite(
            tmp_path / f"{name}.tif", stack, photometric="minisblack", metadata=metadata, compression=compression
        )
    fields = read_fields(tmp_path / "red.tif", tmp_path / "green.tif", labels=np.ones((4, *SHAPE), np.uint8))
    assert [(field.name, field.index) for field in fields] == [(f"red[{t}]", t) for t in range(4)]
    for t, field in enumerate(fields):
        assert np.array_equal(field.red[3:30, 5:9], stacks[0][t, 3:30, 5:9])
        assert np.array_equal(whole(field.green), stacks[1][t])
        assert whole(field.labels).all()


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("kind", ["imagej", "ome", "rgb"])
def test_files_with_both_channels(kind, compression, tmp_path):
    if kind == "imagej" and compression:
        pytest.skip("ImageJ's own format is written without compression")
    path = tmp_path / ("movie.ome.tif" if kind == "ome" else "movie.tif")
    movie = np.stack([[plane(10 * c + t) for c in range(3)] for t in range(2)])
    if kind == "imagej":
        metadata = {"axes": "TCYX", "unit": "um"}
        tifffile.imwrite(path, movie, imagej=True, resolution=(1 / 0.25, 1 / 0.25), metadata=metadata)
    elif kind == "ome":
        sizes = {"PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 250, "PhysicalSizeYUnit": "nm"}
        tifffile.imwrite(path, movie, ome=True, compression=compression, metadata={"axes": "TCYX", **sizes})
    else:
        movie = movie[:1].astype(np.uint8)
        tifffile.imwrite(path, movie[0].transpose(1, 2, 0), photometric="rgb", compression=compression)
    fields = read_fields(path, channels=(2, 0))
    assert len(fields) == len(movie)
    for t, field in enumerate(fields):
        assert np.array_equal(whole(field.red), movie[t, 2])
        assert np.array_equal(field.green[10:20, :7], movie[t, 0, 10:20, :7])
        assert field.pixel_size == (None if kind == "rgb" else pytest.approx(0.25))
    with pytest.raises(CellsError, match="channels 0 to 2"):
        read_fields(path, channels=(0, 3))
    with pytest.raises(CellsError, match="channel axis"):
        read_fields(path, path)


def test_png_npy_and_pixel_size(tmp_path):
    iio.imwrite(tmp_path / "red.png", plane(1, np.uint8))
    np.save(tmp_path / "green.npy", plane(2, np.uint8))
    (field,) = read_fields(tmp_path / "red.png", tmp_path / "green.npy", pixel_size=0.3)
    assert np.array_equal(whole(field.red), plane(1, np.uint8))
    assert np.array_equal(whole(field.green), plane(2, np.uint8))
    assert field.pixel_size == 0.3
    with pytest.raises(CellsError, match="one channel"):
        read_fields(tmp_path / "red.png")


@pytest.mark.parametrize("channels", [3, "01", (0, 0), (0,), (0, 1, 2), (-1, 0), (0.0, 1.0), None])
def test_channels_that_make_no_sense_are_refused_before_files_are_looked_for(channels):
    with pytest.raises(CellsError, match=r"numbers of two different ones, .* such as \(0, 1\), not .*"):
        read_fields("nowhere.tif", channels=channels)


@pytest.mark.parametrize("pixel_size", ["a", "0.3", 0, -1, np.nan, np.inf, True, (1, 1)])
def test_pixel_sizes_that_make_no_sense_are_refused_before_files_are_looked_for(pixel_size):
    with pytest.raises(CellsError, match=r"a positive number of µm, such as 0\.32, not .*"):
        read_fields("nowhere.tif", pixel_size=pixel_size)


def test_numbers_of_numpy_are_taken():
    both = plane(0)
    (field,) = read_fields(both, both, channels=(np.int64(1), np.int8(0)), pixel_size=np.float32(0.5))
    assert field.pixel_size == 0.5


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((2, 40, 50), "read_fields(array[0], array[1])"),
        ((9, 40, 50), "read_fields(array[0], array[1])"),
        ((9, 2, 40, 50), "read_fields(array[:, 0], array[:, 1])"),
        ((2, 9, 40, 50), "read_fields(array[0], array[1])"),
        ((7, 9, 40, 50), "read_fields(array[:, 0], array[:, 1])"),
        ((40, 50), "read_fields(red, green)"),
    ],
)
def test_of_an_array_that_may_hold_both_channels_it_is_told_how_to_give_them(shape, advice):
    with pytest.raises(CellsError, match=rf"^An array of shape .* has one channel.*, such as {re.escape(advice)}\.$"):
        read_fields(np.zeros(shape, np.uint8))


def test_stacks_in_depth_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "depth.tif", np.stack([plane(0)] * 3), imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(CellsError, match="project it first"):
        read_fields(tmp_path / "depth.tif", tmp_path / "depth.tif")


def test_zarr_without_its_package_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    (tmp_path / "field.zarr").mkdir()
    with pytest.raises(CellsError, match="pip install zarr"):
        read_fields(tmp_path / "field.zarr")


def ome_zarr(path, attributes, zarr_format=3):
    zarr = pytest.importorskip("zarr", reason="OME-Zarr is read where the package zarr is installed")
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    group.create_array("0", data=np.stack([[plane(0), plane(1)]]))
    group.attrs.update(attributes)


def an_image(changes, **more):
    axes = [{"name": "t"}, {"name": "c"}, *({"name": n, "unit": "micrometer"} for n in "yx")]
    return {"multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": changes}], **more}]}


HALF = {"type": "scale", "scale": [1, 1, 0.5, 0.5]}


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_ome_zarr(tmp_path, zarr_format):
    image = an_image([HALF])
    ome_zarr(tmp_path / "field.zarr", image if zarr_format == 2 else {"ome": image}, zarr_format)
    (field,) = read_fields(tmp_path / "field.zarr")
    assert field.name == "field"
    assert np.array_equal(whole(field.red), plane(0))
    assert np.array_equal(field.green[3:9, 4:8], plane(1)[3:9, 4:8])
    assert field.pixel_size == 0.5


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (an_image([HALF], coordinateTransformations=[{"type": "scale", "scale": [1, 1, 3, 3]}]), 1.5),
        (an_image([{"type": "translation", "translation": [0, 0, 7, 7]}]), None),
        (an_image([{"type": "translation", "translation": [0, 0, 7, 7]}, HALF]), 0.5),
        (an_image([HALF], axes=["t", "c", "y", "x"]), None),
        ({"multiscales": [{"axes": list("tcyx"), "datasets": [{"path": "0"}]}]}, None),
    ],
    ids=["of the level and the image", "moved only", "moved and scaled", "no units", "no scale"],
)
def test_pixel_size_of_ome_zarr(tmp_path, image, size):
    ome_zarr(tmp_path / "field.zarr", image)
    (field,) = read_fields(tmp_path / "field.zarr")
    assert field.pixel_size == size


def wells(path, *places):
    """Make a plate with an image at each of some places."""
    zarr = pytest.importorskip("zarr")
    zarr.open_group(str(path), mode="w")
    for place in places:
        for above in list(Path(place).parents)[-2::-1]:
            zarr.open_group(str(path / above), mode="a")
        ome_zarr(path / place, an_image([HALF]))


def refusal(path):
    with pytest.raises(CellsError) as refused:
        read_fields(path)
    return str(refused.value)


def test_a_plate_is_read_by_the_pattern_that_its_refusal_gives(tmp_path):
    plate = tmp_path / "a [1]" / "plate.zarr"
    wells(plate, "B/2/0", "B/10/0", "B/10/1", "A/3/0")
    for given, depth, place in ((plate, 3, "A/3/0"), (plate / "B", 2, "B/2/0"), (plate / "B" / "10", 1, "B/10/0")):
        pattern = Path(glob.escape(str(given)), *"*" * depth)
        assert refusal(given) == (
            f"{given} is a Zarr group, but no OME-Zarr image. Give an image in it, such as {plate / place}, or the "
            f"pattern {pattern} for all (in quotes, in a shell)."
        )
    fields = read_fields(Path(glob.escape(str(plate)), "*", "*", "*"), classes=lambda field: field.name.split("/")[1])
    assert [field.name for field in fields] == [f"plate/{place}" for place in ("A/3/0", "B/2/0", "B/10/0", "B/10/1")]
    assert [field.class_name for field in fields] == [*"ABBB"]
    assert np.array_equal(whole(fields[3].green), plane(1))
    assert len(read_fields(Path(glob.escape(str(plate)), "B", "*", "0"))) == 2
    assert refusal(plate / "A") == (
        f"{plate / 'A'} is a Zarr group, but no OME-Zarr image. Give the image in it: {plate / 'A' / '3' / '0'}."
    )


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_series_beside_its_metadata_is_read_by_a_pattern(tmp_path, zarr_format):
    zarr = pytest.importorskip("zarr")
    series = tmp_path / "series.zarr"
    zarr.open_group(str(series), mode="w", zarr_format=zarr_format)
    zarr.open_group(str(series / "OME"), mode="w", zarr_format=zarr_format).attrs["series"] = ["0"]
    (series / "OME" / "METADATA.ome.xml").write_text("<OME/>")
    image = an_image([HALF]) if zarr_format == 2 else {"ome": an_image([HALF])}
    ome_zarr(series / "0", image, zarr_format)
    assert refusal(series).endswith(f" Give the image in it: {series / '0'}.")
    ome_zarr(series / "1", image, zarr_format)
    assert f"such as {series / '0'}, or the pattern {series / '*'} for all" in refusal(series)
    assert [field.name for field in read_fields(series / "*")] == ["series/0", "series/1"]


def test_rows_of_a_plate_may_lack_their_marker(tmp_path):
    wells(tmp_path / "plate.zarr", "A/1/0")
    for marker in ("zarr.json", ".zgroup", ".zattrs"):
        (tmp_path / "plate.zarr" / "A" / marker).unlink(missing_ok=True)
    image = tmp_path / "plate.zarr" / "A" / "1" / "0"
    assert refusal(tmp_path / "plate.zarr").endswith(f"Give the image in it: {image}.")
    assert [field.name for field in read_fields(image)] == ["plate/A/1/0"]


def test_arrays_in_a_zarr_group_are_named_where_there_is_no_image(tmp_path):
    path = tmp_path / "group.zarr"
    group = pytest.importorskip("zarr").open_group(str(path), mode="w")
    assert refusal(path).endswith("There is none in the folders in it, either.")
    for channel, number in (("red", 0), ("green", 1)):
        group.create_array(channel, data=plane(number))
    assert refusal(path).endswith(f"Give an array in it, such as {path / 'green'}.")
    (field,) = read_fields(path / "red", path / "green")
    assert np.array_equal(whole(field.red), plane(0))
    assert "has one channel" in refusal(path / "red")


def test_what_lies_in_stores_is_not_read_besides_them(tmp_path):
    (tmp_path / "raw").mkdir()
    ome_zarr(tmp_path / "raw" / "image.zarr", an_image([HALF]))
    assert [field.name for field in read_fields(tmp_path / "raw" / "**")] == ["image"]


def test_fields_in_zarr_stores_are_named_by_their_way_in_them(tmp_path, monkeypatch):
    wells(tmp_path / "plate.ome.zarr", "A/1/0", "A/2/0")
    (field,) = read_fields(tmp_path / "plate.ome.zarr" / "A" / "2" / "0")
    assert field.name == "plate/A/2/0"
    given = [tmp_path / "plate.ome.zarr" / "A" / column / "0" for column in "21"]
    assert [field.name for field in read_fields(given)] == ["plate/A/2/0", "plate/A/1/0"]
    assert [field.class_name for field in read_fields(given, classes={"plate/A/1/0": "b", "plate/A/2/0": "a"})] == [
        *"ab"
    ]
    (tmp_path / "plate.csv").write_text("Row,Column,Dose\nA,01,none\nA,02,high\n")
    (tmp_path / "fields.csv").write_text("field,class\nplate/A/1/0,none\nplate/A/2/0,high\n")
    for table in (
        class_table(tmp_path / "plate.csv", column="Dose", pattern=r"(?P<Row>\w)[/\\](?P<Column>\d+)[/\\]0$"),
        class_table(tmp_path / "fields.csv"),
    ):
        assert [field.class_name for field in read_fields(given, classes=table)] == ["high", "none"]
    monkeypatch.chdir(tmp_path / "plate.ome.zarr" / "A")
    assert [field.name for field in read_fields("2/0")] == ["plate/A/2/0"]


def test_names_go_up_until_they_differ(tmp_path):
    for plate in "PQ":
        wells(tmp_path / f"{plate}.zarr", "A/1/0")
        wells(tmp_path / plate / "plate.zarr", "A/1/0")
        for column in "12":
            (tmp_path / plate / "A" / column).mkdir(parents=True)
            tifffile.imwrite(tmp_path / plate / "A" / column / "0.tif", np.zeros((2, 40, 50), np.uint8))

    def names(*given, green=None):
        return [field.name for field in read_fields(list(given), green)]

    assert names(*(tmp_path / f"{plate}.zarr" / "A" / "1" / "0" for plate in "PQ")) == ["P/A/1/0", "Q/A/1/0"]
    of_plates = [tmp_path / plate / "plate.zarr" / "A" / "1" / "0" for plate in "PQ"]
    assert names(*of_plates) == ["P/plate/A/1/0", "Q/plate/A/1/0"]
    pictures = [tmp_path / plate / "A" / column / "0.tif" for plate, column in ("P1", "Q1", "P2")]
    stacks = [f"{place}[{t}]" for place in ("P/A/1/0", "Q/A/1/0", "P/A/2/0") for t in (0, 1)]
    assert names(*pictures, green=pictures) == stacks
    assert names(pictures[0], pictures[2], green=[pictures[0], pictures[2]])[::2] == ["1/0[0]", "2/0[0]"]
    with pytest.raises(CellsError, match=r"P.A.1.0\.tif is given twice; give every image once"):
        names(*pictures, pictures[0], green=[*pictures, pictures[0]])


def test_an_array_keeps_its_name_beside_files_of_the_same(tmp_path):
    tifffile.imwrite(tmp_path / "field.tif", plane(0))
    given = [plane(0), tmp_path / "field.tif"]
    assert [field.name for field in read_fields(given, given)] == ["field", f"{tmp_path.name}/field"]


def test_fields_in_zarr_stores_pair_by_their_way_in_them(tmp_path):
    places = ("A/1/0", "A/2/0", "B/10/0")
    for channel in ("red", "green"):
        for place in places:
            named_array(tmp_path / f"{channel}.zarr" / place, ("y", "x"), plane(len(channel)))
    red, green = ([tmp_path / f"{channel}.zarr" / place for place in places] for channel in ("red", "green"))
    assert [field.name for field in read_fields(red, green)] == [f"red/{place}" for place in places]
    assert len(read_fields(red[0], green[0])) == 1
    with pytest.warns(CellsWarning, match=r"red/A/1/0 and green/A/2/0 .* of the same field\?"):
        read_fields(red[0], green[1])


def test_cells_of_fields_in_zarr_stores_are_written_and_read(tmp_path):
    simulated = simulate_field(20, shape=(500, 600), seed=0).field
    zarr = pytest.importorskip("zarr")
    both = np.stack([simulated.red, simulated.green])
    places = ("A/1/0", "A/2/0")
    for place in places:
        zarr.create_array(str(tmp_path / "P.zarr" / place), data=both, dimension_names=("c", "y", "x"))
    fields = read_fields([tmp_path / "P.zarr" / place for place in places], classes=lambda field: field.name)
    cut = cut_cells(fields, progress=False)
    cut.save(tmp_path / "cells")
    assert not any(path.is_dir() for path in (tmp_path / "cells").iterdir())
    back = read_cells(tmp_path / "cells")
    assert sorted(back.class_names) == [f"P/{place}" for place in places]
    assert set(back.features[0]["field"]) == {back.class_names[0]}


def named_array(path, names, data):
    zarr = pytest.importorskip("zarr")
    zarr.create_array(str(path), data=data, dimension_names=names, zarr_format=3)


@pytest.mark.parametrize("names", [("c", "y", "x"), ("Channel", "Y", "X")])
def test_named_axes_of_zarr_arrays_are_those_of_fields(names, tmp_path):
    named_array(tmp_path / "field.zarr", names, np.stack([plane(0), plane(1), plane(2)]))
    (field,) = read_fields(tmp_path / "field.zarr", channels=(2, 0))
    assert np.array_equal(whole(field.red), plane(2))
    assert np.array_equal(whole(field.green), plane(0))


@pytest.mark.parametrize("names", [("cell", "y", "x"), (None, "y", "x"), ("c", "rows", "columns"), None])
def test_zarr_arrays_whose_axes_have_no_such_names_are_series_of_fields(names, tmp_path):
    named_array(tmp_path / "field.zarr", names, np.stack([plane(0), plane(1)]))
    fields = read_fields(tmp_path / "field.zarr", tmp_path / "field.zarr")
    assert [field.name for field in fields] == ["field[0]", "field[1]"]
    assert np.array_equal(whole(fields[1].red), plane(1))


def test_the_type_of_an_axis_tells_which_counts_channels(tmp_path):
    axes = [{"name": "t"}, {"name": "stain", "type": "channel"}, {"name": "y"}, {"name": "x"}]
    ome_zarr(tmp_path / "field.zarr", an_image([HALF], axes=axes))
    (field,) = read_fields(tmp_path / "field.zarr")
    assert np.array_equal(whole(field.green), plane(1))


def test_a_channel_axis_of_one_is_none(tmp_path):
    for channel, number in (("red", 1), ("green", 2), ("labels", 3)):
        named_array(tmp_path / f"{channel}.zarr", ("t", "c", "y", "x"), plane(number)[None, None])
    red, green, labels = (tmp_path / f"{name}.zarr" for name in ("red", "green", "labels"))
    (field,) = read_fields(red, green, labels)
    assert [np.array_equal(whole(field.red), plane(1)), np.array_equal(whole(field.green), plane(2))] == [True, True]
    assert np.array_equal(whole(field.labels), plane(3))
    assert "has one channel (axes TCYX" in refusal(red)


def test_labels_within_images_of_a_plate_go_with_these(tmp_path):
    places = ("A/1/0", "A/12/0", "B/2/0")
    wells(tmp_path / "plate.zarr", *places)
    for number, place in enumerate(places):
        named_array(tmp_path / "plate.zarr" / place / "labels" / "nuclei", ("y", "x"), plane(number))
    images = tmp_path / "plate.zarr" / "*" / "*" / "*"
    fields = read_fields(images, labels=images / "labels" / "nuclei")
    assert [field.name for field in fields] == [f"plate/{place}" for place in places]
    assert [np.array_equal(whole(field.labels), plane(number)) for number, field in enumerate(fields)] == [True] * 3


def test_depth_and_columns_before_rows_in_zarr_arrays_are_refused(tmp_path):
    for names, message in ((("z", "y", "x"), "project it first"), (("c", "x", "y"), "rows \\(Y\\) before columns")):
        named_array(tmp_path / f"{names[0]}.zarr", names, np.stack([plane(0), plane(1)]))
        with pytest.raises(CellsError, match=message):
            read_fields(tmp_path / f"{names[0]}.zarr")


def test_the_finest_level_is_read_wherever_it_is_listed(tmp_path):
    image = an_image([{"type": "scale", "scale": [1, 1, 2, 2]}])
    image["multiscales"][0]["datasets"].append({"path": "1", "coordinateTransformations": [HALF]})
    ome_zarr(tmp_path / "field.zarr", image)
    group = pytest.importorskip("zarr").open_group(str(tmp_path / "field.zarr"), mode="a")
    finer = np.stack([[plane(number).repeat(4, axis=0).repeat(4, axis=1) for number in (0, 1)]])
    group.create_array("1", data=finer)
    (field,) = read_fields(tmp_path / "field.zarr")
    assert field.shape == (4 * SHAPE[0], 4 * SHAPE[1])
    assert np.array_equal(whole(field.green), finer[0, 1])
    assert field.pixel_size == 0.5


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ({"multiscales": {"axes": "x"}}, ""),
        ({"multiscales": [{"axes": list("tcyx")}]}, ""),
        ({"multiscales": [{"datasets": []}]}, "list no array"),
        ({"multiscales": [{"datasets": [{"path": "9"}]}]}, "they list 9, which is no array in it"),
        ({"multiscales": [{"datasets": [{"path": "0"}, {"path": 1}]}]}, "they list 1, which is no array in it"),
        ({"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "0"}]}]}, "they name 2 axes of an array .* 4:"),
        ({"multiscales": [{"axes": [{"unit": "micrometer"}] * 4, "datasets": [{"path": "0"}]}]}, ""),
        ({"multiscales": [{"axes": ["t", 3, "y", "x"], "datasets": [{"path": "0"}]}]}, ""),
        (an_image([{"type": "scale", "scale": [1]}]), ""),
        (an_image([{"type": "scale", "scale": [1, 1, "a", "a"]}]), ""),
        (an_image([{"type": "scale"}]), ""),
        (an_image(["scale"]), ""),
        ({"ome": "0.5"}, ""),
    ],
)
def test_broken_metadata_of_zarr_are_refused(tmp_path, broken, found):
    ome_zarr(tmp_path / "field.zarr", broken)
    with pytest.raises(
        CellsError,
        match=rf"field\.zarr \(multiscales\) are not as the format has them{found and ': '}.*{found}.*\. Write or",
    ):
        read_fields(tmp_path / "field.zarr")


def test_pixels_of_ome_zarr_that_are_not_square_are_told(tmp_path):
    ome_zarr(tmp_path / "field.zarr", an_image([{"type": "scale", "scale": [1, 1, 0.5, 0.7]}]))
    with pytest.warns(CellsWarning, match=r"field\.zarr are not square, 0\.7 µm wide and 0\.5 µm high"):
        (field,) = read_fields(tmp_path / "field.zarr")
    assert field.pixel_size is None


def test_red_and_green_of_different_pixel_size_are_told(tmp_path):
    for name, step in (("red", 50), ("green", 25)):
        options = {"resolution": (step, step), "metadata": {"unit": "um"}, "imagej": True}
        tifffile.imwrite(tmp_path / f"{name}.tif", plane(0), **options)
    with pytest.warns(CellsWarning, match=r"red\.tif are 0\.02 µm wide, and those of .*green\.tif 0\.04 µm"):
        (field,) = read_fields(tmp_path / "red.tif", tmp_path / "green.tif")
    assert field.pixel_size == pytest.approx(0.02)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_damaged_part_of_a_zarr_array_is_refused_with_its_file(tmp_path, zarr_format):
    ome_zarr(tmp_path / "field.zarr", an_image([HALF]), zarr_format)
    for chunk in (path for path in (tmp_path / "field.zarr" / "0").rglob("*") if path.is_file()):
        if not chunk.name.startswith((".z", "zarr")):
            chunk.write_bytes(b"no pixels at all")
    (field,) = read_fields(tmp_path / "field.zarr")
    with pytest.raises(CellsError, match=r"field\.zarr cannot be read: it is cut short, damaged"):
        cut_cells(field, progress=False)


def test_classes_from_names_functions_and_tables(tmp_path):
    for k in (2, 11):
        for channel in "12":
            tifffile.imwrite(tmp_path / f"Channel{channel}-{k:02}.tif", plane(k))
    (tmp_path / "plate.csv").write_text("Well,Dose\n2,none\n11,0.5 µM\n3,other\n", encoding="utf-8")
    (tmp_path / "files.csv").write_text("field,class\nChannel2-02,a\nChannel2-11.tif,b\n", encoding="utf-8")

    def classes(given):
        red, green = (str(tmp_path / f"Channel{channel}-*.tif") for channel in "21")
        return [field.class_name for field in read_fields(red, green, classes=given)]

    assert classes(None) == ["cells"] * 2
    assert classes("Tea1") == ["Tea1"] * 2
    assert classes({"Channel2-02": "x", "Channel2-11": "y"}) == ["x", "y"]
    assert classes(lambda field: field.name[-2:]) == ["02", "11"]
    assert classes(class_table(tmp_path / "files.csv")) == ["a", "b"]
    pattern = r"Channel2-(?P<Well>\d+)"
    assert classes(class_table(tmp_path / "plate.csv", column="Dose", pattern=pattern)) == ["none", "0.5 µM"]
    with pytest.raises(CellsError, match="No class is given for field 'Channel2-11'"):
        classes({"Channel2-02": "x"})
    (tmp_path / "short.csv").write_text("field,class\nChannel2-02,a\n")
    for make, message in (
        (lambda: class_table(tmp_path / "plate.csv"), "no column class, field; it has Well, Dose"),
        (lambda: class_table(tmp_path / "plate.csv", column="Dose", pattern="("), "no regular expression"),
        (lambda: class_table(tmp_path / "plate.csv", column="Dose", pattern="x"), "no named groups"),
        (lambda: class_table(tmp_path / "none.csv"), "cannot be read"),
        (lambda: classes(class_table(tmp_path / "short.csv")), "no row for field 'Channel2-11'"),
        (lambda: classes(class_table(tmp_path / "plate.csv", column="Dose", pattern="z(?P<Well>.)")), "does not fit"),
    ):
        with pytest.raises(CellsError, match=message):
            make()


def test_packed_labels_are_as_an_array():
    rng = np.random.default_rng(0)
    plain, packed = np.zeros((2500, 1300), np.int32), PackedLabels((2500, 1300))
    for _ in range(40):
        top, left = rng.integers(0, 2400), rng.integers(0, 1200)
        where = slice(top, top + rng.integers(1, 900)), slice(left, left + rng.integers(1, 300))
        plain[where] = packed[where] = rng.integers(0, 9999)
    assert np.array_equal(np.asarray(packed), plain)
    assert np.array_equal(packed[1000:1100, 900:], plain[1000:1100, 900:])
    assert np.array_equal(packed[::7, ::5], plain[::7, ::5])
    assert packed.nbytes < plain.nbytes / 50


def test_a_large_field_is_cut_by_packed_labels(monkeypatch):
    field = simulate_field(40, shape=(800, 800), seed=1).field
    usual = cut_cells(field, progress=False)
    monkeypatch.setattr("napari_biogans.cells.tiles.LARGEST_PLAIN_LABELS", 1000)
    packed = cut_cells(field, progress=False)
    assert isinstance(packed.found.labels[0], PackedLabels)
    assert np.array_equal(packed.cells.images[0], usual.cells.images[0])
