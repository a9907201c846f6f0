"""Forms that start with what was entered last, and go back to their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_biogans.plugin import entries
from napari_biogans.plugin.offering import offer
from napari_biogans.plugin.preferences import CHANGES, preferences

OF_PREFERENCES = ("device", "precision")
"""Fields whose defaults are those of Preferences."""
BACK_TIP = "Show the values of the package, and of Preferences"
ALL_DEFAULT = "All is as the package and Preferences say."


class Form(Protocol):
    """What can be remembered, such as a `SettingsForm` or `Editors`."""

    @property
    def edited(self) -> Any:
        """A signal: something was entered."""

    def values(self) -> dict[str, Any]:
        """All values by name."""

    def entries(self) -> dict[str, Any]:
        """Those that are remembered, of what can be edited now; values that JSON knows."""

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values."""

    def accepts(self, name: str, value: Any) -> bool:
        """Tell whether a value makes sense, be it of an older version or changed by hand."""


class Editor(Protocol):
    """A widget for one value."""

    @property
    def edited(self) -> Any:
        """A signal."""

    def get(self) -> Any:
        """Give the value."""

    def set(self, value: Any) -> None:
        """Show a value."""


@runtime_checkable
class Choosy(Protocol):
    """An editor that cannot be tried, but tells what it would show."""

    def accepts(self, value: Any) -> bool:
        """Tell whether it would show a value."""


class Editors(QObject):
    """Single editors that are remembered together.

    Parameters
    ----------
    editors : mapping from name to Editor
    parent : QWidget
    """

    edited = Signal()

    def __init__(self, editors: Mapping[str, Editor], parent: QWidget) -> None:
        super().__init__(parent)
        self._editors = dict(editors)
        for editor in self._editors.values():
            editor.edited.connect(self.edited)

    def values(self) -> dict[str, Any]:
        """Values by name."""
        return {name: editor.get() for name, editor in self._editors.items()}

    def entries(self) -> dict[str, Any]:
        """Values of those that can be edited now."""
        return {
            name: editor.get()
            for name, editor in self._editors.items()
            if not isinstance(editor, QWidget) or editor.isEnabled()
        }

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values."""
        for name, value in values.items():
            self._editors[name].set(value)

    def accepts(self, name: str, value: Any) -> bool:
        """Tell whether an editor shows a value as it is, by trying it."""
        editor = self._editors[name]
        if isinstance(editor, Choosy):
            return editor.accepts(value)
        before = editor.get()
        try:
            editor.set(value)
        except (ValueError, TypeError, OverflowError):
            return False
        shown = editor.get()
        editor.set(before)
        return type(shown) is type(value) and bool(shown == value)


class Memory(QObject):
    """Keeps what is entered in a form that is not as it was when the form was new.

    So what was left as it was follows the preferences, and newer versions of
    the package.

    Parameters
    ----------
    form : Form and QObject
        As it is when it is new.
    name : str
    """

    differs = Signal(bool)
    """Whether anything differs from the defaults."""

    def __init__(self, form: Any, name: str) -> None:
        super().__init__(form)
        self._form: Form = form
        self._name = name
        self._defaults = form.values()
        self._held = True
        self._follow_preferences()
        if preferences().remembers:
            self._restore()
        self._held = False
        form.edited.connect(self._keep)
        CHANGES.changed.connect(self._follow_preferences)

    def forget(self) -> None:
        """Show the defaults, but for what cannot be edited now."""
        self._form.set_values({name: self._defaults[name] for name in self._form.entries()})
        entries.ENTRIES.keep(self._name, {})

    def hold(self, holds: bool) -> None:
        """Keep nothing for a while, as what is shown was not entered."""
        self._held = holds

    @property
    def entered(self) -> dict[str, Any]:
        """What differs from the defaults."""
        return {name: value for name, value in self._form.entries().items() if value != self._defaults.get(name, value)}

    def _restore(self) -> None:
        values, then = self._kept("values"), self._kept("preferences")
        for name, value in self._of_preferences().items():
            # What was set in Preferences since then is newer than what was entered.
            if then.get(name) != value:
                values.pop(name, None)
        known = {name: value for name, value in values.items() if name in self._defaults}
        self._form.set_values({name: value for name, value in known.items() if self._form.accepts(name, value)})

    def _keep(self) -> None:
        if not self._held and preferences().remembers:
            now = self._form.entries()
            out_of_reach = {name: value for name, value in self._kept("values").items() if name not in now}
            kept = {"values": {**out_of_reach, **self.entered}, "preferences": self._of_preferences()}
            entries.ENTRIES.keep(self._name, kept if kept["values"] else {})
        self.differs.emit(bool(self.entered))

    def _kept(self, part: str) -> dict[str, Any]:
        found = entries.ENTRIES.of(self._name).get(part)
        return dict(found) if isinstance(found, dict) else {}

    def _of_preferences(self) -> dict[str, str]:
        set_now = preferences()
        return {name: getattr(set_now, name) for name in OF_PREFERENCES if name in self._defaults}

    def _follow_preferences(self) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]
            CHANGES.changed.disconnect(self._follow_preferences)
            return
        now = self._form.entries()
        changed = {name: value for name, value in self._of_preferences().items() if self._defaults[name] != value}
        untouched = {name: value for name, value in changed.items() if now.get(name) == self._defaults[name]}
        self._defaults |= changed
        if changed and hasattr(self._form, "note_defaults"):
            self._form.note_defaults(changed)
        if untouched:
            self._form.set_values(untouched)


def remember(form: Any, name: str) -> Memory:
    """Let a form start with what was entered last in one of this name.

    To be called once everything else is connected to the form.

    Parameters
    ----------
    form : SettingsForm, Editors or another Form
        As it is when it is new.
    name : str
        Such as "train".

    Returns
    -------
    Memory

    Notes
    -----
    A form that has a place for it, `add_footer`, gets a button that brings its
    defaults back.
    """
    memory = Memory(form, name)
    if hasattr(form, "add_footer"):
        form.add_footer(BackButton(memory))
    return memory


class BackButton(QPushButton):
    """Brings the defaults of forms back.

    Parameters
    ----------
    *memories : Memory
    """

    def __init__(self, *memories: Memory, parent: QWidget | None = None) -> None:
        super().__init__("Back to defaults", parent)
        self._memories = memories
        for memory in memories:
            memory.differs.connect(self._follow)
            self.clicked.connect(memory.forget)
        self._follow()

    def _follow(self, differs: bool = False) -> None:
        can = any(memory.entered for memory in self._memories)
        offer(self, None if can else ALL_DEFAULT, BACK_TIP)
