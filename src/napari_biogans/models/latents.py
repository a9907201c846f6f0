"""Latents from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_biogans.models.modelfile import ModelFileError
from napari_biogans.models.original import holds_numbers, unpickled


def read_latents(path: str | Path) -> NDArray[np.float32]:
    """Read latents that were kept, or that were published with the original release.

    Parameters
    ----------
    path : path-like
        A `.npy` file, such as the `latents.npy` beside generated cells; or a
        `.pth` file that holds a bare tensor, such as the release's
        `fixed_noise_1.pth`. Nothing in it is run.

    Returns
    -------
    array (N, Z) or (K, N, Z), float32

    Raises
    ------
    ModelFileError
        If the file is missing, or holds anything else.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "latents.npy"
    >>> np.save(path, np.zeros((5, 100)))
    >>> read_latents(path).shape
    (5, 100)
    """
    path = Path(path)
    return _published(path) if path.suffix == ".pth" else _kept(path)


def _kept(path: Path) -> NDArray[np.float32]:
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file.")
    try:
        with path.open("rb") as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False), np.float32)
    # Its words are not passed on, since numpy advises to open the file all the same.
    except ValueError as error:
        raise ModelFileError(f"{path}: not latents, which are numbers in a .npy file.") from error


def _published(path: Path) -> NDArray[np.float32]:
    content = unpickled(path)
    if not isinstance(content, Tensor):
        raise ModelFileError(f"{path}: holds {type(content).__name__}, but latents are a bare tensor.")
    # The published networks take latents as images of one pixel, (N, Z, 1, 1).
    if content.ndim < 2 or content.shape[2:].numel() != 1 or not holds_numbers(content):
        raise ModelFileError(
            f"{path}: latents are numbers (N, Z) or (N, Z, 1, 1), not {content.dtype} {tuple(content.shape)}."
        )
    return content.detach().float().flatten(1).numpy()
