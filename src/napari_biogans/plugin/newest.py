"""Passing the newest of many requests from one thread to another. Nothing here knows Qt or napari."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

PATIENCE = 0.2
"""Seconds that somebody waits for another request before leaving."""
ASKS_EVERY = 0.02
"""Seconds after which somebody who waits asks whether to stop."""
RequestT = TypeVar("RequestT")


class Newest(Generic[RequestT]):
    """Holds one request, which newer ones replace, for somebody who takes them one after another, and leaves.

    Whoever takes them gets the newest each time, and never one that is older
    than what was taken before.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._request: RequestT | None = None
        self._is_attended = False

    def post(self, request: RequestT) -> bool:
        """Leave a request in place of the one before.

        Returns
        -------
        bool
            Whether somebody is there to take it; else call somebody.
        """
        with self._changed:
            self._request = request
            was_attended, self._is_attended = self._is_attended, True
            self._changed.notify()
            return was_attended

    def take(self, should_stop: Callable[[], bool]) -> RequestT | None:
        """Wait for a request, in the other thread.

        Returns
        -------
        request or None
            None if it is time to leave: there was none for a while, or
            `should_stop` says so.
        """
        with self._changed:
            for _ in range(round(PATIENCE / ASKS_EVERY)):
                if self._request is not None or should_stop():
                    break
                self._changed.wait(ASKS_EVERY)
            if should_stop():
                self._request = None
            request, self._request = self._request, None
            self._is_attended = request is not None
            return request

    def leave(self) -> None:
        """Take no more, as after an error."""
        with self._changed:
            self._request, self._is_attended = None, False
