"""The real clips, broken ones among them, through the command line: indexed, named, found."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.context import global_flags
from query.service import QueryService, SearchRequest, open_service
from reelseek.settings import load_settings
from tests.support.command import run_reelseek

BROKEN = {"moviepy_empty_result.webm", "opencast_nostreams.mp4", "exo_vp9_invalid_bitstream.webm"}
"""Clips with nothing in them that could be shown or heard; FFmpeg decodes nothing of the third either."""

FAST = ("--set", "engines.screen_text=rapidocr", "--set", "engines.speech=off")
"""The lighter of two engines on the same weights, and only subtitles for speech; `release` runs what `auto` picks."""


@dataclass(frozen=True)
class Indexed:
    data: Path
    flags: tuple[str, ...]
    report: dict[str, Any]
    exit_code: int


@pytest.fixture(
    scope="module", params=[pytest.param(FAST, id="fast"), pytest.param((), id="auto", marks=pytest.mark.release)]
)
def clips(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    data = tmp_path_factory.mktemp("clips")
    result = run_reelseek(*request.param, "index", str(shared_data / "video"), "--json", data=data, timeout=850)
    assert result.stdout, result.stderr
    return Indexed(data, request.param, json.loads(result.stdout), result.returncode)


def test_every_readable_clip_is_indexed_and_each_broken_one_is_named_with_its_reason(
    clips: Indexed, shared_data: Path
) -> None:
    states = {Path(item["path"]).name: item for item in clips.report["files"]}
    assert set(states) == {path.name for path in (shared_data / "video").iterdir()}
    failed = {name: item["reason"] for name, item in states.items() if item["state"] == "failed"}
    assert set(failed) == BROKEN
    assert all(len(reason) > 10 and "Traceback" not in reason for reason in failed.values()), failed
    assert clips.exit_code == 3


def test_text_that_stands_on_screen_subtitles_and_file_names_are_found(clips: Indexed, shared_data: Path) -> None:
    lines = (shared_data / "video_queries.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["modality"] in {"ocr", "subtitle", "filename"}]
    with open_service(load_settings(global_flags(clips.data, list(clips.flags[1::2])))) as service:
        ranks = {row["query_id"]: rank_of(service, row) for row in rows}
    found = [query for query, rank in ranks.items() if rank is not None and rank <= 3]
    assert len(found) >= 0.85 * len(rows), ranks


def rank_of(service: QueryService, row: dict[str, Any]) -> int | None:
    right = {Path(name).name for name in (row["file"], *row["also_ok"])}
    for rank, moment in enumerate(service.search(SearchRequest(query=row["query"])).moments, start=1):
        if Path(moment.path).name in right:
            return rank
    return None


def test_a_second_index_does_no_work_and_says_so(clips: Indexed, shared_data: Path) -> None:
    result = run_reelseek(*clips.flags, "index", str(shared_data / "video"), data=clips.data)
    assert result.returncode == 3
    assert (
        f"{len(list((shared_data / 'video').iterdir())) - len(BROKEN)} unchanged, {len(BROKEN)} failed" in result.stderr
    )
    assert "  indexed" not in result.stderr


def test_no_heavy_library_is_loaded_to_find_that_nothing_is_to_be_done(clips: Indexed, shared_data: Path) -> None:
    clip = shared_data / "video" / "opencast_av.mov"
    code = (
        "import sys; sys.argv = ['reelseek', '--data', sys.argv[1], *sys.argv[3:], 'index', sys.argv[2]]\n"
        "from cli.commands import app\n"
        "try: app()\nexcept SystemExit as end: print('exit', end.code)\n"
        "print([m for m in ('torch', 'paddle', 'rapidocr', 'onnxruntime', 'pocketsphinx') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(clips.data), str(clip), *clips.flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.splitlines() == ["exit 0", "[]"], result.stderr
