"""Fields from files, folders and arrays: which planes there are, and which red goes with which green."""

from __future__ import annotations

import glob
import math
import operator
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_biogans.cells.cellset import CellsError, CellsWarning
from napari_biogans.cells.field import Field, Plane, check_fields
from napari_biogans.cells.field_arrays import OpenArray, both_apart, open_array
from napari_biogans.cells.field_names import (
    MEMORY,
    SUFFIXES,
    difference,
    field_name,
    file_stem,
    may_be_of_different_fields,
    named_apart,
)
from napari_biogans.cells.layout import natural_order
from napari_biogans.cells.ome_zarr import is_inner_image, is_zarr

Images = Any
"""A path, a pattern with *, a folder, an array, or a sequence of them."""
Classes = str | Mapping[str, str] | Callable[[Field], str] | None
FOLDER = "folder"
SAME_SIZE = 0.01
"""Pixel sizes of red and green that differ by no more than this part are the same."""


def read_fields(
    red: Images,
    green: Images = None,
    labels: Images = None,
    *,
    classes: Classes = None,
    channels: tuple[int, int] = (0, 1),
    pixel_size: float | None = None,
) -> list[Field]:
    """Find fields in files, folders or arrays. No pixels are read yet.

    Parameters
    ----------
    red, green : path, pattern, folder, array, or sequence of them
        TIFF (uncompressed ones of any size are read in parts), PNG, NPY, and
        OME-Zarr where the package zarr is installed. A folder is all images in
        it, or in the folders in it; a pattern is a path with ``*``, such as
        ``raw/red-*.tif`` or, for all images of a plate, ``plate.zarr/*/*/*``.
        Arrays may be of any kind that has `shape`, `dtype` and slices, such as
        dask; their last axes are rows and columns.

        Times and positions, in further axes of a file or an array, are fields
        of their own. Without green, the files of red hold both, in a channel
        axis; of an array that does, give ``array[0], array[1]``.

        Files of red and green are paired by their names, which must differ in
        one and the same part (``Channel2-07.tif``, ``Channel1-07.tif``);
        sequences are paired in their order. Where there is one file of each,
        there is nothing to compare their names with.
    labels : as red, optional
        Labels of the cells, paired in the same way.
    classes : str, dict, callable, optional
        What green shows: one name for all; a dict from the name of a field, or
        the stem of its file, to its class; a function of the `Field`; or
        "folder", for the name of the folder that the file is in. See
        `class_table` for tables. By default all are of one class, "cells".
    channels : (int, int)
        Which channels of files with both are red and green, from 0; not the
        same twice.
    pixel_size : float, optional
        In µm, positive; by default as the files say.

    Returns
    -------
    list of Field
        Named after the files of red; those in a Zarr store by their way in it,
        such as ``plate/A/1/0``. As many folders come before as it takes to
        tell all apart.

    Raises
    ------
    CellsError
        If channels or pixel size make no sense; if files are missing, damaged,
        or do not pair; or fields do not go together.

    Warns
    -----
    CellsWarning
        If the only two files seem to be of different fields, such as
        ``red-02.tif`` and ``green-04.tif``. A list of one file each is taken
        as it is.

    Examples
    --------
    >>> movie = np.zeros((3, 100, 120), np.uint16)
    >>> [field.name for field in read_fields(movie, movie, classes="Tea1")]
    ['field[0]', 'field[1]', 'field[2]']
    """
    _check_channels(channels)
    _check_pixel_size(pixel_size)
    reds = _images(red, "red")
    if green is None:
        fields = [field for image in reds for field in _two_channels(image, channels)]
    else:
        greens = _images(green, "green")
        pairs = _pairs(reds, greens, "green", _are_listed(red, green))
        if all(isinstance(images, str | os.PathLike) for images in (red, green)):
            _warn_of_a_single_pair(pairs)
        fields = [field for pair in pairs for field in _one_channel(*pair)]
    if labels is not None:
        found = _pairs(reds, _images(labels, "labels"), "labels", _are_listed(red, labels))
        planes = [plane for _, image in found for _, plane in _planes(image)]
        if len(planes) != len(fields):
            raise CellsError(f"There are {len(planes)} planes of labels for {len(fields)} fields; give one for each.")
        fields = [replace(field, labels=plane) for field, plane in zip(fields, planes, strict=True)]
    if pixel_size is not None:
        fields = [replace(field, pixel_size=pixel_size) for field in fields]
    fields = named_apart(fields)
    fields = [replace(field, class_name=_class_of(field, classes)) for field in fields]
    check_fields(fields)
    return fields


def _check_channels(channels: Any) -> None:
    try:
        numbers = [operator.index(channel) for channel in channels]
    except TypeError:
        numbers = []
    if len(numbers) != 2 or min(numbers) < 0 or numbers[0] == numbers[1]:
        raise CellsError(
            "Give as channels the numbers of two different ones, of red and of green, from 0, such as (0, 1), not "
            f"{channels!r}."
        )


def _check_pixel_size(pixel_size: Any) -> None:
    is_number = isinstance(pixel_size, int | float | np.integer | np.floating) and pixel_size is not True
    if pixel_size is not None and not (is_number and 0 < pixel_size < math.inf):
        raise CellsError(f"Give as pixel size a positive number of µm, such as 0.32, not {pixel_size!r}.")


@dataclass(frozen=True)
class _Image:
    """One file or array of fields."""

    name: str
    source: str
    opened: OpenArray


def _images(given: Images, what: str) -> list[_Image]:
    """Open all that is given, in natural order where it is found in folders."""
    if isinstance(given, str | os.PathLike):
        paths = _paths(os.fspath(given))
        return [_Image(field_name(path), path, open_array(path)) for path in paths]
    if hasattr(given, "shape") and hasattr(given, "dtype"):
        return [_Image("field", MEMORY, OpenArray.of(given))]
    if not isinstance(given, Sequence) or not len(given):
        raise CellsError(f"For {what} give a path, an array, or a list of them, not {type(given).__name__}.")
    images = [image for part in given for image in _images(part, what)]
    in_memory = [image for image in images if image.source == MEMORY]
    if len(in_memory) > 1:
        numbers = iter(range(len(in_memory)))
        images = [replace(i, name=f"field {next(numbers)}") if i.source == MEMORY else i for i in images]
    return images


def _paths(given: str) -> list[str]:
    path = Path(given).expanduser()
    if path.is_dir() and not is_zarr(path):
        found = [str(inner) for inner in path.iterdir()]
        found += [
            str(inner)
            for folder in path.iterdir()
            if folder.is_dir() and not is_zarr(folder)
            for inner in folder.iterdir()
        ]
    elif path.exists():
        return [str(path)]
    else:
        found = glob.glob(str(path), recursive=True)  # noqa: PTH207  # an absolute pattern is none for Path.glob
        if not found:
            raise CellsError(f"There is nothing at {path}; check the path or the pattern.")
    found = [p for p in found if not Path(p).name.startswith(".")]
    # What lies within stores is meant where nothing else is, not wherever ** reaches it.
    images = [p for p in found if p.lower().endswith(SUFFIXES)] or [p for p in found if is_inner_image(Path(p))]
    if not images:
        raise CellsError(f"There are no images at {path}; fields are read from {', '.join(SUFFIXES)}.")
    return sorted(images, key=natural_order)


def _are_listed(*given: Images) -> bool:
    """Tell whether the order of what is given means something: it was listed, or is one array or file."""
    return all(not isinstance(images, str | os.PathLike) or Path(images).expanduser().is_file() for images in given)


def _pairs(reds: list[_Image], others: list[_Image], what: str, listed: bool) -> list[tuple[_Image, _Image]]:
    if len(reds) != len(others):
        raise CellsError(
            f"There are {len(reds)} images of red and {len(others)} of {what}; they have to be as many. The first are "
            f"{reds[0].source} and {others[0].source}."
        )
    if listed:
        return list(zip(reds, others, strict=True))
    # Sorting by name pairs them where all pairs differ in the same way.
    differences = {difference(red.name, other.name) for red, other in zip(reds, others, strict=True)}
    if len(differences) > 1:
        for red, other in zip(reds, others, strict=True):
            if difference(red.name, other.name) != difference(reds[0].name, others[0].name):
                raise CellsError(
                    f"It is not clear which {what} goes with which red: {reds[0].name} would go with {others[0].name}, "
                    f"and {red.name} with {other.name}. Name the files alike, or give lists of them in their order."
                )
    return list(zip(reds, others, strict=True))


def _warn_of_a_single_pair(pairs: list[tuple[_Image, _Image]]) -> None:
    """Warn of two files of different fields, as there are no others to see what names have in common."""
    if len(pairs) == 1 and may_be_of_different_fields(*(image.name for image in pairs[0])):
        first, second = (image.name if "/" in image.name else Path(image.source).name for image in pairs[0])
        warnings.warn(
            f"{first} and {second} are taken as red and green of one field, but their names differ in more than one "
            "part: are they of the same field? In Python, lists of one file each say so.",
            CellsWarning,
            stacklevel=3,
        )


def _planes(image: _Image, channel: int | None = None) -> Iterator[tuple[int, Any]]:
    """Give the planes of an image with their numbers; of one channel, if it has a channel axis."""
    array, axes = image.opened.array, image.opened.axes
    if channel is None and image.opened.channels > 1:
        raise CellsError(
            f"{image.source} has a channel axis ({axes}: {tuple(array.shape)}); give it as red alone, without green, "
            "with both channels in it, or save one channel."
        )
    outer = [n for axis, n in zip(axes, array.shape, strict=True) if axis not in "YXC"]
    for index, place in enumerate(np.ndindex(*outer)):
        where = iter(place)
        full = [channel or 0 if axis == "C" else None if axis in "YX" else next(where) for axis in axes]
        yield index, array if axes == "YX" else Plane(array, full)


def _field(image: _Image, index: int, several: bool, red: Any, green: Any) -> Field:
    name = f"{image.name}[{index}]" if several else image.name
    return Field(red, green, name=name, pixel_size=image.opened.pixel_size, source=image.source, index=index)


def _two_channels(image: _Image, channels: tuple[int, int]) -> list[Field]:
    axes, shape = image.opened.axes, image.opened.array.shape
    count = image.opened.channels
    if count == 1 and image.source == MEMORY:
        raise CellsError(
            f"An array of shape {tuple(shape)} has one channel, since all axes but the last two count fields; give red "
            f"and green as arrays of their own, such as {both_apart(shape)}."
        )
    if count == 1:
        raise CellsError(
            f"{image.source} has one channel (axes {axes}: {tuple(shape)}); give the images of green as well, or a "
            "file whose metadata name its channel axis."
        )
    if not all(channel < count for channel in channels):
        raise CellsError(f"{image.source} has channels 0 to {count - 1}, not {channels}.")
    reds, greens = (list(_planes(image, channel)) for channel in channels)
    return [
        _field(image, index, len(reds) > 1, red, green) for (index, red), (_, green) in zip(reds, greens, strict=True)
    ]


def _one_channel(red: _Image, green: _Image) -> list[Field]:
    reds, greens = list(_planes(red)), list(_planes(green))
    if len(reds) != len(greens):
        raise CellsError(
            f"{red.source} has {len(reds)} planes and {green.source} {len(greens)}; they have to be as many."
        )
    size, other_size = red.opened.pixel_size, green.opened.pixel_size
    if size and other_size and not math.isclose(size, other_size, rel_tol=SAME_SIZE):
        warnings.warn(
            f"Pixels of {red.source} are {size:g} µm wide, and those of {green.source} {other_size:g} µm: do they show "
            "the same places? The former size is taken.",
            CellsWarning,
            stacklevel=3,
        )
    return [
        _field(red, index, len(reds) > 1, plane, other) for (index, plane), (_, other) in zip(reds, greens, strict=True)
    ]


def _class_of(field: Field, classes: Classes) -> str:
    if classes is None:
        return field.class_name
    if callable(classes):
        return str(classes(field))
    if isinstance(classes, str):
        return Path(field.source).resolve().parent.name if classes == FOLDER else classes
    for key in (field.name, file_stem(Path(field.source).name)):
        if key in classes:
            return str(classes[key])
    raise CellsError(
        f"No class is given for field {field.name!r}; the classes are told for {', '.join(list(classes)[:3])}, …"
    )
