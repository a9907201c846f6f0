"""The app that the verbs are added to, and what they share: presets, folders, how things are said."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cyclopts
from cyclopts import App, ArgumentCollection, Token

if TYPE_CHECKING:
    import pandas as pd

INTERRUPTED = 130


def _fill_from_preset(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Give settings that were not given those of the preset."""
    by_name = {argument.name: argument for argument in arguments}
    _refuse_taken_over(by_name)
    preset = by_name.get("--preset")
    if preset is None or not preset.tokens:
        return
    for name, value in _preset_settings(preset.tokens[0].value, by_name).items():
        flag = f"--{name.replace('_', '-')}"
        if value is not None and not by_name[flag].tokens:
            by_name[flag].append(Token(keyword=flag, value=str(value), source="preset"))


def _preset_settings(preset: str, by_name: dict[str, cyclopts.Argument]) -> dict[str, Any]:
    """Find what a preset of a training or of a test sets; nothing for one that is not known: it is refused later."""
    if "--start-from" not in by_name:
        from napari_biogans.evaluation.settings import C2ST_PRESETS

        return C2ST_PRESETS[preset].settings if preset in C2ST_PRESETS else {}
    from napari_biogans.training.presets import PRESETS, preset_settings

    if preset not in PRESETS:
        return {}
    given = {name: by_name[f"--{name.replace('_', '-')}"].tokens for name in ("architecture", "start_from")}
    return preset_settings(preset, {name: tokens[0].value for name, tokens in given.items() if tokens})


def _refuse_taken_over(by_name: dict[str, cyclopts.Argument]) -> None:
    """Refuse settings that the model to start from decides."""
    if "--start-from" not in by_name or not by_name["--start-from"].tokens:
        return
    from napari_biogans.training import TrainingError
    from napari_biogans.training.starting import TAKEN_OVER

    for name in TAKEN_OVER:
        flag = f"--{name.replace('_', '-')}"
        if by_name[flag].tokens:
            raise TrainingError(f"{flag} is taken over from the model to start from; leave it out.")


app = App(
    name="napari-biogans",
    help="Train GANs on two-channel images of single cells, and draw new cells.",
    config=_fill_from_preset,
)


def default_folder(word: str) -> Path:
    """Name a folder, by date and a word, for a run that was given none."""
    return Path("runs") / f"{datetime.now():%Y-%m-%d-%H%M%S}-{word}"


def check_output(folder: Path, *cells: Path | None) -> None:
    """Refuse a folder for results that cannot be written to, or in which they would be read as cells.

    Raises
    ------
    C2STError
        If it cannot be written to.
    ValueError
        If it is one that cells are read from, or within it.
    """
    from napari_biogans.evaluation.report import check_folder

    for given in cells:
        if given is not None and given.is_dir() and folder.resolve().is_relative_to(given.resolve()):
            raise ValueError(
                f"{folder} is where cells are read from, which could not be read again with results among them; choose "
                "another folder."
            )
    check_folder(folder)


def is_silent() -> bool:
    """Tell whether this is one of several processes started by `torchrun`, of which only the first one speaks."""
    return is_one_of_several() and os.environ.get("RANK", "0") != "0"


def is_one_of_several() -> bool:
    """Tell whether this is one of several processes started by `torchrun`."""
    return os.environ.get("WORLD_SIZE", "1") != "1"


SHARED = (["train"], ["resume"])
"""Verbs whose work several processes can share."""


def outlive_others(arguments: Sequence[str]) -> None:
    """Let a process that `torchrun` started say what it has to: with the first one that fails, it ends all others.

    A training takes its signals from where it joins the other processes; other
    verbs have none to outlive.
    """
    if is_one_of_several() and arguments[:1] in SHARED and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def say(message: str, *, for_first: bool = False) -> None:
    """Tell the user something, on standard error; `for_first` in the place of the first process, which cannot."""
    if for_first or not is_silent():
        print(message, file=sys.stderr)


def answer(facts: dict[str, Any], *, as_json: bool, always: bool = False) -> None:
    """Print a result on standard output: as JSON if asked for, as lines if it is to be shown always."""
    if is_silent():
        return
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    elif always:
        width = max(len(name) for name in facts)
        for name, value in facts.items():
            print(f"{name.replace('_', ' '):<{width}}  {plain(value)}")


def plain(value: Any) -> str:
    """Write a value the way people read it."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {plain(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list):
        parts = [f"[{plain(part)}]" if isinstance(part, list) else plain(part) for part in value]
        return ", ".join(parts) or "none"
    if value is None:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a table for JSON, in which what is not known is null."""
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows
