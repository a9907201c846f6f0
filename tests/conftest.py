"""What all tests need: a cache of their own, and what napari has to know before it is imported."""

import hashlib
import io
import os
from contextlib import ExitStack
from itertools import product

import numpy as np
import pytest
import tifffile

from .file_server import FileServer

# Networks of tests are tiny: threads would wait for each other for longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What commands print is compared as plain text, as long as a test has it, whatever terminal the tests are run from.
for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"):
    os.environ.pop(name, None)

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
def serve_bbbc013(serve, tmp_path, monkeypatch):
    """Let BBBC013 be fetched from a server with these images of each channel, by dose and well such as "02-A-02"."""
    from napari_biogans.cells import bbbc013

    def serve_wells(wells):
        files = {}
        plate = ["ImageNumber,Column,Row,SBS_Doses,SBS_Controls"]
        for well, (dose, red, green) in wells.items():
            number, row, column = well.split("-")
            plate.append(f"{int(number)},{column},{row},{dose},{-(dose == 0)}")
            for channel, image in ((2, red), (1, green)):
                content = io.BytesIO()
                tifffile.imwrite(content, image)
                files[f"Channel{channel}-{well}.tif"] = content.getvalue()
        files["1049_Metadata.csv"] = "\n".join([*plate, ""]).encode()
        sums = tmp_path / "sums"
        sums.write_text("".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)))
        monkeypatch.setattr(bbbc013, "REGISTRY", sums)
        monkeypatch.setenv("BIOGANS_CACHE", str(tmp_path / "cache"))
        server = serve(files)
        monkeypatch.setattr(bbbc013, "BASE_URL", server.url)
        return server

    return serve_wells


@pytest.fixture
def small_bbbc013(serve_bbbc013):
    """A server that has three wells, small ones with made-up pixels, from which BBBC013 is fetched."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (3, 2, 16, 20), dtype=np.uint8)
    return serve_bbbc013(
        {"02-A-02": (0, *images[0]), "04-A-04": (2, *images[1]), "14-B-02": (0, *images[2])},
    )


@pytest.fixture
def simulated_bbbc013(serve_bbbc013):
    """A server that has six wells with simulated cells, in two rows and three doses."""
    from napari_biogans.cells import simulate_field

    doses = {0: "cytoplasm", 5: "tips", 9: "nucleus"}
    wells = {}
    for number, (row, (dose, pattern)) in enumerate(product("AD", doses.items())):
        field = simulate_field(16, shape=(400, 400), pattern=pattern, seed=number).field
        wells[f"{number + 1:02d}-{row}-{dose + 2:02d}"] = (dose, field.red, field.green)
    return serve_bbbc013(wells)
