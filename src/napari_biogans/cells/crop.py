"""Cutting cells out of fields: centred, long axis horizontal, neighbours masked; a cell set that says where each was."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from napari_biogans.cells.cellset import CellsError, CellSet, CellsWarning
from napari_biogans.cells.cut_events import CuttingProgress, CuttingStoppedError
from napari_biogans.cells.cut_settings import CutConfig, make_cut_configs
from napari_biogans.cells.field import Field
from napari_biogans.cells.finding import FoundCells, crop_corners, iterate_finding, left_out_counts
from napari_biogans.cells.intensity import from_unit, to_unit
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.records import write_table
from napari_biogans.cells.resampling import Pose, cut_image, is_inside, soft_mask
from napari_biogans.cells.tiles import Window, pixels_of
from napari_biogans.cells.writing import write_cells
from napari_biogans.files import replacing
from napari_biogans.stopping import stopped_by_interrupt

TILE = 1024
"""Cells whose centres lie in one square of this side are cut together."""
TABLE = "objects.csv"
MEASURED = ["label", "y", "x", "angle", "scale", "area", "length", "width", "solidity", "mean_red", "mean_green"]

Cutting = Generator[CuttingProgress, None, "CutCells"]


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
        return f"{len(self.cells)} cells of {len(self.found.fields)} fields ({kept}); left out: {out}"

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Write the cell set, and beside it `objects.csv` with all that was found.

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
        table = Path(folder).expanduser() / TABLE
        with replacing(table) as temporary:
            write_table(self.table, temporary)
        return [*paths, table]


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
        If no cell is kept, or a pixel size is asked for that does not follow
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
    if not len(kept):
        raise CellsError(
            f"No cell is kept of {len(table)} that were found; left out: "
            f"{', '.join(f'{reason}: {n}' for reason, n in left_out_counts(table).items()) or 'none'}. Look at "
            "the labels over the fields, and change the filters."
        )
    ranges = _ranges(found, config)
    images = np.empty((len(kept), 2, *config.size), found.fields[0].dtype)
    is_cut = np.zeros(len(kept), bool)
    for rows, window in _squares(found, table.iloc[kept], config):
        if should_stop():
            break
        place = int(table["place"].iat[kept[rows[0]]])
        square = _Square(found, place, window, config)
        for row in rows:
            images[row] = _in_type(square.cut(table.iloc[kept[row]]), ranges[place], config, images.dtype)
        is_cut[rows] = True
        of_field = table["place"].to_numpy()[kept] == place
        yield CuttingProgress("cutting", found.fields[place].name, place + is_cut[of_field].mean(), len(found.fields))
    if not is_cut.any():
        raise CuttingStoppedError("Stopped before the first cell was cut; there is nothing to show.")
    if not is_cut.all():
        images, kept = images[is_cut], kept[is_cut]
    cells = _cell_set(images, table.iloc[kept], found, ranges, config)
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
        If fields, labels or settings make no sense, or no cell is kept.
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
    of_fields = [labels] if hasattr(labels, "shape") and len(labels.shape) == 2 else list(labels)
    if len(of_fields) != len(fields):
        raise CellsError(f"{len(of_fields)} label images for {len(fields)} fields; give one for each.")
    return [replace(field, labels=given) for field, given in zip(fields, of_fields, strict=True)]


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


def full_range(dtype: np.dtype[Any]) -> NDArray[np.float32]:
    """Give the range (2, 2) that normalised cells of a type have."""
    high = np.iinfo(dtype).max if dtype.kind in "ui" else 1
    return np.array([[0, high]] * 2, np.float32)


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


def _squares(found: FoundCells, kept: pd.DataFrame, config: CutConfig) -> Iterator[tuple[NDArray[np.intp], Window]]:
    """Give the cells to cut together, by their row, and the window that holds all of them."""
    corners = crop_corners(kept, config.size)
    places = kept["place"].to_numpy(int)
    keys = np.stack([places, kept["y"].to_numpy() // TILE, kept["x"].to_numpy() // TILE], axis=1)
    squares, of_row = np.unique(keys, axis=0, return_inverse=True)
    order = np.split(np.argsort(of_row.ravel(), kind="stable"), np.cumsum(np.bincount(of_row.ravel()))[:-1])
    for square, rows in zip(squares, order, strict=True):
        shape = found.fields[int(square[0])].shape
        reach = _reach(config, kept["scale"].iat[rows[0]])
        yield rows, _around(corners[rows].reshape(-1, 2), reach, shape)


def _reach(config: CutConfig, scale: float) -> int:
    """How many pixels around an image matter for it: of splines, of the blur of masks, of the one before shrinking."""
    return int(np.ceil(4 + 4 * config.softness + 2 * max(1 / scale - 1, 0)))


def _around(corners: NDArray[np.float64], reach: int, shape: tuple[int, int]) -> Window:
    low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    return Window(
        *(slice(max(int(a) - reach, 0), min(int(b) + reach + 1, n)) for a, b, n in zip(low, high, shape, strict=True))
    )


class _Square:
    """A part of a field, in memory, that cells are cut from."""

    def __init__(self, found: FoundCells, place: int, window: Window, config: CutConfig) -> None:
        field = found.fields[place]
        self._window, self._config, self._shape = window, config, field.shape
        self._light = np.stack([pixels_of(channel, window) for channel in (field.red, field.green)])
        self._labels = pixels_of(found.labels[place], window) if config.mask != "none" else None
        self._background = found.lights[place].background.astype(np.float32)

    def cut(self, cell: pd.Series) -> NDArray[np.float32]:
        """Give the image (2, H, W) of a cell."""
        config = self._config
        pose = Pose(cell["y"], cell["x"], cell["angle"], cell["scale"])
        corners = crop_corners(cell.to_frame().T, config.size)[0]
        around = _around(corners, _reach(config, pose.scale), self._shape)
        part = around.within(self._window)
        local = pose.from_origin(around.origin)
        shown = is_inside(pose, config.size, self._shape).astype(np.float32)
        if self._labels is not None:
            margin = config.margin if config.mask == "background" else None
            mask = soft_mask(self._labels[part], int(cell["label"]), margin, config.softness)
            shown *= cut_image(mask, local, config.size, order=1)
        image = np.stack([cut_image(channel[part].astype(np.float32), local, config.size) for channel in self._light])
        background = self._background[:, None, None]
        return np.asarray(background + shown * (image - background), np.float32)


def _cell_set(
    images: NDArray[Any],
    kept: pd.DataFrame,
    found: FoundCells,
    ranges: list[NDArray[np.float32] | None],
    config: CutConfig,
) -> CellSet:
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
        intensity_range=None if config.normalisation == "none" else full_range(images.dtype),
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
