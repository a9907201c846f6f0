"""Errors about settings, in the words of the forms that show them. Nothing here knows Qt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def by_title(refusal: type[Exception], *titles: Mapping[str, str]) -> Iterator[None]:
    """Let errors call settings as forms do: "Min green", and not "min_green".

    For nothing but the making of configurations, since other errors may hold
    names of files.

    Parameters
    ----------
    refusal : type
        Of the errors.
    *titles : dict from name to title
        Of each form.
    """
    try:
        yield
    except refusal as error:
        known = {name: title for each in titles for name, title in each.items()}
        raise refusal(titled(str(error), known)) from None


def titled(text: str, titles: Mapping[str, str]) -> str:
    """Call settings by their titles, in what a configuration says against some of them.

    Parameters
    ----------
    text : str
        With a line for each problem, which may begin with the name of a setting.
    titles : dict from name to title

    Examples
    --------
    >>> titled("min_area must not be more than max_area", {"min_area": "Min area", "max_area": "Max area"})
    'Min area must not be more than Max area'
    >>> titled("steps: more steps are needed (not 0)", {"steps": "Steps"})
    'Steps: more steps are needed (not 0)'
    """
    # Names of one word are words of other sentences, too, but for those with which lines begin.
    names = "|".join(map(re.escape, titles))
    pattern = rf"^(?:{names})(?=: )|\b(?=[a-z0-9]+_)(?:{names})\b"
    return re.sub(pattern, lambda found: titles[found[0]], text, flags=re.MULTILINE)
