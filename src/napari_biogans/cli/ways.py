"""Verbs that go from cell to cell: interpolate, cell-cycle."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from napari_biogans.cells import read_cells
from napari_biogans.cli.app import answer, check_output, records, say
from napari_biogans.latent import cell_cycle, interpolate
from napari_biogans.latent.interpolate import Way
from napari_biogans.models import load_model, read_latents
from napari_biogans.training.devices import choose_device

KEYS = 4
"""Cells to draw where no latents are given."""


def interpolate_command(
    model: Path,
    *,
    latents: Path | None = None,
    rows: Annotated[list[int] | None, Parameter(consume_multiple=True)] = None,
    n: Annotated[int | None, Parameter(name=["--n", "-n"])] = None,
    seed: int | None = None,
    frames: int = 60,
    mode: Way = "spherical",
    loop: bool = False,
    device: str = "auto",
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Draw the way from cell to cell, of all classes, as films, frames and a table of measurements.

    Parameters
    ----------
    model
        A model file or the folder of a run.
    latents
        Key cells: a .npy file, such as latents.npy of generate or reconstruct; default new cells.
    rows
        Which rows of the file, in this order, counted from 0; default all.
    n
        How many new key cells to draw where no latents are given; default 4.
    seed
        Of new key cells; default new ones each time.
    frames
        In all.
    mode
        spherical: along great circles, where latents stay as long as those that models draw from; or linear.
    loop
        Go back to the first key cell.
    device
        auto, cpu, cuda, cuda:1 or mps.
    output
        Folder for film.gif, film.mp4, frames.tif, measurements.csv and a figure; default way-DATE.
    as_json
        Print what was made as JSON.
    """
    target = output or Path(f"way-{datetime.now():%Y-%m-%d-%H%M%S}")
    check_output(target)
    opened = load_model(model, choose_device(device))
    if latents is None:
        if rows is not None:
            raise ValueError("--rows are those of --latents; give the file, too.")
        keys = opened.draw_latents(KEYS if n is None else n, seed=seed)
    elif n is not None or seed is not None:
        raise ValueError("Give either --latents, or --n and --seed; not both.")
    else:
        keys = read_latents(latents)
        if rows is not None:
            if wrong := [row for row in rows if not 0 <= row < len(keys)]:
                raise ValueError(f"{latents} has rows 0 to {len(keys) - 1}, not {', '.join(map(str, wrong))}.")
            keys = keys[rows]
    way = interpolate(opened, keys, frames=frames, mode=mode, loop=loop)
    paths = way.save(target)
    say(f"Drew {len(way)} frames between {len(way.keys)} cells into {target}.")
    answer({"files": [str(path) for path in paths], "frames": len(way), "keys": way.keys.tolist()}, as_json=as_json)
    return 0


def cell_cycle_command(
    model: Path,
    cells: Path,
    *,
    order_by: str = "length",
    stages: int = 6,
    frames: int = 120,
    way: Way = "spherical",
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Make the film of the cell cycle: rebuild a real cell of each stage, and draw the way from one to the next.

    Parameters
    ----------
    model
        A model file or the folder of a run.
    cells
        Real cells (as for train).
    order_by
        What grows with age: a feature of the cells (a column of their table), or length, width, area or
        mean_CHANNEL, which are measured where the cells do not have them.
    stages
        Real cells that are rebuilt.
    frames
        In all.
    way
        From stage to stage: spherical or linear.
    steps
        Most evaluations of the search for each latent; default 150.
    seed
        Of the search.
    device
        auto, cpu, cuda, cuda:1 or mps.
    output
        Folder for film.gif, film.mp4, frames.tif, tables and figures; default cell-cycle-DATE.
    as_json
        Print the table of the stages as JSON.
    """
    target = output or Path(f"cell-cycle-{datetime.now():%Y-%m-%d-%H%M%S}")
    check_output(target, cells)
    cycle = cell_cycle(
        load_model(model),
        read_cells(cells),
        order_by=order_by,
        stages=stages,
        frames=frames,
        way=way,
        steps=steps,
        seed=seed,
        device=device,
    )
    cycle.save(target)
    if as_json:
        answer({"stages": records(cycle.to_frame())}, as_json=True)
    else:
        print(cycle)
    say(f"Wrote {target}: film.gif, film.mp4, frames.tif, cell-cycle.png and stages/.")
    return 0
