"""What workers do in the tests of training together; started by torchrun, never by pytest itself."""

import os
import signal
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from napari_biogans.cells import read_cells, simulate_cells
from napari_biogans.training import WorkerLostError, make_config, train
from napari_biogans.training.distributed import joined_workers
from napari_biogans.training.shared_norm import share_norms
from napari_biogans.training.state import TrainingState

TYPES = {"float64": torch.float64, "bfloat16": torch.bfloat16}
STEPS = 3
# Batches of odd sizes, so that parts differ.
CASES = {
    "star-shaped": {"architecture": "star-shaped", "objective": "wgan-gp", "batch_size": 7},
    "joint": {"architecture": "joint", "objective": "gan", "batch_size": 7},
    "multi-channel": {"architecture": "multi-channel", "objective": "wgan", "batch_size": 5},
}
TINY = {"width": 4, "latent_size": 8, "device": "cpu", "precision": "float32"}


def new_state(name, **options):
    """A training whose weights are as large as after some steps, so that gradients depend on the cells."""
    cells = simulate_cells(6, classes=["nucleus", "tips"], size=(24, 40), all_greens=False).cells
    state = TrainingState(cells, make_config(critic_steps=2, **TINY, **CASES[name]), **options)
    for weight in (*state.generator.parameters(), *state.critic.parameters()):
        if weight.ndim == 4:
            weight.data *= 4
    return state


def new_norm(name):
    """A batch norm, and images whose mean is far from zero."""
    rng = torch.Generator().manual_seed(0)
    dtype = TYPES[name]
    images = (torch.randn(7, 5, 6, 4, generator=rng, dtype=torch.float64) + 30).to(dtype)
    norm = nn.BatchNorm2d(5).to(torch.float64 if dtype is torch.float64 else torch.float32)
    with torch.no_grad():
        norm.weight.copy_(torch.randn(5, generator=rng))
        norm.bias.copy_(torch.randn(5, generator=rng))
    return nn.Sequential(norm), images, torch.randn(images.shape, generator=rng, dtype=torch.float64)


def normalised(network, images, factors):
    """Everything that a batch norm computes of images, forwards and, for a loss with these factors, backwards."""
    images = images.clone().requires_grad_()
    outputs = network(images)
    (outputs * factors).sum().backward()
    norm = network[0]
    return {
        "outputs": outputs.detach(),
        "of_images": images.grad,
        "of_weight": norm.weight.grad,
        "of_bias": norm.bias.grad,
        **{name: tensor.clone() for name, tensor in norm.state_dict().items()},
    }


def compute(workers, folder):
    """Save what each worker gets, for comparison with one process; at the end, lose worker 1 within a step."""
    rank = workers.place.rank
    workers.connect(torch.device("cpu"))
    for name in TYPES:
        network, images, factors = new_norm(name)
        share_norms(network)
        own = workers.part_of(len(images)).cells
        save_file(normalised(network, images[own], factors[own]), folder / f"norm-{name}-{rank}.safetensors")
    for name in CASES:
        state = new_state(name, workers=workers)
        if rank == 1:
            with torch.no_grad():
                next(state.generator.parameters()).zero_()
        state.take_from_first()
        for _ in range(STEPS):
            state.advance()
            if rank == 0:
                # Alone, so that it would wait for ever if it needed the others.
                networks = state.model({}).networks
                kinds = {type(part) for network in networks.values() for part in network.modules()}
                assert nn.BatchNorm2d in kinds
                assert not {kind for kind in kinds if kind is not nn.BatchNorm2d and issubclass(kind, nn.BatchNorm2d)}
        state.save(folder / f"{name}-{rank}.safetensors", 0.0)
    lose_worker(state, rank, folder)


def lose_worker(state, rank, folder):
    if rank == 1:
        # The critic of worker 0 has learned by then.
        state._generator_step.gradients = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    try:
        state.advance()
    except WorkerLostError:
        state.save(folder / "torn.safetensors", 0.0)
        state.undo()
        state.save(folder / "undone.safetensors", 0.0)


def fail(folder):
    """Train, and fail on worker 1 after some steps."""
    steps = iter(range(100))

    def should_stop():
        if os.environ["RANK"] == "1" and next(steps) == 3:
            raise LookupError("no such luck")
        return False

    cells = read_cells(folder / "cells")
    try:
        train(cells, folder / "run", progress=False, steps=100, should_stop=should_stop, batch_size=4, **TINY)
    except WorkerLostError as error:
        print(f"worker {os.environ['RANK']} ends: {error}", flush=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    what, place = sys.argv[1], Path(sys.argv[2])
    if what == "compute":
        with joined_workers() as all_workers:
            compute(all_workers, place)
    else:
        fail(place)
