"""A table of scores as it is shown. Nothing here knows Qt or napari."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_biogans.evaluation import C2STResult
    from napari_biogans.evaluation.two_sample import TwoSampleTest

COLOUR_MAP = "cividis"
DARK_BELOW = 0.45
"""Luminance below which text is white."""


@dataclass(frozen=True)
class ScoreCell:
    """One test."""

    score: float
    text: str
    details: str
    is_null: bool
    """Whether the sides are halves of the same cells."""


@dataclass(frozen=True)
class ScoreGrid:
    """All tests by row and column; those that are not done are missing."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[tuple[str, str], ScoreCell]

    def colours(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Find the colours of the cells, by their scores, and of the texts on them.

        Returns
        -------
        dict from row and column to background and text
        """
        from matplotlib import colormaps
        from matplotlib.colors import to_hex

        scores = [cell.score for cell in self.cells.values()]
        low = min([0.0, *scores])
        spread = max([0.0, *scores]) - low or 1.0
        colours = {}
        for place, cell in self.cells.items():
            red, green, blue, _ = colormaps[COLOUR_MAP]((cell.score - low) / spread)
            luminance = 0.299 * red + 0.587 * green + 0.114 * blue
            colours[place] = to_hex((red, green, blue)), "white" if luminance < DARK_BELOW else "black"
        return colours


def grid_of(result: C2STResult, *, with_verdicts: bool = False) -> ScoreGrid:
    """Take what is shown of a result.

    Parameters
    ----------
    result : C2STResult
    with_verdicts : bool
        Whether p-values are worked out, which takes long, and verdicts told.
    """
    from napari_biogans.evaluation.results import REAL

    cells = {}
    for (row, column), test in result.tests.items():
        is_null = REAL in (row, column) or (result.kind == "matrix" and row == column)
        details = _details(test, row, column, is_null)
        if with_verdicts:
            details += f"\n{test.sentence}"
        cells[row, column] = ScoreCell(test.score, test.score_text, details, is_null)
    return ScoreGrid(result.rows, result.columns, cells)


def _details(test: TwoSampleTest, row: str, column: str, is_null: bool) -> str:
    half = test.accuracy_interval.half_width
    accuracy = f"accuracy {test.accuracy:.0%}" + (f" ± {half:.0%}" if isfinite(half) else "")
    halves = "\nhalves of the same cells: what the score of nothing looks like" if is_null else ""
    return f"{row}, {column}{halves}\nscore {test.score_text}\n{accuracy} (50% is chance)\n{test.splits} splits"
