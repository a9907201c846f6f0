"""A line that tells which layers that were chosen are no longer there."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QWidget

from napari_biogans.plugin.class_names import listed
from napari_biogans.plugin.status_line import StatusLine

OTHERS = " Other layers are chosen now."


class GoneLayers(StatusLine):
    """Names the layers that were removed since somebody last chose layers; hidden while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
        self.hide()

    def note(self, names: Sequence[str], *, others_are_chosen: bool) -> None:
        """Add layers, which may be none, and tell whether others have taken their places.

        Parameters
        ----------
        names : sequence of str
            Of layers that were chosen, and removed.
        others_are_chosen : bool
        """
        self._names += names
        if self._names:
            verb = "was" if len(self._names) == 1 else "were"
            self.say(f"{listed(self._names, 'layers')} {verb} removed.{OTHERS if others_are_chosen else ''}")
        self.setVisible(bool(self._names))

    def forget(self) -> None:
        """Tell of nothing, as after a choice."""
        self._names = []
        self.hide()
