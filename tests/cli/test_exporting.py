"""`reelseek export` as a person calls it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import av
import opentimelineio as otio
import pysubs2
import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.commands import app
from reelseek.errors import InvalidRequest, MediaError, NotFound
from tests.support.media import busy, steady, write_video

OFF = [f"--set=engines.{name}=off" for name in ("visual", "sentence", "speech", "screen_text", "objects")]
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the command over two films that are indexed."""
    folder = tmp_path_factory.mktemp("export")
    cues = [(1.0, 4.0, "The lighthouse keeper counts the ships."), (6.0, 8.0, "Nothing else happens.")]
    chapters = [(0.0, 6.0, "Ships"), (6.0, 12.0, "Calm")]
    scenes = [(6.0, busy(1)), (6.0, busy(2))]
    films = [
        write_video(folder / "harbour.mkv", steady(scenes), cues=cues, chapters=chapters),
        write_video(folder / "harbour at night.mp4", steady([(4.0, busy(3, 160, 90))])),
    ]

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--data", str(folder / "data"), *OFF, *arguments])

    done = invoke("index", *map(str, films))
    assert done.exit_code == 0, done.output
    return invoke


def told(result: Result) -> str:
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_captions_and_chapters_go_to_standard_output_or_a_file(run: Run, tmp_path: Path) -> None:
    srt = told(run("export", "captions", "harbour.mkv", "--format", "srt"))
    assert [event.start for event in pysubs2.SSAFile.from_string(srt, "srt")] == [1000, 6000]
    target = tmp_path / "new" / "chapters.txt"
    told(run("export", "chapters", "harbour.mkv", "--format", "ffmetadata", "-o", str(target)))
    assert "title=Calm" in target.read_text()
    ambiguous = run("export", "captions", "harbour")
    assert isinstance(ambiguous.exception, InvalidRequest)
    assert "Several videos" in str(ambiguous.exception)
    assert isinstance(run("export", "captions", "zeppelin").exception, NotFound)


def test_moments_of_a_search_and_of_ranges(run: Run, tmp_path: Path) -> None:
    found = json.loads(told(run("export", "moments", "lighthouse keeper")))
    assert found["title"] == "lighthouse keeper"
    moment = found["moments"][0]
    assert moment["text"].startswith("The lighthouse keeper")
    assert moment["link"].startswith(f"http://127.0.0.1:8700/videos/{moment['video_id']}?t=1&end=")
    ranges = ["--range", "harbour.mkv@0:02-0:05", "--range", "at night@1-2.5"]
    (first, second) = csv.DictReader(io.StringIO(told(run("export", "moments", *ranges, "--format", "csv"))))
    assert (first["start"], first["end"], second["duration"]) == ("2.0", "5.0", "1.5")
    target = tmp_path / "reel.otio"
    told(run("export", "moments", *ranges, "--format", "otio", "-o", str(target)))
    clips = list(otio.adapters.read_from_file(str(target)).find_clips())
    assert [clip.source_range.start_time.to_seconds() for clip in clips] == pytest.approx([2.0, 1.0], abs=0.05)
    for wrong in ([], ["x", "--saved", "y"], ["--range", "harbour"], ["--range", "harbour.mkv@90-95"]):
        assert isinstance(run("export", "moments", *wrong).exception, InvalidRequest), wrong


def test_a_clip_and_a_reel_are_cut(run: Run, tmp_path: Path) -> None:
    clip, reel = tmp_path / "clip.mp4", tmp_path / "reel.mp4"
    told(run("export", "clip", "harbour.mkv", "0:05", "7.5", "-o", str(clip)))
    with av.open(str(clip)) as container:
        assert float(container.streams.video[0].duration * container.streams.video[0].time_base) == pytest.approx(
            2.5, abs=0.05
        )
    ranges = ["--range", "harbour.mkv@2-3", "--range", "at night@1-2.5"]
    told(run("export", "reel", *ranges, "-o", str(reel), "--title", "Both", "--height", "90"))
    with av.open(str(reel)) as container:
        assert container.metadata["title"] == "Both"
        assert [mark["metadata"]["title"] for mark in container.chapters()] == ["harbour", "harbour at night"]
        assert container.streams.video[0].height == 90
    told(run("export", "reel", "lighthouse keeper", "-o", str(reel)))
    assert isinstance(
        run("export", "clip", "harbour.mkv", "1", "2", "-o", str(tmp_path / "x.avi")).exception, InvalidRequest
    )
    mixed = run("export", "reel", *ranges, "--copy", "-o", str(reel))
    assert isinstance(mixed.exception, InvalidRequest | MediaError)
    before = reel.read_bytes()
    assert isinstance(run("export", "reel", "zebra stampede", "-o", str(reel)).exception, InvalidRequest)
    assert reel.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "reel.mp4"]
