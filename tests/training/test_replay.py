"""Steps that are recorded once and replayed."""

import pytest
import torch

from napari_biogans.cells import simulate_cells
from napari_biogans.training import make_config
from napari_biogans.training import state as state_module
from napari_biogans.training.replay import WARM_UPS, replayed
from napari_biogans.training.state import TrainingState

STEPS = WARM_UPS + 4


def as_a_graph_would(compute, device):
    """Compute with tensors that stay where they are, as the replays of a CUDA graph do: inputs and results alike."""
    kept = []

    def replay(*inputs):
        if not kept:
            kept.extend([[given.clone() for given in inputs], None])
        for own, given in zip(kept[0], inputs, strict=True):
            own.copy_(given)
        results = compute(*kept[0])
        if kept[1] is None:
            kept[1] = results
        for own, new in zip(kept[1], results, strict=True):
            own.copy_(new)
        return kept[1]

    return replay


def plainly(compute, device):
    return compute


def trained(monkeypatch, how, device="cpu", **settings):
    cells = simulate_cells(9, classes=["nucleus", "tips"], size=(24, 40), all_greens=False).cells
    monkeypatch.setattr(state_module, "replayed", how)
    usual = {"width": 4, "latent_size": 8, "batch_size": 4, "critic_steps": 2, "device": device}
    state = TrainingState(cells, make_config(**{**usual, **settings}))
    metrics = []
    for _ in range(STEPS):
        state.advance()
        metrics.append(state.take_metrics())
    weights = [*state.generator.state_dict().values(), *state.critic.state_dict().values()]
    return torch.cat([weight.flatten().float() for weight in weights]), metrics


@pytest.mark.parametrize("objective", ["gan", "wgan-gp"])
@pytest.mark.parametrize("architecture", ["joint", "multi-channel-separable", "star-shaped"])
def test_steps_can_be_replayed(monkeypatch, architecture, objective):
    settings = {"architecture": architecture, "objective": objective, "precision": "float32"}
    weights, metrics = trained(monkeypatch, as_a_graph_would, **settings)
    expected, expected_metrics = trained(monkeypatch, plainly, **settings)
    assert torch.equal(weights, expected)
    assert metrics == expected_metrics
    assert len(set(metrics)) == STEPS


def test_nothing_is_recorded_without_a_gpu():
    assert replayed(plainly, torch.device("cpu")) is plainly


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
@pytest.mark.parametrize("architecture", ["joint-separable", "multi-channel", "star-shaped"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_replays_on_a_gpu_are_the_steps_with_new_random_numbers_each(monkeypatch, architecture, objective, precision):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    settings = {"architecture": architecture, "objective": objective, "precision": precision, "device": "cuda"}
    weights, metrics = trained(monkeypatch, replayed, **settings)
    expected, expected_metrics = trained(monkeypatch, plainly, **settings)
    torch.testing.assert_close(weights, expected, rtol=1e-3, atol=1e-4)
    for ours, theirs in zip(metrics, expected_metrics, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-2, abs=1e-3)
    assert len(set(metrics)) == STEPS


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_memory_of_a_gpu_is_given_back(monkeypatch):
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    trained(monkeypatch, replayed, device="cuda", width=64, batch_size=4096)
    torch.cuda.synchronize()
    assert torch.cuda.max_memory_allocated() - before > 2**29
    # Libraries keep some workspaces.
    assert torch.cuda.memory_allocated() - before < 2**27


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_what_cannot_be_recorded_is_carried_out(caplog):
    """Asking for a value ends a recording."""
    device, current = torch.device("cuda"), torch.cuda.current_stream()
    compute = replayed(lambda values: (values * values.sum().item(),), device)
    for call in range(1, WARM_UPS + 4):
        assert compute(torch.full((2,), float(call), device=device))[0].tolist() == [2.0 * call**2] * 2
    assert torch.cuda.current_stream() == current
    assert len([record for record in caplog.records if "could not be recorded" in record.getMessage()]) == 1
