"""The folder of a run: its configuration, metrics, samples, checkpoints and model."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from napari_biogans.cells import CellSet
from napari_biogans.cells.records import STACK_ENDING
from napari_biogans.cells.writing import file_stems, write_imagej_stack
from napari_biogans.files import replacing
from napari_biogans.formats import CONFIG_FILE, MODEL_FILE, format_name
from napari_biogans.training.configuration import TrainingConfig, make_config
from napari_biogans.training.errors import RunError, TrainingError
from napari_biogans.training.events import GreenSpread, Metrics

FORMAT = format_name("run")
FORMAT_VERSION = 1
METRIC_COLUMNS = ("step", "seconds", "critic_loss", "generator_loss", "critic_gap", "gradient_penalty")
DIVERSITY_COLUMNS = ("step", "class", "drawn", "real", "ratio")


class Run:
    """One training, in its folder.

    Parameters
    ----------
    folder : path-like
        That `Run.create` made before.

    Raises
    ------
    RunError
        If the folder holds no run, or one of a newer version.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        try:
            self._record: dict[str, Any] = json.loads(self._config_path.read_text(encoding="utf-8"))
            if self._record["format"] != FORMAT:
                raise KeyError("format")
            newer = self._record["format_version"] > FORMAT_VERSION
        except FileNotFoundError:
            raise RunError(f"{self.folder}: there is no run in this folder (no config.json).") from None
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise RunError(f"{self._config_path}: not the configuration of a run ({error}).") from error
        if newer:
            raise RunError(
                f"{self.folder}: written by a newer napari-biogans; update with pip install -U napari-biogans."
            )

    @classmethod
    def create(
        cls,
        folder: str | os.PathLike[str],
        config: TrainingConfig,
        cells: CellSet,
    ) -> Run:
        """Make the folder of a new run.

        Parameters
        ----------
        folder : path-like
            Must not hold a run already.
        config : TrainingConfig
        cells : CellSet
            As they were given, classes not pooled; where they were read is
            kept, so that a resumed run finds them.

        Raises
        ------
        RunError
            If there is a run in the folder, or it cannot be written to.
        """
        path = Path(folder)
        check_free(path)
        record = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "package_version": version("napari-biogans"),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "config": asdict(config),
            "cells": {
                "path": None if cells.path is None else str(cells.path),
                "class_names": cells.class_names,
                "counts": cells.counts,
                "size": cells.size,
                "fingerprint": cells.fingerprint(),
            },
        }
        try:
            (path / "samples").mkdir(parents=True, exist_ok=True)
            (path / "checkpoints").mkdir(exist_ok=True)
            _write_json(path / CONFIG_FILE, record)
        except OSError as error:
            raise RunError(
                f"{path}: a run cannot be written here ({error.strerror}). Choose another folder."
            ) from error
        return cls(path)

    @property
    def config(self) -> TrainingConfig:
        """The settings of the run."""
        try:
            return make_config(**self._record["config"])
        except (TrainingError, TypeError, KeyError) as error:
            raise RunError(f"{self._config_path}: settings that cannot be used: {error}") from error

    @property
    def cells_record(self) -> dict[str, Any]:
        """What the run knows of its cells: path, class names, counts, size, fingerprint."""
        return dict(self._record["cells"])

    @property
    def model_path(self) -> Path:
        """Where the latest model is, once there is one."""
        return self.folder / MODEL_FILE

    @property
    def metrics_path(self) -> Path:
        """The table with one row per logged step."""
        return self.folder / "metrics.csv"

    @property
    def diversity_path(self) -> Path:
        """The table with one row per class for each step that samples of a fixed red were drawn at."""
        return self.folder / "diversity.csv"

    @property
    def log_path(self) -> Path:
        """What the run did, in words."""
        return self.folder / "log.txt"

    def sample_paths(self, step: int, class_names: Sequence[str]) -> tuple[Path, ...]:
        """Where the samples of a step are, one stack per class."""
        start = self.folder / "samples" / f"step-{step:08d}"
        if len(class_names) == 1:
            return (start.with_name(f"{start.name}{STACK_ENDING}.tif"),)
        return tuple(start.with_name(f"{start.name}-{stem}{STACK_ENDING}.tif") for stem in file_stems(class_names))

    def last_samples(self, class_names: Sequence[str]) -> tuple[Path, ...]:
        """Find the samples that were drawn last, one stack per class; none before the first."""
        numbers = re.compile(r"step-(\d+)")
        names = (path.name for path in (self.folder / "samples").glob(f"step-*{STACK_ENDING}.tif"))
        for step in sorted({int(match[1]) for match in map(numbers.match, names) if match}, reverse=True):
            paths = self.sample_paths(step, class_names)
            # While they are written, those of some classes are there before the others.
            if all(path.is_file() for path in paths):
                return paths
        return ()

    def checkpoint_path(self, step: int) -> Path:
        """Where the checkpoint of a step is."""
        return self.folder / "checkpoints" / f"step-{step:08d}.safetensors"

    def checkpoints(self) -> dict[int, Path]:
        """Find the checkpoints that are there, by step, in order."""
        found = {}
        for path in (self.folder / "checkpoints").glob("step-*.safetensors"):
            if match := re.fullmatch(r"step-(\d+)\.safetensors", path.name):
                found[int(match[1])] = path
        return dict(sorted(found.items()))

    def metrics(self) -> pd.DataFrame:
        """Read the metrics so far.

        Returns
        -------
        pandas.DataFrame
            One row per logged step; empty before the first.
        """
        if not self.metrics_path.exists():
            return pd.DataFrame(columns=list(METRIC_COLUMNS))
        return pd.read_csv(self.metrics_path)

    def diversity(self) -> pd.DataFrame:
        """Read how much the greens of samples differed for one red, beside real cells.

        Returns
        -------
        pandas.DataFrame
            Columns `step`, `class`, `drawn`, `real` and `ratio`, as
            `napari_biogans.diversity` explains them; one row per class for
            each step with samples. Empty before the first, and where the
            model cannot hold red.
        """
        if not self.diversity_path.exists():
            return pd.DataFrame(columns=list(DIVERSITY_COLUMNS))
        # A class may be called "NA" or "007".
        return pd.read_csv(
            self.diversity_path,
            dtype={"class": str},
            keep_default_na=False,
            na_values=dict.fromkeys(("drawn", "real", "ratio"), "nan"),
        )

    def change_config(self, config: TrainingConfig) -> None:
        """Store other settings, as when a run is resumed for more steps."""
        self._record = {**self._record, "config": asdict(config)}
        _write_json(self._config_path, self._record)

    def add_metrics(self, metrics: Metrics) -> None:
        """Append a row to the table."""
        _append(self.metrics_path, METRIC_COLUMNS, [[getattr(metrics, column) for column in METRIC_COLUMNS]])

    def add_green_spread(self, spread: GreenSpread) -> None:
        """Append a row for each class to the table of `diversity`."""
        rows = zip(spread.class_names, spread.drawn, spread.real, spread.ratio, strict=True)
        _append(self.diversity_path, DIVERSITY_COLUMNS, ([spread.step, *row] for row in rows))

    def forget_after(self, step: int) -> None:
        """Drop what was logged after a step, before the run goes on from there."""
        for path, table in ((self.metrics_path, self.metrics()), (self.diversity_path, self.diversity())):
            if (table["step"] > step).any():
                with replacing(path) as temporary:
                    table[table["step"] <= step].to_csv(temporary, index=False, na_rep="nan")

    def last_metrics(self) -> dict[str, float]:
        """Give the last row of the metrics, by column; empty before the first."""
        rows = self.metrics().to_dict("records")
        return {str(name): float(value) for name, value in rows[-1].items()} if rows else {}

    def save_checkpoint(self, step: int, write: Callable[[Path], None], keep: int) -> Path:
        """Write the checkpoint of a step, then delete all but the last `keep`."""
        path = self.checkpoint_path(step)
        write(path)
        for old in list(self.checkpoints().values())[:-keep]:
            old.unlink(missing_ok=True)
        return path

    def save_samples(self, step: int, cells: CellSet) -> tuple[Path, ...]:
        """Write the samples of a step as one stack per class that ImageJ and napari open."""
        paths = self.sample_paths(step, cells.class_names)
        for position, path in enumerate(paths):
            with replacing(path) as temporary:
                write_imagej_stack(cells, position, temporary)
        return paths

    def log(self, message: str) -> None:
        """Append a line with the time to `log.txt`."""
        with self.log_path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {message}\n")

    @property
    def _config_path(self) -> Path:
        return self.folder / CONFIG_FILE


def check_free(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder that holds a run already.

    Raises
    ------
    RunError
    """
    if (Path(folder) / CONFIG_FILE).exists():
        raise RunError(f"{folder}: there is a run in this folder already. Resume it, or choose another folder.")


def resumed_config(run: Run, **changes: Any) -> TrainingConfig:
    """Take the settings of a run, with those changed that a resumed run may change.

    Parameters
    ----------
    run : Run
    **changes
        Of `RESUMABLE_SETTINGS`; None leaves a setting as it was.

    Raises
    ------
    TrainingError
        If a setting cannot be changed in a resumed run, or is out of range.
    """
    wanted = {name: value for name, value in changes.items() if value is not None}
    if fixed := sorted(set(wanted) - RESUMABLE_SETTINGS):
        raise TrainingError(
            f"A resumed run keeps its {', '.join(fixed)}; what can change is {', '.join(sorted(RESUMABLE_SETTINGS))}. "
            "Start a new run to train with other settings."
        )
    # The time limit of the first part is not that of the next.
    config = replace(run.config, minutes=None)
    return make_config(**{**asdict(config), **wanted})


RESUMABLE_SETTINGS = frozenset(
    {"steps", "minutes", "device", "log_every", "sample_every", "checkpoint_every", "keep_checkpoints"}
)


def _append(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a table, with its columns before the first."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(columns)
        writer.writerows(rows)


def _write_json(path: Path, record: dict[str, Any]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
