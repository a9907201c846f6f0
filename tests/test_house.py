"""What the files around the package promise: they agree with each other, and the scripts do what they say."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

HOUSE = Path(__file__).parent.parent
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["project"]
MANIFEST = Path("src/napari_biogans/napari.yaml")
NO_SHELL = pytest.mark.skipif(os.name == "nt", reason="the scripts are for shells of Linux and macOS")


def requirements(extra=None):
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return {requirement.name.lower(): requirement for requirement in map(Requirement, lines)}


def constraints():
    lines = (HOUSE / "tests/constraints.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_manifest_at_the_top_is_a_link_into_the_package():
    link = HOUSE / "napari.yaml"
    # git writes a link as a file with the path in it where the system has no links
    target = link.readlink() if link.is_symlink() else Path(link.read_text("utf-8").strip())
    assert target == MANIFEST
    assert (HOUSE / target).is_file()


def test_installed_package_holds_the_manifest_that_its_entry_point_names():
    (point,) = (p for p in entry_points(group="napari.manifest") if p.name == "napari-biogans")
    package, _, name = point.value.partition(":")
    manifest = yaml.safe_load(files(package).joinpath(name).read_text("utf-8"))
    assert manifest["name"] == "napari-biogans"


def test_versions_agree():
    citation = yaml.safe_load((HOUSE / "CITATION.cff").read_text("utf-8"))
    headings = re.findall(r"^## \[([\d.]+)\]", (HOUSE / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert version("napari-biogans") == PROJECT["version"] == citation["version"] == headings[0]


def test_base_install_brings_neither_napari_nor_qt_and_pins_nothing():
    base = requirements()
    assert not base.keys() & {"napari", "pyqt5", "pyqt6", "pyside2", "pyside6"}
    exact = {"==", "===", "~=", "<", "<="}
    for requirement in base.values():
        assert not requirement.extras, requirement
        assert not exact & {specifier.operator for specifier in requirement.specifier}, requirement
    assert requirements("all")["napari"].extras == {"all"}


def test_torch_of_the_tests_is_one_that_users_may_have():
    assert constraints()["torch"] in requirements()["torch"].specifier


def test_ruff_is_the_same_before_a_commit_and_in_lint():
    hooks = yaml.safe_load((HOUSE / ".pre-commit-config.yaml").read_text("utf-8"))
    (rev,) = (repo["rev"] for repo in hooks["repos"] if repo["repo"].endswith("/ruff-pre-commit"))
    assert rev == "v" + constraints()["ruff"]


def test_every_python_that_is_named_is_tested():
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    workflow = yaml.safe_load((HOUSE / ".github/workflows/test.yml").read_text("utf-8"))
    factors = re.search(r"py\{([\d,]+)\}", (HOUSE / "tox.ini").read_text("utf-8")).group(1)
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    assert [f"{number[0]}.{number[1:]}" for number in factors.split(",")] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


@NO_SHELL
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_help_lists_the_commands():
    shown = subprocess.run(["make", "help"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    commands = ["help", "demo", "test", "lint", "docs", "screenshots", "clean"]
    assert re.findall(r"^  make (\w+)", shown, re.MULTILINE) == commands


# -- tools/find-python.sh


def find_python(*arguments):
    return subprocess.run(
        ["sh", "tools/find-python.sh", *arguments], cwd=HOUSE, capture_output=True, text=True, check=False
    )


@NO_SHELL
def test_find_python_takes_the_one_that_is_named(tmp_path):
    named = tmp_path / "a folder" / "python"
    named.parent.mkdir()
    named.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    named.chmod(0o755)
    found = find_python(str(named))
    assert (found.returncode, found.stdout.strip()) == (0, str(named))


@NO_SHELL
def test_find_python_refuses_an_old_one_and_says_what_to_do(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # what the question for 3.11 is answered with by an older one
    old.chmod(0o755)
    found = find_python(str(old))
    assert found.returncode == 1
    assert found.stdout == ""
    assert "Python 3.11 or newer is needed" in found.stderr
    assert str(old) in found.stderr


# -- tools/system-libraries.sh, in a system made of scripts


@pytest.fixture
def system(tmp_path):
    """A function that runs the script among commands that answer as told."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("sh", "cat", "tr"):
        (commands / name).symlink_to(shutil.which(name))

    def run(*arguments, answers):
        for name, script in answers.items():
            command = commands / name
            command.write_text(f"#!/bin/sh\n{script}\n")
            command.chmod(0o755)
        return subprocess.run(
            [shutil.which("sh"), "tools/system-libraries.sh", *arguments],
            cwd=HOUSE,
            env={"PATH": str(commands)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


ALL_LIBRARIES = re.findall(r"^(lib\S+\.so\.\d+) +lib", (HOUSE / "tools/system-libraries.sh").read_text("utf-8"), re.M)
COMPLETE = {
    "uname": "echo Linux",
    "Xvfb": "",
    "find": "echo /usr/lib/dri/swrast_dri.so",
    "ldconfig": "echo '" + "\n".join(f"\t{name} (libc6,x86-64) => /usr/lib/{name}" for name in ALL_LIBRARIES) + "'",
    "id": "echo 0",
    "apt-get": 'echo "apt-get $*" >&2',
}
WITHOUT_TWO = {"find": "", "ldconfig": "echo '" + "\n".join(f"\t{n} (libc6)" for n in ALL_LIBRARIES[1:]) + "'"}


@NO_SHELL
@pytest.mark.parametrize("changes", [{}, {"uname": "echo Darwin", **WITHOUT_TWO}], ids=["Linux", "macOS"])
def test_nothing_is_done_where_nothing_is_missing(system, changes):
    ran = system("display", answers=COMPLETE | changes)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@NO_SHELL
def test_root_gets_what_is_missing_and_no_more(system):
    ran = system("display", answers=COMPLETE | WITHOUT_TWO)
    assert ran.returncode == 0
    update, install = ran.stderr.splitlines()
    assert update.startswith("apt-get update")
    assert install.startswith("apt-get install")
    assert install.endswith(" libgl1-mesa-dri libgl1")


@NO_SHELL
def test_others_are_told_what_to_install(system):
    ran = system("display", answers=COMPLETE | WITHOUT_TWO | {"id": "echo 1000"})
    assert ran.returncode == 1
    assert "sudo apt-get install --no-install-recommends libgl1-mesa-dri libgl1\n" in ran.stderr
    assert "apt-get update\n" not in ran.stderr


@NO_SHELL
def test_systems_without_apt_are_told_the_names(system):
    without_apt = {name: script for name, script in COMPLETE.items() if name != "apt-get"}
    ran = system("display", answers=without_apt | WITHOUT_TWO)
    assert ran.returncode == 1
    assert "This system lacks (by their names in Debian): libgl1-mesa-dri libgl1\n" in ran.stderr


@NO_SHELL
def test_a_python_of_debian_without_venv_gets_its_package(system):
    python = "case $2 in *ensurepip*) exit 1 ;; *) echo python3.12-venv ;; esac"
    ran = system("venv", "python3.12", answers=COMPLETE | {"python3.12": python})
    assert ran.returncode == 0
    assert ran.stderr.splitlines()[-1].endswith(" python3.12-venv")


@NO_SHELL
def test_everything_that_is_missing_is_asked_for_at_once(system):
    python = "case $2 in *ensurepip*) exit 1 ;; *) echo python3.12-venv ;; esac"
    answers = COMPLETE | WITHOUT_TWO | {"python3.12": python, "id": "echo 1000"}
    ran = system("venv", "python3.12", "display", answers=answers)
    assert ran.returncode == 1
    assert ran.stderr.endswith("--no-install-recommends python3.12-venv libgl1-mesa-dri libgl1\n")


@NO_SHELL
def test_a_failed_installation_stops_with_a_reason(system):
    ran = system("display", answers=COMPLETE | WITHOUT_TWO | {"apt-get": "exit 100"})
    assert ran.returncode == 1
    assert "could not install libgl1-mesa-dri libgl1" in ran.stderr
