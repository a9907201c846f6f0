"""Writing cell sets so that ImageJ, napari and `read_cells` open them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_biogans.cells.archives import write_archive
from napari_biogans.cells.cellset import CellsError, CellSet
from napari_biogans.cells.layout import IMAGE_SUFFIXES, scan
from napari_biogans.cells.records import STACK_ENDING, Record, column_types, table_path, write_table
from napari_biogans.cells.tiff_stacks import is_written_by_us
from napari_biogans.files import replacing

# ImageJ's own format ends at 4 GB; some room is left for the labels of the images.
LARGEST_IMAGEJ_FILE = 2**32 - 2**27
# A fraction of two 32-bit numbers holds these resolutions (pixels per µm) with enough digits.
IMAGEJ_RESOLUTIONS = (1e-4, 1e5)
LONGEST_STEM = 120  # bytes: file systems hold 255, and temporary names are longer
FORBIDDEN = set('<>:"/\\|?*%')
WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE | re.DOTALL)


def write_cells(cells: CellSet, path: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
    """Write a cell set.

    Parameters
    ----------
    cells : CellSet
    path : path-like
        A folder, which gets one TIFF stack per class, and beside it a table of
        its cells (CSV) with their features; or an .npz file, which gets one
        array (N, C, H, W) per class.

        Stacks are ImageJ hyperstacks with axes TCYX (T counts cells), channel
        names, red and green colours, display range and pixel size; those too
        large for ImageJ's format (4 GB) are OME-TIFF. Files are named as the
        classes, with %XX for what a file name cannot hold.
    overwrite : bool
        Replace the cell set that is there. In a folder, stacks that
        `write_cells` wrote are taken away; others are never touched.

    Returns
    -------
    list of pathlib.Path
        The stacks, in the order of the classes, or the archive. `read_cells`
        gives the same set back from the folder or the archive.

    Raises
    ------
    CellsError
        If there are cells at `path` already and `overwrite` is False, if the
        folder holds images of someone else's, or if `path` is no place for a
        cell set.
    OSError
        If the disk is full or may not be written to. Then nothing has changed
        at `path`.

    Examples
    --------
    >>> import tempfile
    >>> from napari_biogans.cells import read_cells
    >>> rng = np.random.default_rng(0)
    >>> cells = CellSet([rng.integers(0, 255, (10, 2, 48, 80), dtype=np.uint8)], ["Tea1"], pixel_size=0.1)
    >>> folder = tempfile.mkdtemp()
    >>> [path.name for path in write_cells(cells, folder)]
    ['Tea1.cells.tif']
    >>> read_cells(folder)
    CellSet(10 cells, 48x80 uint8, 0.1 µm/pixel; Tea1: 10)
    """
    path = Path(path).expanduser()
    if path.suffix.lower() == ".npz":
        if path.exists() and not overwrite:
            raise _exists(path)
        write_archive(cells, path)
        return [path]
    if path.is_file() or path.suffix.lower() in IMAGE_SUFFIXES:
        raise CellsError(f"{path} is no place for a cell set; give a folder, or a file that ends in .npz.")
    return _write_folder(cells, path, overwrite)


def check_free(folder: Path, *, overwrite: bool, option: str = "") -> None:
    """Refuse a folder that `write_cells` would refuse, before the work that makes the cells.

    Parameters
    ----------
    folder : pathlib.Path
    overwrite : bool
        As for `write_cells`.
    option : str
        What to give so that cells are replaced, if there is such a thing.

    Raises
    ------
    CellsError
        Also if the folder cannot be looked into.
    """
    try:
        if folder.is_file():
            raise CellsError(f"{folder} is a file; give a folder for the cell set.")
        if _written_before(folder) and not overwrite:
            raise _exists(folder, option)
    except OSError as error:
        raise CellsError(f"{folder} cannot be looked into: {error.strerror}; choose another folder.") from error


def _exists(path: Path, option: str = "overwrite=True") -> CellsError:
    if not option:
        return CellsError(f"There are cells in {path} already; choose another folder, or an empty one.")
    return CellsError(f"There are cells in {path} already; choose another place, or replace them with {option}.")


def file_stems(class_names: Sequence[str]) -> list[str]:
    """Make file names, without their endings, for classes.

    Parameters
    ----------
    class_names : sequence of str
        Any text.

    Returns
    -------
    list of str
        Valid on every system, and different from each other even where upper
        and lower case count as the same.

    Examples
    --------
    >>> file_stems(["Tea1", "tea1", "0/5 µM", "con"])
    ['Tea1', 'tea1-2', '0%2F5 µM', '%63on']
    """
    stems: list[str] = []
    used: set[str] = set()
    for name in class_names:
        stem = _escape(name)
        number = 1
        while (key := unicodedata.normalize("NFKC", f"{stem}-{number}" if number > 1 else stem).casefold()) in used:
            number += 1
        used.add(key)
        stems.append(f"{stem}-{number}" if number > 1 else stem)
    return stems


def _escape(name: str) -> str:
    # Hidden files are not read, and ".ome" would be taken for part of the ending.
    escape_first = name.startswith(".") or WINDOWS_DEVICES.fullmatch(name) is not None
    escape_last = name.lower().endswith(".ome") or name.endswith((".", " "))
    stem = ""
    for place, letter in enumerate(name or "class"):
        forbidden = letter in FORBIDDEN or not letter.isprintable()
        if forbidden or (place == 0 and escape_first) or (place == len(name) - 1 and escape_last):
            letter = "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))
        if len((stem + letter).encode()) > LONGEST_STEM:
            break
        stem += letter
    return stem


def _write_folder(cells: CellSet, folder: Path, overwrite: bool) -> list[Path]:
    old = _written_before(folder)
    stems = file_stems(cells.class_names)
    writers = [_write_ome if _is_too_large(images) else write_imagej_stack for images in cells.images]
    paths = [
        folder / (stem + STACK_ENDING + (".ome.tif" if write is _write_ome else ".tif"))
        for stem, write in zip(stems, writers, strict=True)
    ]
    tables = [table_path(path) for path in paths]
    if not overwrite and (old or any(table.exists() for table in tables)):
        raise _exists(folder)
    with ExitStack() as new:  # all files get their names when all are complete
        for position, features in enumerate(cells.features):
            write_table(features, new.enter_context(replacing(tables[position])))
            writers[position](cells, position, new.enter_context(replacing(paths[position])))
    for stale in old:
        # Where upper and lower case count as the same, an old name may now be that of a new file.
        if not any(stale.exists() and path.samefile(stale) for path in paths):
            stale.unlink(missing_ok=True)
            if table_path(stale) not in tables:
                table_path(stale).unlink(missing_ok=True)
    return paths


def _written_before(folder: Path) -> list[Path]:
    """List the stacks of `write_cells` in a folder; refuse a folder with images of someone else's."""
    if not folder.is_dir():
        return []
    images, subfolders = scan(folder)
    foreign = [image for image in images if not is_written_by_us(image)]
    foreign += [image for _, subfolder in subfolders for image in scan(subfolder)[0]]
    if foreign:
        raise CellsError(
            f"{folder} holds images that are not of a cell set of ours, {foreign[0]} for one; choose another folder."
        )
    return [Path(image) for image in images]


def _record(cells: CellSet, position: int) -> Record:
    features = cells.features
    scaled = features[position].get("normalisation")
    return Record(
        class_name=cells.class_names[position],
        position=position,
        dtype=cells.dtype.name,
        channel_names=tuple(cells.channel_names),
        pixel_size=None if cells.pixel_size is None else float(cells.pixel_size),
        intensity_range=tuple((float(low), float(high)) for low, high in cells.intensity_range),
        features=column_types(features[position]),
        normalisation=None if scaled is None else ", ".join(sorted(set(map(str, scaled)))),
    )


def _is_too_large(images: NDArray[Any]) -> bool:
    return images.nbytes > LARGEST_IMAGEJ_FILE


def write_imagej_stack(cells: CellSet, position: int, path: Path) -> None:
    """Write one class as an ImageJ hyperstack.

    Parameters
    ----------
    cells : CellSet
    position : int
        Which class.
    path : pathlib.Path
        Overwritten if it exists.
    """
    images = cells.images[position]
    metadata: dict[str, Any] = {
        "axes": "TCYX",
        "mode": "composite",
        "Info": _record(cells, position).to_text(),
        "Labels": [_printable(name) for name in cells.channel_names] * len(images),
        "Ranges": tuple(np.asarray(cells.intensity_range, float).ravel()),
        "LUTs": [_lookup_table(colour) for colour in _colours(cells)],
    }
    resolution = None
    if cells.pixel_size is not None and IMAGEJ_RESOLUTIONS[0] < 1 / cells.pixel_size < IMAGEJ_RESOLUTIONS[1]:
        metadata["unit"] = "um"
        resolution = (1 / cells.pixel_size, 1 / cells.pixel_size)
    tifffile.imwrite(path, images, imagej=True, photometric="minisblack", resolution=resolution, metadata=metadata)


def _write_ome(cells: CellSet, position: int, path: Path) -> None:
    metadata: dict[str, Any] = {
        "axes": "TCYX",
        "Description": _record(cells, position).to_text(),
        "Channel": {
            "Name": [_printable(name) for name in cells.channel_names],
            # OME counts colours as red, green, blue and opacity in one signed number.
            "Color": [int.from_bytes(bytes((*colour, 255)), signed=True) for colour in _colours(cells)],
        },
    }
    if cells.pixel_size is not None:
        for axis in "XY":
            metadata[f"PhysicalSize{axis}"] = float(cells.pixel_size)
            metadata[f"PhysicalSize{axis}Unit"] = "µm"
    tifffile.imwrite(path, cells.images[position], ome=True, bigtiff=True, photometric="minisblack", metadata=metadata)


def _colours(cells: CellSet) -> list[tuple[int, int, int]]:
    """Red, green, and grey for what else there may be."""
    return [(255, 0, 0), (0, 255, 0), *[(255, 255, 255)] * (len(cells.channel_names) - 2)]


def _lookup_table(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.outer(np.array(colour) // 255, np.arange(256)).astype(np.uint8)


def _printable(name: str) -> str:
    """Replace what XML and ImageJ cannot hold; the record keeps the name as it is."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
