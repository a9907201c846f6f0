import numpy as np
import pytest
import torch

from napari_biogans.cells import CellSet, to_unit
from napari_biogans.latent import LatentError, complete
from napari_biogans.latent.complete import Drawing, iterate_completion
from napari_biogans.latent.reconstruct import CellsDone

from .conftest import varied


@pytest.fixture(scope="module")
def completed(star, drawn):
    return complete(star, drawn[0], draws=6, steps=60, starts=3, device="cpu", progress=False)


def test_every_class_is_drawn_for_every_cell(star, drawn, completed):
    assert completed.class_names == star.class_names
    assert completed.mean.shape == completed.std.shape == (3, 18, 1, 24, 40)
    assert completed.own_classes == tuple(name for name in star.class_names for _ in range(6))


def test_mean_and_spread_are_those_of_the_draws(star, completed):
    size = star.red_latent_size
    greens = star.draw_latents(6, seed=0)[:, size:]
    whole = np.concatenate([np.repeat(completed.latents[4:5, :size], 6, axis=0), greens], axis=1)
    unit = (to_unit(star.generate(latents=whole), completed.intensity_range)[:, :, 1:] + 1) / 2
    np.testing.assert_allclose(completed.mean[:, 4], unit.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(completed.std[:, 4], unit.std(axis=1, ddof=1), atol=1e-6)


def test_the_error_is_known_where_the_truth_is(completed, drawn):
    table = completed.to_frame()
    assert (table["red_rmse"] < 0.03).mean() > 0.7
    truth = drawn[0].images[1][2, 1] / 255
    row = table.iloc[6 + 2]
    assert row["green_rmse"] == pytest.approx(np.sqrt(((completed.mean[1, 8, 0] - truth) ** 2).mean()), rel=1e-4)
    assert row["green_correlation"] == pytest.approx(
        np.corrcoef(completed.mean[1, 8, 0].ravel(), truth.ravel())[0, 1], rel=1e-4
    )
    assert "class 2: median RMSE of its own green" in str(completed)
    assert "as the model has learned them" in str(completed)


def test_greens_are_matched_where_that_is_asked_for(star, drawn, completed):
    cells = drawn[0].subset(["class 2"])
    result = complete(star, cells, draws=2, match_green=True, steps=60, starts=3, device="cpu", progress=False)
    drawn_again = star.generate(latents=result.latents)
    np.testing.assert_allclose(result.matched, drawn_again[:, :, 1:] / 255, atol=1e-6)
    table = result.to_frame()
    # The red is the cell's, so that the green that was drawn from many latents is no further off than it would be.
    assert table["matched_rmse"].median() < 0.6 * table["green_rmse"].median()
    assert "matched_rmse" not in completed.to_frame()
    with pytest.raises(LatentError, match="does not draw another"):
        complete(star, CellSet([cells.images[0]], ["another"]), match_green=True, progress=False)


def test_cells_of_other_classes_are_completed_too(star, drawn):
    other = CellSet([drawn[0].images[0][:2]], ["another"])
    result = complete(star, other, draws=2, steps=5, device="cpu", progress=False)
    assert result.mean.shape[:2] == (3, 2)
    assert result.to_frame()["green_rmse"].isna().all()
    assert "another" not in str(result).splitlines()[-2]


def test_a_completion_that_was_stopped_says_so(star, drawn):
    done = []

    def stop():
        return len(done) > 0

    def note(event):
        if isinstance(event, CellsDone):
            done.append(event)

    settings = {"draws": 2, "steps": 3, "batch_size": 6, "device": "cpu", "progress": False}
    result = complete(star, drawn[0], should_stop=stop, on_event=note, **settings)
    assert len(result) == 6
    assert not result.is_complete
    assert "NOT COMPLETE" in str(result)


def test_what_cannot_hold_red_is_refused(joint, drawn):
    cells = drawn[0]
    for architecture in ("joint", "independent-separable", "multi-channel"):
        model = varied(architecture, classes=1 if architecture == "joint" else 3)
        with pytest.raises(LatentError, match="whose classes share red"):
            complete(model, cells, progress=False)
    with pytest.raises(LatentError, match="At least two draws"):
        complete(varied("star-shaped", 3), cells, draws=1, progress=False)


def test_a_folder_gets_table_arrays_and_figure(completed, tmp_path):
    paths = completed.save(tmp_path / "out")
    assert all(path.stat().st_size for path in paths)
    with np.load(tmp_path / "out" / "completions.npz", allow_pickle=False) as kept:
        np.testing.assert_array_equal(kept["mean"], completed.mean)
        assert tuple(kept["class_names"]) == completed.class_names
    (axes,) = completed.plot(5).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["real", "class 1", "spread", "class 2", "spread", "class 3", "spread"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["class 1"] * 2 + ["class 2"] * 2 + ["class 3"]
    with pytest.raises(ValueError, match="at least 1"):
        completed.plot(0)


def test_drawing_greens_can_be_stopped_and_keeps_the_cells_that_are_done(star, drawn):
    cells = CellSet([drawn[0].images[0][:4]], star.class_names[:1])
    settings = {"draws": 2, "steps": 5, "device": "cpu"}
    whole = complete(star, cells, progress=False, **settings)
    seen = []
    completing = iterate_completion(star, cells, should_stop=lambda: Drawing(2, 4) in seen, **settings)
    try:
        while True:
            seen.append(next(completing))
    except StopIteration as end:
        result = end.value
    assert len(result) == result.mean.shape[1] == result.std.shape[1] == len(result.latents) == 2
    assert not result.is_complete
    np.testing.assert_array_equal(result.mean, whole.mean[:, :2])
    assert result.own_classes == ("class 1", "class 1")


def test_the_bar_tells_how_far_greens_are_drawn_once_reds_are_found(star, drawn, capsys):
    complete(star, drawn[0], draws=2, steps=2, device="cpu")
    assert "greens drawn for 18" in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_completes_alike(star, drawn):
    settings = {"draws": 4, "steps": 60, "starts": 3, "progress": False}
    on_cpu, on_gpu = (complete(star, drawn[0], device=device, **settings) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(np.median(on_gpu.red_rmse), np.median(on_cpu.red_rmse), atol=2e-3)
    np.testing.assert_allclose(np.median(on_gpu.std), np.median(on_cpu.std), rtol=0.1)
    assert star.device.type == "cpu", "the caller's model was moved"
