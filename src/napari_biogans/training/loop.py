"""The training loop, told as events."""

from __future__ import annotations

import math
import os
import platform
import warnings
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from napari_biogans.cells import CellSet, read_cells
from napari_biogans.cells.neighbours import never
from napari_biogans.models import Model, architecture_named
from napari_biogans.training.clock import Clock
from napari_biogans.training.configuration import TrainingConfig
from napari_biogans.training.device_memory import forget_peak, peak_memory, peak_words
from napari_biogans.training.devices import choose_device, chosen_threads
from napari_biogans.training.distributed import ALONE, Workers
from napari_biogans.training.errors import RunError, TrainingDivergedError, TrainingWarning, WorkerLostError
from napari_biogans.training.events import Event, Metrics, Samples, Saved, Started, StepDone
from napari_biogans.training.following import follow
from napari_biogans.training.memory import advance, check_memory, explained_build
from napari_biogans.training.preparing import found_neighbours
from napari_biogans.training.run import Run, check_free, resumed_config
from napari_biogans.training.samples import sample_latents
from napari_biogans.training.spread import SpreadMeter
from napari_biogans.training.starting import (
    check_start_fits,
    config_of_start,
    model_to_start_from,
    starting_notes,
)
from napari_biogans.training.state import TrainingState, check_networks

Cells = CellSet | str | os.PathLike[str]
Training = Generator[Event, None, Model]


def iterate_training(
    cells: Cells,
    folder: str | os.PathLike[str],
    config: TrainingConfig | None = None,
    *,
    should_stop: Callable[[], bool] = never,
    workers: Workers = ALONE,
) -> Training:
    """Train a model, yielding what happens.

    Parameters
    ----------
    cells : CellSet or path-like
        What to learn from; a path is read with `read_cells`.
    folder : path-like
        Of the run; must not hold one already.
    config : TrainingConfig, optional
    should_stop : callable
        Asked after every step; when it says True, the run is saved and the
        generator returns. A generator that is closed saves the run too.
    workers : Workers
        That train together. Only the first one writes, and yields more than
        `Preparing`.

    Yields
    ------
    Event
        `Preparing` while the neighbours are found that multi-channel cells are
        made up from; `Started`; then `StepDone` after every step and `Metrics`,
        `Samples` and `Saved` where they are due. Where red can be held,
        `GreenSpread` comes with `Samples`.

    Returns
    -------
    Model
        As it is when all steps are done, the time is over or `should_stop`
        says so. The run folder holds it too.

    Raises
    ------
    CellsError
        If nothing can be learned from the cells.
    TrainingError
        If the training cannot start (`RunError`: the folder holds a run;
        `TrainingStoppedError`: it was stopped before its first step) or
        cannot go on (`TrainingDivergedError`, `DeviceMemoryError`,
        `WorkerLostError`).

    Warns
    -----
    TrainingWarning
        If not all of the model that it starts from is gone on with.

    Examples
    --------
    >>> import tempfile
    >>> from napari_biogans.cells import simulate_cells
    >>> config = TrainingConfig(steps=2, width=2, batch_size=4, critic_steps=1, device="cpu")
    >>> events = iterate_training(simulate_cells(5).cells, tempfile.mkdtemp() + "/run", config)
    >>> [type(event).__name__ for event in events]
    ['Started', 'Samples', 'GreenSpread', 'StepDone', 'StepDone', 'Metrics', 'Samples', 'GreenSpread', 'Saved']
    """
    config = config or TrainingConfig()
    with workers.agreed():
        check_start(folder, config, workers)
        start = model_to_start_from(config)
        if start is not None:
            config = config_of_start(config, start)
        cell_set = cells if isinstance(cells, CellSet) else read_cells(cells)
        notes = []
        if start is not None:
            check_start_fits(start, cell_set)
            notes = starting_notes(start, cell_set, config)
        state = yield from _build_state(cell_set, config, should_stop, workers, start)
    _connect(state, cell_set)
    with workers.agreed():
        run = Run.create(folder, config, cell_set) if workers.is_first else None
    if run is not None:
        for note in notes:
            warnings.warn(note, TrainingWarning, stacklevel=2)
            run.log(note)
    return (yield from _train_together(run, state, cell_set, 0.0, should_stop))


def iterate_resumed(
    folder: str | os.PathLike[str],
    cells: Cells | None = None,
    *,
    should_stop: Callable[[], bool] = never,
    workers: Workers = ALONE,
    **changes: Any,
) -> Training:
    """Go on with a run from its last checkpoint, exactly as if it had not stopped.

    Yields, returns and raises as `iterate_training`; and raises `RunError` if
    there is no checkpoint that can be read, if the cells are not those of the
    run, or if all its steps are done.

    Parameters
    ----------
    folder : path-like
        Of the run.
    cells : CellSet or path-like, optional
        The cells of the run; default those at the path that the run recorded.
    should_stop, workers
        As for `iterate_training`. There may be more workers than before, or
        fewer; each has to see the folder of the run.
    **changes
        Settings that may change: `steps` (in all), `minutes`, `device` and how
        often things are saved.
    """
    with workers.agreed():
        run = Run(folder)
        config = resumed_config(run, **changes)
        checkpoints = run.checkpoints()
        if not checkpoints:
            raise RunError(f"{run.folder}: this run has no checkpoint to go on from. Start it again in another folder.")
        step = max(checkpoints)
        if step >= config.steps:
            raise RunError(f"{run.folder}: this run is at step {step} already. Give more steps than that to go on.")
        cell_set = _cells_of(run, cells)
        state = yield from _build_state(cell_set, config, should_stop, workers)
        seconds = state.load(checkpoints[step])
    _connect(state, cell_set)
    if workers.is_first:
        run.change_config(config)
        run.forget_after(step)
    return (yield from _train_together(run if workers.is_first else None, state, cell_set, seconds, should_stop))


def check_start(folder: str | os.PathLike[str], config: TrainingConfig, workers: Workers = ALONE) -> None:
    """Refuse a training that cannot start anyway, before its cells are read, which may take minutes.

    Raises
    ------
    TrainingError
        If the device is not there, the folder holds a run, or there is no
        model to start from.
    """
    workers.check_settings(config.batch_size, choose_device(config.device))
    if workers.is_first:
        check_free(folder)
    model_to_start_from(config)


def _build_state(
    cells: CellSet,
    config: TrainingConfig,
    should_stop: Callable[[], bool],
    workers: Workers,
    start: Model | None = None,
) -> Generator[Event, None, TrainingState]:
    workers.check_settings(config.batch_size, choose_device(config.device))
    cells.check_trainable()
    check_networks(cells, config)
    check_memory(cells, config, workers)
    forget_peak(choose_device(config.device))
    neighbours = None
    if architecture_named(config.architecture).layout == "multi-channel":
        neighbours = yield from found_neighbours(cells, config, should_stop)
    with explained_build():
        return TrainingState(cells, config, neighbours, start, workers)


def _cells_of(run: Run, cells: Cells | None) -> CellSet:
    record = run.cells_record
    if cells is None and record["path"] is None:
        raise RunError(f"{run.folder}: the cells of this run were not read from a file. Give the same cells to go on.")
    if cells is None and not Path(record["path"]).exists():
        raise RunError(f"{run.folder}: its cells are no longer at {record['path']}. Say where they are now.")
    given = record["path"] if cells is None else cells
    cell_set = given if isinstance(given, CellSet) else read_cells(given)
    if cell_set.fingerprint() != record["fingerprint"]:
        raise RunError(
            f"{run.folder}: these are not the cells that the run was trained on ({sum(record['counts'])} cells: "
            f"{', '.join(record['class_names'])}). Give those, or start a new run."
        )
    return cell_set


def _connect(state: TrainingState, cells: CellSet) -> None:
    if state.workers.several:
        state.workers.connect(
            state.device, settings=repr(state.config), cells=cells.fingerprint(), checkpoint=str(state.step)
        )


def _train_together(
    run: Run | None, state: TrainingState, cells: CellSet, seconds_before: float, should_stop: Callable[[], bool]
) -> Training:
    """Let the workers train: the one that has a run writes it, the others follow."""
    state.take_from_first()
    with chosen_threads():
        if run is None:
            return follow(state, should_stop)
        return (yield from _train(run, state, cells, seconds_before, should_stop))


def _train(
    run: Run, state: TrainingState, cells: CellSet, seconds_before: float, should_stop: Callable[[], bool]
) -> Training:
    config = state.config
    meter = SpreadMeter(cells, config)
    clock = Clock(seconds_before, config.minutes)
    latents = sample_latents(config.architecture, state.shape, config.samples, config.seed)
    saved_step = state.step

    def drawn(model: Model) -> Iterator[Event]:
        images = model.generate(latents=latents)
        yield Samples(state.step, images, run.save_samples(state.step, model.as_cells(images)))
        spread = meter.measure(state.step, state.class_names, images)
        if spread is not None:
            run.add_green_spread(spread)
            yield spread

    def save(model: Model) -> Saved:
        nonlocal saved_step
        if not state.is_finite():
            raise _diverged(run, state, "weights")
        checkpoint = run.save_checkpoint(
            state.step, lambda path: state.save(path, clock.seconds()), config.keep_checkpoints
        )
        saved_step = state.step
        return Saved(state.step, checkpoint, model.save(run.model_path), peak_memory(state.device))

    where = f"{state.device} ({torch.get_num_threads()} threads), {state.precision}"
    run.log(f"{_versions()}; {where}; {cells}; steps {state.step} to {config.steps}")
    yield Started(
        folder=run.folder,
        step=state.step,
        steps=config.steps,
        device=str(state.device),
        precision=str(state.precision).removeprefix("torch."),
        cells=len(cells),
        class_names=state.class_names,
        pixel_size=cells.pixel_size,
    )
    try:
        if state.step == 0:
            yield from drawn(state.model({}))
        while True:
            advance(state)
            clock.tick()
            yield StepDone(state.step, config.steps, clock.rate)
            is_last = state.workers.any(should_stop() or clock.is_over()) or state.step == config.steps
            # A stop takes no metrics, so that the rows of a resumed run are those of one that went through.
            if state.step % config.log_every == 0 or state.step == config.steps:
                metrics = Metrics(step=state.step, seconds=clock.seconds(), **state.take_metrics()._asdict())
                if not all(math.isfinite(value) for value in asdict(metrics).values()):
                    raise _diverged(run, state, "losses")
                run.add_metrics(metrics)
                yield metrics
            sample_due = is_last or state.step % config.sample_every == 0
            save_due = is_last or state.step % config.checkpoint_every == 0
            if sample_due or save_due:
                model = state.model(run.last_metrics())
            if sample_due:
                yield from drawn(model)
            if save_due:
                saved = save(model)
                yield saved
            if is_last:
                peak = peak_words(saved.peak_memory, str(state.device))
                run.log(f"saved at step {state.step} after {clock.seconds():.0f} s; {peak}")
                state.workers.wait_for_all()
                return model
    except GeneratorExit:
        # Whoever listened has gone, as when a window is closed: between two steps everything can still be saved.
        if saved_step < state.step:
            save(state.model(run.last_metrics()))
        run.log(f"closed at step {state.step}, saved at step {saved_step}")
        raise
    except WorkerLostError as error:
        reason = state.workers.explain_loss()
        state.undo()
        if saved_step < state.step:
            save(state.model(run.last_metrics()))
        run.log(f"ended by WorkerLostError, saved at step {saved_step}: {reason}")
        raise WorkerLostError(f"{reason} {_how_to_go_on(run)}") from error
    except Exception as error:
        run.log(f"ended at step {state.step} by {type(error).__name__}: {error}")
        raise


def _diverged(run: Run, state: TrainingState, what: str) -> TrainingDivergedError:
    kept = run.checkpoints()
    last = f"The last good checkpoint, of step {max(kept)}, is kept in {run.folder}." if kept else "No checkpoint yet."
    config = state.config
    advice = f"Start again with a smaller learning rate (it was {config.resolved_learning_rate:g})"
    if config.objective != "wgan-gp":
        advice += " or with the objective wgan-gp, which is more stable"
    if state.precision is not torch.float32:
        advice += " or with precision float32"
    return TrainingDivergedError(f"The {what} became infinite or NaN by step {state.step}. {last} {advice}.")


def _how_to_go_on(run: Run) -> str:
    if not (kept := run.checkpoints()):
        return f"Nothing was saved yet: start again, in another folder than {run.folder}."
    return (
        f"Step {max(kept)} is saved. Go on with any number of workers, or with one process: "
        f"napari-biogans resume {run.folder}"
    )


def _versions() -> str:
    return f"napari-biogans {version('napari-biogans')}, Python {platform.python_version()}, torch {torch.__version__}"
