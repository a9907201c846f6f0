"""Training as one call, with a progress bar."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

from tqdm.auto import tqdm

from napari_biogans.cells import CellSet, read_cells
from napari_biogans.cells.neighbours import never
from napari_biogans.models import Model
from napari_biogans.stopping import stopped_by_interrupt
from napari_biogans.training.configuration import make_config
from napari_biogans.training.distributed import joined_workers
from napari_biogans.training.events import Event, Metrics, Preparing, Started, StepDone
from napari_biogans.training.loop import Cells, Training, check_start, iterate_resumed, iterate_training
from napari_biogans.training.presets import preset_settings


def train(
    cells: Cells,
    folder: str | os.PathLike[str],
    *,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[Event], None] | None = None,
    **settings: Any,
) -> Model:
    """Train a model on cells.

    Ctrl-C finishes the step, saves the run and returns what there is; the run
    can be resumed.

    Processes that `torchrun` started train together: each has to make this
    call with the same arguments and computes its part of every batch. Only the
    first shows progress, is told events and writes the run.

    Parameters
    ----------
    cells : CellSet or path-like
        What to learn from; a path is read with `read_cells`.
    folder : path-like
        Of the run: configuration, metrics, samples, checkpoints and model.
        Must not hold a run already.
    progress : bool
        Show a progress bar.
    should_stop : callable
        Asked after every step; True saves and returns.
    on_event : callable, optional
        Given every event as it happens.
    **settings
        `preset`, a name for settings that go well together (`demo`, `small`,
        `medium`, `full`, `paper-joint`, `paper-class`), and fields of
        `TrainingConfig`, which go before it.

    Returns
    -------
    Model
        As it was at the end; also in the folder as `model.safetensors`.

    Raises
    ------
    CellsError
        If nothing can be learned from the cells.
    TrainingError
        If the training cannot start or go on; the message says what to do.
        `WorkerLostError`: another of the processes has ended.

    Examples
    --------
    >>> import tempfile
    >>> from napari_biogans.cells import simulate_cells
    >>> model = train(
    ...     simulate_cells(5).cells,
    ...     tempfile.mkdtemp() + "/run",
    ...     progress=False,
    ...     preset="demo",
    ...     steps=2,
    ...     width=2,
    ...     batch_size=4,
    ...     device="cpu",
    ... )
    >>> model.generate(3, seed=0).shape
    (1, 3, 2, 48, 80)
    """
    config = make_config(**_filled(**settings))
    with joined_workers() as workers, stopped_by_interrupt(lambda: workers.terminated or should_stop()) as stop:
        progress = progress and workers.is_first
        with workers.agreed():
            check_start(folder, config, workers)
            if not isinstance(cells, CellSet):
                cells = read_cells(cells, progress=progress)
        return run_to_end(
            iterate_training(cells, folder, config, should_stop=stop, workers=workers),
            progress=progress,
            on_event=on_event if workers.is_first else None,
        )


def _filled(*, preset: str | None = None, **settings: Any) -> dict[str, Any]:
    """Fill settings that were not given from a preset."""
    return settings if preset is None else {**preset_settings(preset, settings), **settings}


def resume(
    folder: str | os.PathLike[str],
    cells: Cells | None = None,
    *,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[Event], None] | None = None,
    **changes: Any,
) -> Model:
    """Go on with a run from its last checkpoint, exactly as if it had not stopped.

    Parameters
    ----------
    folder : path-like
        Of the run.
    cells : CellSet or path-like, optional
        The cells of the run; default those at the path that the run recorded.
    progress, should_stop, on_event
        As for `train`.
    **changes
        Settings that may change: `steps` (in all), `minutes`, `device` and how
        often things are saved.

    Returns
    -------
    Model

    Raises
    ------
    RunError
        If the folder holds no run or no checkpoint, if the cells are not those
        of the run, or if all its steps are done.
    TrainingError
        As for `train`.
    """
    with joined_workers() as workers, stopped_by_interrupt(lambda: workers.terminated or should_stop()) as stop:
        return run_to_end(
            iterate_resumed(folder, cells, should_stop=stop, workers=workers, **changes),
            progress=progress and workers.is_first,
            on_event=on_event if workers.is_first else None,
        )


def run_to_end(training: Training, *, progress: bool, on_event: Callable[[Event], None] | None) -> Model:
    """Exhaust a training's events, showing them as a progress bar, and give its model."""
    bar: tqdm[NoReturn] | None = None
    try:
        while True:
            event = next(training)
            if isinstance(event, Preparing):
                bar = bar or tqdm(desc=event.what, total=100, unit="%", disable=not progress, dynamic_ncols=True)
                bar.update(round(100 * event.done) - bar.n)
            if isinstance(event, Started):
                if bar is not None:
                    bar.close()
                bar = tqdm(total=event.steps, initial=event.step, unit="step", disable=not progress, dynamic_ncols=True)
            elif isinstance(event, StepDone) and bar is not None:
                bar.update(event.step - bar.n)
            elif isinstance(event, Metrics) and bar is not None:
                bar.set_postfix(
                    critic=f"{event.critic_loss:.3g}", generator=f"{event.generator_loss:.3g}", refresh=False
                )
            if on_event is not None:
                on_event(event)
    except StopIteration as end:
        model: Model = end.value
        return model
    finally:
        if bar is not None:
            bar.close()
        training.close()
