"""Panels that can be used by keys and by screen readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollBar,
    QWidget,
)

USED = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
MAIN = "main"
"""Object name of the main button of a panel."""
PARTS = (QHeaderView, QScrollBar)
"""Parts of such widgets, that need no names of their own."""


def used_widgets(panel: QWidget) -> Iterator[QWidget]:
    """List what can be pressed, filled in or chosen from in a panel; not the parts that Qt makes these of."""
    for widget in panel.findChildren(QWidget):
        if isinstance(widget, USED) and not isinstance(widget, PARTS) and not _is_part(widget, panel):
            yield widget


def name_widgets(panel: QWidget) -> None:
    """Name what can be used in a panel, for screen readers, after its label, its text or its tooltip.

    What has a name keeps it.

    Parameters
    ----------
    panel : QWidget
    """
    labels = _labels(panel)
    for widget in used_widgets(panel):
        if not spoken_name(widget):
            label = next((labels[each] for each in _upwards(widget, panel) if each in labels), "")
            tip = next((each.toolTip() for each in _upwards(widget, panel) if each.toolTip()), "")
            widget.setAccessibleName(label or tip.partition("\n")[0].partition(". ")[0])


def spoken_name(widget: QWidget) -> str:
    """Give the name of a widget that screen readers say; empty if there is none.

    Signs such as arrows are no names.
    """
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return widget.accessibleName() or (text if any(letter.isalpha() for letter in text) else "")


def press_by_keys(dock: QWidget) -> None:
    """Let Ctrl+Enter press the main button of a dock, while anything in it has the focus.

    Nothing happens while the button is disabled, or if there is none.

    Parameters
    ----------
    dock : QWidget
        The button has the object name `MAIN`.
    """
    button = dock.findChild(QAbstractButton, MAIN)
    if button is not None:
        _on_keys(dock, "Ctrl+", Qt.ShortcutContext.WidgetWithChildrenShortcut, button.click)


def choose_by_enter(view: QAbstractItemView, choose: Callable[[], object]) -> None:
    """Let Enter do in a list or table what a click does.

    Parameters
    ----------
    view : QAbstractItemView
    choose : callable
        Takes the current item, if there is one.
    """
    _on_keys(view, "", Qt.ShortcutContext.WidgetShortcut, choose)


def _on_keys(widget: QWidget, modifier: str, context: Qt.ShortcutContext, call: Callable[[], object]) -> None:
    for key in ("Return", "Enter"):  # the two of a keyboard
        shortcut = QShortcut(QKeySequence(modifier + key), widget)
        shortcut.setContext(context)
        shortcut.activated.connect(call)


def _labels(panel: QWidget) -> dict[QWidget, str]:
    """Texts of labels by the widgets that they are for: buddies, and fields of forms."""
    found: dict[QWidget, str] = {}
    for label in panel.findChildren(QLabel):
        buddy = label.buddy()
        if buddy is not None:
            found[buddy] = label.text()
    for form in panel.findChildren(QFormLayout):
        for row in range(form.rowCount()):
            label_item = form.itemAt(row, QFormLayout.ItemRole.LabelRole)
            field_item = form.itemAt(row, QFormLayout.ItemRole.FieldRole)
            label_widget = None if label_item is None else label_item.widget()
            field = None if field_item is None else field_item.widget()
            if isinstance(label_widget, QLabel) and field is not None and label_widget.text():
                found.setdefault(field, label_widget.text())
    return found


def _upwards(widget: QWidget, panel: QWidget) -> Iterator[QWidget]:
    each: QWidget | None = widget
    while each is not None and each is not panel:
        yield each
        each = each.parentWidget()


def _is_part(widget: QWidget, panel: QWidget) -> bool:
    """Whether a widget is inside of one that is used as a whole, such as the line of a spin box."""
    parents = list(_upwards(widget, panel))[1:]
    return any(isinstance(each, (*USED, QMenu)) for each in parents)
