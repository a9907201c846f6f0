"""What is tested against what: sides out of whatever was given, class by class, on one scale."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells import CellSet, read_cells
from napari_biogans.evaluation.errors import C2STError
from napari_biogans.evaluation.settings import C2STConfig
from napari_biogans.evaluation.sides import CellsSide, DrawnSide, Side, digest_of
from napari_biogans.models import Model, load_model

Given = CellSet | Model | NDArray[Any] | Sequence[NDArray[Any]] | str | os.PathLike[str]
FEWEST_CELLS = 2
"""Of a class: one to learn from, one to ask about."""
MUCH_CLIPPED = 0.02
"""Part of the pixels; what robust percentiles leave out is less."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sides of one class."""

    class_name: str
    a: Side
    b: Side


def opened(given: Given) -> CellSet | Model | NDArray[Any] | Sequence[NDArray[Any]]:
    """Open what a path leads to: a model file, the folder of a run, or cells.

    Parameters
    ----------
    given : CellSet, Model, arrays or path-like
        All but paths are returned as they are.

    Raises
    ------
    ModelFileError
    CellsError
    """
    if not isinstance(given, str | os.PathLike):
        if not isinstance(given, CellSet | Model):
            _as_arrays(given)  # refuses what is none
        return given
    path = Path(given)
    is_model = path.suffix in (".safetensors", ".pth") or (path / "config.json").exists()
    return load_model(path) if is_model else read_cells(path)


def matched(a: Given, b: Given, config: C2STConfig) -> list[Pair]:
    """Match two sides class by class.

    Parameters
    ----------
    a, b : CellSet, Model, arrays or path-like
        Arrays are (N, C, H, W), or one such array per class.
    config : C2STConfig

    Returns
    -------
    list of Pair
        Classes of the same name, in the order of b; or the only class of
        either side. Cells are pooled for a model that learned them so.

    Raises
    ------
    C2STError
        If they have no class in common, or are of different sizes or types;
        the message says what to do.
    """
    first, second = _cells_or_models(opened(a), opened(b))
    first, second = _pooled_for(first, second), _pooled_for(second, first)
    _check_alike(first, second)
    model = first if isinstance(first, Model) else second
    scale = model.header.intensity_range if isinstance(model, Model) else model.intensity_range
    intensity_range = np.array(scale, np.float32)
    needs_red = config.protocol != "paper" and any(_learned_masked(side) for side in (first, second))
    names = _common_names(first, second)
    parts = [
        _sides(
            side, [pair[place] for pair in names], intensity_range, needs_red, as_published=config.protocol == "paper"
        )
        for place, side in enumerate((first, second))
    ]
    return [
        Pair(own if own == other else f"{own} | {other}", side_a, side_b)
        for (own, other), side_a, side_b in zip(names, *parts, strict=True)
    ]


def notes_on(a: Given, b: Given, pairs: Sequence[Pair]) -> list[str]:
    """Find what the reader of a test should know of its sides.

    Parameters
    ----------
    a, b : CellSet, Model or arrays
    pairs : sequence of Pair
        That were matched.

    Returns
    -------
    list of str
        Classes that were left out; cells that are on both sides; intensities
        that are clipped.
    """
    notes = []
    if len(pairs) > 1 or pairs[0].a.class_name == pairs[0].b.class_name:
        tested = {pair.class_name for pair in pairs}
        for side, name in ((a, "a"), (b, "b")):
            others = [of for of in getattr(side, "class_names", ()) if of not in tested]
            pooled = isinstance(side, CellSet) and any(
                isinstance(other, Model) and other.architecture.pools_classes for other in (a, b)
            )
            if others and not pooled:
                notes.append(f"left out, since only {name} has them: {', '.join(others)}")
    for pair in pairs:
        if not (isinstance(pair.a, CellsSide) and isinstance(pair.b, CellsSide)):
            continue
        of_b = {cell.tobytes() for cell in pair.b.cells}
        if shared := sum(cell.tobytes() in of_b for cell in pair.a.cells):
            notes.append(
                f"{shared:,} of the cells of {pair.class_name} are on both sides, which makes the sides look more "
                "alike than they are"
            )
        low, high = pair.a.intensity_range.T[:, :, None, None]
        clipped = float(((pair.a.cells < low) | (pair.a.cells > high)).mean())
        if clipped > MUCH_CLIPPED:
            notes.append(
                f"{clipped:.0%} of the pixels of {pair.class_name} on side a are beyond the intensity range of b and "
                "are clipped to it"
            )
    return notes


def describe(given: Given) -> str:
    """Say in a few words what a side is."""
    match given:
        case Model():
            return f"{given.architecture.name} model after {given.header.step:,} steps"
        case CellSet():
            return f"{len(given):,} cells" + (f" from {given.path.name}" if given.path else "")
        case str() | os.PathLike():
            return Path(given).name or str(given)
        case _:
            return f"{sum(map(len, _as_arrays(given) or [])):,} images"


def _cells_or_models(a: Any, b: Any) -> tuple[CellSet | Model, CellSet | Model]:
    """Make cell sets of arrays, in the units of the other side."""
    arrays = [_as_arrays(side) for side in (a, b)]
    if arrays[0] is not None and arrays[1] is not None:
        # Together, so that they get one range.
        count = len(arrays[0])
        if len(arrays[1]) != count:
            raise C2STError(
                f"There are {count} arrays on one side and {len(arrays[1])} on the other; give one per class on each, "
                "in the same order."
            )
        both = CellSet(
            [*arrays[0], *arrays[1]], [str(place) for place in range(2 * count)], _channel_names(arrays[0][0])
        )
        names = ["images"] if count == 1 else [f"images {place + 1}" for place in range(count)]
        halves = (both.images[:count], both.images[count:])
        first, second = (
            CellSet(images, names, both.channel_names, intensity_range=both.intensity_range) for images in halves
        )
        return first, second
    sides: list[CellSet | Model] = []
    for images, side, other in zip(arrays, (a, b), (b, a), strict=True):
        if images is None:
            sides.append(side)
            continue
        ranges = other.header.intensity_range if isinstance(other, Model) else other.intensity_range
        if len(other.class_names) != len(images):
            raise C2STError(
                f"There are {len(images)} arrays for the classes {', '.join(other.class_names)}; give one per class, "
                "in this order, or a cell set, whose classes have names."
            )
        names = other.class_names
        sides.append(CellSet(images, names, other.channel_names, intensity_range=np.array(ranges, np.float32)))
    return sides[0], sides[1]


def _as_arrays(given: Any) -> list[NDArray[Any]] | None:
    if isinstance(given, CellSet | Model):
        return None
    if isinstance(given, np.ndarray) and given.ndim in (4, 5):
        given = [given] if given.ndim == 4 else list(given)
    if (
        isinstance(given, str)
        or not isinstance(given, Sequence)
        or not len(given)
        or not all(isinstance(array, np.ndarray) and array.ndim == 4 for array in given)
    ):
        raise C2STError(
            "A side is a cell set, a model, the path of either, or arrays of images (N, C, H, W), one per class; not "
            + (f"an array of shape {given.shape}." if isinstance(given, np.ndarray) else f"{type(given).__name__}.")
        )
    return list(given)


def _channel_names(images: NDArray[Any]) -> list[str]:
    return ["red", "green", *(f"green {channel}" for channel in range(2, images.shape[1]))]


def _pooled_for(side: CellSet | Model, other: CellSet | Model) -> CellSet | Model:
    if isinstance(side, CellSet) and isinstance(other, Model) and other.architecture.pools_classes:
        known = other.class_names[0] in side.class_names
        return side.subset(other.class_names) if known else side.pool(other.class_names[0])
    return side


def _check_alike(a: CellSet | Model, b: CellSet | Model) -> None:
    for what, advice, values in (
        ("pixels high and wide", "cut them to the same size", [_size(side) for side in (a, b)]),
        ("channels", "give the same channels", [len(side.channel_names) for side in (a, b)]),
        ("type of intensities", "save them in the same units and type", [_cell_type(side) for side in (a, b)]),
    ):
        if values[0] != values[1]:
            raise C2STError(f"The sides differ in {what}: {values[0]} and {values[1]}; {advice}.")


def _size(side: CellSet | Model) -> tuple[int, int]:
    return side.header.shape.image_size if isinstance(side, Model) else side.size


def _cell_type(side: CellSet | Model) -> str:
    return side.header.dtype if isinstance(side, Model) else side.dtype.name


def _learned_masked(side: CellSet | Model) -> bool:
    """Whether a model learned greens that were blacked out where red is black."""
    if isinstance(side, CellSet) or side.architecture.layout != "multi-channel":
        return False
    training = side.header.training
    mask = training.get("red_mask")
    return bool(training.get("protocol") == "paper" if mask is None else mask)


def _common_names(a: CellSet | Model, b: CellSet | Model) -> list[tuple[str, str]]:
    if len(a.class_names) == len(b.class_names) == 1:
        return [(a.class_names[0], b.class_names[0])]
    common = [name for name in b.class_names if name in a.class_names]
    if not common:
        raise C2STError(
            f"The sides have no class in common: {', '.join(a.class_names)} and {', '.join(b.class_names)}. "
            "Name their classes alike, or take one class of each (cells.subset)."
        )
    return [(name, name) for name in common]


def _sides(
    given: CellSet | Model,
    names: list[str],
    intensity_range: NDArray[np.float32],
    green_needs_red: bool,
    *,
    as_published: bool,
) -> list[Side]:
    if isinstance(given, Model):
        digest = digest_of(given)
        return [DrawnSide(name, given, digest, intensity_range, as_published, green_needs_red) for name in names]
    sides: list[Side] = []
    for name in names:
        images = given.images[given.class_names.index(name)]
        if len(images) < FEWEST_CELLS:
            raise C2STError(
                f"Class {name!r} has {len(images)} cell; a test needs {FEWEST_CELLS} at least, one to learn from and "
                "one to ask about, and tells something from about a hundred."
            )
        sides.append(CellsSide(name, images, intensity_range, given.pixel_size, green_needs_red))
    return sides
