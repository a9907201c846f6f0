"""Notes that processes which train together leave for each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

SECONDS_BETWEEN_LOOKS = 0.05


class Notes:
    """Short texts by name, which each process leaves once and all can read.

    Whoever keeps them may be gone with the machine that was lost: then nothing
    is read, and nothing more can be left.

    Parameters
    ----------
    store : torch.distributed.Store

    Examples
    --------
    >>> from torch.distributed import HashStore
    >>> notes = Notes(HashStore())
    >>> notes.leave("device", "cpu")
    >>> notes.read("device"), notes.read("reason")
    ('cpu', None)
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def leave(self, name: str, text: str) -> None:
        """Write a note."""
        with suppress(RuntimeError):
            self.store.set(name, text)

    def read(self, name: str) -> str | None:
        """Read a note; None where there is none."""
        with suppress(RuntimeError):
            if self.store.check([name]):
                return str(self.store.get(name), "utf-8")
        return None

    def wait_for(self, name: str, seconds: float, give_up: Callable[[], bool]) -> str | None:
        """Wait for a note; None if it did not come in time, or `give_up` said so."""
        end = time.monotonic() + seconds
        while (text := self.read(name)) is None:
            if give_up() or time.monotonic() > end:
                return None
            # Not in the store's own wait, which no signal ends.
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return text
