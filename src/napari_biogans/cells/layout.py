"""Which files of a folder make which class."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from napari_biogans.cells.cellset import CellsError

TIFF_SUFFIXES = (".tif", ".tiff")
IMAGE_SUFFIXES = (".png", *TIFF_SUFFIXES)
# Pictures all the same: leaving them out in silence could leave half of a data set out.
OTHER_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jp2", ".gif", ".bmp", ".webp", ".czi", ".nd2", ".lif", ".lsm", ".dv", ".stk")


class Folder(NamedTuple):
    """A folder that holds images."""

    name: str
    path: str
    images: list[str]
    """Paths, in natural order."""


class Layout(NamedTuple):
    """Where the images of a folder lie."""

    own: Folder | None
    """The folder itself, when the images lie in it directly."""
    classes: list[Folder]
    """Its sub-folders with images, in natural order."""
    empty: list[str]
    """Names of sub-folders without images."""


def natural_order(name: str) -> tuple[list[tuple[int, int | str]], str]:
    """Give a key that sorts `dose-9` before `dose-10`.

    Examples
    --------
    >>> sorted(["dose-10", "Dose-9", "dose-2"], key=natural_order)
    ['dose-2', 'Dose-9', 'dose-10']
    """
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part)) if part.isdigit() and part.isascii() else (1, part.casefold()) for part in parts], name


def look_into(folder: Path) -> Layout:
    """Find the images of a folder, one or two levels deep.

    Hidden files and files that are no images are passed over.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    Layout
        With either images in the folder itself or classes, not both.

    Raises
    ------
    CellsError
        If there are no images, images in several levels, or images of a
        format that is not read.
    """
    own, subfolders = scan(folder)
    found = [(name, path, *scan(path)) for name, path in subfolders]
    classes = [Folder(name, str(path), images) for name, path, images, _ in found if images]
    if own and classes:
        raise CellsError(
            f"{folder} holds images itself ({own[0]}) and folders of images ({classes[0].path}); "
            "give each class its folder, or put all images into one."
        )
    if not own and not classes:
        raise _no_images(folder, [path for _, _, _, deeper in found for _, path in deeper])
    for images in [own] if own else [found_folder.images for found_folder in classes]:
        _check_formats(images)
    return Layout(
        Folder(folder.resolve().name, str(folder), own) if own else None,
        classes,
        [name for name, _, images, _ in found if not images],
    )


def may_hold_cells(path: Path) -> bool:
    """Tell whether a path may be that of a cell set, by the names of its files alone.

    Examples
    --------
    >>> may_hold_cells(Path("missing.npz"))
    False
    """
    if path.is_file():
        return path.name.lower().endswith((".npz", *IMAGE_SUFFIXES))
    try:
        return path.is_dir() and bool(look_into(path))
    except CellsError:
        return False


def scan(folder: Path) -> tuple[list[str], list[tuple[str, Path]]]:
    """List what lies in a folder directly, in natural order, save what is hidden.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    images : list of str
        Paths of images of any format, read or not.
    subfolders : list of (str, pathlib.Path)
        Names and paths.

    Raises
    ------
    CellsError
        If the folder cannot be opened.
    """
    images, subfolders = [], []
    for entry in _entries(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            subfolders.append((entry.name, Path(entry.path)))
        elif entry.name.lower().endswith(IMAGE_SUFFIXES + OTHER_IMAGE_SUFFIXES):
            images.append(entry.path)
    images.sort(key=natural_order)
    subfolders.sort(key=lambda named: natural_order(named[0]))
    return images, subfolders


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise CellsError(f"{folder} cannot be opened: {error.strerror}.") from error


def _check_formats(images: list[str]) -> None:
    for image in images:
        if not image.lower().endswith(IMAGE_SUFFIXES):
            raise CellsError(f"{image} is of a format that is not read; save it as TIFF or PNG, or take it away.")


def _no_images(folder: Path, deeper: list[Path]) -> CellsError:
    holders = [path for path in deeper if scan(path)[0]]
    if holders:
        parents = list(dict.fromkeys(str(path.parent) for path in holders))
        return CellsError(
            f"There are no images in {folder} or its folders; they lie deeper, in {holders[0]}. "
            f"Point at {' or '.join(parents)}."
        )
    arrays = sorted(folder.glob("*.npz"))
    if arrays:
        return CellsError(f"There are no images in {folder}; point at the file {arrays[0]} itself.")
    return CellsError(
        f"There are no images in {folder}; it should hold a folder of PNG or TIFF images for each class, "
        "or a TIFF stack for each class."
    )
