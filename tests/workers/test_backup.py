"""A backup is taken while the library is used, and serves as a data folder when the library is lost."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from typer.testing import CliRunner, Result

from cli.commands import app
from tests.support.media import busy, steady, write_video

OFF = [f"--set=engines.{name}=off" for name in ("visual", "sentence", "speech", "screen_text", "objects")]


def _try(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--data", str(data), *OFF, *arguments])


def _run(data: Path, *arguments: str) -> str:
    result = _try(data, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def _film(folder: Path, name: str, said: str) -> Path:
    return write_video(folder / name, steady([(4.0, busy(1))]), cues=[(1.0, 3.0, said)])


def test_a_lost_library_is_searched_from_its_backup_without_its_videos(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    film = _film(tmp_path, "film.mkv", "The lighthouse keeper counts the ships.")
    _run(data, "index", str(film))
    (data / "uploads").mkdir()
    shutil.copy(film, data / "uploads" / "kept.mkv")
    first = json.loads(_run(data, "backup", str(copy), "--json"))
    assert (first["unchanged"], first["notes"]) == (0, [])
    film.unlink()
    shutil.rmtree(data)
    copy.rename(data)
    _run(data, "index", "--rebuild")
    moments = json.loads(_run(data, "search", "lighthouse", "--json"))["moments"]
    assert [round(moment["start"]) for moment in moments] == [1]
    assert (data / "uploads" / "kept.mkv").stat().st_size > 0


def test_a_second_backup_takes_what_is_new_and_what_was_cut_off(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    _run(data, "index", str(_film(tmp_path, "one.mkv", "The lighthouse keeper counts the ships.")))
    first = json.loads(_run(data, "backup", str(copy), "--json"))
    torn = max((copy / "artefacts").rglob("*.jpg"), key=lambda path: path.stat().st_size)
    whole = torn.read_bytes()
    os.truncate(torn, 10)
    _run(data, "index", str(_film(tmp_path, "two.mkv", "A gull sits on the harbour wall.")))
    second = json.loads(_run(data, "backup", str(copy), "--json"))
    assert torn.read_bytes() == whole
    assert second["unchanged"] == first["files"] - 2, "all but the catalogue and the torn picture lay there"
    titles = {video["title"] for video in json.loads(_run(copy, "videos", "--json"))}
    assert titles == {"one", "two"}


def test_parts_can_be_left_out_and_a_backup_never_lies_in_its_library(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    _run(data, "index", str(_film(tmp_path, "one.mkv", "The lighthouse keeper counts the ships.")))
    assert "were copied" in _run(data, "backup", str(copy), "--skip", "artefacts", "--skip", "live")
    assert sorted(path.name for path in copy.iterdir()) == ["catalogue.sqlite3"]
    for inside in (data, data / "copy", tmp_path):
        refused = _try(data, "backup", str(inside))
        assert refused.exit_code != 0
        assert "lie inside each other" in str(refused.exception)
    assert not (data / "copy").exists()
