"""Downloading files whose sums are known: what is there stays, what is missing or damaged is fetched."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_biogans.cells.neighbours import never
from napari_biogans.files import set_usual_mode

if TYPE_CHECKING:
    import requests

# Seconds until a server has to be reached, and between two pieces of a file.
TIMEOUT = (5.0, 10.0)
PIECE = 2**16


class FetchError(OSError):
    """Files that could not be fetched, with the reason and what to do about it."""


class FetchStoppedError(FetchError):
    """A download that was told to stop; the files that were complete are kept."""


@dataclass(frozen=True)
class Downloading:
    """Some files of a download are there."""

    done: int
    """Files that are there and good."""
    files: int
    """Files in all."""


def iterate_downloads(
    base_url: str,
    sums: Mapping[str, str],
    folder: str | os.PathLike[str],
    *,
    should_stop: Callable[[], bool] = never,
) -> Generator[Downloading, None, None]:
    """Download those files that are missing or damaged in a folder, one after another.

    Each comes under a temporary name and gets its own when its sum is right, so
    that no part of a file is ever taken for the whole, and a download that ended
    early goes on after the last complete file. The network is not asked when
    everything is there.

    Parameters
    ----------
    base_url : str
        To which the names are added; begins with http:// or https://.
    sums : mapping of str to str
        SHA-256 sum, in hexadecimal digits, of each name.
    folder : path-like
        Where the files go. It is made if it is missing.
    should_stop : callable
        Asked before each file and after each piece of one.

    Yields
    ------
    Downloading
        Before the first missing file and after each; nothing if none is missing.

    Raises
    ------
    ValueError
        If the address is not one of HTTP.
    FetchError
        If the server cannot be reached within seconds, does not have a file,
        or breaks off, if what it sends has another sum, or if the folder cannot
        be written to. Files that were complete are kept.
    FetchStoppedError
        If `should_stop` says True.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "note.txt").write_text("Here it is.")
    >>> sums = {"note.txt": hashlib.sha256(b"Here it is.").hexdigest()}
    >>> list(iterate_downloads("https://example.org/", sums, folder))  # nothing to do
    []
    """
    if not base_url.startswith(("http://", "https://")):
        raise ValueError(f"The address {base_url!r} should begin with http:// or https://.")
    folder = Path(folder).expanduser().absolute()
    with _telling_of_folder(folder):
        missing = [name for name, known in sums.items() if not _is_good(folder / name, known)]
    if not missing:
        return

    import pooch
    import requests

    fetcher = pooch.create(path=folder, base_url=base_url.rstrip("/") + "/", registry=dict(sums))
    with requests.Session() as session:
        for done, name in enumerate(missing, len(sums) - len(missing)):
            yield Downloading(done, len(sums))
            there = f"{done} of {len(sums)} files are in {folder}"
            if should_stop():
                raise _stopped(there)
            downloader = _Downloader(session, should_stop, there)
            with (
                _telling_of_folder(folder),
                _telling_of_network(fetcher.get_url(name), there),
                _quiet(pooch.get_logger()),
            ):
                fetcher.fetch(name, downloader=downloader)
    yield Downloading(len(sums), len(sums))


@dataclass(frozen=True)
class _Downloader:
    """Downloads a file for pooch.

    Unlike pooch's own, it keeps the connection for the next file, and closes it
    on an error; it can be stopped, and others may read what it writes.
    """

    session: requests.Session
    should_stop: Callable[[], bool]
    there: str

    def __call__(self, url: str, output_file: str, fetcher: object) -> None:
        with self.session.get(url, stream=True, timeout=TIMEOUT) as answer, Path(output_file).open("wb") as file:
            answer.raise_for_status()
            for piece in answer.iter_content(PIECE):
                file.write(piece)
                if self.should_stop():
                    raise _stopped(self.there)
        set_usual_mode(Path(output_file))


def _is_good(path: Path, known: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == known
    except FileNotFoundError:
        return False


def _stopped(there: str) -> FetchStoppedError:
    return FetchStoppedError(f"The download was stopped. {there}; the next one goes on with the others.")


@contextmanager
def _telling_of_network(url: str, there: str) -> Iterator[None]:
    """Say what went wrong between us and a server, and what can be done."""
    from requests.exceptions import ChunkedEncodingError, ConnectionError, HTTPError, RequestException, Timeout

    way_out = f"{there}, where you may also put the others by hand; the next download goes on from there."
    try:
        yield
    except HTTPError as error:
        reason = f"The server has no such file, or does not give it ({error}). Another address can be named (base_url)."
        raise FetchError(f"{reason} {way_out}") from error
    except ChunkedEncodingError as error:
        raise FetchError(f"The server broke off in the middle of {url}. Try again. {way_out}") from error
    except (ConnectionError, Timeout) as error:
        advice = "Look whether there is a network, and whether it wants a proxy (HTTPS_PROXY), and try again."
        raise FetchError(f"{url} could not be downloaded ({_innermost(error)}). {advice} {way_out}") from error
    except RequestException as error:
        raise FetchError(f"{url} could not be downloaded ({error}). {way_out}") from error
    except ValueError as error:  # pooch compared the sums
        reason = f"What came from {url} is not the file that is expected (its SHA-256 sum is another one), and was not"
        advice = "Perhaps the network answered with a page of its own, such as a login; look at it in a browser."
        raise FetchError(f"{reason} kept. {advice} {way_out}") from error


@contextmanager
def _telling_of_folder(folder: Path) -> Iterator[None]:
    try:
        yield
    except FetchError:
        raise
    except OSError as error:
        advice = "Free some space, or name another folder (cache, or the environment variable BIOGANS_CACHE)."
        raise FetchError(f"Files cannot be kept in {folder} ({error}). {advice}") from error


def _innermost(error: BaseException) -> str:
    """Find what the network raised at first, which says most in the fewest words."""
    # A FetchError is of an earlier download, after which this one was tried.
    while error.__context__ is not None and not isinstance(error.__context__, FetchError):
        error = error.__context__
    return str(error) or type(error).__name__


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from writing a line for each file."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
