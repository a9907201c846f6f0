"""Finding the cells of fields: labels and measurements, made once; which cells to keep is decided again at will."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells.cut_events import CuttingProgress, CuttingStoppedError
from napari_biogans.cells.cut_settings import CutConfig, SegmentationConfig
from napari_biogans.cells.field import Field, check_fields
from napari_biogans.cells.field_objects import FieldLight, FieldObjects, iterate_measuring
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.segment import iterate_segmentation

AREA_LIMITS = (1 / 3, 3.0)
"""Least and greatest area, in parts of the median, where none is given."""
LEAST_SPREADS = 5.0
"""How far above the background a cell is at least, in spreads of the background, where nothing else is asked for."""
GRID = 9
"""Places on each side of a cell's image at which it is looked whether they lie in the field."""

Finding = Generator[CuttingProgress, None, "FoundCells"]


@dataclass(frozen=True, eq=False)
class FoundCells:
    """The cells of fields, measured: all that is needed to decide which of them to cut.

    Parameters
    ----------
    fields : sequence of Field
    labels : sequence of arrays (H, W)
        The labels of each field, given or found.
    objects : sequence of FieldObjects
        What was measured in each.
    is_complete : bool
        False if it was stopped; then `fields` are those that were done.
    """

    fields: Sequence[Field]
    labels: Sequence[Any]
    objects: Sequence[FieldObjects]
    is_complete: bool = True

    @property
    def lights(self) -> list[FieldLight]:
        """The brightness of each field."""
        return [objects.light for objects in self.objects]

    @property
    def why_empty(self) -> str:
        """What to do where no cells were found at all; empty if there are any."""
        if any(len(objects.table) for objects in self.objects):
            return ""
        if all(field.labels is not None for field in self.fields):
            return "No cells were found: the labels are empty. Look at them over the fields, and give others."
        return (
            "No cells were found. Take a lower threshold, look whether red and green are the right way round, or give "
            "labels of another segmentation."
        )

    def judge(self, config: CutConfig | None = None) -> pd.DataFrame:
        """Decide which cells are kept, in milliseconds: nothing is segmented, measured or cut.

        Parameters
        ----------
        config : CutConfig, optional

        Returns
        -------
        pandas.DataFrame
            One row for each label of each field: `field`, its name; `place`,
            its place in `fields`; `left_out`, the reason, or nothing for cells
            that are kept; `scale`, pixels of the cell's image for each pixel
            of the field; `angle` in (-180, 180], by which the cell is turned;
            and what was measured (see `iterate_measuring`).

        Raises
        ------
        CellsError
            If a pixel size is asked for, and one of a field is not known.
        """
        config = config or CutConfig()
        parts = []
        for place, (field, objects) in enumerate(zip(self.fields, self.objects, strict=True)):
            scale = config.magnification_for(field.pixel_size, field.name)
            part = objects.table.copy()
            part.insert(0, "field", field.name)
            part.insert(1, "place", place)
            part.insert(2, "left_out", "")
            part.insert(3, "scale", scale)
            if config.facing == "brighter-right":
                turned = part["red_side"] < 0
                part.loc[turned, "angle"] -= 180 * np.where(part["angle"][turned] > 0, 1, -1)
            parts.append(part)
        table = pd.concat(parts, ignore_index=True)
        table["left_out"] = self._reasons(table, config)
        return table

    def _reasons(self, table: pd.DataFrame, config: CutConfig) -> NDArray[np.object_]:
        place = table["place"].to_numpy(int)
        shapes = np.array([field.shape for field in self.fields])[place]
        background = np.array([light.background for light in self.lights])[place]
        spread = np.array([light.spread for light in self.lights])[place]
        at_border = (
            (table["top"] <= 0)
            | (table["left"] <= 0)
            | (table["bottom"] >= shapes[:, 0])
            | (table["right"] >= shapes[:, 1])
        )
        median = float(table["area"][~at_border].median()) if not at_border.all() else 0.0
        least = AREA_LIMITS[0] * median if config.min_area is None else config.min_area
        greatest = AREA_LIMITS[1] * median if config.max_area is None else config.max_area
        # Where outlines are those of nuclei, a protein may be in all of the cell but there.
        light = (table["mean_red"], np.fmax(table["mean_green"], table["ring_green"]))
        red, green = (
            # No limit is no limit, even where a cell is darker than the background.
            (light[k] - background[:, k] < (LEAST_SPREADS * spread[:, k] if limit is None else limit)) & (limit != 0)
            for k, limit in enumerate((config.min_red, config.min_green))
        )
        half_height, half_width = config.height / 2 / table["scale"], config.width / 2 / table["scale"]
        reasons = np.full(len(table), "", object)
        # What comes first is what is told: it is set last.
        for applies, reason in reversed(
            (
                (at_border, "touches the border"),
                (table["area"] < least, "too small"),
                (table["area"] > greatest, "too large"),
                (table["solidity"] < config.min_solidity, "not convex"),
                (red, "too dim in red"),
                (green, "too dim in green"),
                ((table["along"] > half_width) | (table["across"] > half_height), "does not fit"),
                (_part_outside(table, shapes, config) > config.max_outside, "too near to the border"),
            )
        ):
            reasons[applies.to_numpy(bool) if isinstance(applies, pd.Series) else applies] = reason
        return reasons


def left_out_counts(table: pd.DataFrame) -> dict[str, int]:
    """Count the cells that are left out by reason, the commonest first."""
    return dict(Counter(reason for reason in table["left_out"] if reason).most_common())


def _part_outside(table: pd.DataFrame, shapes: NDArray[np.int_], config: CutConfig) -> NDArray[np.float64]:
    """Find the part of each cell's image that lies outside of its field."""
    down, right = (
        ((np.arange(GRID) + 0.5) / GRID - 0.5)[(slice(None), None) if axis == 0 else (None, slice(None))] * length
        for axis, length in enumerate(config.size)
    )
    angle, scale = np.deg2rad(table["angle"].to_numpy())[:, None, None], table["scale"].to_numpy()[:, None, None]
    rows = table["y"].to_numpy()[:, None, None] + (down * np.cos(angle) + right * np.sin(angle)) / scale
    columns = table["x"].to_numpy()[:, None, None] + (right * np.cos(angle) - down * np.sin(angle)) / scale
    height, width = shapes.T[:, :, None, None]
    inside = (rows >= -0.5) & (rows <= height - 0.5) & (columns >= -0.5) & (columns <= width - 0.5)
    return np.asarray(1 - inside.mean(axis=(1, 2)), np.float64)


def crop_corners(table: pd.DataFrame | Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.float64]:
    """Find where the images of cells lie in their field.

    Parameters
    ----------
    table : pandas.DataFrame, or mapping from names to columns
        With `y`, `x`, `angle` and `scale`, as `FoundCells.judge` gives.
    size : (height, width)
        Of the images, in pixels.

    Returns
    -------
    array (N, 4, 2)
        Row and column of the corners: upper left, upper right, lower right,
        lower left of the image.

    Examples
    --------
    >>> table = pd.DataFrame({"y": [50.0], "x": [60.0], "angle": [90.0], "scale": [2.0]})
    >>> crop_corners(table, (48, 80)).round().tolist()
    [[[30.0, 72.0], [70.0, 72.0], [70.0, 48.0], [30.0, 48.0]]]
    """
    down = np.array([-0.5, -0.5, 0.5, 0.5]) * size[0]
    right = np.array([-0.5, 0.5, 0.5, -0.5]) * size[1]
    angle, scale = (np.asarray(table[name], float)[:, None] for name in ("angle", "scale"))
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    rows = np.asarray(table["y"], float)[:, None] + (down * cosine + right * sine) / scale
    columns = np.asarray(table["x"], float)[:, None] + (right * cosine - down * sine) / scale
    return np.stack([rows, columns], axis=-1)


def iterate_finding(
    fields: Sequence[Field],
    config: SegmentationConfig | None = None,
    should_stop: Callable[[], bool] = never,
) -> Finding:
    """Find and measure the cells of fields, yielding how far it is.

    Parameters
    ----------
    fields : sequence of Field
        Those that have labels are not segmented.
    config : SegmentationConfig, optional
    should_stop : callable
        Asked after each tile. Fields that are done are returned.

    Yields
    ------
    CuttingProgress

    Returns
    -------
    FoundCells

    Raises
    ------
    CellsError
        If the fields do not go together, or a pixel is NaN or infinite.
    CuttingStoppedError
        If it was stopped before the first field was done.
    """
    config = config or SegmentationConfig()
    check_fields(fields)
    labels, objects = [], []
    for k, field in enumerate(fields):
        of_field = field.labels
        if of_field is None:
            segmenting = iterate_segmentation(field.red, config, should_stop, field.name)
            while True:
                try:
                    part = next(segmenting)
                except StopIteration as end:
                    of_field = end.value
                    break
                yield CuttingProgress("segmenting", field.name, k + part / 2, len(fields))
        measured = None
        if of_field is not None:
            measuring = iterate_measuring(field, of_field, config, should_stop)
            while True:
                try:
                    part = next(measuring)
                except StopIteration as end:
                    measured = end.value
                    break
                done = part if field.labels is not None else (1 + part) / 2
                yield CuttingProgress("measuring", field.name, k + done, len(fields))
        if measured is None:
            break
        labels.append(of_field)
        objects.append(measured)
    if not objects:
        raise CuttingStoppedError("Stopped before the first field was done; there is nothing to show.")
    return FoundCells(list(fields[: len(objects)]), labels, objects, is_complete=len(objects) == len(fields))
