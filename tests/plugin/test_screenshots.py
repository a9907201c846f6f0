"""The script that takes the pictures of the docks."""

import importlib.util
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from .test_docks import DOCKS

HOUSE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def screenshots():
    spec = importlib.util.spec_from_file_location("screenshots", HOUSE / "tools" / "screenshots.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["screenshots"] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["screenshots"]


def test_there_is_a_picture_of_every_dock(screenshots):
    assert {picture.dock for picture in screenshots.PICTURES.values()} == set(DOCKS) == set(screenshots.docks())


def test_the_pictures_of_the_documentation_are_those_that_are_taken(screenshots):
    for name in screenshots.PICTURES:
        assert imageio.imread(screenshots.IMAGES / f"{name}.png").shape[:2] == screenshots.WINDOW[::-1], name


def test_a_dock_in_use_is_pictured_in_both_themes(screenshots, viewer, fresh_session, class_run, tmp_path, monkeypatch):
    monkeypatch.setattr(screenshots, "REDRAW_MS", 200)
    stage = screenshots.Stage(viewer, tmp_path / "into", screenshots.THEMES, tmp_path, seconds=0)
    viewer.window.resize(*screenshots.WINDOW)
    fresh_session.add_model(class_run())
    stage.open_dock(screenshots.PICTURES["generate"].dock)
    screenshots.generate(stage)
    taken = stage.take("generate")
    assert [path.relative_to(tmp_path / "into").as_posix() for path in taken] == [
        "dark/generate.png",
        "light/generate.png",
    ]
    dark, light = (imageio.imread(path)[..., :3].astype(float) for path in taken)
    assert dark.shape == light.shape == (*screenshots.WINDOW[::-1], 3)
    right = np.s_[:, -200:]  # the dock
    assert dark[right].mean() < 100 < 150 < light[right].mean()
