"""The settings of a training as a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from napari_biogans.plugin.settings_form import SettingsForm

if TYPE_CHECKING:
    from napari_biogans.training.presets import Preset

MAIN_FIELDS = ("architecture", "objective", "steps", "seed")


class TrainingForm(SettingsForm):
    """All settings of a training, with presets whose values depend on the architecture.

    Parameters
    ----------
    configuration : type
        `TrainingConfig`.
    presets : mapping from name to Preset
        The first is chosen.
    meanings : mapping from field to mapping from choice to text, optional
        As for `FieldForm`.
    """

    def __init__(
        self,
        configuration: type,
        presets: Mapping[str, Preset],
        meanings: Mapping[str, Mapping[str, str]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        self._of_training = dict(presets)
        super().__init__(configuration, presets, MAIN_FIELDS, "Size", meanings, parent)

    def _preset_fields(self) -> set[str]:
        return {name for preset in self._of_training.values() for name in (*preset.settings, *preset.multi_channel)}

    def _settings_of(self, name: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        preset, architecture = self._of_training[name], values["architecture"]
        if preset.architectures and architecture not in preset.architectures:
            return None
        settings = preset.settings_for(architecture)
        return {field: settings.get(field, self._defaults[field]) for field in self._preset_fields()}

    def _fill_from_preset(self) -> None:
        name = self.preset.get()
        if name is None:
            return
        preset, architecture = self._of_training[name], self.values()["architecture"]
        if preset.architectures and architecture not in preset.architectures:
            architecture = preset.architectures[0]
        settings = self._settings_of(name, {"architecture": architecture})
        self.set_values({"architecture": architecture, **(settings or {})})

    def _note_edit(self, field: str) -> None:
        name = self.preset.get()
        if field == "architecture" and name is not None:
            # A preset may set other values for this architecture, or be for others only.
            self.set_values(self._settings_of(name, self.values()) or {})
        else:
            super()._note_edit(field)
