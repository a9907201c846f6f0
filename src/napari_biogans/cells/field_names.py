"""How fields are named after their files, and what the names tell about which of them belong together."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.field import Field
from napari_biogans.cells.ome_zarr import is_zarr, store_of

SUFFIXES = (".tif", ".tiff", ".png", ".npy", ".zarr")
MEMORY = "memory"
"""The source of fields of arrays."""

PARTS = re.compile(r"[-_.,;+@#()\[\]\s/]+")
"""What stands between the parts of a name."""


def field_name(source: str) -> str:
    """Name a field after its file; one within a Zarr store by its way in it, such as ``plate/A/1/0``."""
    path, file = _file_of(source)
    return "/".join([file_stem(file.name), *path.relative_to(file).parts])


def file_stem(name: str) -> str:
    """Take the ending off the name of a file of fields."""
    for ending in (".ome.tif", ".ome.tiff", ".ome.zarr", *SUFFIXES):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def named_apart(fields: Sequence[Field]) -> list[Field]:
    """Put folders before the names of all fields, as many as it takes to tell them apart.

    Parameters
    ----------
    fields : sequence of Field

    Returns
    -------
    list of Field

    Raises
    ------
    CellsError
        If a file is there twice.
    """
    folders: list[tuple[str, ...]] = []
    for field in fields:
        above = Path() if field.source == MEMORY else _file_of(field.source)[1].parent
        folders.append(above.relative_to(above.anchor).parts)
    for height in range(max(map(len, folders), default=0) + 1):
        names = [
            "/".join([*above[max(0, len(above) - height) :], field.name])
            for field, above in zip(fields, folders, strict=True)
        ]
        if len(set(names)) == len(names):
            return [replace(field, name=name) for field, name in zip(fields, names, strict=True)]
    twice = next(field for k, field in enumerate(fields) if names.index(names[k]) < k)
    raise CellsError(f"{twice.source} is given twice; give every image once.")


def _file_of(source: str) -> tuple[Path, Path]:
    """Give the whole path of an image, and that of its file: itself, or the Zarr store that it lies in."""
    # Not resolved: the names of links are those that people chose.
    path = Path(os.path.abspath(source))  # noqa: PTH100
    return path, store_of(path) if is_zarr(path) else path


def difference(first: str, second: str) -> tuple[str, str]:
    """Find the parts in which two names differ, between what they begin and end with."""
    start = _common_length(first, second)
    left, right = first[start:], second[start:]
    end = _common_length(left[::-1], right[::-1])
    return left[: len(left) - end], right[: len(right) - end]


def may_be_of_different_fields(first: str, second: str) -> bool:
    """Tell whether the names of the only two files hint that these are channels of different fields.

    One part of them may differ, which names the channel. If others do, and
    there are numbers in one of those that differ, they are likely to be those
    of wells, fields or times.

    Parameters
    ----------
    first, second : str
        Without ending, as `field_name` gives them.

    Returns
    -------
    bool

    Examples
    --------
    >>> may_be_of_different_fields("Channel2-02-A-02", "Channel1-02-A-02")
    False
    >>> may_be_of_different_fields("red-02", "green-04")
    True
    """
    parts = [PARTS.split(name.casefold()) for name in (first, second)]
    if len(parts[0]) != len(parts[1]):
        return False
    differing = [pair for pair in zip(*parts, strict=True) if pair[0] != pair[1]]
    return len(differing) > 1 and any(_has_number(one) and _has_number(other) for one, other in differing)


def _has_number(part: str) -> bool:
    return any(letter.isdigit() for letter in part)


def _common_length(first: str, second: str) -> int:
    """Count the letters with which both begin."""
    shorter = min(len(first), len(second))
    return next((k for k in range(shorter) if first[k] != second[k]), shorter)
