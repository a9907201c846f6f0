"""What docs/data.md says about real cells is so."""

import re
import shlex
from pathlib import Path

from napari_biogans.cells import bbbc013
from napari_biogans.cli import main

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "data.md").read_text(encoding="utf-8")


def test_the_python_code_runs(small_bbbc013, tmp_path, capsys):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names = {}
    exec(block, names)
    assert names["fields"].folder == tmp_path / "cache" / "bbbc013"
    assert "(2, 3, 16, 20)" in capsys.readouterr().out


def test_the_command_runs(small_bbbc013, capsys):
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    assert main(shlex.split(block)[1:]) == 0
    assert "licence" in capsys.readouterr().out


def test_the_source_is_the_one_that_is_fetched_from():
    assert bbbc013.COMMIT in PAGE
    assert bbbc013.LICENCE.split(", ")[1] in PAGE
    sums = bbbc013.REGISTRY.read_text().splitlines()
    assert f"{len(sums)} files, {bbbc013.MEGABYTES} MB" in PAGE
    manifest = (Path(bbbc013.__file__).parents[1] / "napari.yaml").read_text(encoding="utf-8")
    (entry,) = re.findall(r'display_name: "(BBBC013.*)"', manifest)
    assert f"*File > Open Sample > BioGANs > {entry}*" in PAGE
    assert f"(downloads {bbbc013.MEGABYTES} MB)" in entry
