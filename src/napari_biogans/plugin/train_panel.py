"""What the dock Train shows: cells, settings, buttons, progress and losses.

This imports torch, which takes seconds: import it when that is done.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QGroupBox, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.models import ARCHITECTURES
from napari_biogans.plugin.cells_box import CellsBox
from napari_biogans.plugin.class_names import listed
from napari_biogans.plugin.jobs import WITHDRAWN, device_name
from napari_biogans.plugin.loss_plot import LossPlot
from napari_biogans.plugin.panel_layout import lay_out_panel
from napari_biogans.plugin.path_edit import PathEdit, ask_folder
from napari_biogans.plugin.progress_view import ActivityBar, ProgressView
from napari_biogans.plugin.remembered_paths import CellsFolder, RunsFolder
from napari_biogans.plugin.remembering import Editors, remember
from napari_biogans.plugin.reports import Outcome, Report
from napari_biogans.plugin.run_banner import RunBanner
from napari_biogans.plugin.sample_layers import SampleLayers
from napari_biogans.plugin.session import SESSION, note_model
from napari_biogans.plugin.setting_relevance import (
    classes_matter,
    irrelevant_settings,
    settings_to_train,
    starting_problem,
)
from napari_biogans.plugin.setting_titles import by_title
from napari_biogans.plugin.train_controls import TrainControls
from napari_biogans.plugin.training_form import TrainingForm
from napari_biogans.plugin.training_job import State, TrainingJob
from napari_biogans.plugin.training_work import CellsChoice, NewRun, ResumedRun, RunFacts, look_at_run
from napari_biogans.plugin.workers import Worker, make_worker
from napari_biogans.training import TrainingConfig, TrainingError, make_config
from napari_biogans.training.presets import PRESETS

FIXED = "(A resumed run keeps this.)"
STATE_TEXTS = {
    State.PREPARING: "Reading the cells and building the networks …",
    State.PAUSING: "Pausing after this step …",
    State.PAUSED: "Paused.",
    State.STOPPING: "Stopping: finishing the step and saving everything …",
}


class TrainPanel(QWidget):
    """Takes the settings of a training, and shows how it goes.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = TrainingJob()
        self.cells = CellsBox(viewer)
        meanings = {"architecture": {name: known.summary for name, known in ARCHITECTURES.items()}}
        self.settings = TrainingForm(TrainingConfig, PRESETS, meanings)
        self.output = PathEdit("Folder for the run", start=lambda: self._parent.folder)
        self.banner = RunBanner()
        self.controls = TrainControls()
        self.progress = ProgressView()
        self.plot = LossPlot(viewer)
        self._samples = SampleLayers(viewer)
        self._activity = ActivityBar("Training", self)
        self._running_text = ""
        self._running_details = ""
        self._run_reader: Worker | None = None
        self._last_run: Path | None = None
        self._lay_out()
        self._connect()
        self._parent = RunsFolder(self.output)
        self._memories = (
            remember(self.settings, "train"),
            remember(Editors({"cells": CellsFolder(self.cells), "runs": self._parent}, self), "train: folders"),
        )
        self._check()

    def close_down(self) -> None:
        """Stop a running training, with everything saved, and leave the viewer alone."""
        self.job.abandon()
        self._activity.end()
        self.cells.disconnect_all()
        self.plot.disconnect_all()

    def _lay_out(self) -> None:
        cells_group = QGroupBox("Cells")
        QVBoxLayout(cells_group).addWidget(self.cells)
        settings_group = QGroupBox("Settings")
        QVBoxLayout(settings_group).addWidget(self.settings)
        self.output.setToolTip("Settings, losses, samples, checkpoints and the model are written here.")
        self.settings.add_row("Output", self.output)
        inputs = QWidget()
        inputs_layout = QVBoxLayout(inputs)
        inputs_layout.setContentsMargins(0, 0, 0, 0)
        inputs_layout.addWidget(cells_group)
        inputs_layout.addWidget(settings_group)
        inputs_layout.addStretch()
        self._inputs = inputs
        lay_out_panel(self, inputs, (self.banner, self.controls), (self.progress, self.plot), main=self.controls.start)

    def _connect(self) -> None:
        self.cells.changed.connect(self._check)
        self.settings.edited.connect(self._check)
        self.output.edited.connect(self._check)
        self.banner.dismissed.connect(partial(self._prepare_resuming, None))
        self.controls.start_asked.connect(self._start)
        self.controls.pause_asked.connect(self.job.pause)
        self.controls.resume_asked.connect(self.job.resume)
        self.controls.stop_asked.connect(self.job.stop)
        self.controls.run_asked.connect(self._ask_run)
        self.controls.run_picked.connect(self.look_at)
        self.job.state_changed.connect(self._follow_state)
        self.job.reported.connect(self._show_report)
        self.job.completed.connect(self._show_outcome)
        self.job.failed.connect(self._show_failure)
        self.job.withdrawn.connect(self._note_withdrawn)
        self.destroyed.connect(self.job.abandon)

    def _check(self) -> None:
        """Say what is missing or wrong, as long as nothing runs."""
        problem: str | None = None
        values = self.settings.values()
        self.cells.ask_for_classes(classes_matter(values))
        if self.banner.facts is None:
            self.settings.set_fixed(irrelevant_settings(values))
        try:
            with by_title(TrainingError, self.settings.titles):
                config = make_config(**values)
            if self.banner.facts is None:
                problem = starting_problem(values)
                self.cells.choice()
            elif self.banner.facts.step >= config.steps:
                problem = f"This run is at step {self.banner.facts.step:,} already; give more steps to go on."
        except (CellsError, TrainingError) as error:
            problem = str(error)
        self.controls.show_problem(problem)
        if self.job.state is State.IDLE:
            ready = "Ready." if self.banner.facts is None else "Ready to go on."
            self.controls.status.say(problem or ready)

    def _start(self) -> None:
        values = self.settings.values()
        request: NewRun | ResumedRun
        if self.banner.facts is None:
            folder = self.output.path() or self._parent.folder / _run_name(values)
            request = NewRun(self.cells.choice(), folder, settings_to_train(values))
        else:
            changes = {name: values[name] for name in self.banner.facts.resumable}
            request = ResumedRun(self.banner.facts.folder, self._chosen_cells(), changes)
        self._last_run = request.folder
        self._prepare_resuming(None)
        self.job.begin(request, device_name(values["device"]))

    def _chosen_cells(self) -> CellsChoice | None:
        """Cells for a run that does not find its own; it says so itself if there are none."""
        try:
            return self.cells.choice()
        except CellsError:
            return None

    def _ask_run(self) -> None:
        if folder := ask_folder(self, "Folder of a run", self._last_run):
            self.look_at(folder)

    def look_at(self, folder: Path) -> None:
        """Get ready to resume the run in a folder.

        Parameters
        ----------
        folder : pathlib.Path
        """
        self._run_reader = make_worker(f"reading the run in {folder}", partial(look_at_run, folder))
        self._run_reader.returned.connect(self._prepare_resuming)
        self._run_reader.start()

    def _prepare_resuming(self, facts: RunFacts | None) -> None:
        if self.job.state is not State.IDLE:
            return
        for memory in self._memories:
            memory.hold(facts is not None)  # what is shown is of the run
        self.banner.show_run(facts)
        self.controls.name_start("Start" if facts is None else "Resume")
        self.output.setEnabled(facts is None)
        if facts is not None:
            note_model(facts.folder)
            fixed = self.settings.values().keys() - facts.resumable
            self.settings.set_fixed(dict.fromkeys(fixed, FIXED), presets=False)
            self.settings.set_values({name: getattr(facts.config, name) for name in self.settings.values()})
        self._check()

    def _follow_state(self, state: State) -> None:
        self._inputs.setEnabled(state is State.IDLE)
        self.controls.show_state(state)
        if state is State.PREPARING:
            self.plot.clear()
            self.plot.show()
            self.progress.show()
            self.progress.show_busy()
        if state is State.RUNNING:
            self.controls.status.say(self._running_text, self._running_details)
        elif state is State.WAITING:
            self.controls.status.say(self.job.place)
        elif state is not State.IDLE:
            self.controls.status.say(STATE_TEXTS[state])

    def _show_report(self, report: Report) -> None:
        if report.preparing is not None:
            self.progress.show_preparing(report.preparing)
            return
        if report.started is not None:
            started = report.started
            self._samples.begin(started.pixel_size)
            self._running_text = f"Training on {started.device} in {started.precision} with {started.cells:,} cells."
            if len(started.class_names) > 1:
                self._running_text += f" Rows of the samples are {listed(started.class_names)}."
            self._running_details = f"{started.folder}\n{', '.join(started.class_names)}"
            self.controls.status.say(self._running_text, self._running_details)
            self._activity.begin(started.steps, started.step)
        if report.samples is not None:
            self._samples.show(report.samples)
        if report.saved is not None:
            SESSION.add_model(report.saved.model.parent)
        self.plot.append(report.metrics)
        self.plot.append_spreads(report.spreads)
        self.progress.show_report(report)
        self._activity.show(report.step)

    def _show_outcome(self, outcome: Outcome) -> None:
        self._activity.end()
        if not outcome.step:
            self.progress.show_idle()
            self.controls.status.say("Stopped before the first step; there is nothing to keep.")
            return
        self.progress.show_outcome(outcome)
        if outcome.is_complete:
            text = f"All {outcome.steps:,} steps done. The model is in {outcome.folder.name}."
        else:
            text = f"Stopped at step {outcome.step:,} of {outcome.steps:,}. All is saved in {outcome.folder.name}."
        self.controls.status.say(text, str(outcome.folder))

    def _note_withdrawn(self, request: NewRun | ResumedRun) -> None:
        self.controls.status.say(WITHDRAWN)
        if isinstance(request, ResumedRun):
            self.look_at(request.folder)

    def _show_failure(self, error: Exception) -> None:
        self._activity.end()
        self.progress.show_idle()
        self.controls.status.say(str(error) or type(error).__name__)


def _run_name(values: dict[str, Any]) -> str:
    start = values["start_from"]
    word = values["architecture"] if start is None else f"from-{Path(start).stem}"
    return f"{datetime.now():%Y-%m-%d-%H%M%S}-{word}"
