"""What the docks share: the models that were trained, and the cells that were kept, since napari was opened."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from napari_biogans.plugin.key_cells import KeyCell


class Session:
    """Run folders whose models were written in this session, the newest first, and kept cells, the oldest first.

    The docks meet here: Train adds what it saves, Generate offers it; Explore
    and Reconstruct keep cells, Interpolate and Generate go on from them.
    """

    model_saved = Signal(Path)
    """A model was written, or written anew, into the folder of a run."""

    cells_changed = Signal(tuple)
    """A cell was kept, or some were forgotten; all that are kept."""

    def __init__(self) -> None:
        self._runs: list[Path] = []
        self._kept: list[KeyCell] = []

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

    @property
    def kept_cells(self) -> tuple[KeyCell, ...]:
        """Cells that were kept, the oldest first."""
        return tuple(self._kept)

    def keep(self, cell: KeyCell) -> None:
        """Keep a cell, to be gone on from in other docks.

        Parameters
        ----------
        cell : KeyCell
        """
        self._kept.append(cell)
        self.cells_changed.emit(self.kept_cells)

    def forget(self, *cells: KeyCell) -> None:
        """Keep some cells no longer.

        Parameters
        ----------
        *cells : KeyCell
        """
        self._kept = [kept for kept in self._kept if kept not in cells]
        self.cells_changed.emit(self.kept_cells)


SESSION = Session()
"""That of this process."""
