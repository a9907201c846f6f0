"""What is put into which field: layers of cells, which of them, and how they are shown there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFormLayout, QGroupBox, QLabel, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.finding import crop_corners
from napari_biogans.cells.overlay import PlacingConfig
from napari_biogans.cells.tiff_metadata import to_micrometres
from napari_biogans.plugin.cell_choice import ALL, SOON_MS, CellChoice
from napari_biogans.plugin.cell_stack import CellStack
from napari_biogans.plugin.class_names import counted_cells
from napari_biogans.plugin.field_target import FieldTarget, empty_target, labels_plane, target_of, target_on
from napari_biogans.plugin.image_layers import GreenBox, ImageLayers, LayerBox
from napari_biogans.plugin.layer_data import METADATA_KEY
from napari_biogans.plugin.layer_list import LayerList
from napari_biogans.plugin.pairing import SameLayer
from napari_biogans.plugin.put_choice import (
    NO_LAYERS,
    Destinations,
    assigned,
    common_destinations,
    destinations_of,
    has_places,
    layers_with_cells,
    newest_of,
)
from napari_biogans.plugin.put_words import (
    AREAS,
    AROUND,
    AUTOMATIC,
    ELLIPSES,
    INTO,
    LARGE,
    OTHER,
    OWN,
    SOURCE,
    TIPS,
    told_left_out,
)
from napari_biogans.plugin.putting import PutRequest, channels_of, size_text, window_around
from napari_biogans.plugin.remembering import remember
from napari_biogans.plugin.setting_editors import Choice
from napari_biogans.plugin.setting_titles import by_title
from napari_biogans.plugin.settings_form import SettingsForm
from napari_biogans.settings import checked

LETTERS = 12
"""Width of the boxes at least, in letters; they grow with the dock."""


class PutForm(QWidget):
    """Everything that is chosen before cells are put into a field.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._is_looking = False
        self._wish = SOURCE
        self.image_layers = ImageLayers(viewer, self)
        self.layers = LayerList()
        self.choice = CellChoice(viewer)
        self.choice.way.set(ALL)
        self.places: Choice = Choice({OWN: None})
        self.field: Choice = Choice({"": ""})
        self.into = Choice(INTO)
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.red, self.green = LayerBox(), GreenBox()
        self.settings = SettingsForm(PlacingConfig, {}, ("part",), "")
        self.labels: Choice = Choice({ELLIPSES: None})
        self.area = Choice(AREAS)
        self.red.explain("Red", "The layer of red of the field that the cells are put into")
        self.green.explain("Green", "The layer of green of the same field")
        for name in ("layers", "places", "field", "into", "labels", "area"):
            getattr(self, name).setToolTip(TIPS[name])
        for box in (self.places, self.field, self.into, self.labels, self.area):
            box.setMinimumContentsLength(LETTERS)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SOON_MS)
        self._timer.timeout.connect(self._look)
        self._lay_out()
        self._connect()
        remember(self.settings, "put back")
        self._look()
        self.layers.choose(newest_of(self.image_layers.all()))

    def show_layers(self, layers: Sequence[Any]) -> None:
        """Choose all cells of some layers, which go to their own places."""
        self._look()
        self.places.set(None)
        self.layers.choose(layers)

    def request(self) -> PutRequest:
        """Say what is wanted.

        Raises
        ------
        CellsError
            If something is missing or does not fit; the message says what to do.
        """
        if not layers_with_cells(self.image_layers.all()):
            raise CellsError(NO_LAYERS)
        layers = self.layers.chosen()
        destinations, own = self._destinations(layers)
        chosen = self.choice.places()
        cells, rows = assigned(chosen, destinations, own, self.field.get())
        if not cells:
            raise CellsError(f"None of the chosen cells has a place in {self.field.get()!r}; choose another field.")
        features = destinations.table.iloc[rows].reset_index(drop=True)
        channels = tuple(channel for layer in layers for channel in channels_of(layer))
        if len({channel.dtype for channel in channels}) > 1:
            told = ", ".join(f"{channel.name!r} {channel.dtype}" for channel in channels)
            raise CellsError(f"These layers are of different types, and so in different units: {told}. Put them apart.")
        with by_title(CellsError, self.settings.titles):
            config = checked(PlacingConfig, self.settings.values(), CellsError)
        target = self._target(destinations, features, channels[0].size)
        labels = self.labels.get()
        if labels is not None and config.part == "cell":
            if "label" not in features:
                raise CellsError("These cells do not tell their labels (a column 'label'); choose ellipses.")
            target = self._with_labels(target, labels)
        whole = slice(0, target.shape[0]), slice(0, target.shape[1])
        request = PutRequest(channels, tuple(cells), features, target, config, whole, told_left_out(chosen, cells, own))
        if self.area.get() == AROUND or (self.area.get() == AUTOMATIC and request.nbytes > LARGE):
            around = window_around(features, channels[0].size, target.shape)
            return replace(request, window=around)
        window_around(features, channels[0].size, target.shape)
        return request

    def disconnect_all(self) -> None:
        """Hear no more of layers and sliders."""
        self._timer.stop()
        self.image_layers.disconnect_all()
        self.choice.disconnect_all()
        self._viewer.dims.events.point.disconnect(self._look_soon)

    def _lay_out(self) -> None:
        cells, self._rows = _group("Cells")
        self._rows.addRow(self.layers)
        self._rows.addRow("Which", self.choice)
        self._rows.addRow("Places of", self.places)
        self._rows.addRow("Field", self.field)
        into, self._into_rows = _group("Into")
        self._into_rows.addRow(self.into)
        self._into_rows.addRow("Red", self.red)
        self._into_rows.addRow("Green", self.green)
        self._into_rows.addRow(self.told)
        show = QGroupBox("Shown")
        QVBoxLayout(show).addWidget(self.settings)
        self.settings.add_row("Outlines", self.labels)
        self.settings.add_row("Area", self.area)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (cells, into, show):
            layout.addWidget(widget)
        layout.addStretch()

    def _connect(self) -> None:
        self.image_layers.changed.connect(self._look_soon)
        self._viewer.dims.events.point.connect(self._look_soon)
        self.into.edited.connect(self._note_wish)
        for signal in (
            self.layers.edited,
            self.choice.changed,
            self.places.edited,
            self.field.edited,
            self.red.chosen,
            self.green.chosen,
            self.settings.edited,
            self.labels.edited,
            self.area.edited,
        ):
            signal.connect(self._look)

    def _destinations(self, layers: Sequence[Any]) -> tuple[Destinations, bool]:
        """Give where the cells go, and whether these are their own places."""
        own = common_destinations(layers)
        other = self.places.get()
        if other is None and own is None:
            raise CellsError(
                f"The cells of {layers[0].name!r} were made without a real one, and have no place of their own; "
                "choose whose places they take."
            )
        found = own if other is None else destinations_of(other)
        if found is None:
            raise CellsError("The layer whose places are to be taken does not know them any more; choose another.")
        return found, other is None

    def _target(self, destinations: Destinations, features: Any, size: tuple[int, int]) -> FieldTarget:
        name, into = self.field.get(), self.into.get()
        record = destinations.fields.get(name)
        if into == OTHER:
            return self._other_target()
        shown = None if record is None else target_of(record, self.image_layers.all())
        if into == SOURCE and shown is None:
            raise CellsError(f"The layers of {name!r} are not in the viewer; choose an empty field, or other layers.")
        if shown is not None:
            return shown if into == SOURCE else shown.emptied()
        extent = self._viewer.layers.extent
        in_micrometres = extent.units is not None and to_micrometres(1, str(extent.units[-1])) is not None
        return empty_target(name, record, features, crop_corners(features, size), in_micrometres)

    def _other_target(self) -> FieldTarget:
        red, green = self.red.choice(), self.green.choice()
        if red is None or green is None:
            raise CellsError(f"Choose the layer that holds {'red' if red is None else 'green'} of the field.")
        if red.ndim < 2 or (not isinstance(green, SameLayer) and red.ndim != green.ndim):
            raise CellsError(f"Layers {red.name!r} and {green.name!r} have different axes; choose those of one field.")
        place = red.world_to_data(self._viewer.dims.point)[: red.ndim - 2]
        return target_on(red, green, red.name, [round(float(n)) for n in place])

    def _with_labels(self, target: FieldTarget, labels: Any) -> FieldTarget:
        return replace(target, labels=labels_plane(labels, target))

    def _note_wish(self) -> None:
        if not self._is_looking:
            self._wish = self.into.get()
        self._look()

    def _look_soon(self, event: Any = None) -> None:
        self._timer.start()

    def _look(self) -> None:
        """Offer what there is now, and tell what would be done."""
        if self._is_looking:
            return
        self._is_looking = True
        try:
            self._offer()
        finally:
            self._is_looking = False
        self.changed.emit()

    def _offer(self) -> None:
        images = self.image_layers.all()
        self.layers.offer(layers_with_cells(images))
        chosen = self.layers.chosen()
        self.choice.show_stack(CellStack(chosen[0], 0) if chosen else None)
        self.places.offer({OWN: None, **{layer.name: layer for layer in images if has_places(layer)}})
        self._rows.setRowVisible(self.places, self.places.get() is not None or not all(map(has_places, chosen)))
        labels = [layer for layer in self._viewer.layers if isinstance(layer, Labels)]
        # Outlines that we show have numbers of their own.
        drawn = {layer.name: layer for layer in labels if METADATA_KEY not in layer.metadata}
        self.labels.offer({ELLIPSES: None, **drawn})
        try:
            destinations, own = self._destinations(chosen)
            names = destinations.field_names[destinations.are_known]
            counts = (names.iloc[[k for k in self.choice.places() if k in names.index]] if own else names).value_counts(
                sort=False
            )
        except (CellsError, IndexError):
            counts, destinations = None, None
        fields = {} if counts is None else {f"{name} ({counted_cells(n)})": name for name, n in counts.items()}
        self.field.offer(fields or {"": ""})
        self._rows.setRowVisible(self.field, len(fields) > 1)
        record = None if destinations is None else destinations.fields.get(self.field.get())
        is_shown = record is not None and target_of(record, images) is not None
        self.into.offer({text: value for text, value in INTO.items() if is_shown or value != SOURCE})
        if self._wish != SOURCE or is_shown:
            self.into.set(self._wish)
        self.red.offer(images)
        red = self.red.choice()
        self.green.offer_for([layer for layer in images if layer is not red], red)
        for box in (self.red, self.green):
            self._into_rows.setRowVisible(box, self.into.get() == OTHER)
        is_cell = self.settings.values()["part"] == "cell"
        self.labels.setEnabled(is_cell)
        self.settings.set_fixed({} if is_cell else dict.fromkeys(("margin", "softness"), "(Of cells only.)"))
        self.told.setText(self._told())

    def _told(self) -> str:
        try:
            request = self.request()
        except CellsError:
            return ""
        height, width = request.shape
        count = len(request.channels)
        layers = "1 new layer" if count == 1 else f"{count} new layers"
        return (
            f"{counted_cells(len(request.cells))} into {request.target.told}: {layers} of {height:,}×{width:,} pixels, "
            f"{size_text(request.nbytes)}."
        )


def _group(title: str) -> tuple[QGroupBox, QFormLayout]:
    group = QGroupBox(title)
    rows = QFormLayout(group)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return group, rows
