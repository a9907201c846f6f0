"""The dock in which cells are cut out of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QSizePolicy, QVBoxLayout

from napari_biogans.plugin.closing_dock import ClosingDock
from napari_biogans.plugin.cut_panel import CutPanel

if TYPE_CHECKING:
    from napari.viewer import Viewer


class CutDock(ClosingDock):
    """Shows the panel for cutting, which needs no torch; when it is closed, what runs stops, and outlines go.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.panel = CutPanel(napari_viewer)
        # Else napari puts an empty space below.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        QVBoxLayout(self).addWidget(self.panel)

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone."""
        self.panel.close_down()
