"""The verb that downloads real cells: fetch-bbbc013."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from napari_biogans.cells import fetch_bbbc013
from napari_biogans.cells.bbbc013 import LICENCE
from napari_biogans.cli.app import answer, say


def fetch_bbbc013_command(
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    base_url: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Download real cells: 24 fields of human U2OS cells, DNA and FKHR-GFP (BBBC013, CC BY 3.0; 21 MB).

    Parameters
    ----------
    output
        Folder for the files; default bbbc013 in the user's cache. What is there already is not downloaded again.
    base_url
        Where the files are, if you have a copy of them; begins with http:// or https://.
    as_json
        Print what there is as JSON.
    """
    fields = fetch_bbbc013(output, base_url=base_url)
    say(fields.source)
    facts = {
        "folder": str(fields.folder),
        "fields": len(fields),
        "wells": [field.well for field in fields],
        "doses": [field.dose for field in fields],
        "channels": list(fields.channel_names),
        "image_size_pixels": list(fields.images.shape[2:]),
        "licence": LICENCE,
    }
    answer(facts, as_json=as_json, always=True)
    return 0
