"""What all tests need: a cache of their own, and what napari has to know before it is imported."""

import hashlib
import io
import os
from contextlib import ExitStack

import numpy as np
import pytest
import tifffile

from .file_server import FileServer

# Networks of tests are tiny: threads would wait for each other for longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Layers and viewers may be touched in the main thread only; so a mistake is an error, and not a crash now and then.
os.environ["NAPARI_ENSURE_PLUGIN_MAIN_THREAD"] = "1"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Neighbours, settings and what was entered are kept where only the tests look, and programs that they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOGANS_CACHE", str(tmp_path_factory.mktemp("cache")))
        settings = tmp_path_factory.mktemp("settings")
        patch.setenv("BIOGANS_CONFIG", str(settings))
        patch.setenv("NAPARI_CONFIG", str(settings / "settings.yaml"))
        yield


@pytest.fixture
def serve(monkeypatch):
    """Start a server on this machine that has these files, by name."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ExitStack() as running:
        yield lambda files: running.enter_context(FileServer(files).running())


@pytest.fixture
def small_bbbc013(serve, tmp_path, monkeypatch):
    """A server that has three wells, small ones with made-up pixels, from which BBBC013 is fetched."""
    from napari_biogans.cells import bbbc013

    rng = np.random.default_rng(0)
    plate = "ImageNumber,Column,Row,SBS_Doses,SBS_Controls\n2,02,A,0,-1\n4,04,A,2,0\n14,02,B,0,-1\n"
    files = {"1049_Metadata.csv": plate.encode()}
    for channel in (1, 2):
        for well in ("02-A-02", "04-A-04", "14-B-02"):
            image = io.BytesIO()
            tifffile.imwrite(image, rng.integers(0, 255, (16, 20), dtype=np.uint8))
            files[f"Channel{channel}-{well}.tif"] = image.getvalue()
    sums = tmp_path / "sums"
    sums.write_text("".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)))
    monkeypatch.setattr(bbbc013, "REGISTRY", sums)
    monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
    server = serve(files)
    monkeypatch.setattr(bbbc013, "BASE_URL", server.url)
    return server
