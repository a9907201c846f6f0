"""A result as files: tables, figures, and a short report."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_biogans.evaluation.errors import C2STError
from napari_biogans.evaluation.results import ALL, REAL, C2STResult
from napari_biogans.evaluation.statistics import Interval
from napari_biogans.evaluation.telling import telling_cells
from napari_biogans.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PAIRS_SHOWN = 12
"""Tests whose histogram and telling cells are drawn; of a large table those that tell most."""
MOST_LETTERS = 40
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
    from napari_biogans.evaluation.figures import histogram_figure, result_figure, telling_figure

    folder = Path(folder)
    _forget_earlier(folder)
    paths = [save_csv(result, folder / "table.csv"), folder / "splits.csv", save_json(result, folder / "result.json")]
    with replacing(paths[1]) as temporary:
        result.splits_frame().to_csv(temporary, index=False)
    if result.diversity is not None:
        paths.append(folder / "diversity.csv")
        with replacing(paths[-1]) as temporary:
            result.diversity.to_csv(temporary, index=False)
    figures = {"scores": (result.title, result_figure(result))}
    for number, (row, column) in enumerate(_pairs_to_show(result), start=1):
        test, (a, b) = result.tests[row, column], names_of_sides(result, row, column)
        stem = _stem(number, row, column)
        figures[f"{stem}-telling"] = (
            f"{row}, {column}: the cells that the critics were surest about",
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


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder that cannot be written to, before hours of work; leave nothing there.

    Raises
    ------
    C2STError
    """
    folder = Path(folder)
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        with replacing(folder / "report.md.tried") as tried:
            tried.write_text("")
        (folder / "report.md.tried").unlink()
        with suppress(OSError):  # in which somebody else may have begun to write
            for place in missing:
                place.rmdir()
    except OSError as error:
        raise C2STError(
            f"{folder}: results cannot be written here ({error.strerror}). Choose another folder."
        ) from error


def _forget_earlier(folder: Path) -> None:
    """Take away what an earlier result left; nothing in a folder that holds none."""
    if (folder / "result.json").is_file():
        (folder / "diversity.csv").unlink(missing_ok=True)
        for ending in FIGURE_TYPES:
            for path in (folder / "figures").glob(f"*.{ending}"):
                path.unlink()


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
        "diversity_verdicts": {name: list(found.verdicts) for name, found in result.diversities.items()},
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
        # Of a mirrored table, the test may be that of the swapped place.
        comparison, _ = result.tests[row, column].parts[0]
        row, column = comparison.row, comparison.column
        halves = (f"{row}, one half", f"{column}, the other half")
        return halves if comparison.halves else (row, f"{column} (column)" if row == column else column)
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
    has_band = REAL in (*result.rows, *result.columns)
    lines = [f"# {result.title}", ""]
    if not result.is_complete:
        lines += [f"**Not complete**: it was stopped, and {result.splits_text} are done.", ""]
    lines += [f"- {sentence}" for sentence in result.sentences()]
    lines += [f"- Note: {note}." for note in result.notes]
    lines += ["", "## Scores", "", *_score_table(result), ""]
    lines += [
        f"Score: mean ± standard deviation over {result.splits_text}. Brackets hold "
        f"{result.config.confidence:.0%} intervals over splits of the same cells (and the same model), which say "
        "nothing of another experiment or training. Accuracy and AUC of held-out cells: 0.5 is chance. Held out: cells "
        "of a and of b that the critics of a split had not seen. "
        + (f"{REAL}: halves of b's cells against each other, which is what zero looks like here." if has_band else ""),
        "",
    ]
    if result.diversity is not None:
        lines += ["## Spread of greens for one red", "", *_markdown(result.diversity.round(3).to_dict("records")), ""]
        lines += [
            f"- {name}, {of_class}: {verdict}."
            for name, found in result.diversities.items()
            for of_class, verdict in zip(found.class_names, found.verdicts, strict=True)
        ]
        lines += [
            "",
            "Drawn, real: root mean square difference of two greens for one red, of an intensity range of 1; of real "
            "cells for the nearest reds. Ratio: drawn / real; near 0 the model draws one green for each red.",
            "",
        ]
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
    for facts in result.to_frame().to_dict("records"):
        test = result.tests[facts["row"], facts["column"]]
        rows.append(
            {
                "": facts["row"],
                "against": facts["column"],
                "score": test.score_text,
                "interval": _brackets(test.interval, "{:.3g}"),
                "accuracy": f"{test.accuracy:.0%} {_brackets(test.accuracy_interval, '{:.0%}')}",
                "AUC": f"{test.auc:.2f} {_brackets(test.auc_interval, '{:.2f}')}",
                "p-value": f"{test.p_text} (at least {test.p_resolution:.2g})",
                "splits": test.splits,
                "real cells": test.real_cells,
                "held out": " + ".join(map(str, test.held_out)),
            }
        )
    return _markdown(rows)


def _brackets(interval: Interval, form: str) -> str:
    return f"[{form.format(interval.low)}, {form.format(interval.high)}]" if math.isfinite(interval.low) else ""


def _markdown(rows: list[dict[str, Any]]) -> list[str]:
    lines = [_row(list(rows[0])), f"|{'-|' * len(rows[0])}"]
    return lines + [_row(list(row.values())) for row in rows]


def _row(values: list[Any]) -> str:
    texts = (" ".join(str("" if value is None else value).split()).replace("|", "\\|") for value in values)
    return f"| {' | '.join(texts)} |"


def _pairs_to_show(result: C2STResult) -> list[tuple[str, str]]:
    seen: dict[object, tuple[str, str]] = {}
    for place, test in result.tests.items():
        is_null = REAL in place or (result.kind == "matrix" and place[0] == place[1])
        if ALL not in place and not is_null:
            seen.setdefault(test, place)
    return sorted(seen.values(), key=lambda place: -result.tests[place].auc)[:MOST_PAIRS_SHOWN]


def _stem(number: int, *names: str) -> str:
    """Name a figure so that no two are named alike, and no name is too long."""
    plain = ("".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:MOST_LETTERS] for name in names)
    return "--".join([f"{number:02d}", *plain])


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nulls(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
