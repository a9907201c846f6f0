"""What was found, shown over the fields: outlines in the colours of the decisions, and frames of the images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Image, Labels, Vectors
from napari.utils.colormaps import DirectLabelColormap

from napari_biogans.plugin.cutting import Found, firsts_of
from napari_biogans.plugin.field_choice import placed
from napari_biogans.plugin.field_groups import FieldGroup
from napari_biogans.plugin.found_layers import (
    FIELDS,
    FRAMES,
    KEPT_COLOUR,
    cell_features,
    colours,
    frame_vectors,
    numbered_labels,
    outline_layer,
    stacked,
    step_of,
)
from napari_biogans.plugin.layer_data import COLORMAPS, METADATA_KEY, beside
from napari_biogans.plugin.own_layers import bring_into_range, look_at

CHANNELS = ("red", "green")
PLACING = frozenset({"scale", "translate", "rotate", "shear", "affine"})
"""What may change while a layer shows the same pixels."""
CONTOUR = 2
"""Thickness of outlines, in pixels."""
FRAME_WIDTH = 1.5
LIMITS = (1.0, 99.9)
"""Percentiles that become the limits of contrast of fields of files."""


class FoundPreview:
    """Layers of outlines and of frames, which follow what was found and which of it is kept.

    Fields of files are shown, too. Layers that were renamed are left to whoever
    renamed them.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._found: Found | None = None
        self._groups: list[FieldGroup] = []
        self._table: pd.DataFrame | None = None
        self._size: tuple[int, int] | None = None
        self._outlines: dict[str, Labels] = {}
        self._frames: dict[str, Vectors] = {}
        self._fields: tuple[list[str], list[Image]] = ([], [])
        self._names: dict[Any, str] = {}

    @property
    def layers(self) -> list[Labels]:
        """The outlines of each group of fields."""
        return list(self._outlines.values())

    def shows(self, found: Found) -> bool:
        """Tell whether these are the cells that are shown, be the decisions about them as they may."""
        return self._found is not None and self._found.found.labels is found.found.labels

    def show(self, found: Found, table: pd.DataFrame, size: tuple[int, int] | None) -> None:
        """Show what was found.

        Parameters
        ----------
        found : Found
        table : pandas.DataFrame
            As `FoundCells.judge` gives.
        size : (height, width), optional
            Of the images whose frames are shown; None shows none.
        """
        # What does not fit goes before anything comes, since graphics may crash where sliders come to old outlines.
        names = [group.name for group in found.groups]
        self._keep_fitting(dict(zip(names, (labels.shape for labels in found.outlines), strict=True)))
        is_first = not self._outlines
        groups = [group if group.is_shown else self._show_fields(found, group) for group in found.groups]
        features = cell_features(table)
        self._found, self._table, self._size = found, table, None
        for group, labels in zip(groups, found.outlines, strict=True):
            data, keywords, _ = outline_layer(group, labels, step_of(group), features)
            layer = self._outlines.get(group.name)
            if layer is not None:
                layer.data = data
                _place(layer, keywords)
            else:
                layer = self._outlines[group.name] = self._add(Labels(data, **keywords))
                layer.contour = CONTOUR
                layer.editable = False
        self._groups = groups
        self.judge(table, size)
        if is_first and self._outlines:
            # Only of the layer that is active napari says what is under the mouse.
            self._viewer.layers.selection.active = self.layers[0]

    def judge(self, table: pd.DataFrame, size: tuple[int, int] | None) -> None:
        """Show other decisions about the same cells."""
        if self._found is None:
            return
        self._table = table
        colormap = DirectLabelColormap(color_dict=colours(table))
        features = cell_features(table)
        for layer in self.layers:
            if self._is_ours(layer):
                layer.colormap = colormap
                layer.features = features
        self._show_frames(size)

    def remove(self) -> None:
        """Take outlines and frames out of the viewer; fields of files stay, as pictures that were opened."""
        for layer in [*self._outlines.values(), *self._frames.values()]:
            self._take_away(layer)
        self._outlines, self._frames, self._found = {}, {}, None

    def labels(self) -> list[tuple[Any, dict[str, Any], str]]:
        """Give the labels that were found as layers to keep, with all that is known of the cells."""
        if self._found is None or self._table is None:
            return []
        kept = []
        features = cell_features(self._table)
        for group, first in zip(self._groups, firsts_of(self._groups), strict=True):
            data = numbered_labels(group, self._found.found, first)
            keywords = {
                "name": f"{group.name} labels",
                "features": features,
                **group.placing,
            }
            # An array of its own, so that it can be drawn on.
            kept.append((np.array(data), keywords, "labels"))
        return kept

    def _keep_fitting(self, shapes: dict[str, tuple[int, ...]]) -> None:
        """Take away what cannot show outlines of these shapes in groups of these names, or the frames in them."""
        for name, labels in list(self._outlines.items()):
            if not self._is_ours(labels) or labels.data.shape != shapes.get(name):
                self._take_away(self._outlines.pop(name))
        for name, vectors in list(self._frames.items()):
            if not self._is_ours(vectors) or vectors.ndim != len(shapes.get(name, ())):
                self._take_away(self._frames.pop(name))

    def _show_frames(self, size: tuple[int, int] | None) -> None:
        if size is None:
            for layer in self._frames.values():
                self._take_away(layer)
            self._frames = {}
            return
        if self._found is None or self._table is None:
            return
        for group, first in zip(self._groups, firsts_of(self._groups), strict=True):
            vectors = frame_vectors(group, self._table, first, size)
            layer = self._frames.get(group.name)
            if layer is not None and self._is_ours(layer):
                layer.data = vectors
                _place(layer, group.placing)
                continue
            self._frames[group.name] = self._add(
                Vectors(
                    vectors,
                    name=f"frames in {group.name}",
                    vector_style="line",
                    edge_width=FRAME_WIDTH,
                    edge_color=KEPT_COLOUR,
                    metadata={METADATA_KEY: {"shows": FRAMES}},
                    **group.placing,
                )
            )

    def _show_fields(self, found: Found, group: FieldGroup) -> FieldGroup:
        """Show fields of files, of which those are read that are looked at, unless they are shown already."""
        sources = [f"{field.source} {field.index}" for field in group.fields]
        known, layers = self._fields
        if known != sources or not all(layer in self._viewer.layers for layer in layers):
            before = [layer for layer in layers if self._is_ours(layer)]
            images = self._field_images(found, group, before)
            layers = [self._add(Image(data, **keywords)) for data, keywords in images]
            # Not earlier, so that graphics never have to draw labels that somebody kept without the fields below them.
            for layer in before:
                self._take_away(layer)
            for layer, (_, keywords) in zip(layers, images, strict=True):
                # Those before had these names.
                self._names[layer] = layer.name = keywords["name"]
            self._fields = sources, layers
            bring_into_range(self._viewer.dims, layers[0].data.shape)
            look_at(self._viewer, layers)
        return placed(group, tuple(layers[0].translate), tuple(str(unit) for unit in layers[0].units))

    def _field_images(
        self, found: Found, group: FieldGroup, before: Sequence[Image]
    ) -> list[tuple[Any, dict[str, Any]]]:
        layers: list[Any] = []
        for channel, name in enumerate(CHANNELS):
            planes = [partial(_padded, getattr(field, name), group.size) for field in group.fields]
            seen = np.concatenate([light.values[channel] for light in found.found.lights])
            low, high = (float(limit) for limit in np.percentile(seen, LIMITS))
            keywords = {
                "name": f"{group.name} {name}",
                "colormap": COLORMAPS[channel],
                "blending": "additive",
                "contrast_limits": (low, high if high > low else low + 1),
                "metadata": {METADATA_KEY: {"shows": FIELDS, "fields": [field.name for field in group.fields]}},
                **group.placing,
            }
            layers.append((stacked(planes, group, group.size, found.found.fields[0].dtype), keywords, "image"))
        return [(data, keywords) for data, keywords, _ in beside(self._viewer.layers, layers, instead_of=before)]

    def _add(self, layer: Any) -> Any:
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        if active in self._viewer.layers:
            self._viewer.layers.selection.active = active
        self._names[layer] = layer.name
        return layer

    def _is_ours(self, layer: Any) -> bool:
        """Tell whether a layer is there and was not renamed, as by somebody who wants to keep it."""
        return layer in self._viewer.layers and layer.name == self._names.get(layer)

    def _take_away(self, layer: Any) -> None:
        if layer is None:
            return
        if self._is_ours(layer):
            self._viewer.layers.remove(layer)
        self._names.pop(layer, None)


def _place(layer: Any, keywords: dict[str, Any]) -> None:
    """Lay a layer where its field is now."""
    for name in PLACING.intersection(keywords):
        setattr(layer, name, keywords[name])


def _padded(plane: Any, size: tuple[int, int]) -> Any:
    """Read a field, and bring it to a common size."""
    pixels = np.asarray(plane[0 : plane.shape[0], 0 : plane.shape[1]])
    missing = [(0, wanted - length) for wanted, length in zip(size, pixels.shape, strict=True)]
    return np.pad(pixels, missing) if any(after for _, after in missing) else pixels
