"""What a dock is for, and in which order it is used, at its top."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_biogans.plugin.narrow_button import keep_narrow

KEYS = "Ctrl+Enter presses the main button; Tab goes from field to field, and where the mouse rests, tips are shown."


@dataclass(frozen=True)
class About:
    """What a dock says of itself."""

    summary: str
    """In a line or two, what it does."""
    steps: tuple[str, ...]
    """What to do in which order, a sentence each."""
    page: str
    """Title of the page of the documentation that tells more."""


class DockHelp(QWidget):
    """A summary of a dock, and a button that unfolds the steps below it.

    Parameters
    ----------
    about : About
    """

    def __init__(self, about: About, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary = _text(about.summary)
        self.more = QPushButton("?")
        self.more.setCheckable(True)
        keep_narrow(self.more)
        self.more.setToolTip("How this dock is used")
        self.more.setAccessibleName("Help")
        steps = "".join(f"<li>{step}</li>" for step in about.steps)
        self.steps = _text(
            f"<ol style='margin: 0; -qt-list-indent: 0; margin-left: 18px'>{steps}</ol>"
            f"<p style='margin: 4px 0 0 0'>{KEYS}</p>"
            f"<p style='margin: 4px 0 0 0'>More in the documentation: <i>{about.page}</i>.</p>"
        )
        self.steps.setTextFormat(Qt.TextFormat.RichText)
        self.steps.hide()
        grid = QGridLayout(self)
        grid.setContentsMargins(4, 0, 0, 0)
        grid.addWidget(self.summary, 0, 0)
        grid.addWidget(self.more, 0, 1, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.steps, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.more.toggled.connect(self.steps.setVisible)


def _text(text: str) -> QLabel:
    label = QLabel(text)
    label.setStyleSheet("padding: 0px;")  # napari's style has some, which takes a line's height here
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
