"""Films of cells along a way: panels with a legend of colours, a scale bar and a time line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from matplotlib.font_manager import findfont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_biogans.evaluation.sheets import SCALE_BAR_UM, composite
from napari_biogans.files import replacing
from napari_biogans.latent.errors import LatentError, LatentStoppedError
from napari_biogans.latent.paths import LatentPath

SUFFIXES = (".gif", ".mp4")
RATES = (0.1, 50.0)
USUAL_WIDTH, LEAST_WIDTH, LARGEST_WIDTH = 600, 360, 4096
"""Of a film, in pixels; encoders and players have limits."""
MARGIN, TITLE, LINE = 10, 18, 22
"""Pixels around panels, above each, and of a line of text below all."""
FONT_SIZE = 13
BLACK, WHITE, GREY = (0, 0, 0), (255, 255, 255), (110, 110, 110)
CHANNEL_COLOURS = ((255, 0, 255), (0, 255, 0))
"""Of red and green: magenta and green are told apart by everybody."""
MP4_QUALITY = 8
"""Of 10."""


def write_film(
    path: LatentPath,
    target: Path,
    classes: Sequence[str] | None,
    frames_per_second: float,
    magnify: int | None,
    should_stop: Callable[[], bool],
) -> Path:
    """Write a GIF or an MP4; see `LatentPath.save_film`."""
    if target.suffix.lower() not in SUFFIXES:
        raise LatentError(f"A film is a .gif or an .mp4 file, not {target.name!r}.")
    if not RATES[0] <= frames_per_second <= RATES[1]:
        raise LatentError(f"A film has {RATES[0]:g} to {RATES[1]:g} frames per second, not {frames_per_second:g}.")
    stage = Stage(path, classes, magnify)
    pictures = []
    for picture in stage.frames():
        _go_on_unless(should_stop())
        pictures.append(picture)
    frames = np.stack(pictures)
    with replacing(target) as temporary:
        if target.suffix.lower() == ".gif":
            first, *rest = map(_with_palette, frames)
            first.save(temporary, save_all=True, append_images=rest, duration=1000 / frames_per_second, loop=0)
        else:
            # Pictures of even sides are all that the format asks for; without this, imageio scales them.
            imageio.imwrite(
                temporary,
                frames,
                extension=".mp4",
                plugin="FFMPEG",
                fps=frames_per_second,
                quality=MP4_QUALITY,
                macro_block_size=2,
                ffmpeg_log_level="error",
            )
        _go_on_unless(should_stop())
    return target


def _go_on_unless(stopped: bool) -> None:
    if stopped:
        raise LatentStoppedError("Stopped before the film was written.")


def _with_palette(frame: NDArray[np.uint8]) -> Image.Image:
    """Choose the 256 colours of a frame by which colours there are, not by how many pixels have them.

    By pixels, as is usual, most colours go to the dark background, and what
    is bright becomes half as bright.
    """
    return Image.fromarray(frame).quantize(method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)


class Stage:
    """Where everything stands in the pictures of a film.

    Parameters
    ----------
    path : LatentPath
    classes : sequence of str, optional
        To show; default all.
    magnify : int, optional
        Pixels of the film for each of the cells; default as many as make it
        about 600 wide.

    Raises
    ------
    LatentError
        If a class is unknown, or the film would become too large.
    """

    def __init__(self, path: LatentPath, classes: Sequence[str] | None = None, magnify: int | None = None) -> None:
        self._path = path
        self._shown = list(path.class_names if classes is None else classes)
        if unknown := [name for name in self._shown if name not in path.class_names]:
            raise LatentError(f"There is no class {', '.join(unknown)}; there are {', '.join(path.class_names)}.")
        if not self._shown:
            raise LatentError("Choose a class to show at least.")
        height, width = path.images.shape[-2:]
        self._columns = _columns(len(self._shown), height, width)
        self._rows = math.ceil(len(self._shown) / self._columns)
        self._magnify = max(1, round(USUAL_WIDTH / (self._columns * width))) if magnify is None else magnify
        if self._magnify < 1:
            raise LatentError(f"Cells are magnified 1 time at least, not {magnify}.")
        self._panel = height * self._magnify, width * self._magnify
        across = MARGIN + self._columns * (self._panel[1] + MARGIN)
        down = MARGIN + self._rows * (TITLE + self._panel[0] + MARGIN) + 2 * LINE
        self._size = _even(max(across, LEAST_WIDTH)), _even(down)
        if max(self._size) > LARGEST_WIDTH:
            raise LatentError(
                f"The film would be {self._size[0]} x {self._size[1]} pixels; magnify less, or show fewer classes."
            )
        self._font = ImageFont.truetype(findfont("DejaVu Sans"), FONT_SIZE)
        self._background = self._without_cells()

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Draw one picture (height, width, 3) after the other."""
        places = [self._path.class_names.index(name) for name in self._shown]
        for frame in range(len(self._path)):
            picture = self._background.copy()
            cells = composite(self._path.images[places, frame], self._path.intensity_range, magenta=True)
            for place, cell in enumerate((cells * 255).round().astype(np.uint8)):
                left, top = self._corner(place)
                picture.paste(Image.fromarray(_magnified(cell, self._magnify)), (left, top))
            self._add_scale_bar(ImageDraw.Draw(picture))
            self._move_on(ImageDraw.Draw(picture), frame)
            yield np.asarray(picture)

    def _corner(self, place: int) -> tuple[int, int]:
        row, column = divmod(place, self._columns)
        left = MARGIN + column * (self._panel[1] + MARGIN)
        return left, MARGIN + TITLE + row * (TITLE + self._panel[0] + MARGIN)

    def _without_cells(self) -> Image.Image:
        picture = Image.new("RGB", self._size, BLACK)
        draw = ImageDraw.Draw(picture)
        for place, name in enumerate(self._shown):
            left, top = self._corner(place)
            draw.text((left, top - TITLE), self._fitting(name, self._panel[1]), fill=WHITE, font=self._font)
        left, middle = MARGIN, self._size[1] - 2 * LINE + LINE // 2
        for name, colour in zip(self._path.channel_names, CHANNEL_COLOURS, strict=False):
            draw.rectangle((left, middle - 5, left + 10, middle + 5), fill=colour)
            draw.text((left + 16, middle), name, fill=WHITE, font=self._font, anchor="lm")
            left += 16 + round(self._font.getlength(name)) + 2 * MARGIN
        return picture

    def _add_scale_bar(self, draw: ImageDraw.ImageDraw) -> None:
        """Below the panels, to the right, so that no cell is covered."""
        if self._path.pixel_size is None:
            return
        length = round(SCALE_BAR_UM / self._path.pixel_size * self._magnify)
        right, middle = self._size[0] - MARGIN, self._size[1] - 2 * LINE + LINE // 2
        draw.rectangle((right - length, middle - 2, right, middle + 1), fill=WHITE)
        draw.text((right - length - 6, middle), f"{SCALE_BAR_UM} µm", fill=WHITE, font=self._font, anchor="rm")

    def _move_on(self, draw: ImageDraw.ImageDraw, frame: int) -> None:
        """Draw the time line, with the key cells on it, and where on it the frame is."""
        last = max(len(self._path) - 1, 1)
        middle = self._size[1] - LINE // 2
        text = f"frame {frame + 1} of {len(self._path)}"
        widest = round(self._font.getlength(f"frame {len(self._path)} of {len(self._path)}"))
        left, right = MARGIN + 4, self._size[0] - 2 * MARGIN - widest

        def across(place: int) -> int:
            return left + round((right - left) * place / last)

        draw.rectangle((left, middle - 1, right, middle), fill=GREY)
        draw.rectangle((left, middle - 1, across(frame), middle), fill=WHITE)
        for key in self._path.keys:
            draw.ellipse((across(key) - 3, middle - 4, across(key) + 3, middle + 3), fill=GREY, outline=WHITE)
        draw.ellipse((across(frame) - 4, middle - 5, across(frame) + 4, middle + 4), fill=WHITE)
        draw.text((self._size[0] - MARGIN, middle), text, fill=WHITE, font=self._font, anchor="rm")

    def _fitting(self, name: str, width: int) -> str:
        """Shorten a name that is wider than its panel."""
        if self._font.getlength(name) <= width:
            return name
        while name and self._font.getlength(f"{name}…") > width:
            name = name[:-1]
        return f"{name}…"


def _columns(panels: int, height: int, width: int) -> int:
    """Choose how many panels stand beside each other, so that all make about a square, or something wider."""
    return min(panels, max(1, math.ceil(math.sqrt(panels * height / width))))


def _magnified(cell: NDArray[np.uint8], times: int) -> NDArray[Any]:
    return cell.repeat(times, axis=0).repeat(times, axis=1)


def _even(length: int) -> int:
    return length + length % 2
