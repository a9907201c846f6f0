"""Draw the figures of docs/architectures.md, or print its table of what each architecture costs.

    python docs/draw_architectures.py [--output docs/images/architectures]
    python docs/draw_architectures.py --costs

Everything is derived from `ARCHITECTURES`: how training cells are laid out, whether red
is drawn alone, and whether classes share their red say where the parts go. A new
architecture of a known layout needs no change here. All pictures of cells are simulated.
Drawing again changes nothing.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from numpy.typing import NDArray

from napari_biogans.cells import nearest_images, simulate_cells
from napari_biogans.models import ARCHITECTURES, Architecture, NetworkShape
from napari_biogans.models.stages import generator_stages

FOLDER = Path(__file__).parent / "images" / "architectures"
SIZE = (48, 80)
PAPER_CLASSES = 6

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
RED = "#D55E00"
CLASSES = {"A": "#009E73", "B": "#56B4E9", "C": "#F0E442"}
PATTERNS = {"A": "nucleus", "B": "tips", "C": "actin-patches"}
MIXED = "#9A9A9A"
INK, FAINT = "#222222", "#777777"
ALL = tuple(CLASSES.values())
"""Fills a shape with stripes: something that all classes share."""

# One unit is one pixel of the PNG; y grows downwards.
WIDTH = 1000
DPI = 100
HEAD, FOOT = 128, 46
LATENT = 112
FIRST_LAYER, LAYER_STEP = 196, 78
IMAGE = 492
CRITIC = 652
REAL = 752
H, W = SIZE
GAP = 6
LAYER_HEIGHTS = (22, 32, 44, 58)

Colours = tuple[str, ...]
Point = tuple[float, float]


class Box(NamedTuple):
    """Something that arrows begin and end at: a part of the latent, a layer, an image."""

    left: float
    right: float
    y: float


# What a figure holds --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tower:
    """Layers that grow to one or more images."""

    colours: Colours
    letters: tuple[str, ...]
    """Of its images; R is red."""

    @property
    def height(self) -> float:
        """What it takes of the figure."""
        return max(LAYER_HEIGHTS[-1], len(self.letters) * (H + GAP) - GAP)


@dataclass(frozen=True)
class Network:
    """A red tower and the green ones that look at it, or one tower that draws everything."""

    towers: tuple[Tower, ...]
    of_class: str | None = None


def networks_of(architecture: Architecture) -> list[Network]:
    """Lay out the generator of an architecture for the classes A, B and C."""
    letters = tuple(CLASSES)
    red = Tower((RED,), ("R",))
    if architecture.layout == "pooled":
        letters = ("*",)
    if architecture.layout != "by-class":
        if architecture.separable:
            return [Network((red, Tower(ALL, letters)))]
        return [Network((Tower((MIXED,), ("R", *letters)),))]
    if architecture.shares_red:
        return [Network((red, *(Tower((CLASSES[letter],), (letter,)) for letter in letters)))]
    if architecture.separable:
        return [Network((red, Tower((CLASSES[letter],), (letter,))), letter) for letter in letters]
    return [Network((Tower((MIXED,), ("R", letter)),), letter) for letter in letters]


# Drawing --------------------------------------------------------------------------------------------------------------


class Sheet:
    """A white sheet on which one unit is one pixel."""

    def __init__(self, height: float) -> None:
        self.figure = Figure(figsize=(WIDTH / DPI, round(height) / DPI), dpi=DPI, facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, WIDTH), ylim=(round(height), 0))
        self.axes.set_axis_off()
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()

    def text(self, x: float, y: float, words: str, size: float = 10.5, **style: object) -> float:
        """Write; return where the words end."""
        style = {"color": INK, "ha": "left", "va": "center", "linespacing": 1.25, "zorder": 6} | style
        return self.axes.text(x, y, words, fontsize=size, **style).get_window_extent(self._renderer).x1

    def block(self, left: float, top: float, width: float, height: float, colours: Colours, **style: object) -> None:
        """Draw a box; of several colours, in stripes."""
        stripe = height / len(colours)
        for k, colour in enumerate(colours):
            self.axes.add_patch(Rectangle((left, top + k * stripe), width, stripe, fc=colour, lw=0, zorder=4))
        style = {"fc": "none", "ec": INK, "lw": 1, "zorder": 5} | style
        self.axes.add_patch(Rectangle((left, top), width, height, **style))

    def panel(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """Tint the ground of what belongs to one class."""
        shape = FancyBboxPatch(
            (left, top),
            right - left,
            bottom - top,
            boxstyle="round,pad=0,rounding_size=8",
            lw=0,
            zorder=0,
            fc=colour,
            alpha=0.16,
        )
        self.axes.add_patch(shape)

    def line(self, points: Sequence[Point], colour: str, *, arrow: bool = True, width: float = 1.8) -> None:
        """Draw a line; red ones pass over others."""
        x, y = zip(*points, strict=True)
        order = 3 if colour == RED else 2
        short = list(x)
        if arrow:
            short[-1] -= 4 * np.sign(x[-1] - x[-2])  # the line ends within the head of the arrow
        self.axes.plot(short, y, color=colour, lw=width, zorder=order, solid_capstyle="butt")
        if arrow:
            head = FancyArrowPatch(
                points[-2],
                points[-1],
                arrowstyle="-|>,head_length=4.2,head_width=2.6",
                shrinkA=0,
                shrinkB=0,
                mutation_scale=1,
                color=colour,
                lw=0,
                zorder=order + 0.1,
            )
            self.axes.add_patch(head)

    def bus(self, source: Box, turn: float, targets: Iterable[tuple[Box, float]], colour: str) -> None:
        """Lead from one box to the left sides of others, each at its own offset in y."""
        for target, offset in targets:
            y = target.y + offset
            if y == source.y:
                self.line([(source.right, y), (target.left, y)], colour)
            else:
                self.line([(source.right, source.y), (turn, source.y), (turn, y), (target.left, y)], colour)

    def image(
        self, left: float, top: float, pixels: NDArray[np.uint8], letter: str, *, pile: Sequence[str] = ()
    ) -> Box:
        """Show a channel of a cell in its colour; a pile has frames of other colours behind."""
        for k, colour in reversed(list(enumerate(pile, start=1))):
            self.axes.add_patch(Rectangle((left + 4 * k, top + 4 * k), W, H, fc=colour, ec=INK, lw=0.8, zorder=3.5))
        colour = RED if letter == "R" else CLASSES[letter[0]]
        tint = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
        background, bright = np.percentile(pixels, (50, 99.7))
        grey = np.clip((pixels - background) / (bright - background), 0, 1)
        self.axes.imshow(
            grey[..., None] * tint, extent=(left, left + W, top + H, top), interpolation="none", zorder=4, aspect="auto"
        )
        self.axes.add_patch(Rectangle((left, top), W, H, fc="none", ec=INK, lw=1, zorder=5))
        name = "red" if letter == "R" else letter
        self.text(left + 4, top + 9, name, 8.5, color="white", weight="bold")
        return Box(left, left + W, top + H / 2)

    def critic(self, y: float) -> Box:
        half, tall, slant = 31, 17, 9
        corners = [(-half, 0), (-half + slant, -tall), (half - slant, -tall), (half, 0), (half - slant, tall)]
        corners.append((-half + slant, tall))
        self.axes.add_patch(Polygon([(CRITIC + x, y + dy) for x, dy in corners], fc=INK, lw=0, zorder=4))
        self.text(CRITIC, y, "critic", 10.5, color="white", ha="center", weight="bold")
        return Box(CRITIC - half, CRITIC + half, y)


class MadeUp(NamedTuple):
    """A training cell of multi-channel networks, and what it was made of."""

    own: str
    """The class of the cell."""
    cell: NDArray[np.uint8]
    """Its red and its green."""
    neighbours: dict[str, NDArray[np.uint8]]
    """For every other class: red and green of the cells that are nearest in red, flipped to fit, (k, 2, H, W)."""
    flips: dict[str, list[int]]
    """How each was flipped: 0 not, 1 left to right, 2 top to bottom, 3 both."""
    taken: dict[str, int]
    """Which of them the green is taken from."""

    def channel(self, letter: str) -> NDArray[np.uint8]:
        if letter in ("R", self.own):
            return self.cell[int(letter != "R")]
        return self.neighbours[letter][self.taken[letter], 1]


class Cells:
    """Simulated cells to show."""

    def __init__(self) -> None:
        # What a generator draws is shown by cells of which all greens are known.
        drawn = simulate_cells(24, classes=[PATTERNS["A"]], seed=5)
        order = [drawn.green_names.index(pattern) for pattern in PATTERNS.values()]
        self._drawn = np.concatenate([drawn.cells.images[0][:, :1], drawn.greens[0][:, order]], axis=1)
        self._measured = simulate_cells(MEASURED_CELLS, classes=PATTERNS.values(), seed=1, all_greens=False).cells

    def generated(self, number: int, letter: str) -> NDArray[np.uint8]:
        return self._drawn[number, "RABC".index(letter)]

    def measured(self, letter: str, channel: int) -> NDArray[np.uint8]:
        return self._measured.images["ABC".index(letter)][MEASURED[letter], channel]

    @cached_property
    def made_up(self) -> MadeUp:
        own, *others = CLASSES
        images = dict(zip(CLASSES, self._measured.images, strict=True))
        cell = images[own][MEASURED[own]]
        neighbours, flips = {}, {}
        for letter in others:
            found = nearest_images(
                cell[None, :1], images[letter][:, :1], NEIGHBOURS, intensity_range=self._measured.intensity_range[:1]
            )
            flips[letter] = found.flips[0].tolist()
            chosen = zip(images[letter][found.indices[0]], flips[letter], strict=True)
            neighbours[letter] = np.stack([_flipped(image, how) for image, how in chosen])
        return MadeUp(own, cell, neighbours, flips, TAKEN)


def _flipped(image: NDArray[np.uint8], how: int) -> NDArray[np.uint8]:
    return image[:, :: -1 if how & 2 else 1, :: -1 if how & 1 else 1]


MEASURED_CELLS = 300
# The numbers of the simulated cells that are shown.
GENERATED = {None: 2, "A": 2, "B": 7, "C": 11}
MEASURED = {"A": 11, "B": 6, "C": 16}
NEIGHBOURS = 5
# Of them, the one whose green is shown as taken.
TAKEN = {"B": 1, "C": 3}


def draw_architecture(architecture: Architecture, cells: Cells) -> Figure:
    """Draw how an architecture makes cells, and what judges them."""
    networks = networks_of(architecture)
    per_class_panels = architecture.layout == "by-class"
    between, around = 14, 9
    heights = [
        sum(tower.height for tower in network.towers) + (len(network.towers) - 1) * between for network in networks
    ]
    body = sum(heights) + (len(networks) - 1) * (between + 2 * around) + 2 * around
    body = max(body, 3 * (H + GAP) + 24 if architecture.layout == "pooled" else 0)
    sheet = Sheet(HEAD + body + FOOT)
    _draw_head(sheet, architecture)

    shape = _example_shape(architecture)
    middle = HEAD + body / 2
    top = middle - (sum(heights) + (len(networks) - 1) * (between + 2 * around)) / 2
    first_layers: list[list[Box]] = []
    for network, height in zip(networks, heights, strict=True):
        tops = [top + sum(tower.height + between for tower in network.towers[:k]) for k in range(len(network.towers))]
        if network.of_class:
            sheet.panel(150, top - around, WIDTH - 8, top + height + around, CLASSES[network.of_class])
        elif per_class_panels:
            for tower, its_top in list(zip(network.towers, tops, strict=True))[1:]:
                edges = its_top - between / 2 + 2, its_top + tower.height + between / 2 - 2
                sheet.panel(150, edges[0], WIDTH - 8, edges[1], tower.colours[0])
        columns, images = _draw_network(sheet, architecture, network, tops, shape, cells)
        first_layers.append(columns)
        _draw_judgement(sheet, architecture, network, images, cells)
        top += height + between + 2 * around
    _draw_latent(sheet, architecture, shape, middle, first_layers)
    _draw_foot(sheet, architecture, HEAD + body + FOOT / 2)
    return sheet.figure


def _example_shape(architecture: Architecture) -> NetworkShape:
    sizes = architecture.sizes(len(CLASSES))
    return NetworkShape(
        image_size=SIZE,
        classes=len(CLASSES),
        latent_size=sizes.latent_size,
        width=sizes.width,
        red_portion=sizes.red_portion,
    )


def _draw_head(sheet: Sheet, architecture: Architecture) -> None:
    _write_title(sheet, architecture.name, architecture.summary)
    y = 88
    layers_middle = FIRST_LAYER + 1.5 * LAYER_STEP
    for x, words in (
        (LATENT - 20, "latent"),
        (layers_middle, "generator"),
        (IMAGE + W / 2, "generated"),
        (REAL + 100, "training cells"),
    ):
        sheet.text(x, y, words, 11, weight="bold", ha="center", va="baseline")
    stages = generator_stages(_example_shape(architecture), 2)
    height, width = stages[0].kernel_size
    for k in range(len(stages)):
        x = FIRST_LAYER + k * LAYER_STEP if k < len(stages) - 1 else IMAGE + W / 2
        sheet.text(x, y + 20, f"{height * 2**k}×{width * 2**k}", 9, color=FAINT, ha="center", va="baseline")


def _write_title(sheet: Sheet, title: str, summary: str) -> None:
    sheet.text(14, 26, title, 15, weight="bold", va="baseline")
    sheet.text(14, 36, textwrap.fill(summary, 120), 10.5, va="top", linespacing=1.15)


def _draw_network(
    sheet: Sheet, architecture: Architecture, network: Network, tops: list[float], shape: NetworkShape, cells: Cells
) -> tuple[list[Box], dict[str, Box]]:
    """Draw towers; return the first layer of each, and the images by letter."""
    stages = generator_stages(shape, 1 + len(CLASSES))
    columns: list[list[list[Box]]] = []  # by column, by tower; the last column holds images
    for k, (stage, tall) in enumerate(zip(stages[:-1], LAYER_HEIGHTS, strict=True)):
        column = []
        for tower, top in zip(network.towers, tops, strict=True):
            channels = stage.outputs.total
            if architecture.separable:
                channels = stage.outputs.red if tower.colours == (RED,) else stage.outputs.green
            wide = 0.95 * channels**0.5
            y = top + tower.height / 2
            left = FIRST_LAYER + k * LAYER_STEP - wide / 2
            sheet.block(left, y - tall / 2, wide, tall, tower.colours)
            column.append([Box(left, left + wide, y)])
        columns.append(column)
    images: dict[str, Box] = {}
    number = GENERATED[network.of_class]
    for tower, top in zip(network.towers, tops, strict=True):
        first = top + (tower.height - len(tower.letters) * (H + GAP) + GAP) / 2
        for k, letter in enumerate(tower.letters):
            shown, pile = ("A, B or C", [CLASSES["B"], CLASSES["C"]]) if letter == "*" else (letter, [])
            pixels = cells.generated(number, shown[0])
            images[letter] = sheet.image(IMAGE, round(first + k * (H + GAP)), pixels, shown, pile=pile)
    columns.append([[images[letter] for letter in tower.letters] for tower in network.towers])
    for here, there in pairwise(columns):
        _connect(sheet, architecture, [boxes[0] for boxes in here], there)
    return [boxes[0] for boxes in columns[0]], images


def _connect(sheet: Sheet, architecture: Architecture, sources: list[Box], targets: list[list[Box]]) -> None:
    """Show what the layers of one column get from those before."""
    if not architecture.separable:
        sheet.bus(sources[0], sources[0].right + 16, [(box, 0) for box in targets[0]], INK)
        return
    red, *greens = sources
    for source, boxes in zip(greens, targets[1:], strict=True):
        offset = 6
        moved = source._replace(y=source.y + offset) if len(boxes) == 1 else source
        sheet.bus(moved, source.right + 28, [(box, offset) for box in boxes], INK)
    below = [(box, -6) for boxes in targets[1:] for box in boxes]
    sheet.bus(red, red.right + 12, [(targets[0][0], 0), *below], RED)


def _draw_latent(
    sheet: Sheet, architecture: Architecture, shape: NetworkShape, middle: float, first_layers: list[list[Box]]
) -> None:
    wide, unit = 20, 0.8
    left, right = LATENT - wide / 2, LATENT + wide / 2
    if not architecture.separable:
        tall = shape.latent_size * unit
        sheet.block(left, middle - tall / 2, wide, tall, (MIXED,))
        sheet.text(left - 8, middle, f"red and\ngreen: {shape.latent_size}", ha="right")
        targets = [(layers[0], 0) for layers in first_layers]
        sheet.bus(Box(left, right, middle), right + 22, targets, INK)
        return
    red_tall = shape.red_latent_size * unit
    green_tall = (shape.latent_size - shape.red_latent_size) * unit
    # The red part lies beside the first red layer where there is one such layer.
    red_y = first_layers[0][0].y if len(first_layers) == 1 else middle - 28
    top = red_y - red_tall / 2
    sheet.block(left, top, wide, red_tall, (RED,))
    sheet.block(left, top + red_tall, wide, green_tall, ALL)
    green_y = top + red_tall + green_tall / 2
    sheet.text(left - 8, red_y, f"red: {shape.red_latent_size}", ha="right")
    sheet.text(left - 8, green_y, f"green: {shape.latent_size - shape.red_latent_size}", ha="right")
    if architecture.green_latent_per_class:
        words = "shared by\nall classes, or\none for each"
        sheet.text(right, top + red_tall + green_tall + 10, words, 9, ha="right", va="top", color=FAINT)
    greens = [(box, 6) for layers in first_layers for box in layers[1:]]
    sheet.bus(Box(left, right, green_y), right + 12, greens, INK)
    reds = [(layers[0], 0) for layers in first_layers]
    reds += [(box, -6) for layers in first_layers for box in layers[1:]]
    sheet.bus(Box(left, right, red_y), right + 24, reds, RED)


def _draw_judgement(
    sheet: Sheet, architecture: Architecture, network: Network, images: dict[str, Box], cells: Cells
) -> None:
    """Draw critics, what they see of the generated cells, and the real cells beside."""
    if architecture.layout == "by-class" and network.of_class is None:
        for letter in CLASSES:
            green = images[letter]
            critic = sheet.critic(green.y)
            sheet.line([(green.right, green.y + 6), (critic.left + 3, green.y + 6)], INK)
            turn = green.right + 14
            sheet.line(
                [
                    (images["R"].right, images["R"].y),
                    (turn, images["R"].y),
                    (turn, green.y - 6),
                    (critic.left + 3, green.y - 6),
                ],
                RED,
            )
            _draw_real_pair(sheet, letter, critic, cells)
        return
    seen = list(images.values())
    y = (seen[0].y + seen[-1].y) / 2
    critic = sheet.critic(y)
    pile = 8 if "*" in images else 0
    x = seen[0].right + 8 + pile
    top, bottom = seen[0].y - H / 2 + 4, seen[-1].y + H / 2 - 4 + pile
    sheet.line([(x, top), (x + 7, top), (x + 7, bottom), (x, bottom)], INK, arrow=False, width=1.4)
    sheet.line([(x + 7, y), (critic.left, y)], INK)
    if network.of_class:
        _draw_real_pair(sheet, network.of_class, critic, cells)
    elif architecture.layout == "pooled":
        _draw_pool(sheet, critic, cells)
    else:
        _draw_made_up(sheet, critic, seen, cells)


def _draw_real_pair(sheet: Sheet, letter: str, critic: Box, cells: Cells) -> None:
    top = round(critic.y - H / 2)
    pile = [CLASSES[letter]] * 2
    sheet.image(REAL, top, cells.measured(letter, 0), "R")
    sheet.image(REAL + W + GAP, top, cells.measured(letter, 1), letter, pile=pile)
    sheet.text(REAL + 2 * W + GAP + 18, critic.y, f"class {letter}", 10)
    sheet.line([(REAL, critic.y), (critic.right, critic.y)], INK)


def _draw_pool(sheet: Sheet, critic: Box, cells: Cells) -> None:
    height = len(CLASSES) * (H + GAP) - GAP
    top = round(critic.y - height / 2)
    for k, letter in enumerate(CLASSES):
        y = top + k * (H + GAP)
        sheet.image(REAL, y, cells.measured(letter, 0), "R")
        sheet.image(REAL + W + GAP, y, cells.measured(letter, 1), letter)
    right = REAL + 2 * W + GAP
    sheet.block(REAL - 8, top - 8, right - REAL + 16, height + 16, ("none",), ls=(0, (4, 3)), zorder=3)
    sheet.text(right + 14, critic.y, "all\nclasses\nas one", 10)
    sheet.line([(REAL - 8, critic.y), (critic.right, critic.y)], INK)


def _draw_made_up(sheet: Sheet, critic: Box, generated: list[Box], cells: Cells) -> None:
    """Show a training cell whose other greens come from cells that look alike in red."""
    made_up = cells.made_up
    for letter, beside in zip(("R", *CLASSES), generated, strict=True):
        box = sheet.image(REAL, round(beside.y - H / 2), made_up.channel(letter), letter)
        if letter in ("R", made_up.own):
            sheet.text(box.right + 12, box.y, "of one cell", 10)
        else:
            sheet.text(box.right + 12, box.y, "borrowed from\na cell like it in red", 10, color=FAINT)
            sheet.block(REAL - 3, box.y - H / 2 - 3, W + 6, H + 6, ("none",), ls=(0, (4, 3)))
    x = REAL - 10
    top, bottom = generated[0].y - H / 2 + 4, generated[-1].y + H / 2 - 4
    sheet.line([(x, top), (x - 7, top), (x - 7, bottom), (x, bottom)], INK, arrow=False, width=1.4)
    sheet.line([(x - 7, critic.y), (critic.right, critic.y)], INK)


def _draw_foot(sheet: Sheet, architecture: Architecture, y: float) -> None:
    if architecture.separable:
        parts: list[tuple[Colours, str]] = [((RED,), "red")]
        if architecture.layout == "by-class":
            parts += [((colour,), f"green of {letter}") for letter, colour in CLASSES.items()]
        parts.append((ALL, "greens of all classes"))
    else:
        parts = [((MIXED,), "red and green in one: neither can be held while the other changes")]
    x = 14.0
    for colours, words in parts:
        sheet.block(x, y - 11, 14, 14, colours, lw=0.8)
        x = sheet.text(x + 21, y, words, 9.5, va="baseline") + 22
    if architecture.separable:
        sheet.line([(x, y - 4), (x + 30, y - 4)], RED)
        sheet.text(x + 37, y, "red feeds green, never the other way: red can be held", 9.5, va="baseline")


# Made-up cells --------------------------------------------------------------------------------------------------------


def draw_multi_channel_data(cells: Cells) -> Figure:
    """Draw how a training cell of multi-channel networks is made up."""
    made_up = cells.made_up
    row, group = H + GAP, 2 * (H + GAP) + 44
    top, first, made = 104, 130, 690
    lists = top + 2 * row + 52
    sheet = Sheet(lists + len(made_up.neighbours) * group + 18)
    summary = "A cell shows one green. For the others, cells of the other classes that look alike in red lend theirs."
    _write_title(sheet, "how a multi-channel training cell is made up", summary)
    sheet.text(20, 92, f"a cell of class {made_up.own}", 11, weight="bold", va="baseline")
    sheet.text(made, 92, "what the networks learn from", 11, weight="bold", va="baseline")

    sources = {
        letter: sheet.image(20, top + k * row, made_up.channel(letter), letter)
        for k, letter in enumerate(("R", made_up.own))
    }
    order = ["R", made_up.own, *made_up.neighbours]
    targets = {
        letter: sheet.image(made, top + k * row, made_up.channel(letter), letter) for k, letter in enumerate(order)
    }
    for letter, source in sources.items():
        sheet.line([(source.right, source.y), (made, source.y)], RED if letter == "R" else INK)
        sheet.text(made + W + 12, source.y, "its own red" if letter == "R" else "its own green")
    for k, (letter, neighbours) in enumerate(made_up.neighbours.items()):
        y = lists + k * group
        count, taken = len(neighbours), made_up.taken[letter]
        words = f"the {count} cells of class {letter} that are nearest in red (↔ ↕: when flipped so)"
        sheet.text(first, y - 9, words, 10, va="baseline")
        for place, ((red, green), how) in enumerate(zip(neighbours, made_up.flips[letter], strict=True)):
            left = first + place * (W + 12)
            sheet.image(left, y, red, "R")
            sheet.image(left, y + row, green, letter)
            sheet.text(left + W - 4, y + 9, ("", "↔", "↕", "↔↕")[how], 9, color="white", ha="right")
        left = first + taken * (W + 12)
        sheet.block(left - 3, y - 3, W + 6, row + H + 6, ("none",), lw=2.4)
        sheet.line([(20, sources["R"].y), (10, sources["R"].y), (10, y + H / 2), (first - 6, y + H / 2)], RED)
        turn = made - 50 + k * 20
        below = y + row + H + 3
        sheet.line(
            [
                (left + W / 2, below),
                (left + W / 2, below + 9),
                (turn, below + 9),
                (turn, targets[letter].y),
                (made, targets[letter].y),
            ],
            INK,
        )
        sheet.block(made - 3, targets[letter].y - H / 2 - 3, W + 6, H + 6, ("none",), ls=(0, (4, 3)))
        sheet.text(made + W + 12, targets[letter].y, f"green of one of the {count},\ndrawn anew each time")
    return sheet.figure


# Costs ----------------------------------------------------------------------------------------------------------------


def count_parameters(name: str, classes: int = PAPER_CLASSES) -> tuple[int, int]:
    """Count the weights of generator and critic at the paper's sizes."""
    architecture = ARCHITECTURES[name]
    sizes = architecture.sizes(classes)
    shape = NetworkShape(
        image_size=SIZE,
        classes=1 if architecture.pools_classes else classes,
        latent_size=sizes.latent_size,
        width=sizes.width,
        critic_width=sizes.width,
        red_portion=sizes.red_portion,
    )
    generator, critic = (sum(w.numel() for w in network.parameters()) for network in architecture.build(shape))
    return generator, critic


def costs_table() -> str:
    """Give what each architecture costs, in Markdown."""
    rows = [
        "| architecture | latent | width | generator parameters | critic parameters |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, architecture in ARCHITECTURES.items():
        sizes = architecture.sizes(PAPER_CLASSES)
        generator, critic = count_parameters(name)
        rows.append(f"| `{name}` | {sizes.latent_size} | {sizes.width} | {generator:,} | {critic:,} |")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=FOLDER)
    parser.add_argument("--costs", action="store_true", help="print the table of costs instead")
    options = parser.parse_args(arguments)
    if options.costs:
        print(costs_table())
        return
    options.output.mkdir(parents=True, exist_ok=True)
    # The salt decides the names of parts in an SVG, which would else be others each time.
    with mpl.rc_context({"svg.hashsalt": "napari-biogans", "font.family": "DejaVu Sans"}):
        cells = Cells()
        figures = {name: draw_architecture(architecture, cells) for name, architecture in ARCHITECTURES.items()}
        figures["multi-channel-data"] = draw_multi_channel_data(cells)
        for name, figure in figures.items():
            figure.savefig(options.output / f"{name}.svg", metadata={"Date": None, "Creator": None})
            figure.savefig(options.output / f"{name}.png", dpi=DPI, metadata={"Software": None})


if __name__ == "__main__":
    main()
