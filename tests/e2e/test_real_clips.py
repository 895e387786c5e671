"""The real clips, broken ones among them, through the command line: indexed, named, found."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run_reelseek

BROKEN = {"moviepy_empty_result.webm", "opencast_nostreams.mp4"}
"""Clips with nothing in them that could be shown or heard."""


@dataclass(frozen=True)
class Indexed:
    data: Path
    report: dict[str, Any]
    exit_code: int

    def search(self, query: str, *options: str) -> list[dict[str, Any]]:
        result = run_reelseek("search", query, "--json", *options, data=self.data)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)["moments"]


@pytest.fixture(scope="module")
def clips(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    data = tmp_path_factory.mktemp("clips")
    result = run_reelseek("index", str(shared_data / "video"), "--json", data=data, timeout=850)
    assert result.stdout, result.stderr
    return Indexed(data, json.loads(result.stdout), result.returncode)


def test_every_readable_clip_is_indexed_and_each_broken_one_is_named_with_its_reason(
    clips: Indexed, shared_data: Path
) -> None:
    states = {Path(item["path"]).name: item for item in clips.report["files"]}
    assert set(states) == {path.name for path in (shared_data / "video").iterdir()}
    failed = {name: item["reason"] for name, item in states.items() if item["state"] == "failed"}
    assert set(failed) == BROKEN
    assert all(len(reason) > 10 and "Traceback" not in reason for reason in failed.values()), failed
    assert clips.exit_code == 3


def queries(modalities: set[str]) -> list[Any]:
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "video_queries.jsonl"
    if not path.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the real clips are not on this machine"))]
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [pytest.param(row, id=row["query_id"]) for row in rows if row["modality"] in modalities]


def test_text_that_stands_on_screen_subtitles_and_file_names_are_found(clips: Indexed) -> None:
    rows = [param.values[0] for param in queries({"ocr", "subtitle", "filename"})]
    ranks = {row["query_id"]: rank_of(clips, row) for row in rows}
    found = [query for query, rank in ranks.items() if rank is not None and rank <= 3]
    assert len(found) >= 0.85 * len(rows), ranks


def rank_of(clips: Indexed, row: dict[str, Any]) -> int | None:
    right = {Path(name).name for name in (row["file"], *row["also_ok"])}
    for rank, moment in enumerate(clips.search(row["query"]), start=1):
        if Path(moment["path"]).name in right:
            return rank
    return None


def test_a_second_index_does_no_work_and_says_so(clips: Indexed, shared_data: Path) -> None:
    result = run_reelseek("index", str(shared_data / "video"), data=clips.data)
    assert result.returncode == 3
    assert "59 unchanged, 2 failed" in result.stderr
    assert "indexed" not in result.stderr.replace("59 unchanged, 2 failed", "")


def test_no_heavy_library_is_loaded_to_find_that_nothing_is_to_be_done(clips: Indexed, shared_data: Path) -> None:
    clip = shared_data / "video" / "opencast_av.mov"
    code = (
        "import sys; sys.argv = ['reelseek', '--data', sys.argv[1], 'index', sys.argv[2]]\n"
        "from cli.main import app\n"
        "try: app()\nexcept SystemExit as end: print('exit', end.code)\n"
        "print([m for m in ('torch', 'paddle', 'rapidocr', 'onnxruntime', 'pocketsphinx') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(clips.data), str(clip)], capture_output=True, text=True, check=False
    )
    assert result.stdout.splitlines() == ["exit 0", "[]"], result.stderr
