"""What the dock Reconstruct says: of its buttons, and of what was done."""

from __future__ import annotations

from textwrap import fill

import numpy as np

from napari_biogans.latent.completions import ASSUMPTION
from napari_biogans.plugin.rebuild_request import Completed, Rebuilt
from napari_biogans.plugin.rebuilt_layers import are_in_line

MOST_COMPLETED, MOST_KEPT = 200, 50
RUNNING = "A search is running already."
TIPS = {
    "start": "Find the latents from which the model draws these cells, and add layers of what it draws",
    "stop": "End now, with the cells that are done",
    "classes": fill(f"Draw the green of every class for the red of these cells: mean and spread. {ASSUMPTION}", 80),
    "keep": "Keep the cells of the selected rows, to go on from them in Interpolate and Generate",
    "put": "Open the dock Put into field with the cells that were made last",
    "export": "Write a table, latents, stacks and figures of all cells in the table, and of the classes shown last",
}
TOO_MANY = f"Choose {MOST_COMPLETED} cells at most for this; each is drawn many times in every class."
NONE_SELECTED = "Rebuild cells, or select their rows in the table."
TOO_MANY_SELECTED = f"Select {MOST_KEPT} rows of the table at most."
NO_PLACES = "Where these cells were in their fields is not known: only cells that were cut from fields bring that."
NONE_DONE = "There is no result yet."


def told(done: Rebuilt | Completed, *, to_compare: bool) -> str:
    """Say what was done, and which slices show it.

    Parameters
    ----------
    done : Rebuilt or Completed
    to_compare : bool
        Whether the cells are there to compare with only, and have no layers.
    """
    places, asked = done.places, len(done.request.cells.places)
    stopped = "" if done.result.is_complete else f"Stopped: {len(places):,} of {asked:,} cells are done. "
    which = f"cell {places[0]:,}" if len(places) == 1 else f"{len(places):,} cells"
    shown = not to_compare and not are_in_line(places)
    where = " They are in slices of their own, behind those of the stack." if shown else ""
    if isinstance(done, Completed):
        count = len(done.result.class_names)
        return f"{stopped}Drew the greens of {count} classes for {which}: means, and spreads below.{where}"
    median = " in the median" if len(places) > 1 else ""
    what = f"{which} to compare with" if to_compare else which
    return f"{stopped}Rebuilt {what}: RMSE {float(np.median(done.errors)):.3f}{median}.{where}"
