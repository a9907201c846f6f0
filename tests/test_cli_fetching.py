"""The verb fetch-bbbc013, against a server on this machine."""

import json

from napari_biogans.cli import main


def test_it_prints_where_how_many_and_the_licence(small_bbbc013, tmp_path, capsys):
    assert main(["fetch-bbbc013"]) == 0
    captured = capsys.readouterr()
    assert f"folder             {tmp_path / 'cache' / 'bbbc013'}\n" in captured.out
    assert "fields             3\n" in captured.out
    assert "doses              0, 2, 0\n" in captured.out
    assert "licence            CC BY 3.0" in captured.out
    assert "provided by Ilya Ravkin" in captured.err


def test_it_answers_as_json_from_a_copy_into_a_folder(small_bbbc013, serve, tmp_path, capsys):
    copy = serve(small_bbbc013.files)
    arguments = ["--output", str(tmp_path / "real"), "--base-url", copy.url, "--json"]
    assert main(["fetch-bbbc013", *arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == str(tmp_path / "real")
    assert told["wells"] == ["A02", "A04", "B02"]
    assert told["image_size_pixels"] == [16, 20]
    assert len(copy.asked_for) == 7
    assert small_bbbc013.asked_for == []


def test_a_failure_says_what_to_do(small_bbbc013, capsys):
    small_bbbc013.faults["Channel2-04-A-04.tif"] = 404
    assert main(["fetch-bbbc013"]) == 1
    told = capsys.readouterr().err
    assert "Error: The server has no such file" in told
    assert "by hand" in told
    assert "Traceback" not in told


def test_an_address_that_is_none_is_refused(small_bbbc013, capsys):
    assert main(["fetch-bbbc013", "--base-url", "somewhere"]) == 1
    assert "should begin with http:// or https://" in capsys.readouterr().err
