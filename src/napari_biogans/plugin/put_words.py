"""What the dock Put into field says and offers."""

from __future__ import annotations

from collections.abc import Sequence

from napari_biogans.plugin.class_names import counted_cells
from napari_biogans.plugin.putting import size_text

OWN = "their own"
SOURCE, EMPTY, OTHER = "source", "empty", "other"
INTO = {"the layers they are from": SOURCE, "an empty field": EMPTY, "other layers": OTHER}
ELLIPSES = "ellipses"
AUTOMATIC, WHOLE, AROUND = "automatic", "whole", "around"
AREAS = {"automatic": AUTOMATIC, "the whole field": WHOLE, "around the cells": AROUND}
LARGE = 500_000_000
"""Bytes above which only the part around the cells is made, unless the whole field is asked for."""
TIPS = {
    "layers": "Each layer becomes a layer of the field: real, rebuilt, completed or generated cells. Layers are "
    "offered that know the places of their cells, and others with images of the same size",
    "places": "Of cells that were made without a real one: take the places and angles of the cells of this layer, the "
    "first for the first and so on",
    "field": "Whose cells are put",
    "into": "What is around the cells: the field that they were cut from, nothing (0), or other layers; these stay as "
    "they are, and new layers are added",
    "labels": "Labels that the cells were cut by, which give true outlines; else ellipses as long and wide as the "
    "cells",
    "area": "Of the field: all of it, or rows and columns that hold the cells; automatic takes the latter where the "
    f"layers would take more than {size_text(LARGE)}",
}


def told_left_out(chosen: Sequence[int], cells: Sequence[int], own: bool) -> str:
    """Say how many of the chosen cells are left out, and why; empty if none is.

    Parameters
    ----------
    chosen, cells : sequence of int
        Those that were asked for, and those that are put.
    own : bool
        Whether they go to their own places.
    """
    left = len(chosen) - len(cells)
    if not left:
        return ""
    why = "of other fields or without a known place" if own else "for which this field has no place"
    return f"{counted_cells(left)}, {why}, {'is' if left == 1 else 'are'} left out."
