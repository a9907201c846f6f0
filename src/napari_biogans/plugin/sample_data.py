"""Cells to try things out with."""

from __future__ import annotations

from napari_biogans.cells.simulate import simulate_cells
from napari_biogans.plugin.layer_data import LayerData, cell_layers, channel_layers, with_shared_limits

CELLS = 1000
# The pattern that a small network learns soonest.
PATTERN = "cytoplasm"


def simulated_cells() -> list[LayerData]:
    """Simulate fission yeast cells of one class.

    Returns
    -------
    list of (data, keywords, "image")
        A red and a green stack: all that a training needs.
    """
    return cell_layers(simulate_cells(CELLS, classes=[PATTERN], all_greens=False).cells)


def bbbc013() -> list[LayerData]:
    """Open real cells: BBBC013, of which what is missing is downloaded into the user's cache first.

    Returns
    -------
    list of (data, keywords, "image")
        DNA and FKHR-GFP of all wells. Under "biogans" their metadata tells, in
        the order of the slices, `wells` and `doses`, and the `source` with its
        licence.

    Raises
    ------
    FetchError
        If files cannot be downloaded, or the user stopped it.
    """
    from napari_biogans.plugin.fetch_window import fetch_in_window

    fields = fetch_in_window()
    known = {
        "wells": [field.well for field in fields],
        "doses": [field.dose for field in fields],
        "source": fields.source,
    }
    names = [f"BBBC013 {channel}" for channel in fields.channel_names]
    (layers,) = with_shared_limits([channel_layers(fields.images, names, metadata=known, along="well")])
    return layers
