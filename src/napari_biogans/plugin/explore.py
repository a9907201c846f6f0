"""The dock in which a model is looked at by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_biogans.plugin.engine_dock import EngineDock

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_biogans.plugin.explore_panel import ExplorePanel


class ExploreDock(EngineDock["ExplorePanel"]):
    """Shows the panel for exploring a model; what it added to the viewer stays when it is closed.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, _load_engine, _make_panel)


def _load_engine() -> None:
    import napari_biogans.latent  # noqa: F401


def _make_panel(viewer: Any) -> ExplorePanel:
    # Only now, as it imports the engine.
    from napari_biogans.plugin.explore_panel import ExplorePanel

    return ExplorePanel(viewer)
