"""What `write_cells` keeps beside the pixels of a class: a record in the TIFF, and a table of its cells."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from napari_biogans.cells.cellset import CellsError

FORMAT = "napari-biogans cells"
VERSION = 1
# What our stacks are called before .tif: napari offers its readers by the name of a file, and would else ask for every
# TIFF of others which reader to take.
STACK_ENDING = ".cells"


@dataclass(frozen=True)
class Record:
    """What a TIFF file of `write_cells` says of its class, as JSON.

    It stands in ImageJ's Info (in ImageJ: Image > Show Info), or in the
    description of an OME image.
    """

    class_name: str
    position: int
    """Place of the class in its cell set."""
    dtype: str
    channel_names: tuple[str, ...]
    pixel_size: float | None
    """In µm."""
    intensity_range: tuple[tuple[float, float], ...]
    """Per channel."""
    features: dict[str, str]
    """Columns of the table beside the file, with their types."""
    normalisation: str | None = None
    """How brightness was scaled when the cells were cut from fields: "none", per "field", per "set"; None where that is
    not known."""

    def to_text(self) -> str:
        """Write the record as JSON, in ASCII, which every program keeps as it is."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)})

    @classmethod
    def from_text(cls, text: str, path: str) -> Record | None:
        """Read a record.

        Parameters
        ----------
        text : str
            Any text; ImageJ may have added lines of its own.
        path : str
            The file that holds it, named in the message.

        Returns
        -------
        Record or None
            None if there is no record in the text.

        Raises
        ------
        CellsError
            If a newer version of the program wrote it.
        """
        try:
            found, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
            if found["format"] != FORMAT:
                return None
            if int(found["version"]) > VERSION:
                raise CellsError(
                    f"{path} was written by a newer version of napari-biogans; update it to read the file."
                )
            return cls(
                class_name=str(found["class_name"]),
                position=int(found["position"]),
                dtype=str(found["dtype"]),
                channel_names=tuple(str(name) for name in found["channel_names"]),
                pixel_size=None if found["pixel_size"] is None else float(found["pixel_size"]),
                intensity_range=tuple((float(low), float(high)) for low, high in found["intensity_range"]),
                features={str(column): str(kind) for column, kind in found["features"].items()},
                normalisation=None if found.get("normalisation") is None else str(found["normalisation"]),
            )
        except CellsError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def table_path(path: str | os.PathLike[str]) -> Path:
    """Find where the table of the cells of a TIFF file stands.

    Examples
    --------
    >>> table_path("cells/Tea1.cells.tif").name
    'Tea1.csv'
    """
    path = Path(path)
    return path.with_name(tiff_stem(path.name) + ".csv")


def tiff_stem(name: str) -> str:
    """Take the endings of a TIFF file's name off.

    Examples
    --------
    >>> tiff_stem("dose-0.5.ome.tif"), tiff_stem("Tea1.cells.tif")
    ('dose-0.5', 'Tea1')
    """
    stem = Path(name).stem
    for ending in (".ome", STACK_ENDING):
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
    return stem


def column_types(table: pd.DataFrame) -> dict[str, str]:
    """Name the type that each column of a table is read back as.

    Examples
    --------
    >>> column_types(pd.DataFrame({"source": ["a.tif"], "index": [0]}))
    {'source': 'str', 'index': 'int64'}
    """
    return {str(column): _column_type(table[column]) for column in table.columns}


def _column_type(column: pd.Series) -> str:
    is_number = is_integer_dtype(column) or is_float_dtype(column) or is_bool_dtype(column)
    return str(column.dtype) if is_number else "str"


def _as_type(texts: pd.Series, kind: str) -> pd.Series:
    # All is read as text, since pandas is not exact with numbers in every version.
    if kind == "bool":
        return texts.str.lower() == "true"
    return texts if kind == "str" else texts.replace("", "nan").astype(kind)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table of cells as CSV."""
    # Python's own line ends would be taken for line ends within a quoted text.
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8", errors="surrogatepass")


def read_table(path: Path, types: dict[str, str]) -> pd.DataFrame:
    """Read a table of cells.

    Parameters
    ----------
    path : pathlib.Path
        A CSV file.
    types : dict
        Type of each column; columns that are not named get the type they
        look like.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    CellsError
        If the file is damaged, or lacks the columns `source` and `index`.
    """
    try:
        table = pd.read_csv(
            path,
            dtype=dict.fromkeys(types, str),
            keep_default_na=False,  # "NA" and an empty text are texts
            lineterminator="\n",
            encoding="utf-8",
            encoding_errors="surrogatepass",
        )
        for column in table.columns.intersection(list(types)):
            table[column] = _as_type(table[column], types[column])
    except (ValueError, TypeError, OSError) as error:
        raise CellsError(
            f"The table of cells {path} cannot be read ({error}); put it right, or delete it to read the images alone."
        ) from error
    if not {"source", "index"} <= set(table.columns):
        raise CellsError(f"The table of cells {path} needs the columns 'source' and 'index'; add them, or delete it.")
    return table
