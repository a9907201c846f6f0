"""The dock in which models are trained."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_biogans.plugin.workers import ShouldStop, Worker, make_worker

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_biogans.plugin.train_panel import TrainPanel


class TrainDock(QWidget):
    """Shows the panel for trainings once the engine is loaded, and ends it when the dock is closed.

    Loading torch takes seconds, and is done in another thread.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer: Any = napari_viewer
        self.panel: TrainPanel | None = None
        self._notice = QLabel("Loading PyTorch …")
        # Else napari puts an empty space below, when the panel is not there yet.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(self._notice)
        self._loader: Worker | None = make_worker("loading PyTorch", _load_engine)
        self._loader.returned.connect(self._show_panel)
        self._loader.errored.connect(self._say_broken)
        self._loader.start()

    def event(self, event: QEvent | None) -> bool:
        """Notice when napari closes the dock: it takes the widget out of it, and forgets it."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.close_down()
            self.deleteLater()
        return super().event(event)

    def close_down(self) -> None:
        """Stop a running training, with everything saved, and leave the viewer alone."""
        self._loader = None
        if self.panel is not None:
            self.panel.close_down()

    def _show_panel(self, nothing: None = None) -> None:
        if self._loader is None or self._loader.is_abandoned:
            return
        # Only now, as it imports the engine.
        from napari_biogans.plugin.train_panel import TrainPanel

        self.panel = TrainPanel(self._viewer)
        self._layout.replaceWidget(self._notice, self.panel)
        self._notice.deleteLater()

    def _say_broken(self, error: Exception) -> None:
        self._notice.setText(f"PyTorch cannot be loaded: {error}")


def _load_engine(should_stop: ShouldStop) -> Generator[None, None, None]:
    yield
    import napari_biogans.training  # noqa: F401
