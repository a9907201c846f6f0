"""The dock in which models are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_biogans.plugin.dock_help import About
from napari_biogans.plugin.engine_dock import EngineDock

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_biogans.plugin.train_panel import TrainPanel

ABOUT = About(
    "Teaches a model how green depends on red in your cells, so that it can draw new ones.",
    (
        "Choose the layers, or the folder, that hold red and green of single cells, for each class.",
        "Choose a size: <i>demo</i> takes minutes, others longer; and how the model is built.",
        "<b>Start</b>. Losses and drawn cells are shown while it learns; <b>Stop</b> saves everything.",
        "A run that was stopped goes on by <b>Resume a run</b>.",
    ),
    "Training",
)


class TrainDock(EngineDock["TrainPanel"]):
    """Shows the panel for trainings; when it is closed, a running training stops with everything saved.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    about = ABOUT

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, _load_engine, _make_panel)


def _load_engine() -> None:
    import napari_biogans.training  # noqa: F401


def _make_panel(viewer: Any) -> TrainPanel:
    # Only now, as it imports the engine.
    from napari_biogans.plugin.train_panel import TrainPanel

    return TrainPanel(viewer)
