"""What the dock Score shows: a question, settings, buttons, progress and a table of scores.

This imports torch, which takes seconds: import it when that is done.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Image
from qtpy.QtWidgets import QGroupBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.evaluation import C2STConfig, C2STError, C2STResult
from napari_biogans.evaluation.settings import C2ST_PRESETS, make_c2st_config
from napari_biogans.evaluation.telling import TellingCells
from napari_biogans.plugin.jobs import WITHDRAWN, device_name
from napari_biogans.plugin.latest_work import LatestWork
from napari_biogans.plugin.layer_data import beside
from napari_biogans.plugin.offering import offer, offer_stop
from napari_biogans.plugin.own_layers import look_at
from napari_biogans.plugin.panel_layout import lay_out_panel
from napari_biogans.plugin.path_edit import ask_folder
from napari_biogans.plugin.progress_view import ActivityBar, ProgressView
from napari_biogans.plugin.remembered_paths import CellsFolder
from napari_biogans.plugin.remembering import Editors, remember
from napari_biogans.plugin.score_results import ScoreResults
from napari_biogans.plugin.score_work import ScoreReport, Sides, Verdicts, carry_out, export, find_telling, work_out
from napari_biogans.plugin.setting_titles import by_title
from napari_biogans.plugin.settings_form import SettingsForm
from napari_biogans.plugin.sides_form import SidesForm
from napari_biogans.plugin.status_line import StatusLine
from napari_biogans.plugin.telling_layers import telling_layers
from napari_biogans.plugin.time_line import TimeLine

MAIN_FIELDS = ("splits",)
RUNNING = "A test is running already."
NAMES = {
    "sides": "telling two sides apart",
    "matrix": "telling classes apart",
    "run": "scoring the checkpoints of a run",
}
"""What napari and the queue call it."""
TIPS = {
    "start": "Train the critics that are not known yet, and ask them",
    "stop": "End now, with what there is; the same test goes on from there",
    "export": "Write tables, figures and a report into a folder",
}


class ScorePanel(QWidget):
    """Takes a question, has it tested, and shows what comes out.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.sides = SidesForm(viewer)
        self.settings = SettingsForm(C2STConfig, C2ST_PRESETS, MAIN_FIELDS, "Test")
        self.time = TimeLine()
        self.start, self.stop, self.export = QPushButton("Start"), QPushButton("Stop"), QPushButton("Export…")
        self.status = StatusLine()
        self.progress = ProgressView()
        self.results = ScoreResults()
        self.test = LatestWork(self, is_long=True)
        self._verdicts, self._telling, self._exporting = (LatestWork(self) for _ in range(3))
        self._activity = ActivityBar("Testing", self)
        self._steps = 0
        self._result: C2STResult | None = None
        self._asked: tuple[Sides, C2STConfig] | None = None
        self._problem: str | None = None
        self._lay_out()
        self._connect()
        remember(self.settings, "score")
        remember(Editors({"question": self.sides.question, "b": CellsFolder(self.sides.b)}, self), "score: sides")
        self._check()

    def close_down(self) -> None:
        """Stop what runs, whose critics are kept, and leave the viewer alone."""
        for work in (self.test, self._verdicts, self._telling, self._exporting):
            work.abandon()
        self.time.forget()
        self._activity.end()
        self.sides.disconnect_all()

    def _lay_out(self) -> None:
        settings_group = QGroupBox("Settings")
        QVBoxLayout(settings_group).addWidget(self.settings)
        self.settings.add_row("Time", self.time)
        self._inputs = QWidget()
        inputs = QVBoxLayout(self._inputs)
        inputs.setContentsMargins(0, 0, 0, 0)
        inputs.addWidget(self.sides)
        inputs.addWidget(settings_group)
        inputs.addStretch()
        buttons = QHBoxLayout()
        for button in (self.start, self.stop, self.export):
            buttons.addWidget(button)
        lay_out_panel(self, self._inputs, (buttons, self.status), (self.progress, self.results), main=self.start)

    def _connect(self) -> None:
        self.sides.changed.connect(self._check)
        self.settings.edited.connect(self._check)
        self.start.clicked.connect(self._start)
        self.stop.clicked.connect(self._stop)
        self.export.clicked.connect(self._ask_export)
        self.time.found_problem.connect(self._show_misfit)
        self.results.table.chosen.connect(self._find_telling)
        self.test.waits.connect(self.status.say)
        self.test.began.connect(self._show_begun)
        self.test.withdrawn.connect(self._note_withdrawn)
        self.test.yielded.connect(self._show_report)
        self.test.returned.connect(self._show_result)
        self.test.failed.connect(self._show_failure)
        self._verdicts.returned.connect(self._show_verdicts)
        self._telling.returned.connect(self._add_telling)
        self._exporting.returned.connect(self._note_exported)
        for work in (self._verdicts, self._telling, self._exporting):
            work.failed.connect(self._say_failure)
        self.destroyed.connect(self.test.abandon)

    def _check(self) -> None:
        """Say what is missing or wrong, as long as nothing runs."""
        before = self._problem, self._key()
        self._problem, self._asked = None, None
        try:
            sides = self.sides.sides()
            with by_title(C2STError, self.settings.titles):
                self._asked = sides, make_c2st_config(**self.settings.values())
        except (CellsError, C2STError) as error:
            self._problem = str(error)
        # Layers change while something else goes on; what does not matter here is passed over.
        if (self._problem, self._key()) != before and not self.test.is_running:
            self.status.say(self._problem or "Ready.")
            self._tell_time()
        self._update()

    def _key(self) -> object:
        return None if self._asked is None else (self._asked[0].key, self._asked[1])

    def _tell_time(self) -> None:
        if self._asked is None:
            self.time.forget()
        else:
            self.time.ask(*self._asked)

    def _show_misfit(self, problem: str) -> None:
        # Start is left as it is: what is wrong may be mended where no signal comes from, in a folder.
        self.status.say(problem)

    def _start(self) -> None:
        if self._asked is None:
            return
        sides, config = self._asked
        self.time.pause()
        self._inputs.setEnabled(False)
        self.test.begin(NAMES[sides.question], partial(carry_out, sides, config), device_name(config.device))
        self._update()

    def _show_begun(self) -> None:
        self._verdicts.abandon()
        self._result, self._steps = None, 0
        self.results.clear()
        self.results.hide()
        self.progress.show()
        self.progress.show_busy()
        self.status.say("Reading both sides …")

    def _note_withdrawn(self) -> None:
        self._end()
        self.status.say(WITHDRAWN)

    def _stop(self) -> None:
        self.test.stop()
        if self.test.is_running:
            self.status.say("Stopping …")
        self._update()

    def _show_report(self, report: ScoreReport) -> None:
        if report.grid.cells or not self._steps:
            self.results.show_grid(report.grid)
            self.results.show()
        if report.steps and not self._steps:
            self._steps = report.steps
            self._activity.begin(report.steps)
            if not self.test.is_stopping:
                self.status.say("Training critics to tell the sides apart …")
        if report.progress is not None:
            self.progress.show_critics(report.progress)
            self._activity.show(report.progress.step)

    def _show_result(self, result: C2STResult | None) -> None:
        self._end()
        if result is None:
            self.results.hide()
            self.status.say("Stopped before the first critic was trained; there is nothing to tell yet.")
            return
        self._result = result
        self.status.say("Working out how sure this is …")
        self._verdicts.begin("working out verdicts", partial(work_out, result))
        self._update()

    def _show_verdicts(self, verdicts: Verdicts | None) -> None:
        if verdicts is None or self._result is None:
            return
        self.results.show_verdicts(verdicts)
        self.status.say(
            "All done."
            if self._result.is_complete
            else "Stopped. The critics that were trained are kept; Start goes on."
        )

    def _show_failure(self, error: Exception) -> None:
        self._end()
        self._say_failure(error)

    def _say_failure(self, error: Exception) -> None:
        self.status.say(str(error) or type(error).__name__)
        self._update()

    def _end(self) -> None:
        self._activity.end()
        self.progress.hide()
        self._inputs.setEnabled(True)
        self._tell_time()
        self._update()

    def _find_telling(self, row: str, column: str) -> None:
        if self._result is None:
            self.status.say("The most telling cells can be seen once the test has ended, or was stopped.")
            return
        self.status.say(f"Looking for the most telling cells of {row}, {column} …")
        self._telling.begin("finding telling cells", partial(find_telling, self._result, row, column))

    def _add_telling(self, found: tuple[TellingCells, str, str]) -> None:
        telling, row, column = found
        added: list[Image] = []
        for of_side in telling_layers(telling, row, column):
            # One side after the other, so that the second stands beside the first.
            layers = [Image(data, **keywords) for data, keywords, _ in beside(self._viewer.layers, of_side)]
            for layer in layers:
                self._viewer.add_layer(layer)
            added += layers
        look_at(self._viewer, added)
        self.status.say(f"Added the most telling cells of {row}, {column}: a on the left, b on the right.")

    def _ask_export(self) -> None:
        if self._result is not None and (folder := ask_folder(self, "Folder for tables, figures and report")):
            self.status.say(f"Writing into {folder} …")
            self._exporting.begin(f"writing into {folder}", partial(export, self._result, folder))
            self._update()

    def _note_exported(self, folder: Path) -> None:
        self.status.say(f"Tables, figures and report.md are in {folder.name}.", str(folder))
        self._update()

    def _update(self) -> None:
        running = self.test.is_running
        offer(self.start, RUNNING if running else self._problem, TIPS["start"])
        offer_stop(self.stop, (self.test,), TIPS["stop"])
        no_result = "There is no result yet." if self._result is None else None
        writing = "It is being written." if self._exporting.is_running else None
        offer(self.export, (RUNNING if running else None) or no_result or writing, TIPS["export"])
