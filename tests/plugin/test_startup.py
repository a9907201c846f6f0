"""What opening the docks loads, and where."""

import subprocess
import sys

import pytest
from npe2 import PluginManifest

CONTRIBUTIONS = PluginManifest.from_distribution("napari-biogans").contributions

OPEN_ALL = """
import sys, threading

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print("main" if threading.current_thread() is threading.main_thread() else "other", flush=True)

import napari
from qtpy.QtTest import QTest

viewer = napari.Viewer(show=False)
assert "torch" not in sys.modules
sys.meta_path.insert(0, Watch())
for name in sys.argv[1:]:
    _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", name)
    for _ in range(30_000):
        if getattr(dock, "panel", dock) is not None:
            break
        QTest.qWait(10)
    print(f"{name}: {type(getattr(dock, 'panel', dock)).__name__}", flush=True)
    dock.close_down()
viewer.close()
"""


def output_of(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("place", [command.python_name for command in CONTRIBUTIONS.commands])
def test_importing_a_contribution_does_not_load_torch(place):
    module = place.partition(":")[0]
    loaded = output_of(f"import sys, {module}; print(*sys.modules, sep='\\n')")
    assert module in loaded
    assert "torch" not in loaded


@pytest.mark.slow
def test_opening_the_docks_never_loads_torch_in_the_main_thread():
    names = [widget.display_name for widget in CONTRIBUTIONS.widgets]
    told = output_of(OPEN_ALL, *names)
    assert [line.partition(":")[0] for line in told if ":" in line] == names
    assert not [line for line in told if line.endswith(": NoneType")]
    # The docks that need it have loaded it.
    assert [line for line in told if ":" not in line] == ["other"]
