"""The dock in which sides are told apart by classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_biogans.plugin.engine_dock import EngineDock

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_biogans.plugin.score_panel import ScorePanel


class ScoreDock(EngineDock["ScorePanel"]):
    """Shows the panel for two-sample tests; when it is closed, a running test stops, and its critics are kept.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, _load_engine, _make_panel)


def _load_engine() -> None:
    import napari_biogans.evaluation  # noqa: F401


def _make_panel(viewer: Any) -> ScorePanel:
    # Only now, as it imports the engine.
    from napari_biogans.plugin.score_panel import ScorePanel

    return ScorePanel(viewer)
