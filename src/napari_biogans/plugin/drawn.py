"""What a model drew, and layers of it. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_biogans.plugin.cell_features import CellOrigin, joined_origins, with_features
from napari_biogans.plugin.cell_records import with_records
from napari_biogans.plugin.class_colours import class_colours
from napari_biogans.plugin.layer_data import LayerData, channel_layers, contact_sheet

if TYPE_CHECKING:
    from napari_biogans.models import Model

MOST_GREENS_VISIBLE = 2
"""On top of each other; more add up to white."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Cells that were drawn."""

    images: NDArray[Any]
    """(K, N, C, H, W)"""
    class_names: tuple[str, ...]
    """Of the K classes that were drawn."""
    colours: tuple[str, ...]
    """Of their greens."""
    shares_red: bool
    """Whether red is the same in all classes."""
    pixel_size: float | None
    channel_names: tuple[str, ...]
    intensity_range: tuple[tuple[float, float], ...]
    metadata: dict[str, Any]
    """How to draw the same cells again."""
    origins: tuple[CellOrigin | None, ...] = ()
    """Of each of the N cells, if they were drawn for real ones."""

    @classmethod
    def by(
        cls,
        model: Model,
        images: NDArray[Any],
        class_names: tuple[str, ...],
        metadata: dict[str, Any],
        origins: tuple[CellOrigin | None, ...] = (),
    ) -> Drawn:
        """Put what a model drew beside what is known of the model.

        Parameters
        ----------
        model : Model
        images : array (K, N, C, H, W)
        class_names : tuple of str
            Of the K classes.
        metadata : dict
            From what it was drawn.
        origins : tuple of CellOrigin or None
            Of the N cells, if they were drawn for real ones.
        """
        header, count = model.header, len(model.class_names)
        colours = dict(zip(model.class_names, class_colours(count) if count > 1 else ["green"], strict=True))
        return cls(
            images=images,
            class_names=class_names,
            colours=tuple(colours[name] for name in class_names),
            shares_red=model.architecture.shares_red,
            pixel_size=header.pixel_size,
            channel_names=header.channel_names,
            intensity_range=header.intensity_range,
            metadata={
                "classes": count,
                "class_names": model.class_names,
                "step": header.step,
                "weights": header.draws_from,
                "architecture": header.architecture,
                **metadata,
            },
            origins=origins,
        )

    def layers(
        self, *, as_sheet: bool, along: str = "cell", limits: Sequence[tuple[float, float]] | None = None
    ) -> list[LayerData]:
        """Make a layer of red and one of green per class.

        There is one layer of red where all classes share it, else one per
        class. Of more greens than can be told apart on top of each other, the
        first is visible and the others are hidden. In stacks, cells that were
        drawn for real ones have the features of those.

        Parameters
        ----------
        as_sheet : bool
            All cells beside each other, and not in a stack.
        along : str
            What the slices of a stack are.
        limits : sequence of (low, high), optional
            Of the contrast of each channel; default those of its pixels.
        """
        layers: list[LayerData] = []
        features, fields = (None, ()) if as_sheet else joined_origins(self.origins)
        for place, (name, colour, cells) in enumerate(zip(self.class_names, self.colours, self.images, strict=True)):
            channels = cells.swapaxes(0, 1)
            if as_sheet:
                channels = np.stack([contact_sheet(channel) for channel in channels])
            of_class = channel_layers(
                channels,
                self._names(name, len(channels)),
                colormaps=("red", colour, "gray"),
                pixel_size=self.pixel_size,
                metadata={**self.metadata, "class": name},
                along=along,
            )
            of_class = with_records(of_class, name, self.channel_names, self.intensity_range)
            of_class = with_features(of_class, features, fields)
            if limits is not None:
                of_class = [
                    (data, {**keywords, "contrast_limits": limit}, kind)
                    for (data, keywords, kind), limit in zip(of_class, limits, strict=True)
                ]
            layers += [
                (data, {**keywords, "visible": place == 0 or len(self.class_names) <= MOST_GREENS_VISIBLE}, kind)
                for data, keywords, kind in (of_class[1:] if place and self.shares_red else of_class)
            ]
        return layers

    def _names(self, class_name: str, channels: int) -> list[str]:
        colours = ["red", "green", *(f"channel {place}" for place in range(2, channels))]
        if self.metadata["classes"] == 1:
            return colours
        red = "red" if self.shares_red else f"{class_name} red"
        return [red, *(f"{class_name} {colour}" for colour in colours[1:])]
