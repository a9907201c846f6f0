"""The settings of a training as a form, made from the fields of its configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_biogans.plugin.setting_editors import Choice, Editor, make_editor
from napari_biogans.plugin.setting_fields import SettingField, setting_fields

if TYPE_CHECKING:
    from napari_biogans.training.presets import Preset

MAIN_FIELDS = ("architecture", "objective", "steps", "seed")
OWN_SETTINGS = "own settings"
ANIMATION_MS = 120
HEADING_STYLE = "text-align: left; border: none; outline: none; background: transparent; padding: 4px 0;"


class FieldForm(QWidget):
    """A row for each field: its title, and a widget to edit it.

    Parameters
    ----------
    fields : iterable of SettingField
    """

    edited = Signal()

    def __init__(self, fields: Iterable[SettingField], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editors: dict[str, Editor] = {}
        self._tips: dict[str, str] = {}
        self.rows = QFormLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in fields:
            editor = make_editor(field)
            label = QLabel(field.title)
            label.setToolTip(field.tip)
            self.rows.addRow(label, editor)
            self._editors[field.name] = editor
            self._tips[field.name] = field.tip
            editor.edited.connect(self.edited)

    def values(self) -> dict[str, Any]:
        """Values by the names of the fields."""
        return {name: editor.get() for name, editor in self._editors.items()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values; those of other fields are passed over."""
        for name, value in values.items():
            if name in self._editors:
                self._editors[name].set(value)

    def set_changeable(self, names: Iterable[str] | None, reason: str = "") -> None:
        """Let only some fields be edited.

        Parameters
        ----------
        names : iterable of str, optional
            Default all.
        reason : str
            Shown for the others.
        """
        free = set(self._editors if names is None else names)
        for name, editor in self._editors.items():
            editor.setEnabled(name in free)
            editor.setToolTip(self._tips[name] if name in free else f"{self._tips[name]} {reason}")


class SettingsForm(QWidget):
    """All settings of a training: presets, what everybody chooses, and the rest under Advanced.

    Parameters
    ----------
    configuration : type
        Whose fields these are: `TrainingConfig`.
    presets : mapping from name to Preset
        The first is chosen.
    """

    edited = Signal()

    def __init__(self, configuration: type, presets: Mapping[str, Preset], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        fields = setting_fields(configuration)
        self._defaults = {name: field.default for name, field in fields.items()}
        self._presets = dict(presets)
        self._preset_fields = {name for preset in self._presets.values() for name in preset.settings}
        self.preset = Choice({**{name: name for name in self._presets}, OWN_SETTINGS: None})
        self.preset.setObjectName("preset")
        self.preset.setToolTip("Settings that go well together. Choosing one fills the fields below.")
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        self._main = FieldForm(fields[name] for name in MAIN_FIELDS)
        self._main.rows.insertRow(0, "Size", self.preset)
        self._main.rows.insertRow(1, "", self._summary)
        self._rest = FieldForm(field for name, field in fields.items() if name not in MAIN_FIELDS)
        self.advanced = QCollapsible("▸ Advanced", expandedIcon=QIcon(), collapsedIcon=QIcon())
        # Its icons would be black on black in a dark theme.
        self.advanced.toggled.connect(self._point)
        self.advanced.toggleButton().setStyleSheet(HEADING_STYLE)
        self.advanced.setDuration(ANIMATION_MS)
        self.advanced.addWidget(self._rest)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._main)
        layout.addWidget(self.advanced)
        self._fill_from_preset()
        self.preset.edited.connect(self._fill_from_preset)
        for form in (self._main, self._rest):
            form.edited.connect(self._recognise_preset)

    def add_row(self, title: str, widget: QWidget) -> None:
        """Add a row that is no field of the configuration, above Advanced."""
        self._main.rows.addRow(title, widget)

    def values(self) -> dict[str, Any]:
        """Values of all fields by name, not checked yet."""
        return {**self._main.values(), **self._rest.values()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show the values of some fields."""
        for form in (self._main, self._rest):
            form.blockSignals(True)
            form.set_values(values)
            form.blockSignals(False)
        self._recognise_preset()

    def set_changeable(self, names: Iterable[str] | None, reason: str = "") -> None:
        """Let only some fields be edited; all where `names` is None."""
        names = None if names is None else list(names)
        self.preset.setEnabled(names is None)
        for form in (self._main, self._rest):
            form.set_changeable(names, reason)

    def _point(self, expanded: bool) -> None:
        self.advanced.setText(f"{'▾' if expanded else '▸'} Advanced")

    def _settings_of(self, preset: Preset) -> dict[str, Any]:
        """Values of all fields that any preset changes."""
        return {name: preset.settings.get(name, self._defaults[name]) for name in self._preset_fields}

    def _fill_from_preset(self) -> None:
        name = self.preset.get()
        if name is not None:
            self.set_values(self._settings_of(self._presets[name]))

    def _recognise_preset(self) -> None:
        values = self.values()
        fitting = [
            name
            for name, preset in self._presets.items()
            if all(values[field] == value for field, value in self._settings_of(preset).items())
        ]
        self.preset.blockSignals(True)
        self.preset.set(fitting[0] if fitting else None)
        self.preset.blockSignals(False)
        self._show_summary()
        self.edited.emit()

    def _show_summary(self) -> None:
        name = self.preset.get()
        self._summary.setText(self._presets[name].summary if name else "Not those of a preset.")
