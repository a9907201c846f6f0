"""How fast are latents found, against the published search?

    python -m benchmarks reconstruct MODEL [--device cpu] [--full] [--repeats 3]

Rebuilds cells that the model drew itself, so that there is something to find. The
reference is the published search: 5 starts of 1,000 evaluations of torch's L-BFGS, whose
curvature history all cells of a batch share. Searches are interleaved in one process; the
error that each leaves stands beside its seconds. With --full 32 cells, else 8. Searches
for real cells are compared in `benchmarks/reconstruct.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import REFERENCE, Report, interleaved
from napari_biogans.latent import reconstruct
from napari_biogans.models import load_model
from napari_biogans.training.devices import choose_device

FORMS: dict[str, dict[str, Any]] = {
    f"{REFERENCE}: published": {"protocol": "paper"},
    "package: 80 evaluations": {"steps": 80},
    "package: default": {},
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--full", action="store_true", help="32 cells instead of 8")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    device = choose_device(options.device)
    model = load_model(options.model)
    number = 32 if options.full else 8
    drawn = model.as_cells(model.generate(-(-number // len(model.class_names)), seed=1))
    errors: dict[str, float] = {}

    def search(form: str) -> None:
        result = reconstruct(model, drawn, progress=False, device=options.device, **FORMS[form])
        errors[form] = float(np.median(result.error))

    forms = {form: lambda form=form: search(form) for form in FORMS}
    timings = interleaved(forms, repeats=options.repeats, warm_ups=0, device=device)
    of_reference = next(iter(timings.values())).median
    report = Report("reconstruct-full" if options.full else "reconstruct", device)
    report.add(
        f"{len(drawn)} cells that the model drew: {model}",
        [
            {
                "search": form,
                "seconds": str(timing),
                "times as fast": f"{of_reference / timing.median:.1f}",
                "median RMSE": f"{errors[form]:.4f}",
            }
            for form, timing in timings.items()
        ],
    )


if __name__ == "__main__":
    main()
