"""Writing files so that a killed process leaves the old file or the new one, never half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write to a temporary name in the same folder, then rename it.

    Parameters
    ----------
    path : path-like
        The file to make or replace. Its folder is made if it is missing.

    Yields
    ------
    pathlib.Path
        Where to write. It ends as `path` does, so that libraries which go by
        the ending write the right format.

    Raises
    ------
    OSError
        If the folder cannot be written to. What was at `path` is left as it
        was whenever the block raises.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("done")
    >>> target.read_text()
    'done'
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        # It would name a folder above, or the temporary file.
        raise OSError(error.errno, f"Cannot write into this folder ({error.strerror})", str(path.parent)) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        set_usual_mode(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def set_usual_mode(path: Path) -> None:
    """Let a temporary file, which only its owner can read, be read by those who can read any new file.

    Parameters
    ----------
    path : pathlib.Path
    """
    path.chmod(0o666 & ~_umask())


def _umask() -> int:
    """Read the process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
