"""Channel names, pixel size and the rest from the metadata of TIFF files."""

from __future__ import annotations

import math
import warnings
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from tifffile import TiffFile

from napari_biogans.cells.cellset import CellsWarning
from napari_biogans.cells.records import Record, read_table, table_path
from napari_biogans.cells.sources import Metadata

# Lengths in µm, by the names that OME and ImageJ give them; the letter µ is replaced by u first.
MICROMETRES = {
    **dict.fromkeys(("um", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("pm", "picometer"), 1e-6),
    **dict.fromkeys(("å", "angstrom"), 1e-4),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("in", "inch"), 25400.0),
}
MICRO_SIGNS = ("\\u00B5", "\\u03BC", "\u00b5", "\u03bc")
# Pixels count as square when their sides differ by no more than this part.
SQUARE = 0.01
# ImageJ keeps a pixel size as a fraction of two whole numbers, which is a little off what was written.
SAME_PIXEL_SIZE = 1e-4


def read_metadata(tif: TiffFile, path: str, series: int, count: int, channels: int, dtype: str) -> Metadata:
    """Read what a TIFF file says of its cells besides their pixels.

    Parameters
    ----------
    tif : tifffile.TiffFile
        Open.
    path : str
        The same file.
    series : int
        Which image of the file.
    count, channels : int
        Number of cells and of channels that it holds.
    dtype : str
        Type of the pixels.

    Returns
    -------
    Metadata
        A record that `write_cells` left is believed where it still fits: in
        ImageJ the pixel size, the type or the number of cells may have been
        changed since.

    Raises
    ------
    CellsError
        If the record is of a newer version, or the table of cells damaged.
    """
    text, channel_names, pixel_size = _read_format(tif, series, channels)
    if channel_names is not None and len(channel_names) != channels:
        channel_names = None
    record = Record.from_text(text, path)
    if record is None:
        return Metadata(channel_names=channel_names, pixel_size=pixel_size)
    whole = len(record.channel_names) == channels
    if record.pixel_size is not None and (
        pixel_size is None or math.isclose(pixel_size, record.pixel_size, rel_tol=SAME_PIXEL_SIZE)
    ):
        pixel_size = record.pixel_size
    return Metadata(
        class_name=record.class_name,
        position=record.position,
        channel_names=record.channel_names if whole else channel_names,
        pixel_size=pixel_size,
        intensity_range=record.intensity_range if whole and record.dtype == dtype else None,
        features=_read_features(path, record, count),
        all_channels=whole,
    )


def read_pixel_size(tif: TiffFile, series: int) -> float | None:
    """Read the side of a pixel in µm from an open TIFF file; None where it is not known, or pixels are not square."""
    return _read_format(tif, series, 1)[2]


def read_record(tif: TiffFile, path: str) -> Record | None:
    """Read the record of `write_cells` in an open TIFF file, if there is one."""
    return Record.from_text(_read_format(tif, 0, 1)[0], path)


def to_micrometres(length: Any, unit: str) -> float | None:
    """Convert a length to µm.

    Parameters
    ----------
    length : number or text
        As it stands in the metadata.
    unit : str
        Such as "um", "µm", "micron", "nm", "mm".

    Returns
    -------
    float or None
        None if it is no length: "pixel", zero, not a number.

    Examples
    --------
    >>> to_micrometres("65", "nm"), to_micrometres(1, "pixel")
    (0.065, None)
    """
    for sign in MICRO_SIGNS:
        unit = unit.replace(sign, "u")
    factor = MICROMETRES.get(unit.strip().lower())
    try:
        size = float(length)
    except (TypeError, ValueError):
        return None
    if factor is None or not math.isfinite(size) or size <= 0:
        return None
    # Divided where that is exact: 65 / 1000 is 0.065, 65 * 0.001 is not.
    return size * factor if factor >= 1 else size / round(1 / factor)


def square_side(width: float | None, height: float | None, name: str) -> float | None:
    """Give the side of square pixels.

    Parameters
    ----------
    width, height : float or None
        In µm; None where it is not known.
    name : str
        Of the file, for the warning.

    Returns
    -------
    float or None
        None where it is not known, or pixels are not square.

    Warns
    -----
    CellsWarning
        If they are not square.
    """
    if width is None or height is None:
        return None
    if not math.isclose(width, height, rel_tol=SQUARE):
        warnings.warn(
            f"The pixels of {name} are not square, {width:g} µm wide and {height:g} µm high. All goes by pixels here, "
            "and their size is taken as not known; scale such pictures before.",
            CellsWarning,
            stacklevel=2,
        )
        return None
    return width


def _read_format(tif: TiffFile, series: int, channels: int) -> tuple[str, tuple[str, ...] | None, float | None]:
    """Read free text, channel names and pixel size."""
    if tif.is_ome:
        return _read_ome(tif.ome_metadata or "", series, tif.filename)
    if tif.is_imagej:
        return _read_imagej(tif, channels)
    return "", None, None


def _read_ome(xml: str, series: int, name: str) -> tuple[str, tuple[str, ...] | None, float | None]:
    images = ElementTree.fromstring(xml).findall("{*}Image")
    image = images[series] if series < len(images) else None
    pixels = None if image is None else image.find("{*}Pixels")
    if image is None or pixels is None:
        return "", None, None
    names = [channel.get("Name") for channel in pixels.findall("{*}Channel")]
    width, height = (
        to_micrometres(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm")) for axis in "XY"
    )
    description = image.findtext("{*}Description") or ""
    return description, tuple(filter(None, names)) or None, square_side(width, height, name)


def _read_imagej(tif: TiffFile, channels: int) -> tuple[str, tuple[str, ...] | None, float | None]:
    metadata = tif.imagej_metadata or {}
    unit = str(metadata.get("unit", ""))
    tags = tif.pages.first.tags
    width, height = (
        to_micrometres(below / above, unit) if above else None
        for above, below in (tags.valueof(f"{axis}Resolution", (0, 1)) for axis in "XY")
    )
    info = metadata.get("Info", "")
    text = info if isinstance(info, str) else ""
    return text, _channel_labels(metadata, channels), square_side(width, height, tif.filename)


def _channel_labels(metadata: dict[str, Any], channels: int) -> tuple[str, ...] | None:
    """Take ImageJ's labels of images for channel names where they name channels.

    They may as well name every image ("c:1/2 t:3/40 - plate 7"); then they
    differ within a channel.
    """
    labels = metadata.get("Labels")
    if not isinstance(labels, list) or len(labels) % channels:
        return None
    names = [set(labels[channel::channels]) for channel in range(channels)]
    if any(len(of_channel) != 1 for of_channel in names):
        return None
    return tuple(label for of_channel in names for label in of_channel if label)


def _read_features(path: str, record: Record, count: int) -> pd.DataFrame | None:
    beside = table_path(path)
    if not beside.exists():
        return None
    table = read_table(beside, record.features)
    if len(table) != count:
        warnings.warn(
            f"{beside} has rows for {len(table)} cells, but {path} holds {count}: the table is left out.",
            CellsWarning,
            stacklevel=2,
        )
        return None
    return table
