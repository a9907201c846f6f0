"""The verb that makes cells of fields: cut-cells."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from napari_biogans.cells import CutCells, cut_cells, read_fields
from napari_biogans.cells.class_table import class_table
from napari_biogans.cells.cut_result import TABLE
from napari_biogans.cells.cut_settings import CutConfig, SegmentationConfig
from napari_biogans.cells.writing import check_free
from napari_biogans.cli.app import INTERRUPTED, answer, say

USUAL_SEGMENTATION, USUAL_CUT = SegmentationConfig(), CutConfig()


def cut_cells_command(
    red: str,
    green: str | None = None,
    *,
    labels: str | None = None,
    channels: tuple[int, int] = (0, 1),
    field_pixel_size: float | None = None,
    classes: str | None = None,
    class_table_path: Annotated[Path | None, Parameter(name="--class-table")] = None,
    class_column: str = "class",
    class_pattern: str | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    overwrite: bool = False,
    segmentation: Annotated[SegmentationConfig, Parameter(name="*")] = USUAL_SEGMENTATION,
    config: Annotated[CutConfig, Parameter(name="*")] = USUAL_CUT,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Cut single cells from fields of view: centred, long axis horizontal, neighbours masked.

    Parameters
    ----------
    red
        Images of red: a file, a folder, or a pattern in quotes, such as `raw/Channel2-*.tif` or `plate.zarr/*/*/*`.
    green
        The same of green, named alike; without it, the files of red hold both channels.
    labels
        Labels of the cells, from any segmentation, named alike; without them cells are found by their red.
    channels
        Which channels are red and green, from 0, in files that hold both.
    field_pixel_size
        Side of the fields' pixels in µm; by default as the files say.
    classes
        What green shows in all fields; or "folder", for the name of the folder that a field is in.
    class_table_path
        CSV file with the class of each field: with a column "field", or with columns that --class-pattern names.
    class_column
        The column of that file with the class.
    class_pattern
        Regular expression whose named groups are columns of that file: `Channel2-(?P<ImageNumber>[0-9]+)`.
    output
        Folder for the cell set and objects.csv, which lists all that was found; default cells-DATE.
    overwrite
        Replace the cell set that is there.
    as_json
        Print what was made as JSON.
    """
    if classes is not None and class_table_path is not None:
        raise ValueError("--classes and --class-table say the same; give one of them.")
    target = output or Path(f"cells-{datetime.now():%Y-%m-%d-%H%M%S}")
    _refuse_own_input(target, red, green, labels)
    check_free(target, overwrite=overwrite, option="--overwrite")
    told = (
        None if class_table_path is None else class_table(class_table_path, column=class_column, pattern=class_pattern)
    )
    fields = read_fields(red, green, labels, classes=told or classes, channels=channels, pixel_size=field_pixel_size)
    settings = {**vars(segmentation), **vars(config)}
    result = cut_cells(fields, **{name: value for name, value in settings.items() if not name.startswith("_")})
    paths = result.save(target, overwrite=overwrite)
    say(str(result))
    say(f"Wrote {target}, with {TABLE}, a table of all that was found.")
    answer(_facts(result, paths), as_json=as_json)
    if not result.is_complete:
        say("Stopped; the cells that were cut are kept.")
        return INTERRUPTED
    return 0


def _refuse_own_input(target: Path, *given: str | None) -> None:
    for path in given:
        if path is not None and Path(path).is_dir() and target.resolve() == Path(path).resolve():
            raise ValueError(f"{target} is where the fields are; choose another folder for the cells.")


def _facts(result: CutCells, paths: list[Path]) -> dict[str, object]:
    return {
        "fields": len(result.found.fields),
        "found": len(result.table),
        "kept": len(result.cells),
        "cells": dict(zip(result.cells.class_names, result.cells.counts, strict=True)),
        "left_out": result.left_out,
        "image_size_pixels": list(result.cells.size),
        "pixel_size_um": result.cells.pixel_size,
        "normalisation": result.config.normalisation,
        "files": [str(path) for path in paths],
    }
