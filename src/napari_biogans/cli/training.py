"""Verbs that train: train, resume, presets, demo."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from napari_biogans.cells import read_cells, simulate_cells
from napari_biogans.cli.app import INTERRUPTED, answer, default_folder, is_one_of_several, plain, say
from napari_biogans.evaluation import overview_figure
from napari_biogans.models import Model, load_model
from napari_biogans.training import Event, Run, Saved, Started, TrainingConfig, resume, train
from napari_biogans.training.device_memory import peak_words
from napari_biogans.training.presets import PRESETS, PresetName

DEMO_CLASS = "cytoplasm"
DEMO_CELLS = 2000


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
    folder = output or default_folder(f"from-{Path(start).stem}" if start else config.architecture)
    settings = {name: getattr(config, name) for name in config.__dataclass_fields__}
    told = _Told()
    model = train(cells, folder, on_event=told.note, **settings)
    return _finish_training(model, folder, config, told, as_json=as_json)


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
    told = _Told()
    model = resume(run, cells, steps=steps, minutes=minutes, device=device, on_event=told.note)
    return _finish_training(model, run, Run(run).config, told, as_json=as_json)


def presets_command(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """List the presets for `train --preset`, with what they set.

    Parameters
    ----------
    as_json
        Print them as JSON.
    """
    if as_json:
        answer({name: asdict(preset) for name, preset in PRESETS.items()}, as_json=True)
        return 0
    for name, preset in PRESETS.items():
        print(f"{name}: {preset.summary}")
        print(f"    {_settings_text(preset.settings)}")
        if preset.multi_channel:
            print(f"    multi-channel: {_settings_text(preset.multi_channel)}")
        if preset.architectures:
            print(f"    for {', '.join(preset.architectures)}")
    return 0


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
    if is_one_of_several():
        raise ValueError("The demo is for one process; torchrun starts train and resume.")
    folder = output or default_folder("demo")
    if cells is None:
        say("Simulating fission yeast cells …")
        learned = simulate_cells(DEMO_CELLS, classes=[DEMO_CLASS], seed=seed, all_greens=False).cells
    else:
        learned = read_cells(cells, progress=True)
    say(f"Training on {learned}.")
    model = train(learned, folder, preset="demo", minutes=minutes, seed=seed)
    picture = folder / "overview.png"
    overview_figure(model, learned, seed=seed).savefig(picture, dpi=200)
    say(
        f"\nAfter {model.header.step:,} steps the model draws cells of its own: look at\n  {picture}\n"
        f"The run is in {folder}: model.safetensors, metrics.csv, samples/ (open them in napari or ImageJ).\n"
        "What to do next:\n"
        f"  napari-biogans generate {folder} --n 64 --greens-per-red 8 --seed 0   draws more\n"
        f"  napari-biogans train CELLS --preset small                   trains on your cells\n"
        "  napari -w napari-biogans Train                              does it with a mouse"
    )
    print(picture)
    return INTERRUPTED if _was_interrupted(model, minutes) else 0


class _Told:
    """What a training told of its memory."""

    def __init__(self) -> None:
        self.device = ""
        self.peak_memory: int | None = None

    def note(self, event: Event) -> None:
        if isinstance(event, Started):
            self.device = event.device
        elif isinstance(event, Saved):
            self.peak_memory = event.peak_memory


def _finish_training(model: Model, folder: Path, config: TrainingConfig, told: _Told, *, as_json: bool) -> int:
    step = model.header.step
    facts = {
        "run": str(folder),
        "model": str(folder / "model.safetensors"),
        "step": step,
        **model.header.metrics,
        "peak_memory_bytes": told.peak_memory,
    }
    if step < config.steps:
        say(f"Stopped at step {step} of {config.steps}, all saved. Go on with: napari-biogans resume {folder}")
    else:
        say(f"All {step} steps done: {folder}. Draw cells with: napari-biogans generate {folder}")
    if told.peak_memory is not None:
        say(f"The {peak_words(told.peak_memory, told.device)}.")
    answer(facts, as_json=as_json)
    return INTERRUPTED if _was_interrupted(model, config.minutes) else 0


def _was_interrupted(model: Model, minutes: float | None) -> bool:
    return minutes is None and model.header.step < model.header.training["steps"]


def _settings_text(settings: dict[str, Any]) -> str:
    texts = {name: "automatic" if value is None else plain(value) for name, value in settings.items()}
    return ", ".join(f"{name.replace('_', '-')} {text}" for name, text in texts.items())
