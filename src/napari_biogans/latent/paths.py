"""Cells along a way through the latents, in numbers, pictures, films and files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.cells import CellSet
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.writing import write_imagej_stack
from napari_biogans.files import replacing
from napari_biogans.latent.errors import LatentError, LatentStoppedError
from napari_biogans.latent.measure import measure_cells
from napari_biogans.models import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAMES_PER_SECOND = 15.0
FRAMES_AT_A_TIME = 16
"""Between two looks at whether to stop."""


@dataclass(frozen=True, eq=False)
class LatentPath:
    """Cells along the way between key cells.

    Parameters
    ----------
    latents : array (F, Z)
        Of each frame.
    images : array (K, F, C, H, W)
        What the model draws from them, of every class, in the units of the
        cells that it was trained on.
    class_names : tuple of str
        The K classes.
    keys : array (M,)
        Frames that show the key cells.
    channel_names : tuple of str
    intensity_range : array (C, 2)
    pixel_size : float, optional
        In µm.
    shares_red : bool
        Whether red is the same in all classes.
    """

    latents: NDArray[np.float32]
    images: NDArray[Any]
    class_names: tuple[str, ...]
    keys: NDArray[np.int64]
    channel_names: tuple[str, ...]
    intensity_range: NDArray[np.float32]
    pixel_size: float | None
    shares_red: bool

    def __len__(self) -> int:
        return len(self.latents)

    def __str__(self) -> str:
        height, width = self.images.shape[-2:]
        keys = f"key cell{'' if len(self.keys) == 1 else 's'} at {', '.join(map(str, self.keys))}"
        return f"{len(self)} frames of {', '.join(self.class_names)}, {height}x{width} pixels; {keys}"

    __repr__ = __str__

    @classmethod
    def drawn_by(
        cls,
        model: Model,
        latents: NDArray[np.float32],
        keys: Sequence[int],
        should_stop: Callable[[], bool] = never,
    ) -> LatentPath:
        """Draw the cells of latents that follow each other.

        Parameters
        ----------
        model : Model
        latents : array (F, Z)
        keys : sequence of int
            Frames that show key cells.
        should_stop : callable

        Returns
        -------
        LatentPath

        Raises
        ------
        LatentStoppedError
            If it was stopped.
        """
        blocks = []
        for start in range(0, len(latents), FRAMES_AT_A_TIME):
            if should_stop():
                raise LatentStoppedError("Stopped before the way was drawn.")
            blocks.append(model.generate(latents=latents[start : start + FRAMES_AT_A_TIME]))
        return cls(
            latents=latents,
            images=np.concatenate(blocks, axis=1),
            class_names=model.class_names,
            keys=np.asarray(keys, np.int64),
            channel_names=model.channel_names,
            intensity_range=np.array(model.header.intensity_range, np.float32),
            pixel_size=model.header.pixel_size,
            shares_red=model.architecture.shares_red,
        )

    def to_frame(self) -> pd.DataFrame:
        """Measure the cells along the way.

        Returns
        -------
        pandas.DataFrame
            A row per frame of each class: `class`, `frame`, `is_key`, and what
            `measure_cells` measures.
        """
        tables = []
        for name, images in zip(self.class_names, self.images, strict=True):
            table = measure_cells(
                images,
                intensity_range=self.intensity_range,
                channel_names=self.channel_names,
                pixel_size=self.pixel_size,
            )
            frames = np.arange(len(self))
            table.insert(0, "class", name)
            table.insert(1, "frame", frames)
            table.insert(2, "is_key", np.isin(frames, self.keys))
            tables.append(table)
        return pd.concat(tables, ignore_index=True)

    def plot(self, n: int = 10) -> Figure:
        """Draw cells along the way, a row per class, and what was measured of them below.

        Parameters
        ----------
        n : int
            Frames, at equal steps.

        Returns
        -------
        matplotlib.figure.Figure
        """
        # The module that draws results imports this one.
        from napari_biogans.latent.figures import path_figure

        return path_figure(self, n)

    def save_film(
        self,
        path: str | os.PathLike[str],
        *,
        classes: Sequence[str] | None = None,
        frames_per_second: float = FRAMES_PER_SECOND,
        magnify: int | None = None,
        should_stop: Callable[[], bool] = never,
    ) -> Path:
        """Write a film with a legend of colours, a scale bar and a time line.

        Parameters
        ----------
        path : path-like
            Ending in `.gif` or `.mp4`; replaced if it is there.
        classes : sequence of str, optional
            To show, in this order; default all.
        frames_per_second : float
            0.1 to 50, which is as fast as a GIF can be.
        magnify : int, optional
            Pixels of the film for each of the cells; default as many as make
            it about 600 wide.
        should_stop : callable
            Asked before each frame, and at the end, whether to write nothing.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        LatentError
            If an argument makes no sense.
        LatentStoppedError
            If it was stopped; what was at `path` is as it was.
        OSError
            If the film cannot be written there.
        """
        # Fonts and encoders take a while to load.
        from napari_biogans.latent.films import write_film

        return write_film(self, Path(path), classes, frames_per_second, magnify, should_stop)

    def save_tiff(self, path: str | os.PathLike[str]) -> Path:
        """Write all frames as one ImageJ hyperstack of red and the greens of all classes.

        Parameters
        ----------
        path : path-like
            Ending in `.tif`; replaced if it is there.

        Returns
        -------
        pathlib.Path
            The axes are TCYX: frames, channels, rows and columns; red comes
            once where all classes share it, else before each green.

        Raises
        ------
        LatentError
            If the name does not end in `.tif` or `.tiff`.
        """
        path = Path(path)
        if path.suffix not in (".tif", ".tiff"):
            raise LatentError(f"An image sequence is a .tif file, not {path.name!r}.")
        cells = CellSet([self._channels()], ["frames"], self._channel_labels(), self.pixel_size, self._ranges())
        with replacing(path) as temporary:
            write_imagej_stack(cells, 0, temporary)
        return path

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the film, the frames, the latents, what was measured, and a figure into a folder.

        Parameters
        ----------
        folder : path-like
            Made if it is missing; files of the same names are replaced.

        Returns
        -------
        list of pathlib.Path
            `film.gif`, `film.mp4`, `frames.tif`, `latents.npy`,
            `measurements.csv`, `frames.png` and `.svg`.
        """
        from napari_biogans.evaluation.report import save_figure

        folder = Path(folder)
        paths = [folder / "measurements.csv", folder / "latents.npy"]
        with replacing(paths[0]) as temporary:
            self.to_frame().to_csv(temporary, index=False)
        with replacing(paths[1]) as temporary:
            np.save(temporary, self.latents)
        paths += [self.save_film(folder / "film.gif"), self.save_film(folder / "film.mp4")]
        return [*paths, self.save_tiff(folder / "frames.tif"), *save_figure(self.plot(), folder / "frames")]

    def _channels(self) -> NDArray[Any]:
        """Give all channels of all classes (F, channels, H, W)."""
        first = 1 if self.shares_red else 0
        return np.concatenate([self.images[0], *(images[:, first:] for images in self.images[1:])], axis=1)

    def _channel_labels(self) -> list[str]:
        if len(self.class_names) == 1:
            return list(self.channel_names)
        red, *others = self.channel_names
        labels = []
        for place, name in enumerate(self.class_names):
            if not self.shares_red:
                labels.append(f"{name} {red}")
            elif place == 0:
                labels.append(red)
            labels += [f"{name} {other}" for other in others]
        return labels

    def _ranges(self) -> NDArray[np.float32]:
        each = [self.intensity_range[1:] if self.shares_red else self.intensity_range] * (len(self.class_names) - 1)
        return np.concatenate([self.intensity_range, *each])
