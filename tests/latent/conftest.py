import numpy as np
import pytest

from napari_biogans.models import Model, NetworkShape, untrained_model

SIZE = (24, 40)


def varied(architecture, classes=1, seed=0):
    """An untrained model whose latents matter: weights as large as those that a training ends with."""
    shape = NetworkShape(image_size=SIZE, width=4, critic_width=2, latent_size=8, classes=classes)
    model = untrained_model(shape, architecture, seed)
    for weight in model.generator.parameters():
        if weight.ndim == 4:
            weight.data.mul_(6)
    return Model(model.header, model.networks)


@pytest.fixture(scope="session")
def joint():
    return varied("joint-separable")


@pytest.fixture(scope="session")
def star():
    return varied("star-shaped", classes=3)


@pytest.fixture(scope="session")
def drawn(star):
    """Cells that the star-shaped model drew, and their latents."""
    latents = np.random.default_rng(1).standard_normal((6, star.latent_size)).astype(np.float32)
    return star.as_cells(star.generate(latents=latents)), latents


@pytest.fixture
def quick():
    return {"device": "cpu", "progress": False, "steps": 60, "starts": 3}
