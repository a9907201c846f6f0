"""What is to be rebuilt: a model, the layers of cells, which of them, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import ref

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QGroupBox, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.latent import ReconstructionConfig
from napari_biogans.latent.errors import LatentError
from napari_biogans.latent.settings import make_reconstruction_config
from napari_biogans.plugin.cell_choice import CellChoice
from napari_biogans.plugin.cell_features import features_of, fields_of
from napari_biogans.plugin.cell_layers import ClassLayers
from napari_biogans.plugin.cell_rows import CellRows
from napari_biogans.plugin.cell_stack import CellStack
from napari_biogans.plugin.cells_box import CellsBox
from napari_biogans.plugin.class_names import named_in
from napari_biogans.plugin.generation import ModelFacts
from napari_biogans.plugin.model_group import NO_MODEL, ModelGroup
from napari_biogans.plugin.rebuild_request import ChosenCells, Request, TrainingCells, misfit
from napari_biogans.plugin.score_work import pixels_of
from napari_biogans.plugin.setting_editors import Choice
from napari_biogans.plugin.setting_titles import by_title
from napari_biogans.plugin.settings_form import SettingsForm

MAIN_FIELDS = ("mode", "prior")
OTHER_CLASS = "another one: red only"
NOT_SEPARABLE = "(This model draws red and green together, so that only all at once can be matched.)"
IN_RED_ONLY = "(The green of another class cannot be matched.)"
LETTERS = 12
"""Width of the box of classes at least, in letters; it grows with the dock."""
TIPS = {
    "class": "What green shows in these cells; cells of a class that the model does not draw are matched in red only",
    "compare": "Look for the training cell that is most alike, which a reconstruction has to be better than",
}


class RebuildForm(QWidget):
    """Everything that is chosen before cells are rebuilt.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ModelGroup()
        self.rows = CellRows(viewer, only_one=True)
        self.class_name = Choice({"": None})
        self.class_name.setMinimumContentsLength(LETTERS)
        self.class_name.setToolTip(TIPS["class"])
        self.choice = CellChoice(viewer)
        self.compare = QCheckBox("nearest training cell")
        self.compare.setToolTip(TIPS["compare"])
        self.training = CellsBox(viewer, other_rows=self.rows)
        self.training.ask_for_classes(False)
        self.settings = SettingsForm(ReconstructionConfig, {}, MAIN_FIELDS, "")
        self._read: TrainingCells | None = None
        self._texts: tuple[object, ...] = ()
        self._facts: ModelFacts | None = None
        self._is_mode_fixed = False
        self._lay_out()
        self.model.looked.connect(self._show_facts)
        self.rows.changed.connect(self._follow_layers)
        self.class_name.edited.connect(self._follow_class)
        self.compare.toggled.connect(self._follow_compare)
        for part in (self.choice, self.training):
            part.changed.connect(self.changed)
        self.settings.edited.connect(self.changed)
        self._follow_compare()
        self._show_facts(self.model.facts)

    def request(self) -> Request:
        """Say what is wanted.

        Raises
        ------
        CellsError, LatentError
            If something is missing or does not fit; the message says what to do.
        """
        facts = self.model.facts
        if facts is None:
            raise CellsError(NO_MODEL)
        with by_title(LatentError, self.settings.titles):
            config = make_reconstruction_config(**self.settings.values())
        layers, layer = self._layers()
        if problem := misfit(layers, facts):
            raise CellsError(problem)
        stack = CellStack(layer, layers.cell_axis)
        start = stack.coordinate_of(0)
        cells = ChosenCells(
            layers=layers,
            source=ref(layer),
            source_name=layer.name,
            places=tuple(self.choice.places()),
            drawn_as=self.class_name.get(),
            slices=(start, stack.coordinate_of(1) - start),
            count=layers.count,
            between=layers.red.shape[layers.cell_axis + 1 : -2],
            features=features_of(layer) if layers.cell_axis == 0 else None,
            fields=tuple(fields_of(layer).values()),
        )
        return Request(facts, cells, config, self._training())

    def disconnect_all(self) -> None:
        """Hear no more of layers, sliders and models."""
        self.model.close_down()
        self.rows.image_layers.disconnect_all()
        self.choice.disconnect_all()
        self.training.disconnect_all()

    def _lay_out(self) -> None:
        cells_group = QGroupBox("Cells")
        rows = self._rows = QFormLayout()
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Class", self.class_name)
        rows.addRow("Which", self.choice)
        cells = QVBoxLayout(cells_group)
        cells.addWidget(self.rows)
        cells.addLayout(rows)
        cells.addWidget(self.compare)
        cells.addWidget(self.training)
        settings_group = QGroupBox("Settings")
        QVBoxLayout(settings_group).addWidget(self.settings)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for group in (self.model, cells_group, settings_group):
            layout.addWidget(group)
        layout.addStretch()

    def _layers(self) -> tuple[ClassLayers, Any]:
        (layers,) = self.rows.classes()
        return layers, self.rows.rows[0].red.choice()

    def _training(self) -> TrainingCells | None:
        before, self._read = self._read, None
        if not self.compare.isChecked():
            return None
        try:
            choice = self.training.choice()
        except CellsError as error:
            raise CellsError(f"Training cells: {error}") from None
        is_known = before is not None and pixels_of(before.choice) == pixels_of(choice)
        self._read = before if is_known else TrainingCells(choice)
        return self._read

    def _show_facts(self, facts: ModelFacts | None) -> None:
        before, self._facts = self._facts, facts
        if facts is not None:
            names = {name: name for name in facts.class_names}
            others = {OTHER_CLASS: None} if facts.separable and not facts.pools_classes else {}
            self.class_name.offer({**names, **others})
            if before is None or before.path != facts.path:
                self._texts = ()
                self._offer_training(facts.training_cells)
        self._rows.setRowVisible(self.class_name, self.class_name.count() > 1)
        self._follow_layers()
        self._follow_class()

    def _offer_training(self, path: Path | None) -> None:
        self.compare.setChecked(path is not None)
        if path is not None:
            self.training.from_folder.setChecked(True)
            self.training.folder.set_path(path)
        self._follow_compare()

    def _follow_compare(self) -> None:
        self.training.setVisible(self.compare.isChecked())
        self.changed.emit()

    def _follow_layers(self) -> None:
        row = self.rows.rows[0]
        texts = tuple(layer.name for layer in (row.red.choice(), row.green.choice()) if hasattr(layer, "name"))
        if texts != self._texts and self._facts is not None:
            self._texts = texts
            if name := named_in(" ".join(map(str, texts)), self._facts.class_names):
                self.class_name.set(name)
        try:
            layers, layer = self._layers()
        except CellsError:
            self.choice.show_stack(None)
        else:
            self.choice.show_stack(CellStack(layer, layers.cell_axis))
        self.changed.emit()

    def _follow_class(self) -> None:
        if self._facts is not None:
            if not self._facts.separable:
                self._fix_mode("full", NOT_SEPARABLE)
            elif self.class_name.get() is None:
                self._fix_mode("red-only", IN_RED_ONLY)
            elif self._is_mode_fixed:
                self._fix_mode("full", None)
        self.changed.emit()

    def _fix_mode(self, mode: str, reason: str | None) -> None:
        self._is_mode_fixed = reason is not None
        self.settings.set_values({"mode": mode})
        self.settings.set_fixed({} if reason is None else {"mode": reason})
