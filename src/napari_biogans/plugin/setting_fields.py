"""The fields of a configuration, as a form needs to know them. Nothing here knows Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

Kind = Literal["choice", "whole", "number", "switch", "text", "path"]
KINDS: dict[str, Kind] = {"integer": "whole", "number": "number", "boolean": "switch", "string": "text"}


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
    """
    schema = TypeAdapter(configuration).json_schema()
    return {name: _field(name, properties) for name, properties in schema["properties"].items()}


def _field(name: str, properties: dict[str, Any]) -> SettingField:
    kinds = [kind for kind in properties.get("anyOf", [properties]) if kind.get("type") != "null"]
    (limits,) = kinds  # a union of types has no one field
    choices = tuple(limits.get("enum", ()))
    # Open ends are left to the configuration, which refuses them with a message.
    return SettingField(
        name=name,
        title=name.replace("_", " ").capitalize(),
        tip=properties.get("description", ""),
        kind="choice" if choices else "path" if limits.get("format") == "path" else KINDS[limits["type"]],
        default=properties["default"],
        optional="anyOf" in properties,
        choices=choices,
        minimum=limits.get("minimum", limits.get("exclusiveMinimum")),
        maximum=limits.get("maximum", limits.get("exclusiveMaximum")),
    )
