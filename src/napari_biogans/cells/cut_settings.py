"""The settings of cutting cells from fields: one source for the API, the command line and the dock widget."""

from __future__ import annotations

from dataclasses import fields as fields_of
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.sizes import halvings
from napari_biogans.settings import checked

Masking = Literal["none", "neighbours", "background"]
Normalisation = Literal["none", "field", "set"]
Facing = Literal["least-turn", "brighter-right"]
Percent = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

LEAST_MAGNIFICATION, GREATEST_MAGNIFICATION = 0.01, 100.0
"""Beyond these an image shows a whole field, or a part of a pixel."""
Magnification = Annotated[float, Field(ge=LEAST_MAGNIFICATION, le=GREATEST_MAGNIFICATION)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(use_attribute_docstrings=True, extra="forbid"))
class SegmentationConfig:
    """How cells are found by their red where no labels are given, and measured. Lengths are in pixels of the field.

    Examples
    --------
    >>> SegmentationConfig().smoothing
    1.0
    """

    smoothing: NotNegative = 1.0
    """Standard deviation of the blur before anything else, in pixels; more for grainy pictures."""

    background: Annotated[int, Field(ge=0, le=4096)] = 64
    """Side of the squares, in pixels, whose darkest parts make the background; larger than a cell. 0: one background
    for the whole field."""

    threshold: Positive = 1.0
    """What is bright enough for a cell, in parts of Otsu's threshold above the background: less finds dimmer cells."""

    edge: Annotated[float, Field(ge=0, lt=1)] = 0.4
    """Where a cell ends, in parts of its own brightness, in [0, 1), so that bright ones do not swell. 0: where the
    threshold is, for red that is bright in one place only."""

    valley: Annotated[float, Field(gt=0, le=1)] = 0.3
    """How much darker than the dimmer of two cells what is between them has to be for them to be parted, in (0, 1]. 1:
    never, for red that is brighter at the ends of a cell."""

    split: Annotated[float, Field(ge=0, le=1)] = 0.1
    """How deep a waist has to be for two touching cells to be parted, in parts of half their width: less parts more.
    1: never."""

    smallest: Annotated[int, Field(ge=1)] = 30
    """What has fewer pixels than this is no cell at all and is not listed."""

    ring: Annotated[int, Field(ge=0, le=256)] = 4
    """Width of the ring around each outline, in pixels, whose green is measured, too: where outlines are those of
    nuclei, a cell may have all of its green around them. 0: none."""

    tile: Annotated[int, Field(ge=64, le=16_384)] = 2048
    """Side of the parts, in pixels, in which large fields are worked on: less takes less memory."""

    overlap: Annotated[int, Field(ge=16, le=4096)] = 128
    """How far these parts reach into each other, in pixels; longer than a cell, which else is cut at a seam."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(use_attribute_docstrings=True, extra="forbid"))
class CutConfig:
    """Which cells are cut from fields, and how.

    Examples
    --------
    >>> CutConfig(width=96).size
    (48, 96)
    """

    height: Annotated[int, Field(ge=8, le=4096)] = 48
    """Of the images of cells, in pixels."""

    width: Annotated[int, Field(ge=8, le=4096)] = 80
    """Of the images of cells, in pixels; the long axis of a cell lies along it."""

    magnification: Magnification | None = None
    """Pixels of a cell's image for each pixel of the field, in [0.01, 100]; empty: 1, or what the pixel size asks
    for."""

    pixel_size: Positive | None = None
    """Side of a pixel of the cells' images in µm; the fields need a pixel size, too. Empty: follows from the
    magnification."""

    min_area: NotNegative | None = None
    """Least area of a cell, in pixels of the field; empty: a third of the median of all that were found."""

    max_area: Positive | None = None
    """Greatest area of a cell, in pixels of the field; empty: three times the median of all that were found."""

    min_solidity: Annotated[float, Field(ge=0, le=1)] = 0.85
    """Least part of its convex hull that a cell fills, in [0, 1]: clumps and debris fill less."""

    min_red: NotNegative | None = None
    """Least mean red of a cell above the background of its field; empty: five spreads of the background. 0: no
    limit."""

    min_green: NotNegative | None = None
    """Least green of a cell above the background of its field: its mean within the outline or, if that is more, the
    median of the ring around it. Empty: five spreads of the background. 0: no limit."""

    max_outside: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Greatest part of a cell's image that may lie outside of the field, in [0, 1]; there it shows the background."""

    mask: Masking = "neighbours"
    """What is replaced by the background: none, what is nearer to other cells, or all that is not of the cell."""

    margin: NotNegative = 3.0
    """Where the background is masked: how far beyond its outline a cell is shown, in pixels of the field."""

    softness: NotNegative = 1.0
    """Standard deviation of the blur of masks, in pixels of the field; 0: hard edges."""

    normalisation: Normalisation = "none"
    """Brightness: as in the field; or scaled so that the percentiles below, of each field or of the whole set, become
    the ends of the range."""

    low_percentile: Percent = 0.1
    """Percentile of red and of green that becomes the low end of the range, in [0, 100]."""

    high_percentile: Percent = 99.9
    """Percentile of red and of green that becomes the high end of the range, in [0, 100]."""

    facing: Facing = "least-turn"
    """Which way round a cell lies: turned by at most 90°, or with the half that has more red on the right."""

    def __post_init__(self) -> None:
        halvings((self.height, self.width))
        if self.magnification is not None and self.pixel_size is not None:
            raise ValueError("magnification and pixel_size say the same; give one of them")
        if self.low_percentile >= self.high_percentile:
            raise ValueError("low_percentile must be less than high_percentile")
        if self.min_area is not None and self.max_area is not None and self.min_area > self.max_area:
            raise ValueError("min_area must not be more than max_area")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images of cells."""
        return self.height, self.width

    def magnification_for(self, field_pixel_size: float | None, name: str) -> float:
        """Find the pixels of a cell's image for each pixel of a field.

        Raises
        ------
        CellsError
            If a pixel size is asked for, and that of the field is not known,
            or so different that the magnification is out of its range.
        """
        if self.pixel_size is None:
            return self.magnification or 1.0
        if field_pixel_size is None:
            raise CellsError(
                f"The pixel size of field {name!r} is not known, so that cells cannot be brought to "
                f"{self.pixel_size:g} µm; give the fields' pixel size, or a magnification."
            )
        magnification = field_pixel_size / self.pixel_size
        if not LEAST_MAGNIFICATION <= magnification <= GREATEST_MAGNIFICATION:
            raise CellsError(
                f"A pixel of field {name!r} is {field_pixel_size:g} µm wide; to bring cells to {self.pixel_size:g} µm "
                f"is a magnification of {magnification:g}, which has to be from {LEAST_MAGNIFICATION:g} to "
                f"{GREATEST_MAGNIFICATION:g}. Give another pixel size, of the cells or of the fields."
            )
        return magnification


def make_cut_configs(**settings: Any) -> tuple[SegmentationConfig, CutConfig]:
    """Check settings and make both configurations of them.

    Parameters
    ----------
    **settings
        Fields of `SegmentationConfig` and of `CutConfig`.

    Raises
    ------
    CellsError
        If a setting is unknown or out of its range.

    Examples
    --------
    >>> segmentation, cut = make_cut_configs(threshold=0.8, mask="background")
    >>> segmentation.threshold, cut.mask
    (0.8, 'background')
    >>> make_cut_configs(softness=-1)
    Traceback (most recent call last):
    ...
    napari_biogans.cells.cellset.CellsError: softness: Input should be greater than or equal to 0 (not -1)
    """
    of_segmentation = {field.name for field in fields_of(SegmentationConfig)}
    first = {name: value for name, value in settings.items() if name in of_segmentation}
    second = {name: value for name, value in settings.items() if name not in of_segmentation}
    return checked(SegmentationConfig, first, CellsError), checked(CutConfig, second, CellsError)
