import pytest

from napari_biogans.cells import simulate_cells
from napari_biogans.models import NetworkShape, untrained_model

SIZE = (24, 40)


@pytest.fixture(scope="session")
def cells():
    return simulate_cells(24, classes=["nucleus", "tips"], size=SIZE, all_greens=False, seed=0).cells


@pytest.fixture(scope="session")
def more_cells():
    return simulate_cells(20, classes=["nucleus", "tips"], size=SIZE, all_greens=False, seed=1).cells


@pytest.fixture(scope="session")
def star():
    shape = NetworkShape(image_size=SIZE, width=2, critic_width=2, latent_size=8, classes=2)
    return renamed(untrained_model(shape, "star-shaped"), "nucleus", "tips")


def renamed(model, *names):
    from dataclasses import replace

    from napari_biogans.models import Model

    return Model(replace(model.header, class_names=names), model.networks)


@pytest.fixture
def tiny(tmp_path):
    """Settings with which a critic takes milliseconds."""
    return {
        "splits": 2,
        "steps": 2,
        "width": 2,
        "batch_size": 4,
        "permutations": 99,
        "device": "cpu",
        "store": tmp_path / "store",
        "progress": False,
    }
