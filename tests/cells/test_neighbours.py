"""The cells that look most alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_biogans.cells import CellsError, CellSet, CellsWarning, neighbours, red_neighbours, to_unit
from napari_biogans.cells.neighbours import Neighbours, SearchStoppedError, nearest_images
from napari_biogans.cells.red_neighbours import RedNeighbours, default_cache, find_red_neighbours

Images = NDArray[Any]
BYTES = np.array([[0, 255], [0, 255]], np.float32)


def pictures(
    n: int, size: tuple[int, int] = (12, 12), *, channels: int = 2, seed: int = 0, levels: int = 256
) -> Images:
    rng = np.random.default_rng(seed)
    return rng.integers(0, levels, (n, channels, *size)).astype(np.uint8)


def cell_set(*counts: int, dtype: Any = np.uint8, seed: int = 0, **options: Any) -> CellSet:
    images = [pictures(count, seed=seed + k).astype(dtype) for k, count in enumerate(counts)]
    return CellSet(images, [f"class {k}" for k in range(len(counts))], **options)


def turned(images: Images, code: int) -> Images:
    if code & 1:
        images = images[..., ::-1]
    return images[..., ::-1, :] if code & 2 else images


def brute_force(queries: Images, references: Images, k: int, intensity_range: Images, *, flips: bool) -> Neighbours:
    """Every distance from the pixels; the lower index, then the lower flip, of what is as near."""
    images = to_unit(queries.astype(np.float32), intensity_range).astype(float)
    others = to_unit(references.astype(np.float32), intensity_range).astype(float)
    codes = range(4 if flips else 1)
    squares = np.array([((images[:, None] - turned(others, code)) ** 2).mean((2, 3, 4)) for code in codes])
    distances = (np.sqrt(squares) / 2).astype(np.float32)
    least = distances.min(0)
    indices = np.argsort(least, 1, kind="stable")[:, np.arange(k) % len(references)]
    return Neighbours(
        indices.astype(np.int32),
        np.take_along_axis(distances.argmin(0), indices, 1).astype(np.uint8),
        np.take_along_axis(least, indices, 1),
    )


def assert_same(found: Neighbours | RedNeighbours, expected: Neighbours | RedNeighbours) -> None:
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.flips, expected.flips)
    np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-6, atol=0)
    assert [a.dtype for a in (found.indices, found.flips, found.distances)] == [np.int32, np.uint8, np.float32]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("BIOGANS_CACHE", str(folder))
    return folder


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each search that is made, and not read from the cache."""
    made: list[int] = []
    search = red_neighbours._find_red

    def counted(cells: CellSet, k: int, *rest: Any) -> RedNeighbours:
        made.append(k)
        return search(cells, k, *rest)

    monkeypatch.setattr(red_neighbours, "_find_red", counted)
    return made


# -- images


@settings(max_examples=60, deadline=None)
@given(
    counts=st.tuples(st.integers(0, 9), st.integers(1, 40)),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    channels=st.integers(1, 3),
    k=st.integers(1, 6),
    flips=st.booleans(),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32, np.float64, ">u2"]),
    levels=st.sampled_from([2, 4, 256]),
    seed=st.integers(0, 2**32 - 1),
)
def test_neighbours_are_those_of_brute_force(
    counts: tuple[int, int],
    size: tuple[int, int],
    channels: int,
    k: int,
    flips: bool,
    dtype: Any,
    levels: int,
    seed: int,
) -> None:
    # With few levels and pixels there are many ties, of references and of flips.
    queries, references = (
        pictures(n, size, channels=channels, seed=seed + i, levels=levels).astype(dtype) for i, n in enumerate(counts)
    )
    intensity_range = np.array([[0, levels - 1]] * channels, np.float32)
    found = nearest_images(queries, references, k, intensity_range=intensity_range, flips=flips)
    assert_same(found, brute_force(queries, references, k, intensity_range, flips=flips))


def nearly_alike(n: int) -> Images:
    """Images that differ by less than what rounding makes of products."""
    rng = np.random.default_rng(4)
    return (rng.integers(0, 60000, (1, 1, 12, 12)) + rng.integers(0, 3, (n, 1, 12, 12))).astype(np.uint16)


@pytest.mark.parametrize("flips", [False, True])
def test_order_is_right_where_products_cannot_tell(flips: bool) -> None:
    references = nearly_alike(300)
    intensity_range = np.array([[0, 65535]], np.float32)
    found = nearest_images(references[:20], references, 5, intensity_range=intensity_range, flips=flips)
    assert_same(found, brute_force(references[:20], references, 5, intensity_range, flips=flips))


@pytest.mark.parametrize("offset", [0, 1e6])
def test_order_is_right_in_a_narrow_intensity_range(offset: float) -> None:
    references = pictures(50, channels=1, levels=16).astype(np.float32) + np.float32(offset)
    intensity_range = np.array([[offset, offset + 15]], np.float32)
    found = nearest_images(references[:5], references, 4, intensity_range=intensity_range)
    assert_same(found, brute_force(references[:5], references, 4, intensity_range, flips=True))


@pytest.mark.parametrize("code", range(4))
@pytest.mark.parametrize("size", [(12, 20), (7, 9)])
def test_flipped_copies_are_found_at_distance_0(code: int, size: tuple[int, int]) -> None:
    references = pictures(200, size)
    found = nearest_images(turned(references, code), references, 2, intensity_range=BYTES)
    assert found.indices[:, 0].tolist() == list(range(200))
    assert set(found.flips[:, 0].tolist()) == {code}
    assert set(found.distances[:, 0].tolist()) == {0.0}
    assert (found.distances[:, 1] > 0).all()


def test_distances_are_of_intensities_on_0_to_1() -> None:
    black, white = (np.full((1, 2, 12, 12), value, np.uint8) for value in (0, 255))
    grey = np.full((1, 2, 12, 12), 127.5, np.float32)
    assert nearest_images(black, white, intensity_range=BYTES).distances.item() == 1
    assert nearest_images(grey, white, intensity_range=BYTES).distances.item() == 0.5
    assert nearest_images(grey, white, intensity_range=BYTES / 2).distances.item() == 0


def test_of_equals_the_first_come_first() -> None:
    references = np.repeat(pictures(1), 500, axis=0)
    found = nearest_images(references[:3], references, 7, intensity_range=BYTES)
    assert found.indices.tolist() == [list(range(7))] * 3


def test_few_references_are_repeated_in_their_order() -> None:
    references = pictures(2)
    found = nearest_images(references[[1]], references, 5, intensity_range=BYTES)
    assert found.indices.tolist() == [[1, 0, 1, 0, 1]]
    assert (found.distances[0] > 0).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize(("queries", "references", "pixels"), [(1, 1, 2**24), (3, 2, 2**24), (7, 50, 2**24), (9, 9, 1)])
@pytest.mark.parametrize("flips", [False, True])
def test_blocks_do_not_matter(
    monkeypatch: pytest.MonkeyPatch, queries: int, references: int, pixels: int, flips: bool
) -> None:
    images, others = pictures(11, seed=1, levels=3), pictures(31, seed=2, levels=3)
    expected = nearest_images(images, others, 4, intensity_range=BYTES, flips=flips)
    monkeypatch.setattr(neighbours, "QUERIES_AT_A_TIME", queries)
    monkeypatch.setattr(neighbours, "REFERENCES_AT_A_TIME", references)
    monkeypatch.setattr(neighbours, "PIXELS_AT_A_TIME", pixels)
    found = nearest_images(images, others, 4, intensity_range=BYTES, flips=flips)
    assert_same(found, expected)
    np.testing.assert_array_equal(found.distances, expected.distances)


@pytest.mark.parametrize(
    ("queries", "references", "k", "intensity_range", "because"),
    [
        (pictures(2), pictures(2), 0, BYTES, r"give 1 or more, not 0"),
        (pictures(2), pictures(2), -3, BYTES, r"give 1 or more, not -3"),
        (pictures(2), pictures(2, (12, 20)), 1, BYTES, r"\(2, 12, 12\) .* \(2, 12, 20\) .* the same size"),
        (pictures(2), pictures(2, channels=1), 1, BYTES, r"\(1, 12, 12\) .* bring both to the same"),
        (pictures(2)[0], pictures(2), 1, BYTES, "queries have 3 axes; four are needed"),
        (pictures(2), pictures(2)[0], 1, BYTES, "references have 3 axes; four are needed"),
        (pictures(2), pictures(0), 1, BYTES, "no references; give at least one"),
        (pictures(2), np.full((2, 2, 12, 12), np.nan), 1, BYTES, "NaN or infinite values in the references"),
        (pictures(2), pictures(2), 1, BYTES[:1], "for each of 2 channels"),
        (pictures(2), pictures(2), 1, BYTES[:, ::-1], "a low and a higher number"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    queries: Images, references: Images, k: int, intensity_range: Images, because: str
) -> None:
    with pytest.raises(CellsError, match=because):
        nearest_images(queries, references, k, intensity_range=intensity_range)


def test_progress_goes_up_to_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "QUERIES_AT_A_TIME", 4)
    monkeypatch.setattr(neighbours, "REFERENCES_AT_A_TIME", 8)
    seen: list[float] = []
    # All alike, so that each query is searched more than once.
    images = np.repeat(pictures(1), 40, axis=0)
    nearest_images(images[:10], images, intensity_range=BYTES, progress=seen.append)
    assert seen == sorted(set(seen))
    assert len(seen) == 3 * 5
    assert seen[-1] == 1


def test_a_search_can_be_stopped_at_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "REFERENCES_AT_A_TIME", 8)
    answers = iter([False, False, True])
    seen: list[float] = []
    with pytest.raises(SearchStoppedError, match="stopped"):
        nearest_images(
            pictures(1), pictures(40), intensity_range=BYTES, should_stop=lambda: next(answers), progress=seen.append
        )
    assert seen == [0.2, 0.4]
    assert not issubclass(SearchStoppedError, RuntimeError)


def precisions() -> list[str]:
    kinds = (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)
    return [kind.fp32_precision for kind in kinds if hasattr(kind, "fp32_precision")]


@pytest.fixture
def fast_products() -> Iterator[None]:
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision("highest")


@pytest.mark.usefixtures("fast_products")
@pytest.mark.parametrize("is_old_torch", [False, True])
def test_products_are_float32_whatever_is_set_and_what_is_set_stays(
    monkeypatch: pytest.MonkeyPatch, is_old_torch: bool
) -> None:
    if is_old_torch:
        monkeypatch.setattr(torch.backends.mkldnn, "matmul", None)
    elif not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        pytest.skip("this torch has one setting for all devices")
    ask = torch.get_float32_matmul_precision if is_old_torch else precisions
    before = ask()
    asked: list[Any] = []
    nearest_images(pictures(1), pictures(2), intensity_range=BYTES, progress=lambda _: asked.append(ask()))
    assert asked == (["highest"] if is_old_torch else [["ieee", "ieee"]])
    assert ask() == before
    assert before != asked[0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_finds_the_same() -> None:
    queries, references = pictures(200, (48, 80), seed=1), pictures(2000, (48, 80), seed=2)
    on_cpu = nearest_images(queries, references, 5, intensity_range=BYTES)
    on_gpu = nearest_images(queries, references, 5, intensity_range=BYTES, device="cuda")
    assert_same(on_gpu, on_cpu)
    np.testing.assert_array_equal(on_gpu.distances, on_cpu.distances)


# -- cells of other classes by their red


@settings(max_examples=20, deadline=None)
@given(
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    k=st.integers(1, 6),
    flips=st.booleans(),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
    seed=st.integers(0, 2**16),
)
def test_red_neighbours_are_those_of_brute_force(counts: list[int], k: int, flips: bool, dtype: Any, seed: int) -> None:
    cells = cell_set(*counts, dtype=dtype, seed=seed, intensity_range=[[10, 200], [0, 255]])
    found = find_red_neighbours(cells, k, flips=flips, cache=None)
    assert found.indices.shape == found.flips.shape == found.distances.shape == (sum(counts), len(counts), k)
    starts = np.cumsum([0, *counts])
    for here, queries in enumerate(cells.images):
        for there, references in enumerate(cells.images):
            part = (slice(starts[here], starts[here + 1]), there)
            expected = brute_force(queries[:, :1], references[:, :1], k, cells.intensity_range[:1], flips=flips)
            if here == there:
                own = np.repeat(np.arange(counts[here])[:, None], k, axis=1).astype(np.int32)
                expected = Neighbours(own, np.zeros_like(own, np.uint8), np.zeros_like(own, np.float32))
            assert_same(Neighbours(found.indices[part], found.flips[part], found.distances[part]), expected)


def test_cells_are_in_the_order_of_the_pool() -> None:
    cells = cell_set(6, 9, 4)
    found = find_red_neighbours(cells, 1, cache=None)
    pooled = cells.pool().images[0]
    for there, images in enumerate(cells.images):
        nearest = images[found.indices[:, there, 0]]
        aligned = np.stack([turned(image, code) for image, code in zip(nearest, found.flips[:, there, 0], strict=True)])
        difference = (aligned[:, 0].astype(float) - pooled[:, 0]) / 255
        np.testing.assert_allclose((difference**2).mean((1, 2)) ** 0.5, found.distances[:, there, 0], rtol=1e-5)


def test_green_does_not_matter() -> None:
    cells = cell_set(8, 9)
    other_greens = [np.concatenate([a[:, :1], a[:, 1:] // 3 + k], axis=1) for k, a in enumerate(cells.images)]
    assert_same(
        find_red_neighbours(CellSet(other_greens, cells.class_names), cache=None),
        find_red_neighbours(cells, cache=None),
    )


def test_progress_is_of_all_classes(cache: Path) -> None:
    seen: list[float] = []
    find_red_neighbours(cell_set(6, 9, 4), progress=seen.append)
    assert seen == sorted(set(seen))
    assert len(seen) == 6
    assert seen[-1] == 1
    seen.clear()
    find_red_neighbours(cell_set(6, 9, 4), progress=seen.append)
    assert seen == [1]


def test_without_neighbours_nothing_is_searched() -> None:
    with pytest.raises(CellsError, match="give 1 or more, not 0"):
        find_red_neighbours(cell_set(3, 4), 0)


# -- what is kept


def kept_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_found_is_not_searched_again(cache: Path, searches: list[int]) -> None:
    first = find_red_neighbours(cell_set(6, 9))
    again = find_red_neighbours(cell_set(6, 9))
    assert searches == [5]
    assert_same(again, first)
    (name,) = kept_in(cache)
    assert name.startswith("red-neighbours-")
    assert name.endswith(".npz")


def test_other_cells_counts_and_flips_are_kept_apart(cache: Path, searches: list[int]) -> None:
    find_red_neighbours(cell_set(6, 9))
    find_red_neighbours(cell_set(6, 9, seed=1))
    find_red_neighbours(cell_set(6, 9), 3)
    find_red_neighbours(cell_set(6, 9), flips=False)
    find_red_neighbours(cell_set(6, 9, intensity_range=[[0, 200], [0, 255]]))
    assert len(searches) == len(kept_in(cache)) == 5


def test_a_folder_of_ones_own_and_none(cache: Path, tmp_path: Path, searches: list[int]) -> None:
    find_red_neighbours(cell_set(6, 9), cache=tmp_path / "own")
    find_red_neighbours(cell_set(6, 9), cache=str(tmp_path / "own"))
    assert searches == [5]
    find_red_neighbours(cell_set(6, 9), cache=None)
    assert searches == [5, 5]
    assert len(kept_in(tmp_path / "own")) == 1
    assert not cache.exists()


def test_default_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_cache() == cache
    monkeypatch.setenv("BIOGANS_CACHE", "")
    assert default_cache() == platformdirs.user_cache_path("napari-biogans", appauthor=False)


def other_arrays(path: Path, **changes: Any) -> None:
    with np.load(path) as kept:
        arrays = dict(kept)
    np.savez(path, **arrays | changes)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not an archive"),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "in the header of the archive": lambda path: path.write_bytes(b"PX" + path.read_bytes()[2:]),
    "in an array": lambda path: path.write_bytes(path.read_bytes().replace(b"\x01\x00\x00\x00", b"\x02\x00\x00\x00")),
    "one array only": lambda path: np.savez(path, indices=np.zeros(3)),
    "no archive of arrays": lambda path: path.write_bytes(_bytes_of_array()),
    "objects": lambda path: other_arrays(path, flips=np.array([{}], dtype=object)),
    "shape": lambda path: other_arrays(path, indices=np.zeros((15, 2, 4), np.int32)),
    "type": lambda path: other_arrays(path, distances=np.zeros((15, 2, 5))),
    "places that are not there": lambda path: other_arrays(path, indices=np.full((15, 2, 5), 6, np.int32)),
    "places below 0": lambda path: other_arrays(path, indices=np.full((15, 2, 5), -1, np.int32)),
    "flips that are not there": lambda path: other_arrays(path, flips=np.full((15, 2, 5), 4, np.uint8)),
}


def _bytes_of_array() -> bytes:
    from io import BytesIO

    file = BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_replaced(cache: Path, searches: list[int], damage: str) -> None:
    expected = find_red_neighbours(cell_set(6, 9))
    (path,) = cache.iterdir()
    DAMAGES[damage](path)
    for _ in range(2):
        assert_same(find_red_neighbours(cell_set(6, 9)), expected)
    assert searches == [5, 5]
    assert kept_in(cache) == [path.name]


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    with pytest.warns(CellsWarning, match="Set BIOGANS_CACHE to a folder that can be written to") as told:
        found = find_red_neighbours(cell_set(6, 9), cache=no_folder)
    assert told[0].filename == __file__
    assert_same(found, find_red_neighbours(cell_set(6, 9), cache=None))


def test_of_a_stopped_search_nothing_is_kept(cache: Path) -> None:
    answers = iter([False, True])
    with pytest.raises(SearchStoppedError):
        find_red_neighbours(cell_set(6, 9), should_stop=lambda: next(answers))
    assert not cache.exists()


def test_importing_needs_no_torch() -> None:
    code = "import sys, napari_biogans.cells.neighbours; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"
