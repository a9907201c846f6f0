"""Reading cell sets from folders of images, TIFF stacks and NumPy archives."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from napari_biogans.cells.agreement import (
    agreed_channel_names,
    agreed_pixel_size,
    agreed_range,
    check_alike,
    choose_channels,
    choose_size,
    warn_of_sizes,
)
from napari_biogans.cells.archives import open_archive
from napari_biogans.cells.cellset import CellsError, CellSet, CellsWarning, check_finite, check_varied
from napari_biogans.cells.layout import IMAGE_SUFFIXES, TIFF_SUFFIXES, look_into
from napari_biogans.cells.pictures import open_picture
from napari_biogans.cells.records import tiff_stem
from napari_biogans.cells.sizes import fit_to_size, halvings
from napari_biogans.cells.sources import Block, Source, SourceClass
from napari_biogans.cells.tiff_stacks import open_tiff


def read_cells(
    path: str | os.PathLike[str],
    *,
    channels: Sequence[int] | None = None,
    size: tuple[int, int] | None = None,
    channel_names: Sequence[str] | None = None,
    pixel_size: float | None = None,
    intensity_range: ArrayLike | None = None,
    progress: bool = False,
) -> CellSet:
    """Read a cell set.

    Parameters
    ----------
    path : path-like
        One of

        - a folder with a sub-folder for each class, of RGB PNG or TIFF images
          (single cells or stacks); the classes are named and sorted as the
          sub-folders, `dose-9` before `dose-10`;
        - a folder of TIFF stacks, or one stack: each file a class, named as
          the file;
        - a folder of images of single cells: one class, named as the folder;
        - an .npz file: each array (N, C, H, W) a class, named by its key.

        What `write_cells` wrote comes back as it was. Hidden files, and files
        that are no images, are passed over.
    channels : sequence of int, optional
        Which channels of the files are red, green (and further), from 0;
        (1, 0) turns them round. By default the first two, and others have to
        be empty (0 everywhere).
    size : (height, width), optional
        Size to bring the cells to, in pixels, a good size (`is_good_size`). By
        default the good size nearest to the commonest size of the set. Cells
        of other sizes are centre-padded or cropped, with a warning.
    channel_names : sequence of str, optional
        By default those in the metadata if all files agree, else "red" and
        "green".
    pixel_size : float, optional
        Side of a pixel in µm; by default as in the metadata.
    intensity_range : array (C, 2), optional
        See `CellSet`; by default as `write_cells` wrote it. What ImageJ keeps
        as display range is a matter of the screen, and not taken for it.
    progress : bool
        Show a progress bar (on standard error).

    Returns
    -------
    CellSet
        Of type uint8, uint16 or float32, as the files; its features say for
        each cell the file (`source`) and the place in it (`index`). While
        reading, memory is needed for little more than the set itself.

    Raises
    ------
    CellsError
        If nothing can be learned from what is there: no images, one channel,
        fewer than 2 cells, files of different types or numbers of channels,
        NaN or infinite values, a channel with one value everywhere; or if a
        file is damaged, foreign, or does not name its axes. The message names
        the file and says what to do.

    Warns
    -----
    CellsWarning
        If cells were padded or cropped (once, with how many and from which
        sizes), sub-folders hold no images, or a table of cells does not fit.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "cells.npz")
    >>> rng = np.random.default_rng(0)
    >>> np.savez(path, Tea1=rng.integers(0, 255, (10, 2, 48, 80), dtype=np.uint8))
    >>> cells = read_cells(path, pixel_size=0.1)
    >>> cells
    CellSet(10 cells, 48x80 uint8, 0.1 µm/pixel; Tea1: 10)
    >>> cells.features[0].loc[3, "index"]
    np.int64(3)
    """
    if size is not None:
        _check_good(size)
    classes = _open(Path(path).expanduser(), progress)
    check_alike(classes)
    taken, spare = choose_channels(classes, channels)
    first = classes[0].sources[0]
    settings: dict[str, Any] = {
        "channel_names": channel_names or agreed_channel_names(classes, taken),
        "pixel_size": pixel_size if pixel_size is not None else agreed_pixel_size(classes),
        "intensity_range": intensity_range if intensity_range is not None else agreed_range(classes, taken),
    }
    size = choose_size(classes) if size is None else size
    # Wrong settings are refused here, on blank cells, and not after minutes of reading.
    CellSet([np.zeros((2, len(taken), *size), first.dtype)], [""], **settings)
    warn_of_sizes(classes, size)
    with tqdm(total=sum(group.count for group in classes), desc="Cells", unit="cell", disable=not progress) as bar:
        images = [_read(group, taken, spare, size, bar) for group in classes]
    return CellSet(
        images,
        [group.name for group in classes],
        features=[_features(group) for group in classes],
        path=Path(path).expanduser().resolve(),
        **settings,
    )


def _check_good(size: tuple[int, int]) -> None:
    try:
        halvings(size)
    except ValueError as error:
        raise CellsError(str(error)) from None


def _open(path: Path, progress: bool) -> list[SourceClass]:
    """Find the classes, and look at what all files say of themselves."""
    if path.is_dir():
        classes = _open_folder(path, progress)
    elif not path.exists():
        raise CellsError(f"There is nothing at {path}; check the path.")
    elif path.suffix.lower() == ".npz":
        classes = [SourceClass(cells.key, cells.where, [cells]) for cells in open_archive(str(path))]
    elif path.suffix.lower() in IMAGE_SUFFIXES:
        classes = [_file_class(str(path), _open_images(str(path)))]
    else:
        raise CellsError(f"{path} is not of a format that is read: TIFF, PNG, .npz, or a folder of TIFF or PNG images.")
    cells = sum(group.count for group in classes)
    if cells < 2:
        raise CellsError(f"There is {cells} cell in {path}; at least 2 are needed to learn from.")
    return classes


def _open_folder(path: Path, progress: bool) -> list[SourceClass]:
    layout = look_into(path)
    folders = layout.classes if layout.own is None else [layout.own]
    if layout.empty and layout.own is None:
        warnings.warn(
            f"There are no images in these folders of {path}: {', '.join(layout.empty)}. They are left out.",
            CellsWarning,
            stacklevel=4,  # the line that is shown is that of whoever called `read_cells`
        )
    files = [(folder, image) for folder in folders for image in folder.images]
    opened: dict[str, list[Source]] = {}
    for _, image in tqdm(files, desc="Files", unit="file", leave=False, disable=not progress):
        opened[image] = _open_images(image)
    if layout.own is not None and _are_classes(list(opened.values())):
        return _in_written_order([_file_class(image, sources) for image, sources in opened.items()])
    return [
        SourceClass(folder.name, folder.path, [source for image in folder.images for source in opened[image]])
        for folder in folders
    ]


def _open_images(path: str) -> list[Source]:
    return [*open_tiff(path)] if path.lower().endswith(TIFF_SUFFIXES) else [open_picture(path)]


def _are_classes(files: list[list[Source]]) -> bool:
    """Tell whether each file is a class, and not a cell: some file has several cells, or names its class."""
    return any(
        len(sources) > 1 or sources[0].count > 1 or sources[0].metadata.class_name is not None for sources in files
    )


def _file_class(path: str, sources: list[Source]) -> SourceClass:
    name = sources[0].metadata.class_name
    return SourceClass(tiff_stem(Path(path).name) if name is None else name, path, sources)


def _in_written_order(classes: list[SourceClass]) -> list[SourceClass]:
    places = [group.sources[0].metadata.position for group in classes]
    if None not in places and len(set(places)) == len(places):
        classes = [group for _, group in sorted(zip(places, classes, strict=True), key=lambda pair: pair[0] or 0)]
    named: dict[str, str] = {}
    for group in classes:
        if group.name in named:
            raise CellsError(
                f"{named[group.name]} and {group.path} are both of class {group.name!r}; "
                "take one away, or put both into a folder of that name."
            )
        named[group.name] = group.path
    return classes


def _read(group: SourceClass, taken: list[int], spare: list[int], size: tuple[int, int], bar: Any) -> NDArray[Any]:
    """Read the pixels of a class."""
    shape = (group.count, len(taken), *size)
    dtype = group.sources[0].dtype
    try:
        images = np.empty(shape, dtype)
    except MemoryError:
        raise CellsError(
            f"The {shape[0]} cells of {group.path} need {np.prod(shape, dtype=float) * dtype.itemsize / 1e9:.1f} GB "
            "of memory, more than there is; take fewer or smaller ones (size=)."
        ) from None
    start = 0
    for source in group.sources:
        of_source = images[start : start + source.count]
        for block in source.blocks():
            _place(block, of_source, source, taken, spare)
            if block.channels.stop == source.channels:
                bar.update(block.cells.stop - block.cells.start)
        if source.count > 1:
            check_varied(of_source, source.where)
        start += source.count
    if len(group.sources) > 1 or group.count == 1:
        check_varied(images, group.path)
    return images


def _place(block: Block, images: NDArray[Any], source: Source, taken: list[int], spare: list[int]) -> None:
    """Put some pixels where they belong, in their final size and type."""
    present = range(source.channels)[block.channels]
    for channel in spare:
        if channel in present and block.images[:, channel - present.start].any():
            raise CellsError(
                f"{source.where} has a further channel that is not empty (channel {channel}); choose the two that "
                "are red and green, in Python as read_cells(…, channels=(0, 1)); write_cells keeps them."
            )
    # One channel at a time, which needs no copy to choose or to order them.
    for place, channel in enumerate(taken):
        if channel not in present:
            continue
        pixels = block.images[:, channel - present.start]
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
            pixels = fit_to_size(pixels, images.shape[-2:]).astype(images.dtype, copy=False)
        check_finite(pixels, source.where)
        images[block.cells, place] = pixels


def _features(group: SourceClass) -> pd.DataFrame:
    if all(source.metadata.features is None for source in group.sources):
        return _places(group.sources)
    tables = [
        _places([source]) if source.metadata.features is None else source.metadata.features for source in group.sources
    ]
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def _places(sources: list[Source]) -> pd.DataFrame:
    """Say for each cell which file it is from, and its place there."""
    paths = np.array([source.path for source in sources], dtype=object)
    places = [np.arange(source.first, source.first + source.count) for source in sources]
    return pd.DataFrame(
        {"source": np.repeat(paths, [source.count for source in sources]), "index": np.concatenate(places)}
    )
