"""What the user has set on the page BioGANs of napari's Preferences, whose entries are in the manifest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psygnal import Signal

PLUGIN = "napari-biogans"
RUNS_FOLDER = "biogans-runs"
"""In the user's own folder, unless another one is set."""


@dataclass(frozen=True)
class Preferences:
    """Defaults of the docks."""

    device: str = "auto"
    precision: str = "auto"
    runs_folder: Path | None = None
    """For new runs; None for `RUNS_FOLDER`."""
    cells_folder: Path | None = None
    """Where dialogs for cell sets begin; None for the user's own folder."""
    remembers: bool = True
    """Whether docks start with what was entered last."""

    @property
    def for_runs(self) -> Path:
        """The folder for new runs."""
        return self.runs_folder or Path.home() / RUNS_FOLDER


class _Changes:
    changed = Signal()
    """A preference was changed; also while the window of Preferences is open."""

    def __init__(self) -> None:
        self._followed: Any = None

    def follow(self, page: Any) -> None:
        """Tell of the changes of this page from now on."""
        if page is not self._followed:
            self._followed = page
            page.events.connect(self._tell)

    def _tell(self, event: Any = None) -> None:
        self.changed.emit()


CHANGES = _Changes()


def preferences() -> Preferences:
    """Read what is set now; the defaults where napari has no page for plugins (before 0.9) or cannot read it."""
    page = _page()
    if page is None:
        return Preferences()
    CHANGES.follow(page)
    return Preferences(
        page.device, page.precision, _folder(page.runs_folder), _folder(page.cells_folder), page.remember
    )


def _page() -> Any:
    try:
        from napari.settings import get_plugin_settings

        return get_plugin_settings(PLUGIN).docks
    except ImportError:
        return None
    except Exception:  # of napari, YAML or pydantic: docks open all the same
        logging.getLogger(__name__).warning("The preferences of BioGANs cannot be read.", exc_info=True)
        return None


def _folder(text: str) -> Path | None:
    return Path(text).expanduser() if text.strip() else None
