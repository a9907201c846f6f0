"""What the reader of each file format gives: cells that are described, with pixels not read yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CELL_TYPES, CellsError, CellsWarning

# Pixels are read in pieces of about this many bytes, so that a set never needs much more memory than itself.
BYTES_AT_A_TIME = 2**21
# No compression of pictures does better than deflate's 1032:1, save on empty ones.
# A header that promises more is damaged, and is not believed: memory is reserved by it.
GREATEST_COMPRESSION = 1100


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says of its cells besides their pixels; None where it says nothing."""

    class_name: str | None = None
    position: int | None = None
    """Place of the class among those that were written together."""
    channel_names: tuple[str, ...] | None = None
    pixel_size: float | None = None
    """In µm."""
    intensity_range: tuple[tuple[float, float], ...] | None = None
    features: pd.DataFrame | None = None
    """One row per cell."""
    all_channels: bool = False
    """Whether every channel is meant, however many there are."""


class Block(NamedTuple):
    """Pixels of some cells of a source."""

    cells: slice
    channels: slice
    images: NDArray[Any]
    """(n, c, h, w), in the type of the file."""


class Source(Protocol):
    """Cells of one size, type and number of channels in one file."""

    @property
    def path(self) -> str:
        """File that holds the cells."""

    @property
    def where(self) -> str:
        """The file, and the place in it where need be, for messages."""

    @property
    def count(self) -> int:
        """Number of cells."""

    @property
    def channels(self) -> int:
        """Number of channels, at least 2."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels, as in the file."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that the cells get: uint8, uint16 or float32."""

    @property
    def first(self) -> int:
        """Place of the first cell within its file."""

    @property
    def metadata(self) -> Metadata:
        """What the file says besides."""

    def blocks(self) -> Iterator[Block]:
        """Read all pixels, piece by piece, in any order."""


@dataclass(frozen=True)
class SourceClass:
    """A class whose cells are described, with pixels not read yet."""

    name: str
    path: str
    """File or folder that holds them all."""
    sources: list[Source]

    @property
    def count(self) -> int:
        """Number of cells."""
        return sum(source.count for source in self.sources)


@contextmanager
def refusing(path: str, what: str) -> Iterator[None]:
    """Turn whatever a library raises on a file into a `CellsError` that names the file.

    Parameters
    ----------
    path : str
        The file that is being read.
    what : str
        What it should be, for the message: "TIFF", "PNG".

    Raises
    ------
    CellsError
        In place of any other exception. Libraries raise almost anything on a
        damaged file (struct.error, KeyError, SyntaxError ...), so nothing less
        than `Exception` will do.
    """
    try:
        yield
    except (CellsError, CellsWarning):
        raise
    except MemoryError as error:
        raise CellsError(f"{path} needs more memory than there is: {error}") from error
    except OSError as error:
        if error.strerror is not None:  # of the file system, not of a library
            raise CellsError(f"{path} cannot be opened: {error.strerror}.") from error
        raise damaged(path, what, error) from error
    except Exception as error:
        raise damaged(path, what, error) from error


def damaged(path: str, what: str, reason: object) -> CellsError:
    """Word the refusal of a file that is cut short, damaged or foreign."""
    return CellsError(
        f"{path} cannot be read: it is cut short, damaged, or not a {what} file ({reason}). "
        "Copy or save it anew, or take it away."
    )


def cell_type(dtype: np.dtype[Any] | None, path: str) -> np.dtype[Any]:
    """Find the type that cells of a type become.

    Parameters
    ----------
    dtype : numpy dtype
        As in the file, of any byte order.
    path : str
        Named in the message.

    Returns
    -------
    numpy dtype
        uint8, uint16 or float32, in native byte order.

    Raises
    ------
    CellsError
        If cells cannot be of that type.
    """
    if dtype is not None and dtype.kind == "f":
        return np.dtype(np.float32)
    native = None if dtype is None else dtype.newbyteorder("=")
    if native not in CELL_TYPES:
        raise CellsError(
            f"The cells in {path} are of type {native}; save them as 8-bit or 16-bit unsigned integers or as floats."
        )
    return np.dtype(native)


def one_channel(path: str, found: str, advice: str) -> CellsError:
    """Word the refusal of a file without two channels."""
    return CellsError(f"{path} has one channel only ({found}); a red and a green channel are needed. {advice}")
