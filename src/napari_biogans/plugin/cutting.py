"""Finding and cutting cells for the dock, as work of another thread. Nothing here knows Qt or napari."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any
from weakref import ReferenceType

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.crop import iterate_cutting
from napari_biogans.cells.cut_events import CuttingProgress, CuttingStoppedError
from napari_biogans.cells.cut_result import CutCells
from napari_biogans.cells.cut_settings import CutConfig, SegmentationConfig
from napari_biogans.cells.finding import FoundCells, iterate_finding
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.writing import check_free
from napari_biogans.plugin.cell_features import FieldRecord
from napari_biogans.plugin.field_choice import FieldsChoice, fields_in
from napari_biogans.plugin.field_groups import FieldGroup
from napari_biogans.plugin.found_layers import numbered_labels, step_of

ShouldStop = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in fields, with where these stand in the viewer."""

    groups: Sequence[FieldGroup]
    found: FoundCells
    key: tuple[Any, ...]
    """Of what it was found in, and how."""
    seconds: float
    """That it took."""
    layers: Sequence[ReferenceType[Any]]
    """Those that the fields are in."""
    outlines: Sequence[Any]
    """For each group its labels, in numbers as `numbered_labels` gives, every so many pixels as `step_of` tells."""

    def are(self, groups: Sequence[FieldGroup]) -> bool:
        """Tell whether these are the same fields, as far as their sizes go, and in files their names."""
        now, before = (
            [(field.shape, "" if group.is_shown else field.name) for group in some for field in group.fields]
            for some in (groups, self.groups)
        )
        return now == before

    def of_groups(self, groups: Sequence[FieldGroup]) -> Found:
        """Take the classes and pixel sizes that the same fields have now."""
        fields = fields_in(groups)[: len(self.found.fields)]
        return replace(self, groups=groups, found=replace(self.found, fields=fields))


@dataclass(frozen=True, eq=False)
class CutRequest:
    """Which cells are to be cut, how, and where they are to be written."""

    choice: FieldsChoice
    segmentation: SegmentationConfig
    config: CutConfig
    folder: Path | None = None
    groups: Sequence[FieldGroup] = ()
    """Fields of layers, as they are now; none of files, which are looked at when the work begins."""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for requests of which the same cells are found."""
        return self.choice.key, None if self.choice.has_labels else self.segmentation


@dataclass(frozen=True, eq=False)
class Cut:
    """Cells that were cut."""

    found: Found
    result: CutCells
    folder: Path | None
    """Where they were written."""
    unsaved: str = ""
    """Why they were not written, if they should have been."""

    def records(self) -> list[FieldRecord]:
        """Where the fields are in the viewer."""
        return [record for group in self.found.groups for record in group.records]


def find(request: CutRequest, should_stop: ShouldStop) -> Generator[CuttingProgress, None, Found | None]:
    """Find the cells of fields.

    Yields
    ------
    CuttingProgress

    Returns
    -------
    Found or None
        Of those fields that were done; None if it was stopped before the
        first one was.

    Raises
    ------
    CellsError
    """
    started = time.perf_counter()
    groups = request.choice.groups()
    try:
        found = yield from iterate_finding(fields_in(groups), request.segmentation, should_stop)
    except CuttingStoppedError:
        return None
    outlines = [
        numbered_labels(group, found, first, step_of(group))
        for group, first in zip(groups, firsts_of(groups), strict=True)
    ]
    return Found(groups, found, request.key, time.perf_counter() - started, request.choice.layers, outlines)


def cut(
    request: CutRequest, known: Found | None, should_stop: ShouldStop
) -> Generator[CuttingProgress, None, Cut | Found | None]:
    """Cut cells, and write them if a folder is given.

    Parameters
    ----------
    request : CutRequest
    known : Found, optional
        What was found before.
    should_stop : callable
        What is done by then is cut, or kept.

    Yields
    ------
    CuttingProgress

    Returns
    -------
    Cut, Found or None
        What was found if it was stopped before the first cell was cut; None
        before the first field was done.

    Raises
    ------
    CellsError
        If no cell is kept, or something is in the folder already.
    """
    if request.folder is not None:
        check_empty(request.folder)
    groups = request.choice.groups()
    if known is not None and known.found.is_complete and known.key == request.key and known.are(groups):
        found: Found | None = known.of_groups(groups)
    else:
        found = yield from find(request, should_stop)
    if found is None:
        return None
    # What was found before a stop is cut all the same.
    stop = should_stop if found.found.is_complete else never
    try:
        result = yield from iterate_cutting(found.found, request.config, stop)
    except CuttingStoppedError:
        return found
    if request.folder is None:
        return Cut(found, result, None)
    try:
        result.save(request.folder)
    except (CellsError, OSError) as error:
        # The cells are there all the same, and can be saved elsewhere.
        return Cut(found, result, None, f"The cells could not be written into {request.folder}: {error}")
    return Cut(found, result, request.folder)


def firsts_of(groups: Sequence[FieldGroup]) -> list[int]:
    """Give the place of the first field of each group among those of all."""
    return list(accumulate((len(group.fields) for group in groups[:-1]), initial=0))


def check_empty(folder: Path) -> None:
    """Refuse a folder in which something is already.

    Raises
    ------
    CellsError
    """
    check_free(folder, overwrite=False)
    if folder.is_dir() and any(folder.iterdir()):
        raise CellsError(f"There is something in {folder} already; choose another folder, or an empty one.")
