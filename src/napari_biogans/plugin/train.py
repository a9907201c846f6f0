"""The dock in which models are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_biogans.plugin.engine_dock import EngineDock

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_biogans.plugin.train_panel import TrainPanel


class TrainDock(EngineDock["TrainPanel"]):
    """Shows the panel for trainings; when it is closed, a running training stops with everything saved.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, _load_engine, _make_panel)


def _load_engine() -> None:
    import napari_biogans.training  # noqa: F401


def _make_panel(viewer: Any) -> TrainPanel:
    # Only now, as it imports the engine.
    from napari_biogans.plugin.train_panel import TrainPanel

    return TrainPanel(viewer)
