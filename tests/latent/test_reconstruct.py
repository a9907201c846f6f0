import numpy as np
import pandas as pd
import pytest
import torch

from napari_biogans.cells import CellSet, read_cells, to_unit
from napari_biogans.latent import LatentError, LatentStoppedError, reconstruct
from napari_biogans.latent.reconstruct import CellsDone, Searching, iterate_reconstruction
from napari_biogans.latent.search import LatentSearch, negative_log_density
from napari_biogans.latent.settings import ReconstructionConfig

from .conftest import SIZE, varied


def test_cells_that_the_model_drew_are_found_again(star, drawn, quick):
    cells, _ = drawn
    result = reconstruct(star, cells, **quick)
    assert len(result) == 18
    assert np.median(result.error) < 0.01
    assert result.class_names == tuple(name for name in star.class_names for _ in range(6))
    # The images are those of the latents, in the units of the cells.
    for k, name in enumerate(star.class_names):
        of_class = result.latents[6 * k : 6 * k + 6]
        again = star.generate(latents=of_class, classes=[name])[0]
        np.testing.assert_array_equal(again, result.images[6 * k : 6 * k + 6])


def test_errors_are_of_intensities_between_0_and_1(star, drawn, quick):
    cells, _ = drawn
    result = reconstruct(star, cells, **quick)
    difference = (result.images.astype(float) - result.targets) / 255
    np.testing.assert_allclose(result.rmse, np.sqrt((difference**2).mean(axis=(2, 3))), rtol=1e-4)
    np.testing.assert_allclose(result.error, np.sqrt((difference**2).mean(axis=(1, 2, 3))), rtol=1e-4)


def test_more_starts_are_never_worse_and_the_best_is_kept(joint, drawn, quick):
    cells = joint.as_cells(joint.generate(5, seed=3))
    result = reconstruct(joint, cells, **quick)
    assert result.start_errors.shape == (3, 5)
    # Up to the rounding to whole grey levels.
    np.testing.assert_allclose(result.error, result.start_errors.min(axis=0), atol=0.003)


def test_the_density_is_that_of_the_normal_distribution():
    latents = torch.randn(2000, 100, generator=torch.Generator().manual_seed(0))
    found = negative_log_density(latents)
    expected = -torch.distributions.Normal(0, 1).log_prob(latents).sum(dim=1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-2)
    assert found.mean().item() == pytest.approx(142, abs=1)
    assert found.std().item() == pytest.approx(7, abs=0.5)


def test_a_prior_makes_latents_more_plausible(joint, quick):
    cells = joint.as_cells(joint.generate(6, seed=3))
    free = reconstruct(joint, cells, **quick)
    held = reconstruct(joint, cells, prior=1e-3, **quick)
    assert held.nll.mean() < free.nll.mean()
    assert held.error.mean() > free.error.mean()


def test_red_first_matches_red_by_the_red_latent_and_then_green(star, drawn, quick):
    cells, _ = drawn
    red_size = star.red_latent_size
    red_only = reconstruct(star, cells, mode="red-only", **quick)
    red_first = reconstruct(star, cells, mode="red-first", **quick)
    np.testing.assert_array_equal(red_first.latents[:, :red_size], red_only.latents[:, :red_size])
    assert np.median(red_first.rmse[:, 0]) < 0.01
    assert red_first.rmse[:, 1].mean() < red_only.rmse[:, 1].mean()


def test_cells_of_other_classes_are_matched_in_red(star, drawn, quick):
    cells, _ = drawn
    unknown = CellSet([cells.images[1]], ["another"])
    with pytest.raises(LatentError, match="does not draw another"):
        reconstruct(star, unknown, **quick)
    result = reconstruct(star, unknown, mode="red-only", **quick)
    assert np.median(result.rmse[:, 0]) < 0.01


def test_where_red_alone_is_matched_errors_and_nearest_training_cells_are_those_of_red(star, drawn, quick):
    cells, _ = drawn
    # The same red with another green, and the same green with another red.
    mixed = np.concatenate([cells.images[0][:1], cells.images[1][:1]])
    mixed[0, 1], mixed[1, 1] = 0, cells.images[0][0, 1]
    targets = CellSet([cells.images[0][:1]], ["class 1"])
    training = CellSet([mixed], ["class 1"])
    result = reconstruct(star, targets, training_cells=training, mode="red-only", **quick)
    np.testing.assert_array_equal(result.error, result.rmse[:, 0])
    np.testing.assert_array_equal(result.neighbours[0], mixed[0])
    assert result.neighbour_rmse[0] == 0
    assert "red alone was matched" in str(result)
    assert "red, which alone was matched" in result.plot().axes[0].get_xlabel()
    assert "alone" not in str(reconstruct(star, targets, mode="red-first", **{**quick, "steps": 2}))


def test_how_much_starts_differ_is_not_known_of_one(star, drawn, quick):
    result = reconstruct(star, drawn[0], **{**quick, "starts": 1, "steps": 2})
    assert result.to_frame()["start_spread"].isna().all()
    assert ", 1 start of at most 2 evaluations" in str(result)


def test_the_gradient_of_the_objective_is_that_of_finite_differences():
    model = varied("joint-separable")
    model.generator.double()
    search = LatentSearch(model, model.class_names[0], ReconstructionConfig(prior=1e-3))
    search.draw = lambda latents: model.generator(latents, [0])[0]  # not rounded to float32
    rng = torch.Generator().manual_seed(0)
    target = torch.rand(2, 2, *SIZE, generator=rng, dtype=torch.float64) * 2 - 1
    latents = torch.randn(2, 8, generator=rng, dtype=torch.float64)

    def objective(moved):
        return search._objective(moved, latents, slice(None), target, slice(None))

    assert torch.autograd.gradcheck(objective, (latents.clone().requires_grad_(),), eps=1e-7, atol=1e-6)


def test_the_published_search_is_torchs_own(joint, quick):
    cells = joint.as_cells(joint.generate(3, seed=3))
    settings = {**quick, "steps": 40, "starts": 1, "protocol": "paper"}
    result = reconstruct(joint, cells, **settings)
    target = torch.from_numpy(to_unit(cells.images[0], cells.intensity_range))
    latents = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, 8), np.float32)[0]).requires_grad_()
    for _ in range(2):
        optimiser = torch.optim.LBFGS([latents], lr=0.05, max_iter=20)

        def closure(optimiser=optimiser):
            optimiser.zero_grad()
            loss = (((joint.generator(latents)[0] - target) / 2) ** 2).mean(dim=(1, 2, 3)).sum()
            loss.backward()
            return loss

        optimiser.step(closure)
    np.testing.assert_allclose(result.latents, latents.detach().numpy(), rtol=1e-3, atol=1e-4)


def test_nearest_training_cells_are_found_with_flips(joint, quick):
    cells = joint.as_cells(joint.generate(4, seed=3))
    training = CellSet([cells.images[0][::-1, :, :, ::-1].copy()], cells.class_names)
    result = reconstruct(joint, cells, training_cells=training, **quick)
    np.testing.assert_array_equal(result.neighbours, cells.images[0])
    assert (result.neighbour_rmse == 0).all()
    assert "nearest training cell" in str(result)
    assert "neighbour_rmse" in result.to_frame()


def test_the_same_seed_finds_the_same_and_blocks_do_not_matter_to_errors(joint, quick):
    cells = joint.as_cells(joint.generate(7, seed=3))
    first, second = reconstruct(joint, cells, **quick), reconstruct(joint, cells, **quick)
    np.testing.assert_array_equal(first.latents, second.latents)
    blocks = reconstruct(joint, cells, batch_size=3, **quick)
    assert len(blocks) == 7
    assert np.median(blocks.error) < 0.01


def test_stopping_keeps_what_is_done(joint):
    cells = joint.as_cells(joint.generate(6, seed=3))
    done = []
    config = ReconstructionConfig(steps=5, starts=1, batch_size=2, device="cpu")
    search = iterate_reconstruction(joint, cells, config, should_stop=lambda: len(done) >= 2)
    try:
        while True:
            event = next(search)
            if isinstance(event, CellsDone):
                done.append(len(event.result))
            else:
                assert isinstance(event, Searching)
    except StopIteration as end:
        result = end.value
    assert done == [2, 4]
    assert len(result) == 4
    assert not result.is_complete
    assert "NOT COMPLETE" in str(result)
    with pytest.raises(LatentStoppedError, match="nothing to show"):
        reconstruct(joint, cells, should_stop=lambda: True, progress=False, device="cpu")


def test_progress_goes_from_nothing_to_everything(joint):
    cells = joint.as_cells(joint.generate(5, seed=3))
    for mode, protocol in (("full", "default"), ("red-first", "default"), ("red-first", "paper")):
        config = ReconstructionConfig(mode=mode, protocol=protocol, steps=30, starts=2, batch_size=3, device="cpu")
        parts = [
            event.progress for event in iterate_reconstruction(joint, cells, config) if isinstance(event, Searching)
        ]
        assert parts == sorted(parts)
        assert 0 < parts[0] < 0.5 < parts[-1] <= 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"starts": 0}, "starts"),
        ({"mode": "green-first"}, "mode"),
        ({"prior": -1}, "prior"),
        ({"step": 3}, "step"),
    ],
)
def test_settings_that_make_no_sense_are_named(joint, drawn, change, says):
    with pytest.raises(LatentError, match=says):
        reconstruct(joint, drawn[0], **change)


def test_cells_that_do_not_fit_are_refused(star, joint, drawn, quick):
    cells, _ = drawn
    large = CellSet([np.zeros((2, 2, 48, 80), np.uint8)], ["class 1"])
    with pytest.raises(LatentError, match=r"read_cells\(..., size=\(24, 40\)\)"):
        reconstruct(star, large, **quick)
    floats = CellSet([array.astype(np.float32) for array in cells.images], cells.class_names)
    with pytest.raises(LatentError, match="of type float32"):
        reconstruct(star, floats, **quick)
    with pytest.raises(LatentError, match="The cells are a CellSet, as read_cells gives, not ndarray"):
        reconstruct(star, cells.images[0], **quick)
    with pytest.raises(LatentError, match="takes a separable model"):
        reconstruct(varied("joint"), joint.as_cells(joint.generate(2, seed=0)), mode="red-first", **quick)


def test_a_folder_gets_table_latents_stacks_and_figure(star, drawn, quick, tmp_path):
    cells, _ = drawn
    result = reconstruct(star, cells, training_cells=cells, **quick)
    paths = result.save(tmp_path / "out")
    assert all(path.stat().st_size for path in paths)
    assert len(pd.read_csv(tmp_path / "out" / "cells.csv")) == 18
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "latents.npy"), result.latents)
    rebuilt = read_cells(tmp_path / "out" / "images")
    assert rebuilt.counts == (6, 6, 6)
    axes, bar = result.plot(4).axes
    assert [label.get_text().split(",")[0] for label in axes.get_yticklabels()] == [
        "real",
        "rebuilt",
        "difference",
        "difference",
        "nearest\ntraining cell",
    ]
    assert len(axes.get_xticklabels()) == 4
    assert "RMSE" in axes.get_xlabel()
    assert bar.get_ylabel()


def test_a_search_can_begin_at_given_latents(star, drawn):
    cells, latents = drawn
    settings = {"starts": 1, "steps": 1, "device": "cpu", "progress": False}
    near = np.tile(latents, (3, 1))
    result = reconstruct(star, cells, start_from=near, **settings)
    np.testing.assert_allclose(result.latents, near, atol=1e-2)
    assert result.error.max() < 0.004  # what rounding to 8 bits takes
    blocks = reconstruct(star, cells, start_from=near, batch_size=4, **settings)
    np.testing.assert_allclose(blocks.latents, result.latents, atol=1e-5)
    # The other starts stay random, and the best one wins.
    far = reconstruct(star, cells, start_from=near + 5, **{**settings, "starts": 3, "steps": 60})
    alone = reconstruct(star, cells, start_from=near + 5, **{**settings, "steps": 60})
    assert np.median(far.error) < np.median(alone.error)


@pytest.mark.parametrize("start_from", [np.zeros((17, 8)), np.zeros((18, 7)), np.full((18, 8), np.nan)])
def test_latents_to_start_from_that_do_not_fit_are_refused(star, drawn, start_from):
    with pytest.raises(LatentError, match=r"finite numbers, \(18, 8\)"):
        reconstruct(star, drawn[0], start_from=start_from, progress=False)


def test_training_cells_that_do_not_fit_are_refused_before_the_search(joint, drawn, quick):
    cells = drawn[0].subset(["class 1"])
    pixels = np.random.default_rng(0).integers(0, 255, (3, 2, 24, 40), dtype=np.uint8)
    for known, message in (
        (CellSet([pixels[:, :, :12, :12]], ["Tea1"]), r"The training cells are \(12, 12\) pixels"),
        (CellSet([pixels.astype(np.uint16)], ["Tea1"]), "The training cells are of type uint16"),
    ):
        with pytest.raises(LatentError, match=message):
            reconstruct(joint, cells, training_cells=known, on_event=pytest.fail, **quick)


def test_a_cell_among_the_training_cells_is_compared_with_others(joint, drawn, quick):
    cells = drawn[0].subset(["class 1"])
    result = reconstruct(joint, cells, training_cells=cells, **{**quick, "steps": 2})
    assert (result.neighbour_rmse > 0).all()
    assert not any(np.array_equal(*pair) for pair in zip(result.neighbours, result.targets, strict=True))
    one = result.take([4])
    np.testing.assert_array_equal(one.latents, result.latents[4:5])
    np.testing.assert_array_equal(one.start_errors, result.start_errors[:, 4:5])
    assert one.to_frame().iloc[0].to_dict() == result.to_frame().iloc[4].to_dict()


def test_a_cell_without_another_training_cell_is_compared_with_none(joint, drawn, quick):
    cells = CellSet([drawn[0].images[0][:1]], ["class 1"])
    result = reconstruct(joint, cells, training_cells=cells, **{**quick, "steps": 2})
    assert np.isnan(result.neighbour_rmse).all()
    assert "no other training cells" in str(result)
