"""What the names of files tell about which of them belong together."""

from __future__ import annotations

import re

PARTS = re.compile(r"[-_.,;+@#()\[\]\s]+")
"""What stands between the parts of a name."""


def difference(first: str, second: str) -> tuple[str, str]:
    """Find the parts in which two names differ, between what they begin and end with."""
    start = _common_length(first, second)
    left, right = first[start:], second[start:]
    end = _common_length(left[::-1], right[::-1])
    return left[: len(left) - end], right[: len(right) - end]


def may_be_of_different_fields(first: str, second: str) -> bool:
    """Tell whether the names of the only two files hint that these are channels of different fields.

    One part of them may differ, which names the channel. If others do, and
    there are numbers in one of those that differ, they are likely to be those
    of wells, fields or times.

    Parameters
    ----------
    first, second : str
        Without folder and ending.

    Returns
    -------
    bool

    Examples
    --------
    >>> may_be_of_different_fields("Channel2-02-A-02", "Channel1-02-A-02")
    False
    >>> may_be_of_different_fields("red-02", "green-04")
    True
    """
    parts = [PARTS.split(name.casefold()) for name in (first, second)]
    if len(parts[0]) != len(parts[1]):
        return False
    differing = [pair for pair in zip(*parts, strict=True) if pair[0] != pair[1]]
    return len(differing) > 1 and any(_has_number(one) and _has_number(other) for one, other in differing)


def _has_number(part: str) -> bool:
    return any(letter.isdigit() for letter in part)


def _common_length(first: str, second: str) -> int:
    """Count the letters with which both begin."""
    shorter = min(len(first), len(second))
    return next((k for k in range(shorter) if first[k] != second[k]), shorter)
