"""The dock in which real cells are rebuilt, and all proteins drawn in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_biogans.plugin.dock_help import About
from napari_biogans.plugin.engine_dock import EngineDock

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_biogans.plugin.reconstruct_panel import ReconstructPanel

ABOUT = About(
    "Finds the latents from which a model draws your cells.",
    (
        "Choose a model, the layers of the cells, and which of them.",
        "<b>Rebuild</b> adds what the model draws beside the cells, and their errors to the table.",
        "<b>Show all classes</b> draws the green of every class for the red of these cells.",
        "<b>Keep</b> cells for other docks, or <b>Export</b> all that was found.",
    ),
    "From a real cell to its latent",
)


class ReconstructDock(EngineDock["ReconstructPanel"]):
    """Shows the panel for reconstructions; when it is closed, a running search stops.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    about = ABOUT

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, _load_engine, _make_panel)


def _load_engine() -> None:
    import napari_biogans.latent  # noqa: F401


def _make_panel(viewer: Any) -> ReconstructPanel:
    # Only now, as it imports the engine.
    from napari_biogans.plugin.reconstruct_panel import ReconstructPanel

    return ReconstructPanel(viewer)
