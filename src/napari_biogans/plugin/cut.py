"""The dock in which cells are cut out of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_biogans.plugin.closing_dock import ClosingDock
from napari_biogans.plugin.cut_panel import CutPanel
from napari_biogans.plugin.dock_help import About

if TYPE_CHECKING:
    from napari.viewer import Viewer

ABOUT = About(
    "Cuts single cells out of fields: centred, and turned alike.",
    (
        "Choose layers of fields, or files and folders.",
        "<b>Find cells</b> shows outlines of what is kept and what is left out; move the settings until they suit.",
        "<b>Cut</b> adds the cells that are kept as layers, to be trained on.",
    ),
    "From fields to cells",
)


class CutDock(ClosingDock):
    """Shows the panel for cutting, which needs no torch; when it is closed, what runs stops, and outlines go.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    about = ABOUT

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.panel = CutPanel(napari_viewer)
        self.fill(self.panel)

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone."""
        self.panel.close_down()
