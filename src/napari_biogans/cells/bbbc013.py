"""Real cells to try things out with: BBBC013, human U2OS cells with their DNA and FKHR-GFP."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tifffile import imread
from tqdm.auto import tqdm

from napari_biogans.cells.downloads import Downloading, iterate_downloads
from napari_biogans.cells.field import Field
from napari_biogans.cells.neighbours import never
from napari_biogans.cells.red_neighbours import default_cache
from napari_biogans.files import replacing

COMMIT = "9fbb218b018196569b413298db51e72de6c6a013"
BASE_URL = f"https://raw.githubusercontent.com/CellProfiler/core/{COMMIT}/tests/data/ExampleSBSImages/"
REGISTRY = Path(__file__).with_name("bbbc013.sha256")
"""Names and SHA-256 sums of all files."""
MEGABYTES = 21
CHANNEL_NAMES = ("DNA", "FKHR-GFP")
SOURCE_FILE = "SOURCE.txt"
LICENCE = "CC BY 3.0, https://creativecommons.org/licenses/by/3.0/"
SOURCE = f"""\
BBBC013v1: human U2OS cells, DNA and FKHR-GFP, 24 wells in 6 doses of wortmannin.
Image set BBBC013v1, provided by Ilya Ravkin, from the Broad Bioimage Benchmark Collection
(https://bbbc.broadinstitute.org/BBBC013; Ljosa et al., Nature Methods 9:637, 2012).
Licence: {LICENCE}
The files are those of https://github.com/CellProfiler/core, tests/data/ExampleSBSImages,
at commit {COMMIT}, unchanged.
"""
"""Where the images come from, whom to name, and what one may do with them."""

_PLATE_MAP = "1049_Metadata.csv"
_IMAGE = re.compile(r"Channel(?P<channel>[12])-(?P<number>\d\d)-(?P<row>[A-H])-(?P<column>\d\d)\.tif")
_RED, _GREEN = "2", "1"


@dataclass(frozen=True, eq=False)
class Well:
    """The field of view that was imaged in one well of a plate.

    Parameters
    ----------
    well : str
        Row and column of the well, as "A02".
    row : str
        Letter of the row.
    column : int
        Number of the column, from 1.
    dose : int
        Place of the dose among those of the plate (its column `SBS_Doses`): 0
        is none, and more is more. It is no concentration.
    red, green : array (H, W), uint8
        DNA and FKHR-GFP.
    red_path, green_path : pathlib.Path
        The files.
    """

    well: str
    row: str
    column: int
    dose: int
    red: NDArray[np.uint8]
    green: NDArray[np.uint8]
    red_path: Path
    green_path: Path


@dataclass(frozen=True, eq=False)
class Wells:
    """The wells of a plate with their fields of view, row by row, and in each row by column.

    Parameters
    ----------
    wells : tuple of Well
    folder : pathlib.Path
        Where the files are, and beside them where they come from.
    channel_names : tuple of str
        Of red and green.
    source : str
        Where the images come from, whom to name, and their licence.

    Examples
    --------
    >>> image = np.zeros((640, 640), np.uint8)
    >>> paths = Path("Channel2-02-A-02.tif"), Path("Channel1-02-A-02.tif")
    >>> wells = Wells((Well("A02", "A", 2, 0, image, image, *paths),), Path())
    >>> len(wells), wells.images.shape, [well.well for well in wells]
    (1, (2, 1, 640, 640), ['A02'])
    >>> wells.to_frame()[["well", "dose"]].to_dict("list")
    {'well': ['A02'], 'dose': [0]}
    """

    wells: tuple[Well, ...]
    folder: Path
    channel_names: tuple[str, str] = CHANNEL_NAMES
    source: str = SOURCE

    def __len__(self) -> int:
        return len(self.wells)

    def __iter__(self) -> Iterator[Well]:
        return iter(self.wells)

    def __repr__(self) -> str:
        doses = len({field.dose for field in self})
        return f"Wells({len(self)} wells, {doses} doses, {' and '.join(self.channel_names)}; {self.folder})"

    def fields(self) -> list[Field]:
        """Give the fields that `cut_cells` cuts cells from, each of the class of its dose, "dose 00" to "dose 09"."""
        return [
            Field(well.red, well.green, name=well.well, class_name=f"dose {well.dose:02d}", source=str(well.red_path))
            for well in self
        ]

    @property
    def images(self) -> NDArray[np.uint8]:
        """All images: array (2, wells, H, W), red first."""
        return np.stack([[field.red for field in self], [field.green for field in self]])

    def to_frame(self) -> pd.DataFrame:
        """Give a table with a row for each well: `well`, `row`, `column`, `dose`, `red_path` and `green_path`.

        Returns
        -------
        pandas.DataFrame
        """
        names = ("well", "row", "column", "dose", "red_path", "green_path")
        return pd.DataFrame([[getattr(field, name) for name in names] for field in self], columns=list(names))


def default_folder() -> Path:
    """Find the folder for the files: `bbbc013` in the cache that `BIOGANS_CACHE` or the system names."""
    return default_cache() / "bbbc013"


def fetch_bbbc013(
    cache: str | os.PathLike[str] | None = None,
    *,
    base_url: str | None = None,
    progress: bool = True,
    should_stop: Callable[[], bool] = never,
) -> Wells:
    """Fetch 24 fields of real cells, which downloads 21 MB the first time.

    Human U2OS cells in 6 doses of wortmannin, under which FKHR-GFP goes from
    the cytoplasm into the nucleus: image set BBBC013v1, provided by Ilya Ravkin,
    from the Broad Bioimage Benchmark Collection [1]_, licence CC BY 3.0. The
    files come from a fixed commit of the repository of CellProfiler, one by one,
    and are checked by their SHA-256 sums. Good ones are not downloaded again,
    damaged ones are; beside them a text says where they come from.

    Parameters
    ----------
    cache : path-like, optional
        Folder for the files; default `bbbc013` in the user's cache, or in what
        the environment variable `BIOGANS_CACHE` says. Files that were put there
        by hand are taken.
    base_url : str, optional
        Where the files are, for those who have a copy of them; begins with
        http:// or https://. Default the repository.
    progress : bool
        Show a progress bar while files are downloaded (on standard error).
    should_stop : callable
        Asked often while files are downloaded.

    Returns
    -------
    Wells
        In order of wells: A02, A04, A05, A06, A07, A11, B02 … D11. Images are
        640x640 pixels, uint8; the size of a pixel is not known.

    Raises
    ------
    ValueError
        If the address is not one of HTTP.
    FetchError
        If files cannot be downloaded or kept; the message says what to do. What
        is complete is kept, and the next call goes on from there.
    FetchStoppedError
        If `should_stop` says True.

    References
    ----------
    .. [1] V. Ljosa, K. L. Sokolnicki and A. E. Carpenter, "Annotated
       high-throughput microscopy image sets for validation", Nature Methods
       9:637, 2012.

    Examples
    --------
    >>> fields = fetch_bbbc013()  # doctest: +SKIP
    >>> fields.images.shape  # doctest: +SKIP
    (2, 24, 640, 640)

    Where the files cannot be had:

    >>> import tempfile
    >>> from napari_biogans.cells import FetchError
    >>> try:
    ...     fetch_bbbc013(tempfile.mkdtemp(), base_url="http://127.0.0.1:9/", progress=False)
    ... except FetchError as error:
    ...     print("put the others by hand" in str(error))
    True
    """
    fetching = iterate_bbbc013(cache, base_url=base_url, should_stop=should_stop)
    with tqdm(desc="BBBC013", unit="file", disable=not progress, dynamic_ncols=True, delay=0.1) as bar:
        while True:
            try:
                event = next(fetching)
            except StopIteration as end:
                wells: Wells = end.value
                return wells
            bar.total = event.files
            bar.update(event.done - bar.n)


def iterate_bbbc013(
    cache: str | os.PathLike[str] | None = None,
    *,
    base_url: str | None = None,
    should_stop: Callable[[], bool] = never,
) -> Generator[Downloading, None, Wells]:
    """Fetch the fields as `fetch_bbbc013` does, and tell how far the download is.

    Yields
    ------
    Downloading
        Nothing if all files are there.

    Returns
    -------
    Wells
    """
    folder = default_folder() if cache is None else Path(cache).expanduser()
    address = BASE_URL if base_url is None else base_url
    yield from iterate_downloads(address, _sums(), folder, should_stop=should_stop)
    _note_source(folder)
    return _read(folder)


def _sums() -> dict[str, str]:
    lines = REGISTRY.read_text("utf-8").splitlines()
    return {name: known for known, name in (line.split() for line in lines)}


def _note_source(folder: Path) -> None:
    """Say beside the files where they come from."""
    path = folder / SOURCE_FILE
    if not path.exists():
        # Files in a folder that may only be read were put there by somebody who knows.
        with suppress(OSError), replacing(path) as temporary:
            temporary.write_text(SOURCE, "utf-8")


def _read(folder: Path) -> Wells:
    plate = pd.read_csv(folder / _PLATE_MAP, dtype={"Column": str}).set_index(["Row", "Column"])
    fields = []
    for name in sorted(_sums()):
        known = _IMAGE.fullmatch(name)
        if known is None or known["channel"] != _RED:
            continue
        row, column = known["row"], known["column"]
        red_path, green_path = folder / name, folder / name.replace(f"Channel{_RED}", f"Channel{_GREEN}")
        dose = int(plate.loc[(row, column), "SBS_Doses"])
        images = imread(red_path), imread(green_path)
        fields.append(Well(row + column, row, int(column), dose, *images, red_path, green_path))
    return Wells(tuple(fields), folder)
