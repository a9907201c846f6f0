"""What was entered in the docks, kept in a file from one session of napari to the next."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer

from napari_biogans.files import replacing

FILE_NAME = "docks.json"
SOON_MS = 1000
"""After which changes are written, so that not every letter is."""


def entries_path() -> Path:
    """Find the file: in the folder that `BIOGANS_CONFIG` or the system names for settings."""
    given = os.environ.get("BIOGANS_CONFIG")
    return (Path(given) if given else platformdirs.user_config_path("napari-biogans", appauthor=False)) / FILE_NAME


class EntriesFile:
    """Entries by the names of forms.

    What other processes have written for other forms meanwhile is left as it is.

    Parameters
    ----------
    path : pathlib.Path, optional
        Default `entries_path`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, Any] | None = None
        self._changed: set[str] = set()
        self._is_due = False
        self._has_warned = False

    @property
    def path(self) -> Path:
        """Where they are kept, from the first look on."""
        self._path = self._path or entries_path()
        return self._path

    def of(self, form: str) -> dict[str, Any]:
        """Give the entries of a form; none if there are none, or none that can be read."""
        if self._known is None:
            self._known = self._read()
        found = self._known.get(form)
        return dict(found) if isinstance(found, dict) else {}

    def keep(self, form: str, entries: Mapping[str, Any]) -> None:
        """Keep the entries of a form in place of those before; they are written soon.

        Parameters
        ----------
        form : str
        entries : mapping
            Of values that JSON knows.
        """
        if self.of(form) == dict(entries) or self._known is None:
            return
        self._known[form] = dict(entries)
        self._changed.add(form)
        if not self._is_due:
            self._is_due = True
            atexit.register(self.write)
            QTimer.singleShot(SOON_MS, self.write)

    def write(self) -> None:
        """Write what has changed."""
        self._is_due = False
        atexit.unregister(self.write)
        if not self._changed or self._known is None:
            return
        mine = {form: self._known[form] for form in self._changed}
        self._changed = set()
        try:
            with replacing(self.path) as temporary:
                temporary.write_text(json.dumps({**self._read(), **mine}, indent=1), "utf-8")
        except OSError as error:
            self._warn(f"What was entered in the docks could not be written: {error}")

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self._warn(f"{self.path} is passed over, so that docks start with their defaults: {error}")
            return {}
        if not isinstance(found, dict):
            self._warn(f"{self.path} is passed over, so that docks start with their defaults: it holds no entries.")
            return {}
        return found

    def _warn(self, text: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            show_warning(text)


ENTRIES = EntriesFile()
"""Those of this user."""
