"""What is told while cells are cut from fields, and what ends it early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_biogans.cells.cellset import CellsError


@dataclass(frozen=True)
class CuttingProgress:
    """How far the work is."""

    stage: Literal["segmenting", "measuring", "cutting"]
    field: str
    """Name of the field."""
    done: float
    """Fields' worth of this stage that is done."""
    fields: int
    """Fields in all."""


class CuttingStoppedError(CellsError):
    """Stopped before there was anything to keep."""
