"""Opening OME-Zarr images and plain Zarr arrays (https://ngff.openmicroscopy.org), without reading them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.sources import refusing
from napari_biogans.cells.tiff_metadata import to_micrometres

MARKERS = ("zarr.json", ".zgroup", ".zarray")
"""Files of which one lies in every folder of a Zarr store, of format 3 or 2."""

BEFORE_AXES = "tczyx"
"""The axes of images by versions of the format that did not name them."""


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


def open_zarr(path: str) -> tuple[Any, str | None, float | None]:
    """Open the finest level of an OME-Zarr image, or an array.

    Parameters
    ----------
    path : str
        A folder: ``image.zarr``, or one in it, such as ``image.zarr/0``.

    Returns
    -------
    array : zarr.Array
    axes : str or None
        A capital letter for each; None for an array, whose axes have no names.
    pixel_size : float or None
        In µm, along x.

    Raises
    ------
    CellsError
        If it is damaged, holds no image or several, or zarr is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise CellsError(
            f"{path} is read with the package zarr, which is not installed: pip install zarr. Or save it as TIFF."
        ) from None
    with refusing(path, "Zarr"):
        # zarr need not be installed where types are checked.
        opened: Any = zarr.open(path, mode="r")
        if hasattr(opened, "dtype"):
            return opened, None, None
        attributes: dict[str, Any] = dict(opened.attrs)
        images = (attributes.get("ome") or attributes).get("multiscales")
        if not images:
            inner = sorted(opened.keys())
            raise CellsError(
                f"{path} is a Zarr group, but no OME-Zarr image. "
                + (f"Give one of the folders in it: {', '.join(inner[:5])}." if inner else "It is empty.")
            )
        finest = images[0]["datasets"][0]
        array: Any = opened[finest["path"]]
        axes = images[0].get("axes") or list(BEFORE_AXES)[-array.ndim :]
        names = [axis if isinstance(axis, str) else axis["name"] for axis in axes]
        if len(names) != array.ndim:
            raise CellsError(f"{path} names {len(names)} axes of an array that has {array.ndim}: {array.shape}.")
        letters = "".join(name[:1] for name in names).upper()
        return array, letters, _pixel_size(axes, letters, [finest, images[0]])


def _pixel_size(axes: list[Any], letters: str, levels: list[Mapping[str, Any]]) -> float | None:
    """Multiply the scales along x of a level and of its image; None where there are none or no unit."""
    across = letters.find("X")
    if across < 0 or isinstance(axes[across], str):
        return None
    steps = [
        change["scale"][across]
        for level in levels
        for change in level.get("coordinateTransformations") or []
        if change.get("type") == "scale"
    ]
    if not steps:
        return None
    step = 1.0
    for factor in steps:
        step *= factor
    return to_micrometres(step, axes[across].get("unit", ""))
