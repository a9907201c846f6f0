"""The verbs of the command line: where each is, and the line that the help shows.

A verb is imported when it is called: torch and what else the verbs need takes
seconds, for which the help should not have to wait.
"""

from __future__ import annotations

from cyclopts import App

VERBS = {
    "train": (
        "training:train_command",
        "Train a model on cells. Ctrl-C stops it and saves everything; `resume` goes on.",
    ),
    "resume": (
        "training:resume_command",
        "Go on with a run from its last checkpoint, exactly as if it had not stopped.",
    ),
    "presets": ("training:presets_command", "List the presets for `train --preset`, with what they set."),
    "demo": (
        "training:demo_command",
        "Watch a small GAN learn cells, in at most three minutes on a laptop, and get a picture of what it draws.",
    ),
    "cut-cells": (
        "cutting:cut_cells_command",
        "Cut single cells from fields of view: centred, long axis horizontal, neighbours masked.",
    ),
    "generate": ("drawing:generate_command", "Draw new cells with a model and write them as TIFF stacks."),
    "import-original": (
        "drawing:import_original_command",
        "Turn a generator that was released with the paper (2017) into a model file. Nothing in it is run.",
    ),
    "info": ("facts:info_command", "Say what a model, a run or a cell set is."),
    "fetch-bbbc013": (
        "fetching:fetch_bbbc013_command",
        "Download real cells: 24 fields of human U2OS cells, DNA and FKHR-GFP (BBBC013, CC BY 3.0; 21 MB).",
    ),
    "reconstruct": (
        "rebuilding:reconstruct_command",
        "Find, for real cells, the latents from which a model draws them, and how near it comes.",
    ),
    "complete": (
        "rebuilding:complete_command",
        "Draw the green of every class for the red of real cells: all the proteins in one cell.",
    ),
    "colocalisation": (
        "rebuilding:colocalisation_command",
        "Tell how much the greens of all classes overlap in real cells, as a model has it.",
    ),
    "c2st": (
        "scoring:c2st_command",
        "Test whether two sets of cells differ, class by class: how much, and how sure that is.",
    ),
    "c2st-matrix": ("scoring:c2st_matrix_command", "Test every class of a cell set against every class."),
    "c2st-model": (
        "scoring:c2st_model_command",
        "Test whether a model's cells pass for real ones, class by class and all together.",
    ),
    "c2st-run": (
        "scoring:c2st_run_command",
        "Test the models of a run's checkpoints: how the score changes while a model is trained.",
    ),
    "interpolate": (
        "ways:interpolate_command",
        "Draw the way from cell to cell, of all classes, as films, frames and a table of measurements.",
    ),
    "cell-cycle": (
        "ways:cell_cycle_command",
        "Make the film of the cell cycle: rebuild a real cell of each stage, and draw the way from one to the next.",
    ),
}
"""Module and function, and the first line of the function's docstring."""


def add_verbs(app: App) -> None:
    """Let an app know the verbs without importing them."""
    for name, (place, summary) in VERBS.items():
        app.command(f"napari_biogans.cli.{place}", name=name, help=summary)
