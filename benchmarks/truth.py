"""Are completed cells true? On simulated cells, of which every green is known.

    python -m benchmarks.truth RUN [--minutes 75] [--cells 50] [--draws 32] [--figure completion-truth.png]

Trains a star-shaped model on simulated cells of which each shows one green (unless RUN holds a
model already), and completes cells that it has not seen. Compares the mean of the draws with the
green that was there but not shown, beside two simple guesses and the best that red allows; asks
whether the spread of the draws covers the error; compares the overlap of pairs of greens; and makes
the film of the cell cycle. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import spearmanr
from skimage.filters import gaussian, threshold_li, threshold_otsu
from skimage.measure import label, regionprops

import napari_biogans as biogans
from napari_biogans.cells.neighbours import flipped, nearest_images
from napari_biogans.latent.colocalisation import overlap_of
from napari_biogans.models import Model

CLASSES = ("nucleus", "actin-patches", "medial-nodes", "tips")
SETTINGS: dict[str, Any] = {
    "architecture": "star-shaped",
    "width": 16,
    "batch_size": 32,
    "critic_steps": 2,
    "learning_rate": 1e-3,
    "averaging_decay": 0.99,
    "steps": 100_000,
}
TRAINING_CELLS = 1500
OTHER_TRUTHS = 8
"""Draws of the simulation itself for the same reds, whose mean is the best guess that red allows."""
BINS = 8
CYCLE_CELLS = 300
"""Unseen cells of each class, out of which a few make the cell cycle."""

Greens = NDArray[np.float32]


def trained(run: Path, minutes: float) -> Model:
    if not (run / "model.safetensors").exists():
        cells = training_cells()
        biogans.train(cells, run, minutes=minutes, **SETTINGS)
    return biogans.load_model(run)


def training_cells() -> biogans.CellSet:
    return biogans.simulate_cells(TRAINING_CELLS, classes=CLASSES, seed=0, all_greens=False).cells


def unseen(cells: int, green_seed: int | None = None) -> tuple[biogans.CellSet, Greens]:
    """Cells that no training has seen, and all their greens (K, N, H, W) on [0, 1]."""
    simulated = biogans.simulate_cells(cells, classes=CLASSES, seed=1, green_seed=green_seed)
    places = [simulated.green_names.index(name) for name in CLASSES]
    greens = np.concatenate(simulated.greens)[:, places].swapaxes(0, 1)
    return simulated.cells, greens.astype(np.float32) / 255


def guesses(cells: biogans.CellSet, known: biogans.CellSet) -> dict[str, Greens]:
    """The mean green of each class, and the green of the training cell that is most alike in red."""
    reds = np.concatenate(cells.images)[:, :1]
    mean, nearest = [], []
    for images in known.images:
        mean.append(np.repeat(images[:, 1].mean(axis=0, dtype=np.float32)[None], len(reds), axis=0))
        found = nearest_images(reds, images[:, :1], intensity_range=known.intensity_range[:1])
        nearest.append(
            np.stack([flipped(images[k, 1], f) for k, f in zip(found.indices[:, 0], found.flips[:, 0], strict=True)])
        )
    return {"mean of the class": np.stack(mean) / 255, "nearest in red": np.stack(nearest).astype(np.float32) / 255}


def correlations(guess: Greens, truth: Greens) -> NDArray[np.float64]:
    """Pearson's correlation of each image (K, N)."""
    a, b = (x - x.mean(axis=(2, 3), keepdims=True) for x in (guess.astype(float), truth.astype(float)))
    return (a * b).sum(axis=(2, 3)) / np.sqrt((a**2).sum(axis=(2, 3)) * (b**2).sum(axis=(2, 3)))


def calibration_figure(error: Greens, spread: Greens, true_spread: Greens) -> Figure:
    """Error of the mean against the spread of the draws, pixel by pixel, in bins of the spread."""
    figure = Figure(figsize=(3.1 * len(CLASSES), 3.4), layout="constrained")
    for axes, name, of_error, of_spread, of_truth in zip(
        np.atleast_1d(figure.subplots(1, len(CLASSES), sharex=True, sharey=True)),
        CLASSES,
        error,
        spread,
        true_spread,
        strict=True,
    ):
        order = np.argsort(of_spread, axis=None)
        bins = np.array_split(order, BINS)
        across = [np.sqrt(np.square(of_spread.ravel()[part]).mean()) for part in bins]
        for values, style, name_of_line in (
            (of_error, "o-", "error of the mean"),
            (of_truth, "s--", "spread of the simulation"),
        ):
            axes.plot(
                across, [np.sqrt(np.square(values.ravel()[part]).mean()) for part in bins], style, label=name_of_line
            )
        axes.axline((1e-3, 1e-3), (1e-1, 1e-1), color="grey", linewidth=0.8)
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("spread over draws", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.set_xscale("log")
        axes.set_yscale("log")
    figure.axes[0].set_ylabel("root mean square, range = 1", fontsize=8)
    figure.axes[0].legend(fontsize=7)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--cells", type=int, default=50, help="unseen cells of each class")
    parser.add_argument("--draws", type=int, default=32)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()

    model = trained(options.run, options.minutes)
    cells, truth = unseen(options.cells)
    others = np.stack([unseen(options.cells, green_seed=100 + k)[1] for k in range(OTHER_TRUTHS)])
    completion = biogans.complete(model, cells, draws=options.draws, progress=False)
    guess = {
        "completion": completion.mean[:, :, 0],
        **guesses(cells, training_cells()),
        "simulation itself": others.mean(axis=0),
    }
    own = np.repeat(np.arange(len(CLASSES)), options.cells)
    print(f"step {model.header.step:,}; {len(cells)} unseen cells; RMSE of red {np.median(completion.red_rmse):.4f}\n")
    print("| correlation with the green that was not shown |", " | ".join(CLASSES), "|")
    print("|-|" + "-|" * len(CLASSES))
    for name, images in guess.items():
        each = correlations(images, truth)
        hidden = [each[k, own != k] for k in range(len(CLASSES))]
        print(f"| {name} |", " | ".join(f"{np.median(values):.3f} ± {values.std():.3f}" for values in hidden), "|")
    print("\n| root mean square error |", " | ".join(CLASSES), "|")
    print("|-|" + "-|" * len(CLASSES))
    for name, images in guess.items():
        errors = [np.sqrt(np.square(images[k, own != k] - truth[k, own != k]).mean()) for k in range(len(CLASSES))]
        print(f"| {name} |", " | ".join(f"{error:.4f}" for error in errors), "|")
    error, spread = completion.mean[:, :, 0] - truth, completion.std[:, :, 0]
    true_spread = others.std(axis=0, ddof=1)
    print("\n| spread |", " | ".join(CLASSES), "|")
    print("|-|" + "-|" * len(CLASSES))
    for name, values in (("over draws", spread), ("of the simulation", true_spread), ("error of the mean", error)):
        print(f"| {name} |", " | ".join(f"{np.sqrt(np.square(of_class).mean()):.4f}" for of_class in values), "|")
    within = [(np.abs(of_error) <= 2 * of_spread).mean() for of_error, of_spread in zip(error, spread, strict=True)]
    print("| pixels within two spreads |", " | ".join(f"{part:.0%}" for part in within), "|")
    if options.figure is not None:
        calibration_figure(error, spread, true_spread).savefig(options.figure, dpi=110)

    some = cells.subset(indices=[slice(0, 10)] * len(CLASSES))
    overlap = biogans.colocalisation(model, some, draws=8, progress=False)
    print("\n| overlap of | Pearson, drawn | true | Manders, drawn | true |\n|-|-|-|-|-|")
    places = np.concatenate([np.arange(10) + k * options.cells for k in range(len(CLASSES))])
    real = [overlap_of(truth[:, place], _body(cells, place)) for place in places]
    pearson, manders = (np.nanmean([each[part] for each in real], axis=0) for part in range(2))
    for row in overlap.to_frame().itertuples():
        a, b = CLASSES.index(row.a), CLASSES.index(row.b)
        print(
            f"| {row.a} with {row.b} | {row.pearson:.2f} ± {row.pearson_over_draws:.2f} | {pearson[a, b]:.2f} "
            f"| {row.manders:.2f} ± {row.manders_over_draws:.2f} | {manders[a, b]:.2f} |"
        )

    print_cycle(model)


def print_cycle(model: Model) -> None:
    """Tell whether cells of the film lengthen, and whether their greens go with that."""
    cells = biogans.simulate_cells(CYCLE_CELLS, classes=CLASSES, seed=1, all_greens=False).cells
    way = biogans.cell_cycle(model, cells, frames=120, progress=False).way
    table = way.to_frame()
    length = table.loc[table["class"] == CLASSES[0], "length"].to_numpy()
    frames = np.arange(len(length))
    print(
        f"\ncell cycle: length {length[0]:.1f} to {length[-1]:.1f} µm in {len(length)} frames, rank correlation with "
        f"the frame {spearmanr(frames, length)[0]:.4f}, longest way back {longest_way_back(length):.2f} µm"
    )
    apart = np.array([span(green) for green in way.images[CLASSES.index("tips"), :, 1]]) * cells.pixel_size
    nuclei = np.array([regions(green) for green in way.images[CLASSES.index("nucleus"), :, 1]])
    print(
        f"tips are {apart[0]:.1f} to {apart[-1]:.1f} µm apart, correlation with the length "
        f"{np.corrcoef(apart, length)[0, 1]:.3f}"
    )
    print(
        "nuclei: "
        + ", ".join(
            f"{count} in {(nuclei == count).sum()} frames, the first {frames[nuclei == count][0]}"
            for count in np.unique(nuclei)
        )
    )


def span(green: NDArray[Any]) -> float:
    """Columns between which nine tenths of the light above the background are."""
    columns = np.clip(green - np.median(green.astype(float)) - 10, 0, None).sum(axis=0)
    part = np.cumsum(columns) / columns.sum()
    return float(np.searchsorted(part, 0.95) - np.searchsorted(part, 0.05))


def regions(green: NDArray[Any]) -> int:
    """Bright regions of a tenth of the largest at least."""
    smooth = gaussian(green.astype(float), 1)
    sizes = np.array([region.area for region in regionprops(label(smooth > threshold_otsu(smooth)))])
    return int((sizes >= 0.1 * sizes.max()).sum())


def longest_way_back(length: NDArray[np.float64]) -> float:
    return float((np.maximum.accumulate(length) - length).max())


def _body(cells: biogans.CellSet, place: int) -> NDArray[np.bool_]:
    """The pixels of a cell: those of red above a threshold of least cross entropy."""
    red = gaussian(np.concatenate(cells.images)[place, 0].astype(float), 1)
    inside: NDArray[np.bool_] = red > threshold_li(red)
    return inside


if __name__ == "__main__":
    main()
