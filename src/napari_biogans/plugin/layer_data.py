"""From images of cells to what napari makes layers of. Nothing here knows Qt or napari."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import accumulate, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.util import montage

from napari_biogans.cells.cellset import CellSet
from napari_biogans.cells.tiff_metadata import to_micrometres
from napari_biogans.plugin.cell_features import with_features

LayerData = tuple[NDArray[Any], dict[str, Any], str]

COLORMAPS = ("red", "green", "gray")
"""Of red, green, and what else there may be."""
METADATA_KEY = "biogans"
"""Under which layers hold what we know of them."""
SHEET_MARGIN = 1
"""Pixels between the cells of a contact sheet."""
OF_REAL_CELLS = (0.1, 99.9)
"""Percentiles of the pixels between which real cells are shown."""
MOST_PIXELS = 1_000_000
"""That are looked at for it."""
GAP = 8
"""Pixels between layers that stand beside each other."""


def channel_layers(
    images: NDArray[Any],
    names: Sequence[str],
    *,
    colormaps: Sequence[str] = COLORMAPS,
    pixel_size: float | None = None,
    metadata: dict[str, Any] | None = None,
    along: str = "cell",
) -> list[LayerData]:
    """Make one image layer per channel, to be seen on top of each other.

    Parameters
    ----------
    images : array (C, ..., H, W)
    names : sequence of str
        One per channel.
    colormaps : sequence of str
        Names of napari's colour maps, or colours at the bright end; the last
        one is taken for all further channels.
    pixel_size : float, optional
        In µm.
    metadata : dict, optional
        Kept in each layer under `METADATA_KEY`.
    along : str
        What the slices of stacks are: the label of their first axis.

    Returns
    -------
    list of (data, keywords, "image")
    """
    return [
        (
            channel,
            {
                "name": name,
                "colormap": colormaps[min(place, len(colormaps) - 1)],
                "blending": "additive",
                "contrast_limits": contrast_limits(channel),
                "metadata": {METADATA_KEY: {} if metadata is None else dict(metadata)},
                **_axes(channel.ndim, pixel_size, along),
            },
            "image",
        )
        for place, (channel, name) in enumerate(zip(images, names, strict=True))
    ]


def cell_layers(cells: CellSet) -> list[LayerData]:
    """Make red and green layers of a cell set, a pair per class, called "Tea1 red" and "Tea1 green".

    Parameters
    ----------
    cells : CellSet

    Returns
    -------
    list of (data, keywords, "image")
        Layers of stacks (N, H, W), with the features of their cells.
    """
    classes: list[list[LayerData]] = []
    for images, class_name, features in zip(cells.images, cells.class_names, cells.features, strict=True):
        names = [f"{class_name} {channel}" for channel in cells.channel_names]
        of_class = channel_layers(images.swapaxes(0, 1), names, pixel_size=cells.pixel_size)
        classes.append(with_features(of_class, features))
    return [layer for of_class in with_shared_limits(classes) for layer in of_class]


def contrast_limits(images: NDArray[Any]) -> tuple[float, float]:
    """Find limits within which all of some images can be seen.

    Examples
    --------
    >>> import numpy as np
    >>> contrast_limits(np.array([[3, 90]], np.uint8)), contrast_limits(np.zeros((2, 2), np.uint8))
    ((3.0, 90.0), (0.0, 1.0))
    """
    low, high = float(images.min()), float(images.max())
    return (low, high) if low < high else (low, low + 1)


def with_shared_limits(groups: Sequence[Sequence[LayerData]]) -> list[list[LayerData]]:
    """Give layers of real cells or fields the same contrast, so that classes can be compared by eye.

    Parameters
    ----------
    groups : sequence of sequences of (data, keywords, "image")
        The layers of each class, one per channel.

    Returns
    -------
    list of lists of (data, keywords, "image")
        The limits of a channel hold all but the darkest and the brightest
        thousandth of the pixels of each class: a few bright specks would leave
        all else dark.

    Examples
    --------
    >>> import numpy as np
    >>> dim, bright = channel_layers(np.full((1, 4, 4), 9), ["a"]), channel_layers(np.full((1, 4, 4), 60), ["b"])
    >>> [layers[0][1]["contrast_limits"] for layers in with_shared_limits([dim, bright])]
    [(9.0, 60.0), (9.0, 60.0)]
    """
    shared: list[tuple[float, float]] = []
    for channel in range(max(map(len, groups), default=0)):
        ends = [
            np.percentile(_some_pixels(group[channel][0]), OF_REAL_CELLS) for group in groups if len(group) > channel
        ]
        shared.append(contrast_limits(np.array([min(low for low, _ in ends), max(high for _, high in ends)])))
    return [
        [
            (data, {**keywords, "contrast_limits": limits}, kind)
            for (data, keywords, kind), limits in zip(group, shared, strict=False)
        ]
        for group in groups
    ]


def _some_pixels(data: NDArray[Any]) -> NDArray[Any]:
    flat = data.reshape(-1)
    return flat[:: max(1, flat.size // MOST_PIXELS)]


def contact_sheet(images: NDArray[Any], columns: int | None = None) -> NDArray[Any]:
    """Lay cells out beside each other.

    Parameters
    ----------
    images : array (N, H, W)
    columns : int, optional
        Default as many as there are rows, or one more.

    Returns
    -------
    array (rows * (H + 1) + 1, columns * (W + 1) + 1)
        Of the same type; the darkest value stands between and after the cells.

    Examples
    --------
    >>> import numpy as np
    >>> contact_sheet(np.ones((5, 48, 80)), columns=4).shape
    (99, 325)
    """
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    sheet: NDArray[Any] = montage(
        images, fill=images.min(), grid_shape=(rows, min(columns, len(images))), padding_width=SHEET_MARGIN
    )
    return sheet


def beside(layers: Any, added: Sequence[LayerData], instead_of: Collection[Any] = ()) -> list[LayerData]:
    """Put layers on top of each other to the right of all that are there, so that nothing is covered.

    Slices stay where they are. Where the layers that are there count in pixels, so do these, whose scale
    stays; napari warns about layers of different kinds of units. The lowest of
    them is opaque: light that is added to a white canvas could not be seen.

    Parameters
    ----------
    layers : napari.components.LayerList
        What is there.
    added : sequence of (data, keywords, "image")
    instead_of : collection of napari.layers.Layer
        Which of them will go.

    Returns
    -------
    list of (data, keywords, "image")
    """
    staying = [layer for layer in layers if layer not in instead_of]
    if not staying:
        return list(added)
    extent = layers.get_extent(staying)
    if extent.units is None or to_micrometres(1, str(extent.units[-1])) is None:
        added = [(data, _without_units(keywords), kind) for data, keywords, kind in added]
    top, right = extent.world[0, -2], extent.world[1, -1] + extent.step[-1]
    units = (None, None) if extent.units is None else extent.units[-2:]
    placed = []
    for data, keywords, kind in added:
        scale = keywords.get("scale", (1.0,))[-1]
        place = (top * _factor(units[0], keywords), right * _factor(units[1], keywords) + GAP * scale)
        before = keywords.get("translate", (0.0,) * data.ndim)[:-2]
        placed.append((data, {**keywords, "translate": (*before, *place)}, kind))
    (data, keywords, kind), *others = placed
    return [(data, {**keywords, "blending": "opaque"}, kind), *others]


def in_grid(layers: Any, rows: Sequence[Sequence[Sequence[LayerData]]]) -> list[LayerData]:
    """Put groups of layers in rows and columns, to the right of all that are there.

    Parameters
    ----------
    layers : napari.components.LayerList
        What is there.
    rows : sequence of sequences of sequences of (data, keywords, "image")
        In each place the layers that stand on top of each other; the lowest of
        them becomes opaque. A column is as wide as its widest layers, a row as
        high as its highest.

    Returns
    -------
    list of (data, keywords, "image")
        Row by row.
    """
    places = [
        (row, column, number)
        for row, columns in enumerate(rows)
        for column, group in enumerate(columns)
        for number in range(len(group))
    ]
    flat = beside(layers, [layer for columns in rows for group in columns for layer in group])
    tops = _starts(rows, -2)
    lefts = _starts(list(zip_longest(*rows, fillvalue=())), -1)
    placed: list[LayerData] = []
    for (row, column, number), (data, keywords, kind) in zip(places, flat, strict=True):
        start = keywords.get("translate", (0.0,) * data.ndim)
        translate = (*start[:-2], start[-2] + tops[row], start[-1] + lefts[column])
        blending = "opaque" if number == 0 else keywords["blending"]
        placed.append((data, {**keywords, "translate": translate, "blending": blending}, kind))
    return placed


def _starts(lines: Sequence[Sequence[Sequence[LayerData]]], axis: int) -> list[float]:
    """Tell where each row or column begins, along its axis."""
    sides = [
        max(
            (
                (data.shape[axis] + GAP) * keywords.get("scale", (1.0,) * data.ndim)[axis]
                for group in line
                for data, keywords, _ in group
            ),
            default=0.0,
        )
        for line in lines
    ]
    return list(accumulate(sides, initial=0.0))


def _without_units(keywords: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if name != "units"}


def _factor(unit: Any, keywords: dict[str, Any]) -> float:
    """Tell how many units of a layer are one of the viewer's."""
    in_micrometres = to_micrometres(1, str(unit))
    return in_micrometres if in_micrometres and "units" in keywords else 1.0


def _axes(ndim: int, pixel_size: float | None, along: str) -> dict[str, Any]:
    labels = (along, "y", "x")[-ndim:]
    if pixel_size is None:
        return {"axis_labels": labels}
    return {
        "axis_labels": labels,
        "scale": (1.0,) * (ndim - 2) + (pixel_size, pixel_size),
        "units": ("pixel",) * (ndim - 2) + ("micrometer", "micrometer"),
    }
