"""Fetching real cells from a server on this machine, and all the ways in which that goes wrong."""

import os
import shutil
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_biogans as biogans
from napari_biogans.cells import bbbc013, downloads

RAW = Path(os.environ.get("BIOGANS_REAL_CELLS") or "no folder").parent / "raw"
IMAGE = "Channel1-04-A-04.tif"
"""The third of the files that are asked for, after one image and the table."""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "bbbc013"


@pytest.fixture
def fetch(small_bbbc013):
    """Fetch without a progress bar."""
    return partial(biogans.fetch_bbbc013, progress=False)


def names(folder):
    """All files of a folder, also those that are hidden."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def check_whole(folder, server):
    """Every file is there as the server has it, with the text beside them and nothing else."""
    assert names(folder) == sorted([*server.files, "SOURCE.txt"])
    assert all((folder / name).read_bytes() == content for name, content in server.files.items())


def fails(fetch, **settings):
    with pytest.raises(biogans.FetchError) as told:
        fetch(**settings)
    return str(told.value)


def test_fields_come_in_the_order_of_wells_with_their_doses(fetch, small_bbbc013, folder):
    fields = fetch()
    check_whole(folder, small_bbbc013)
    assert [(field.well, field.row, field.column, field.dose) for field in fields] == [
        ("A02", "A", 2, 0),
        ("A04", "A", 4, 2),
        ("B02", "B", 2, 0),
    ]
    assert fields.images.shape == (2, 3, 16, 20)
    for place, field in enumerate(fields):
        np.testing.assert_array_equal(fields.images[0, place], tifffile.imread(field.red_path))
        np.testing.assert_array_equal(field.green, tifffile.imread(field.green_path))
    assert fields.wells[1].red_path == folder / "Channel2-04-A-04.tif"
    assert fields.wells[1].green_path == folder / "Channel1-04-A-04.tif"
    assert fields.folder == folder
    assert list(fields.to_frame()["dose"]) == [0, 2, 0]
    assert "3 wells, 2 doses, DNA and FKHR-GFP" in repr(fields)
    to_cut = fields.fields()
    assert [(field.name, field.class_name) for field in to_cut] == [
        ("A02", "dose 00"),
        ("A04", "dose 02"),
        ("B02", "dose 00"),
    ]
    np.testing.assert_array_equal(to_cut[1].red, fields.wells[1].red)
    np.testing.assert_array_equal(to_cut[1].green, fields.wells[1].green)


def test_the_licence_and_the_source_lie_beside_the_files(fetch, folder):
    text = fetch().source
    assert (folder / "SOURCE.txt").read_text() == text
    for known in ("BBBC013v1", "Ilya Ravkin", "Nature Methods 9:637, 2012", "CC BY 3.0", bbbc013.COMMIT):
        assert known in text


def test_the_second_call_asks_for_nothing(fetch, small_bbbc013):
    fetch()
    assert sorted(small_bbbc013.asked_for) == sorted(small_bbbc013.files)
    small_bbbc013.asked_for.clear()
    fetch()
    assert small_bbbc013.asked_for == []


def test_files_that_were_put_there_by_hand_are_taken(fetch, small_bbbc013, tmp_path):
    by_hand = tmp_path / "by hand"
    by_hand.mkdir()
    for name, content in small_bbbc013.files.items():
        (by_hand / name).write_bytes(content)
    assert len(fetch(cache=by_hand)) == 3
    assert small_bbbc013.asked_for == []


@pytest.mark.parametrize("damage", [b"", b"no image at all"])
def test_a_damaged_file_is_noticed_and_fetched_again(fetch, small_bbbc013, folder, damage):
    fetch()
    small_bbbc013.asked_for.clear()
    (folder / IMAGE).write_bytes(damage)
    fetch()
    assert small_bbbc013.asked_for == [IMAGE]
    check_whole(folder, small_bbbc013)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (b"<html>Log in here</html>", "is not the file that is expected"),
        ("dies", "The server broke off in the middle of"),
        (404, "404 Client Error: Not Found for url: http://127"),
        (503, "503 Server Error: Service Unavailable for url: http://127"),
    ],
)
def test_a_server_that_goes_wrong_leaves_whole_files_only_and_the_next_call_goes_on(
    fetch, small_bbbc013, folder, fault, message
):
    small_bbbc013.faults[IMAGE] = fault
    told = fails(fetch)
    assert message in told
    assert small_bbbc013.url + IMAGE in told
    assert f"2 of 7 files are in {folder}, where you may also put the others by hand" in told
    before = small_bbbc013.asked_for[:-1]
    assert names(folder) == sorted(before)
    assert len(before) == 2

    small_bbbc013.faults.clear()
    small_bbbc013.asked_for.clear()
    fetch()
    assert set(small_bbbc013.asked_for) == set(small_bbbc013.files) - set(before)
    check_whole(folder, small_bbbc013)


def test_a_damaged_file_stays_until_there_is_a_better_one(fetch, small_bbbc013, folder):
    fetch()
    (folder / IMAGE).write_bytes(b"damaged")
    small_bbbc013.faults[IMAGE] = "dies"
    assert "6 of 7 files are in" in fails(fetch)
    assert (folder / IMAGE).read_bytes() == b"damaged"
    assert names(folder) == sorted([*small_bbbc013.files, "SOURCE.txt"])


def test_no_network_ends_with_what_to_do(fetch, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = fails(fetch, base_url=f"http://127.0.0.1:{port}/")
    assert "refused" in told
    assert "Look whether there is a network" in told
    assert "HTTPS_PROXY" in told
    assert f"0 of 7 files are in {folder}" in told
    assert names(folder) == []


def test_a_name_that_cannot_be_found_is_no_network(fetch, monkeypatch):
    def find(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", find)
    assert "([Errno -3] Temporary failure in name resolution)" in fails(fetch, base_url="https://files.example/")


def test_a_server_that_says_nothing_is_not_waited_for(fetch, small_bbbc013, folder, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", (0.2, 0.2))
    small_bbbc013.faults[IMAGE] = "silent"
    started = time.monotonic()
    assert "timed out" in fails(fetch)
    assert time.monotonic() - started < 5
    assert len(names(folder)) == 2


def test_nobody_waits_longer_than_seconds():
    assert max(downloads.TIMEOUT) <= 10


def test_it_stops_in_the_middle_of_a_file(fetch, small_bbbc013, folder):
    small_bbbc013.faults[IMAGE] = "endless"
    pieces = 0

    def stop_after_some():
        nonlocal pieces
        pieces += IMAGE in small_bbbc013.asked_for
        return pieces > 5

    with pytest.raises(biogans.FetchStoppedError, match=r"stopped\. 2 of 7 files are in") as told:
        fetch(should_stop=stop_after_some)
    assert str(folder) in str(told.value)
    assert len(names(folder)) == 2


def test_ctrl_c_leaves_whole_files_only(fetch, small_bbbc013, folder):
    def interrupt():
        if IMAGE in small_bbbc013.asked_for:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        fetch(should_stop=interrupt)
    assert len(names(folder)) == 2


def test_how_far_it_is_is_told_and_shown(small_bbbc013, folder, capsys):
    told = []
    fetching = bbbc013.iterate_bbbc013()
    for event in fetching:
        told.append((event.done, event.files, len(names(folder))))
    assert told == [(done, 7, done) for done in range(8)]
    assert list(bbbc013.iterate_bbbc013()) == []

    shutil.rmtree(folder)
    biogans.fetch_bbbc013()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Downloading file" not in captured.err  # pooch's own line for each file


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_others_may_read_the_files(fetch, folder):
    fetch()
    mask = os.umask(0)
    os.umask(mask)
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {oct(0o666 & ~mask)}


def test_a_folder_that_cannot_be_written_to_is_told(fetch, tmp_path):
    (tmp_path / "a file").write_text("in the way")
    told = fails(fetch, cache=tmp_path / "a file" / "cache")
    assert f"Files cannot be kept in {tmp_path / 'a file' / 'cache'}" in told
    assert "BIOGANS_CACHE" in told


def test_a_full_folder_is_told_and_nothing_half_stays(fetch, folder, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "set_usual_mode", full)
    told = fails(fetch)
    assert "No space left on device" in told
    assert "Free some space" in told
    assert names(folder) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read_is_read(fetch, folder):
    fetch()
    (folder / "SOURCE.txt").unlink()
    folder.chmod(0o500)
    try:
        assert len(fetch()) == 3
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("address", ["ftp://files.example/", "/some/folder", ""])
def test_other_addresses_are_refused(fetch, address, folder):
    with pytest.raises(ValueError, match=r"should begin with http:// or https://"):
        fetch(base_url=address)
    assert not folder.exists()


def test_a_copy_elsewhere_can_be_named_with_a_slash_at_its_end_or_without(fetch, small_bbbc013, serve, folder):
    copy = serve(small_bbbc013.files)
    fetch(base_url=copy.url)
    shutil.rmtree(folder)
    fetch(base_url=copy.url.rstrip("/"))
    assert len(copy.asked_for) == 14
    assert small_bbbc013.asked_for == []


def test_nothing_is_imported_for_it_before_it_is_used():
    code = "import sys, napari_biogans.cells; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "napari_biogans.cells.bbbc013" in loaded
    assert not {"pooch", "requests"} & set(loaded)


def test_the_registry_names_a_red_and_a_green_image_of_24_wells():
    lines = [line.split() for line in bbbc013.REGISTRY.read_text().splitlines()]
    assert all(len(known) == 64 and set(known) <= set("0123456789abcdef") for known, _ in lines)
    wells = {channel: {name[9:] for _, name in lines if name.startswith(f"Channel{channel}-")} for channel in (1, 2)}
    assert wells[1] == wells[2]
    assert len(wells[1]) == 24
    assert len(lines) == 49
    assert bbbc013.BASE_URL.startswith("https://raw.githubusercontent.com/CellProfiler/core/9fbb218b0181")


@pytest.mark.skipif(not RAW.is_dir(), reason="there are no raw files of BBBC013 beside BIOGANS_REAL_CELLS")
def test_the_real_files_are_fetched_whole(serve, tmp_path):
    server = serve({path.name: path.read_bytes() for path in RAW.iterdir()})
    fields = biogans.fetch_bbbc013(tmp_path / "cells", base_url=server.url, progress=False)
    check_whole(tmp_path / "cells", server)
    megabytes = sum(map(len, server.files.values())) / 1e6
    assert round(megabytes) == bbbc013.MEGABYTES
    assert fields.images.shape == (2, 24, 640, 640)
    assert fields.images.dtype == np.uint8
    assert [field.well for field in fields] == [f"{row}{column:02}" for row in "ABCD" for column in (2, 4, 5, 6, 7, 11)]
    assert [field.dose for field in fields] == [0, 2, 3, 4, 5, 9] * 4
    cells = biogans.cut_cells(fields.fields()[:6], magnification=1.3, progress=False).cells
    assert cells.class_names == ("dose 00", "dose 02", "dose 03", "dose 04", "dose 05", "dose 09")
    assert min(cells.counts) > 50
    # Nuclei are a small part of each image of DNA; GFP fills whole cells.
    red, green = (np.mean(images > 40) for images in fields.images)
    assert 0.01 < red < green
