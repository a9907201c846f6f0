"""Which run will be resumed, and a button to begin a new one after all."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_biogans.plugin.class_names import shortened
from napari_biogans.plugin.narrow_button import keep_narrow
from napari_biogans.plugin.training_work import RunFacts


class RunBanner(QFrame):
    """Names the run that will be resumed; hidden while there is none."""

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts: RunFacts | None = None
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.dismiss = QPushButton("×")
        keep_narrow(self.dismiss)
        self.dismiss.setToolTip("Begin a new run instead")
        self.dismiss.clicked.connect(self.dismissed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.dismiss)
        self.hide()

    def show_run(self, facts: RunFacts | None) -> None:
        """Show a run, or none."""
        self.facts = facts
        self.setVisible(facts is not None)
        if facts is not None:
            self.text.setText(
                f"<b>{shortened(facts.folder.name)}</b>: {facts.step:,} of {facts.config.steps:,} steps done"
            )
            self.text.setToolTip(str(facts.folder))
