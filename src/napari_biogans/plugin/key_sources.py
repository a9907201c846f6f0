"""Where cells that are gone on from come from: the selected layer, and those that were kept."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_biogans.plugin.key_cells import KeyCell, cell_in_slice, has_key_cells, key_cells_of
from napari_biogans.plugin.session import SESSION

NO_KEPT_CELLS = "No cells are kept; docks that show single cells can keep them."
NO_CELLS_IN_LAYER = "Select a layer of cells that a model drew or rebuilt."


class KeySources(QObject):
    """Follows the selected layer of a viewer, and the cells that are kept.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()
    """Another layer was selected, or renamed, or got other pixels; or other cells are kept."""

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._active: Any = None
        viewer.layers.selection.events.active.connect(self._follow)
        SESSION.cells_changed.connect(self._tell)
        self._follow()

    @property
    def layer_has_cells(self) -> bool:
        """Whether the selected layer holds cells that can be gone on from."""
        active = self._viewer.layers.selection.active
        return active is not None and has_key_cells(active)

    @property
    def layer_name(self) -> str:
        """Of the selected layer; empty if there is none."""
        active = self._viewer.layers.selection.active
        return "" if active is None else active.name

    def kept(self) -> tuple[KeyCell, ...]:
        """Give the cells that are kept, the oldest first."""
        return SESSION.kept_cells

    def of_layer(self) -> tuple[KeyCell, ...]:
        """Give all cells of the selected layer; none of layers that hold no known ones."""
        active = self._viewer.layers.selection.active
        return () if active is None else tuple(key_cells_of(active))

    def in_slice(self) -> KeyCell | None:
        """Give the cell of the selected layer that is seen; None where none is by itself."""
        active = self._viewer.layers.selection.active
        return None if active is None else cell_in_slice(active, self._viewer.dims.point)

    def disconnect_all(self) -> None:
        """Stop following."""
        self._viewer.layers.selection.events.active.disconnect(self._follow)
        self._leave()
        SESSION.cells_changed.disconnect(self._tell)

    def _follow(self, event: Any = None) -> None:
        """Hear of the selected layer, which may be renamed or get other cells."""
        self._leave()
        self._active = self._viewer.layers.selection.active
        if self._active is not None:
            for changed in (self._active.events.name, self._active.events.data):
                changed.connect(self._tell)
        self._tell()

    def _leave(self) -> None:
        if self._active is not None:
            for changed in (self._active.events.name, self._active.events.data):
                changed.disconnect(self._tell)
        self._active = None

    def _tell(self, event: Any = None) -> None:
        self.changed.emit()
