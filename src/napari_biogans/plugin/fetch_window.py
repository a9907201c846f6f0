"""Downloading sample data, for which napari waits, without its window standing still."""

from __future__ import annotations

from collections.abc import Generator

from qtpy.QtCore import QEventLoop, Qt
from qtpy.QtWidgets import QApplication, QProgressDialog

from napari_biogans.cells.bbbc013 import MEGABYTES, Wells, fetch_bbbc013, iterate_bbbc013
from napari_biogans.cells.downloads import Downloading, FetchStoppedError
from napari_biogans.plugin.workers import ShouldStop, make_worker, report_error, start_long

TITLE = "BioGANs sample data"
TEXT = (
    f"Downloading BBBC013 ({MEGABYTES} MB): human U2OS cells, image set by Ilya Ravkin from the\n"
    "Broad Bioimage Benchmark Collection, licence CC BY 3.0. It is kept for the next time."
)
SHOWN_AFTER_MS = 300
"""So that no window flashes up where all files are there."""


def fetch_in_window() -> Wells:
    """Fetch BBBC013 in another thread, and wait for it in a window with a bar and a button that stops it.

    napari takes the layers of sample data from what a function returns, so this
    comes back when all is there; meanwhile napari's window is drawn.

    Returns
    -------
    Wells

    Raises
    ------
    FetchError
        If files cannot be downloaded.
    FetchStoppedError
        If the user stopped it, or napari is closed.
    """
    if QApplication.instance() is None:  # a viewer without a window
        return fetch_bbbc013()
    window = FetchWindow()
    try:
        return window.fetch()
    finally:
        window.close()
        window.deleteLater()


class FetchWindow(QProgressDialog):
    """How many files are there, and a button that stops."""

    def __init__(self) -> None:
        super().__init__(TEXT, "Stop", 0, 0, QApplication.activeWindow())
        self.setWindowTitle(TITLE)
        # Nothing else can be clicked meanwhile: not the entry of the sample again, nor what closes napari.
        self.setWindowModality(Qt.WindowModality.ApplicationModal)
        self.setAutoReset(False)
        self.setMinimumDuration(SHOWN_AFTER_MS)
        self.setValue(0)
        self._waiting = QEventLoop(self)

    def fetch(self) -> Wells:
        """Download what is missing, and return when it is there, it failed, or was stopped."""
        fetched: list[Wells] = []
        failed: list[Exception] = []
        worker = make_worker("downloading BBBC013", _fetch)
        # An error is raised here, from where napari shows it.
        worker.errored.disconnect(report_error)
        worker.errored.connect(failed.append)
        worker.returned.connect(fetched.append)
        worker.yielded.connect(self.show_progress)
        worker.finished.connect(self._stop_waiting)
        # A server that says nothing may hold up the end of the work by seconds, for which nobody has to wait.
        self.canceled.connect(worker.stop)
        self.canceled.connect(self._stop_waiting)
        start_long(worker)
        self._waiting.exec()
        if failed:
            raise failed[0]
        if not fetched:
            raise FetchStoppedError("The download was stopped. Files that are complete are kept for the next time.")
        return fetched[0]

    def show_progress(self, event: Downloading) -> None:
        """Show how many files are there."""
        self.setMaximum(event.files)
        self.setValue(event.done)

    def _stop_waiting(self, nothing: None = None) -> None:
        self._waiting.quit()


def _fetch(should_stop: ShouldStop) -> Generator[Downloading, None, Wells]:
    return (yield from iterate_bbbc013(should_stop=should_stop))
