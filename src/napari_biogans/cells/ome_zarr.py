"""Opening OME-Zarr images and plain Zarr arrays (https://ngff.openmicroscopy.org), without reading them."""

from __future__ import annotations

import glob
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.guarded import GuardedArray
from napari_biogans.cells.layout import natural_order
from napari_biogans.cells.sources import refusing
from napari_biogans.cells.tiff_metadata import square_side, to_micrometres

FORMAT = "Zarr"

MARKERS = ("zarr.json", ".zgroup", ".zarray")
"""Files of which one lies in every folder of a Zarr store, of format 3 or 2."""

BEFORE_AXES = "tczyx"
"""The axes of images by versions of the format that did not name them."""

BESIDE_IMAGES = ("OME", "labels")
"""Groups that lie beside images or their levels: metadata of a series of images, and what images are labelled with."""

DEEPEST = 4
"""How many folders further inside images are looked for; those of plates are three."""

MOST_LOOKED_AT = 100

LETTERS = {"x": "X", "y": "Y", "z": "Z", "c": "C", "ch": "C", "channel": "C", "channels": "C"}
"""The letters of axes by their names; whatever others count, as times do, are fields."""


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a Zarr store, or a group or an array in one.

    Parameters
    ----------
    path : Path
        Need not exist.

    Returns
    -------
    bool
    """
    return path.suffix.lower() == ".zarr" or any((path / marker).is_file() for marker in MARKERS)


def is_inner_image(path: Path) -> bool:
    """Tell whether a folder may be an image or an array in a store, as far as can be told without opening it.

    Parameters
    ----------
    path : Path
        As it matches a pattern.

    Returns
    -------
    bool
    """
    return is_zarr(path) and path.name not in BESIDE_IMAGES


def store_of(path: Path) -> Path:
    """Find the store that a group or an array lies in: the topmost folder that is of Zarr.

    Parameters
    ----------
    path : Path
        Absolute, and one of which `is_zarr` is true.

    Returns
    -------
    Path
        Of the store; `path` if it is one.
    """
    return next((folder for folder in reversed(path.parents) if is_zarr(folder)), path)


def open_zarr(path: str) -> tuple[Any, str | None, float | None]:
    """Open the finest level of an OME-Zarr image, or an array.

    Parameters
    ----------
    path : str
        A folder: ``image.zarr``, or one in it, such as ``image.zarr/0``.

    Returns
    -------
    array : GuardedArray
    axes : str or None
        A capital letter for each: Y, X, Z, C for channels, others for all
        else. None for an array whose axes have no names, or no such ones.
    pixel_size : float or None
        In µm; None where it is not known, or pixels are not square.

    Raises
    ------
    CellsError
        If it is damaged, is no image itself but a group of them, such as a
        plate, or zarr is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise CellsError(
            f"{path} is read with the package zarr, which is not installed: pip install zarr. Or save it as TIFF."
        ) from None
    with refusing(path, FORMAT):
        # zarr need not be installed where types are checked.
        opened: Any = zarr.open(path, mode="r")
        if hasattr(opened, "dtype"):
            return GuardedArray(opened, path, FORMAT), _axes_of_array(opened), None
        with _refusing_metadata(path):
            image = _first_image(dict(opened.attrs))
            levels = {} if image is None else {level["path"]: level for level in image["datasets"]}
        if image is None:
            raise CellsError(f"{path} is a Zarr group, but no OME-Zarr image. {_what_to_give(Path(path))}")
        return _finest(path, opened, image, levels)


def _axes_of_array(array: Any) -> str | None:
    """Give the letters of the axes of an array; only arrays of format 3 may name them, in any words."""
    names = getattr(array.metadata, "dimension_names", None)
    letters = _letters([name or "" for name in names or ()])
    return letters if letters.count("Y") == letters.count("X") == 1 else None


def _letters(names: Sequence[str]) -> str:
    return "".join(LETTERS.get(name.lower(), "T") for name in names)


def _axis_name(axis: Mapping[str, str]) -> str:
    return "channel" if axis.get("type") == "channel" else axis["name"]


def _first_image(attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the image that the attributes of a group describe; None if they describe none."""
    images = (attributes.get("ome") or attributes).get("multiscales")
    return images[0] if images else None


def _finest(
    path: str, group: Any, image: Mapping[str, Any], levels: Mapping[Any, Mapping[str, Any]]
) -> tuple[Any, str, float | None]:
    """Open the level of an image that has the most pixels, with its axes and the size of its pixels."""
    arrays = {name: group[name] for name in levels if isinstance(name, str) and name in group}
    if missing := [name for name in levels if not hasattr(arrays.get(name), "dtype")]:
        raise _not_as_specified(path, f"they list {missing[0]}, which is no array in it")
    if not arrays:
        raise _not_as_specified(path, "they list no array")
    # They should begin with the finest, but do not always.
    name, array = max(arrays.items(), key=lambda item: math.prod(item[1].shape))
    with _refusing_metadata(path):
        axes = image.get("axes") or list(BEFORE_AXES)[-array.ndim :]
        letters = _letters([axis if isinstance(axis, str) else _axis_name(axis) for axis in axes])
        width, height = (
            _side(axes[letters.index(axis)], letters.index(axis), [levels[name], image]) if axis in letters else None
            for axis in "XY"
        )
    if len(letters) != array.ndim:
        raise _not_as_specified(path, f"they name {len(letters)} axes of an array that has {array.ndim}: {array.shape}")
    return GuardedArray(array, path, FORMAT), letters, square_side(width, height, path)


def _what_to_give(group: Path) -> str:
    """Say which images lie further inside of a group without one."""
    arrays: list[Path] = []
    for inner, is_image in islice(_inside(group, DEEPEST), MOST_LOOKED_AT):
        if is_image:
            pattern = Path(glob.escape(str(group)), *("*" for _ in inner.relative_to(group).parts))
            # A pattern for Path.glob would not be what has to be given.
            others = [p for p in glob.iglob(str(pattern)) if is_inner_image(Path(p)) and Path(p) != inner]  # noqa: PTH207
            if not others:
                return f"Give the image in it: {inner}."
            return f"Give an image in it, such as {inner}, or the pattern {pattern} for all (in quotes, in a shell)."
        arrays.append(inner)
    return f"Give an array in it, such as {arrays[0]}." if arrays else "There is none in the folders in it, either."


def _inside(group: Path, levels: int) -> Iterator[tuple[Path, bool]]:
    """Give the images and arrays in the folders of a group, in natural order, and whether they are images."""
    import zarr

    folders = (folder for folder in group.iterdir() if folder.is_dir() and folder.name not in BESIDE_IMAGES)
    for folder in sorted(folders, key=lambda folder: natural_order(folder.name)):
        # Groups of format 2 may lack their marker.
        opened: Any = zarr.open(str(folder), mode="r") if is_zarr(folder) else None
        is_image = opened is not None and ("multiscales" in (opened.attrs.get("ome") or opened.attrs))
        if is_image or hasattr(opened, "dtype"):
            yield folder, is_image
        elif levels > 1:
            yield from _inside(folder, levels - 1)


@contextmanager
def _refusing_metadata(path: str) -> Iterator[None]:
    """Refuse metadata that lack something, or have something else in its place."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise _not_as_specified(path) from error


def _not_as_specified(path: str, found: str = "") -> CellsError:
    found = f": {found}" if found else ""
    return CellsError(
        f"The OME-Zarr metadata of {path} (multiscales) are not as the format has them{found}. Write or copy the image "
        "anew, or save it as TIFF."
    )


def _side(axis: Any, place: int, levels: list[Mapping[str, Any]]) -> float | None:
    """Multiply the scales along an axis of a level and of its image, in µm; None where there are none or no unit."""
    steps = [
        change["scale"][place]
        for level in levels
        for change in level.get("coordinateTransformations") or []
        if change.get("type") == "scale"
    ]
    if not steps or isinstance(axis, str):
        return None
    return to_micrometres(math.prod(steps, start=1.0), axis.get("unit") or "")
