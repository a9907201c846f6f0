"""One picture that shows what a model has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_biogans.cells import CellSet
from napari_biogans.evaluation.fitting import cells_of_model
from napari_biogans.evaluation.sheets import GAP, add_scale_bar, composite, contact_sheet
from napari_biogans.models import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 8
ROWS = 2
MOST_CLASSES = 12
WIDTH_INCHES = 10.0
"""Of a row of cells."""
TITLE_INCHES = 0.32
FOOT_INCHES = 0.3
MARGIN_INCHES = 0.1
LETTER_INCHES = 0.075
"""Of the names of classes, at most."""


class Part(NamedTuple):
    """One part of the picture: a title over rows of cells."""

    title: str
    rows: list[NDArray[Any]]
    """Each (cells, C, H, W)."""
    labels: list[str]
    """Of the rows; empty where they need none."""


def overview_figure(model: Model, cells: CellSet, *, seed: int = 0) -> Figure:
    """Draw real cells above, generated ones below, and one red with many greens.

    Where the model draws several classes, each has a row, and the cells of a
    column are of the same latent: the same red, in models whose classes share
    it. The last part is left out for models that are not separable, which
    cannot hold red.

    Parameters
    ----------
    model : Model
    cells : CellSet
        Real cells to show, chosen at random; of the size of the model's, and
        of its classes, which are found by name.
    seed : int
        Of the choice and of the latents.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `savefig`; no screen is needed.

    Raises
    ------
    ValueError
        If the cells are of another size than the model's, or of other
        channels or classes.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_cells
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> model = untrained_model(NetworkShape(image_size=(48, 80), width=4), "joint-separable")
    >>> len(overview_figure(model, simulate_cells(4).cells).axes)
    3
    """
    from matplotlib.figure import Figure

    cells = cells_of_model(model, cells)
    parts = _parts(model, cells, seed)
    red_name, green_name = model.channel_names[:2]
    ranges = np.array(model.header.intensity_range, np.float32)

    sheets = [contact_sheet([composite(row, ranges) for row in part.rows], COLUMNS) for part in parts]
    inches = WIDTH_INCHES / sheets[0].shape[1]  # of a pixel
    left = MARGIN_INCHES + LETTER_INCHES * max(len(label) for part in parts for label in (*part.labels, ""))
    width = left + WIDTH_INCHES + MARGIN_INCHES
    height = inches * sum(sheet.shape[0] for sheet in sheets) + TITLE_INCHES * len(parts) + FOOT_INCHES
    figure = Figure(figsize=(width, height), facecolor="white")
    top = height
    for sheet, part in zip(sheets, parts, strict=True):
        top -= TITLE_INCHES + inches * sheet.shape[0]
        axes = figure.add_axes((left / width, top / height, WIDTH_INCHES / width, inches * sheet.shape[0] / height))
        axes.imshow(sheet, interpolation="nearest")
        axes.set_title(part.title, loc="left", fontsize=11)
        rows = [k * (cells.size[0] + GAP) + cells.size[0] / 2 for k in range(len(part.labels))]
        axes.set_yticks(rows, part.labels, fontsize=8)
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    if cells.pixel_size is not None:
        add_scale_bar(figure.axes[0], sheets[0].shape, cells.pixel_size)
    low, high = ranges[:2].T
    figure.text(
        1 - MARGIN_INCHES / width,
        0.3 * FOOT_INCHES / height,
        f"{red_name} ({low[0]:g} to {high[0]:g}) shown in red, {green_name} ({low[1]:g} to {high[1]:g}) in green",
        ha="right",
        fontsize=7,
    )
    return figure


def _parts(model: Model, cells: CellSet, seed: int) -> list[Part]:
    rng = np.random.default_rng(seed)
    steps = f"after {model.header.step:,} steps"
    red_name, green_name = model.channel_names[:2]
    if model.architecture.pools_classes:
        drawn = model.generate(ROWS * COLUMNS, seed=seed)[0]
        parts = [
            Part(f"{_kind(cells)} cells", _in_rows(_some(cells.pool().images[0], ROWS * COLUMNS, rng)), []),
            Part(f"Generated cells ({steps})", _in_rows(drawn), []),
        ]
    else:
        labels = list(model.class_names[:MOST_CLASSES])
        some = f"; {len(labels)} of {len(model.class_names)} classes" if len(labels) < len(model.class_names) else ""
        same = f"; the same {red_name} in each column" if model.architecture.shares_red else ""
        real = [_some(array, COLUMNS, rng) for array in cells.images[:MOST_CLASSES]]
        drawn = model.generate(COLUMNS, seed=seed, classes=labels)
        parts = [
            Part(f"{_kind(cells)} cells{some}", real, labels),
            Part(f"Generated cells ({steps}{same})", list(drawn), labels),
        ]
    if model.red_latent_size is not None:
        labels = parts[-1].labels
        greens = model.generate(1, seed=seed, greens_per_red=COLUMNS, classes=labels or None)
        title = f"One generated {red_name}, with {COLUMNS} draws of {green_name} for it"
        parts.append(Part(title, list(greens), labels))
    return parts


def _some(images: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
    chosen: NDArray[Any] = images[np.sort(rng.choice(len(images), min(count, len(images)), replace=False))]
    return chosen


def _in_rows(images: NDArray[Any]) -> list[NDArray[Any]]:
    return [images[start : start + COLUMNS] for start in range(0, len(images), COLUMNS)]


def _kind(cells: CellSet) -> str:
    simulated = all((table["source"] == "simulated").all() for table in cells.features)
    return "Simulated" if simulated else "Real"
