"""What the dock Reconstruct shows: cells and settings, buttons, progress, and the errors of what was rebuilt.

This imports torch, which takes seconds: import it when that is done.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.latent import LatentError
from napari_biogans.latent.complete import Drawing
from napari_biogans.latent.reconstruct import Searching
from napari_biogans.plugin import session
from napari_biogans.plugin.class_names import counted_cells
from napari_biogans.plugin.error_plot import OTHERS, OTHERS_TIP
from napari_biogans.plugin.jobs import WITHDRAWN, device_name
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.offering import offer, offer_stop
from napari_biogans.plugin.panel_layout import lay_out_panel
from napari_biogans.plugin.path_edit import ask_folder
from napari_biogans.plugin.progress_view import PARTS, ActivityBar, ProgressView
from napari_biogans.plugin.put_back import open_put_back
from napari_biogans.plugin.rebuild_form import RebuildForm
from napari_biogans.plugin.rebuild_request import Completed, Rebuilt, Request
from napari_biogans.plugin.rebuilding import complete_all, export, rebuild
from napari_biogans.plugin.rebuilt_view import RebuiltView
from napari_biogans.plugin.rebuilt_words import (
    MOST_COMPLETED,
    MOST_KEPT,
    NO_PLACES,
    NONE_DONE,
    NONE_SELECTED,
    RUNNING,
    TIPS,
    TOO_MANY,
    TOO_MANY_SELECTED,
    told,
)
from napari_biogans.plugin.remembering import remember
from napari_biogans.plugin.status_line import StatusLine


class ReconstructPanel(QWidget):
    """Takes what is chosen, has it rebuilt or completed, and shows what comes out.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = RebuildForm(viewer)
        self.start, self.stop = QPushButton("Rebuild"), QPushButton("Stop")
        self.classes, self.put = QPushButton("Show all classes"), QPushButton("Put into field…")
        self.keep, self.export = QPushButton(), QPushButton("Export…")
        self.status = StatusLine()
        self.progress = ProgressView()
        self.results = RebuiltView(viewer)
        self.search = LatestWork(self, is_long=True)
        self._exporting = LatestWork(self)
        self._activity = ActivityBar("Rebuilding cells", self)
        self._viewer = viewer
        self._request: Request | None = None
        self._problem: str | None = None
        self._completed: Completed | None = None
        self._to_compare = False
        self._running_text = ""
        self._lay_out()
        self._connect()
        remember(self.form.settings, "reconstruct")
        self._check()

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone."""
        for work in (self.search, self._exporting):
            work.abandon()
        self._activity.end()
        self.form.disconnect_all()
        self.results.disconnect_all()

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        for place, button in enumerate((self.start, self.stop, self.classes, self.put, self.keep, self.export)):
            buttons.addWidget(button, *divmod(place, 2))
        lay_out_panel(self, self.form, (buttons, self.status), (self.progress, self.results), main=self.start)

    def _connect(self) -> None:
        self.form.changed.connect(self._check)
        self.start.clicked.connect(self._rebuild)
        self.classes.clicked.connect(self._complete)
        self.stop.clicked.connect(self._stop)
        self.put.clicked.connect(self._put)
        self.keep.clicked.connect(self._keep)
        self.export.clicked.connect(self._ask_export)
        self.results.selected.connect(self._update)
        self.results.others_asked.connect(self._rebuild_others)
        self.search.waits.connect(self.status.say)
        self.search.began.connect(self._show_begun)
        self.search.withdrawn.connect(self._note_withdrawn)
        self.search.yielded.connect(self._show_progress)
        self.search.returned.connect(self._show_result)
        self.search.failed.connect(self._show_failure)
        self._exporting.returned.connect(self._note_exported)
        self._exporting.failed.connect(self._say_failure)
        self.destroyed.connect(self.search.abandon)

    def _check(self) -> None:
        """Say what is missing or wrong, as long as nothing runs."""
        before, self._problem, self._request = self._problem, None, None
        try:
            self._request = self.form.request()
        except (CellsError, LatentError) as error:
            self._problem = str(error)
        # Sliders move while something else is told; what does not matter here is passed over.
        if not self.search.is_running and (self._problem is not None or before is not None or not self.status.text()):
            self.status.say(self._problem or "Ready.")
        self._update()

    def _rebuild(self) -> None:
        self._check()
        if self._request is not None:
            self._begin(self._request, to_compare=False)

    def _rebuild_others(self) -> None:
        """Rebuild cells that were not, at random, to compare with."""
        shown = self.results.shown
        if self._request is None or shown is None:
            return
        request = self._request
        count = 0 if request.cells.layers is None else request.cells.layers.count
        others = sorted(set(range(count)) - self.results.cells.places_of(request.cells.key))
        rng = np.random.default_rng(request.config.seed)
        chosen = rng.permutation(others)[:OTHERS]
        if not len(chosen):
            self.status.say(f"All cells of {request.cells.source_name} are rebuilt.")
            return
        cells = replace(request.cells, places=tuple(sorted(int(place) for place in chosen)))
        self._begin(replace(request, cells=cells), to_compare=True)

    def _complete(self) -> None:
        self._check()
        self._to_compare = False
        if self._request is not None:
            self._run("drawing all classes", partial(complete_all, self._request), self._request)

    def _begin(self, request: Request, *, to_compare: bool) -> None:
        self._to_compare = to_compare
        self._run(f"rebuilding {counted_cells(len(request.cells.places))}", partial(rebuild, request), request)

    def _run(self, name: str, work: Any, request: Request) -> None:
        self._running_text = f"{name[0].upper()}{name[1:]} …"
        self.form.setEnabled(False)
        self.search.begin(name, work, device_name(request.config.device))
        self._update()

    def _show_begun(self) -> None:
        self.progress.show()
        self.progress.show_busy()
        self._activity.begin(PARTS)
        self.status.say(self._running_text)

    def _note_withdrawn(self) -> None:
        self._end()
        self.status.say(WITHDRAWN)

    def _stop(self) -> None:
        self.search.stop()
        if self.search.is_running:
            self.status.say("Stopping …")
        self._update()

    def _show_progress(self, event: Searching | Drawing) -> None:
        if isinstance(event, Searching):
            self.progress.show_search(event)
            self._activity.show(round(PARTS * event.progress))
        else:
            self.progress.show_drawing(event)

    def _show_result(self, result: Rebuilt | Completed | None) -> None:
        self._end()
        if result is None:
            self.status.say(
                "Stopped before the first cells were done; there is nothing to show. "
                "A smaller batch size (Advanced) gives the first results earlier."
            )
            return
        if isinstance(result, Rebuilt):
            self.results.show()
            self.results.add(result, to_compare=self._to_compare)
        else:
            self._completed = result
            self.results.add_completed(result)
        # Layers were added; what is said of the choice must not take the place of the result.
        self.form.choice.look()
        self.status.say(told(result, to_compare=self._to_compare))
        self._update()

    def _show_failure(self, error: Exception) -> None:
        self._end()
        self._say_failure(error)

    def _say_failure(self, error: Exception) -> None:
        self.status.say(str(error) or type(error).__name__)
        self._update()

    def _end(self) -> None:
        self._activity.end()
        self.progress.hide()
        self.form.setEnabled(True)
        self._update()

    def _put(self) -> None:
        if layers := self.results.layers_with_places():
            open_put_back(self._viewer, layers)
        else:
            # They may have been deleted meanwhile.
            self._update()

    def _keep(self) -> None:
        chosen = self.results.chosen()
        for cell in chosen:
            session.SESSION.keep(cell.key_cell())
        self.status.say(f"Kept {counted_cells(len(chosen))}, to go on from in Interpolate and Generate.")

    def _ask_export(self) -> None:
        if folder := ask_folder(self, "Folder for tables, latents, images and figures"):
            self.status.say(f"Writing into {folder} …")
            completion = None if self._completed is None else self._completed.result
            work = partial(export, self.results.cells.result(), completion, folder)
            self._exporting.begin(f"writing into {folder}", work)
            self._update()

    def _note_exported(self, folder: Path) -> None:
        self.status.say(f"Tables, latents, images and figures are in {folder.name}.", str(folder))
        self._update()

    def _update(self) -> None:
        running = self.search.is_running
        chosen = len(self.results.table.chosen())
        self.keep.setText(f"Keep {chosen}" if chosen > 1 else "Keep")
        no_result = None if self.results.shown is not None or self._completed is not None else NONE_DONE
        not_kept = NONE_SELECTED if not chosen else TOO_MANY_SELECTED if chosen > MOST_KEPT else None
        exporting = "It is being written." if self._exporting.is_running else None
        for name, button, problem in (
            ("start", self.start, (RUNNING if running else None) or self._problem),
            ("classes", self.classes, (RUNNING if running else None) or self._completion_problem()),
            ("put", self.put, no_result or (None if self.results.layers_with_places() else NO_PLACES)),
            ("keep", self.keep, not_kept),
            ("export", self.export, (RUNNING if running else None) or no_result or exporting),
        ):
            offer(button, problem, TIPS[name])
        offer_stop(self.stop, (self.search,), TIPS["stop"])
        offer(self.results.plot.others, (RUNNING if running else None) or self._problem, OTHERS_TIP)

    def _completion_problem(self) -> str | None:
        facts = self.form.model.facts
        if facts is not None and facts.completion_refusal:
            return facts.completion_refusal
        if self._request is not None and len(self._request.cells.places) > MOST_COMPLETED:
            return TOO_MANY
        return self._problem
