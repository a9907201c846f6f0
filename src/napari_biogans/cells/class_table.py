"""The class of each field from a table: a plate layout, a list of files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.field import Field


def class_table(
    path: str | os.PathLike[str], *, column: str = "class", pattern: str | None = None, key: str = "field"
) -> Callable[[Field], str]:
    r"""Read the classes of fields from a CSV file, for the `classes` of `read_fields`.

    Parameters
    ----------
    path : path-like
        A CSV file with a header and a row for each field.
    column : str
        The column with the class.
    pattern : str, optional
        A regular expression that is looked for in the path of a field. Each of
        its named groups is compared with the column of that name, as a number
        where both are one: ``Channel2-(?P<ImageNumber>\d+)`` finds the row
        whose ImageNumber is 7 for Channel2-07-A-07.tif.
    key : str
        Without a pattern: the column with the name of the field or of its
        file.

    Returns
    -------
    callable
        From a `Field` to its class.

    Raises
    ------
    CellsError
        If the table cannot be read or lacks a column; and when it is called,
        if a field has no row or several with different classes.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise CellsError(f"The table of classes {path} cannot be read ({error}); give a CSV file.") from error
    try:
        search = None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise CellsError(f"The pattern {pattern!r} is no regular expression: {error}.") from None
    keys = [key] if search is None else list(search.groupindex)
    if not keys:
        raise CellsError(f"The pattern {pattern!r} has no named groups such as (?P<Well>[A-H]\\d+).")
    if missing := [name for name in (column, *keys) if name not in table]:
        raise CellsError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}.")
    rows: dict[tuple[str, ...], set[str]] = {}
    for values, name in zip(table[keys].itertuples(index=False), table[column], strict=True):
        rows.setdefault(tuple(map(_plain, values)), set()).add(name)

    def class_of(field: Field) -> str:
        if search is None:
            found = rows.get((_plain(field.name),)) or rows.get((_plain(Path(field.source).name),))
            found = found or rows.get((_plain(Path(field.source).stem),))
        else:
            match = search.search(field.source)
            if match is None:
                raise CellsError(f"The pattern {pattern!r} does not fit {field.source}.")
            found = rows.get(tuple(_plain(match[name]) for name in keys))
        if not found or len(found) > 1:
            what = "no row" if not found else f"rows of the classes {', '.join(sorted(found))}"
            raise CellsError(f"{path} has {what} for field {field.name!r}; it needs one class for each field.")
        return next(iter(found))

    return class_of


def _plain(text: str) -> str:
    """Write a number in one way, however it stands there."""
    text = text.strip()
    return str(int(text)) if text.isdecimal() else text
