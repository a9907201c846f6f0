"""Waiting for work in the main thread while the window stays alive, where napari wants the result at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from qtpy.QtCore import QCoreApplication, QEventLoop, QThread

ResultT = TypeVar("ResultT")
PATIENCE = 0.03
"""Seconds between two looks at the window."""


def result_of(work: Callable[[], ResultT]) -> ResultT:
    """Do work in another thread, and give what it returns.

    Readers and writers are called in the main thread, and what they read or
    write may take seconds. Meanwhile the window is drawn, and progress bars
    move; keys and clicks wait until the work is done. Without a window, or in
    another thread, it is done right here.

    Parameters
    ----------
    work : callable
        Must not touch viewers, layers or widgets.

    Raises
    ------
    Exception
        Whatever the work raises.
    """
    application = QCoreApplication.instance()
    if application is None or QThread.currentThread() is not application.thread():
        return work()
    with ThreadPoolExecutor(1, "biogans-waited-for") as threads:
        future = threads.submit(work)
        while not future.done():
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
            wait([future], timeout=PATIENCE)
        return future.result()
