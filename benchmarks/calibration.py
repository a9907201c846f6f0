"""Are the p-values and the intervals of the two-sample test what they say, when there is nothing to find?

    python -m benchmarks.calibration [--tests 200] [--cells 40] [--splits 10] [--steps 100] [--width 4]

Makes many tests of two sets that are drawn from the same distribution (simulated
cells, other ones each time), and prints, as a Markdown table: the Kolmogorov-Smirnov
test of the p-values of single splits against the uniform distribution, how often the
p-value over all splits is below 0.05 and 0.2, and how often the 95 % intervals of the
critic gap and of the area under the curve hold the truth (0 and 0.5).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import binomtest, kstest

from napari_biogans.cells import CellSet, simulate_cells
from napari_biogans.evaluation import C2STResult, c2st

SIZE = (24, 40)
CLASS = "cytoplasm"


def null_tests(tests: int, cells: int, splits: int, steps: int, width: int) -> list[C2STResult]:
    """Test so many pairs of sets of one distribution, each cell used once."""
    everything = simulate_cells(2 * cells * tests, classes=[CLASS], size=SIZE, all_greens=False).cells.images[0]
    results = []
    for k in range(tests):
        images = everything[2 * cells * k : 2 * cells * (k + 1)]
        a, b = (CellSet([half], [CLASS]) for half in (images[:cells], images[cells:]))
        settings = {"splits": splits, "steps": steps, "width": width, "seed": 1000 * k}
        results.append(c2st(a, b, band=False, permutations=999, store=None, progress=False, **settings))
    return results


def share(of: list[bool]) -> str:
    """Write a share with its 95 % interval."""
    interval = binomtest(sum(of), len(of)).proportion_ci()
    return f"{np.mean(of):.1%} ({interval.low:.1%} to {interval.high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (("tests", 200), ("cells", 40), ("splits", 10), ("steps", 100), ("width", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    started = time.monotonic()
    tests = [result.overall for result in null_tests(**vars(options))]
    first = [test.p_values[0] for test in tests]
    uniform = kstest(first, "uniform")
    print(f"{options.tests} tests of {options.cells} cells a side, {options.splits} splits, width {options.width}, ")
    print(f"{options.steps} steps; {time.monotonic() - started:.0f} s\n")
    rows = {
        "single split: Kolmogorov-Smirnov distance from uniform, p": f"{uniform.statistic:.3f}, {uniform.pvalue:.2f}",
        "single split: p-value at most 0.05": share([p <= 0.05 for p in first]),
        "single split: p-value at most 0.2": share([p <= 0.2 for p in first]),
        "all splits: p-value at most 0.05": share([test.p_value <= 0.05 for test in tests]),
        "all splits: p-value at most 0.2": share([test.p_value <= 0.2 for test in tests]),
        "95 % interval of the critic gap holds 0": share([t.interval.low <= 0 <= t.interval.high for t in tests]),
        "95 % interval of the AUC holds 0.5": share([t.auc_interval.low <= 0.5 <= t.auc_interval.high for t in tests]),
        "mean AUC": f"{np.mean([test.auc for test in tests]):.3f}",
    }
    print("| | under the null |\n|-|-|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
