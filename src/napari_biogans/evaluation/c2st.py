"""Classifier two-sample tests: of two sides, of all classes, of models, over a training."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NoReturn

from tqdm.auto import tqdm

from napari_biogans.cells.neighbours import never
from napari_biogans.evaluation.critics import Comparison, CriticScores
from napari_biogans.evaluation.diversity import diversity
from napari_biogans.evaluation.errors import C2STStoppedError
from napari_biogans.evaluation.events import C2STEvent, CriticDone, CriticsTraining, Planned, ResultSoFar
from napari_biogans.evaluation.matching import Given
from napari_biogans.evaluation.plans import (
    C2STPlan,
    Models,
    plan_c2st,
    plan_c2st_matrix,
    plan_c2st_models,
    plan_c2st_run,
)
from napari_biogans.evaluation.results import C2STResult
from napari_biogans.evaluation.settings import make_c2st_config
from napari_biogans.evaluation.store import ScoreStore, Store, default_store
from napari_biogans.evaluation.work import run_critics
from napari_biogans.stopping import stopped_by_interrupt
from napari_biogans.training.devices import choose_device
from napari_biogans.training.run import Run

Testing = Generator[C2STEvent, None, C2STResult]


def carry_out(
    plan: C2STPlan,
    *,
    store: Store = default_store,
    scheduler: str | None = None,
    should_stop: Callable[[], bool] = never,
) -> Testing:
    """Do what was planned, yielding what happens.

    Parameters
    ----------
    plan : C2STPlan
    store : path-like, callable or None
        Folder where the scores of critics are kept, so that a test that was
        stopped or killed goes on where it was; None keeps nothing.
    scheduler : str, optional
        Address of a Dask scheduler to spread the critics over.
    should_stop : callable
        Asked a few times a second; True returns what there is.

    Yields
    ------
    C2STEvent
        `Planned`; then `CriticsTraining`, and `ResultSoFar` after every critic.

    Returns
    -------
    C2STResult

    Raises
    ------
    C2STStoppedError
        If it was stopped before the first critic was done.
    C2STError
        If there is no scheduler at the address.
    """
    done: dict[Comparison, list[CriticScores]] = {}
    with closing(
        run_critics(plan.comparisons, plan.config, ScoreStore(store), scheduler=scheduler, should_stop=should_stop)
    ) as events:
        for event in events:
            if not isinstance(event, CriticDone):
                yield event
                continue
            comparison = event.comparison
            done.setdefault(comparison, []).append(event.scores)
            yield ResultSoFar(plan.result(done), comparison.row, comparison.column)
    if not done:
        raise C2STStoppedError("Stopped before the first critic was trained; there is nothing to tell yet.")
    if should_stop():
        return plan.result(done)
    found = {name: diversity(model, cells, seed=plan.config.seed) for name, (model, cells) in plan.models.items()}
    return plan.result(done, found)


def c2st(
    a: Given,
    b: Given,
    *,
    store: Store = default_store,
    scheduler: str | None = None,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[C2STEvent], object] | None = None,
    **settings: Any,
) -> C2STResult:
    """Test whether two sets of cells differ, how much, and how sure that is.

    Both sides are halved. A fresh critic learns on the first halves to tell a
    from b, and is asked about the second ones; that is done anew for each
    split. Classes of the same name are tested against each other, and all
    together. A model draws its cells when they are needed.

    Ctrl-C stops it; what there is comes back, and the same call goes on.

    Parameters
    ----------
    a, b : CellSet, Model, arrays or path-like
        Cells; a model; images (N, C, H, W), or one such array per class; or
        the path of a model file, a run or cells. b is the reference: real
        cells, where only one side is real.
    store : path-like, callable or None
        Folder where the scores of critics are kept; the same question is
        answered from there. None keeps nothing.
    scheduler : str, optional
        Address of a Dask scheduler; the critics are trained on its workers,
        with the same result.
    progress : bool
        Show a progress bar.
    should_stop : callable
        Asked a few times a second.
    on_event : callable, optional
        Given every event as it happens.
    **settings
        `preset` and fields of `C2STConfig`: `protocol`, `splits`, `steps`, `width`,
        `batch_size`, `objective`, `seed`, `device`, …

    Returns
    -------
    C2STResult
        With the test of halves of b's cells beside it, unless `band` is False.

    Raises
    ------
    C2STError
        If the sides have no class in common, or are of different sizes or
        types, or a setting is out of range.
    C2STStoppedError
        If it was stopped before the first critic was done.
    CellsError, ModelFileError
        If a path cannot be read.

    References
    ----------
    Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_cells
    >>> tips = simulate_cells(12, classes=["tips"], all_greens=False, seed=0).cells
    >>> nuclei = simulate_cells(12, classes=["nucleus"], all_greens=False, seed=1).cells
    >>> result = c2st(tips, nuclei, splits=2, steps=2, width=2, store=None, device="cpu", progress=False)
    >>> result.rows, result.columns
    (('tips | nucleus',), ('12 cells', 'real against real'))
    >>> 0 <= result.p_value <= 1
    True
    """
    config = make_c2st_config(**settings)
    choose_device(config.device)
    make = partial(plan_c2st, a, b, config)
    return _to_end(make, store, scheduler, progress, should_stop, on_event)


def c2st_matrix(
    cells: Given,
    columns: Given | None = None,
    *,
    store: Store = default_store,
    scheduler: str | None = None,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[C2STEvent], object] | None = None,
    **settings: Any,
) -> C2STResult:
    """Test every class against every class.

    On the diagonal are halves of the same class: what the score of nothing
    looks like here. Telling A from B is telling B from A, so that each pair is
    tested once; the paper's protocol tests both.

    Parameters
    ----------
    cells : CellSet or path-like
        Of two classes at least.
    columns : CellSet or path-like, optional
        Cells of the columns, such as a test set of the same classes, as in the
        paper; default the same cells.
    store, scheduler, progress, should_stop, on_event, **settings
        As for `c2st`.

    Returns
    -------
    C2STResult
        Its rows and columns are the classes.

    Raises
    ------
    C2STError
        As for `c2st`.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, table 1.

    Examples
    --------
    >>> from napari_biogans.cells import simulate_cells
    >>> cells = simulate_cells(8, classes=["tips", "nucleus"], all_greens=False).cells
    >>> result = c2st_matrix(cells, splits=2, steps=2, width=2, store=None, device="cpu", progress=False)
    >>> len(result.to_frame())
    4
    """
    config = make_c2st_config(**settings)
    choose_device(config.device)
    make = partial(plan_c2st_matrix, cells, columns, config)
    return _to_end(make, store, scheduler, progress, should_stop, on_event)


def c2st_model(
    model: Models,
    cells: Given,
    *,
    store: Store = default_store,
    scheduler: str | None = None,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[C2STEvent], object] | None = None,
    **settings: Any,
) -> C2STResult:
    """Test whether a model's cells, or those of several models, pass for real ones.

    Parameters
    ----------
    model : Model or path-like, or a mapping of names to them
        Each is a column of the table.
    cells : CellSet or path-like
        Real cells that the model was not trained on.
    store, scheduler, progress, should_stop, on_event, **settings
        As for `c2st`.

    Returns
    -------
    C2STResult
        With a row for each class and one for all together, and the column
        "real against real".

    Raises
    ------
    C2STError
        As for `c2st`.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, table 2.
    """
    config = make_c2st_config(**settings)
    choose_device(config.device)
    make = partial(plan_c2st_models, model, cells, config)
    return _to_end(make, store, scheduler, progress, should_stop, on_event)


def c2st_run(
    run: Run | str | os.PathLike[str],
    cells: Given,
    steps_of_run: Sequence[int] | None = None,
    *,
    store: Store = default_store,
    scheduler: str | None = None,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
    on_event: Callable[[C2STEvent], object] | None = None,
    **settings: Any,
) -> C2STResult:
    """Test the models of a run's checkpoints against real cells.

    Parameters
    ----------
    run : Run or path-like
        With as many checkpoints as the training was told to keep.
    cells : CellSet or path-like
        Real cells that the model was not trained on.
    steps_of_run : sequence of int, optional
        Steps of the checkpoints to test; default all that are there.
    store, scheduler, progress, should_stop, on_event, **settings
        As for `c2st`; `steps` are those of a critic.

    Returns
    -------
    C2STResult
        With a row for each checkpoint, a column for each class, and one for
        all together.

    Raises
    ------
    RunError
        If there is no run, or a checkpoint cannot be read.
    C2STError
        As for `c2st`.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017, figure 8.
    """
    config = make_c2st_config(**settings)
    choose_device(config.device)
    make = partial(plan_c2st_run, run, cells, steps_of_run, config)
    return _to_end(make, store, scheduler, progress, should_stop, on_event)


def _to_end(
    make_plan: Callable[[], C2STPlan],
    store: Store,
    scheduler: str | None,
    progress: bool,
    should_stop: Callable[[], bool],
    on_event: Callable[[C2STEvent], object] | None,
) -> C2STResult:
    """Exhaust the events of a test, showing them as a progress bar, and give its result."""
    bar: tqdm[NoReturn] | None = None
    with stopped_by_interrupt(should_stop) as stop:
        testing = carry_out(make_plan(), store=store, scheduler=scheduler, should_stop=stop)
        try:
            while True:
                event = next(testing)
                if isinstance(event, Planned):
                    bar = tqdm(total=event.steps, unit="step", disable=not progress, dynamic_ncols=True)
                elif isinstance(event, CriticsTraining) and bar is not None:
                    bar.set_description(f"{event.done} of {event.critics} critics", refresh=False)
                    bar.update(event.step - bar.n)
                if on_event is not None:
                    on_event(event)
        except StopIteration as end:
            result: C2STResult = end.value
            return result
        finally:
            if bar is not None:
                bar.close()
            testing.close()
