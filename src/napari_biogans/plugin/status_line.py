"""Lines of text that say what happens."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from napari_biogans.plugin.class_names import with_short_names

LINES = 2


class StatusLine(QLabel):
    """A few lines of text that never change their place, nor the width of the dock."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(LINES * self.fontMetrics().lineSpacing())

    def say(self, text: str, details: str = "") -> None:
        """Show a text, and details, or the whole of a text that was shortened, where the mouse points at it."""
        self.setText(with_short_names(text))
        self.setToolTip(details or text)
