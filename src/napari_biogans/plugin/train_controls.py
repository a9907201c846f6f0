"""The buttons of a training, and the line that says what happens."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_biogans.plugin import session
from napari_biogans.plugin.known_paths import KnownPaths
from napari_biogans.plugin.offering import offer
from napari_biogans.plugin.status_line import StatusLine
from napari_biogans.plugin.training_job import State

TIPS = {
    "start": "Train with these settings; losses and samples are shown meanwhile",
    "pause": "Hold the training after the step that it is at",
    "resume": "Let the training go on",
    "stop": "Finish the step, save everything, and end; the run can be resumed",
    "withdraw": "Leave the queue; nothing is begun",
    "resume_run": "Choose the folder of a run that was stopped, to go on with it",
    "known_runs": "Runs of this session, to go on with one",
}
RUNNING = "A training is running already."
NOT_YET = "The training has not begun yet."
NO_STOP = {
    State.IDLE: "No training is under way.",
    State.STOPPING: "The training is being stopped already.",
}
NO_PAUSE = {**NO_STOP, State.WAITING: NOT_YET, State.PREPARING: NOT_YET}
"""Why Pause and Stop cannot be pressed; in other states they can."""


class TrainControls(QWidget):
    """Start, Pause, Stop and Resume a run, each only while it makes sense."""

    start_asked = Signal()
    pause_asked = Signal()
    resume_asked = Signal()
    stop_asked = Signal()
    run_asked = Signal()
    run_picked = Signal(object)
    """A run of this session is to be resumed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = State.IDLE
        self._problem: str | None = None
        self.start = QPushButton("Start")
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop")
        self.resume_run = QPushButton("Resume a run…")
        self.known_runs = KnownPaths(TIPS["known_runs"], lambda: session.SESSION.runs)
        self.status = StatusLine()
        self.start.clicked.connect(self.start_asked)
        self.pause.clicked.connect(self._toggle_pause)
        self.stop.clicked.connect(self.stop_asked)
        self.resume_run.clicked.connect(self.run_asked)
        self.known_runs.picked.connect(self.run_picked)
        buttons = QHBoxLayout()
        for button in (self.start, self.pause, self.stop, self.resume_run, self.known_runs):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.status)
        self._update()

    def show_state(self, state: State) -> None:
        """Enable what makes sense now."""
        self._state = state
        self._update()

    def show_problem(self, problem: str | None) -> None:
        """Keep the training from being started while something is wrong.

        Parameters
        ----------
        problem : str, optional
            What to do about it; None if all is well.
        """
        self._problem = problem
        self._update()

    def name_start(self, text: str) -> None:
        """Call the first button something else, such as "Resume"."""
        self.start.setText(text)

    def _toggle_pause(self) -> None:
        if self._state is State.RUNNING:
            self.pause_asked.emit()
        else:
            self.resume_asked.emit()

    def _update(self) -> None:
        idle = self._state is State.IDLE
        is_held = self._state in (State.PAUSING, State.PAUSED)
        offer(self.start, self._problem if idle else RUNNING, TIPS["start"])
        self.pause.setText("Continue" if is_held else "Pause")
        offer(self.pause, NO_PAUSE.get(self._state), TIPS["resume" if is_held else "pause"])
        offer(self.stop, NO_STOP.get(self._state), TIPS["withdraw" if self._state is State.WAITING else "stop"])
        for name, button in (("resume_run", self.resume_run), ("known_runs", self.known_runs)):
            offer(button, None if idle else RUNNING, TIPS[name])
