"""The fields of a configuration, as a form needs to know them. Nothing here knows Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

Kind = Literal["choice", "whole", "number", "switch", "text", "path"]
KINDS: dict[str, Kind] = {"integer": "whole", "number": "number", "boolean": "switch", "string": "text"}
LARGEST_WHOLE = 2**63 - 1
"""As good as no limit."""


@dataclass(frozen=True)
class SettingField:
    """One field of a configuration."""

    name: str
    title: str
    """In words."""
    tip: str
    """What it means."""
    kind: Kind
    default: Any
    optional: bool = False
    """Whether it may be left empty (None)."""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    open_minimum: bool = False
    """Whether the minimum itself is too small."""
    open_maximum: bool = False

    @property
    def range_text(self) -> str:
        """In words, the numbers that may be given; empty if all may, or it is no number."""
        if self.kind not in ("whole", "number"):
            return ""
        return range_text(self.minimum, self.maximum, above=self.open_minimum, below=self.open_maximum)


def setting_fields(configuration: type) -> dict[str, SettingField]:
    """List the fields of a pydantic class by name, from its schema.

    Parameters
    ----------
    configuration : type
        A pydantic dataclass or model whose fields are choices of text,
        numbers, switches and texts, and have defaults.

    Returns
    -------
    dict
        In the order of the class.

    Examples
    --------
    >>> from napari_biogans.training import TrainingConfig
    >>> field = setting_fields(TrainingConfig)["critic_width"]
    >>> field.title, field.kind, field.optional, field.minimum
    ('Critic width', 'whole', True, 2)
    >>> field.range_text
    'From 2 to 1,024.'
    """
    schema = TypeAdapter(configuration).json_schema()
    return {name: _field(name, properties) for name, properties in schema["properties"].items()}


def range_text(
    minimum: float | None, maximum: float | None, *, above: bool = False, below: bool = False, unit: str = ""
) -> str:
    """Say in words which numbers may be given.

    Parameters
    ----------
    minimum, maximum : float, optional
    above, below : bool
        Whether the limits themselves are too small and too large.
    unit : str
        Of the numbers, with the space before it if there is to be one.

    Examples
    --------
    >>> range_text(1, 50), range_text(2, None), range_text(0, None, above=True, unit=" µm")
    ('From 1 to 50.', '2 or more.', 'More than 0 µm.')
    >>> range_text(0, 1, above=True, below=True), range_text(0.5, 1, below=True)
    ('More than 0 and less than 1.', 'From 0.5 to less than 1.')
    >>> range_text(None, None)
    ''
    """
    low = "" if minimum is None else f"{minimum:,}"
    high = "" if maximum is None else f"{maximum:,}"
    upper = f"less than {high}{unit}" if below else f"{high}{unit}"
    if not low:
        return "" if not high else f"L{upper[1:]}." if below else f"{upper} or less."
    if not high:
        return f"More than {low}{unit}." if above else f"{low}{unit} or more."
    return f"More than {low} and {upper if below else f'at most {upper}'}." if above else f"From {low} to {upper}."


def with_range(tip: str, words: str) -> str:
    """Add to what a number means which numbers may be given."""
    if not tip or not words:
        return tip or words
    return f"{tip}{'' if tip.endswith(('.', ')')) else '.'} {words}"


def _field(name: str, properties: dict[str, Any]) -> SettingField:
    kinds = [kind for kind in properties.get("anyOf", [properties]) if kind.get("type") != "null"]
    (limits,) = kinds  # a union of types has no one field
    choices = tuple(limits.get("enum", ()))
    open_minimum, open_maximum = "exclusiveMinimum" in limits, "exclusiveMaximum" in limits
    minimum = limits.get("exclusiveMinimum" if open_minimum else "minimum")
    maximum = limits.get("exclusiveMaximum" if open_maximum else "maximum")
    if limits.get("type") == "integer":  # the next whole number, so that an editor need not know of open ends
        minimum = None if minimum is None else minimum + open_minimum
        maximum = None if maximum is None else maximum - open_maximum
        maximum = None if maximum == LARGEST_WHOLE else maximum
        open_minimum = open_maximum = False
    return SettingField(
        name=name,
        title=name.replace("_", " ").capitalize(),
        tip=" ".join(properties.get("description", "").split()),
        kind="choice" if choices else "path" if limits.get("format") == "path" else KINDS[limits["type"]],
        default=properties["default"],
        optional="anyOf" in properties,
        choices=choices,
        minimum=minimum,
        maximum=maximum,
        open_minimum=open_minimum,
        open_maximum=open_maximum,
    )
