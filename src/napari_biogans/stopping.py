"""Stopping long work by Ctrl-C without losing what is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopped_by_interrupt(should_stop: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish to stop; the second interrupts as usual.

    Signals reach the main thread only; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield should_stop
        return
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def stop(signum: int, frame: FrameType | None) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: interrupted.is_set() or should_stop()
    finally:
        signal.signal(signal.SIGINT, before)
