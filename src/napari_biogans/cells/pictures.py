"""Single cells as PNG pictures."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.sources import GREATEST_COMPRESSION, Block, Metadata, damaged, one_channel, refusing

# Signature; length and type of the header chunk; width, height, bit depth, colour type, compression, filter,
# interlace; checksum.
HEADER = struct.Struct(">8sI4sIIBBBBBI")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB_COLOUR_TYPES = (2, 3, 6)  # red, green, blue; a palette of such; with opacity
NOTHING = Metadata()


@dataclass(frozen=True, slots=True)
class Picture:
    """One cell in an 8-bit RGB PNG file; its opacity, if any, is left out of account.

    Only the header has been looked at: a data set may have 180,000 of these.
    """

    path: str
    size: tuple[int, int]

    @property
    def where(self) -> str:
        """The file."""
        return self.path

    @property
    def count(self) -> int:
        """One picture, one cell."""
        return 1

    @property
    def channels(self) -> int:
        """Red, green and blue."""
        return 3

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always uint8."""
        return np.dtype(np.uint8)

    @property
    def first(self) -> int:
        """Always 0."""
        return 0

    @property
    def metadata(self) -> Metadata:
        """Nothing."""
        return NOTHING

    def blocks(self) -> Iterator[Block]:
        """Decode the picture.

        Pillow is called directly: through imageio the same takes twice as
        long, and threads do not make it faster (cells are too small).

        Raises
        ------
        CellsError
            If the file is damaged.
        """
        with refusing(self.path, "PNG"), Path(self.path).open("rb") as file, PngImageFile(file) as image:
            pixels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
            if pixels.shape != (*self.size, 3):
                raise damaged(self.path, "PNG", "its size is not the one that it tells")
        yield Block(slice(0, 1), slice(0, 3), pixels.transpose(2, 0, 1)[np.newaxis])


def open_picture(path: str) -> Picture:
    """Look at the header of a PNG file.

    Parameters
    ----------
    path : str

    Returns
    -------
    Picture

    Raises
    ------
    CellsError
        If the file is no PNG, is damaged, has one channel, or 16 bits per
        channel (which the libraries for PNG cut to 8).
    """
    with refusing(path, "PNG"), Path(path).open("rb") as file:
        header = file.read(HEADER.size)
        signature, _, _, width, height, depth, colour, *_, checksum = HEADER.unpack(header)
        if signature != SIGNATURE or checksum != zlib.crc32(header[12:-4]):
            raise damaged(path, "PNG", "its header is not one")
        if not height * width or 3 * height * width > GREATEST_COMPRESSION * os.fstat(file.fileno()).st_size:
            raise damaged(path, "PNG", f"{height}x{width} pixels are not in it")
    if colour not in RGB_COLOUR_TYPES:
        raise one_channel(path, "grey", "Save the cells as RGB pictures, red and green, or as TIFF with two channels.")
    if depth > 8:
        raise CellsError(f"{path} has {depth} bits per channel, which PNG readers cut to 8; save it as TIFF.")
    return Picture(path, (height, width))
