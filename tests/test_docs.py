"""What docs/architectures.md says is so: its code runs, its figures are there, its numbers are the networks'."""

import importlib.util
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_biogans.cells import read_cells, simulate_cells, write_cells
from napari_biogans.cli import main
from napari_biogans.models import ARCHITECTURES

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "architectures.md").read_text(encoding="utf-8")
ORIGINALS = Path(__file__).parent / "data" / "original"
SIX, THREE = ("Alp14 Arp3 Cki2 Mkh1 Sid2 Tea1", "Alp14 Arp3 Cki2")
FIGURES = [*ARCHITECTURES, "multi-channel-data"]


def code_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def commands():
    """Give the arguments of every command on the page."""
    return [shlex.split(line)[1:] for block in code_blocks("sh") for line in block.splitlines() if line]


def table_rows(heading):
    """Give the rows of the first table below a heading, by the architecture in their first cell."""
    lines = PAGE.partition(f"\n{heading}\n")[2].splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("|"))
    rows = {}
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[name.strip("`")] = cells
    return rows


@pytest.fixture(scope="module")
def drawing():
    spec = importlib.util.spec_from_file_location("draw_architectures", DOCS / "draw_architectures.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with all files that the page names, but smaller."""
    classes = ["nucleus", "cytoplasm", "tips"]
    write_cells(simulate_cells(10, size=(24, 40), classes=classes, all_greens=False).cells, tmp_path / "cells")
    shutil.copy(ORIGINALS / "star-shaped.netG.pth", tmp_path / "netG_iter_50000.pth")
    shutil.copy(ORIGINALS / "star-critic.netD.pth", tmp_path / "netD_iter_50000.pth")
    torch.save(torch.randn(5, 12, 1, 1, generator=torch.Generator().manual_seed(0)), tmp_path / "fixed_noise_1.pth")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_python_code_runs(folder):
    names = {}
    for block in code_blocks("python"):
        small = re.sub(r"steps=2000, width=\d+", "steps=1, width=4, batch_size=4, critic_steps=1", block)
        exec(small.replace(', "Mkh1", "Sid2", "Tea1"', ""), names)
    assert names["star"].architecture.name == "star-shaped"
    assert names["deeper"].header.shape.extra_layers == 2
    assert names["made_up"].architecture.name == "multi-channel-separable"
    assert names["latents"].shape == (4, 100)
    assert names["by_class"].shape == (3, 4, 100)
    assert names["one_class"].shape == (1, 16, 2, 48, 80)
    assert np.array_equal(names["one_class"][0], names["model"].generate(16, seed=0)[1])
    greens = names["greens"]
    assert greens.shape == (3, 16, 2, 48, 80)
    assert (greens[:, :8, 0] == greens[0, 0, 0]).all()
    assert names["more_greens"].shape == (3, 32, 2, 48, 80)
    assert names["original"].class_names == ("Alp14", "Arp3", "Cki2")
    assert names["original"].critic is not None
    assert names["original"].header.step == 50_000
    assert (folder / "original.safetensors").is_file()


def test_the_commands_run(folder):
    train, import_original, generate = (shlex.split(shlex.join(command).replace(SIX, THREE)) for command in commands())
    small = ["--steps", "1", "--width", "2", "--batch-size", "4", "--critic-steps", "1"]
    assert main([*train, *small]) == 0
    assert (folder / "runs" / "paper" / "model.safetensors").is_file()
    assert main(import_original) == 0
    assert main(generate) == 0
    drawn = read_cells(folder / "drawn")
    assert drawn.class_names == tuple(THREE.split())
    assert drawn.counts == (5, 5, 5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_has_a_heading_and_its_figure(name):
    _, heading, rest = PAGE.partition(f"\n### {name}\n")
    assert heading
    assert f"](images/architectures/{name}.svg)" in re.split(r"\n##", rest)[0]


def test_all_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(targets) > len(FIGURES)
    assert not [target for target in targets if "://" not in target and not (DOCS / target).is_file()]


def test_the_figures_that_are_kept_are_those_that_are_drawn(drawing, tmp_path):
    drawing.main(["--output", str(tmp_path)])
    kept = {path.name for path in (DOCS / "images" / "architectures").iterdir()}
    assert kept == {path.name for path in tmp_path.iterdir()}
    assert kept == {f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}


def test_the_costs_are_those_of_the_networks(drawing, capsys):
    drawing.main(["--costs"])
    printed = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in capsys.readouterr().out.splitlines()
    ]
    on_page = table_rows("## What each costs")
    assert list(on_page)[2:] == list(ARCHITECTURES)
    for name, *numbers in printed[2:]:
        # Behind them the page has what a step takes, which is measured and not computed.
        assert on_page[name][: len(numbers)] == numbers


def test_what_can_be_asked_for_is_what_the_architectures_say():
    rows = table_rows("## Drawing with one")
    for name, architecture in ARCHITECTURES.items():
        able = (
            not architecture.pools_classes,
            architecture.separable,
            architecture.shares_red,
            architecture.green_latent_per_class,
        )
        assert rows[name] == ["yes" if can else "" for can in able]
