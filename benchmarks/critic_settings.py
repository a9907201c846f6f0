"""How does the score of a two-sample test depend on the critic?

    python -m benchmarks.critic_settings CELLS [--classes A B] [--splits 3]

Tests two classes of real cells against each other with critics of several objectives,
widths and steps. Prints a Markdown table; the scores of critics are not kept.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from napari_biogans.cells import read_cells
from napari_biogans.evaluation import c2st

CRITICS: list[dict[str, Any]] = [
    {"objective": "gan", "width": 4, "steps": 200},
    {"objective": "gan", "width": 8, "steps": 50},
    {"objective": "gan", "width": 8, "steps": 200},
    {"objective": "gan", "width": 8, "steps": 400},
    {"objective": "gan", "width": 16, "steps": 400},
    {"objective": "gan", "width": 8, "steps": 200, "learning_rate": 2e-4},
    {"objective": "wgan-gp", "width": 8, "steps": 200},
    {"objective": "wgan-gp", "width": 8, "steps": 400},
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cells", type=Path)
    parser.add_argument("--classes", nargs=2, default=None)
    parser.add_argument("--splits", type=int, default=3)
    options = parser.parse_args()
    cells = read_cells(options.cells)
    first, second = options.classes or cells.class_names[:2]
    print(f"{first} against {second}, {cells}, {options.splits} splits\n")
    print(
        "| objective | width | steps | learning rate | gap ± std | paper's score | accuracy | AUC | seconds a critic |"
    )
    print("|-|-|-|-|-|-|-|-|-|")
    for settings in CRITICS:
        started = time.monotonic()
        result = c2st(
            cells.subset([first]),
            cells.subset([second]),
            splits=options.splits,
            band=False,
            store=None,
            progress=False,
            **settings,
        )
        took = (time.monotonic() - started) / options.splits
        test = result.overall
        rate = result.config.resolved_learning_rate
        print(
            f"| {settings['objective']} | {settings['width']} | {settings['steps']} | {rate:g} | {test.score:.3g} ± "
            f"{test.std:.2g} | {test.paper_score:.3g} | {test.accuracy:.0%} | {test.auc:.3f} | {took:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
