"""The models that were trained since napari was opened."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal


class Session:
    """Run folders whose models were written in this session, the newest first.

    The docks meet here: Train adds what it saves, Generate offers it.
    """

    model_saved = Signal(Path)
    """A model was written, or written anew, into the folder of a run."""

    def __init__(self) -> None:
        self._runs: list[Path] = []

    @property
    def runs(self) -> tuple[Path, ...]:
        """Folders that hold a model, the one saved last first."""
        return tuple(self._runs)

    def add_model(self, run: Path) -> None:
        """Note that there is a model, or a newer one, in the folder of a run.

        Parameters
        ----------
        run : pathlib.Path
        """
        if run in self._runs:
            self._runs.remove(run)
        self._runs.insert(0, run)
        self.model_saved.emit(run)


SESSION = Session()
"""That of this process."""
