"""Which cells of a stack are meant: by the slider, or by what is selected on them. Nothing here knows Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_biogans.cells.cellset import CellsError

NOTHING_SELECTED = (
    "Select points or shapes on the cells, or a label: choose their layer in the list of layers, and select with its "
    "tools."
)


@dataclass(frozen=True, eq=False)
class CellStack:
    """A layer that shows one cell per slice."""

    layer: Any
    axis: int
    """Along which the cells are stacked."""

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.layer.data.shape[self.axis])

    def place_at(self, point: Sequence[float]) -> int:
        """Tell in which slice a point lies, be there a cell or not.

        Parameters
        ----------
        point : sequence of float
            In the viewer's coordinates.
        """
        return round(float(self.layer.world_to_data(point)[self.axis]))

    def coordinate_of(self, place: int) -> float:
        """Tell where a slice lies along the viewer's axis."""
        point = [0.0] * self.layer.ndim
        point[self.axis] = place
        return float(self.layer.data_to_world(point)[self.axis])

    def has(self, place: int) -> bool:
        """Tell whether there is a cell in a slice."""
        return 0 <= place < self.count


def current_place(stack: CellStack, dims: Any) -> int:
    """Find the cell at which the slider stands.

    Parameters
    ----------
    stack : CellStack
    dims : napari.components.Dims

    Raises
    ------
    CellsError
        If there is none; the message says what to do.
    """
    if viewer_axis(stack, dims) in dims.displayed:
        raise CellsError(
            "The cells are not shown one by one; go back to 2D, and roll the dimensions until each slice is a cell."
        )
    place = stack.place_at(dims.point)
    if not stack.has(place):
        raise CellsError(f"There is no cell in this slice of {stack.layer.name!r}; move the slider to one.")
    return place


def viewer_axis(stack: CellStack, dims: Any) -> int:
    """Tell which of the viewer's axes the cells are stacked along."""
    return int(dims.ndim) - int(stack.layer.ndim) + stack.axis


def selected_places(stack: CellStack, annotations: Iterable[Any]) -> list[int]:
    """Find the cells that selected points and shapes lie on, and those that show the selected label.

    Parameters
    ----------
    stack : CellStack
    annotations : iterable of napari.layers.Points, Shapes or Labels

    Returns
    -------
    list of int
        In their order, each once.

    Raises
    ------
    CellsError
        If there are none; the message says what to do.
    """
    found: set[int] = set()
    selected = False
    for layer in annotations:
        coordinates = _selected_coordinates(layer)
        if not len(coordinates):
            continue
        selected = True
        if layer.ndim < stack.layer.ndim - stack.axis:
            raise CellsError(
                f"Layer {layer.name!r} has {layer.ndim} axes, and lies on all cells alike; add a new layer while the "
                "stack of cells is shown, so that it knows of the slices."
            )
        found |= {stack.place_at(layer.data_to_world(point)) for point in coordinates}
    if not selected:
        raise CellsError(NOTHING_SELECTED)
    places = sorted(place for place in found if stack.has(place))
    if not places:
        raise CellsError(f"What is selected lies beyond the cells of {stack.layer.name!r}; select something on them.")
    return places


def annotations_of(layers: Any) -> list[Any]:
    """Choose the layers whose selection counts: those selected in the list, or else all with selected points or shapes.

    Parameters
    ----------
    layers : napari.components.LayerList
    """
    kinds = [layer for layer in layers if hasattr(layer, "selected_data") or hasattr(layer, "selected_label")]
    chosen = [layer for layer in kinds if layer in layers.selection]
    return chosen or [layer for layer in kinds if hasattr(layer, "selected_data")]


def _selected_coordinates(layer: Any) -> list[Any]:
    """Give a point, in the layer's own coordinates, on each cell that is selected."""
    if not hasattr(layer, "selected_data"):
        return _slices_with(layer, layer.selected_label)
    chosen = sorted(layer.selected_data)
    return [np.atleast_2d(layer.data[number]).mean(axis=0) for number in chosen if number < len(layer.data)]


def _slices_with(labels: Any, label: int) -> list[Any]:
    # The background is nothing that was drawn.
    if label == labels.colormap.background_value:
        return []
    # One point for each place along all axes but those of rows and columns.
    shown = np.argwhere((np.asarray(labels.data) == label).any(axis=(-2, -1)))
    return [np.concatenate([place, (0, 0)]) for place in shown]
