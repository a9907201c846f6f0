"""What the files of a cell set have to agree on before they are read together."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

from napari_biogans.cells.cellset import CellsError, CellsWarning
from napari_biogans.cells.sizes import nearest_good_size
from napari_biogans.cells.sources import Source, SourceClass

DEFAULT_CHANNEL_NAMES = ("red", "green")
# Pixel sizes of files that belong together differ by less than this part.
SAME_PIXEL_SIZE = 0.01
SIZES_NAMED = 3


def check_alike(classes: list[SourceClass]) -> None:
    """Refuse sources of different types or numbers of channels.

    Raises
    ------
    CellsError
        Which names two that differ.
    """
    first = classes[0].sources[0]
    for source in (source for group in classes for source in group.sources):
        if source.dtype != first.dtype:
            raise CellsError(
                f"{first.where} is of type {first.dtype}, but {source.where} of type {source.dtype}; "
                "save all in the same type."
            )
        if source.channels != first.channels:
            raise CellsError(
                f"{first.where} has {first.channels} channels, but {source.where} has {source.channels}; "
                "save all with the same channels."
            )


def choose_channels(classes: list[SourceClass], wanted: Sequence[int] | None) -> tuple[list[int], list[int]]:
    """Choose the channels to take, and those that have to be empty.

    Parameters
    ----------
    classes : list of SourceClass
    wanted : sequence of int, optional
        As `read_cells` is asked for.

    Returns
    -------
    taken, spare : list of int

    Raises
    ------
    CellsError
        If there are no such channels.
    """
    present = classes[0].sources[0].channels
    if wanted is not None:
        taken = [int(channel) for channel in wanted]
        if len(taken) < 2 or len(set(taken)) < len(taken) or not set(taken) <= set(range(present)):
            raise CellsError(
                f"channels={tuple(wanted)} does not fit: {classes[0].path} has channels 0 to {present - 1}, "
                "and at least two different ones are needed."
            )
        return taken, []
    if all(source.metadata.all_channels for group in classes for source in group.sources):
        return list(range(present)), []
    return [0, 1], list(range(2, present))


def agreed_channel_names(classes: list[SourceClass], taken: list[int]) -> list[str]:
    """Name the taken channels as all files do.

    A channel that files name differently (green, after the class) gets its
    default name.
    """
    known = {source.metadata.channel_names for group in classes for source in group.sources} - {None}
    names = []
    for place, channel in enumerate(taken):
        given = {of_file[channel] for of_file in known if of_file is not None and channel < len(of_file)}
        default = DEFAULT_CHANNEL_NAMES[place] if place < 2 else f"channel {place}"
        names.append(given.pop() if len(given) == 1 else default)
    return names


def agreed_pixel_size(classes: list[SourceClass]) -> float | None:
    """Find the side of a pixel in µm, if any file tells it.

    Raises
    ------
    CellsError
        If two files differ in it: cells of different scales are no cell set.
    """
    first: Source | None = None
    for source in (source for group in classes for source in group.sources):
        found = source.metadata.pixel_size
        if found is None:
            continue
        if first is None or first.metadata.pixel_size is None:
            first = source
        elif abs(found / first.metadata.pixel_size - 1) > SAME_PIXEL_SIZE:
            raise CellsError(
                f"A pixel of {first.where} is {first.metadata.pixel_size:g} µm wide, but one of {source.where} "
                f"{found:g} µm; bring all cells to one scale, or give pixel_size= if the metadata are wrong."
            )
    return None if first is None else first.metadata.pixel_size


def agreed_range(classes: list[SourceClass], taken: list[int]) -> list[tuple[float, float]] | None:
    """Find the intensity range of the taken channels that all files were written with, if they agree."""
    known = {source.metadata.intensity_range for group in classes for source in group.sources}
    found = known.pop() if len(known) == 1 else None
    if found is None or len(found) <= max(taken):
        return None
    return [found[channel] for channel in taken]


def _sizes(classes: list[SourceClass]) -> Counter[tuple[int, int]]:
    sizes: Counter[tuple[int, int]] = Counter()
    for group in classes:
        for source in group.sources:
            sizes[source.size] += source.count
    return sizes


def choose_size(classes: list[SourceClass]) -> tuple[int, int]:
    """Choose the good size nearest to the commonest size."""
    return nearest_good_size(_sizes(classes).most_common(1)[0][0])


def warn_of_sizes(classes: list[SourceClass], size: tuple[int, int]) -> None:
    """Say how many cells are brought to a size, and from which sizes."""
    others = [(found, count) for found, count in _sizes(classes).most_common() if found != tuple(size)]
    if not others:
        return
    shown = ", ".join(f"{height}x{width} ({count} cells)" for (height, width), count in others[:SIZES_NAMED])
    more = f" and {len(others) - SIZES_NAMED} other sizes" if len(others) > SIZES_NAMED else ""
    warnings.warn(
        f"{sum(count for _, count in others)} of {sum(group.count for group in classes)} cells are centre-padded or "
        f"cropped to {size[0]}x{size[1]} pixels, from {shown}{more}. Another size can be given as size=.",
        CellsWarning,
        stacklevel=3,
    )
