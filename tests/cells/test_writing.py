"""What `write_cells` leaves: files that other programs understand, and that come back as they were."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from napari_biogans.cells import CellsError, CellSet, CellsWarning, read_cells, write_cells, writing
from napari_biogans.cells.writing import file_stems


def make_set(names: tuple[str, ...] = ("Alp14", "Tea1"), dtype: Any = np.uint8, n: int = 4, **options: Any) -> CellSet:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 250, (n, 2, 24, 40)).astype(dtype) for _ in names]
    return CellSet(images, names, **options)


def assert_same(found: CellSet, expected: CellSet) -> None:
    assert found.class_names == expected.class_names
    assert found.channel_names == expected.channel_names
    assert found.pixel_size == expected.pixel_size
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.intensity_range, expected.intensity_range)
    for one, other in zip(found.images, expected.images, strict=True):
        np.testing.assert_array_equal(one, other)
    for table, wanted in zip(found.features or (), expected.features or (), strict=True):
        pd.testing.assert_frame_equal(table, wanted)


# Coming back


names = st.text(max_size=12) | st.sampled_from(
    ["CON", "a/b", "..", "tea1", "TEA1", "Tea1.ome", ".x", "%41", "µ", "a" * 300]
)
sources = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@st.composite
def cell_sets(draw: st.DrawFn) -> CellSet:
    class_names = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    counts = [draw(st.integers(1, 4)) for _ in class_names]
    if sum(counts) < 2:
        counts[0] = 2
    channels = draw(st.integers(2, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    low = rng.uniform(-5, 5, channels)
    tables = [
        pd.DataFrame(
            {
                "source": pd.Series(draw(st.lists(sources, min_size=count, max_size=count)), dtype="str"),
                "index": rng.integers(0, 2**40, count),
                "phase": rng.uniform(size=count) * 10.0 ** rng.integers(-300, 300, count),
                "dividing": rng.uniform(size=count) > 0.5,
                "note": pd.Series(["NA", "", "1", 'é,\n"'][:count], dtype="str"),
            }
        )
        for count in counts
    ]
    return CellSet(
        [rng.integers(0, 250, (count, channels, 12, 16)).astype(dtype) * dtype(1.3) for count in counts]
        if dtype is np.float32
        else [rng.integers(0, 250, (count, channels, 12, 16)).astype(dtype) for count in counts],
        class_names,
        channel_names=[draw(st.text(max_size=6)) for _ in range(channels)],
        pixel_size=draw(st.none() | st.floats(1e-12, 1e12)),
        intensity_range=draw(st.none() | st.just(np.stack([low, low + rng.uniform(0.1, 5, channels)], axis=1))),
        features=tables,
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=cell_sets())
@example(cells=make_set(("b", "a", "10", "9")))
def test_a_folder_comes_back_as_it_was(tmp_path: Path, cells: CellSet) -> None:
    shutil.rmtree(tmp_path / "cells", ignore_errors=True)
    paths = write_cells(cells, tmp_path / "cells")
    assert len(paths) == len(cells.class_names)
    assert_same(read_cells(tmp_path / "cells"), cells)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=cell_sets())
def test_an_archive_comes_back_as_it_was(tmp_path: Path, cells: CellSet) -> None:
    path = tmp_path / "cells.npz"
    if any("\0" in name or "\\" in name or re.search("[\ud800-\udfff]", name) for name in cells.class_names):
        with pytest.raises(CellsError, match=r"cannot hold a class or a feature named .*; rename it"):
            write_cells(cells, path, overwrite=True)
        return
    assert write_cells(cells, path, overwrite=True) == [path]
    assert_same(read_cells(path), cells)
    with np.load(path) as arrays:
        for name, images in zip(cells.class_names, cells.images, strict=True):
            np.testing.assert_array_equal(arrays[name], images)


def test_too_large_for_imagej(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LARGEST_IMAGEJ_FILE", 10_000)
    cells = make_set(("x.ome", "x", "a\nb"), np.uint16, pixel_size=0.1, channel_names=("DNA\x00", "GFP"))
    paths = write_cells(cells, tmp_path)
    assert [path.name for path in paths] == ["x.om%65.cells.ome.tif", "x.cells.ome.tif", "a%0Ab.cells.ome.tif"]
    assert_same(read_cells(tmp_path), cells)
    with tifffile.TiffFile(paths[0]) as tif:
        assert tif.is_ome
        assert tif.is_bigtiff
        assert tif.series[0].axes == "TCYX"
        for expected in ('Name="DNA?"', 'Name="GFP"', 'PhysicalSizeX="0.1"', 'PhysicalSizeXUnit="µm"'):
            assert expected in (tif.ome_metadata or "")


def test_a_view_of_every_second_cell(tmp_path: Path) -> None:
    cells = make_set(n=9)
    half = cells.subset(["Tea1"], [slice(0, None, 2)])
    write_cells(half, tmp_path)
    found = read_cells(tmp_path)
    assert_same(found, half)
    assert found.features[0]["index"].tolist() == [0, 2, 4, 6, 8]


def test_features_of_pooled_classes(tmp_path: Path) -> None:
    cells = make_set().pool()
    write_cells(cells, tmp_path)
    assert read_cells(tmp_path).features[0]["class"].tolist() == ["Alp14"] * 4 + ["Tea1"] * 4


# What other programs see


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_stacks_are_hyperstacks_of_imagej(tmp_path: Path, dtype: Any) -> None:
    cells = make_set(
        dtype=dtype, pixel_size=0.125, channel_names=("DNA", "GFP"), intensity_range=np.array([[1, 200], [2, 99]])
    )
    paths = write_cells(cells, tmp_path)
    assert [path.name for path in paths] == ["Alp14.cells.tif", "Tea1.cells.tif"]
    with tifffile.TiffFile(paths[1]) as tif:
        assert tif.is_imagej
        assert tif.series[0].axes == "TCYX"
        np.testing.assert_array_equal(tif.asarray(), cells.images[1])
        metadata = tif.imagej_metadata or {}
        assert [metadata[key] for key in ("frames", "channels", "hyperstack", "mode", "unit")] == [
            4, 2, True, "composite", "um",
        ]  # fmt: skip
        assert metadata["Labels"] == ["DNA", "GFP"] * 4
        assert metadata["Ranges"] == (1, 200, 2, 99)
        red, green = metadata["LUTs"]
        assert red[:, -1].tolist() == [255, 0, 0]
        assert green[:, -1].tolist() == [0, 255, 0]
        for axis in "XY":
            pixels, micrometres = tif.pages[0].tags[f"{axis}Resolution"].value
            assert pixels / micrometres == 8
        assert '"class_name": "Tea1"' in metadata["Info"]


def test_no_pixel_size_is_left_out(tmp_path: Path) -> None:
    (path, _) = write_cells(make_set(), tmp_path)
    with tifffile.TiffFile(path) as tif:
        assert "unit" not in (tif.imagej_metadata or {})
    assert read_cells(tmp_path).pixel_size is None


def test_tables_are_csv(tmp_path: Path) -> None:
    write_cells(make_set(), tmp_path)
    assert (tmp_path / "Tea1.csv").read_text().splitlines()[:2] == ["source,index", "memory,0"]


def save_again(path: Path, images: Any, **changes: Any) -> None:
    """Save a stack as ImageJ does: with the metadata that it had, unless they were changed."""
    with tifffile.TiffFile(path) as tif:
        metadata = dict(tif.imagej_metadata or {})
        pixels, micrometres = tif.pages[0].tags["XResolution"].value
    kept = {key: metadata[key] for key in ("Info", "unit", "mode") if key in metadata}
    resolution = changes.pop("resolution", pixels / micrometres)
    tifffile.imwrite(path, images, imagej=True, metadata={"axes": "TCYX"} | kept, resolution=(resolution, resolution))


def test_what_was_changed_in_imagej_since_is_believed(tmp_path: Path) -> None:
    cells = make_set(("Tea1",), np.uint16, pixel_size=1 / 3, intensity_range=[[0, 9], [0, 9]])
    (path,) = write_cells(cells, tmp_path)

    save_again(path, cells.images[0], resolution=4)
    assert read_cells(path).pixel_size == 0.25
    save_again(path, cells.images[0], resolution=3.00001)
    assert read_cells(path).pixel_size == 1 / 3
    np.testing.assert_array_equal(read_cells(path).intensity_range, [[0, 9], [0, 9]])

    save_again(path, cells.images[0].astype(np.uint8))
    np.testing.assert_array_equal(read_cells(path).intensity_range, [[0, 255], [0, 255]])

    save_again(path, cells.images[0][:3])
    with pytest.warns(CellsWarning, match=r"Tea1.csv has rows for 4 cells, but .*Tea1.cells.tif holds 3"):
        assert read_cells(path).features[0].source.tolist() == [str(path)] * 3


def test_tables_may_be_edited(tmp_path: Path) -> None:
    (path, _) = write_cells(make_set(), tmp_path)
    table = tmp_path / "Alp14.csv"
    pd.read_csv(table).assign(phase=[0.5, 0.25, 1, 0]).to_csv(table, index=False)
    assert read_cells(path).features[0].phase.tolist() == [0.5, 0.25, 1, 0]
    table.write_text("cell\n1\n2\n3\n4\n")
    with pytest.raises(CellsError, match=r"Alp14.csv needs the columns 'source' and 'index'"):
        read_cells(path)
    table.write_text('source,index\na,b\n"')
    with pytest.raises(CellsError, match=r"Alp14.csv cannot be read.* delete it"):
        read_cells(path)
    table.unlink()
    assert read_cells(path).features[0]["index"].tolist() == [0, 1, 2, 3]


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    (path, _) = write_cells(make_set(pixel_size=0.1), tmp_path)
    with tifffile.TiffFile(path) as tif:
        images, info = tif.asarray(), (tif.imagej_metadata or {})["Info"]
    newer = info.replace('"version": 1', '"version": 2')
    tifffile.imwrite(path, images, imagej=True, metadata={"axes": "TCYX", "Info": newer})
    with pytest.raises(CellsError, match=r"Alp14.cells.tif was written by a newer version"):
        read_cells(tmp_path)


def test_two_files_of_one_class(tmp_path: Path) -> None:
    (path, _) = write_cells(make_set(), tmp_path)
    shutil.copy(path, tmp_path / "copy.tif")
    with pytest.raises(CellsError, match=r"are both of class 'Alp14'") as error:
        read_cells(tmp_path)
    assert str(path) in str(error.value)
    assert "copy.tif" in str(error.value)


# File names


@given(st.lists(names, unique=True, max_size=8))
@example(["Tea1", "tea1", "TEA1", "tea1-2", "ﬁ", "fi", "ß", "ss"])
@example(["a" * 300, "a" * 301, "é" * 100])
def test_file_names_are_valid_and_differ_on_every_system(class_names: list[str]) -> None:
    stems = file_stems(class_names)
    assert len({stem.casefold() for stem in stems}) == len(class_names)
    for stem in stems:
        assert 0 < len(os.fsencode(stem)) <= 130
        assert not set('<>:"/\\|?*') & set(stem)
        assert stem.isprintable()
        assert not stem.startswith(".")
        assert stem.upper().split(".")[0] not in {"CON", "NUL", "COM1", "LPT9"}


def test_names_that_need_no_change_are_kept() -> None:
    assert file_stems(["Tea1", "dose 0.5 µM (24 h)", "β-tubulin"]) == ["Tea1", "dose 0.5 µM (24 h)", "β-tubulin"]


# What is never overwritten


def test_cells_are_not_overwritten_unasked(tmp_path: Path) -> None:
    old, new = make_set(), make_set(("Tea1", "Sid2"), np.uint16)
    for path in (tmp_path / "folder", tmp_path / "cells.npz"):
        write_cells(old, path)
        with pytest.raises(CellsError, match=r"cells in .* already.*overwrite=True"):
            write_cells(new, path)
        assert_same(read_cells(path), old)
        write_cells(new, path, overwrite=True)
        assert_same(read_cells(path), new)
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == [
        "Sid2.cells.tif", "Sid2.csv", "Tea1.cells.tif", "Tea1.csv",
    ]  # fmt: skip


def test_images_of_others_are_never_touched(tmp_path: Path) -> None:
    foreign = tmp_path / "cells" / "Tea1.tif"
    foreign.parent.mkdir()
    tifffile.imwrite(foreign, np.zeros((3, 2, 24, 40), np.uint8), imagej=True)
    before = foreign.read_bytes()
    for folder in (foreign.parent, tmp_path):
        with pytest.raises(CellsError, match=r"not of a cell set of ours, .*Tea1.tif"):
            write_cells(make_set(), folder, overwrite=True)
    assert foreign.read_bytes() == before
    assert list(tmp_path.rglob("*.*")) == [foreign]


def test_a_table_of_others_is_not_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "Tea1.csv").write_text("mine")
    with pytest.raises(CellsError, match="overwrite=True"):
        write_cells(make_set(), tmp_path)
    assert (tmp_path / "Tea1.csv").read_text() == "mine"


def test_other_files_may_lie_beside(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    write_cells(make_set(), tmp_path)
    write_cells(make_set(("Sid2",)), tmp_path, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Sid2.cells.tif", "Sid2.csv", "notes.txt"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    old = make_set()
    if overwrite:
        write_cells(old, tmp_path)
    real = tifffile.imwrite

    def full_at_the_second_file(path: Path, images: Any, **options: Any) -> None:
        real(path, images, **options)
        if '"Sid2"' in options["metadata"]["Info"]:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full_at_the_second_file)
    with pytest.raises(OSError, match="No space left"):
        write_cells(make_set(("Tea1", "Sid2"), np.uint16), tmp_path, overwrite=overwrite)
    if overwrite:
        assert_same(read_cells(tmp_path), old)
        assert len(list(tmp_path.iterdir())) == 4
    else:
        assert not list(tmp_path.iterdir())


def test_places_that_hold_no_cell_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "Tea1.tif", tmp_path / "Tea1.png"):
        with pytest.raises(CellsError, match=r"give a folder, or a file that ends in \.npz"):
            write_cells(make_set(), path)
