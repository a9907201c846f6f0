"""Making configurations of settings, and saying what is wrong with settings that do not make sense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

ConfigT = TypeVar("ConfigT")


def checked(
    configuration: Callable[..., ConfigT], settings: Mapping[str, Any], refusal: Callable[[str], Exception]
) -> ConfigT:
    """Make a configuration of settings, or refuse them in words.

    Parameters
    ----------
    configuration : type
        A pydantic dataclass.
    settings : mapping
        Its fields.
    refusal : type
        Of the exception, which takes a message.
    """
    try:
        return configuration(**settings)
    except ValidationError as error:
        raise refusal(explain(error)) from None


def explain(error: ValidationError) -> str:
    """Say in one line per setting what is wrong with it."""
    lines = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {message} (not {problem['input']!r})" if place else message)
    return "\n".join(lines)
