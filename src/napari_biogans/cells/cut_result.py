"""What comes of cutting: a cell set that says where each cell was, and a table of all that was found."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cellset import CellSet, CellsWarning
from napari_biogans.cells.cut_settings import CutConfig
from napari_biogans.cells.finding import FoundCells, left_out_counts
from napari_biogans.cells.intensity import full_range
from napari_biogans.cells.records import table_path, write_table
from napari_biogans.cells.writing import write_cells
from napari_biogans.files import replacing

TABLE = "objects.csv"
MEASURED = ["label", "y", "x", "angle", "scale", "area", "length", "width", "solidity"]
MEASURED += ["mean_red", "mean_green", "ring_green"]


@dataclass(frozen=True, eq=False)
class CutCells:
    """Cells that were cut from fields, and all that was found there.

    Parameters
    ----------
    cells : CellSet
        Those that are kept, by class. Their features say where each was:
        `source`, `index`, `field`, `label`; `y` and `x` of the centre in
        pixels, `y_um` and `x_um` in µm; `angle` in degrees and `scale`; what
        was measured; and how brightness was scaled (`normalisation`, and the
        intensities of the field that became the ends of the range).
    table : pandas.DataFrame
        One row for each label of each field, with `class` and `left_out`, the
        reason or nothing.
    found : FoundCells
        Fields, labels and measurements.
    config : CutConfig
    is_complete : bool
        False if it was stopped.
    """

    cells: CellSet
    table: pd.DataFrame
    found: FoundCells
    config: CutConfig
    is_complete: bool = True

    @property
    def left_out(self) -> dict[str, int]:
        """How many were left out, by reason."""
        return left_out_counts(self.table)

    def __str__(self) -> str:
        kept = ", ".join(f"{name}: {n}" for name, n in zip(self.cells.class_names, self.cells.counts, strict=True))
        out = ", ".join(f"{reason}: {n}" for reason, n in self.left_out.items()) or "none"
        cells, fields = counted(len(self.cells), "cell"), counted(len(self.found.fields), "field")
        return f"{cells} of {fields} ({kept}); left out: {out}"

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Write the cell set, and beside it `objects.csv` with all that was found.

        Where a class is named "objects", that is `all-objects.csv`.

        Parameters
        ----------
        folder : path-like
            See `write_cells`.
        overwrite : bool
            Replace the cell set that is there.

        Returns
        -------
        list of pathlib.Path
            The stacks and the table.
        """
        paths = write_cells(self.cells, folder, overwrite=overwrite)
        of_classes = {table_path(path).name.casefold() for path in paths}
        table = Path(folder).expanduser() / (f"all-{TABLE}" if TABLE in of_classes else TABLE)
        with replacing(table) as temporary:
            write_table(self.table, temporary)
        return [*paths, table]


def counted(number: int, noun: str) -> str:
    """Say how many there are of something.

    Examples
    --------
    >>> counted(1, "field"), counted(2400, "field")
    ('1 field', '2,400 fields')
    """
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"


def cell_set_of(
    images: NDArray[Any],
    kept: pd.DataFrame,
    found: FoundCells,
    ranges: list[NDArray[np.float32] | None],
    config: CutConfig,
) -> CellSet:
    """Make the cell set of images (N, 2, H, W) and the rows of the table that they belong to."""
    names = list(dict.fromkeys(field.class_name for field in found.fields))
    rows = {name: np.flatnonzero(kept["class"].to_numpy() == name) for name in names}
    if empty := [name for name in names if not len(rows[name])]:
        warnings.warn(f"No cell is kept of {', '.join(empty)}: left out of the set.", CellsWarning, stacklevel=2)
    features = _features(kept, found, ranges, config)
    sizes = {
        None if size is None else round(size / scale, 9)
        for size, scale in zip((found.fields[k].pixel_size for k in kept["place"]), kept["scale"], strict=True)
    }
    if len(sizes) > 1:
        warnings.warn(
            "The fields differ in pixel size, and so do the cells; give the pixel size that the cells should have.",
            CellsWarning,
            stacklevel=2,
        )
    present = [name for name in names if len(rows[name])]
    return CellSet(
        [images[rows[name]] for name in present],
        present,
        pixel_size=sizes.pop() if len(sizes) == 1 else None,
        # None is found out by the cell set.
        intensity_range=None if config.normalisation == "none" else full_range(images.dtype),  # type: ignore[arg-type]
        features=[features.iloc[rows[name]].reset_index(drop=True) for name in present],
    )


def _features(
    kept: pd.DataFrame, found: FoundCells, ranges: list[NDArray[np.float32] | None], config: CutConfig
) -> pd.DataFrame:
    """Say for each cell where it was, what was measured, and what was done with it."""
    place = kept["place"].to_numpy(int)
    fields = [found.fields[k] for k in place]
    side = np.array([np.nan if field.pixel_size is None else field.pixel_size for field in fields], float)
    background = np.array([light.background for light in found.lights])[place]
    nothing = np.full((2, 2), np.nan)
    ends = np.array([nothing if of_field is None else of_field for of_field in ranges], float)[place]
    table = kept[MEASURED].reset_index(drop=True)
    table.insert(0, "source", [field.source for field in fields])
    table.insert(1, "index", [field.index for field in fields])
    table.insert(2, "field", [field.name for field in fields])
    for name in ("y", "x"):
        table[f"{name}_um"] = table[name].to_numpy() * side
    table["area_um2"] = table["area"].to_numpy() * side**2
    for k, channel in enumerate(("red", "green")):
        table[f"{channel}_background"] = background[:, k]
        table[f"{channel}_low"], table[f"{channel}_high"] = ends[:, k].T
    table["normalisation"] = config.normalisation
    table["mask"] = config.mask
    return table
