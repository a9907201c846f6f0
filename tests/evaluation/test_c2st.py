import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import napari_biogans as biogans
from napari_biogans.cells import CellSet, simulate_cells, write_cells
from napari_biogans.evaluation import (
    C2STConfig,
    C2STError,
    C2STStoppedError,
    c2st,
    c2st_matrix,
    c2st_model,
    c2st_run,
    critics,
    work,
)
from napari_biogans.evaluation.c2st import carry_out
from napari_biogans.evaluation.events import CriticsTraining, Planned, ResultSoFar
from napari_biogans.evaluation.plans import plan_c2st
from napari_biogans.evaluation.results import ALL, REAL
from napari_biogans.evaluation.settings import make_c2st_config
from napari_biogans.evaluation.sides import next_cells
from napari_biogans.evaluation.store import ScoreStore, StoreWarning
from napari_biogans.models import Model, NetworkShape, untrained_model

from .conftest import SIZE, renamed

LEARNING = {"steps": 60, "width": 4, "batch_size": 16, "learning_rate": 2e-3, "permutations": 999}


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A test of cells that anybody can tell apart, and one of cells that nobody can."""
    pixels = np.random.default_rng(0).integers(0, 100, (3, 40, 2, *SIZE), dtype=np.uint8)
    pixels[0, :, 1, :, 20:] += 100
    store = tmp_path_factory.mktemp("store")
    settings = {**LEARNING, "splits": 3, "device": "cpu", "store": store, "progress": False}
    bright, dark, also_dark = (CellSet([images], ["cells"]) for images in pixels)
    return c2st(bright, dark, **settings), c2st(also_dark, dark, **settings)


class TestWhatItFinds:
    def test_cells_that_differ(self, learned):
        result, _ = learned
        assert result.accuracy > 0.95
        assert result.auc > 0.99
        assert result.p_value == pytest.approx(2 / 1000)
        assert result.score > 0
        assert result.interval.low < result.score < result.interval.high
        assert result.overall.verdict == "differ"
        assert "differ: " in result.verdict
        assert "accuracy" in result.verdict

    def test_cells_that_do_not(self, learned):
        _, result = learned
        assert result.overall.verdict == "alike"
        assert 0.2 < result.auc < 0.8
        assert "cannot be told apart with these 80 cells" in result.verdict
        assert result.interval.low < 0 < result.interval.high

    def test_real_against_real_is_beside_it(self, learned):
        result, _ = learned
        band = result.tests["cells", REAL]
        assert band.verdict == "alike"
        assert abs(band.score) < result.score
        # Halves of 40 cells, halved.
        assert band.held_out == (10, 10)
        assert result.overall.held_out == (20, 20)

    def test_the_most_telling_cells_are_of_their_side(self, learned):
        result, _ = learned
        telling = result.telling(n=5)
        assert telling.a_images.shape == telling.b_images.shape == (5, 2, *SIZE)
        assert (telling.a_images[:, 1, :, 20:].mean(axis=(1, 2)) > 120).all()
        assert (telling.b_images[:, 1, :, 20:].mean(axis=(1, 2)) < 80).all()
        assert (np.diff(telling.a_scores) <= 0).all()
        assert telling.a_scores[-1] > 0

    def test_brightness_alone_is_seen(self, tmp_path):
        pixels = np.random.default_rng(5).integers(60, 160, (2, 60, 2, *SIZE), dtype=np.uint8)
        pixels[0] += 20
        bright, dark = (CellSet([images], ["cells"]) for images in pixels)
        settings = {**LEARNING, "splits": 2, "band": False, "device": "cpu", "store": tmp_path, "progress": False}
        assert c2st(bright, dark, **settings).auc > 0.9

    def test_each_split_is_there(self, learned):
        result, _ = learned
        splits = result.splits_frame()
        of_test = splits[splits["column"] != REAL]
        assert of_test["split"].tolist() == [1, 2, 3]
        assert of_test["score"].mean() == pytest.approx(result.score)
        assert of_test["score"].std() == pytest.approx(result.std)

    def test_the_published_score_has_the_penalty_in_it(self, cells, tiny):
        splits = c2st(cells, cells, objective="wgan-gp", **tiny).splits_frame()
        np.testing.assert_allclose(splits["paper_score"], -10 * splits["penalty"], atol=1)
        assert (splits["penalty"] > 0.5).all()  # of a critic that has hardly been trained

    @pytest.mark.parametrize("objective", ["wgan-gp", "wgan"])
    def test_high_scores_mean_the_first_side_for_every_objective(self, objective, tmp_path):
        rng = np.random.default_rng(1)
        pixels = rng.integers(0, 100, (2, 40, 2, *SIZE), dtype=np.uint8)
        pixels[0] += 100
        bright, dark = (CellSet([images], ["cells"]) for images in pixels)
        settings = {**LEARNING, "splits": 2, "band": False, "device": "cpu", "store": tmp_path, "progress": False}
        result = c2st(bright, dark, objective=objective, **settings)
        assert result.auc > 0.9
        assert result.score > 0
        assert (result.overall.parts[0][1][0].penalty > 0) is (objective == "wgan-gp")


class TestHalves:
    def test_no_held_out_cell_was_trained_on_and_all_take_part(self, cells):
        config = C2STConfig(splits=3)
        plan = plan_c2st(cells, cells, config)
        for comparison in plan.comparisons:
            seen = []
            for split in (1, 2, 3):
                parts = critics.halves(comparison, config, split)
                a = set(parts.a_trained.places.tolist()), set(parts.a_held_out.places.tolist())
                b = set(parts.b_trained.places.tolist()), set(parts.b_held_out.places.tolist())
                assert not a[0] & a[1]
                assert not b[0] & b[1]
                if comparison.halves:
                    assert set().union(*a, *b) == set(range(24))
                    assert not (a[0] | a[1]) & (b[0] | b[1])
                else:
                    assert a[0] | a[1] == b[0] | b[1] == set(range(24))
                seen.append(frozenset(b[1]))
            assert len(set(seen)) == 3

    def test_a_model_draws_others_for_each_split_and_the_same_when_asked_again(self, star, cells):
        import torch

        config = C2STConfig()
        (pair, *_) = plan_c2st(star, cells, config).comparisons
        cpu = torch.device("cpu")

        def drawn(split, part):
            return torch.cat(list(critics.halves(pair, config, split)[part].blocks(cpu, 5)), dim=1)

        assert drawn(1, 1).shape == (1, 12, 2, *SIZE)
        assert torch.equal(drawn(1, 1), drawn(1, 1))
        assert not torch.equal(drawn(1, 1), drawn(2, 1))
        assert not torch.equal(drawn(1, 0), drawn(1, 1))

    def test_cells_that_are_drawn_are_rounded_as_real_ones_are(self, star, cells):
        import torch

        for protocol, rounded in (("default", True), ("paper", False)):
            config = C2STConfig(protocol=protocol)
            (pair, *_) = plan_c2st(star, cells, config).comparisons
            images = pair.a.draw(torch.randn(4, star.latent_size))
            levels = (images + 1) / 2 * 255
            assert torch.allclose(levels, levels.round(), atol=1e-3) is rounded


class TestWhatIsTested:
    def test_classes_of_the_same_name_and_all_together(self, cells, more_cells, tiny):
        swapped = more_cells.subset(["tips", "nucleus"])
        result = c2st(cells, swapped, **tiny)
        assert result.rows == ("tips", "nucleus", ALL)
        assert result.columns[1] == REAL
        assert set(result.tests) == {(row, column) for row in result.rows for column in result.columns}
        assert result.overall is result.tests[ALL, result.columns[0]]
        means = [result.tests[name, result.columns[0]].score for name in ("tips", "nucleus")]
        assert result.score == pytest.approx(np.mean(means))

    def test_arrays_and_paths_are_sides_too(self, cells, star, tiny, tmp_path):
        path = star.save(tmp_path / "star.safetensors")
        write_cells(cells, tmp_path / "cells")
        by_path = c2st(path, tmp_path / "cells", **tiny)
        by_value = c2st(star, cells, **tiny)
        assert by_path.score == by_value.score
        images = c2st(star.generate(10, seed=0), list(cells.images), **tiny)
        assert images.rows == ("images 1", "images 2", ALL)
        one = c2st(cells.images[0], cells.images[1], **tiny)
        assert one.rows == ("images",)
        assert one.tests["images", one.columns[0]].held_out == (12, 12)

    def test_two_models(self, star, tiny, monkeypatch):
        monkeypatch.setattr(critics, "DRAWN_AGAINST_DRAWN", 6)
        result = c2st(star, star, **tiny)
        assert REAL not in result.columns
        assert result.overall.held_out == (12, 12)
        assert result.overall.real_cells == 0
        assert "24 drawn cells" in result.verdict or "differ" in result.verdict

    def test_cells_are_pooled_for_a_model_that_learned_them_so(self, cells, tiny):
        joint = renamed(untrained_model(NetworkShape(image_size=SIZE, width=2, latent_size=8), "joint"), "pooled")
        result = c2st(joint, cells, **tiny)
        assert result.rows == ("pooled",)
        assert result.overall.real_cells == 48
        named = renamed(joint, "tips")
        assert c2st(named, cells, **tiny).overall.real_cells == 24

    def test_a_class_that_only_one_side_has_is_left_out_and_named(self, cells, tiny):
        three = simulate_cells(8, classes=["nucleus", "tips", "cytoplasm"], size=SIZE, all_greens=False).cells
        result = c2st(cells, three, **tiny)
        assert result.rows == ("nucleus", "tips", ALL)
        assert any("cytoplasm" in note for note in result.notes)
        assert any("only a has them: cytoplasm" in note for note in c2st(three, cells, **tiny).notes)

    def test_multi_channel_models_that_learned_masked_greens_are_tested_on_masked_cells(self, cells):
        holes = [array.copy() for array in cells.images]
        for array in holes:
            array[:, 0, :3] = 0
        cells = CellSet(holes, cells.class_names)
        shape = NetworkShape(image_size=SIZE, width=6, latent_size=8, classes=2)
        model = renamed(untrained_model(shape, "multi-channel"), "nucleus", "tips")
        learned_masked = Model(replace(model.header, training={"red_mask": True}), model.networks)
        for given, protocol, masked in (
            (model, "default", False),
            (learned_masked, "default", True),
            (learned_masked, "paper", False),
        ):
            config = C2STConfig(protocol=protocol, device="cpu")
            comparison = plan_c2st(given, cells, config).comparisons[0]
            import torch

            images = next(critics.halves(comparison, config, 1).b_held_out.blocks(torch.device("cpu"), 99))
            where_black = images[:, :, 1][images[:, :, 0] == -1]
            assert len(where_black)
            assert bool((where_black == -1).all()) is masked

    @pytest.mark.parametrize(
        ("a", "b", "says"),
        [
            ({}, {"size": (48, 80)}, "pixels high and wide"),
            ({}, {"classes": ["cytoplasm", "reticulum"]}, "no class in common"),
            ({}, {"cells": 1}, "a test needs 2 at least"),
        ],
    )
    def test_sides_that_cannot_be_compared(self, a, b, says, tiny):
        def make(cells=6, classes=("nucleus", "tips"), size=SIZE):
            return simulate_cells(cells, classes=list(classes), size=size, all_greens=False).cells

        with pytest.raises(C2STError, match=says):
            c2st(make(**a), make(**b), **tiny)

    def test_sides_of_other_types(self, cells, tiny):
        floats = CellSet([array.astype(np.float32) for array in cells.images], cells.class_names)
        with pytest.raises(C2STError, match="uint8 and float32"):
            c2st(cells, floats, **tiny)
        with pytest.raises(C2STError, match="A side is"):
            c2st(cells, 3, **tiny)

    @pytest.mark.parametrize("bad", [{"splits": 0}, {"confidence": 1.0}, {"width": "wide"}, {"stpes": 3}])
    def test_settings_that_make_no_sense_are_named(self, bad, cells):
        with pytest.raises(C2STError, match=next(iter(bad))):
            c2st(cells, cells, **bad)

    def test_the_paper_computes_in_float32(self):
        with pytest.raises(C2STError, match="leave precision at auto"):
            make_c2st_config(protocol="paper", precision="bfloat16")

    def test_permutations_that_cannot_reach_the_confidence_are_refused(self, cells):
        with pytest.raises(C2STError, match="2000 permutations, or a lower confidence"):
            c2st(cells, cells, permutations=99, confidence=0.99)

    def test_presets_are_settings_too(self):
        assert make_c2st_config(preset="quick", width=3).of_critics["width"] == 3
        assert make_c2st_config(preset="quick").splits == 3
        with pytest.raises(C2STError, match="there are quick, standard, paper"):
            make_c2st_config(preset="small")

    @pytest.mark.parametrize("name", [ALL, REAL])
    def test_names_with_a_meaning_are_refused(self, name, cells, star, tiny):
        renamed_cells = CellSet(cells.images, [name, "tips"])
        for ask in (lambda: c2st(renamed_cells, renamed_cells, **tiny), lambda: c2st_matrix(renamed_cells, **tiny)):
            with pytest.raises(C2STError, match="rename it"):
                ask()
        with pytest.raises(C2STError, match="rename it"):
            c2st_model({name: star}, cells, **tiny)

    def test_a_model_called_all_is_a_model(self, star, cells, tiny):
        result = c2st_model({"all": star}, cells, **tiny)
        assert result.tests[ALL, "all"].held_out == (24, 24)
        assert result.tests["tips", "all"].real_cells == 24

    def test_cells_that_are_on_both_sides_are_noted(self, cells, more_cells, tiny):
        shared = CellSet(
            [np.concatenate([a, b[:5]]) for a, b in zip(more_cells.images, cells.images, strict=True)],
            cells.class_names,
        )
        assert any("5 of the cells of tips are on both sides" in note for note in c2st(shared, cells, **tiny).notes)
        assert not c2st(more_cells, cells, **tiny).notes
        assert any("24 of the cells" in note for note in c2st_matrix(cells, cells.subset(), **tiny).notes)

    def test_intensities_that_are_clipped_are_noted(self, cells, tiny):
        narrow = CellSet(cells.images, cells.class_names, intensity_range=[[0, 20], [0, 20]])
        assert any("are clipped" in note for note in c2st(cells, narrow, **tiny).notes)

    def test_another_seed_shares_no_split(self, cells):
        def held_out(seed):
            config = C2STConfig(splits=4, seed=seed)
            comparison = plan_c2st(cells, cells, config).comparisons[0]
            return {tuple(critics.halves(comparison, config, split).b_held_out.places) for split in range(1, 5)}

        assert len(held_out(0) | held_out(1) | held_out(2)) == 12

    @pytest.mark.parametrize(
        ("ask", "says"),
        [
            (lambda cells, tiny: c2st(None, cells, **tiny), "not NoneType"),
            (lambda cells, tiny: c2st(cells.images[0][0], cells, **tiny), "an array of shape"),
            (lambda cells, tiny: c2st([cells.images[0]], list(cells.images), **tiny), "1 arrays on one side and 2"),
            (lambda cells, tiny: c2st(cells.images[0], cells, **tiny), "1 arrays for the classes nucleus, tips"),
            (lambda cells, tiny: c2st_model({}, cells, **tiny), "Give a model"),
            (lambda cells, tiny: c2st_model([1, 2], cells, **tiny), "several by names"),
        ],
    )
    def test_what_is_no_side_is_named(self, ask, says, cells, tiny):
        with pytest.raises(C2STError, match=says):
            ask(cells, tiny)

    def test_few_cells_are_said_to_be_too_few(self, tiny):
        few = simulate_cells(3, classes=["tips"], size=SIZE, all_greens=False).cells
        result = c2st(few, few, **tiny)
        assert result.overall.verdict == "too few cells"
        assert "too few cells to tell anything" in result.verdict
        assert any("real against real" in note for note in result.notes)
        assert REAL not in result.columns
        assert result.is_complete

    def test_a_class_that_is_too_small_for_its_band_does_not_make_it_incomplete(self, cells, tiny):
        uneven = cells.subset(indices=[slice(0, 20), slice(0, 3)])
        result = c2st(cells, uneven, **tiny)
        assert ("nucleus", REAL) in result.tests
        assert ("tips", REAL) not in result.tests
        assert result.is_complete

    def test_one_split_has_no_interval(self, cells, tiny):
        result = c2st(cells.subset(["tips"]), cells.subset(["nucleus"]), **{**tiny, "splits": 1})
        assert math.isnan(result.std)
        assert math.isnan(result.interval.low)
        assert str(result)
        assert result.overall.p_resolution == pytest.approx(1 / 100)

    def test_the_scale_is_that_of_the_reference(self, cells, tiny):
        # The same cells, read with another range: on one scale they are the same.
        other = CellSet(cells.images, cells.class_names, intensity_range=[[0, 100], [0, 90]])
        for comparison in plan_c2st(other, cells, make_c2st_config()).comparisons:
            np.testing.assert_array_equal(comparison.a.intensity_range, cells.intensity_range)

    def test_drawn_cells_are_flipped_where_real_ones_are_but_not_as_published(self, star, cells):
        import torch

        for protocol, flipped in (("default", True), ("paper", False)):
            config = C2STConfig(protocol=protocol, device="cpu")
            comparison = plan_c2st(star, cells, config).comparisons[0]
            part = critics.halves(comparison, config, 1).a_trained
            rng, same = (torch.Generator().manual_seed(3) for _ in range(2))
            images = next_cells(part.batches(torch.device("cpu"), rng, flips=True), 16)
            unflipped = comparison.a.draw(torch.randn(16, star.latent_size, generator=same))
            assert torch.equal(images, unflipped) is not flipped

    def test_a_critic_that_diverges_is_an_error(self, cells, tiny):
        with pytest.raises(C2STError, match="smaller learning rate"):
            c2st(cells, cells, **{**tiny, "learning_rate": 1e30, "steps": 5})


class TestTables:
    def test_the_matrix_is_symmetric_with_halves_on_the_diagonal(self, cells, tiny):
        result = c2st_matrix(cells, **tiny)
        assert result.rows == result.columns == ("nucleus", "tips")
        assert result.tests["nucleus", "tips"] is result.tests["tips", "nucleus"]
        assert result.tests["tips", "tips"].parts[0][0].halves
        assert result.is_complete
        with pytest.raises(ValueError, match="no single test"):
            _ = result.score

    def test_the_paper_tests_both_orders(self, cells, more_cells, tiny):
        result = c2st_matrix(cells, protocol="paper", **tiny)
        assert result.tests["nucleus", "tips"] is not result.tests["tips", "nucleus"]
        against = c2st_matrix(cells, more_cells, **tiny)
        assert against.tests["tips", "tips"].held_out == (12, 10)
        assert not against.tests["tips", "tips"].parts[0][0].halves

    def test_a_matrix_needs_classes(self, cells, star, tiny):
        for given in (cells.subset(["tips"]), star):
            with pytest.raises(C2STError, match="two classes"):
                c2st_matrix(given, **tiny)

    def test_models_are_columns(self, star, cells, tiny):
        other = renamed(untrained_model(star.header.shape, "star-shaped", seed=1), "nucleus", "tips")
        result = c2st_model({"first": star, "second": other}, cells, **tiny)
        assert result.columns == ("first", "second", REAL)
        assert result.rows == ("nucleus", "tips", ALL)
        with pytest.raises(ValueError, match="no single test"):
            _ = result.score
        with pytest.raises(C2STError, match="Give a model"):
            c2st_model(cells, cells, **tiny)

    def test_every_class_has_its_band_whatever_the_order_of_the_models(self, star, cells, tiny):
        joint = renamed(untrained_model(NetworkShape(image_size=SIZE, width=2, latent_size=8), "joint"), "pooled")
        for models in ({"star": star, "joint": joint}, {"joint": joint, "star": star}):
            result = c2st_model(models, cells, **tiny)
            assert {row for row, column in result.tests if column == REAL} == {"nucleus", "tips", "pooled", ALL}

    def test_a_run_is_tested_over_its_checkpoints(self, cells, tiny, tmp_path):
        settings = {"steps": 4, "checkpoint_every": 2, "width": 2, "latent_size": 8, "batch_size": 4, "device": "cpu"}
        saved = {}

        def note(event):
            if type(event).__name__ == "Saved":
                saved[event.step] = biogans.load_model(event.model)

        biogans.train(cells, tmp_path / "run", architecture="star-shaped", progress=False, on_event=note, **settings)
        result = c2st_run(tmp_path / "run", cells, **tiny)
        assert result.rows == ("2", "4", REAL)
        assert result.columns == ("nucleus", "tips", ALL)
        assert len(result.plot().axes) == 1
        # What is tested is what was saved at that step.
        for step, model in saved.items():
            alone = c2st(model, cells, **tiny)
            assert alone.score == result.tests[str(step), ALL].score
        assert [line.split(":")[0] for line in result.sentences()] == [f"step 2, {ALL}", f"step 4, {ALL}"]
        only = c2st_run(tmp_path / "run", cells, [4, 4], **tiny)
        assert only.rows == ("4", REAL)
        with pytest.raises(C2STError, match="leave them out"):
            c2st_run(tmp_path / "run", cells, [], **tiny)
        with pytest.raises(biogans.RunError, match="no checkpoint of step 3; there are 2, 4"):
            c2st_run(tmp_path / "run", cells, [3], **tiny)

    def test_the_paper_cuts_classes_to_the_shortest(self, tiny):
        uneven = simulate_cells(20, classes=["nucleus", "tips"], size=SIZE, all_greens=False).cells
        uneven = uneven.subset(indices=[slice(0, 20), slice(0, 6)])
        config = make_c2st_config(protocol="paper", batch_size=2)
        tested = [of for of in plan_c2st(uneven, uneven, config).comparisons if not of.halves]
        assert [comparison.most_batches for comparison in tested] == [2, 2]
        assert all(of.most_batches is None for of in plan_c2st(uneven, uneven, make_c2st_config()).comparisons)


class TestStore:
    def test_the_same_question_is_answered_from_the_store(self, cells, tiny, monkeypatch):
        first = c2st(cells, cells, **tiny)
        monkeypatch.setattr(critics, "CriticStep", None)  # would fail
        again = c2st(cells, cells, **tiny)
        pd.testing.assert_frame_equal(again.splits_frame(), first.splits_frame())

    def test_another_precision_is_another_question(self, cells, tiny):
        scores = [c2st(cells, cells, **{**tiny, "precision": kind}).overall.scores for kind in ("float32", "bfloat16")]
        assert not np.array_equal(*scores)
        np.testing.assert_allclose(*scores, atol=0.02)

    def test_more_splits_train_only_the_new_ones(self, cells, tiny):
        events = []
        c2st_matrix(cells, **tiny)
        c2st_matrix(cells, on_event=events.append, **{**tiny, "splits": 3})
        planned = next(event for event in events if isinstance(event, Planned))
        assert (planned.critics, planned.known) == (9, 6)

    @pytest.mark.parametrize("change", [{"steps": 3}, {"seed": 1}, {"flips": False}, {"objective": "wgan-gp"}])
    def test_another_question_is_not(self, cells, tiny, change):
        events = []
        c2st(cells, cells, **tiny)
        c2st(cells, cells, on_event=events.append, **{**tiny, **change})
        assert next(event for event in events if isinstance(event, Planned)).known == 0

    def test_other_cells_and_other_weights_are_not(self, cells, star, tiny):
        known = []

        def note(event):
            if isinstance(event, Planned):
                known.append(event.known)

        quiet = {**tiny, "band": False}
        c2st(star, cells, on_event=note, **quiet)
        c2st(star, cells.subset(indices=[slice(1, None)] * 2), on_event=note, **quiet)
        other = renamed(untrained_model(star.header.shape, "star-shaped", seed=5), "nucleus", "tips")
        c2st(other, cells, on_event=note, **quiet)
        c2st(star, cells, on_event=note, **quiet)
        assert known == [0, 0, 0, 4]

    def test_damaged_files_are_trained_again(self, cells, tiny):
        first = c2st(cells, cells, **tiny)
        for path in tiny["store"].rglob("*.npz"):
            path.write_bytes(path.read_bytes()[:100])
        again = c2st(cells, cells, **tiny)
        pd.testing.assert_frame_equal(again.splits_frame(), first.splits_frame())

    def test_a_folder_that_cannot_be_written_to_is_no_end(self, cells, tiny, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.warns(StoreWarning, match="cannot be kept") as warned:
            c2st(cells.subset(["tips"]), cells.subset(["tips"]), **{**tiny, "store": tmp_path / "file"})
        assert len(warned) == 1

    def test_nothing_is_kept_without_a_store(self, cells, tiny):
        c2st(cells, cells, **{**tiny, "store": None})
        assert not tiny["store"].exists()
        assert ScoreStore(None).folder is None


class TestRunning:
    def test_stopping_keeps_what_is_done(self, cells, tiny):
        done = []

        def stop():
            return len(done) >= 2

        part = c2st_matrix(
            cells, should_stop=stop, on_event=lambda e: done.append(e) if isinstance(e, ResultSoFar) else None, **tiny
        )
        assert not part.is_complete
        assert part.tests
        assert "NOT COMPLETE" in str(part)
        assert "All classes differ" not in str(part)
        events = []
        whole = c2st_matrix(cells, on_event=events.append, **tiny)
        assert next(event for event in events if isinstance(event, Planned)).known >= 2
        fresh = c2st_matrix(cells, **{**tiny, "store": None})
        pd.testing.assert_frame_equal(whole.splits_frame(), fresh.splits_frame())

    def test_a_critic_that_ends_while_it_is_stopped_is_kept(self, cells, tiny, monkeypatch):
        """It is done when the wish to stop has come, and before all others have heard of it."""
        train, trained = work.train_critic, []

        def until_stopped(comparison, config, split, *, should_stop, on_step):
            scores = train(comparison, config, split)
            while not should_stop():
                time.sleep(0.01)
            trained.append(scores)
            return scores

        monkeypatch.setattr(work, "train_critic", until_stopped)
        settings = {name: value for name, value in tiny.items() if name != "progress"}
        started = time.monotonic()
        part = c2st_matrix(cells, should_stop=lambda: time.monotonic() > started + 5, progress=False, **settings)
        assert not part.is_complete
        assert trained
        monkeypatch.undo()
        events = []
        c2st_matrix(cells, on_event=events.append, progress=False, **settings)
        assert next(event for event in events if isinstance(event, Planned)).known == len(trained)

    def test_stopping_before_anything_is_done_says_so(self, cells, tiny):
        with pytest.raises(C2STStoppedError, match="nothing to tell"):
            c2st(cells, cells, should_stop=lambda: True, **tiny)

    def test_events_tell_how_far_it_is(self, cells, tiny):
        settings = {name: value for name, value in tiny.items() if name not in ("store", "progress")}
        events = list(carry_out(plan_c2st(cells, cells, make_c2st_config(**settings)), store=None))
        assert isinstance(events[0], Planned)
        assert events[0].steps == 2 * 2 * 4
        training = [event for event in events if isinstance(event, CriticsTraining)]
        assert training[-1].step == training[-1].steps
        assert training[-1].done == training[-1].critics == 8
        assert sum(isinstance(event, ResultSoFar) for event in events) == 8

    def test_a_generator_that_is_closed_ends_its_threads(self, cells):
        import threading

        testing = carry_out(plan_c2st(cells, cells, make_c2st_config(steps=10_000, device="cpu")), store=None)
        next(testing)
        next(testing)
        testing.close()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("critic")]

    def test_an_error_in_a_critic_reaches_the_caller(self, cells, tiny, monkeypatch):
        def fail(*args, **keywords):
            raise RuntimeError("no such thing")

        monkeypatch.setattr(critics, "CriticStep", fail)
        with pytest.raises(RuntimeError, match="no such thing"):
            c2st(cells, cells, **tiny)

    def test_a_want_of_memory_says_what_to_do(self, cells, tiny, monkeypatch):
        def fail(*args, **keywords):
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

        monkeypatch.setattr(critics, "CriticStep", fail)
        with pytest.raises(biogans.DeviceMemoryError, match="smaller width"):
            c2st(cells, cells, **tiny)

    @pytest.mark.slow
    def test_a_killed_grid_goes_on_where_it_was(self, cells, tiny, tmp_path):
        write_cells(cells, tmp_path / "cells")
        script = textwrap.dedent(
            """
            import sys
            from napari_biogans import c2st_matrix
            c2st_matrix(sys.argv[1], store=sys.argv[2], splits=4, steps=60, width=8, batch_size=16, device="cpu",
                        progress=False)
            """
        )
        store = tmp_path / "killed"

        def whole():
            """Files that are finished; one that is being written has a name that begins with a dot."""
            return [path for path in store.rglob("*.npz") if not path.name.startswith(".")]

        process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "cells"), str(store)])
        try:
            while len(whole()) < 3 and process.poll() is None:
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        kept = {path: path.stat().st_mtime_ns for path in whole()}
        assert 3 <= len(kept) < 12
        settings = {"splits": 4, "steps": 60, "width": 8, "batch_size": 16, "device": "cpu", "progress": False}
        went_on = c2st_matrix(tmp_path / "cells", store=store, **settings)
        never_killed = c2st_matrix(tmp_path / "cells", store=tmp_path / "other", **settings)
        pd.testing.assert_frame_equal(went_on.splits_frame(), never_killed.splits_frame())
        assert all(path.stat().st_mtime_ns == time_ for path, time_ in kept.items())

    @pytest.mark.slow
    def test_a_cluster_gives_the_same_numbers(self, cells, star, tiny):
        distributed = pytest.importorskip("distributed")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
        ) as cluster:
            spread = c2st(star, cells, scheduler=cluster.scheduler_address, **{**tiny, "store": None})
        here = c2st(star, cells, **{**tiny, "store": None})
        pd.testing.assert_frame_equal(spread.splits_frame(), here.splits_frame())

    def test_a_scheduler_that_is_not_there(self, cells, tiny):
        pytest.importorskip("distributed")
        with pytest.raises(C2STError, match="no Dask scheduler at"):
            c2st(cells, cells, scheduler="not an address", **tiny)


@pytest.fixture(scope="module")
def result(cells, star, tmp_path_factory):
    settings = {"splits": 2, "steps": 2, "width": 2, "batch_size": 4, "permutations": 99, "device": "cpu"}
    return c2st_model(star, cells, store=tmp_path_factory.mktemp("store"), progress=False, **settings)


class TestResults:
    def test_prints_as_a_table_with_sentences(self, result):
        text = str(result)
        assert "nucleus" in text
        assert REAL in text
        assert "±" in text
        assert "cannot be told apart" in text or "differ" in text

    def test_the_frame_has_a_row_for_each_test(self, result):
        frame = result.to_frame()
        assert len(frame) == 6
        assert {"score", "std", "low", "high", "accuracy", "auc", "p_value", "p_resolution", "verdict"} <= set(frame)
        assert ((frame["accuracy"] >= 0) & (frame["accuracy"] <= 1)).all()

    def test_a_folder_gets_tables_figures_and_a_report(self, result, tmp_path):
        paths = result.save(tmp_path / "out")
        assert all(path.stat().st_size > 0 for path in paths)
        names = {path.name for path in paths}
        assert {"report.md", "table.csv", "splits.csv", "result.json", "scores.png", "scores.svg"} <= names
        assert sum(name.endswith("-telling.png") for name in names) == 2
        report = paths[0].read_text()
        for line in report.splitlines():
            if line.startswith("!["):
                assert (tmp_path / "out" / line.split("(")[-1].rstrip(")")).exists()
        for word in ("seed", "torch", "splits", "p = "):
            assert word in report
        stored = json.loads((tmp_path / "out" / "result.json").read_text())
        assert stored["settings"]["steps"] == 2
        assert len(stored["tests"]) == 6
        assert len(stored["tests"][0]["by_split"]) == 2
        table = pd.read_csv(tmp_path / "out" / "table.csv")
        assert table["score"].tolist() == pytest.approx(result.to_frame()["score"].tolist())
        result.to_csv(tmp_path / "alone.csv")
        result.to_json(tmp_path / "alone.json")
        assert (tmp_path / "alone.csv").read_text() == (tmp_path / "out" / "table.csv").read_text()

    def test_the_spread_of_greens_is_part_of_it(self, result, star, cells, tmp_path):
        assert len(result.diversities) == 1
        expected = biogans.diversity(star, cells).to_frame()
        pd.testing.assert_frame_equal(result.diversity.drop(columns="model"), expected)
        assert "drawn/real" in str(result)
        paths = result.save(tmp_path)
        assert "Spread of greens" in paths[0].read_text()
        assert pd.read_csv(tmp_path / "diversity.csv")["class"].tolist() == ["nucleus", "tips"]

    def test_json_holds_no_nan(self, cells, tiny, tmp_path):
        result = c2st(cells, cells, **{**tiny, "splits": 1})
        stored = json.loads(result.to_json(tmp_path / "r.json").read_text(), parse_constant=pytest.fail)
        assert stored["tests"][0]["std"] is None

    def test_figures_are_labelled(self, result, cells, tiny):
        score_axes, area_axes = result.plot().axes
        assert "critic gap" in score_axes.get_xlabel()
        assert "area under the curve" in area_axes.get_xlabel()
        matrix = c2st_matrix(cells, **tiny).plot()
        texts = [text.get_text() for text in matrix.axes[0].texts]
        assert len(texts) == 4
        assert all("±" in text for text in texts)
        assert "critic gap" in matrix.axes[1].get_ylabel()
        histogram = result.plot_histogram("tips").axes[0]
        assert histogram.get_xlabel()
        assert "accuracy" in histogram.get_title()
        telling = result.plot_telling("tips", n=3)
        assert "real" in telling.axes[1].get_title(loc="left")
        with pytest.raises(KeyError, match="no test in row 'ring'"):
            result.telling("ring")
        with pytest.raises(ValueError, match="at least 1"):
            result.telling("tips", n=0)

    def test_a_mirrored_test_is_labelled_as_it_was_made(self, cells, tiny):
        matrix = c2st_matrix(cells, **tiny)
        for place in (("nucleus", "tips"), ("tips", "nucleus")):
            telling = matrix.telling(*place)
            upper, lower = (axes.get_title(loc="left") for axes in matrix.plot_telling(*place).axes)
            assert upper == f"surest to be from: {telling.a_class_names[0]}"
            assert lower == f"surest to be from: {telling.b_class_names[0]}"

    def test_odd_names_keep_their_figures_and_tables(self, cells, tiny, tmp_path):
        images = [cells.images[0][:12], cells.images[0][12:], cells.images[1]]
        odd = CellSet(images, ["a/b", "a b", f"p|q\n{'x' * 300}"])
        paths = c2st_matrix(odd, **tiny).save(tmp_path)
        assert sum(path.name.endswith("-telling.png") for path in paths) == 3
        rows = [line for line in paths[0].read_text().splitlines() if line.startswith("| a/b")]
        assert rows
        assert all(line.replace("\\|", "").count("|") == 11 for line in rows)

    def test_an_earlier_result_is_replaced_and_other_files_are_left(self, result, cells, tiny, tmp_path):
        (tmp_path / "figures").mkdir()
        (tmp_path / "figures" / "mine.png").write_text("")
        result.save(tmp_path)
        assert (tmp_path / "figures" / "mine.png").exists()
        c2st(cells, cells, **tiny).save(tmp_path)
        assert not (tmp_path / "diversity.csv").exists()
        assert len(list((tmp_path / "figures").glob("*.png"))) == 5

    def test_a_model_draws_its_telling_cells_again(self, result, star):
        telling = result.telling("tips", n=4)
        assert telling.a_images.dtype == np.uint8
        assert telling.a_images.shape == (4, 2, *SIZE)
        assert telling.a_class_names == ("tips",) * 4
        assert result.telling(n=30).a_class_names.count("nucleus") > 0


@pytest.mark.skipif("BIOGANS_REAL_CELLS" not in os.environ, reason="BIOGANS_REAL_CELLS names no folder of real cells")
def test_real_cells_of_one_class_are_not_told_apart_and_far_doses_are(tmp_path):
    cells = biogans.read_cells(os.environ["BIOGANS_REAL_CELLS"])
    first, last = cells.class_names[0], cells.class_names[-1]
    ends = cells.subset([first, last])
    settings = {"splits": 3, "steps": 120, "width": 4, "learning_rate": 2e-3, "store": tmp_path, "progress": False}
    result = c2st_matrix(ends, **settings)
    assert result.tests[first, last].accuracy > 0.9
    assert result.tests[first, last].verdict == "differ"
    for name in (first, last):
        interval = result.tests[name, name].interval
        assert interval.low < 0 < interval.high
