"""The layers of images and of labels of a viewer, and boxes to choose one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.layers import Image, Labels
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

from napari_biogans.plugin.cell_layers import channel_axes
from napari_biogans.plugin.pairing import AxesOf, SameLayer
from napari_biogans.plugin.setting_editors import ignore_wheel

LETTERS = 5
"""Width of a box at least, in letters."""


class ImageLayers(QObject):
    """Follows the image layers of a viewer, and those of labels.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()
    """A layer came, went, got another name or other pixels."""
    pixels_changed = Signal(object)
    """A layer got other pixels, or somebody drew on its labels."""

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers = viewer.layers
        self._followed: list[Image | Labels] = []
        for event in (self._layers.events.inserted, self._layers.events.removed, self._layers.events.reordered):
            event.connect(self._update)
        self._follow()

    def all(self) -> list[Image]:
        """Give the image layers, in the order in which they were added."""
        return [layer for layer in self._followed if isinstance(layer, Image)]

    def labels(self) -> list[Labels]:
        """Give the layers of labels, in the order in which they were added."""
        return [layer for layer in self._followed if isinstance(layer, Labels)]

    def disconnect_all(self) -> None:
        """Stop following."""
        for event in (self._layers.events.inserted, self._layers.events.removed, self._layers.events.reordered):
            event.disconnect(self._update)
        for layer in self._followed:
            self._leave(layer)
        self._followed = []

    def _update(self, event: Any = None) -> None:
        self._follow()
        self.changed.emit()

    def _follow(self) -> None:
        present = [layer for layer in self._layers if isinstance(layer, Image | Labels)]
        for layer in self._followed:
            if layer not in present:
                self._leave(layer)
        for layer in present:
            if layer not in self._followed:
                layer.events.name.connect(self._tell)
                layer.events.data.connect(self._tell)
                for event in _pixel_events(layer):
                    event.connect(self._tell_pixels)
        self._followed = present

    def _leave(self, layer: Image | Labels) -> None:
        layer.events.name.disconnect(self._tell)
        layer.events.data.disconnect(self._tell)
        for event in _pixel_events(layer):
            event.disconnect(self._tell_pixels)

    def _tell(self, event: Any = None) -> None:
        self.changed.emit()

    def _tell_pixels(self, event: Any) -> None:
        self.pixels_changed.emit(event.source)


def _pixel_events(layer: Image | Labels) -> list[Any]:
    return [layer.events.data, layer.events.paint] if isinstance(layer, Labels) else [layer.events.data]


class LayerBox(QComboBox):
    """A box to choose an image layer."""

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tip = ""
        self._options: list[Any] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(LETTERS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setPlaceholderText("choose")
        self.currentIndexChanged.connect(self._tell)
        ignore_wheel(self)

    def explain(self, name: str, tip: str) -> None:
        """Say what the layer is for: to screen readers, and in the tooltip above the name of the one that is chosen."""
        self.setAccessibleName(name)
        self._tip = tip
        self._show_tip()

    def choice(self) -> Any:
        """Give what is chosen: a layer, `SameLayer` in a `GreenBox`, or None."""
        index = self.currentIndex()
        return self._options[index] if index >= 0 else None

    def choose(self, option: Any) -> None:
        """Choose one of the options, or none of them."""
        self.setCurrentIndex(self._options.index(option) if option in self._options else -1)

    def offer(self, layers: Sequence[Image]) -> None:
        """Offer these layers, keeping what is chosen if it is among them."""
        self._offer({layer: layer.name for layer in layers})

    def _offer(self, texts: dict[Any, str]) -> None:
        kept = self.choice()
        self.blockSignals(True)
        self.clear()
        self._options = list(texts)
        for index, text in enumerate(texts.values()):
            self.addItem(text)
            self.setItemData(index, text, Qt.ItemDataRole.ToolTipRole)
        self.choose(kept)
        self.blockSignals(False)
        self._show_tip()
        if self.choice() is not kept:
            self.chosen.emit()

    def _tell(self, index: int) -> None:
        self._show_tip()
        self.chosen.emit()

    def _show_tip(self) -> None:
        # Long names are cut off in the box.
        self.setToolTip("\n".join(filter(None, (self._tip, self.currentText()))))


class GreenBox(LayerBox):
    """A box to choose the layer of green: another layer, or a channel of the layer of red.

    Parameters
    ----------
    axes_of : callable
        Given shape and labels of the axes, finds those that may hold channels.
    """

    def __init__(self, axes_of: AxesOf = channel_axes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes_of = axes_of

    def offer_for(self, layers: Sequence[Image], red: Image | None) -> None:
        """Offer layers, and the channels of the layer of red if it has an axis for them."""
        axes = [] if red is None else self._axes_of(red.data.shape, red.axis_labels)
        same = {
            SameLayer(axis): "same layer, channel 1" + (f" of axis {axis}" if len(axes) > 1 else "") for axis in axes
        }
        self._offer({**same, **{layer: layer.name for layer in layers}})
