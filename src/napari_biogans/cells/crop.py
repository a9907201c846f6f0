"""Cutting cells out of fields: centred, long axis horizontal, neighbours masked."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.crop_squares import Square, squares_of
from napari_biogans.cells.cut_events import CuttingProgress, CuttingStoppedError
from napari_biogans.cells.cut_result import CutCells, cell_set_of
from napari_biogans.cells.cut_settings import CutConfig, make_cut_configs
from napari_biogans.cells.field import Field
from napari_biogans.cells.finding import FoundCells, iterate_finding, left_out_counts
from napari_biogans.cells.intensity import from_unit, full_range, to_unit
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.resampling import Pose
from napari_biogans.stopping import stopped_by_interrupt

Cutting = Generator[CuttingProgress, None, "CutCells"]


def iterate_cutting(
    found: FoundCells, config: CutConfig | None = None, should_stop: Callable[[], bool] = never
) -> Cutting:
    """Cut the cells that are kept, yielding how far it is.

    Parameters
    ----------
    found : FoundCells
    config : CutConfig, optional
    should_stop : callable
        Asked after each square of a field; cells that are cut are returned.

    Yields
    ------
    CuttingProgress

    Returns
    -------
    CutCells

    Raises
    ------
    CellsError
        If no cell was found or is kept, or a pixel size is asked for that does not follow
        from those of the fields.
    CuttingStoppedError
        If it was stopped before the first cell was cut.

    Warns
    -----
    CellsWarning
        If no cell of a class is kept, or cells come out with different pixel
        sizes.
    """
    config = config or CutConfig()
    table = found.judge(config)
    classes = np.array([field.class_name for field in found.fields], object)
    table.insert(1, "class", classes[table["place"].to_numpy(int)])
    kept = np.flatnonzero(table["left_out"].to_numpy() == "")
    if found.why_empty:
        raise CellsError(found.why_empty)
    if not len(kept):
        raise CellsError(
            f"No cell is kept of {len(table)} that were found; left out: "
            f"{', '.join(f'{reason}: {n}' for reason, n in left_out_counts(table).items())}. Look at "
            "the labels over the fields, and change the filters."
        )
    ranges = _ranges(found, config)
    images = np.empty((len(kept), 2, *config.size), found.fields[0].dtype)
    is_cut = np.zeros(len(kept), bool)
    poses = table[list(Pose._fields)].to_numpy(float)[kept]
    names, places = (table[column].to_numpy()[kept] for column in ("label", "place"))
    for rows, window in squares_of(found, table.iloc[kept], config):
        if should_stop():
            break
        place = int(places[rows[0]])
        square = Square(found, place, window, config)
        for row in rows:
            image = square.cut(Pose(*poses[row]), int(names[row]))
            images[row] = _in_type(image, ranges[place], config, images.dtype)
        is_cut[rows] = True
        done = place + float(is_cut[places == place].mean())
        yield CuttingProgress("cutting", found.fields[place].name, done, len(found.fields))
    if not is_cut.any():
        raise CuttingStoppedError("Stopped before the first cell was cut; there is nothing to show.")
    if not is_cut.all():
        images, kept = images[is_cut], kept[is_cut]
    cells = cell_set_of(images, table.iloc[kept], found, ranges, config)
    return CutCells(cells, table.drop(columns="place"), found, config, bool(is_cut.all()) and found.is_complete)


def cut_cells(
    fields: Field | Sequence[Field],
    labels: Any = None,
    *,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[CuttingProgress], object] | None = None,
    **settings: Any,
) -> CutCells:
    """Cut single cells from fields.

    Cells are found by their labels, or else by a simple segmentation of red.
    Each is centred, turned so that its long axis is horizontal and scaled, in
    one resampling; what is nearer to other cells is replaced by the background.
    Cells that do not fit, touch the border or lack signal are left out, and
    listed with the reason.

    Fields of any size are worked on in tiles; no more of them is in memory
    than one. Ctrl-C stops it; the cells that are cut come back.

    Parameters
    ----------
    fields : Field, or sequence of Field
        See `read_fields`. All of one type, which is that of the cells.
    labels : array (H, W), or sequence of arrays, optional
        One for each field; default those of the fields.
    progress : bool
        Show a progress bar.
    should_stop : callable
        Asked after each tile.
    on_event : callable, optional
        Given every event as it happens.
    **settings
        Fields of `CutConfig` and of `SegmentationConfig`: `height`, `width`,
        `magnification`, `mask`, `min_area`, `threshold`, …

    Returns
    -------
    CutCells

    Raises
    ------
    CellsError
        If fields, labels or settings make no sense, a pixel is NaN or
        infinite, or no cell is found or kept.
    CuttingStoppedError
        If it was stopped before there was anything to keep.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_field
    >>> field = simulate_field(9, shape=(400, 400), seed=0).field
    >>> result = cut_cells(field, progress=False, magnification=1.0)
    >>> result.cells.size
    (48, 80)
    >>> sorted(result.cells.features[0].columns)[:3]
    ['angle', 'area', 'area_um2']
    """
    segmentation, config = make_cut_configs(**settings)
    fields = with_labels([fields] if isinstance(fields, Field) else list(fields), labels)
    for field in fields:
        config.magnification_for(field.pixel_size, field.name)
    with stopped_by_interrupt(should_stop) as stop, _Bar(progress, on_event) as bar:
        found = bar.run(iterate_finding(fields, segmentation, stop))
        # What was found before a stop is cut all the same.
        result: CutCells = bar.run(iterate_cutting(found, config, stop if found.is_complete else never))
    return result


def with_labels(fields: Sequence[Field], labels: Any) -> list[Field]:
    """Give fields other labels.

    Raises
    ------
    CellsError
        If there is not one label image for each field, or one does not fit.
    """
    if labels is None:
        return list(fields)
    of_fields = [labels] if isinstance(labels, str | os.PathLike) or _is_plane(labels) else list(labels)
    if any(isinstance(each, str | os.PathLike) for each in of_fields):
        raise CellsError(
            "Labels are arrays here, one for each field; of files give the paths to read_fields(labels=...)."
        )
    if len(of_fields) != len(fields):
        raise CellsError(f"{len(of_fields)} label images for {len(fields)} fields; give one for each.")
    return [replace(field, labels=given) for field, given in zip(fields, of_fields, strict=True)]


def _is_plane(labels: Any) -> bool:
    return hasattr(labels, "shape") and len(labels.shape) == 2


class _Bar:
    """A progress bar, which counts fields, for one stage after another."""

    def __init__(self, progress: bool, on_event: Callable[[CuttingProgress], object] | None) -> None:
        self._bar = tqdm(unit="field", disable=not progress, dynamic_ncols=True)
        self._on_event = on_event

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def run(self, events: Generator[CuttingProgress, None, Any]) -> Any:
        """Let work run to its end, and give its result."""
        with closing(events):
            self._bar.reset()
            while True:
                try:
                    event = next(events)
                except StopIteration as end:
                    return end.value
                self._bar.total = event.fields
                self._bar.set_description(f"{event.stage} {event.field}", refresh=False)
                self._bar.update(round(event.done, 2) - self._bar.n)
                if self._on_event is not None:
                    self._on_event(event)


def _ranges(found: FoundCells, config: CutConfig) -> list[NDArray[np.float32] | None]:
    """Find the intensities (2, 2) of each field that become the ends of the range; None where all stays as it is."""
    ends = config.low_percentile, config.high_percentile
    if config.normalisation == "none":
        return [None] * len(found.fields)
    if config.normalisation == "field":
        ranges = [light.range(*ends) for light in found.lights]
    else:
        pooled = np.concatenate([light.values[:, :: len(found.lights)] for light in found.lights], axis=1)
        ranges = [np.percentile(pooled, ends, axis=1).T] * len(found.fields)
    for field, of_field in zip(found.fields, ranges, strict=True):
        if not (of_field[:, 0] < of_field[:, 1]).all():
            raise CellsError(
                f"Between these percentiles field {field.name!r} has one intensity only ({of_field.tolist()}); choose "
                "others, or leave the brightness as it is (normalisation none)."
            )
    return [of_field.astype(np.float32) for of_field in ranges]


def _in_type(
    image: NDArray[np.float32], intensities: NDArray[np.float32] | None, config: CutConfig, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Scale the brightness of an image as asked for, and give it its type."""
    ends = full_range(dtype)
    if intensities is not None:
        return from_unit(to_unit(image, intensities), ends, dtype)
    if dtype.kind in "ui":
        image = image.round().clip(ends[0, 0], ends[0, 1])
    return image.astype(dtype)
