"""What all tests need: a cache of their own, and what napari has to know before it is imported."""

import os

import pytest

# Networks of tests are tiny: threads would wait for each other for longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Layers and viewers may be touched in the main thread only; so a mistake is an error, and not a crash now and then.
os.environ["NAPARI_ENSURE_PLUGIN_MAIN_THREAD"] = "1"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Neighbours are kept where the tests alone look."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOGANS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
