"""Cells that are to be rebuilt or completed, and those that were.

Nothing here knows Qt or napari; the engine is imported where it is used, as that takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellSet
from napari_biogans.cells.sizes import is_good_size, nearest_good_size
from napari_biogans.plugin.cell_features import FieldRecord
from napari_biogans.plugin.cell_layers import ClassLayers, read_layers
from napari_biogans.plugin.class_names import told_apart
from napari_biogans.plugin.generation import ModelFacts
from napari_biogans.plugin.training_work import CellsChoice

if TYPE_CHECKING:
    from napari_biogans.latent import Completion, Reconstruction, ReconstructionConfig
    from napari_biogans.models import Model


@dataclass(frozen=True, eq=False)
class ChosenCells:
    """Cells of one class, out of layers of the viewer."""

    layers: ClassLayers | None
    """None once the pixels were read, so that layers which are deleted do not stay in memory."""
    source: ReferenceType[Any]
    """The layer of red, while it is there."""
    source_name: str
    places: tuple[int, ...]
    """Of the cells in their stack."""
    drawn_as: str | None
    """The class of the model that they are of; None for another one."""
    slices: tuple[float, float] = (0.0, 1.0)
    """Where the first slice of the stack lies along the viewer's axis, and how far apart slices are."""
    count: int = 0
    """Of all cells in their stack."""
    between: tuple[int, ...] = ()
    """Lengths of the axes between the one of the cells and those of rows and columns: that of channels, or none."""
    features: pd.DataFrame | None = None
    """Of all cells in their stack, where they are known."""
    fields: tuple[FieldRecord, ...] = ()
    """Those that the cells were cut from, where they are known."""

    @property
    def axis_from_end(self) -> int:
        """The axis of the cells, counted from the last one, -1."""
        return -3 - len(self.between)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for cells of the same layer and class."""
        return self.source, self.drawn_as

    def read(self, model: Model) -> CellSet:
        """Read the pixels of the chosen cells.

        Raises
        ------
        CellsError
        """
        if self.layers is None:
            raise ValueError(f"The cells of {self.source_name} were read before.")
        cells = read_layers((self.layers.take(self.places),))
        name = self.drawn_as
        if name is None:
            taken = () if model.architecture.pools_classes else model.class_names
            name = told_apart([*taken, self.layers.name])[-1]
        features = pd.DataFrame({"source": self.source_name, "index": self.places})
        intensity_range = np.array(model.header.intensity_range, np.float32)
        return CellSet(
            cells.images,
            [name],
            pixel_size=cells.pixel_size,
            intensity_range=intensity_range,
            features=[features],
        )


class TrainingCells:
    """Cells among which the nearest ones are looked for; read once.

    Parameters
    ----------
    choice : pathlib.Path or tuple of ClassLayers
    """

    def __init__(self, choice: CellsChoice) -> None:
        self.choice = choice
        self._read: tuple[CellSet, tuple[int, int]] | None = None

    def read(self, size: tuple[int, int]) -> CellSet:
        """Read the cells, unless that was done before.

        Parameters
        ----------
        size : (height, width)
            That cells of files are brought to.
        """
        from napari_biogans.cells import read_cells

        if self._read is None or self._read[1] != size:
            cells = read_cells(self.choice, size=size) if isinstance(self.choice, Path) else read_layers(self.choice)
            self._read = cells, size
        return self._read[0]


@dataclass(frozen=True, eq=False)
class Request:
    """Cells that are to be rebuilt, or completed."""

    facts: ModelFacts
    cells: ChosenCells
    config: ReconstructionConfig
    training: TrainingCells | None = None

    def without_pixels(self) -> Request:
        """Keep what was asked for, but not the cells."""
        return replace(self, cells=replace(self.cells, layers=None), training=None)

    @property
    def in_red_only(self) -> bool:
        """Whether green is not matched."""
        return self.config.mode == "red-only"


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """Cells that were rebuilt."""

    request: Request
    result: Reconstruction

    @property
    def places(self) -> tuple[int, ...]:
        """Of the cells that are done, in their stack."""
        return self.request.cells.places[: len(self.result)]

    @property
    def errors(self) -> NDArray[np.float32]:
        """Of each cell: over all channels, or of red where that was matched only."""
        return self.result.rmse[:, 0] if self.request.in_red_only else self.result.error

    def only(self, number: int) -> Rebuilt:
        """Give the result of one of the cells."""
        cells = replace(self.request.cells, places=self.places[number : number + 1])
        return Rebuilt(replace(self.request, cells=cells), self.result.take([number]))


@dataclass(frozen=True, eq=False)
class Completed:
    """Cells for which the greens of all classes were drawn."""

    request: Request
    result: Completion

    @property
    def places(self) -> tuple[int, ...]:
        """Of the cells that are done, in their stack."""
        return self.request.cells.places[: len(self.result)]


def misfit(layers: ClassLayers, facts: ModelFacts) -> str | None:
    """Say why cells are not such as a model draws, without looking at their pixels; None if they are.

    Parameters
    ----------
    layers : ClassLayers
        That passed `check_layers`.
    facts : ModelFacts
    """
    height, width = layers.size
    size = layers.size if is_good_size(layers.size) else nearest_good_size(layers.size)
    if size != facts.image_size:
        wanted = "×".join(map(str, facts.image_size))
        return (
            f"The cells are {height}×{width} pixels, this model draws {wanted}; choose other layers or another model."
        )
    dtype = np.dtype(layers.red.data.dtype)
    kept_as = "float32" if dtype.kind == "f" else dtype.name
    if kept_as != facts.dtype:
        return (
            f"The cells are of type {dtype.name}, this model draws {facts.dtype}; choose layers in the type and the "
            "units of the cells that it was trained on."
        )
    return None
