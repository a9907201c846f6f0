"""Opening models and runs: contact sheets of what they draw, beside the last samples of the training."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells.tiff_stacks import open_tiff
from napari_biogans.formats import kind_of
from napari_biogans.plugin import session
from napari_biogans.plugin.drawn import Drawn
from napari_biogans.plugin.generation import DrawRequest, draw
from napari_biogans.plugin.layer_data import LayerData
from napari_biogans.plugin.opened_cells import pixels_of
from napari_biogans.plugin.placing import placed_in_grid
from napari_biogans.plugin.waiting import result_of

CELLS = 16
"""On the contact sheet: drawn in no time, and enough to see what a model has learned."""
SEED = 0
"""The same model shows the same cells whenever it is opened."""


class OpeningError(Exception):
    """A file or folder of ours that cannot be opened as it is; the message says what to do."""


def read_model_layers(path: Path) -> list[LayerData]:
    """Draw a few cells with a model, and let all docks know of it.

    Parameters
    ----------
    path : pathlib.Path
        A model file, or the folder of a run.

    Returns
    -------
    list of (data, keywords, "image")
        Contact sheets as the dock Generate adds them; of a run also its last
        samples, to their right.

    Raises
    ------
    ModelFileError, RunError, CellsError
        If something is damaged, or newer than this package.
    OpeningError
        If there is no model yet, or it is a checkpoint.
    """
    groups = result_of(partial(_draw, path))
    session.SESSION.open_model(path)
    return placed_in_grid(groups, columns=len(groups))


def _draw(path: Path) -> list[list[LayerData]]:
    if kind_of(path) == "checkpoint":
        raise OpeningError(
            f"{path} is a checkpoint, to go on with a training; open the folder of its run, or its model."
        )
    is_run = path.is_dir()
    if is_run:
        _check_run(path)
    drawn = _drawn(DrawRequest(path, CELLS, SEED))
    groups = [drawn.layers(as_sheet=True)]
    if is_run and (samples := _last_samples(path, drawn)) is not None:
        # torch is loaded by now, which this needs.
        from napari_biogans.plugin.sample_layers import sample_layers

        groups.append(sample_layers(samples, drawn.pixel_size))
    return groups


def _check_run(folder: Path) -> None:
    from napari_biogans.training import Run

    if not Run(folder).model_path.exists():
        raise OpeningError(
            f"{folder}: this run has not saved a model yet; train it further, or resume it, and open it then."
        )


def _drawn(request: DrawRequest) -> Drawn:
    steps = draw(request, lambda: False)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            drawn: Drawn = end.value
            return drawn


def _last_samples(run: Path, drawn: Drawn) -> NDArray[Any] | None:
    """Read the samples that were drawn last, (K, N, C, H, W); None if there are none."""
    from napari_biogans.training import Run

    paths = Run(run).last_samples(drawn.class_names)
    if not paths:
        return None
    return np.stack([pixels_of(open_tiff(str(path))[0]).swapaxes(0, 1) for path in paths])
