"""How near to the middle of their distribution latents are drawn."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QWidget

from napari_biogans.plugin.setting_editors import ignore_wheel
from napari_biogans.plugin.setting_fields import range_text, with_range

LEAST, MOST = 0.1, 5.0
TIP = "Keep latents near the middle of their distribution: more typical, less varied cells"


class TruncationBox(QWidget):
    """A check box, and within how many standard deviations."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.is_on = QCheckBox("within")
        self.sigmas = QDoubleSpinBox()
        self.sigmas.setRange(LEAST, MOST)
        self.sigmas.setSingleStep(0.1)
        self.sigmas.setValue(1)
        self.sigmas.setSuffix(" σ")
        self.sigmas.setEnabled(False)
        ignore_wheel(self.sigmas)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.is_on.setToolTip(TIP)
        self.is_on.setAccessibleName("Truncation")
        self.sigmas.setToolTip(with_range(TIP, range_text(LEAST, MOST, unit=" standard deviations (σ)")))
        self.sigmas.setAccessibleName("Truncation in standard deviations")
        for widget in (self.is_on, self.sigmas):
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
