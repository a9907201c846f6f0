"""Verbs that go from cells to latents: reconstruct, complete, colocalisation."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from napari_biogans.cells import read_cells
from napari_biogans.cli.app import INTERRUPTED, answer, check_output, records, say
from napari_biogans.latent import (
    Colocalisation,
    Completion,
    Reconstruction,
    ReconstructionConfig,
    colocalisation,
    complete,
    reconstruct,
)
from napari_biogans.models import load_model


def reconstruct_command(
    model: Path,
    cells: Path,
    *,
    training_cells: Path | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    config: Annotated[ReconstructionConfig, Parameter(name="*")] = ReconstructionConfig(),  # noqa: B008 (frozen)
) -> int:
    """Find, for real cells, the latents from which a model draws them, and how near it comes.

    Parameters
    ----------
    model
        A model file or the folder of a run.
    cells
        Real cells (as for train).
    training_cells
        Cells that the model was trained on; the nearest of them is what a reconstruction has to be better than.
    output
        Folder for the table, the latents, stacks of images and a figure.
    as_json
        Print the medians as JSON.
    """
    if output is not None:
        check_output(output, cells, training_cells)
    opened = load_model(model)
    known = None if training_cells is None else read_cells(training_cells)
    result = reconstruct(opened, read_cells(cells), training_cells=known, **asdict(config))
    table = result.to_frame()
    medians = table.drop(columns=["class", "source", "index"]).median(numeric_only=True).to_frame().T
    facts = {"cells": len(result), "median": records(medians)[0]}
    return _conclude(result, facts, output, "cells.csv, latents.npy, stacks of images and reconstructions.png", as_json)


def complete_command(
    model: Path,
    cells: Path,
    *,
    draws: int = 32,
    match_green: bool = False,
    steps: int | None = None,
    starts: int | None = None,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "auto",
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Draw the green of every class for the red of real cells: all the proteins in one cell.

    Parameters
    ----------
    model
        A model file or the folder of a run, whose classes share red: star-shaped or multi-channel-separable.
    cells
        Real cells (as for train), of any class.
    draws
        Green latents for each cell.
    match_green
        Find the green latent of each cell's own green, too, and draw all classes from it once.
    steps
        Most evaluations of the search for the red latent; default 150.
    starts
        Random latents to start it from; default 2.
    seed
        Of the green latents and of the search.
    batch_size
        Cells whose red latents are searched for at a time; those that are done when it is stopped are kept.
    device
        auto, cpu, cuda, cuda:1 or mps.
    output
        Folder for the table, means and spreads, and a figure.
    as_json
        Print the table of the cells as JSON.
    """
    if output is not None:
        check_output(output, cells)
    settings = {
        "draws": draws,
        "match_green": match_green,
        "steps": steps,
        "starts": starts,
        "seed": seed,
        "batch_size": batch_size,
        "device": device,
    }
    result = complete(load_model(model), read_cells(cells), **settings)  # type: ignore[arg-type]
    facts = {"cells": records(result.to_frame())}
    return _conclude(result, facts, output, "cells.csv, completions.npz and completions.png", as_json)


def colocalisation_command(
    model: Path,
    cells: Path,
    *,
    draws: int = 32,
    steps: int | None = None,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "auto",
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Tell how much the greens of all classes overlap in real cells, as a model has it.

    Parameters
    ----------
    model
        A model file or the folder of a run, of classes that share red: star-shaped or multi-channel-separable.
    cells
        Real cells (as for train), of any class.
    draws
        Green latents of each class for each cell.
    steps
        Most evaluations of the search for the red latent; default 150.
    seed
        Of the green latents and of the search.
    batch_size
        Cells whose red latents are searched for at a time; those that are done when it is stopped are kept.
    device
        auto, cpu, cuda, cuda:1 or mps.
    output
        Folder for the table and a figure.
    as_json
        Print the table of the pairs as JSON.
    """
    if output is not None:
        check_output(output, cells)
    opened, real = load_model(model), read_cells(cells)
    result = colocalisation(opened, real, draws=draws, steps=steps, seed=seed, batch_size=batch_size, device=device)
    facts = {"pairs": records(result.to_frame()), "assumption": result.assumption}
    return _conclude(result, facts, output, "colocalisation.csv and colocalisation.png", as_json)


def _conclude(
    result: Reconstruction | Completion | Colocalisation,
    facts: dict[str, Any],
    output: Path | None,
    files: str,
    as_json: bool,
) -> int:
    """Say what came out, write it, and give the exit code."""
    if as_json:
        answer({"complete": result.is_complete, **facts}, as_json=True)
    else:
        print(result)
    if output is not None:
        result.save(output)
        say(f"Wrote {output}: {files}.")
    return 0 if result.is_complete else INTERRUPTED
