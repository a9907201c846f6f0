"""How near to the middle of their distribution latents are drawn."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QWidget

from napari_biogans.plugin.setting_editors import ignore_wheel

TIP = "Keep latents near the middle of their distribution: more typical, less varied cells"


class TruncationBox(QWidget):
    """A check box, and within how many standard deviations."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.is_on = QCheckBox("within")
        self.sigmas = QDoubleSpinBox()
        self.sigmas.setRange(0.1, 5)
        self.sigmas.setSingleStep(0.1)
        self.sigmas.setValue(1)
        self.sigmas.setSuffix(" σ")
        self.sigmas.setEnabled(False)
        ignore_wheel(self.sigmas)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.is_on, self.sigmas):
            widget.setToolTip(TIP)
            layout.addWidget(widget)
        self.is_on.toggled.connect(self.sigmas.setEnabled)
        self.is_on.toggled.connect(self.edited)
        self.sigmas.valueChanged.connect(self.edited)

    def get(self) -> float | None:
        """Give the number of standard deviations, or None for no limit."""
        return self.sigmas.value() if self.is_on.isChecked() else None

    def set(self, value: float | None) -> None:
        """Show a number of standard deviations, or no limit."""
        if value is not None:
            self.sigmas.setValue(value)
        self.is_on.setChecked(value is not None)
