"""The command line: the same calls as the Python API, with files in and files out.

Results go to standard output, progress and messages to standard error. The
exit code is 0 when all went well, 1 when the work failed, 2 when the arguments
make no sense, and 130 when it was stopped by Ctrl-C (with everything saved).
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import cyclopts
import numpy as np
from cyclopts import App, ArgumentCollection, Parameter, Token
from pydantic import ValidationError

from napari_biogans.cells import CellsError, read_cells, simulate_cells, write_cells
from napari_biogans.evaluation import overview_figure
from napari_biogans.files import replacing
from napari_biogans.models import Model, ModelFileError, import_original, load_model, read_latents
from napari_biogans.models.model import GreenLatents, Weights
from napari_biogans.training import Run, TrainingConfig, TrainingError, resume, train
from napari_biogans.training.configuration import explain
from napari_biogans.training.devices import choose_device
from napari_biogans.training.errors import TrainingStoppedError
from napari_biogans.training.presets import PRESETS, PresetName
from napari_biogans.training.starting import TAKEN_OVER

INTERRUPTED = 130
EXPECTED_ERRORS = (CellsError, ModelFileError, TrainingError, ValueError, OSError)


def _fill_from_preset(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Give settings that were not given those of the preset."""
    by_name = {argument.name: argument for argument in arguments}
    _refuse_taken_over(by_name)
    preset = by_name.get("--preset")
    if preset is None or not preset.tokens or preset.tokens[0].value not in PRESETS:
        return
    # What a model to start from decides is not contradicted by a preset.
    taken_over = TAKEN_OVER if by_name["--start-from"].tokens else ()
    asked_for = by_name["--architecture"].tokens
    settings = PRESETS[preset.tokens[0].value].settings_for(asked_for[0].value if asked_for else None)
    for name, value in settings.items():
        flag = f"--{name.replace('_', '-')}"
        if value is not None and name not in taken_over and not by_name[flag].tokens:
            by_name[flag].append(Token(keyword=flag, value=str(value), source="preset"))


def _refuse_taken_over(by_name: dict[str, cyclopts.Argument]) -> None:
    """Refuse settings that the model to start from decides."""
    if "--start-from" not in by_name or not by_name["--start-from"].tokens:
        return
    for name in TAKEN_OVER:
        flag = f"--{name.replace('_', '-')}"
        if by_name[flag].tokens:
            raise TrainingError(f"{flag} is taken over from the model to start from; leave it out.")


app = App(
    name="napari-biogans",
    help="Train GANs on two-channel images of single cells, and draw new cells.",
    config=_fill_from_preset,
)


def _default_folder(word: str) -> Path:
    return Path("runs") / f"{datetime.now():%Y-%m-%d-%H%M%S}-{word}"


@app.command(name="train")
def train_command(
    cells: Path,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    preset: PresetName | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    config: Annotated[TrainingConfig, Parameter(name="*")] = TrainingConfig(),  # noqa: B008 (frozen)
) -> int:
    """Train a model on cells. Ctrl-C stops it and saves everything; `resume` goes on.

    Parameters
    ----------
    cells
        A folder with a sub-folder of PNG or TIFF images per class, a folder of TIFF stacks (one per class),
        one stack, or an .npz file.
    output
        Folder for the run; default runs/DATE-ARCHITECTURE.
    preset
        Settings that go well together; `presets` lists them. Settings given by themselves come first.
    as_json
        Print what was made as JSON.
    """
    start = config.start_from
    if start and preset:
        PRESETS[preset].settings_for(load_model(start).architecture.name)  # refuses those for other architectures
    folder = output or _default_folder(f"from-{Path(start).stem}" if start else config.architecture)
    settings = {name: getattr(config, name) for name in config.__dataclass_fields__}
    model = train(cells, folder, **settings)
    return _finish_training(model, folder, config, as_json=as_json)


@app.command(name="resume")
def resume_command(
    run: Path,
    *,
    cells: Path | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    device: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Go on with a run from its last checkpoint, exactly as if it had not stopped.

    Parameters
    ----------
    run
        Folder of the run.
    cells
        The cells of the run, if they are no longer where they were.
    steps
        Generator steps in all; default as before.
    minutes
        Stop after so many minutes.
    device
        auto, cpu, cuda, cuda:1 or mps; default as before.
    as_json
        Print what was made as JSON.
    """
    model = resume(run, cells, steps=steps, minutes=minutes, device=device)
    return _finish_training(model, run, Run(run).config, as_json=as_json)


@app.command(name="generate")
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
    _say(f"Drew {images.shape[1]} cells of {', '.join(cells.class_names)} into {target}.")
    _answer({"files": [str(path) for path in paths], "cells": len(cells)}, as_json=as_json)
    return 0


@app.command(name="info")
def info_command(path: Path, *, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Say what a model, a run or a cell set is.

    Parameters
    ----------
    path
        A model file, the folder of a run, or cells (as for train).
    as_json
        Print it as JSON.
    """
    if path.suffix == ".safetensors":
        facts = _model_facts(path)
    elif (path / "config.json").exists():
        facts = _run_facts(path)
    else:
        facts = _cells_facts(path)
    _answer(facts, as_json=as_json, always=True)
    return 0


@app.command(name="import-original")
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
    _say(f"Wrote {target}. Draw cells with: napari-biogans generate {target}")
    _answer({"model": str(target), **_model_facts(target)}, as_json=as_json, always=True)
    return 0


@app.command(name="presets")
def presets_command(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """List the presets for `train --preset`, with what they set.

    Parameters
    ----------
    as_json
        Print them as JSON.
    """
    if as_json:
        _answer({name: asdict(preset) for name, preset in PRESETS.items()}, as_json=True)
        return 0
    for name, preset in PRESETS.items():
        print(f"{name}: {preset.summary}")
        print(f"    {_settings_text(preset.settings)}")
        if preset.multi_channel:
            print(f"    multi-channel: {_settings_text(preset.multi_channel)}")
        if preset.architectures:
            print(f"    for {', '.join(preset.architectures)}")
    return 0


@app.command(name="demo")
def demo_command(
    *,
    cells: Path | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    minutes: float = 2.3,
    seed: int = 0,
) -> int:
    """Watch a small GAN learn cells, in at most three minutes on a laptop, and get a picture of what it draws.

    Parameters
    ----------
    cells
        Cells to learn (as for train); default simulated fission yeast.
    output
        Folder for the run; default runs/DATE-demo.
    minutes
        Stop training after so many minutes.
    seed
        Of the simulated cells and of the training.
    """
    folder = output or _default_folder("demo")
    if cells is None:
        _say("Simulating fission yeast cells …")
        learned = simulate_cells(DEMO_CELLS, classes=[DEMO_CLASS], seed=seed, all_greens=False).cells
    else:
        learned = read_cells(cells, progress=True)
    _say(f"Training on {learned}.")
    settings = {**PRESETS["demo"].settings_for(), "minutes": minutes, "seed": seed}
    model = train(learned, folder, **settings)
    picture = folder / "overview.png"
    overview_figure(model, learned, seed=seed).savefig(picture, dpi=200)
    _say(
        f"\nAfter {model.header.step:,} steps the model draws cells of its own: look at\n  {picture}\n"
        f"The run is in {folder}: model.safetensors, metrics.csv, samples/ (open them in napari or ImageJ).\n"
        "What to do next:\n"
        f"  napari-biogans generate {folder} --n 64 --greens-per-red 8 --seed 0   draws more\n"
        f"  napari-biogans train CELLS --preset small                   trains on your cells\n"
        "  napari -w napari-biogans Train                              does it with a mouse"
    )
    print(picture)
    return INTERRUPTED if _was_interrupted(model, minutes) else 0


DEMO_CLASS = "cytoplasm"
DEMO_CELLS = 2000


def _finish_training(model: Model, folder: Path, config: TrainingConfig, *, as_json: bool) -> int:
    step = model.header.step
    facts = {"run": str(folder), "model": str(folder / "model.safetensors"), "step": step, **model.header.metrics}
    if step < config.steps:
        _say(f"Stopped at step {step} of {config.steps}, all saved. Go on with: napari-biogans resume {folder}")
    else:
        _say(f"All {step} steps done: {folder}. Draw cells with: napari-biogans generate {folder}")
    _answer(facts, as_json=as_json)
    return INTERRUPTED if _was_interrupted(model, config.minutes) else 0


def _was_interrupted(model: Model, minutes: float | None) -> bool:
    return minutes is None and model.header.step < model.header.training["steps"]


def _model_facts(path: Path) -> dict[str, Any]:
    model = load_model(path)
    header, shape = model.header, model.header.shape
    return {
        "kind": "model",
        "architecture": header.architecture,
        "image_size_pixels": list(shape.image_size),
        "pixel_size_um": header.pixel_size,
        "classes": list(header.class_names),
        "channels": list(header.channel_names),
        "intensity_range": [list(ends) for ends in header.intensity_range],
        "cell_type": header.dtype,
        "latent_size": shape.latent_size,
        "red_latent_size": model.red_latent_size,
        "width": shape.width,
        "red_portion": shape.red_portion if model.architecture.separable else None,
        "extra_layers": shape.extra_layers,
        "critic_width": None if model.critic is None else shape.critic_width,
        "critic_batch_norm": None if model.critic is None else shape.critic_batch_norm,
        "generator_parameters": sum(weight.numel() for weight in model.generator.parameters()),
        "critic_parameters": 0 if model.critic is None else sum(weight.numel() for weight in model.critic.parameters()),
        "weights": [name for name in model.networks if name != "critic"],
        "draws_from": header.draws_from,
        "steps": header.step,
        "objective": header.training.get("objective"),
        "package_version": header.package_version,
    }


def _run_facts(path: Path) -> dict[str, Any]:
    run = Run(path)
    checkpoints = run.checkpoints()
    return {
        "kind": "run",
        "architecture": run.config.architecture,
        "objective": run.config.objective,
        "steps_done": max(checkpoints, default=0),
        "steps_wanted": run.config.steps,
        "cells": dict(zip(run.cells_record["class_names"], run.cells_record["counts"], strict=True)),
        "cells_path": run.cells_record["path"],
        "last_metrics": run.last_metrics(),
        "checkpoints": [str(checkpoint) for checkpoint in checkpoints.values()],
        "model": str(run.model_path) if run.model_path.exists() else None,
    }


def _cells_facts(path: Path) -> dict[str, Any]:
    cells = read_cells(path, progress=sys.stderr.isatty())
    return {
        "kind": "cells",
        "cells": dict(zip(cells.class_names, cells.counts, strict=True)),
        "image_size_pixels": list(cells.size),
        "cell_type": cells.dtype.name,
        "channels": list(cells.channel_names),
        "intensity_range": cells.intensity_range.tolist(),
        "pixel_size_um": cells.pixel_size,
        "memory_mb": round(cells.nbytes / 1e6, 1),
    }


def _settings_text(settings: dict[str, Any]) -> str:
    texts = {name: "automatic" if value is None else _plain(value) for name, value in settings.items()}
    return ", ".join(f"{name.replace('_', '-')} {text}" for name, text in texts.items())


def _say(message: str) -> None:
    print(message, file=sys.stderr)


def _answer(facts: dict[str, Any], *, as_json: bool, always: bool = False) -> None:
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    elif always:
        width = max(len(name) for name in facts)
        for name, value in facts.items():
            print(f"{name.replace('_', ' '):<{width}}  {_plain(value)}")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list):
        parts = [f"[{_plain(part)}]" if isinstance(part, list) else _plain(part) for part in value]
        return ", ".join(parts) or "none"
    if value is None:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    warnings.showwarning = lambda message, *_, **__: _say(f"Note: {message}")
    try:
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        reason = error.__cause__
        _say(f"Error: {explain(reason) if isinstance(reason, ValidationError) else error}")
        return 2
    except TrainingStoppedError as error:
        _say(str(error))
        return INTERRUPTED
    except EXPECTED_ERRORS as error:
        _say(f"Error: {error}")
        return 1
    except MemoryError as error:
        _say(f"Error: there is too little memory for this; ask for fewer cells. ({error})")
        return 1
    except KeyboardInterrupt:
        _say("Interrupted.")
        return INTERRUPTED
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
