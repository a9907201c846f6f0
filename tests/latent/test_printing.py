"""What results say of themselves."""

from dataclasses import replace

import numpy as np

from napari_biogans import colocalisation, complete, interpolate, reconstruct
from napari_biogans.latent import Direction


def test_results_are_printed_in_words_rather_than_arrays(star, drawn, quick):
    latents = star.draw_latents(2, seed=0)
    assert str(interpolate(star, latents, frames=4)) == (
        "4 frames of class 1, class 2, class 3, 24x40 pixels; key cells at 0, 3"
    )
    assert str(Direction("red 1", latents[0], 0.25)) == "Direction(red 1, 8 numbers, 25% explained)"
    assert repr(Direction("red 1", latents[0], None)) == "Direction(red 1, 8 numbers)"
    settings = {**quick, "steps": 2}
    for result in (
        reconstruct(star, drawn[0], **settings),
        complete(star, drawn[0], draws=2, **settings),
        colocalisation(star, drawn[0], draws=2, **settings),
    ):
        assert repr(result) == str(result)
        assert "array(" not in repr(result)


def test_a_completion_says_how_well_greens_were_matched_and_leaves_out_no_flat_cell(star, drawn, quick):
    result = complete(star, drawn[0], draws=2, match_green=True, **quick)
    matched = result.to_frame().groupby("class")["matched_rmse"].median()
    assert f"class 1: median RMSE of its own green {result.to_frame()['green_rmse'][:6].median():.4f}" in str(result)
    assert f"matched by a green latent of its own {matched['class 1']:.4f}" in str(result)
    flat = replace(result, targets=np.zeros_like(result.targets))
    assert flat.to_frame()["green_correlation"].isna().all()
    assert "class 1: median RMSE of its own green" in str(flat)
    assert "correlation" not in str(flat)
