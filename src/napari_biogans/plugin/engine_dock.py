"""Docks that need the engine, which takes seconds to load."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Generic, Protocol, TypeVar

from qtpy.QtWidgets import QLabel

from napari_biogans.plugin.closing_dock import ClosingDock
from napari_biogans.plugin.workers import ShouldStop, Worker, make_worker


class Panel(Protocol):
    """What a dock shows once the engine is loaded; a widget."""

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone."""


PanelT = TypeVar("PanelT", bound=Panel)


class EngineDock(ClosingDock, Generic[PanelT]):
    """Shows a panel once the engine is loaded in another thread, and ends it when the dock is closed.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    load : callable
        Imports what the panel needs; called in another thread.
    make_panel : callable
        Given the viewer, makes the panel.
    """

    def __init__(self, viewer: Any, load: Callable[[], object], make_panel: Callable[[Any], PanelT]) -> None:
        super().__init__()
        self._viewer = viewer
        self._make_panel = make_panel
        self.panel: PanelT | None = None
        self._notice = QLabel("Loading PyTorch …")
        self.fill(self._notice)

        def loading(should_stop: ShouldStop) -> Generator[None, None, None]:
            yield
            load()

        self._loader: Worker | None = make_worker("loading PyTorch", loading)
        self._loader.returned.connect(self._show_panel)
        self._loader.errored.connect(self._say_broken)
        self._loader.start()

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone."""
        self._loader = None
        if self.panel is not None:
            self.panel.close_down()

    def _show_panel(self, nothing: None = None) -> None:
        if self._loader is None or self._loader.is_abandoned:
            return
        self.panel = self._make_panel(self._viewer)
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(self._notice, self.panel)  # type: ignore[arg-type]
        self._notice.deleteLater()
        self.make_accessible()

    def _say_broken(self, error: Exception) -> None:
        self._notice.setText(f"PyTorch cannot be loaded: {error}")
