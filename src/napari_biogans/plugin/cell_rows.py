"""Rows to choose the layers that hold the cells of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.plugin.accessible import name_widgets
from napari_biogans.plugin.cell_layers import ClassLayers, LayerImages, channel_axes, check_layers
from napari_biogans.plugin.class_names import told_apart
from napari_biogans.plugin.gone_layers import GoneLayers
from napari_biogans.plugin.image_layers import GreenBox, ImageLayers, LayerBox
from napari_biogans.plugin.narrow_button import keep_narrow
from napari_biogans.plugin.offering import offer
from napari_biogans.plugin.pairing import AxesOf, Pair, SameLayer, cell_halves, guess_green, guess_pair

ADD_CLASS, ADD_CELLS = "Add class", "Add cells"
ADD_CLASS_TIP = "Another class of cells, with layers of its own"
ADD_CELLS_TIP = "More cells, in other layers; this architecture learns all as one"


class CellRow(QFrame):
    """One class: its name, its layers, and a button to take it away.

    Parameters
    ----------
    layers : ImageLayers
        To choose from.
    name : str
        That it has until another is given.
    axes_of : callable
        As for `GreenBox`.
    halves_of : callable
        Finds the layers that may hold one channel alone.
    """

    changed = Signal()
    removal_asked = Signal(object)
    removal_tip = "Take these cells away"
    alone = "These cells are the only ones; choose others in their place."

    def __init__(
        self,
        layers: ImageLayers,
        name: str,
        axes_of: AxesOf = channel_axes,
        halves_of: Callable[[Sequence[Any]], list[Any]] = cell_halves,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._layers = layers
        self._axes_of, self._halves_of = axes_of, halves_of
        self._guessed_red: Any = None
        self._guessed_green: Any = None
        self._asks_for_name = True
        self._guessed_name = ""
        self.name = QLineEdit()
        self.name.setPlaceholderText(name)
        self.name.setToolTip("What green shows in these cells: a protein, a treatment")
        self.red = LayerBox()
        self.green = GreenBox(axes_of)
        self.remove = QPushButton("×")
        keep_narrow(self.remove)
        self.offer_removal(True)
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 4)
        self._name_label = QLabel("Class")
        grid.addWidget(self._name_label, 0, 0)
        grid.addWidget(self.name, 0, 1)
        grid.addWidget(self.remove, 0, 2)
        self._name_label.setBuddy(self.name)
        self._box_labels = [self._add_box("Red", self.red), self._add_box("Green", self.green)]
        grid.setColumnStretch(1, 1)
        self.name.textChanged.connect(self.changed)
        self.red.chosen.connect(self._follow_red)
        self.green.chosen.connect(self.changed)
        self.red.activated.connect(self._forget_guessed_red)
        self.green.activated.connect(self._forget_guessed_green)
        self.remove.clicked.connect(self._ask_removal)
        self.red.explain("Red", "The layer whose slices hold the red channel of the cells")
        self.green.explain("Green", "The layer whose slices hold the green channel of the same cells")
        name_widgets(self)

    def ask_for_name(self, asks: bool) -> None:
        """Show the name of the class, or not."""
        self._asks_for_name = asks
        self._name_label.setVisible(asks)
        self.name.setVisible(asks)
        # The button stands in the first row that there is.
        self._grid.addWidget(self.red, 1, 1, 1, 2 if asks or self.remove.isHidden() else 1)
        self._grid.addWidget(self.remove, 0 if asks else 1, 2)

    def offer_removal(self, are_others: bool) -> None:
        """Let the class be taken away if there are others."""
        offer(self.remove, None if are_others else self.alone, self.removal_tip)

    def offer_layers(self) -> None:
        """Offer the layers there are now."""
        self.red.offer(self._layers.all())
        self._offer_greens()

    def fill(self, pair: Pair) -> None:
        """Choose layers that seem to belong together."""
        self.red.choose(pair.red)
        self.green.choose(pair.green)
        self._guessed_red, self._guessed_green = pair.red, pair.green
        if self.name.text() in ("", self._guessed_name):  # that of layers which are gone says nothing of these
            self.name.setText(pair.name)
        self._guessed_name = pair.name

    def has_guessed_red(self) -> bool:
        """Whether red is as it was guessed, and nobody has chosen since."""
        return self.red.choice() is not None and self.red.choice() is self._guessed_red

    def is_in_doubt(self) -> bool:
        """Whether green was guessed to be in the layer of red, which other layers tell against by now."""
        green = self.green.choice()
        is_guess = isinstance(green, SameLayer) and green == self._guessed_green
        return is_guess and self._guess_green() != green

    def guess_green(self) -> None:
        """Choose the green that seems to belong to red."""
        self._guessed_green = self._guess_green()
        self.green.choose(self._guessed_green)

    def is_empty(self) -> bool:
        """Whether no layer is chosen."""
        return self.red.choice() is None and self.green.choice() is None

    def lacks_layer(self) -> bool:
        """Whether a layer has still to be chosen."""
        return self.red.choice() is None or self.green.choice() is None

    def layers(self) -> ClassLayers:
        """Take what counts of the chosen layers.

        Raises
        ------
        CellsError
            If a layer is not chosen.
        """
        name = self.name.text().strip() or self.name.placeholderText()
        red, green = self.red.choice(), self.green.choice()
        for layer, colour in ((red, "red"), (green, "green")):
            if layer is None:
                # A name that is not asked for may be that of layers which are gone; of several rows it tells which.
                is_one_of_several = self.remove.isEnabled()
                of_class = f" for {name!r}" if self._asks_for_name or is_one_of_several else ""
                raise CellsError(f"Choose a {colour} layer{of_class}: an image layer that holds a stack of cells.")
        if isinstance(green, SameLayer):
            return ClassLayers(name, LayerImages.of(red), channel_axis=green.axis)
        return ClassLayers(name, LayerImages.of(red), LayerImages.of(green))

    def _add_box(self, title: str, box: LayerBox) -> QLabel:
        """Add a box below the others, and give its title."""
        label = QLabel(title)
        label.setBuddy(box)
        line = self._grid.rowCount()
        self._grid.addWidget(label, line, 0)
        self._grid.addWidget(box, line, 1, 1, 2)
        return label

    def _follow_red(self) -> None:
        self._offer_greens()
        if self.green.choice() is None and self.red.choice() is not None:
            self.guess_green()
        self.changed.emit()

    def _offer_greens(self) -> None:
        red = self.red.choice()
        self.green.offer_for([layer for layer in self._layers.all() if layer is not red], red)

    def _guess_green(self) -> Any:
        return guess_green(self.red.choice(), self._halves_of(self._layers.all()), self._axes_of)

    def _forget_guessed_red(self) -> None:
        self._guessed_red = None

    def _forget_guessed_green(self) -> None:
        self._guessed_green = None

    def _ask_removal(self) -> None:
        self.removal_asked.emit(self)


class CellRows(QWidget):
    """As many classes as wanted, each with its layers.

    Layers that seem to belong together are chosen from the start.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    other : CellRows, optional
        Rows whose layers are not chosen here from the start, nor these there.
    only_one : bool
        Whether the cells are those of one class, whose name is not asked for.
    """

    changed = Signal()

    def __init__(
        self, viewer: Any, other: CellRows | None = None, parent: QWidget | None = None, *, only_one: bool = False
    ) -> None:
        super().__init__(parent)
        self._other = other
        self._only_one = only_one
        if other is not None:
            other._other = self
        self.image_layers = ImageLayers(viewer, self)
        self.rows: list[CellRow] = []
        self._asks = not only_one
        self._lines = QVBoxLayout()
        self._lines.setContentsMargins(0, 0, 0, 0)
        self.add = QPushButton(ADD_CLASS)
        self.add.setToolTip(ADD_CLASS_TIP)
        self.add.clicked.connect(self.add_row)
        self.add.setVisible(not only_one)
        self.gone = GoneLayers()
        self._chosen: list[Any] = []
        self._is_following = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._lines)
        layout.addWidget(self.gone)
        layout.addWidget(self.add)
        self.image_layers.changed.connect(self._follow)
        self.add_row()

    def add_row(self) -> None:
        """Add a class, with the next layers that seem to belong together."""
        used = {row.name.placeholderText() for row in self.rows}
        row = self._make_row(next(name for name in map("class {}".format, count(1)) if name not in used))
        self._lines.addWidget(row)
        self.rows.append(row)
        self._fill(row)
        row.remove.setVisible(not self._only_one)
        row.ask_for_name(self._asks)
        row.changed.connect(self._note_edit)
        row.removal_asked.connect(self.remove_row)
        self._tell()

    def remove_row(self, row: CellRow) -> None:
        """Take a class away."""
        self.rows.remove(row)
        self._lines.removeWidget(row)
        row.hide()
        row.deleteLater()
        self._tell()

    def classes(self) -> tuple[ClassLayers, ...]:
        """Take what counts of the chosen layers.

        Raises
        ------
        CellsError
            If a layer is not chosen, or the layers cannot be cells; the
            message says what to do.
        """
        classes = tuple(row.layers() for row in self.rows)
        if not self._asks:
            names = told_apart(each.name for each in classes)
            classes = tuple(replace(each, name=name) for each, name in zip(classes, names, strict=True))
        check_layers(classes)
        return classes

    def is_asked(self) -> bool:
        """Whether these rows are shown, or will be when their window is."""
        window = self.window()
        return window is None or self.isVisibleTo(window)

    def ask_for_classes(self, asks: bool) -> None:
        """Ask for the names of classes, or not, where they do not matter.

        Parameters
        ----------
        asks : bool
        """
        self._asks = asks
        self.add.setText(ADD_CLASS if asks else ADD_CELLS)
        self.add.setToolTip(ADD_CLASS_TIP if asks else ADD_CELLS_TIP)
        for row in self.rows:
            row.ask_for_name(asks)

    def _make_row(self, name: str) -> CellRow:
        return CellRow(self.image_layers, name)

    def _guess(self, taken: Sequence[Any]) -> Pair | None:
        return guess_pair(self.image_layers.all(), taken)

    def _fill(self, row: CellRow) -> None:
        row.offer_layers()
        if pair := self._guess(self._taken()):
            row.fill(pair)

    def _guess_again(self, row: CellRow) -> None:
        """Guess what belongs together, as to layers that came after the first guess."""
        if not row.has_guessed_red():
            row.guess_green()
            return
        shape = row.red.choice().data.shape
        others = [layer for layer in self.image_layers.all() if layer.data.shape != shape]
        row.fill(self._guess([*others, *self._taken(but=row)]) or Pair(None, None, ""))

    def _taken(self, but: CellRow | None = None) -> list[Any]:
        rows = self.rows + (self._other.rows if self._other is not None and self._other.is_asked() else [])
        return [layer for row in rows if row is not but for layer in (row.red.choice(), row.green.choice())]

    def _follow(self) -> None:
        before = self._chosen
        self._is_following = True
        for row in self.rows:
            row.offer_layers()
            if row.is_empty():
                self._fill(row)
            elif row.is_in_doubt():
                self._guess_again(row)
        self._is_following = False
        present = self.image_layers.all()
        gone = [layer.name for layer in before if layer not in present]
        self.gone.note(gone, others_are_chosen=not any(row.lacks_layer() for row in self.rows))
        self._tell()

    def _note_edit(self) -> None:
        if not self._is_following:
            self.gone.forget()
        self._tell()

    def _tell(self) -> None:
        choices = [choice for row in self.rows for choice in (row.red.choice(), row.green.choice())]
        self._chosen = [choice for choice in choices if choice is not None and not isinstance(choice, SameLayer)]
        for row in self.rows:
            row.offer_removal(len(self.rows) > 1)
        self.changed.emit()
