"""Where the scores of critics are kept, so that no critic is trained twice for the same question."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from napari_biogans.cells.red_neighbours import default_cache
from napari_biogans.evaluation.critics import Comparison, CriticScores
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.files import replacing

# Bumped whenever the same question would get another answer.
STORE_FORMAT = 1


class StoreWarning(UserWarning):
    """Scores that could not be kept."""


def default_store() -> Path:
    """Find the folder for scores: `c2st` in the cache that `BIOGANS_CACHE` or the system names."""
    return default_cache() / "c2st"


Store = Path | str | Callable[[], Path] | None


class ScoreStore:
    """Scores of critics in a folder, by what they depend on: both sides, the settings and the split.

    Parameters
    ----------
    folder : path-like, callable or None
        A folder, which may not exist yet, or a function that gives it. None
        keeps nothing.
    """

    def __init__(self, folder: Store = default_store) -> None:
        given = folder() if callable(folder) else folder
        self.folder = None if given is None else Path(given)
        self._has_warned = False

    def read(self, comparison: Comparison, config: C2STConfig, split: int) -> CriticScores | None:
        """Give what a critic said, or None if it has not been asked or its file is damaged."""
        if self.folder is None:
            return None
        # A damaged file can fail in any way: in the archive, in its compression, in the header of an array.
        try:
            path = self._path(self.folder, comparison, config, split)
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                return CriticScores.of_arrays(dict(kept))
        except Exception:
            return None

    def write(self, comparison: Comparison, config: C2STConfig, scores: CriticScores) -> None:
        """Keep what a critic said.

        Warns
        -----
        StoreWarning
            Once, if the folder cannot be written to.
        """
        if self.folder is None:
            return
        try:
            with replacing(self._path(self.folder, comparison, config, scores.split)) as temporary:
                np.savez_compressed(temporary, **scores.arrays())  # type: ignore[arg-type]
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(
                    f"Scores cannot be kept in {self.folder}, so that critics will be trained again the next time "
                    f"({error}). Name a folder that can be written to: as the store, or by BIOGANS_CACHE.",
                    StoreWarning,
                    stacklevel=2,
                )

    @staticmethod
    def _path(folder: Path, comparison: Comparison, config: C2STConfig, split: int) -> Path:
        settings = json.dumps(config.of_critics, sort_keys=True)
        # Another version may compute something else; then what it says of itself would not be true.
        made_with = STORE_FORMAT, version("napari-biogans"), torch.__version__
        question = repr((made_with, comparison.fingerprint, settings, split))
        key = hashlib.blake2b(question.encode(), digest_size=16).hexdigest()
        return folder / key[:2] / f"{key}.npz"
