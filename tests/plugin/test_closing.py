"""A training whose dock or viewer is closed ends by itself, with everything saved."""

import subprocess
import sys
import textwrap

import pytest
from napari.utils import progress
from qtpy.QtCore import QThreadPool

from napari_biogans import Run, load_model

from .conftest import TINY, WAIT_MS


def test_closing_the_dock_stops_with_a_checkpoint(viewer, train, run_to, qtbot, tmp_path):
    run_to(2)
    (dock,) = (dock for name, dock in viewer.window._wrapped_dock_widgets.items() if name.startswith("Train"))
    dock.destroyOnClose()
    assert list(progress._all_instances) == []
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    (step,) = Run(tmp_path / "run").checkpoints()
    assert load_model(tmp_path / "run").header.step == step
    viewer.add_image(viewer.layers["Tea1 red"].data, name="what changes now is nothing to it")
    viewer.theme = "light"
    # It can be opened anew.
    _, again = viewer.window.add_plugin_dock_widget("napari-biogans", "Train")
    qtbot.waitUntil(lambda: again.panel is not None, timeout=WAIT_MS)
    assert again.panel.controls.start.isEnabled()


def test_hiding_the_dock_does_not_stop(viewer, train, run_to, qtbot):
    run_to(1)
    (dock,) = (dock for name, dock in viewer.window._wrapped_dock_widgets.items() if name.startswith("Train"))
    dock.close()
    seen = len(train.plot.history)
    qtbot.waitUntil(lambda: len(train.plot.history) > seen + 5, timeout=WAIT_MS)


SCRIPT = """
    import sys
    import napari
    import numpy as np
    from qtpy.QtCore import QTimer
    from qtpy.QtTest import QTest

    viewer = napari.Viewer()
    pixels = np.random.default_rng(0).integers(0, 255, (6, 2, 12, 12), dtype=np.uint8)
    viewer.add_image(pixels[:, 0], name="red")
    viewer.add_image(pixels[:, 1], name="green")
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Train")
    while dock.panel is None:
        QTest.qWait(10)
    panel = dock.panel
    panel.settings.set_values({settings})
    panel.output.line.setText({folder!r})
    panel.controls.start.click()
    while not panel.plot.history:
        QTest.qWait(10)
    {leave}
"""
LEAVE_RUNNING = """
    QTimer.singleShot(0, viewer.close)
    napari.run()
"""
LEAVE_PAUSED_WITHOUT_A_LOOP = """
    panel.controls.pause.click()
    while panel.job.state.name != "PAUSED":
        QTest.qWait(10)
    viewer.close()
"""


@pytest.mark.parametrize("leave", [LEAVE_RUNNING, LEAVE_PAUSED_WITHOUT_A_LOOP], ids=["running", "paused"])
def test_closing_the_viewer_ends_the_process_with_a_checkpoint(tmp_path, leave):
    script = textwrap.dedent(SCRIPT).format(settings=TINY, folder=str(tmp_path / "run"), leave=textwrap.dedent(leave))
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    run = Run(tmp_path / "run")
    (step,) = run.checkpoints()
    assert load_model(run.folder).header.step == step
    assert "saved at step" in run.log_path.read_text()
