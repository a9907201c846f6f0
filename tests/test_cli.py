"""The command line, called as a user calls it."""

import inspect
import json
import os
import re
import signal
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from napari_biogans.cells import read_cells, simulate_cells, write_cells
from napari_biogans.cells.neighbours import SearchStoppedError
from napari_biogans.cli import main
from napari_biogans.cli.verbs import VERBS
from napari_biogans.models import load_model
from napari_biogans.training import Run, preparing
from napari_biogans.training.presets import PRESETS

TINY = ["--width", "2", "--latent-size", "8", "--batch-size", "4", "--critic-steps", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with cells and a run of three steps on them."""
    folder = tmp_path_factory.mktemp("cli")
    write_cells(simulate_cells(4, size=(24, 40), classes=["nucleus"], all_greens=False).cells, folder / "cells")
    assert main(["train", str(folder / "cells"), "--steps", "3", "--output", str(folder / "run"), *TINY]) == 0
    return folder


def answer_of(capsys, *arguments):
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_train_leaves_a_run_and_says_what_to_do_next(folder, tmp_path, capsys):
    assert main(["train", str(folder / "cells"), "--steps", "1", "-o", str(tmp_path / "run"), *TINY]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"napari-biogans generate {tmp_path / 'run'}" in captured.err
    assert load_model(tmp_path / "run").header.step == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak")
def test_train_and_resume_say_how_much_memory_they_took(folder, tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ("--steps", 1, "-o", run, *TINY)
    first = answer_of(capsys, "train", folder / "cells", *arguments)["peak_memory_bytes"]
    assert answer_of(capsys, "resume", run, "--steps", 2)["peak_memory_bytes"] >= first > 10**7
    assert main(["resume", str(run), "--steps", "3"]) == 0
    assert "memory of the whole process: " in capsys.readouterr().err


def test_settings_reach_the_run(folder):
    config = Run(folder / "run").config
    assert (config.width, config.latent_size, config.batch_size, config.critic_steps) == (2, 8, 4, 1)


def test_a_preset_fills_what_is_not_given(folder, tmp_path):
    arguments = ["--preset", "small", "--steps", "1", "--batch-size", "4", "--output", str(tmp_path / "run")]
    assert main(["train", str(folder / "cells"), *arguments]) == 0
    config = Run(tmp_path / "run").config
    assert (config.width, config.batch_size, config.steps) == (16, 4, 1)


def test_resume_goes_on(folder, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", str(folder / "cells"), "--steps", "2", "--output", str(run), *TINY]) == 0
    assert answer_of(capsys, "resume", run, "--steps", 5)["step"] == 5
    assert main(["resume", str(run)]) == 1
    assert "this run is at step 5 already" in capsys.readouterr().err


def test_a_time_limit_is_not_a_failure(folder, tmp_path, capsys):
    arguments = ["--minutes", "0.001", "--steps", "1000000", "--output", str(tmp_path / "run")]
    assert main(["train", str(folder / "cells"), *arguments, *TINY]) == 0
    assert "napari-biogans resume" in capsys.readouterr().err


def test_generate_writes_stacks_that_read_back(folder, tmp_path, capsys):
    answer = answer_of(capsys, "generate", folder / "run", "--n", 5, "--seed", 1, "--output", tmp_path / "drawn")
    assert answer["cells"] == 5
    drawn = read_cells(tmp_path / "drawn")
    assert drawn.class_names == ("nucleus",)
    assert drawn.pixel_size == pytest.approx(0.4)
    assert np.array_equal(drawn.images[0], load_model(folder / "run").generate(5, seed=1)[0])
    assert tifffile.imread(answer["files"][0]).shape == (5, 2, 24, 40)


def test_generate_draws_the_same_from_its_latents(folder, tmp_path, capsys):
    answer_of(capsys, "generate", folder / "run", "--n", 4, "--output", tmp_path / "first")
    latents = tmp_path / "first" / "latents.npy"
    answer_of(capsys, "generate", folder / "run", "--latents", latents, "--output", tmp_path / "second")
    first, second = (read_cells(tmp_path / name).images[0] for name in ("first", "second"))
    assert np.array_equal(first, second)


def test_generate_draws_many_greens_for_each_red(folder, tmp_path, capsys):
    arguments = ["--n", 3, "--greens-per-red", 4, "--seed", 0, "--output", tmp_path / "drawn.npz"]
    assert answer_of(capsys, "generate", folder / "run" / "model.safetensors", *arguments)["cells"] == 12
    images = read_cells(tmp_path / "drawn.npz").images[0].reshape(3, 4, 2, 24, 40)
    assert (images[:, :, 0] == images[:, :1, 0]).all()


def test_generate_writes_over_nothing_unless_asked(folder, tmp_path, capsys):
    arguments = ["generate", str(folder / "run"), "--n", "2", "--output", str(tmp_path / "drawn")]
    assert main(arguments) == 0
    assert main(arguments) == 1
    assert "already" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0


def test_info_tells_models_runs_and_cells_apart(folder, capsys):
    model = answer_of(capsys, "info", folder / "run" / "model.safetensors")
    assert (model["kind"], model["latent_size"], model["image_size_pixels"]) == ("model", 8, [24, 40])
    run = answer_of(capsys, "info", folder / "run")
    assert (run["kind"], run["steps_done"], run["cells"]) == ("run", 3, {"nucleus": 4})
    cells = answer_of(capsys, "info", folder / "cells")
    assert (cells["kind"], cells["cells"], cells["cell_type"]) == ("cells", {"nucleus": 4}, "uint8")


def test_info_is_readable_without_json(folder, capsys):
    assert main(["info", str(folder / "run")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "kind          run" in lines
    assert any(line.split() == ["cells", "nucleus:", "4"] for line in lines)


def test_the_demo_is_for_one_process(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["demo", "--cells", str(folder / "cells"), "-o", str(tmp_path / "demo")]) == 1
    assert "for one process" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held back on Windows")
def test_only_verbs_that_processes_share_hold_sigterm_back(monkeypatch):
    """Until the training takes it; nothing else would ever."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    monkeypatch.setenv("WORLD_SIZE", "2")
    try:
        for verb, is_held in (("info", False), ("train", True)):
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            main([verb, "--no-such-option"])
            assert (signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, [])) is is_held
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_demo_makes_a_run_and_a_picture(folder, tmp_path, capsys):
    assert main(["demo", "--cells", str(folder / "cells"), "--minutes", "0.01", "-o", str(tmp_path / "demo")]) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == str(tmp_path / "demo" / "overview.png")
    assert (tmp_path / "demo" / "overview.png").read_bytes().startswith(b"\x89PNG")
    assert "What to do next" in captured.err


@pytest.mark.parametrize("command", VERBS)
def test_help_is_there_for_every_command(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"Usage: napari-biogans {command}" in capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_descriptions_whole(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")  # so that names of options are not broken into lines, too

    def plain(text):
        # Neither how it is broken into lines nor what marks code matters.
        return re.sub(r"[\s│`]", "", text)

    assert main([verb, "--help"]) == 0
    shown = plain(capsys.readouterr().out)
    module, function = VERBS[verb][0].split(":")
    documentation = inspect.getdoc(getattr(import_module(f"napari_biogans.cli.{module}"), function))
    told = [line for line in documentation.splitlines() if line.startswith("    ")]
    assert [line for line in told if plain(line) not in shown] == []


def test_the_list_of_verbs_says_what_they_say_of_themselves():
    """The list is shown without loading them."""
    for place, summary in VERBS.values():
        module, name = place.split(":")
        described = getattr(import_module(f"napari_biogans.cli.{module}"), name).__doc__
        assert " ".join(described.partition("\n\n")[0].split()) == summary


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train"], 2, "--cells"),
        (["train", "cells", "--steps", "0"], 2, "steps: Input should be greater than or equal to 1"),
        (["train", "cells", "--steps", "many"], 2, "many"),
        (["train", "cells", "--colour", "blue"], 2, "--colour"),
        (["train", "cells", "--preset", "small", "--architecture", "sphere"], 2, "sphere"),
        (["fly"], 2, "fly"),
        (["train", "no-such-cells"], 1, "no-such-cells"),
        (["resume", "no-such-run"], 1, "no-such-run"),
        (["generate", "no-such-model"], 1, "no-such-model"),
        (["info", "no-such-thing"], 1, "no-such-thing"),
    ],
)
def test_mistakes_get_a_message_and_a_code(arguments, code, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert not list(tmp_path.iterdir())


def test_latents_that_do_not_fit_are_refused(folder, tmp_path, capsys):
    np.save(tmp_path / "latents.npy", np.zeros((3, 5), np.float32))
    arguments = ["generate", str(folder / "run"), "--latents", str(tmp_path / "latents.npy")]
    assert main(arguments) == 1
    assert "(N, 8)" in capsys.readouterr().err
    assert main([*arguments, "--seed", "3"]) == 1
    assert "not both" in capsys.readouterr().err
    capsys.readouterr()
    for content in (np.array([{"a": 1}], dtype=object), np.array(["text"])):
        np.save(tmp_path / "latents.npy", content, allow_pickle=True)
        assert main(arguments) == 1
    (tmp_path / "latents.npy").write_text("no array")
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told.count("not latents, which are numbers in a .npy file") == 3
    assert "pickle" not in told, "no advice to open it all the same"


# -- several classes, and files of the original release

CASES = Path(__file__).parent / "data" / "original"


@pytest.fixture(scope="module")
def star(tmp_path_factory):
    """A star-shaped run on cells of two classes."""
    folder = tmp_path_factory.mktemp("star")
    cells = simulate_cells(4, size=(24, 40), classes=["nucleus", "tips"], all_greens=False).cells
    write_cells(cells, folder / "cells")
    arguments = ["--architecture", "star-shaped", "--steps", "2", "--output", str(folder / "run")]
    assert main(["train", str(folder / "cells"), *arguments, *TINY]) == 0
    return folder / "run"


def test_chosen_classes_are_drawn(star, tmp_path, capsys):
    drawn = tmp_path / "drawn"
    answer_of(capsys, "generate", star, "--n", 3, "--seed", 0, "--classes", "tips", "nucleus", "--output", drawn)
    cells = read_cells(drawn)
    assert cells.class_names == ("tips", "nucleus")
    assert np.array_equal(np.stack(cells.images), load_model(star).generate(3, seed=0, classes=["tips", "nucleus"]))
    assert main(["generate", str(star), "--classes", "septum", "--output", str(tmp_path / "none")]) == 1
    assert "no class 'septum'; it has nucleus, tips" in capsys.readouterr().err


def test_green_latents_per_class_can_be_drawn_again(star, tmp_path, capsys):
    own = ["--green-latents", "per-class", "--n", 3, "--seed", 0]
    answer_of(capsys, "generate", star, *own, "--output", tmp_path / "first")
    latents = tmp_path / "first" / "latents.npy"
    assert np.load(latents).shape == (2, 3, 8)
    answer_of(capsys, "generate", star, "--latents", latents, "--output", tmp_path / "second")
    first, second = (read_cells(tmp_path / name) for name in ("first", "second"))
    assert all(np.array_equal(*pair) for pair in zip(first.images, second.images, strict=True))
    assert np.array_equal(first.images[0][:, 0], first.images[1][:, 0])
    assert main(["generate", str(star), "--latents", str(latents), "--green-latents", "per-class"]) == 1
    assert "not both" in capsys.readouterr().err


def test_a_generator_of_the_original_release_becomes_a_model(tmp_path, capsys):
    target = tmp_path / "star.safetensors"
    arguments = ["--critic", CASES / "star-critic.netD.pth", "--class-names", "Alp14", "Arp3", "Cki2"]
    facts = answer_of(capsys, "import-original", CASES / "star-shaped.netG.pth", *arguments, "--output", target)
    assert facts["architecture"] == "star-shaped"
    assert facts["classes"] == ["Alp14", "Arp3", "Cki2"]
    assert facts["critic_parameters"] > 0
    assert load_model(target).class_names == ("Alp14", "Arp3", "Cki2")
    again = ["import-original", str(CASES / "star-shaped.netG.pth"), "--output", str(target)]
    assert main(again) == 1
    assert "is there already" in capsys.readouterr().err
    assert main([*again, "--overwrite"]) == 0
    assert load_model(target).class_names == ("class 1", "class 2", "class 3")


def test_published_noise_draws_the_published_images(tmp_path, capsys):
    assert main(["import-original", str(CASES / "star-shaped.netG.pth"), "-o", str(tmp_path / "m.safetensors")]) == 0
    with np.load(CASES / "star-shaped.generator.npz") as case:
        noise, images = case["z"], case["images_eval"]
    torch.save(torch.from_numpy(noise)[:, :, None, None], tmp_path / "fixed_noise_1.pth")
    arguments = ["--latents", tmp_path / "fixed_noise_1.pth", "--output", tmp_path / "drawn"]
    answer_of(capsys, "generate", tmp_path / "m.safetensors", *arguments)
    drawn = np.stack(read_cells(tmp_path / "drawn").images)
    assert np.abs(drawn - np.round((images + 1) * 127.5)).max() <= 1


def test_what_is_no_file_of_the_release_is_refused(tmp_path, capsys):
    (tmp_path / "netG.pth").write_bytes(b"nothing")
    assert main(["import-original", str(tmp_path / "netG.pth")]) == 1
    assert "nothing in it was run" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["netG.pth"]
    assert main(["generate", str(CASES / "one-class.netG.pth")]) == 1
    assert "import-original" in capsys.readouterr().err


def test_presets_are_listed(capsys):
    assert main(["presets"]) == 0
    listed = capsys.readouterr().out
    for name, preset in PRESETS.items():
        assert f"{name}: {preset.summary}" in listed
    assert "protocol paper" in listed
    assert answer_of(capsys, "presets")["paper-joint"]["settings"]["steps"] == 500_000


def test_a_preset_brings_the_architecture_it_is_for(star, tmp_path, capsys):
    cells = str(star.parent / "cells")
    arguments = ["--preset", "paper-class", "--steps", "1", "--width", "2", "--batch-size", "2", "--device", "cpu"]
    assert main(["train", cells, *arguments, "--output", str(tmp_path / "run")]) == 0
    config = Run(tmp_path / "run").config
    assert (config.architecture, config.protocol) == ("star-shaped", "paper")
    other = ["train", cells, *arguments, "--architecture", "joint", "--output", str(tmp_path / "other")]
    assert main(other) == 1
    assert "paper-class is for star-shaped" in capsys.readouterr().err


def test_a_multi_channel_preset_is_wider(star, tmp_path, monkeypatch):
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
    arguments = ["--architecture", "multi-channel", "--preset", "demo", "--steps", "1", "--batch-size", "2"]
    assert main(["train", str(star.parent / "cells"), *arguments, "--output", str(tmp_path / "run")]) == 0
    assert Run(tmp_path / "run").config.width == PRESETS["demo"].multi_channel["width"]
    assert load_model(tmp_path / "run").latent_size == 150


def test_ctrl_c_before_the_first_step_leaves_nothing(star, tmp_path, monkeypatch, capsys):
    def search(*_, should_stop, **__):
        os.kill(os.getpid(), signal.SIGINT)
        while not should_stop():
            time.sleep(0.01)
        raise SearchStoppedError

    monkeypatch.setattr(preparing, "find_red_neighbours", search)
    arguments = ["--architecture", "multi-channel", "--output", str(tmp_path / "run")]
    assert main(["train", str(star.parent / "cells"), *arguments, *TINY]) == 130
    assert "nothing to keep" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_preset_does_not_contradict_the_model_to_start_from(star, tmp_path):
    arguments = ["--start-from", str(star), "--preset", "small", "--steps", "1", "--batch-size", "2"]
    assert main(["train", str(star.parent / "cells"), *arguments, "--output", str(tmp_path / "run")]) == 0
    config = Run(tmp_path / "run").config
    assert (config.architecture, config.width, config.sample_every) == ("star-shaped", 2, 100)
    assert main(["train", str(star.parent / "cells"), *arguments, "--width", "8", "-o", str(tmp_path / "other")]) == 1
    for more in (["--architecture", "joint-separable"], ["--preset", "paper-joint"]):
        started = ["train", str(star.parent / "cells"), "--start-from", str(star), *more]
        assert main([*started, "-o", str(tmp_path / "other")]) == 1
    assert not (tmp_path / "other").exists()


def test_too_many_cells_are_refused(star, capsys):
    assert main(["generate", str(star), "--n", "100000000000000"]) == 1
    assert "ask for fewer cells" in capsys.readouterr().err
