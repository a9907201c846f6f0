"""A result as files: tables, figures, and a short report."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from napari_biogans.evaluation.figures import histogram_figure, result_figure, telling_figure
from napari_biogans.evaluation.results import ALL, REAL, C2STResult
from napari_biogans.evaluation.telling import telling_cells
from napari_biogans.files import replacing

MOST_PAIRS_SHOWN = 12
"""Tests whose histogram and telling cells are drawn; of a large table those that tell most."""
FIGURE_TYPES = ("png", "svg")
DPI = 150


def save_result(result: C2STResult, folder: str | os.PathLike[str]) -> list[Path]:
    """Write a result into a folder.

    Parameters
    ----------
    result : C2STResult
    folder : path-like
        Made if it is missing; files of an earlier result are replaced.

    Returns
    -------
    list of pathlib.Path
        `report.md`, `table.csv`, `splits.csv`, `result.json`, and the figures
        as PNG and SVG in `figures/`.
    """
    folder = Path(folder)
    paths = [save_csv(result, folder / "table.csv"), folder / "splits.csv", save_json(result, folder / "result.json")]
    with replacing(paths[1]) as temporary:
        result.splits_frame().to_csv(temporary, index=False)
    if result.diversity is not None:
        paths.append(folder / "diversity.csv")
        with replacing(paths[-1]) as temporary:
            result.diversity.to_csv(temporary, index=False)
    figures = {"scores": (result.title, result_figure(result))}
    for row, column in _pairs_to_show(result):
        test, (a, b) = result.tests[row, column], names_of_sides(result, row, column)
        stem = _stem(row, column)
        figures[f"{stem}-telling"] = (
            f"{row}, {column}: the most telling cells",
            telling_figure(telling_cells(test), a, b),
        )
        figures[f"{stem}-histogram"] = (f"{row}, {column}: scores of held-out cells", histogram_figure(test, a, b))
    for name, (_, figure) in figures.items():
        paths += save_figure(figure, folder / "figures" / name)
    report = folder / "report.md"
    with replacing(report) as temporary:
        titles = {name: title for name, (title, _) in figures.items()}
        temporary.write_text(report_text(result, titles), encoding="utf-8")
    return [report, *paths]


def save_csv(result: C2STResult, path: str | os.PathLike[str]) -> Path:
    """Write one row per test; see `C2STResult.to_frame`."""
    with replacing(path) as temporary:
        result.to_frame().to_csv(temporary, index=False)
    return Path(path)


def save_json(result: C2STResult, path: str | os.PathLike[str]) -> Path:
    """Write everything that the result says, with its settings and the numbers of each split."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(result_facts(result), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return Path(path)


def result_facts(result: C2STResult) -> dict[str, Any]:
    """Give a result as what JSON can hold; numbers that are not known are null."""
    facts = {
        "kind": result.kind,
        "title": result.title,
        "sides": list(result.sides),
        "rows": list(result.rows),
        "columns": list(result.columns),
        "complete": result.is_complete,
        "settings": {**asdict(result.config), **result.config.of_critics},
        "made_with": result.facts,
        "notes": list(result.notes),
        "tests": [
            {**row, "by_split": result.tests[row["row"], row["column"]].split_facts()}
            for row in result.to_frame().to_dict("records")
        ],
        "diversity": None if result.diversity is None else result.diversity.to_dict("records"),
    }
    return _with_nulls(facts)  # type: ignore[no-any-return]


def save_figure(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as PNG and SVG; `path` without an ending."""
    paths = []
    for ending in FIGURE_TYPES:
        paths.append(path.with_name(f"{path.name}.{ending}"))
        with replacing(paths[-1]) as temporary:
            figure.savefig(temporary, dpi=DPI)
    return paths


def names_of_sides(result: C2STResult, row: str, column: str) -> tuple[str, str]:
    """Say what a and b are in one test."""
    if REAL in (row, column):
        return "one half of the real cells", "the other half"
    if result.kind == "matrix":
        same = row == column
        return (f"{row}, one half", f"{column}, the other half") if same else (row, column)
    if result.kind == "run":
        return f"the model at step {row}", "real"
    a, b = result.sides
    return (column, "real") if result.kind == "models" else (a, b)


def report_text(result: C2STResult, figures: dict[str, str]) -> str:
    """Write the report.

    Parameters
    ----------
    result : C2STResult
    figures : dict of str
        Titles of the figures by the names of their files.

    Returns
    -------
    str
        Markdown.
    """
    lines = [f"# {result.title}", ""]
    if not result.is_complete:
        lines += ["**Not complete**: it was stopped before all critics were trained.", ""]
    lines += [f"- {sentence}" for sentence in result.sentences()]
    lines += [f"- Note: {note}." for note in result.notes]
    lines += ["", "## Scores", "", *_score_table(result), ""]
    lines += [
        f"Mean ± standard deviation of the score over {result.config.splits} splits; below it the accuracy on held-out "
        "cells (50 % is chance) and the p-value.",
        "",
    ]
    if result.diversity is not None:
        lines += ["## Spread of greens for one red", "", *_markdown(result.diversity.round(3).to_dict("records")), ""]
        lines += [
            f"- {name}, {of_class}: {verdict}."
            for name, found in result.diversities.items()
            for of_class, verdict in zip(found.class_names, found.verdicts, strict=True)
        ]
        lines += ["", "Spreads are root mean square differences of green intensities, of a range of 1.", ""]
    lines += ["## Figures", ""]
    for name, title in figures.items():
        lines += [f"### {title}", "", f"![{title}](figures/{name}.png)", ""]
    settings = {**asdict(result.config), **result.config.of_critics}
    lines += ["## Settings", "", *_markdown([{"setting": name, "value": value} for name, value in settings.items()])]
    lines += [
        "",
        "## Made with",
        "",
        *_markdown([{"what": key, "value": value} for key, value in result.facts.items()]),
    ]
    return "\n".join(lines) + "\n"


def _score_table(result: C2STResult) -> list[str]:
    rows = []
    for row in result.rows:
        cells = {"": row}
        for column in result.columns:
            test = result.tests.get((row, column))
            cells[column] = "–" if test is None else f"{test.score_text}<br>{test.accuracy:.0%}, {test.p_text}"
        rows.append(cells)
    return _markdown(rows)


def _markdown(rows: list[dict[str, Any]]) -> list[str]:
    head = list(rows[0])
    lines = [f"| {' | '.join(map(str, head))} |", f"|{'-|' * len(head)}"]
    texts = [[str("" if value is None else value).replace("|", "\\|") for value in row.values()] for row in rows]
    return lines + [f"| {' | '.join(row)} |" for row in texts]


def _pairs_to_show(result: C2STResult) -> list[tuple[str, str]]:
    seen: dict[object, tuple[str, str]] = {}
    for place, test in result.tests.items():
        is_null = REAL in place or (result.kind == "matrix" and place[0] == place[1])
        if ALL not in place and not is_null:
            seen.setdefault(test, place)
    return sorted(seen.values(), key=lambda place: -result.tests[place].auc)[:MOST_PAIRS_SHOWN]


def _stem(*names: str) -> str:
    return "--".join("".join(c if c.isalnum() or c in "-_." else "-" for c in name) for name in names)


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nulls(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
