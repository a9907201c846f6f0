"""Settings as a form, made from the fields of their configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, get_type_hints

from pydantic import TypeAdapter, ValidationError
from qtpy.QtCore import Signal
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_biogans.plugin.setting_editors import Choice, Editor, make_editor
from napari_biogans.plugin.setting_fields import SettingField, setting_fields

OWN_SETTINGS = "own settings"
ADVANCED = "Advanced"
ADVANCED_TIP = "Show or hide settings that seldom have to be changed"
ANIMATION_MS = 120
HEADING_STYLE = "text-align: left; border: none; outline: none; background: transparent; padding: 4px 0;"


class NamedSettings(Protocol):
    """A preset."""

    @property
    def summary(self) -> str:
        """In one line, what it is for."""

    @property
    def settings(self) -> dict[str, Any]:
        """Fields of the configuration; the others keep their defaults."""


class FieldForm(QWidget):
    """A row for each field: its title, and a widget to edit it.

    Parameters
    ----------
    fields : iterable of SettingField
    meanings : mapping from field to mapping from choice to text, optional
        What choices are for, shown below those that are chosen.
    """

    edited = Signal(str)
    """The name of the field."""

    def __init__(
        self,
        fields: Iterable[SettingField],
        meanings: Mapping[str, Mapping[str, str]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._editors: dict[str, Editor] = {}
        self._tips: dict[str, str] = {}
        self.rows = QFormLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in fields:
            editor = make_editor(field)
            label = QLabel(field.title)
            label.setToolTip(editor.toolTip())
            label.setBuddy(editor)
            self.rows.addRow(label, editor)
            self._editors[field.name] = editor
            self._tips[field.name] = field.tip
            editor.edited.connect(partial(self.edited.emit, field.name))
            if field.name in (meanings or {}):
                self._explain(editor, (meanings or {})[field.name])

    def values(self) -> dict[str, Any]:
        """Values by the names of the fields."""
        return {name: editor.get() for name, editor in self._editors.items()}

    def free_values(self) -> dict[str, Any]:
        """Values of the fields that can be edited now."""
        return {name: editor.get() for name, editor in self._editors.items() if editor.isEnabledTo(self)}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values; those of other fields are passed over."""
        for name, value in values.items():
            if name in self._editors:
                self._editors[name].set(value)

    def set_fixed(self, reasons: Mapping[str, str]) -> None:
        """Let fields be edited, but for some.

        Parameters
        ----------
        reasons : mapping from name to text
            Why those cannot be edited, shown where the mouse points at them.
        """
        for name, editor in self._editors.items():
            editor.setEnabled(name not in reasons)
            editor.setToolTip(f"{self._tips[name]} {reasons.get(name, '')}".strip())

    def _explain(self, editor: Editor, meanings: Mapping[str, str]) -> None:
        """Show below an editor what its choice is for."""
        line = QLabel()
        line.setWordWrap(True)
        self.rows.addRow("", line)

        def show() -> None:
            line.setText(meanings.get(str(editor.get()), ""))

        editor.edited.connect(show)
        show()


class SettingsForm(QWidget):
    """All settings: presets, what everybody chooses, and the rest under Advanced.

    Parameters
    ----------
    configuration : type
        Whose fields these are, such as `C2STConfig`.
    presets : mapping from name to preset
        The first is chosen; there may be none.
    main : sequence of str
        Fields that everybody chooses.
    title : str
        Of the choice of a preset, if there are any.
    meanings : mapping from field to mapping from choice to text, optional
        What choices are for, as for `FieldForm`.
    """

    edited = Signal()

    def __init__(
        self,
        configuration: type,
        presets: Mapping[str, NamedSettings],
        main: Sequence[str],
        title: str,
        meanings: Mapping[str, Mapping[str, str]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        fields = setting_fields(configuration)
        self._configuration = configuration
        self._paths = {name for name, field in fields.items() if field.kind == "path"}
        self._defaults = {name: field.default for name, field in fields.items()}
        self._titles = {name: field.title for name, field in fields.items()}
        self._last_preset: str | None = None
        self._presets = dict(presets)
        self.preset = Choice({**{name: name for name in self._presets}, OWN_SETTINGS: None})
        self.preset.setObjectName("preset")
        self.preset.setToolTip("Settings that go well together. Choosing one fills the fields below.")
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        self._main = FieldForm((fields[name] for name in main), meanings)
        self._main.rows.insertRow(0, title, self.preset)
        self._main.rows.insertRow(1, "", self._summary)
        for row in (self.preset, self._summary):
            self._main.rows.setRowVisible(row, bool(presets))
        self._rest = FieldForm((field for name, field in fields.items() if name not in main), meanings)
        self.advanced = QCollapsible(f"▸ {ADVANCED}", expandedIcon=QIcon(), collapsedIcon=QIcon())
        # Its icons would be black on black in a dark theme.
        self.advanced.toggled.connect(self._head_advanced)
        self.advanced.toggleButton().setStyleSheet(HEADING_STYLE)
        self.advanced.toggleButton().setToolTip(ADVANCED_TIP)
        self.advanced.setDuration(ANIMATION_MS)
        self.advanced.addWidget(self._rest)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._main)
        layout.addWidget(self.advanced)
        self._fill_from_preset()
        self.preset.edited.connect(self._fill_from_preset)
        for form in (self._main, self._rest):
            form.edited.connect(self._note_edit)

    @property
    def titles(self) -> dict[str, str]:
        """Of all fields by name."""
        return dict(self._titles)

    def add_row(self, title: str, widget: QWidget) -> None:
        """Add a row that is no field of the configuration, above Advanced."""
        self._main.rows.addRow(title, widget)

    def add_footer(self, widget: QWidget) -> None:
        """Add a widget at the end."""
        layout = self.layout()
        if layout is not None:
            layout.addWidget(widget)

    def entries(self) -> dict[str, Any]:
        """Values to start with another time: of what can be edited now, but for files, which may be others by then."""
        values = {**self._main.free_values(), **self._rest.free_values()}
        return {name: value for name, value in values.items() if name not in self._paths}

    def accepts(self, name: str, value: Any) -> bool:
        """Tell whether the configuration takes a value for a field, by itself."""
        hint = get_type_hints(self._configuration, include_extras=True)[name]
        try:
            TypeAdapter(hint).validate_python(value, strict=True)
        except ValidationError:
            return False
        return True

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

    def set_fixed(self, reasons: Mapping[str, str], *, presets: bool = True) -> None:
        """Let fields be edited, but for some with a reason for each; and whether presets can be chosen."""
        self.preset.setEnabled(presets)
        for form in (self._main, self._rest):
            form.set_fixed(reasons)

    def note_defaults(self, defaults: Mapping[str, Any]) -> None:
        """Take other values for defaults, such as those of the preferences."""
        self._defaults |= defaults
        self._head_advanced()

    def _changed_below(self) -> list[str]:
        """Titles of the settings under Advanced that are not as by default, or by the preset that was chosen last."""
        usual = dict(self._defaults)
        if self._last_preset is not None:
            usual |= self._settings_of(self._last_preset, self.values()) or {}
        return [self._titles[name] for name, value in self._rest.values().items() if value != usual[name]]

    def _head_advanced(self, expanded: bool | None = None) -> None:
        """Tell in the heading how many settings below it were changed, as they may be out of sight, and remembered."""
        changed = self._changed_below()
        arrow = "▾" if self.advanced.isExpanded() else "▸"
        self.advanced.setText(f"{arrow} {ADVANCED}" + (f" ({len(changed)} changed)" if changed else ""))
        told = [f"{ADVANCED_TIP}. Changed:", *changed] if changed else [ADVANCED_TIP]
        self.advanced.toggleButton().setToolTip("\n".join(told))

    def _preset_fields(self) -> set[str]:
        """Fields that any preset changes."""
        return {name for preset in self._presets.values() for name in preset.settings}

    def _settings_of(self, name: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Values by a preset of all fields that any preset changes; None if it is not for the other values."""
        settings = self._presets[name].settings
        return {field: settings.get(field, self._defaults[field]) for field in self._preset_fields()}

    def _fill_from_preset(self) -> None:
        if (name := self.preset.get()) is not None:
            self.set_values(self._settings_of(name, self.values()) or {})

    def _note_edit(self, field: str) -> None:
        self._recognise_preset()

    def _recognise_preset(self) -> None:
        values = self.values()
        fitting = [
            name
            for name in self._presets
            if (settings := self._settings_of(name, values)) is not None
            and all(values[field] == value for field, value in settings.items())
        ]
        self.preset.blockSignals(True)
        self.preset.set(fitting[0] if fitting else None)
        self.preset.blockSignals(False)
        self._last_preset = fitting[0] if fitting else self._last_preset
        self._head_advanced()
        self._show_summary()
        self.edited.emit()

    def _show_summary(self) -> None:
        name = self.preset.get()
        self._summary.setText(self._presets[name].summary if name else "Not those of a preset.")
