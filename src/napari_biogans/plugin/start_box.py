"""Buttons that choose the cell to start from."""

from __future__ import annotations

from qtpy.QtWidgets import QFormLayout, QGridLayout, QPushButton, QWidget

from napari_biogans.plugin.offering import offer
from napari_biogans.plugin.truncation_box import TruncationBox

TIPS = {
    "cell": "Draw another cell",
    "red": "Draw another red, and hold the green latent",
    "green": "Draw another green for this red",
    "layer": "Take the cell that is shown of the layer that is chosen in the list of layers",
}
NO_CELL = "Draw a cell first, or start from one of a layer."


class StartBox(QWidget):
    """Buttons for new cells, reds and greens, and for the cell of a layer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cell, self.layer = QPushButton("New cell"), QPushButton("From layer")
        self.red, self.green = QPushButton("New red"), QPushButton("New green")
        self.truncation = TruncationBox()
        buttons = QWidget()
        grid = QGridLayout(buttons)
        grid.setContentsMargins(0, 0, 0, 0)
        for place, button in enumerate((self.cell, self.layer, self.red, self.green)):
            grid.addWidget(button, *divmod(place, 2))
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow(buttons)
        rows.addRow("Truncation", self.truncation)

    def update_buttons(self, problem: str, part_problem: str, layer_problem: str) -> None:
        """Enable the buttons that can be pressed, and let the others say why not.

        Parameters
        ----------
        problem, part_problem, layer_problem : str
            What keeps from drawing any cell, a part of one, and from taking
            one of a layer; empty if nothing does.
        """
        reasons = {"cell": problem, "red": part_problem, "green": part_problem, "layer": layer_problem}
        for name, reason in reasons.items():
            offer(getattr(self, name), reason, TIPS[name])
