"""An area that scrolls up and down only."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget


class WidthFittingScrollArea(QScrollArea):
    """Is as wide as its content needs, scroll bar included, so that nothing is cut off at the side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the width that the content asks for."""
        content, bar = self.widget(), self.verticalScrollBar()
        if (
            event is not None
            and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show)
            and content is not None
            and watched is content
            and bar is not None
        ):
            frame = 2 * self.frameWidth()
            self.setMinimumWidth(content.minimumSizeHint().width() + bar.sizeHint().width() + frame)
        return super().eventFilter(watched, event)
