"""Real fields are cut well: nuclei of human cells, and the protein that moves into them with the dose."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_biogans.cells import class_table, cut_cells, place_in_field, read_cells, read_fields

CELLS = os.environ.get("BIOGANS_REAL_CELLS")
RAW = Path(CELLS or ".").parent / "raw"
pytestmark = pytest.mark.skipif(
    not CELLS or not RAW.is_dir(),
    reason="set BIOGANS_REAL_CELLS to the folder of cells that were cut from BBBC013, with its fields in ../raw",
)


@pytest.fixture(scope="module")
def fields():
    plate = class_table(RAW / "1049_Metadata.csv", column="SBS_Doses", pattern=r"Channel2-(?P<ImageNumber>\d+)")
    return read_fields(str(RAW / "Channel2-*.tif"), str(RAW / "Channel1-*.tif"), classes=plate)


@pytest.fixture(scope="module")
def cut(fields):
    return cut_cells(fields, magnification=1.3, progress=False)


def test_all_fields_give_cells_of_all_doses(fields, cut):
    assert len(fields) == 24
    assert cut.cells.class_names == ("0", "2", "3", "4", "5", "9")
    assert min(cut.cells.counts) > 400
    by_field = cut.table.assign(kept=cut.table["left_out"] == "").groupby("field")["kept"].mean()
    assert by_field.min() > 0.6


def test_green_moves_into_the_nucleus_with_the_dose(cut):
    def share_inside(images):
        green = images[:, 1].astype(float)
        nucleus = images[:, 0] > 0.5 * images[:, 0, 22:26, 38:42].mean(axis=(1, 2))[:, None, None]
        ring = ndimage.binary_dilation(nucleus, iterations=4, structure=np.ones((1, 3, 3))) & ~nucleus
        return np.median(
            (green * nucleus).sum((1, 2)) / nucleus.sum((1, 2)) / ((green * ring).sum((1, 2)) / ring.sum((1, 2)))
        )

    shares = [share_inside(images) for images in cut.cells.images]
    assert shares[-1] > 1.5 * shares[0]


def test_other_code_cut_cells_that_look_the_same(cut):
    """Nuclei are as long and as wide as in the cells that were cut by other code at the same magnification."""
    other = read_cells(CELLS)
    for images in (*cut.cells.images, *other.images):
        red = images[:, 0].astype(float)
        nucleus = red > 0.5 * red[:, 22:26, 38:42].mean(axis=(1, 2))[:, None, None]
        assert np.median(nucleus.any(axis=1).sum(axis=1)) == pytest.approx(28, abs=6)
        middle = nucleus[:, 24].sum(axis=1), nucleus[:, :, 40].sum(axis=1)
        assert np.median(middle[0]) > 1.2 * np.median(middle[1])


def test_cells_that_are_put_back_lie_on_themselves(fields, cut):
    features = cut.cells.features[0]
    field, labels = fields[0], cut.found.labels[0]
    mine = (features["field"] == field.name).to_numpy()
    placed = place_in_field(cut.cells.images[0][mine], features[mine], shape=field.shape, labels=labels)
    inside = ndimage.binary_erosion(np.isin(labels, features["label"][mine]), iterations=2)
    for plane, back in zip((field.red, field.green), placed, strict=True):
        assert np.corrcoef(plane[inside], back[inside])[0, 1] > 0.99
