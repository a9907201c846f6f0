"""What the docks share since napari was opened: models, runs and cell sets that are known, and cells that were kept."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from napari_biogans.cells.layout import may_hold_cells
from napari_biogans.formats import kind_of, run_of
from napari_biogans.plugin.key_cells import KeyCell, file_of


class Session:
    """Models and cell sets that were made or opened, the newest first, and kept cells, the oldest first.

    The docks meet here: Train adds what it saves, the docks and the reader
    what they open, and all offer it; Explore and Reconstruct keep cells,
    Interpolate and Generate go on from them.
    """

    model_saved = Signal(Path)
    """A model was written, or written anew, into the folder of a run."""

    model_opened = Signal(Path)
    """A model was opened: a file, or the folder of a run."""

    cells_changed = Signal(tuple)
    """A cell was kept, or some were forgotten; all that are kept."""

    def __init__(self) -> None:
        self._models: list[Path] = []
        self._cell_sets: list[Path] = []
        self._fields: list[Path] = []
        self._kept: list[KeyCell] = []

    @property
    def models(self) -> tuple[Path, ...]:
        """Model files and folders of runs, the one saved or opened last first; each model once."""
        return tuple(self._models)

    @property
    def runs(self) -> tuple[Path, ...]:
        """Those models that are in the folders of their runs."""
        return tuple(path for path in self._models if path.suffix != ".safetensors")

    @property
    def cell_sets(self) -> tuple[Path, ...]:
        """Files and folders of cells, the one saved or opened last first."""
        return tuple(self._cell_sets)

    def add_model(self, run: Path) -> None:
        """Note that there is a model, or a newer one, in the folder of a run.

        Parameters
        ----------
        run : pathlib.Path
        """
        self._put_first(run)
        self.model_saved.emit(run)

    def open_model(self, path: Path) -> None:
        """Note that a model was opened, which is then offered.

        Parameters
        ----------
        path : pathlib.Path
            A model file, or the folder of a run. A file that is the latest
            model of a run stands for the run.
        """
        path = run_of(path.absolute()) or path.absolute()
        self._put_first(path)
        self.model_opened.emit(path)

    def drop_model(self, path: Path) -> None:
        """Offer a model no longer, as it is gone; docks that show it already keep it.

        Parameters
        ----------
        path : pathlib.Path
            A model file, or the folder of a run.
        """
        self._models = [known for known in self._models if file_of(known) != file_of(path)]

    @property
    def fields(self) -> tuple[Path, ...]:
        """Files, folders and patterns of fields that cells were looked for in, the last one first."""
        return tuple(self._fields)

    def use_fields(self, path: Path) -> None:
        """Note where fields are, in which cells were looked for.

        Parameters
        ----------
        path : pathlib.Path
            A file, a folder or a pattern.
        """
        self._fields = [path, *(known for known in self._fields if known != path)]

    def open_cells(self, path: Path) -> None:
        """Note where cells were read from, or written to.

        Parameters
        ----------
        path : pathlib.Path
            A file or folder that `read_cells` reads.
        """
        path = path.absolute()
        self._cell_sets = [path, *(known for known in self._cell_sets if known.resolve() != path.resolve())]

    def _put_first(self, model: Path) -> None:
        self._models = [model, *(known for known in self._models if file_of(known) != file_of(model))]

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


def note_model(path: Path) -> None:
    """Note that a model was chosen in a dock, if it is one.

    Parameters
    ----------
    path : pathlib.Path
        What was chosen, by mistake perhaps.
    """
    if kind_of(path) in ("model", "run"):
        SESSION.open_model(path)


def note_cells(path: Path) -> None:
    """Note that a file or folder of cells was chosen in a dock, if it may hold any.

    Parameters
    ----------
    path : pathlib.Path
        What was chosen, by mistake perhaps.
    """
    if may_hold_cells(path):
        SESSION.open_cells(path)
