"""Films and image sequences of cells along a way."""

import gc
import warnings
from dataclasses import replace

import imageio.v3 as imageio
import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_biogans import LatentError, interpolate, read_cells
from napari_biogans.latent import LatentStoppedError
from napari_biogans.latent.films import CHANNEL_COLOURS, WHITE, Stage

from .conftest import SIZE, varied


def has(picture, colour):
    return (picture == colour).all(axis=-1).any()


def read_mp4(target):
    """Give the frames and the rate; imageio's reader leaves pipes open, which are collected here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        frames, facts = (read(target, plugin="FFMPEG") for read in (imageio.imread, imageio.immeta))
        gc.collect()
    return frames, facts["fps"]


@pytest.fixture(scope="module")
def way(star):
    return interpolate(star, star.draw_latents(3, seed=1), frames=7)


def test_a_gif_has_every_frame_at_its_rate_and_goes_on_for_ever(way, tmp_path):
    target = way.save_film(tmp_path / "way.gif", frames_per_second=20)
    frames = imageio.imread(target)
    assert frames.shape == (7, *next(Stage(way).frames()).shape)
    facts = imageio.immeta(target)
    assert (facts["duration"], facts["loop"]) == (50, 0)


def test_a_gif_shows_few_bright_pixels_as_bright_as_they_are(way, tmp_path):
    # Cells are dark and full of different shades of noise, but for a bright spot.
    images = np.random.default_rng(0).integers(0, 60, way.images.shape, np.uint8)
    images[..., 0, 4:6, 4:6] = 240
    shown = replace(way, images=images)
    frames = imageio.imread(shown.save_film(tmp_path / "way.gif")).astype(int)
    expected = np.stack(list(Stage(shown).frames())).astype(int)
    bright = expected.max(axis=-1) > 200
    assert np.abs(frames - expected)[bright].mean() < 6
    assert np.abs(frames - expected).mean() < 6


def test_an_mp4_has_every_frame_at_its_rate_unscaled(way, tmp_path):
    target = way.save_film(tmp_path / "way.mp4", frames_per_second=12)
    frames, rate = read_mp4(target)
    expected = np.stack(list(Stage(way).frames()))
    assert frames.shape == expected.shape
    assert np.abs(frames.astype(int) - expected).mean() < 6  # what the compression loses
    assert rate == 12


def test_panels_show_the_cells_magnified(way):
    stage = Stage(way, classes=[way.class_names[1]], magnify=4)
    for frame, picture in enumerate(stage.frames()):
        left, top = stage._corner(0)
        panel = picture[top : top + 4 * SIZE[0] : 4, left : left + 4 * SIZE[1] : 4]
        low, high = way.intensity_range.T[..., None, None]
        unit = np.clip((way.images[1, frame] - low) / (high - low), 0, 1)
        np.testing.assert_allclose(panel, np.stack([unit[0], unit[1], unit[0]], axis=-1) * 255, atol=1)


def test_legend_scale_bar_and_time_line(joint):
    way = interpolate(joint, joint.draw_latents(2, seed=0), frames=5)
    below = [picture[-44:] for picture in Stage(replace(way, pixel_size=0.2), magnify=2).frames()]
    for colour in CHANNEL_COLOURS:
        assert has(below[0][:22], colour)
    # 5 µm of 0.2 µm each, magnified twice; the bar is four pixels high.
    middle = (below[0][11] == WHITE).all(axis=-1)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], middle, [0]])))
    assert max(ends[1::2] - ends[::2]) == 5 / 0.2 * 2 + 1
    assert not has(next(Stage(way, magnify=2).frames())[-44:-22, -60:], WHITE)  # no pixel size, no bar
    white = [(picture[22:] == WHITE).all(axis=-1).sum() for picture in below]
    assert white[-1] > white[0] + 100, "the time line does not grow"


@pytest.mark.parametrize("magnify", [1, 3, None])
@pytest.mark.parametrize("classes", [1, 2, 7])
def test_sides_are_even_as_encoders_want_them(classes, magnify):
    model = varied("star-shaped" if classes > 1 else "joint", classes=classes)
    height, width, _ = next(Stage(interpolate(model, model.draw_latents(2), frames=2), magnify=magnify).frames()).shape
    assert height % 2 == width % 2 == 0


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("way.avi", {}, r"\.gif or an \.mp4"),
        ("way.gif", {"frames_per_second": 0}, "0.1 to 50"),
        ("way.gif", {"frames_per_second": float("nan")}, "0.1 to 50"),
        ("way.gif", {"classes": ["nobody"]}, "no class nobody"),
        ("way.gif", {"classes": []}, "Choose a class"),
        ("way.gif", {"magnify": 0}, "1 time at least"),
        ("way.gif", {"magnify": 500}, "magnify less"),
    ],
)
def test_what_makes_no_film_is_refused_and_no_file_is_left(way, tmp_path, name, arguments, says):
    with pytest.raises(LatentError, match=says):
        way.save_film(tmp_path / name, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_image_sequence_opens_in_imagej_with_red_once(way, tmp_path):
    with tifffile.TiffFile(way.save_tiff(tmp_path / "way.tif")) as opened:
        assert opened.is_imagej
        (series,) = opened.series
        assert (series.axes, series.shape) == ("TCYX", (7, 4, *SIZE))
        greens = [f"{name} green" for name in way.class_names]
        assert opened.imagej_metadata["Labels"][:4] == ["red", *greens]
        pixels = series.asarray()
    np.testing.assert_array_equal(pixels[:, 0], way.images[0, :, 0])
    np.testing.assert_array_equal(pixels[:, 1:], way.images[:, :, 1].swapaxes(0, 1))
    with pytest.raises(LatentError, match=r"\.tif file"):
        way.save_tiff(tmp_path / "way.png")


def test_the_image_sequence_has_every_red_where_classes_have_reds_of_their_own(tmp_path):
    model = varied("independent", classes=2)
    way = interpolate(model, model.draw_latents(2, seed=1), frames=3)
    pixels = tifffile.imread(way.save_tiff(tmp_path / "way.tif"))
    np.testing.assert_array_equal(pixels, way.images.swapaxes(0, 1).reshape(3, 4, *SIZE))


def test_everything_is_saved(way, tmp_path):
    paths = way.save(tmp_path / "way")
    names = ["film.gif", "film.mp4", "frames.png", "frames.svg", "frames.tif", "latents.npy", "measurements.csv"]
    assert sorted(path.name for path in paths) == names
    assert sorted(path.name for path in (tmp_path / "way").iterdir()) == names
    np.testing.assert_array_equal(np.load(tmp_path / "way" / "latents.npy"), way.latents)
    table = pd.read_csv(tmp_path / "way" / "measurements.csv")
    assert len(table) == 3 * 7
    assert table.loc[table["is_key"], "frame"].unique().tolist() == way.keys.tolist()
    assert table.columns.tolist()[3:] == ["length", "width", "area", "mean_red", "mean_green"]
    assert read_cells(tmp_path / "way" / "frames.tif").counts == (7,)


def test_the_figure_shows_frames_and_curves(way):
    figure = way.plot(4)
    above, *curves = [axes for part in figure.subfigs for axes in part.axes]
    assert [text.get_text() for text in above.get_xticklabels()] == ["0*", "2", "4", "6*"]
    assert [text.get_text() for text in above.get_yticklabels()] == list(way.class_names)
    assert "pixels" in curves[0].get_ylabel()
    assert len(curves[1].get_legend().get_texts()) == 3
    with pytest.raises(ValueError, match="at least 1"):
        way.plot(0)


@pytest.mark.parametrize("asked_before", [0, 3, 7])
def test_a_film_that_is_stopped_leaves_what_was_there(way, tmp_path, asked_before):
    target = tmp_path / "way.gif"
    target.write_text("old")
    answers = iter([*[False] * asked_before, True])
    with pytest.raises(LatentStoppedError, match="before the film was written"):
        way.save_film(target, should_stop=lambda: next(answers))
    assert [path.name for path in tmp_path.iterdir()] == ["way.gif"]
    assert target.read_text() == "old"
