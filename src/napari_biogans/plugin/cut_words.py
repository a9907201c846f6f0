"""What the dock Cut cells says. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from napari_biogans.cells.cut_result import counted
from napari_biogans.cells.finding import left_out_counts
from napari_biogans.plugin.cutting import Cut, Found
from napari_biogans.plugin.found_layers import KEPT_COLOUR, LEFT_OUT_COLOUR

TIPS = {
    "look": "Look for cells in the fields, and show their outlines: blue ones are kept, orange ones are left out. Hold "
    "the mouse over a cell, and napari's status bar says why.",
    "cut": "Cut the cells that are kept, and add them as layers of red and green. Layers that were cut from the same "
    "fields before are replaced, unless they were renamed.",
    "stop": "Come to an end; what is done by then is kept",
    "frames": "Show how the images of the kept cells lie in the fields",
    "keep": "Add the labels that were found as a layer of its own, to be mended by hand and chosen as Labels",
}
FINDING = "Cells are being looked for."
CUTTING = "Cells are being cut."
NONE_FOUND = "No cells were looked for yet."
NOTHING_DONE = "Stopped before anything was done; there is nothing to show."
OUT_OF_DATE = "The outlines are out of date: fields or the settings of finding have changed. Press Find cells."
LABELS_KEPT = "Kept the labels as a layer. Once they are mended, choose it as Labels of the fields."


def counts_told(table: pd.DataFrame, classes: Sequence[str]) -> tuple[str, str]:
    """Say how many cells are kept, and how many are left out for which reason.

    Parameters
    ----------
    table : pandas.DataFrame
        As `FoundCells.judge` gives.
    classes : sequence of str
        Of each field.

    Returns
    -------
    text : str
        With the colours of the outlines.
    details : str
        How many are kept of each class.
    """
    kept = table["left_out"] == ""
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in left_out_counts(table).items())
    text = f"{_square(KEPT_COLOUR)} {counted(int(kept.sum()), 'cell')} kept"
    if reasons:
        text += f"; {_square(LEFT_OUT_COLOUR)} left out: {reasons}"
    of_classes = Counter(classes[place] for place in table["place"][kept])
    different = dict.fromkeys(classes)
    details = "\n".join(f"{name}: {counted(of_classes[name], 'cell')} kept" for name in different)
    return text, details


def found_told(found: Found) -> str:
    """Say what was found."""
    fields = len(found.found.fields)
    number = sum(len(objects.table) for objects in found.found.objects)
    where = counted(fields, "field")
    if not found.found.is_complete:
        every = sum(len(group.fields) for group in found.groups)
        return f"Stopped: found {counted(number, 'cell')} in {fields} of {counted(every, 'field')}."
    return found.found.why_empty or f"Found {counted(number, 'cell')} in {where}."


def cut_told(cut: Cut) -> tuple[str, str]:
    """Say what was cut, and in detail how many of each class."""
    result = cut.result
    text = f"Cut {counted(len(result.cells), 'cell')} of {counted(len(result.found.fields), 'field')}."
    if not result.is_complete:
        text = f"Stopped. {text}"
    if cut.folder is not None:
        text += f" They are in {cut.folder.name}, too."
    elif cut.unsaved:
        text += f" {cut.unsaved}"
    return text, f"{result}\n{cut.folder or ''}".strip()


def _square(colour: str) -> str:
    return f'<span style="color: {colour}">■</span>'
