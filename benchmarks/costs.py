"""What a training step of each architecture costs.

    python -m benchmarks.costs [--device cpu] [--classes 6] [--width 16] [--batch 32] [--repeats 5]

Times steps of the same objective and critic steps, architectures interleaved in one
process, on random cells. Width is that of pair networks; multi-channel ones are as
much wider as the paper makes them. Prints a Markdown table of parameters, median
seconds of a step, and the ratio to `joint`.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from napari_biogans.cells import CellSet
from napari_biogans.models import ARCHITECTURES
from napari_biogans.training import make_config
from napari_biogans.training.devices import chosen_threads
from napari_biogans.training.state import TrainingState

CELLS = 200


def state_of(name: str, cells: CellSet, arguments: argparse.Namespace) -> TrainingState:
    sizes = ARCHITECTURES[name].sizes(len(cells.class_names))
    return TrainingState(
        cells,
        make_config(
            architecture=name,
            width=round(arguments.width * sizes.width / 64),
            batch_size=arguments.batch,
            device=arguments.device,
            precision=arguments.precision,
        ),
    )


def seconds_of_a_step(state: TrainingState) -> float:
    start = time.perf_counter()
    state.advance()
    if state.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--classes", type=int, default=6)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (arguments.classes, CELLS, 2, 48, 80), dtype=np.uint8)
    cells = CellSet(list(pixels), [f"class {k + 1}" for k in range(arguments.classes)])
    with chosen_threads():
        states = {name: state_of(name, cells, arguments) for name in ARCHITECTURES}
        times: dict[str, list[float]] = {name: [] for name in states}
        for repeat in range(arguments.repeats + 1):
            for name, state in states.items():
                took = seconds_of_a_step(state)
                if repeat:  # the first is for warming up
                    times[name].append(took)
        any_state = next(iter(states.values()))
        print(
            f"{any_state.device}, {torch.get_num_threads()} threads, {any_state.precision}; {arguments.classes} "
            f"classes, width {arguments.width}, batch {arguments.batch} of each class, wgan-gp with 5 critic steps\n"
        )
    print("| architecture | parameters: generator | critic | seconds of a step (all) | relative to joint |")
    print("| --- | --- | --- | --- | --- |")
    joint = statistics.median(times["joint"])
    for name, state in states.items():
        counts = [sum(w.numel() for w in network.parameters()) for network in (state.generator, state.critic)]
        median = statistics.median(times[name])
        everything = ", ".join(f"{took:.2f}" for took in sorted(times[name]))
        print(f"| {name} | {counts[0]:,} | {counts[1]:,} | {median:.2f} ({everything}) | {median / joint:.1f} |")


if __name__ == "__main__":
    main()
