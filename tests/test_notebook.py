"""The tutorial without a viewer, docs/tutorial.ipynb, runs in a Jupyter kernel of its own, from fields to answers."""

import os
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
import tifffile
from nbclient import NotebookClient

from napari_biogans.cells import bbbc013
from napari_biogans.training import Run

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"
RAW = Path(os.environ.get("BIOGANS_REAL_CELLS") or "no folder").parent / "raw"
# Instead of the cell with the tag "parameters": all that takes time is short.
PARAMETERS = (
    'folder = Path("every-dose")\nsteps, width = 2, 2\ndraws, search_steps = 2, 2\ntest = {"splits": 2, "steps": 2}'
)


@pytest.fixture
def kernel_home(tmp_path, monkeypatch):
    """A folder whose startup files a Jupyter kernel runs."""
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    return startup


def run(folder):
    """Run the notebook in a folder, with what takes time cut short, and give it back with its outputs."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    names = {line.split("=")[0].strip() for line in parameters.source.splitlines()}
    assert names == {line.split("=")[0].strip() for line in PARAMETERS.splitlines()}
    parameters.source = PARAMETERS
    folder.mkdir()
    return NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()


def check(notebook, folder, doses):
    """Every step has left what it promises."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output for output in outputs if "image/jpeg" in output.get("data", {})]
    assert len(pictures) == 7
    printed = "".join(output.get("text", "") for output in outputs if output.get("name") == "stdout")
    assert "cells to learn from" in printed
    assert "left out" in printed
    work = folder / "every-dose"
    names = [f"dose {dose:02d}" for dose in doses]
    assert Run(work / "run").config.architecture == "star-shaped"
    assert [tifffile.imread(work / "cells" / f"{name}.cells.tif").shape[1:] for name in names] == [(2, 48, 80)] * len(
        names
    )
    with np.load(work / "every-dose" / "completions.npz") as answer:
        assert list(answer["class_names"]) == names
        assert answer["mean"].shape == (len(names), 8, 1, 48, 80)


def test_it_runs_on_simulated_fields(simulated_bbbc013, kernel_home, tmp_path):
    (kernel_home / "fields.py").write_text(
        "from pathlib import Path\nfrom napari_biogans.cells import bbbc013\n"
        f"bbbc013.REGISTRY = Path({str(bbbc013.REGISTRY)!r})\nbbbc013.BASE_URL = {bbbc013.BASE_URL!r}\n"
    )
    check(run(tmp_path / "work"), tmp_path / "work", (0, 5, 9))


@pytest.mark.skipif(not RAW.is_dir(), reason="BIOGANS_REAL_CELLS names no folder with real fields beside it")
def test_it_runs_on_the_real_fields(kernel_home, tmp_path, monkeypatch):
    shutil.copytree(RAW, tmp_path / "cache" / "bbbc013")
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
    check(run(tmp_path / "work"), tmp_path / "work", (0, 2, 3, 4, 5, 9))
