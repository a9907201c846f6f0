"""Widgets that edit one setting each: `get`, `set`, and a signal `edited`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSizePolicy, QWidget
from superqt import QLargeIntSpinBox

from napari_biogans.plugin import session
from napari_biogans.plugin.known_paths import KnownPaths
from napari_biogans.plugin.path_edit import PathEdit, ask_model_file
from napari_biogans.plugin.setting_fields import LARGEST_WHOLE, SettingField, range_text, with_range

AUTOMATIC = "automatic"
MOST_LETTERS = 24
"""That a box makes room for; a longer text is cut off, and whole in the list."""


class Choice(QComboBox):
    """One of some values, each shown as a text.

    Parameters
    ----------
    options : dict from text to value
    """

    edited = Signal()

    def __init__(self, options: dict[str, Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: list[Any] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(min(max(map(len, options)), MOST_LETTERS))
        self.offer(options)
        self.currentIndexChanged.connect(self.edited)
        ignore_wheel(self)

    def offer(self, options: dict[str, Any]) -> None:
        """Offer other values, keeping the one that is chosen if it is among them, else choosing the first.

        Parameters
        ----------
        options : dict from text to value
            One at least.
        """
        is_first = not self._values
        kept = None if is_first else self.get()  # None may be one of the values
        self.blockSignals(True)
        self.clear()
        self._values = list(options.values())
        self.addItems(list(options))
        self.set(self._values[0] if is_first or kept not in self._values else kept)
        self.blockSignals(False)
        if self.get() != kept:
            self.edited.emit()

    def get(self) -> Any:
        """Give the value that is chosen."""
        return self._values[self.currentIndex()]

    def set(self, value: Any) -> None:
        """Choose a value."""
        self.setCurrentIndex(self._values.index(value))


class WholeNumber(QLargeIntSpinBox):
    """A whole number within limits, which its tooltip tells.

    Parameters
    ----------
    minimum, maximum : int
    """

    edited = Signal()

    def __init__(self, minimum: int, maximum: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimum(minimum)  # type: ignore[no-untyped-call]
        self.setMaximum(maximum)  # type: ignore[no-untyped-call]
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        # Else the first digit of a number is brought within the limits before the next one is typed.
        self.setKeyboardTracking(False)
        if (line := self.lineEdit()) is not None:
            line.textEdited.connect(self._follow_typing)
        self.valueChanged.connect(self._tell)
        self.setToolTip("")
        ignore_wheel(self)

    def setToolTip(self, tip: str | None) -> None:
        """Say what the number means; which numbers it may be is added."""
        low, high = self.minimum(), self.maximum()  # type: ignore[no-untyped-call]
        super().setToolTip(with_range(tip or "", range_text(low, None if high == LARGEST_WHOLE else high)))

    def get(self) -> int:
        """Give the number that is shown."""
        return int(self.value())  # type: ignore[no-untyped-call]

    def set(self, value: int) -> None:
        """Show a number."""
        self.setValue(value)  # type: ignore[no-untyped-call]

    def _follow_typing(self, text: str) -> None:
        """Take a number as soon as it is within the limits; others are brought there when typing ends."""
        if text.isdigit() and self.minimum() <= int(text) <= self.maximum():  # type: ignore[no-untyped-call]
            self.set(int(text))

    def _tell(self, value: int) -> None:
        self.edited.emit()


class NumberText(QLineEdit):
    """A number as text, such as 0.5 or 5e-4; may be empty.

    What is no number is passed on as it is, for the configuration to refuse.

    Parameters
    ----------
    optional : bool
        Whether empty means None.
    range_text : str
        Which numbers may be given, for the tooltip.
    """

    edited = Signal()

    def __init__(self, optional: bool, range_text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._optional = optional
        self._range_text = range_text
        if optional:
            self.setPlaceholderText(AUTOMATIC)
        self.textChanged.connect(self.edited)

    def setToolTip(self, tip: str | None) -> None:
        """Say what the number means; which numbers it may be is added."""
        super().setToolTip(with_range(tip or "", self._range_text))

    def get(self) -> float | int | str | None:
        """Give the number, None if it is empty and may be so, or the text that is no number."""
        text = self.text().strip()
        if not text and self._optional:
            return None
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                continue
        return text

    def set(self, value: float | int | None) -> None:
        """Show a number, or nothing."""
        self.setText("" if value is None else f"{value:.12g}")


class Switch(QCheckBox):
    """Yes or no."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.toggled.connect(self.edited)

    def get(self) -> bool:
        """Tell whether it is on."""
        return self.isChecked()

    def set(self, value: bool) -> None:
        """Switch it."""
        self.setChecked(value)


class Text(QLineEdit):
    """Some text."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.textChanged.connect(self.edited)

    def get(self) -> str:
        """Give the text, without spaces around it."""
        return self.text().strip()

    def set(self, value: str) -> None:
        """Show a text."""
        self.setText(value)


class ModelPath(PathEdit):
    """The path of a model, or nothing."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        known = KnownPaths("Models of this session", lambda: session.SESSION.models)
        super().__init__(title, ask_model_file, known, parent)
        self.settled.connect(session.note_model)

    def get(self) -> str | None:
        """Give the path as text, or None if there is none."""
        path = self.path()
        return None if path is None else str(path)

    def set(self, value: str | None) -> None:
        """Show a path, or nothing."""
        self.set_path(None if value is None else Path(value))


Editor = Choice | WholeNumber | NumberText | Switch | Text | ModelPath


def make_editor(field: SettingField) -> Editor:
    """Make the widget that suits a field, showing its default."""
    editor: Editor
    if field.kind == "choice":
        empty = {AUTOMATIC: None} if field.optional else {}
        editor = Choice({**empty, **{choice: choice for choice in field.choices}})
    elif field.kind == "switch" and field.optional:
        editor = Choice({AUTOMATIC: None, "yes": True, "no": False})
    elif field.kind == "switch":
        editor = Switch()
    elif field.kind == "whole" and not field.optional:
        editor = WholeNumber(int(field.minimum or 0), int(field.maximum or LARGEST_WHOLE))
    elif field.kind == "path":
        editor = ModelPath(field.title)
    elif field.kind in ("whole", "number"):
        editor = NumberText(field.optional, field.range_text)
    else:
        editor = Text()
    editor.set(field.default)
    editor.setObjectName(field.name)
    editor.setToolTip(field.tip)
    editor.setAccessibleName(field.title)
    return editor


class _WheelFilter(QObject):
    """Leaves the wheel to what scrolls, unless a widget was clicked before."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if (
            event is not None
            and event.type() == QEvent.Type.Wheel
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        ):
            event.ignore()
            return True
        return False


def ignore_wheel(widget: QWidget) -> None:
    """Keep a widget from changing its value when a form is scrolled past it."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_WheelFilter(widget))
