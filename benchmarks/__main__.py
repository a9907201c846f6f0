"""Measure how fast the package is.

python -m benchmarks train|c2st|reconstruct|data [--device cpu] [--full] [--repeats 5]
"""

from __future__ import annotations

import sys
from importlib import import_module

VERBS = {"train": "train", "c2st": "c2st", "reconstruct": "searching", "data": "data"}


def main() -> None:
    if sys.argv[1:] == ["--help"]:
        print(__doc__)
        return
    if len(sys.argv) < 2 or sys.argv[1] not in VERBS:
        print(f"{__doc__}\n`python -m benchmarks VERB --help` says what each measures.", file=sys.stderr)
        sys.exit(2)
    import_module(f"benchmarks.{VERBS[sys.argv[1]]}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
