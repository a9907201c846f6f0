"""Verbs that test how far cells are apart: c2st, c2st-matrix, c2st-model, c2st-run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from napari_biogans.cli.app import INTERRUPTED, answer, say
from napari_biogans.evaluation import C2STConfig, C2STResult, c2st, c2st_matrix, c2st_model, c2st_run
from napari_biogans.evaluation.report import check_folder, result_facts
from napari_biogans.evaluation.settings import C2STPresetName
from napari_biogans.evaluation.store import default_store


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TestOptions:
    """What all tests take beside their sides.

    Parameters
    ----------
    preset
        Settings that go well together: quick, standard or paper. Settings given by themselves come first.
    output
        Folder for the table, the figures and a short report.
    store
        Folder where the scores of critics are kept, so that a test that was stopped goes on where it was; default in
        the user's cache.
    scheduler
        Address of a Dask scheduler on whose workers the critics are trained, such as tcp://10.0.0.1:8786.
    as_json
        Print the result as JSON.
    """

    preset: C2STPresetName | None = None
    output: Annotated[Path | None, Parameter(alias="-o")] = None
    store: Path | None = None
    scheduler: str | None = None
    as_json: Annotated[bool, Parameter(name="--json")] = False


Options = Annotated[TestOptions, Parameter(name="*")]
Settings = Annotated[C2STConfig, Parameter(name="*")]
NO_OPTIONS, USUAL_SETTINGS = TestOptions(), C2STConfig()


def c2st_command(a: Path, b: Path, *, options: Options = NO_OPTIONS, config: Settings = USUAL_SETTINGS) -> int:
    """Test whether two sets of cells differ, class by class: how much, and how sure that is.

    Parameters
    ----------
    a
        Cells (as for train), a model or the folder of a run: what is tested.
    b
        The same: the reference, real cells where only one side is real.
    """
    return _carry_out(c2st, a, b, options=options, config=config)


def c2st_matrix_command(
    cells: Path, *, columns: Path | None = None, options: Options = NO_OPTIONS, config: Settings = USUAL_SETTINGS
) -> int:
    """Test every class of a cell set against every class.

    Parameters
    ----------
    cells
        Cells of several classes (as for train).
    columns
        Cells of the columns, such as a test set of the same classes; default the same cells.
    """
    return _carry_out(c2st_matrix, cells, columns, options=options, config=config)


def c2st_model_command(
    model: Path,
    cells: Path,
    *,
    also: Annotated[list[Path] | None, Parameter(consume_multiple=True)] = None,
    options: Options = NO_OPTIONS,
    config: Settings = USUAL_SETTINGS,
) -> int:
    """Test whether a model's cells pass for real ones, class by class and all together.

    Parameters
    ----------
    model
        A model file or the folder of a run.
    cells
        Real cells that the model was not trained on (as for train).
    also
        More models, each a column of the table.
    """
    return _carry_out(c2st_model, _named([model, *(also or [])]), cells, options=options, config=config)


def c2st_run_command(
    run: Path,
    cells: Path,
    *,
    steps_of_run: Annotated[list[int] | None, Parameter(consume_multiple=True)] = None,
    options: Options = NO_OPTIONS,
    config: Settings = USUAL_SETTINGS,
) -> int:
    """Test the models of a run's checkpoints: how the score changes while a model is trained.

    Parameters
    ----------
    run
        Folder of the run, trained with --keep-checkpoints as many as are to be tested.
    cells
        Real cells that the model was not trained on (as for train).
    steps_of_run
        Steps of the checkpoints to test; default all that are kept.
    """
    return _carry_out(c2st_run, run, cells, steps_of_run, options=options, config=config)


def _carry_out(test: Callable[..., C2STResult], *sides: Any, options: TestOptions, config: C2STConfig) -> int:
    if options.output is not None:
        check_folder(options.output)
    result = test(*sides, store=options.store or default_store, scheduler=options.scheduler, **asdict(config))
    if options.as_json:
        answer(result_facts(result), as_json=True)
    else:
        print(result)
    if options.output is not None:
        report, *_ = result.save(options.output)
        say(f"Wrote {report}, with tables and figures beside it.")
    if not result.is_complete:
        say("Stopped; what is done is kept, and the same command goes on.")
        return INTERRUPTED
    return 0


def _named(models: list[Path]) -> dict[str, Path]:
    """Name each model by its file or run, so that no two have the same name."""
    named: dict[str, Path] = {}
    for path in models:
        name = (
            path.resolve().parent.name
            if path.name == "model.safetensors"
            else (path.name if path.is_dir() else path.stem) or str(path)
        )
        same = sum(known == name or known.startswith(f"{name} (") for known in named)
        named[f"{name} ({same + 1})" if same else name] = path
    return named
