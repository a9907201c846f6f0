"""One picture that shows what a model has learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from napari_biogans.cells import CellSet, to_unit
from napari_biogans.models import Model

COLUMNS = 8
ROWS = 2
SCALE_BAR_UM = 5


def overview_figure(model: Model, cells: CellSet, *, seed: int = 0) -> Figure:
    """Draw real cells above, generated ones below, and one red with many greens.

    The last part is left out for models that are not separable, which cannot
    hold red.

    Parameters
    ----------
    model : Model
    cells : CellSet
        Real cells to show, chosen at random; of the size of the model's.
    seed : int
        Of the choice and of the latents.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `savefig`; no screen is needed.

    Raises
    ------
    ValueError
        If the cells are of another size than the model's.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_cells
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> model = untrained_model(NetworkShape(image_size=(48, 80), width=4), "joint-separable")
    >>> len(overview_figure(model, simulate_cells(4).cells).axes)
    3
    """
    if cells.size != model.header.shape.image_size:
        raise ValueError(f"The cells are {cells.size} pixels, the model draws {model.header.shape.image_size}.")
    rng = np.random.default_rng(seed)
    pooled = cells.pool().images[0]
    real = pooled[np.sort(rng.choice(len(pooled), min(ROWS * COLUMNS, len(pooled)), replace=False))]
    drawn = model.generate(ROWS * COLUMNS, seed=seed)[0]
    parts = [(f"{_kind(cells)} cells", real), (f"Generated cells (after {model.header.step:,} steps)", drawn)]
    red_name, green_name = model.channel_names[:2]
    if model.red_latent_size is not None:
        red = model.draw_latents(1, seed=seed)[:, : model.red_latent_size]
        greens = model.generate(COLUMNS, seed=seed + 1, red_latents=red)[0]
        parts.append((f"One generated {red_name}, with {COLUMNS} draws of {green_name} for it", greens))
    ranges = np.array(model.header.intensity_range, np.float32)

    sheets = [_contact_sheet(_composite(images, ranges)) for _, images in parts]
    heights = [sheet.shape[0] for sheet in sheets]
    width_inches = 10.0
    margin_inches = 0.3  # for the titles
    height_inches = sum(heights) / sheets[0].shape[1] * width_inches + margin_inches * (len(parts) + 1)
    layout = ConstrainedLayoutEngine(hspace=0, h_pad=0.03)
    figure = Figure(figsize=(width_inches, height_inches), facecolor="white", layout=layout)
    all_axes = figure.subplots(len(parts), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, sheet, (title, _) in zip(all_axes, sheets, parts, strict=True):
        axes.imshow(sheet, interpolation="nearest")
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_axis_off()
    if cells.pixel_size is not None:
        _add_scale_bar(all_axes[0], sheets[0].shape, cells.pixel_size)
    low, high = ranges[:2].T
    figure.supxlabel(
        f"{red_name} ({low[0]:g} to {high[0]:g}) shown in red, {green_name} ({low[1]:g} to {high[1]:g}) in green",
        x=0.995,
        ha="right",
        fontsize=7,
    )
    return figure


def _kind(cells: CellSet) -> str:
    simulated = all((table["source"] == "simulated").all() for table in cells.features)
    return "Simulated" if simulated else "Real"


def _composite(images: NDArray[Any], intensity_range: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay channel 0 in red and channel 1 in green over each other: (N, C, H, W) to (N, H, W, 3) in [0, 1]."""
    unit = (to_unit(images[:, :2], intensity_range[:2]) + 1) / 2
    red, green = unit[:, 0], unit[:, 1]
    return np.stack([red, green, np.zeros_like(red)], axis=-1)


def _contact_sheet(colours: NDArray[np.float32], gap: int = 2) -> NDArray[np.float32]:
    """Put images (N, H, W, 3) side by side in rows, with white between them."""
    count, height, width, _ = colours.shape
    rows = -(-count // COLUMNS)
    sheet = np.ones((rows * (height + gap) - gap, COLUMNS * (width + gap) - gap, 3), np.float32)
    for k, image in enumerate(colours):
        top, left = k // COLUMNS * (height + gap), k % COLUMNS * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _add_scale_bar(axes: Axes, shape: tuple[int, ...], pixel_size: float) -> None:
    length = SCALE_BAR_UM / pixel_size
    left, top = shape[1] - length - 6, shape[0] - 8
    axes.add_patch(Rectangle((left, top), length, 3, color="white", linewidth=0))
    axes.text(left + length / 2, top - 2, f"{SCALE_BAR_UM} µm", color="white", ha="center", va="bottom", fontsize=7)
