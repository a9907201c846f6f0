"""The public names, and what importing them costs."""

import subprocess
import sys

import pytest

import napari_biogans as biogans

BLOCK_PLUGIN_LIBRARIES = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"napari", "npe2", "qtpy", "magicgui", "superqt", "pyqtgraph", "PyQt5", "PyQt6",
                                      "PySide2", "PySide6", "vispy"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
"""

WHOLE_ENGINE = """
import napari_biogans as biogans
from napari_biogans.cli import main

folder = sys.argv[1]
settings = ["--width", "2", "--latent-size", "8", "--batch-size", "4", "--critic-steps", "1"]
biogans.write_cells(biogans.simulate_cells(4, size=(24, 40), classes=["nucleus"]).cells, folder + "/cells")
assert main(["train", folder + "/cells", "--steps", "2", "--output", folder + "/run", *settings]) == 0
assert main(["resume", folder + "/run", "--steps", "3"]) == 0
assert main(["generate", folder + "/run", "--n", "4", "--output", folder + "/drawn"]) == 0
assert main(["info", folder + "/drawn"]) == 0
assert main(["demo", "--cells", folder + "/cells", "--minutes", "0.01", "--output", folder + "/demo"]) == 0
"""


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("name", biogans.__all__)
def test_every_public_name_is_there_with_a_docstring(name):
    thing = getattr(biogans, name)
    assert thing.__doc__
    assert name in dir(biogans)


def test_no_other_names():
    assert set(biogans.__all__) == {"__version__", *biogans._HOME_OF}
    with pytest.raises(AttributeError, match="colour"):
        biogans.colour  # noqa: B018


def test_importing_the_package_loads_nothing_heavy():
    result = run_python("import sys, napari_biogans; print(*sys.modules)")
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert "napari_biogans" in loaded
    assert not loaded & {
        "torch",
        "numpy",
        "pandas",
        "napari",
        "qtpy",
        "PyQt6",
        "matplotlib",
        "scipy",
        "skimage",
        "pydantic",
    }


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_the_command_line_loads_nothing_heavy_before_it_works(arguments):
    code = "import sys; from napari_biogans.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    result = run_python(code, *arguments)
    loaded = {name.partition(".")[0] for name in result.stdout.splitlines()[-1].split()}
    assert "cyclopts" in loaded
    assert not loaded & {"torch", "numpy", "pandas", "scipy", "matplotlib", "skimage"}


def test_the_package_runs_as_the_command_line_and_loads_nothing_heavy():
    def run_module(*arguments):
        return subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "napari_biogans", *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    helped = run_module("--help")
    assert helped.returncode == 0
    assert "Usage: napari-biogans COMMAND" in helped.stdout
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in helped.stderr.splitlines()}
    assert "cyclopts" in loaded
    assert not loaded & {"torch", "numpy", "pandas", "napari", "qtpy", "PyQt6"}
    assert run_module("info").returncode == 2


@pytest.mark.parametrize("part", ["training", "evaluation", "latent"])
def test_what_docks_load_leaves_figures_and_statistics_for_later(part):
    result = run_python(f"import sys, napari_biogans.{part}; print(*sys.modules)")
    loaded = set(result.stdout.split())
    assert "torch" in loaded
    assert not loaded & {"matplotlib.figure", "scipy.stats", "skimage.measure"}


def test_the_whole_engine_runs_without_napari_and_qt(tmp_path):
    result = run_python(BLOCK_PLUGIN_LIBRARIES + WHOLE_ENGINE, str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "demo" / "overview.png").exists()
