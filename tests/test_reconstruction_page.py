"""What docs/reconstruction.md says is so: its code runs, its pictures are there, its calls exist."""

import re
from pathlib import Path

import napari_biogans
from napari_biogans.models import NetworkShape, untrained_model

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "reconstruction.md").read_text(encoding="utf-8")


def test_the_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shape = NetworkShape(image_size=(24, 40), width=2, latent_size=8, classes=2)
    names = {"biogans": napari_biogans, "star": untrained_model(shape, "star-shaped")}
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(block.replace("frames=60", "frames=6"), names)
    for name in ("way.gif", "way.tif", "runs/star/way/film.mp4"):
        assert (tmp_path / name).is_file()
    assert {"length", "width", "area", "mean_red", "mean_green"} <= set(names["table"])


def test_every_function_that_it_names_is_public():
    named = set(re.findall(r"`biogans\.(\w+)", PAGE))
    assert {"reconstruct", "complete", "colocalisation", "interpolate", "walk", "cell_cycle"} <= named
    assert named <= set(napari_biogans.__all__)


def test_its_pictures_are_there():
    pictures = re.findall(r"\]\((images/[^)]+)\)", PAGE)
    assert len(pictures) >= 6
    assert not [picture for picture in pictures if not (DOCS / picture).is_file()]
