"""`reelseek tag` and `reelseek remove` as a person at a terminal uses them."""

from __future__ import annotations

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from cli.commands import app
from library.catalogue import open_catalogue
from reelseek.settings import load_settings


def test_videos_are_tagged_and_removed_by_name_and_what_is_watched_stays(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "films"
    folder.mkdir()
    for name in ("old talk.mp4", "watched.mp4"):
        (folder / name).write_bytes(name.encode())
    with open_catalogue(load_settings({"data": data})) as catalogue:
        catalogue.mark_failed(folder / "old talk.mp4", "It is no video.")
        library = catalogue.add_library(folder)
        catalogue.mark_failed(folder / "watched.mp4", "It is no video.", library_id=library.library_id)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--data", str(data), *arguments])

    assert run("tag", "old talk", "Work", "2026").stdout == "old talk: 2026, work\n"
    assert run("tag", "old talk", "--remove", "WORK").stdout == "old talk: 2026\n"
    assert run("remove", "old talk").stdout.startswith("Removed old talk (")
    assert (folder / "old talk.mp4").exists()
    assert "old talk" not in run("videos").stdout
    refused = run("remove", "watched")
    assert "lies in a watched folder" in str(refused.exception)
    assert "watched" in run("videos").stdout
