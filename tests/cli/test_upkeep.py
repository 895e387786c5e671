"""`reelseek reindex`, `gc`, `storage` and `saved` as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from cli.commands import app
from tests.support.media import busy, steady, write_video

OFF = [f"--set=engines.{name}=off" for name in ("visual", "sentence", "speech", "screen_text", "objects")]


def _run(data: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["--data", str(data), *OFF, *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_dry_run_says_what_a_reindex_then_does_and_gc_reclaims_what_it_replaced(tmp_path: Path) -> None:
    cues = [(1.0, 4.0, "The lighthouse keeper counts the ships.")]
    film = write_video(tmp_path / "film.mkv", steady([(6.0, busy(1)), (6.0, busy(2))]), cues=cues)
    data, changed = tmp_path / "data", "--set=ingest.segment_max=6"
    _run(data, "index", str(film))
    assert "Nothing is stale." in _run(data, "reindex", "--dry-run")
    said = _run(data, changed, "reindex", "--dry-run")
    assert "segment_max 30.0 → 6.0" in said
    assert "1 video would be done" in said
    planned = json.loads(_run(data, changed, "reindex", "--dry-run", "--json"))
    runs = {stage["name"] for stage in planned["videos"][0]["stages"] if stage["action"] == "run"}
    assert runs == {"segments", "chapters", "media"}
    assert planned["seconds"] >= 0
    done = json.loads(_run(data, changed, "reindex", "--json"))
    assert {stage["name"] for stage in done["videos"][0]["stages"] if stage["state"] == "done"} == runs
    assert "Nothing is stale." in _run(data, changed, "reindex")
    use = json.loads(_run(data, "storage", "--json"))
    assert use["kinds"]["replaced"] > 0
    assert use["bytes_per_hour"] > use["artefact_bytes"]
    assert "film" in _run(data, "storage")
    none = json.loads(_run(data, "gc", "--json"))
    assert none["kinds"].get("replaced", 0) == 0, "they are kept for some days"
    at_once = "--set=storage.keep_replaced_days=0"
    dry = json.loads(_run(data, at_once, "gc", "--dry-run", "--json"))
    assert dry["kinds"]["replaced"] == use["kinds"]["replaced"]
    assert "were reclaimed" in _run(data, at_once, "gc")
    assert json.loads(_run(data, "storage", "--json"))["kinds"]["replaced"] == 0
    queued = json.loads(_run(data, "reindex", "--queue", "--json"))
    assert len(queued["jobs"]) == 1


def test_a_saved_search_is_kept_shown_and_removed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _run(data, "saved", "add", "ships", 'said:"ships"')
    cues = [(1.0, 4.0, "The lighthouse keeper counts the ships."), (6.0, 8.0, "Nothing else happens.")]
    film = write_video(tmp_path / "film.mkv", steady([(6.0, busy(1)), (6.0, busy(2))]), cues=cues)
    _run(data, "index", str(film))
    assert "ships: 1 new" in _run(data, "saved", "run")
    assert "No video is new" in _run(data, "saved", "run", "ships")
    hits = json.loads(_run(data, "saved", "show", "ships", "--json"))
    assert [hit["title"] for hit in hits] == ["film"]
    assert json.loads(_run(data, "saved", "list", "--json"))[0]["found"] == 1
    _run(data, "saved", "remove", "ships")
    assert json.loads(_run(data, "saved", "list", "--json")) == []
