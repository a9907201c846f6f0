"""Verbs that draw cells and bring in models to draw them with: generate, import-original."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter

from napari_biogans.cells import write_cells
from napari_biogans.cli.app import answer, say
from napari_biogans.cli.facts import model_facts
from napari_biogans.files import replacing
from napari_biogans.models import import_original, load_model, read_latents
from napari_biogans.models.model import GreenLatents, Weights
from napari_biogans.training.devices import choose_device


def generate_command(
    model: Path,
    n: Annotated[int | None, Parameter(name=["--n", "-n"])] = None,
    *,
    classes: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    seed: int | None = None,
    truncation: float | None = None,
    greens_per_red: int = 1,
    green_latents: GreenLatents = "shared",
    latents: Path | None = None,
    weights: Weights | None = None,
    device: str = "auto",
    overwrite: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Draw new cells with a model and write them as TIFF stacks.

    Parameters
    ----------
    model
        A model file (.safetensors) or the folder of a run.
    n
        How many cells, or how many reds with --greens-per-red; default 64.
    classes
        Names of the classes to draw; default all.
    output
        Folder for the stacks and latents.npy, or an .npz file; default generated-DATE.
    seed
        The same seed draws the same cells; default new ones each time.
    truncation
        Keep the numbers of the latents within this many standard deviations: more typical, less varied cells.
    greens_per_red
        Draw so many greens for each red (separable models).
    green_latents
        Whether all classes get the same green latent, as in training, or each one of its own (star-shaped and
        independent-separable models).
    latents
        Draw the cells of these latents: a .npy file, such as latents.npy of an earlier call, or noise that was
        published with the original release (fixed_noise_1.pth).
    weights
        averaged or last; default those that the model prefers.
    device
        auto, cpu, cuda, cuda:1 or mps.
    overwrite
        Replace the cells that are in the output already.
    as_json
        Print what was made as JSON.
    """
    opened = load_model(model, choose_device(device))
    target = output or Path(f"generated-{datetime.now():%Y-%m-%d-%H%M%S}")
    if latents is not None:
        if any(given is not None for given in (n, seed, truncation)) or (greens_per_red, green_latents) != (
            1,
            "shared",
        ):
            raise ValueError(
                "Give either --latents, or --n, --seed, --truncation, --greens-per-red and --green-latents; not both."
            )
        chosen = read_latents(latents)
    else:
        chosen = opened.draw_latents(
            64 if n is None else n,
            seed=seed,
            truncation=truncation,
            greens_per_red=greens_per_red,
            green_latents=green_latents,
        )
    images = opened.generate(latents=chosen, classes=classes, weights=weights)
    cells = opened.as_cells(images, classes)
    paths = write_cells(cells, target, overwrite=overwrite)
    if target.suffix != ".npz":
        paths.append(target / "latents.npy")
        with replacing(paths[-1]) as temporary:
            np.save(temporary, chosen)
    say(f"Drew {images.shape[1]} cells of {', '.join(cells.class_names)} into {target}.")
    answer({"files": [str(path) for path in paths], "cells": len(cells)}, as_json=as_json)
    return 0


def import_original_command(
    generator: Path,
    *,
    critic: Path | None = None,
    class_names: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    overwrite: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Turn a generator that was released with the paper (2017) into a model file. Nothing in it is run.

    Parameters
    ----------
    generator
        A netG_iter_N.pth.
    critic
        The netD_iter_N.pth of the same training, from which a training can go on.
    class_names
        Names of the classes, in the order of the training; the files do not hold them.
    output
        Name of the model file; default that of the generator, ending in .safetensors.
    overwrite
        Replace the file if it is there already.
    as_json
        Print what was found as JSON.
    """
    target = output or generator.with_suffix(".safetensors")
    if target.exists() and not overwrite:
        raise ValueError(f"{target} is there already; give another name as --output, or --overwrite.")
    import_original(generator, critic=critic, class_names=class_names).save(target)
    say(f"Wrote {target}. Draw cells with: napari-biogans generate {target}")
    answer({"model": str(target), **model_facts(target)}, as_json=as_json, always=True)
    return 0
