"""Arrays of files that are read in parts, whose damage shows only then."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.sources import refusing


class GuardedArray:
    """An array of a file; what a library raises when a part of it is read becomes a `CellsError` that names the file.

    Parameters
    ----------
    array : array
        Anything with `shape`, `dtype` and slices.
    path : str
    what : str
        The format, for the message.
    """

    def __init__(self, array: Any, path: str, what: str) -> None:
        self.shape, self.dtype, self.ndim = tuple(array.shape), np.dtype(array.dtype), len(array.shape)
        self._array, self._path, self._what = array, path, what

    def __getitem__(self, where: Any) -> NDArray[Any]:
        with refusing(self._path, self._what):
            return np.asarray(self._array[where])
