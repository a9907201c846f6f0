"""What results say of themselves."""

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
