"""Names of classes, and numbers of cells, in a line of text. Nothing here knows Qt or napari."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, count

MOST_NAMES = 4
"""In a line of text."""
MOST_LETTERS = 40
"""Of a name in a line of text, which is about as wide as a dock."""


def listed(names: Sequence[str], what: str = "classes") -> str:
    """List names, or the first of many and how many there are.

    Parameters
    ----------
    names : sequence of str
    what : str
        What the names are of.

    Returns
    -------
    str

    Examples
    --------
    >>> listed(["Alp14", "Tea1"]), listed(["a", "b", "c", "d", "e"])
    ('Alp14, Tea1', '5 classes (a, b, c, d, …)')
    """
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    return f"{len(names)} {what} ({', '.join(names[:MOST_NAMES])}, …)"


def shortened(name: str, letters: int = MOST_LETTERS) -> str:
    """Cut the middle out of a name that is too long for a line.

    Parameters
    ----------
    name : str
    letters : int
        That it may have.

    Examples
    --------
    >>> shortened("Tea1"), shortened("a-very-long-name", 9)
    ('Tea1', 'a-ve…name')
    """
    half = (letters - 1) // 2
    return name if len(name) <= letters else f"{name[:half]}…{name[-half:]}"


def with_short_names(text: str) -> str:
    """Shorten all words and parts of paths in a text that no line can be broken in, and no line can hold."""
    return re.sub(rf"[^\s/\\]{{{MOST_LETTERS + 1},}}", lambda found: shortened(found[0]), text)


def counted_cells(number: int) -> str:
    """Say how many cells there are.

    Examples
    --------
    >>> counted_cells(1), counted_cells(1000)
    ('1 cell', '1,000 cells')
    """
    return "1 cell" if number == 1 else f"{number:,} cells"


def told_apart(names: Iterable[str]) -> list[str]:
    """Add numbers to names that were given before, so that each is there once.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    list of str

    Examples
    --------
    >>> told_apart(["Tea1", "Tea1", "Tea1 2"])
    ['Tea1', 'Tea1 2', 'Tea1 2 2']
    """
    apart: list[str] = []
    for name in names:
        candidates = chain([name], (f"{name} {number}" for number in count(2)))
        apart.append(next(candidate for candidate in candidates if candidate not in apart))
    return apart


def named_in(text: str, names: Sequence[str]) -> str | None:
    """Find the name that a text holds; of several the longest, of none None.

    Parameters
    ----------
    text : str
    names : sequence of str

    Examples
    --------
    >>> named_in("tea1 red", ["Alp14", "Tea", "Tea1"]), named_in("cells", ["Tea1"])
    ('Tea1', None)
    """
    held = [name for name in names if name.casefold() in text.casefold()]
    return max(held, key=len, default=None)
