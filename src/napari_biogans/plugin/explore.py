"""The dock in which a model is looked at by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_biogans.plugin.dock_help import About
from napari_biogans.plugin.engine_dock import EngineDock

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_biogans.plugin.explore_panel import ExplorePanel

ABOUT = About(
    "Shows one cell that a model draws, and changes it by sliders.",
    (
        "Choose a model, then press <b>New cell</b>, or start from a cell of a layer.",
        "Move the sliders: they go along what changes most from cell to cell.",
        "<b>Find direction</b> adds a slider for something measured, such as length.",
        "<b>Keep</b> cells, for the docks Interpolate and Generate.",
    ),
    "From a real cell to its latent",
)


class ExploreDock(EngineDock["ExplorePanel"]):
    """Shows the panel for exploring a model; what it added to the viewer stays when it is closed.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    about = ABOUT

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, _load_engine, _make_panel)


def _load_engine() -> None:
    import napari_biogans.latent  # noqa: F401


def _make_panel(viewer: Any) -> ExplorePanel:
    # Only now, as it imports the engine.
    from napari_biogans.plugin.explore_panel import ExplorePanel

    return ExplorePanel(viewer)
