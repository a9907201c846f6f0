"""What `read_cells` takes, what it says about it, and what it refuses."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from napari_biogans.cells import CellsError, CellSet, CellsWarning, read_cells, write_cells

Images = NDArray[Any]


def make_cells(n: int = 6, size: tuple[int, int] = (24, 40), dtype: Any = np.uint8, seed: int = 0) -> Images:
    """Cells (n, 2, height, width) in which every pixel differs from its neighbours."""
    return np.random.default_rng(seed).integers(1, 250, (n, 2, *size)).astype(dtype)


def save_pictures(folder: Path, cells: Images, blue: int = 0, number: Callable[[int], str] = str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"cell{number(i)}.png" for i in range(len(cells))]
    for path, cell in zip(paths, cells, strict=True):
        iio.imwrite(path, np.stack([*cell, np.full_like(cell[0], blue)], axis=-1))
    return paths


def save_stack(path: Path, cells: Images, axes: str = "TCYX", **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"axes": axes, **options.pop("metadata", {})}
    tifffile.imwrite(path, cells, **{"imagej": True, "photometric": "minisblack", "metadata": metadata, **options})
    return path


# What is taken


def test_folder_per_class_of_pictures(tmp_path: Path) -> None:
    ten, nine = make_cells(3, seed=1), make_cells(4, seed=2)
    save_pictures(tmp_path / "dose-10", ten)
    paths = save_pictures(tmp_path / "dose-9", nine)
    cells = read_cells(tmp_path)
    assert cells.class_names == ("dose-9", "dose-10")
    assert cells.channel_names == ("red", "green")
    assert cells.pixel_size is None
    np.testing.assert_array_equal(cells.images[0], nine)
    np.testing.assert_array_equal(cells.images[1], ten)
    assert cells.features[0].source.tolist() == [str(path) for path in paths]
    assert cells.features[0]["index"].tolist() == [0, 0, 0, 0]


def test_cells_of_a_folder_are_in_natural_order(tmp_path: Path) -> None:
    pictures = make_cells(12)
    save_pictures(tmp_path, pictures)
    np.testing.assert_array_equal(read_cells(tmp_path).images[0], pictures)


def test_palette_and_opacity_are_read_as_their_colours(tmp_path: Path) -> None:
    pixels = np.zeros((2, 24, 40, 3), np.uint8)
    pixels[:, 4:20, 5:30, 0] = 200
    pixels[:, 8:12, 5:30, 1] = 90
    opaque = np.full((24, 40, 1), 255, np.uint8)
    iio.imwrite(tmp_path / "1.png", np.concatenate([pixels[0], opaque], axis=-1))
    Image.fromarray(pixels[1]).quantize(8).save(tmp_path / "2.png")
    np.testing.assert_array_equal(read_cells(tmp_path).images[0], pixels.transpose(0, 3, 1, 2)[:, :2])


def test_single_images_of_one_folder_are_one_class(tmp_path: Path) -> None:
    tiffs = make_cells(3, dtype=np.uint16)
    for number, cell in enumerate(tiffs):
        save_stack(tmp_path / "Tea1" / f"{number}.tif", cell, "CYX")
    cells = read_cells(tmp_path / "Tea1")
    assert cells.class_names == ("Tea1",)
    np.testing.assert_array_equal(cells.images[0], tiffs)


def test_a_class_folder_may_hold_stacks_and_single_cells(tmp_path: Path) -> None:
    stack, single = make_cells(3, seed=1), make_cells(1, seed=2)
    save_stack(tmp_path / "Tea1" / "1.tif", stack)
    save_stack(tmp_path / "Tea1" / "2.tif", single[0], "CYX")
    save_stack(tmp_path / "Alp14" / "all.tif", stack)
    cells = read_cells(tmp_path)
    assert cells.class_names == ("Alp14", "Tea1")
    np.testing.assert_array_equal(cells.images[1], np.concatenate([stack, single]))
    assert cells.features[1]["index"].tolist() == [0, 1, 2, 0]
    assert cells.features[1].source.iloc[-1] == str(tmp_path / "Tea1" / "2.tif")


def test_stacks_of_one_folder_are_classes(tmp_path: Path) -> None:
    save_stack(tmp_path / "dose-10.tif", make_cells(3, seed=1))
    save_stack(tmp_path / "dose-9.ome.tif", make_cells(1, seed=2), imagej=False, ome=True)
    cells = read_cells(tmp_path)
    assert cells.class_names == ("dose-9", "dose-10")
    assert cells.counts == (1, 3)


RGB = {"imagej": False, "photometric": "rgb"}
OME = {"imagej": False, "ome": True}
SHAPED = {"imagej": False}


@pytest.mark.parametrize(
    ("order", "axes", "options"),
    [
        ("NCYX", "TCYX", {}),
        ("NCYX", "ZCYX", {}),
        ("NCYX", "TCYX", {"byteorder": ">"}),
        ("NCYX", "TCYX", {"compression": "zlib", "rowsperstrip": 7}),
        ("NCYX", "TCYX", OME),
        ("CNYX", "CTYX", OME),
        ("CNYX", "CZYX", OME | {"compression": "zlib"}),
        ("NCYX", "ICYX", SHAPED),
        ("CNYX", "CQYX", SHAPED | {"byteorder": ">"}),
        ("CNYX", "CQYX", SHAPED | {"compression": "zlib"}),
        ("NYXC", "QYXS", SHAPED),
        ("NYXC", "QYXC", SHAPED | {"compression": "zlib"}),
        ("NCYX", "QSYX", SHAPED | {"planarconfig": "separate"}),
        ("YXNC", "YXTC", SHAPED),
        ("CYXN", "CYXT", SHAPED),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_axes_are_those_of_the_metadata(
    tmp_path: Path, order: str, axes: str, options: dict[str, Any], dtype: Any
) -> None:
    expected = make_cells(5, dtype=dtype)
    stored = np.ascontiguousarray(expected.transpose(["NCYX".index(axis) for axis in order]))
    cells = read_cells(save_stack(tmp_path / "Tea1.tif", stored, axes, **options))
    assert cells.dtype == dtype
    assert cells.class_names == ("Tea1",)
    np.testing.assert_array_equal(cells.images[0], expected)


@pytest.mark.parametrize("samples", [3, 4])
def test_rgb_stack_without_metadata(tmp_path: Path, samples: int) -> None:
    cells = make_cells(4)
    rgb = np.zeros((4, 24, 40, samples), np.uint8)
    rgb[..., :2] = cells.transpose(0, 2, 3, 1)
    rgb[..., 3:] = 255
    tifffile.imwrite(tmp_path / "Tea1.tif", rgb, photometric="rgb", metadata=None)
    np.testing.assert_array_equal(read_cells(tmp_path / "Tea1.tif").images[0], cells)


def test_pages_of_unequal_sizes_in_one_file(tmp_path: Path) -> None:
    small, large = make_cells(2, (24, 40)), make_cells(1, (26, 40), seed=1)
    with tifffile.TiffWriter(tmp_path / "Tea1.tif") as tif:
        for cell in (*small, *large):
            rgb = np.concatenate([cell, np.zeros_like(cell[:1])]).transpose(1, 2, 0)
            tif.write(rgb, photometric="rgb", metadata=None)
    with pytest.warns(CellsWarning, match=r"1 of 3 cells .* 24x40 pixels, from 26x40 \(1 cells\)"):
        cells = read_cells(tmp_path / "Tea1.tif")
    np.testing.assert_array_equal(cells.images[0], np.concatenate([small, large[:, :, 1:-1]]))
    assert cells.features[0]["index"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("options", [{"ome": True}, {"shaped": True}], ids=str)
def test_smaller_copies_within_a_file_are_passed_over(tmp_path: Path, options: dict[str, bool]) -> None:
    cells = make_cells(3)
    with tifffile.TiffWriter(tmp_path / "Tea1.tif", **options) as tif:
        tif.write(cells, subifds=1, photometric="minisblack", metadata={"axes": "TCYX"})
        tif.write(cells[..., ::2, ::2], subfiletype=1, photometric="minisblack")
    np.testing.assert_array_equal(read_cells(tmp_path / "Tea1.tif").images[0], cells)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_floats_become_float32(tmp_path: Path, dtype: Any) -> None:
    expected = make_cells(3, dtype=dtype)
    save_stack(tmp_path / "Tea1.tif", expected, imagej=False)
    np.savez(tmp_path / "cells.npz", Tea1=expected)
    for path in (tmp_path / "Tea1.tif", tmp_path / "cells.npz"):
        cells = read_cells(path)
        assert cells.dtype == np.float32
        np.testing.assert_array_equal(cells.images[0], expected.astype(np.float32))


@pytest.mark.parametrize(
    ("unit", "resolution", "expected"),
    [
        ("um", 8.0, 0.125),
        ("micron", 8.0, 0.125),
        ("µm", 8.0, 0.125),
        ("nm", 1 / 65, 0.065),
        ("mm", 10_000.0, 0.1),
        ("cm", 100_000.0, 0.1),
        ("inch", 254_000.0, 0.1),
        ("pixel", 1.0, None),
    ],
)
def test_pixel_size_of_imagej(tmp_path: Path, unit: str, resolution: float, expected: float | None) -> None:
    # ImageJ writes the sign of micro as an escape.
    metadata = {"unit": unit.replace("µ", "\\u00B5")}
    path = save_stack(tmp_path / "Tea1.tif", make_cells(), resolution=(resolution, resolution), metadata=metadata)
    assert read_cells(path).pixel_size == (None if expected is None else pytest.approx(expected, rel=1e-6))
    assert read_cells(path, pixel_size=0.2).pixel_size == 0.2


@pytest.mark.parametrize(
    ("size", "unit", "expected"),
    [(0.1, "µm", 0.1), (65, "nm", 0.065), (0.0001, "mm", 0.1), (1, "pixel", None), (1000, "Å", 0.1)],
)
def test_metadata_of_ome(tmp_path: Path, size: float, unit: str, expected: float | None) -> None:
    metadata = {f"PhysicalSize{axis}": size for axis in "XY"} | {f"PhysicalSize{axis}Unit": unit for axis in "XY"}
    path = save_stack(
        tmp_path / "Tea1.ome.tif", make_cells(), metadata=metadata | {"Channel": {"Name": ["DNA", "GFP"]}}, **OME
    )
    cells = read_cells(path)
    assert cells.pixel_size == (None if expected is None else pytest.approx(expected))
    assert cells.channel_names == ("DNA", "GFP")
    assert cells.class_names == ("Tea1",)


def test_pixels_that_are_not_square_have_no_size(tmp_path: Path) -> None:
    path = save_stack(tmp_path / "Tea1.tif", make_cells(), resolution=(10.0, 8.0), metadata={"unit": "um"})
    with pytest.warns(CellsWarning, match=r"Tea1\.tif are not square, 0\.1 µm wide and 0\.125 µm high"):
        assert read_cells(path).pixel_size is None


def test_imagej_labels_are_channel_names_if_they_name_channels(tmp_path: Path) -> None:
    cells = make_cells(3)
    named = save_stack(tmp_path / "1.tif", cells, metadata={"Labels": ["DNA", "GFP"] * 3})
    numbered = save_stack(tmp_path / "2.tif", cells, metadata={"Labels": [f"c:{i % 2} t:{i // 2}" for i in range(6)]})
    assert read_cells(named).channel_names == ("DNA", "GFP")
    assert read_cells(numbered).channel_names == ("red", "green")


def test_a_channel_named_differently_in_each_class_gets_its_default_name(tmp_path: Path) -> None:
    for name in ("Alp14", "Tea1"):
        save_stack(tmp_path / f"{name}.tif", make_cells(), metadata={"Channel": {"Name": ["Bgs4", name]}}, **OME)
    assert read_cells(tmp_path).channel_names == ("Bgs4", "green")
    assert read_cells(tmp_path, channel_names=["polarity", "protein"]).channel_names == ("polarity", "protein")


def test_archive(tmp_path: Path) -> None:
    classes = {"dose-10": make_cells(3, seed=1), "dose-9": make_cells(2, seed=2)}
    path = tmp_path / "cells.npz"
    np.savez_compressed(
        path, **classes, channel_names=["DNA", "GFP"], pixel_size=0.1, intensity_range=[[0, 10], [5, 20]], labels=[1, 2]
    )
    cells = read_cells(path)
    assert cells.class_names == ("dose-10", "dose-9")
    for read, written in zip(cells.images, classes.values(), strict=True):
        np.testing.assert_array_equal(read, written)
    assert cells.channel_names == ("DNA", "GFP")
    assert cells.pixel_size == 0.1
    np.testing.assert_array_equal(cells.intensity_range, [[0, 10], [5, 20]])
    assert cells.features[0].iloc[2].tolist() == [str(path), 2]


def test_archive_of_arrays_in_column_order(tmp_path: Path) -> None:
    expected = make_cells(5, (26, 40))
    np.savez(tmp_path / "cells.npz", Tea1=np.asfortranarray(expected))
    with pytest.warns(CellsWarning):
        cells = read_cells(tmp_path / "cells.npz")
    np.testing.assert_array_equal(cells.images[0], expected[:, :, 1:-1])


# Channels


def test_channels_are_chosen_by_hand(tmp_path: Path) -> None:
    four = np.concatenate([make_cells(3, seed=1), make_cells(3, seed=2)], axis=1)
    path = save_stack(tmp_path / "Tea1.tif", four, metadata={"Channel": {"Name": list("abcd")}}, **OME)
    turned = save_stack(tmp_path / "turned.tif", np.ascontiguousarray(four.transpose(1, 0, 2, 3)), "CTYX", **OME)
    for file in (path, turned):
        np.testing.assert_array_equal(read_cells(file, channels=(3, 1)).images[0], four[:, [3, 1]])
        np.testing.assert_array_equal(read_cells(file, channels=(0, 1, 2)).images[0], four[:, :3])
        with pytest.raises(CellsError, match=r"further channel that is not empty.*channels=\(0, 1\)"):
            read_cells(file)
    assert read_cells(path, channels=(3, 1)).channel_names == ("d", "b")
    for wrong in [(0,), (1, 1), (0, 4), (-1, 0)]:
        with pytest.raises(CellsError, match="has channels 0 to 3"):
            read_cells(path, channels=wrong)


def test_blue_that_is_not_empty_in_one_picture(tmp_path: Path) -> None:
    save_pictures(tmp_path / "Alp14", make_cells())
    (coloured,) = save_pictures(tmp_path / "Tea1", make_cells(1), blue=1)
    with pytest.raises(CellsError, match=r"channels=\(0, 1\)") as refused:
        read_cells(tmp_path)
    assert str(coloured) in str(refused.value)
    assert read_cells(tmp_path, channels=(0, 1)).counts == (6, 1)


# Sizes


def test_sizes_are_brought_to_the_good_size_nearest_to_the_commonest(tmp_path: Path) -> None:
    usual, wide = make_cells(4, (50, 80)), make_cells(2, (48, 90), seed=1)
    save_stack(tmp_path / "Alp14.tif", usual)
    save_stack(tmp_path / "Tea1.tif", wide)
    with pytest.warns(CellsWarning) as said:
        cells = read_cells(tmp_path)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert "6 of 6 cells" in str(said[0].message)
    assert "48x80 pixels, from 50x80 (4 cells), 48x90 (2 cells)." in str(said[0].message)
    np.testing.assert_array_equal(cells.images[0], usual[..., 1:-1, :])
    np.testing.assert_array_equal(cells.images[1], wide[..., 5:-5])
    with pytest.warns(CellsWarning, match=r"6 of 6 cells .* to 24x80"):
        np.testing.assert_array_equal(read_cells(tmp_path, size=(24, 80)).images[0], usual[..., 13:37, :])


def test_smaller_cells_are_padded_with_their_background(tmp_path: Path) -> None:
    small = make_cells(3, (20, 40)) + 5
    for axes in ("TCYX", "CTYX"):
        stored = small if axes == "TCYX" else np.ascontiguousarray(small.transpose(1, 0, 2, 3))
        path = save_stack(tmp_path / f"{axes}.tif", stored, axes, imagej=False)
        with pytest.warns(CellsWarning):
            (images,) = read_cells(path, size=(24, 40)).images
        np.testing.assert_array_equal(images[:, :, 2:-2], small)
        np.testing.assert_array_equal(
            images[:, :, [0, 1, -2, -1]], np.zeros((3, 2, 4, 40)) + small.min((2, 3))[..., None, None]
        )


def test_cells_of_a_good_size_are_left_alone(tmp_path: Path) -> None:
    save_pictures(tmp_path, make_cells(size=(48, 80)))
    assert read_cells(tmp_path).size == (48, 80)  # a warning would be an error


def test_a_size_that_is_not_good_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(CellsError, match="nearest size that can is 48x80"):
        read_cells(tmp_path / "missing", size=(50, 80))


# Memory and progress


def lay_out(kind: str, path: Path, cells: Images) -> Path:
    """Save cells in one of several layouts, and return what to read."""
    if kind == "archive":
        np.savez(path / "cells.npz", Tea1=cells)
        return path / "cells.npz"
    if kind == "channels first":
        return save_stack(path / "cells.tif", np.ascontiguousarray(cells.transpose(1, 0, 2, 3)), "CTYX", **SHAPED)
    options = {"imagej": {}, "ome": OME, "compressed": OME | {"compression": "zlib"}}[kind]
    return save_stack(path / "cells.tif", cells, **options)


@pytest.mark.parametrize(
    ("kind", "size", "dtype"),
    [
        ("imagej", (48, 80), np.uint8),
        ("imagej", (50, 78), np.float32),
        ("channels first", (46, 82), np.uint8),
        ("ome", (96, 160), np.uint16),
        ("compressed", (98, 156), np.uint8),
        ("archive", (50, 82), np.float32),
    ],
)
def test_memory_is_little_more_than_that_of_the_set(
    tmp_path: Path, kind: str, size: tuple[int, int], dtype: Any
) -> None:
    few = make_cells(10, size, dtype)  # the same few over and over are compressed fast
    path = lay_out(kind, tmp_path, np.tile(few, (60_000_000 // few.nbytes, 1, 1, 1)))
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CellsWarning)
            cells = read_cells(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert cells.size in [(48, 80), (96, 160)]
    assert peak < 1.2 * cells.nbytes


def test_progress_is_shown_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_stack(tmp_path / "a.tif", make_cells(7))
    save_stack(tmp_path / "b.tif", np.ascontiguousarray(make_cells(4).transpose(1, 0, 2, 3)), "CTYX", **SHAPED)
    read_cells(tmp_path)
    assert capsys.readouterr() == ("", "")
    read_cells(tmp_path, progress=True)
    assert "11/11" in capsys.readouterr().err


# What is passed over


def test_what_is_no_image_is_passed_over(tmp_path: Path) -> None:
    save_pictures(tmp_path / "Tea1", make_cells())
    for junk in ("Thumbs.db", ".DS_Store", "README.txt", ".hidden.png", "._cell0.png"):
        (tmp_path / "Tea1" / junk).write_bytes(b"junk")
        (tmp_path / junk).write_bytes(b"junk")
    (tmp_path / ".git").mkdir()
    assert read_cells(tmp_path).counts == (6,)


def test_folders_without_images_are_named(tmp_path: Path) -> None:
    save_pictures(tmp_path / "Tea1", make_cells())
    (tmp_path / "Alp14").mkdir()
    with pytest.warns(CellsWarning, match=r"no images in these folders of .*: Alp14\. They are left out"):
        assert read_cells(tmp_path).class_names == ("Tea1",)


# What is refused


def refused(path: Path, *names: Path | str, because: str, **options: Any) -> None:
    """Check that a path is refused, that the message gives the reason, and that it names the files."""
    with pytest.raises(CellsError, match=because) as error:
        read_cells(path, **options)
    for name in names or (path,):
        assert str(name) in str(error.value)


def test_nothing_there(tmp_path: Path) -> None:
    refused(tmp_path / "missing", because="nothing at")
    refused(tmp_path, because="no images in")
    (tmp_path / "cells.xyz").write_text("cells")
    refused(tmp_path / "cells.xyz", because="not of a format that is read")


def test_images_that_lie_deeper(tmp_path: Path) -> None:
    for part in ("train", "test"):
        save_pictures(tmp_path / part / "Tea1", make_cells(2))
    refused(tmp_path, tmp_path / "train", tmp_path / "test", because="they lie deeper.* Point at")
    assert read_cells(tmp_path / "train").class_names == ("Tea1",)
    assert read_cells(tmp_path / "train" / "Tea1").class_names == ("Tea1",)


def test_an_archive_in_a_folder(tmp_path: Path) -> None:
    np.savez(tmp_path / "cells.npz", Tea1=make_cells())
    refused(tmp_path, tmp_path / "cells.npz", because="point at the file")


def test_images_in_several_levels(tmp_path: Path) -> None:
    save_pictures(tmp_path / "Tea1", make_cells())
    (overview,) = save_pictures(tmp_path, make_cells(1))
    refused(tmp_path, overview, tmp_path / "Tea1", because="holds images itself")


def test_a_format_that_is_not_read_among_images(tmp_path: Path) -> None:
    save_pictures(tmp_path, make_cells())
    (tmp_path / "cell7.jpg").write_bytes(b"")
    refused(tmp_path, tmp_path / "cell7.jpg", because="save it as TIFF or PNG")


@pytest.mark.parametrize(
    ("axes", "shape", "options"),
    [
        ("TYX", (6, 24, 40), {}),
        ("ZYX", (6, 24, 40), OME),
        ("QQYX", (3, 2, 24, 40), SHAPED),
        ("IYX", (6, 24, 40), SHAPED),
        ("YX", (24, 40), SHAPED),
        ("TCYX", (6, 1, 24, 40), OME),
    ],
)
def test_a_channel_axis_is_not_guessed(
    tmp_path: Path, axes: str, shape: tuple[int, ...], options: dict[str, Any]
) -> None:
    stack = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    path = save_stack(tmp_path / "Tea1.tif", stack, axes, **options)
    refused(path, because=r"one channel only.*Stack to Hyperstack.*\.npz")


def test_two_axes_that_could_count_cells(tmp_path: Path) -> None:
    path = save_stack(tmp_path / "Tea1.tif", np.zeros((3, 4, 2, 24, 40), np.uint8), "TZCYX")
    refused(path, because="T and Z could both count cells")
    path = save_stack(tmp_path / "Alp14.tif", np.zeros((3, 4, 24, 40, 3), np.uint8), "TCYXS", photometric="rgb")
    refused(path, because="C and S could both hold channels")


def test_grey_pictures(tmp_path: Path) -> None:
    iio.imwrite(tmp_path / "1.png", make_cells(1)[0, 0])
    refused(tmp_path, tmp_path / "1.png", because="one channel only")


def test_pictures_of_16_bits(tmp_path: Path) -> None:
    # Pillow cannot write one; the header of a colour picture of 16 bits is enough.
    (path,) = save_pictures(tmp_path, make_cells(1))
    content = bytearray(path.read_bytes())
    content[24] = 16
    content[29:33] = zipfile.crc32(content[12:29]).to_bytes(4)
    path.write_bytes(content)
    refused(tmp_path, path, because="16 bits per channel.*save it as TIFF")


def test_fewer_than_two_cells(tmp_path: Path) -> None:
    refused(save_stack(tmp_path / "Tea1.tif", make_cells(1)), because="There is 1 cell")
    (path,) = save_pictures(tmp_path / "Tea1", make_cells(1))
    refused(path, because="There is 1 cell")
    refused(tmp_path / "Tea1", because="There is 1 cell")


def test_mixed_types(tmp_path: Path) -> None:
    first = save_stack(tmp_path / "Alp14.tif", make_cells())
    other = save_stack(tmp_path / "Tea1.tif", make_cells(dtype=np.uint16))
    refused(tmp_path, first, other, because="of type uint8, but .* of type uint16")
    np.savez(tmp_path / "cells.npz", a=make_cells(), b=make_cells(dtype=np.float32))
    refused(tmp_path / "cells.npz", "'a'", "'b'", because="of type uint8, but .* of type float32")


def test_mixed_numbers_of_channels(tmp_path: Path) -> None:
    first = save_stack(tmp_path / "Alp14.tif", make_cells())
    other = save_stack(tmp_path / "Tea1.tif", np.zeros((6, 3, 24, 40), np.uint8))
    refused(tmp_path, first, other, because="has 2 channels, but .* has 3")


def test_mixed_scales(tmp_path: Path) -> None:
    paths = [
        save_stack(tmp_path / f"{i}.tif", make_cells(), resolution=(i + 1.0,) * 2, metadata={"unit": "um"})
        for i in range(2)
    ]
    refused(tmp_path, *paths, because="is 1 µm wide, but .* 0.5 µm")
    assert read_cells(tmp_path, pixel_size=1).pixel_size == 1


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint32, np.int64, np.complex64])
def test_types_that_are_not_of_cells(tmp_path: Path, dtype: Any) -> None:
    cells = make_cells(dtype=dtype)
    np.savez(tmp_path / "cells.npz", Tea1=cells)
    for path in (save_stack(tmp_path / "Tea1.tif", cells, imagej=False), tmp_path / "cells.npz"):
        refused(path, because=f"of type {np.dtype(dtype)}; save them as")


def test_black_and_white(tmp_path: Path) -> None:
    refused(save_stack(tmp_path / "Tea1.tif", make_cells() > 9, imagej=False), because="of type bool")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_values_that_are_no_intensities(tmp_path: Path, value: float) -> None:
    cells = make_cells(dtype=np.float64)
    cells[3, 1, 5, 6] = value
    np.savez(tmp_path / "cells.npz", Tea1=cells)
    for path in (save_stack(tmp_path / "Tea1.tif", cells, imagej=False), tmp_path / "cells.npz"):
        refused(path, because="NaN or infinite")


def test_a_channel_with_one_value_everywhere(tmp_path: Path) -> None:
    flat = make_cells()
    flat[:, 1] = 7
    save_stack(tmp_path / "stacks" / "good.tif", make_cells())
    refused(
        tmp_path / "stacks", save_stack(tmp_path / "stacks" / "flat.tif", flat), because="Channel 1 .* is 7 everywhere"
    )
    save_pictures(tmp_path / "pictures" / "Tea1", flat)
    refused(tmp_path / "pictures", tmp_path / "pictures" / "Tea1", because="Channel 1 .* is 7 everywhere")


def test_archives_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "cells.npz"
    np.savez(path, Tea1=make_cells().transpose(0, 2, 3, 1))
    refused(path, "'Tea1'", because=r"channels of .* are last.*np\.moveaxis\(cells, -1, 1\)")
    np.savez(path, red=make_cells()[:, 0], green=make_cells()[:, 1])
    refused(path, because=r"no array \(N, C, H, W\).*'red' \(6, 24, 40\)")
    np.savez(path, Tea1=make_cells()[:, :1])
    refused(path, "'Tea1'", because="one channel only")
    np.savez(path, Tea1=make_cells()[:0])
    refused(path, "'Tea1'", because="no cells in")
    np.savez(path, Tea1=make_cells(), pixel_size=-1)
    refused(path, "pixel size", because="positive number of µm")


def test_an_archive_never_runs_code(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    objects = np.empty((2, 2, 24, 40), object)
    objects[:] = Payload()
    np.savez(tmp_path / "cells.npz", Tea1=objects)
    np.savez(tmp_path / "names.npz", Tea1=make_cells(), channel_names=objects)
    refused(tmp_path / "cells.npz", because="of type object")
    refused(tmp_path / "names.npz", "'channel_names'", because="of type object")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["Tea1.tif", "Tea1.tiff", "Tea1.png", "Tea1.npz"])
@pytest.mark.parametrize("content", [b"", b"not an image at all, but a text\n" * 40, bytes(5000)])
def test_foreign_files(tmp_path: Path, name: str, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    refused(path, because="cannot be read: it is cut short, damaged, or not")
    if path.suffix != ".npz":
        save_pictures(tmp_path, make_cells(2))
        refused(tmp_path, path, because="cannot be read")
    assert not caplog.records


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open anything")
def test_a_file_that_may_not_be_opened(tmp_path: Path) -> None:
    path = save_stack(tmp_path / "Tea1.tif", make_cells())
    path.chmod(0)
    refused(path, because="Permission denied")


def test_compression_that_needs_a_package(tmp_path: Path) -> None:
    path = tmp_path / "Tea1.tif"
    rgb = np.concatenate([make_cells(2), np.zeros((2, 1, 24, 40), np.uint8)], axis=1).transpose(0, 2, 3, 1)
    first, second = (Image.fromarray(cell) for cell in rgb)
    first.save(path, save_all=True, append_images=[second], compression="tiff_lzw")
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        refused(path, because="pip install imagecodecs")
    else:
        assert read_cells(path).counts == (2,)


def test_a_stack_of_several_files(tmp_path: Path) -> None:
    files = "".join(
        f"<TiffData FirstT='{t}' IFD='0' PlaneCount='2'><UUID FileName='{t}.ome.tif'>urn:uuid:{t}</UUID></TiffData>"
        for t in range(2)
    )
    for t in range(2):
        xml = (
            f"<?xml version='1.0'?><OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06' UUID='urn:uuid:{t}'>"
            "<Image ID='Image:0'><Pixels ID='Pixels:0' DimensionOrder='XYCZT' Type='uint8' SizeX='40' SizeY='24' "
            "SizeC='2' SizeZ='1' SizeT='2'><Channel ID='Channel:0'/><Channel ID='Channel:1'/>"
            f"{files}</Pixels></Image></OME>"
        )
        tifffile.imwrite(tmp_path / f"{t}.ome.tif", make_cells(1)[0], description=xml, metadata=None)
    refused(tmp_path / "0.ome.tif", because="one of several files that belong together")
    (tmp_path / "1.ome.tif").unlink()
    refused(tmp_path / "0.ome.tif", because="not all of the pixels are in it")


def test_pages_that_lead_in_a_circle(tmp_path: Path) -> None:
    path = save_stack(tmp_path / "Tea1.tif", make_cells(3), "TCYX", compression="zlib", **SHAPED)
    with tifffile.TiffFile(path) as tif:
        last = tif.pages[len(tif.pages) - 1]
        first, end = tif.pages[0].offset, last.offset + 2 + 12 * len(last.tags)
    content = bytearray(path.read_bytes())
    content[end : end + 4] = first.to_bytes(4, "little")
    path.write_bytes(content)
    refused(path, because="lead in a circle")


@pytest.mark.parametrize(
    "option", [{"pixel_size": -1}, {"channel_names": ["red"]}, {"intensity_range": [[5, 1], [0, 1]]}]
)
def test_wrong_settings_are_refused_before_pixels_are_read(tmp_path: Path, option: dict[str, Any]) -> None:
    paths = save_pictures(tmp_path, make_cells())
    paths[0].write_bytes(paths[0].read_bytes()[:60])  # would be refused, too, once it is decoded
    refused(tmp_path, "", because="A pixel size is|one name per channel|intensity range is", **option)


# Damage of any kind


def as_bytes(folder: Path) -> dict[str, bytes]:
    """Small files of every format that is read."""
    cells = make_cells(3, (12, 16))
    ours = CellSet([cells.astype(np.uint16)], ["Tea1"], pixel_size=0.1)
    write_cells(ours, folder)
    write_cells(ours, folder / "ours.npz")
    np.savez_compressed(folder / "packed.npz", Alp14=cells, Tea1=cells)
    save_stack(folder / "shaped.tif", cells, compression="zlib", rowsperstrip=5, **SHAPED)
    save_stack(folder / "turned.tif", np.ascontiguousarray(cells.transpose(1, 0, 2, 3)), "CTYX", **SHAPED)
    save_stack(folder / "big.ome.tif", cells.astype(np.float32), bigtiff=True, compression="zlib", **OME)
    save_stack(folder / "tiled.tif", np.tile(cells, (1, 1, 2, 2)), tile=(16, 16), **OME)
    save_pictures(folder, cells)
    return {
        path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".tif", ".npz", ".png")
    }


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return as_bytes(tmp_path_factory.mktemp("intact"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path: Path, intact: dict[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(intact)))
    content = bytearray(intact[name])
    if data.draw(st.booleans(), label="cut"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        # Half of the damage is done to the first bytes, which tell what the others mean.
        place = st.integers(0, len(content) - 1) | st.integers(0, min(len(content), 300) - 1)
        for where, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), min_size=1, max_size=4)):
            content[where] = value
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / name).write_bytes(content)
    (folder / "intact.png").write_bytes(intact["cell0.png"])
    path = folder if name.endswith(".png") else folder / name
    with warnings.catch_warnings(), contextlib.suppress(CellsError):
        warnings.simplefilter("ignore", CellsWarning)  # a header may tell another size
        assert isinstance(read_cells(path), CellSet)


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95])
def test_truncated_files_are_refused_by_name(tmp_path: Path, intact: dict[str, bytes], part: float) -> None:
    assert len(intact) == 10
    for name, content in intact.items():
        path = tmp_path / name / name
        path.parent.mkdir()
        path.write_bytes(content[: int(part * len(content))])
        if path.suffix == ".png":
            (path.parent / "intact.png").write_bytes(content)
        refused(path.parent if path.suffix == ".png" else path, path, because="cannot be read: it is cut short")


def test_tifffile_is_quiet_only_while_cells_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = save_stack(tmp_path / "Tea1.tif", make_cells())
    path.write_bytes(path.read_bytes()[:2000])
    refused(path, because="cannot be read")
    assert not caplog.records
    assert not logging.getLogger("tifffile").filters


# Real cells


@pytest.mark.skipif(not os.environ.get("BIOGANS_REAL_CELLS"), reason="BIOGANS_REAL_CELLS names no folder of real cells")
def test_real_cells(tmp_path: Path) -> None:
    folder = Path(os.environ["BIOGANS_REAL_CELLS"])
    cells = read_cells(folder)
    names = sorted(path.stem for path in folder.glob("*.tif"))
    assert list(cells.class_names) == names
    assert cells.size == (48, 80)
    assert cells.channel_names == ("DNA", "FKHR-EGFP")
    for name, images in zip(names, cells.images, strict=True):
        np.testing.assert_array_equal(images, tifffile.imread(folder / f"{name}.tif"))
    write_cells(cells, tmp_path)
    again = read_cells(tmp_path)
    assert again.class_names == cells.class_names
    for one, other in zip(cells.images, again.images, strict=True):
        np.testing.assert_array_equal(one, other)
