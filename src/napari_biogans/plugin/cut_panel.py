"""What the dock Cut cells shows: fields and settings, buttons, progress, and how many cells are kept."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
from napari.layers import Labels
from napari.utils.notifications import show_error
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QGridLayout, QPushButton, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.cut_events import CuttingProgress
from napari_biogans.plugin import session
from napari_biogans.plugin.cut_form import CutForm
from napari_biogans.plugin.cut_layers import cut_layers, in_rows
from napari_biogans.plugin.cut_words import (
    CUTTING,
    FINDING,
    LABELS_KEPT,
    NONE_FOUND,
    NOTHING_DONE,
    OUT_OF_DATE,
    TIPS,
    counts_told,
    cut_told,
    found_told,
)
from napari_biogans.plugin.cutting import Cut, CutRequest, Found, cut, find
from napari_biogans.plugin.field_choice import FileFields, fields_in
from napari_biogans.plugin.found_preview import FoundPreview
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.layer_data import in_grid
from napari_biogans.plugin.offering import offer, offer_stop
from napari_biogans.plugin.own_layers import OwnLayers, bring_into_range
from napari_biogans.plugin.panel_layout import lay_out_panel
from napari_biogans.plugin.progress_view import PARTS, ActivityBar, ProgressView
from napari_biogans.plugin.status_line import StatusLine

QUICK = 3.0
"""Seconds that finding may take to be done anew whenever a setting has changed."""
JUDGE_MS = 50
FIND_MS = 700
"""After the last edit, so that a number can be typed to its end."""


class CutPanel(QWidget):
    """Takes what is chosen, shows what is found as settings change, and cuts.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.form = CutForm(viewer)
        self.look, self.cut, self.stop = QPushButton("Find cells"), QPushButton("Cut"), QPushButton("Stop")
        self.frames = QCheckBox("Frames of images")
        self.keep = QPushButton("Keep labels")
        self.counts, self.status = StatusLine(), StatusLine()
        self.progress = ProgressView()
        self.preview = FoundPreview(viewer)
        self.results = OwnLayers(viewer)
        self.finding, self.cutting = LatestWork(self, is_long=True), LatestWork(self, is_long=True)
        self.found: Found | None = None
        self._result_of: list[str] = []
        self._request: CutRequest | None = None
        self._problem: str | None = None
        self._folder_problem: str | None = None
        self._activity = ActivityBar("Cutting cells", self)
        self._soon, self._later = QTimer(self), QTimer(self)
        for timer, pause in ((self._soon, JUDGE_MS), (self._later, FIND_MS)):
            timer.setSingleShot(True)
            timer.setInterval(pause)
        self._lay_out()
        self._connect()
        self._check()

    def close_down(self) -> None:
        """Stop what runs, and leave the viewer alone, but for what was cut."""
        for timer in (self._soon, self._later):
            timer.stop()
        for work in (self.finding, self.cutting):
            work.abandon()
        self._activity.end()
        self.form.disconnect_all()
        self.preview.remove()
        self.found = None

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        for column, button in enumerate((self.look, self.cut, self.stop)):
            buttons.addWidget(button, 0, 2 * column, 1, 2)
        buttons.addWidget(self.frames, 1, 0, 1, 3)
        buttons.addWidget(self.keep, 1, 3, 1, 3)
        self.frames.setToolTip(TIPS["frames"])
        lay_out_panel(self, self.form, (buttons, self.counts, self.status), (self.progress,), main=self.cut)

    def _connect(self) -> None:
        self.form.changed.connect(self._check)
        self.look.clicked.connect(self._find)
        self.cut.clicked.connect(self._cut)
        self.stop.clicked.connect(self._stop)
        self.keep.clicked.connect(self._keep_labels)
        self.frames.toggled.connect(self._judge)
        self._soon.timeout.connect(self._judge)
        self._later.timeout.connect(self._find)
        for work, show in ((self.finding, self._show_found), (self.cutting, self._show_cut)):
            work.yielded.connect(self._show_progress)
            work.returned.connect(show)
            work.failed.connect(self._show_failure)
            self.destroyed.connect(work.abandon)

    @property
    def is_running(self) -> bool:
        """Whether cells are looked for or cut."""
        return self.finding.is_running or self.cutting.is_running

    def _check(self) -> None:
        """Say what is missing or wrong, and show what the settings decide."""
        self._forget_what_is_gone()
        before = self._problem or self._folder_problem
        self._problem, self._folder_problem, self._request = None, None, None
        try:
            self._request = self.form.request()
        except CellsError as error:
            self._problem = str(error)
        try:
            self.form.check_folder()
        except CellsError as error:
            self._folder_problem = str(error)
        now = self._problem or self._folder_problem
        if not self.cutting.is_running and (now or before or not self.status.text()):
            self.status.say(now or "Ready.")
        self._later.stop()
        if self.found is not None and self._request is not None:
            if self._is_current():
                self._soon.start()
            else:
                self.counts.say(OUT_OF_DATE)
                if self._is_quick(self._request):
                    self._later.start()
        self._update()

    def _forget_what_is_gone(self) -> None:
        """Let go of what was found in layers that were deleted, whose pixels else would stay in memory."""
        if self.found is not None and any(layer() not in self._viewer.layers for layer in self.found.layers):
            self.found = None
            self.preview.remove()
            self.counts.say("")

    def _is_current(self) -> bool:
        return self.found is not None and self._request is not None and self.found.key == self._request.key

    def _is_quick(self, request: CutRequest) -> bool:
        """Guess whether cells are found in no time, by what it took the last time."""
        if self.found is None or self.found.seconds > QUICK:
            return False
        if request.choice.key == self.found.key[0]:
            return True
        now, before = (
            sum(field.shape[0] * field.shape[1] for field in fields)
            for fields in (fields_in(request.groups), self.found.found.fields)
        )
        return 0 < now <= before

    def _find(self) -> None:
        # Where layers lie is not followed.
        self._check()
        self._later.stop()
        if self._request is None or self.cutting.is_running:
            return
        self._note_fields(self._request)
        self._begin(self.finding, "looking for cells", partial(find, self._request))

    def _cut(self) -> None:
        self._check()
        self._later.stop()
        if self._request is not None and self._folder_problem is None:
            self.finding.abandon()
            self._note_fields(self._request)
            self._begin(self.cutting, "cutting cells", partial(cut, self._request, self.found))
            self.form.setEnabled(False)

    def _begin(self, work: LatestWork, name: str, task: Any) -> None:
        self.progress.show()
        self.progress.show_busy()
        self.status.say(f"{name[0].upper()}{name[1:]} …")
        work.begin(name, task)
        self._activity.begin(PARTS)
        self._update()

    def _note_fields(self, request: CutRequest) -> None:
        if isinstance(request.choice, FileFields):
            for path in reversed(request.choice.paths):
                session.SESSION.use_fields(path)

    def _stop(self) -> None:
        for work in (self.finding, self.cutting):
            work.stop()
        self.status.say("Stopping …")
        self._update()

    def _show_progress(self, event: CuttingProgress) -> None:
        self.progress.show_cutting(event)
        self._activity.show(round(PARTS * event.done / event.fields))

    def _show_found(self, found: Found | None) -> None:
        self._end()
        if found is None:
            self.status.say(NOTHING_DONE)
            return
        self._take(found)
        self.status.say(found_told(found))
        # What was edited meanwhile counts, too.
        if not self._is_current() and self._request is not None and self._is_quick(self._request):
            self._later.start()

    def _take(self, found: Found) -> None:
        """Show what was found, and decide which of it is kept."""
        self.found = found
        self._judge()
        self._update()

    def _judge(self) -> None:
        table = self._table()
        if table is None or self.found is None:
            return
        if self.preview.shows(self.found):
            self.preview.judge(table, self._frame_size())
        else:
            self.preview.show(self.found, table, self._frame_size())
        if self._is_current():
            self.counts.say(*counts_told(table, [field.class_name for field in self.found.found.fields]))
        else:
            self.counts.say(OUT_OF_DATE)

    def _table(self) -> pd.DataFrame | None:
        """Decide about what was found, by the settings as they are now; None if they make no sense."""
        if self.found is None or self._request is None:
            return None
        groups = self._request.groups
        if groups and self._is_current() and self.found.are(groups):
            self.found = self.found.of_groups(groups)
        try:
            return self.found.found.judge(self._request.config)
        except CellsError as error:
            self.status.say(str(error))
            return None

    def _frame_size(self) -> tuple[int, int] | None:
        if not self.frames.isChecked() or self._request is None:
            return None
        return self._request.config.size

    def _show_cut(self, result: Cut | Found | None) -> None:
        self._end()
        if result is None:
            self.status.say(NOTHING_DONE)
            return
        self._take(result if isinstance(result, Found) else result.found)
        if isinstance(result, Found):
            self.status.say(NOTHING_DONE)
            return
        self._show_layers(result)
        if result.folder is not None:
            session.note_cells(result.folder)
        # The folder is not empty any more, which is no reason to say so now.
        self._check()
        self.status.say(*cut_told(result))
        if result.unsaved:
            show_error(result.unsaved)

    def _show_layers(self, result: Cut) -> None:
        """Add the cells as layers, in the place of those that were cut from the same fields before."""
        names = [f"{field.source} {field.name}" for field in result.found.found.fields]
        if names == self._result_of and self.results.have_their_names():
            self.results.remove()
        self._result_of = names
        groups = cut_layers(result)
        self.results.put(in_grid(self._viewer.layers, in_rows(groups)))
        bring_into_range(self._viewer.dims, groups[0][0][0].shape)

    def _keep_labels(self) -> None:
        for data, keywords, _ in self.preview.labels():
            self._viewer.add_layer(Labels(data, **keywords))
        self.status.say(LABELS_KEPT)

    def _show_failure(self, error: Exception) -> None:
        self._end()
        self.status.say(str(error) or type(error).__name__)

    def _end(self) -> None:
        self._activity.end()
        self.progress.hide()
        self.form.setEnabled(True)
        self._update()

    def _update(self) -> None:
        running = CUTTING if self.cutting.is_running else FINDING if self.finding.is_running else None
        for name, button, problem in (
            ("look", self.look, running or self._problem),
            ("cut", self.cut, running or self._problem or self._folder_problem),
            ("keep", self.keep, running or (NONE_FOUND if self.found is None else None)),
        ):
            offer(button, problem, TIPS[name])
        offer_stop(self.stop, (self.finding, self.cutting), TIPS["stop"])
