"""Steps that torch compiles."""

import logging

import pytest
import torch

from napari_biogans.models import ARCHITECTURES, NetworkShape
from napari_biogans.training import compiling
from napari_biogans.training.compiling import CALLS, compiled, pays_to_compile
from napari_biogans.training.objectives import OBJECTIVES
from napari_biogans.training.steps import CriticStep


def doubled(values):
    return 2 * values


def test_only_long_trainings_on_a_gpu_are_compiled(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(compiling, "find_spec", lambda name: name)
    assert pays_to_compile(cuda, CALLS)
    assert not pays_to_compile(cuda, CALLS - 1)
    assert not pays_to_compile(cpu, 10 * CALLS)
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    assert not pays_to_compile(cuda, CALLS)


def test_where_nothing_can_be_compiled_the_function_itself_is_taken_and_that_is_said_once(monkeypatch, caplog):
    def no_compiler(function, **options):
        def fail(*arguments):
            raise RuntimeError("no compiler here")

        return fail

    monkeypatch.setattr(torch, "compile", no_compiler)
    function = compiled(doubled)
    with caplog.at_level(logging.WARNING):
        assert [function(torch.tensor(value)).item() for value in (1, 2)] == [2, 4]
    (record,) = caplog.records
    assert "no compiler here" in record.getMessage()
    assert "doubled" in record.getMessage()


def step_of(critic, device, **options):
    return CriticStep(OBJECTIVES["wgan-gp"], critic.to(device), 1e-4, torch.float32, **options)


def assert_same_when_compiled(device):
    shape = NetworkShape(image_size=(24, 40), classes=2, width=4, critic_width=4)
    ours, theirs = (ARCHITECTURES["star-shaped"].build(shape, 0)[1] for _ in range(2))
    rng = torch.Generator().manual_seed(0)
    real, fake, mix = (torch.rand(*size, generator=rng).to(device) for size in ((2, 5, 2, 24, 40),) * 2 + ((2, 5),))
    result = step_of(ours, device, compiles=True).gradients(real, fake, mix)
    expected = step_of(theirs, device).gradients(real, fake, mix)
    torch.testing.assert_close(torch.stack(result), torch.stack(expected), rtol=1e-3, atol=1e-4)
    for weight, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert (weight.grad - other.grad).norm() < 1e-2 * other.grad.norm()


def test_compiled_steps_are_the_same(monkeypatch):
    """As far as torch's compiler is asked on every computer: by the part that needs no C compiler."""
    plain = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **options: plain(function, backend="aot_eager", **options))
    assert_same_when_compiled("cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_compiled_steps_on_a_gpu_are_the_same(caplog):
    assert_same_when_compiled("cuda")
    assert not [record for record in caplog.records if record.name.startswith("napari_biogans")]
