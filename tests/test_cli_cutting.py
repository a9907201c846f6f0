"""The verb that makes cells of fields."""

import json

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_biogans.cells import read_cells, simulate_field
from napari_biogans.cli import main


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A folder with two fields, their true labels, and a table of their classes."""
    folder = tmp_path_factory.mktemp("raw")
    for k in range(2):
        simulated = simulate_field(20, shape=(500, 600), seed=k)
        for name in ("red", "green"):
            tifffile.imwrite(folder / f"{name}-{k}.tif", getattr(simulated.field, name))
        tifffile.imwrite(folder / f"labels-{k}.tif", simulated.labels.astype("uint16"))
    (folder / "plate.csv").write_text("Well,Dose\n0,none\n1,high\n")
    return folder


def test_cells_come_out_by_class_with_their_tables(raw, tmp_path, capsys):
    output = tmp_path / "cells"
    arguments = [
        *("cut-cells", str(raw / "red-*.tif"), str(raw / "green-*.tif"), "--labels", str(raw / "labels-*.tif")),
        *("--class-table", str(raw / "plate.csv"), "--class-column", "Dose", "--class-pattern", r"red-(?P<Well>\d)"),
        *(
            "--mask",
            "background",
            "--normalisation",
            "set",
            "--max-outside",
            "0",
            "--field-pixel-size",
            "0.2",
            "-o",
            str(output),
        ),
    ]
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    cells = read_cells(output)
    assert cells.class_names == ("none", "high")
    assert facts["cells"] == dict(zip(cells.class_names, cells.counts, strict=True))
    assert facts["found"] == facts["kept"] + sum(facts["left_out"].values())
    assert facts["pixel_size_um"] == cells.pixel_size == 0.2
    assert facts["left_out"]
    assert all(f"{reason}: {n}" in captured.err for reason, n in facts["left_out"].items())
    assert (cells.features[0]["mask"] == "background").all()
    table = pd.read_csv(output / "objects.csv", keep_default_na=False)
    assert (table["left_out"] == "").sum() == len(cells)
    assert main(arguments) == 1
    assert "replace them with --overwrite." in capsys.readouterr().err
    assert main([*arguments, "--overwrite", "--min-area", "1000000"]) == 1
    assert "No cell is kept" in capsys.readouterr().err
    assert read_cells(output).counts == cells.counts  # what was there is there


def test_a_plate_is_cut_by_one_pattern_and_its_classes_are_those_of_its_wells(raw, tmp_path, capsys):
    zarr = pytest.importorskip("zarr", reason="plates are read where the package zarr is installed")
    plate = tmp_path / "plate.zarr"
    zarr.open_group(str(plate), mode="w")
    for k, well in enumerate(("A/1", "B/12")):
        image = zarr.open_group(str(plate / well / "0"), mode="w")
        image.create_array("0", data=np.stack([tifffile.imread(raw / f"{name}-{k}.tif") for name in ("red", "green")]))
        image.attrs["ome"] = {"multiscales": [{"axes": [{"name": n} for n in "cyx"], "datasets": [{"path": "0"}]}]}
    (tmp_path / "plate.csv").write_text("Row,Column,Dose\nA,01,none\nB,12,high\n")
    arguments = [
        *("--class-table", str(tmp_path / "plate.csv"), "--class-column", "Dose"),
        *("--class-pattern", r"(?P<Row>[A-P])[/\\](?P<Column>\d+)[/\\]\d+$", "-o", str(tmp_path / "cells")),
    ]
    assert main(["cut-cells", str(plate), *arguments]) == 1
    pattern = str(plate / "*" / "*" / "*")
    assert f"the pattern {pattern} for all" in capsys.readouterr().err
    assert main(["cut-cells", pattern, *arguments]) == 0
    table = pd.read_csv(tmp_path / "cells" / "objects.csv")
    assert dict(zip(table["field"], table["class"], strict=True)) == {"plate/A/1/0": "none", "plate/B/12/0": "high"}
    assert read_cells(tmp_path / "cells").class_names == ("none", "high")


def test_settings_that_make_no_sense_are_refused_before_any_work(raw, tmp_path, capsys):
    given = ["cut-cells", str(raw / "red-*.tif"), str(raw / "green-*.tif")]
    for more, message in (
        (["-o", str(tmp_path / "cells"), "--height", "50"], "48x80"),
        (
            ["-o", str(tmp_path / "cells"), "--classes", "a", "--class-table", str(raw / "plate.csv")],
            "give one of them",
        ),
        (["-o", str(raw)], "not of a cell set of ours"),
        (["-o", str(tmp_path / "cells"), "--softness", "-1"], "softness"),
    ):
        assert main([*given, *more]) in (1, 2)
        assert message in capsys.readouterr().err
    assert not (tmp_path / "cells").exists()
