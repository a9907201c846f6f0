"""The dock in which sides are told apart by classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_biogans.plugin.dock_help import About
from napari_biogans.plugin.engine_dock import EngineDock

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_biogans.plugin.score_panel import ScorePanel

ABOUT = About(
    "Tests how well classifiers tell two sets of cells apart (C2ST).",
    (
        "Choose a question, and the two sides: layers, a folder, or a model that draws.",
        "Choose a test; <i>quick</i> gives a first answer.",
        "<b>Start</b>. A score is told beside what real cells against real cells get: the nearer, the more alike.",
        "Click a score for the cells that give their side away.",
    ),
    "The two-sample test",
)


class ScoreDock(EngineDock["ScorePanel"]):
    """Shows the panel for two-sample tests; when it is closed, a running test stops, and its critics are kept.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    about = ABOUT

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, _load_engine, _make_panel)


def _load_engine() -> None:
    import napari_biogans.evaluation  # noqa: F401


def _make_panel(viewer: Any) -> ScorePanel:
    # Only now, as it imports the engine.
    from napari_biogans.plugin.score_panel import ScorePanel

    return ScorePanel(viewer)
