"""Gathering key cells: out of layers, out of those that were kept, or at random."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGroupBox, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from napari_biogans.plugin.class_names import shortened
from napari_biogans.plugin.generation import new_seed
from napari_biogans.plugin.interpolation import draw_icons, random_cell
from napari_biogans.plugin.key_cells import KeyCell, of_model, refusal
from napari_biogans.plugin.key_list import KeyList
from napari_biogans.plugin.key_sources import NO_CELLS_IN_LAYER, NO_KEPT_CELLS, KeySources
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.model_box import ModelBox
from napari_biogans.plugin.model_group import NO_MODEL
from napari_biogans.plugin.narrow_button import keep_narrow
from napari_biogans.plugin.offering import offer
from napari_biogans.plugin.preferences import preferences

NONE_SELECTED = "No key cell is selected."
ORDER_TIPS = ("Earlier on the way (Alt+↑)", "Later on the way (Alt+↓)", "Take the selected cells out (Delete)")
MOST_KEYS = 100
"""Added at once."""


class KeyGroup(QGroupBox):
    """A list of key cells, and buttons that add to it, put it in order and take out of it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    models : ModelBox
        Only cells of the model that is chosen there are taken; where none is,
        that of the first cell is chosen.
    """

    edited = Signal()
    """There are other cells, or they have another order."""
    said = Signal(str)
    """What did not go as asked."""

    def __init__(self, viewer: Any, models: ModelBox, parent: QWidget | None = None) -> None:
        super().__init__("Key cells", parent)
        self._models = models
        self._asked: tuple[KeyCell, ...] = ()
        self.sources = KeySources(viewer, self)
        self._icons, self._random = LatestWork(self), LatestWork(self)
        self.list = KeyList()
        self.from_layer, self.from_kept = QPushButton("Layer"), QPushButton("Kept")
        self.at_random = QPushButton("Random")
        self.up, self.down, self.remove = QPushButton("↑"), QPushButton("↓"), QPushButton("×")
        self._lay_out()
        self._connect()
        self._update()

    def cells(self) -> tuple[KeyCell, ...]:
        """Give the key cells in the order of the way."""
        return self.list.cells()

    def close_down(self) -> None:
        """Draw nothing more, and leave the viewer alone."""
        self._icons.abandon()
        self._random.abandon()
        self.sources.disconnect_all()

    def _lay_out(self) -> None:
        adding = QHBoxLayout()
        for button in (self.from_layer, self.from_kept, self.at_random):
            adding.addWidget(button)
        menu = QMenu(self.from_layer)
        self.in_slice = menu.addAction("The cell that is seen", self._add_in_slice)
        self.all_of_layer = menu.addAction("All its cells", self._add_all_of_layer)
        self.from_layer.setMenu(menu)
        self.kept_menu = QMenu(self.from_kept)
        self.kept_menu.aboutToShow.connect(self._list_kept)
        self.from_kept.setMenu(self.kept_menu)
        ordering = QVBoxLayout()
        for button in (self.up, self.down, self.remove):
            keep_narrow(button)
            ordering.addWidget(button)
        ordering.addStretch()
        middle = QHBoxLayout()
        middle.addWidget(self.list, 1)
        middle.addLayout(ordering)
        layout = QVBoxLayout(self)
        layout.addLayout(adding)
        layout.addLayout(middle)

    def _connect(self) -> None:
        self.sources.changed.connect(self._update)
        self._models.chosen.connect(self._follow_model)
        self.at_random.clicked.connect(self._draw_one)
        self.up.clicked.connect(self.list.move_up)
        self.down.clicked.connect(self.list.move_down)
        self.remove.clicked.connect(self.list.remove_selected)
        self.list.itemSelectionChanged.connect(self._update)
        self.list.edited.connect(self._follow_list)
        self._icons.returned.connect(self._show_icons)
        self._random.returned.connect(self._add_random)
        self._random.failed.connect(self._update)

    def _add(self, cells: Sequence[KeyCell]) -> None:
        model = self._models.path()
        if model is None and cells:
            model = cells[0].model
            self._models.add(model)
        ours = () if model is None else of_model(cells, model)
        if len(ours) > MOST_KEYS:
            self.said.emit(f"{len(ours):,} key cells at once are too many; {MOST_KEYS} can be added.")
            return
        self.list.add(ours)
        taken = set(ours)
        if others := [cell for cell in cells if cell not in taken]:
            self.said.emit(refusal(others))

    def _add_in_slice(self) -> None:
        cell = self.sources.in_slice()
        if cell is not None:
            self._add([cell])
        else:
            self.said.emit(
                f"No cell of {self.sources.layer_name} is seen by itself; add all its cells, or move the slider to one."
            )

    def _add_all_of_layer(self) -> None:
        self._add(self.sources.of_layer())

    def _list_kept(self) -> None:
        self.kept_menu.clear()
        cells = self.sources.kept()
        self.kept_menu.addAction(f"All {len(cells)}", partial(self._add, cells))
        self.kept_menu.addSeparator()
        for cell in cells:
            self.kept_menu.addAction(shortened(cell.name).replace("&", "&&"), partial(self._add, [cell]))

    def _draw_one(self) -> None:
        if path := self._models.path():
            self._random.begin("drawing a key cell", partial(random_cell, path, new_seed()))
            self._update()

    def _add_random(self, cell: KeyCell) -> None:
        self._add([cell])
        self._update()

    def _follow_list(self) -> None:
        self._draw_icons()
        self._update()
        self.edited.emit()

    def _follow_model(self) -> None:
        # It may have learned more since the pictures were drawn.
        self.list.forget_pictures()
        self._draw_icons()
        self._update()
        self.edited.emit()

    def _draw_icons(self) -> None:
        model = self._models.path()
        if model is not None and (missing := of_model(self.list.without_picture(), model)):
            self._asked = missing
            self._icons.begin("drawing key cells", partial(draw_icons, model, missing, preferences().device))

    def _show_icons(self, pictures: list[NDArray[np.uint8] | None]) -> None:
        for cell, picture in zip(self._asked, pictures, strict=True):
            if picture is not None:
                self.list.show_picture(cell, picture)

    def _update(self, problem: object = None) -> None:
        kept, has_cells = len(self.sources.kept()), self.sources.layer_has_cells
        offer(self.from_layer, None if has_cells else NO_CELLS_IN_LAYER, f"Cells of {self.sources.layer_name}")
        self.from_kept.setText(f"Kept ({kept})" if kept else "Kept")
        offer(self.from_kept, None if kept else NO_KEPT_CELLS, "Cells that were kept in other docks")
        drawing = "A cell is being drawn." if self._random.is_running else None
        offer(self.at_random, NO_MODEL if self._models.path() is None else drawing, "A cell of a new random latent")
        none_selected = None if self.list.selectedItems() else NONE_SELECTED
        for button, tip in zip((self.up, self.down, self.remove), ORDER_TIPS, strict=True):
            offer(button, none_selected, tip)
