"""The layers in which fields are chosen: what counts of them, and whether they go together. Nothing here knows Qt."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_biogans.cells.cellset import CellsError, CellsWarning
from napari_biogans.cells.tiff_metadata import to_micrometres
from napari_biogans.plugin.cell_layers import CHANNEL_LABELS, SAME_SCALE, LayerImages
from napari_biogans.plugin.layer_data import METADATA_KEY
from napari_biogans.plugin.pairing import DEPTH_LABELS, WELLS_KEY, axes_named

DOSES_KEY = "doses"
"""Under which layers of whole wells know the doses, slice by slice."""


@dataclass(frozen=True, eq=False)
class FieldLayer:
    """What counts of a layer of fields, taken from it in the main thread."""

    images: LayerImages
    """Of several scales the finest."""
    placing: dict[str, Any]
    """Where it stands: what layers that lie on it are given, from `scale` to `axis_labels`."""
    source: str
    """The file that it was read from, or its name."""
    wells: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Of each slice, if the layer tells."""

    @classmethod
    def of(cls, layer: Any) -> FieldLayer:
        """Take what counts of a napari layer of images or of labels."""
        images = LayerImages.of(layer) if hasattr(layer, "rgb") else _of_labels(layer)
        if images.multiscale:
            images = replace(images, data=layer.data[0], multiscale=False)
        known = layer.metadata.get(METADATA_KEY) or {}
        path = getattr(layer.source, "path", None)
        return cls(
            images,
            {
                "scale": images.scale,
                "translate": tuple(float(place) for place in layer.translate),
                "rotate": np.array(layer.rotate),
                "shear": np.array(layer.shear),
                # A layer's own would change with the layer.
                "affine": np.array(layer.affine.affine_matrix),
                "units": images.units,
                "axis_labels": images.axis_labels,
            },
            str(path) if path else layer.name,
            tuple(map(str, known.get(WELLS_KEY, ()))),
            told_classes(layer),
        )


def told_classes(layer: Any) -> tuple[str, ...]:
    """Give the class of each slice of a layer, if it tells: those of BBBC013 know their doses."""
    known = layer.metadata.get(METADATA_KEY) or {}
    return tuple(f"dose {int(dose):02d}" for dose in known.get(DOSES_KEY, ()))


@dataclass(frozen=True, eq=False)
class LayerChoice:
    """The layers in which one series of fields, or one field, is shown."""

    red: FieldLayer
    green: FieldLayer | None
    channel_axis: int | None
    """Of `red`, where there is no layer of green."""
    labels: FieldLayer | None
    class_name: str
    """Of all fields; empty if the layer of red tells it slice by slice."""


def check_choice(choice: LayerChoice) -> None:
    """Refuse layers that hold no fields, or do not go together.

    Raises
    ------
    CellsError
        The message names the layer.
    """
    red, green, labels = choice.red.images, choice.green, choice.labels
    for images in (red, *(() if green is None else (green.images,))):
        if images.rgb:
            raise CellsError(
                f"Layer {images.name!r} holds coloured pictures; split it into channels (right-click on the layer, "
                "Split RGB) and choose its red and green layers."
            )
        _check_axes(images, choice.channel_axis)
    if green is not None and (green.images.shape != red.shape or green.images.data.dtype != red.data.dtype):
        raise CellsError(
            f"Red layer {red.name!r} is {_told(red)}, green layer {green.images.name!r} {_told(green.images)}; choose "
            "layers that show the same fields."
        )
    if green is None and (choice.channel_axis is None or red.shape[choice.channel_axis] < 2):
        raise CellsError(f"Choose the layer that holds green for {red.name!r}.")
    if labels is not None and labels.images.shape != shape_of_labels(choice):
        wanted = "×".join(map(str, shape_of_labels(choice)))
        raise CellsError(
            f"Layer of labels {labels.images.name!r} is {_told(labels.images)}, and has to be {wanted} for the fields "
            f"of {red.name!r}."
        )


def _check_axes(images: LayerImages, channel_axis: int | None) -> None:
    """Refuse axes of which each slice would be taken for a field, and is none."""
    long = [axis for axis, length in enumerate(images.shape[:-2]) if length > 1]
    for axis in set(long).intersection(axes_named(DEPTH_LABELS, images.axis_labels)):
        raise CellsError(
            f"Layer {images.name!r} is a stack in depth ({images.axis_labels[axis]}, {images.shape[axis]} planes); "
            f"project it first: viewer.add_image(layer.data.max(axis={axis})). If they are times or positions, "
            "name the axis so: layer.axis_labels."
        )
    for axis in set(long).intersection(axes_named(CHANNEL_LABELS, images.axis_labels)) - {channel_axis}:
        raise CellsError(
            f"Axis {images.axis_labels[axis]!r} of layer {images.name!r} counts channels, not fields; choose the layer "
            "as red and one of its channels ('same layer') as green, or split it (right-click on it, Split Stack)."
        )


def warn_of_placing(choice: LayerChoice) -> bool:
    """Tell whether pixels are square; warn if they are not, or if green lies elsewhere than red."""
    red, green = choice.red, choice.green
    scale, units = red.images.scale[-2:], red.images.units[-2:]
    height, width = (to_micrometres(abs(side), unit) or abs(side) for side, unit in zip(scale, units, strict=True))
    is_square = math.isclose(height, width, rel_tol=SAME_SCALE)
    if not is_square:
        unit = " µm" if all(to_micrometres(1, unit) for unit in units) else ""
        warnings.warn(
            f"Pixels of layer {red.images.name!r} are {height:g}{unit} high and {width:g}{unit} wide; cells are "
            "turned as if they were square, which distorts them, and have no pixel size. Resample the layers to square "
            "pixels first.",
            CellsWarning,
            stacklevel=4,
        )
    if green is not None and (differ := _differing(red.placing, green.placing)):
        warnings.warn(
            f"Layer {green.images.name!r} does not lie where {red.images.name!r} does ({', '.join(differ)}); cells "
            "are cut from the same pixels of both all the same. If those do not show the same place, resample one to "
            "the other.",
            CellsWarning,
            stacklevel=4,
        )
    return is_square


def _differing(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Name what two layers differ in, as far as rows and columns go: by more than half a pixel, or noticeably."""
    half = min(abs(side) for side in first["scale"][-2:]) / 2
    tolerances = {
        "scale": (SAME_SCALE, 0),
        "translate": (0, half),
        **dict.fromkeys(("rotate", "shear", "affine"), (0, 1e-3)),
    }
    return [
        name
        for name, (relative, absolute) in tolerances.items()
        if not np.allclose(_last_two(first[name]), _last_two(second[name]), rtol=relative, atol=absolute)
    ]


def _last_two(values: Any) -> Any:
    return values[-2:] if isinstance(values, tuple) else values


def shape_of_labels(choice: LayerChoice) -> tuple[int, ...]:
    """Give the shape that labels have to have: that of red, with or without its channels, or that of the only field."""
    shape = choice.red.images.shape
    given = () if choice.labels is None else choice.labels.images.shape
    without = tuple(n for axis, n in enumerate(shape) if axis != choice.channel_axis)
    only = shape[-2:] if all(n == 1 for n in without[:-2]) else without
    return given if given in (shape, without, only) else without


def _of_labels(layer: Any) -> LayerImages:
    return LayerImages(
        name=layer.name,
        data=layer.data,
        scale=tuple(float(factor) for factor in layer.scale),
        units=tuple(str(unit) for unit in layer.units),
        axis_labels=tuple(layer.axis_labels),
        multiscale=bool(layer.multiscale),
    )


def _told(images: LayerImages) -> str:
    return f"{'×'.join(map(str, images.shape))} {images.data.dtype}"
