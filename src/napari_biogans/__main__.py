"""Run the command line with `python -m napari_biogans`."""

import sys

from napari_biogans.cli import main

if __name__ == "__main__":
    sys.exit(main())
