"""The committed videos are what the truth file says they are."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import av
import pysubs2
import pytest

from demo.films import FILMS, PRESENT
from demo.make_videos import frame_times, scenery_picture, take_all, truth_of
from demo.script import Scenery
from demo.studio import Look
from tests.support.demo_frames import DEMO, VIDEOS, Range, Truth, frames, load_truth

TRUTH = load_truth()


@pytest.fixture(scope="module")
def durations() -> dict[str, float]:
    """How long each video's pictures go on, from its packets."""
    found = {}
    for film in FILMS:
        with av.open(str(VIDEOS / film.look.name)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
            times = sorted(float(packet.pts * packet.time_base) for packet in packets)
        found[film.look.name] = times[-1] - times[0] + 1 / film.look.fps
    return found


def test_every_moment_lies_inside_its_video(durations: dict[str, float]) -> None:
    for truth in TRUTH:
        for span in (truth.moment, *truth.also_ok):
            assert 0 <= span.start < span.end <= durations[span.video] + 0.05, truth


def test_moments_last_long_enough_to_be_met_by_half() -> None:
    for truth in TRUTH:
        least = 3.5 if truth.kind == "spoken" else 6
        assert truth.moment.end - truth.moment.start >= least, truth


def test_each_kind_is_asked_at_least_five_times_and_no_query_twice() -> None:
    kinds = Counter(truth.kind for truth in TRUTH)
    assert set(kinds) == {"spoken", "written", "seen", "present", "sequence"}
    assert min(kinds.values()) >= 5
    assert max(Counter((truth.kind, truth.query) for truth in TRUTH).values()) == 1


def test_videos_and_models_stay_small() -> None:
    videos = sum(path.stat().st_size for path in VIDEOS.iterdir())
    models = sum(path.stat().st_size for path in (DEMO / "models").rglob("*") if path.is_file())
    assert videos + models < 15_000_000


def test_the_folder_holds_the_scripted_videos_and_their_subtitles_only() -> None:
    expected = {film.look.name for film in FILMS}
    expected |= {f"{Path(f.look.name).stem}.{f.look.subtitles}" for f in FILMS if f.look.subtitles in ("srt", "vtt")}
    assert {path.name for path in VIDEOS.iterdir()} == expected


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.look.name)
def test_a_video_has_the_form_that_its_script_names(film) -> None:  # type: ignore[no-untyped-def]
    look = film.look
    with av.open(str(VIDEOS / look.name)) as container:
        assert bool(container.streams.audio) == any(cut.says for cut in film.cuts)
        assert bool(container.streams.subtitles) == (look.subtitles == "embedded")
    times, shapes = zip(*((time, picture.shape) for time, picture in frames(VIDEOS / look.name, 2.0)), strict=True)
    assert set(shapes) == {(look.size[1], look.size[0], 3)}
    assert times[0] == 0


def test_the_unusual_one_starts_late_is_turned_and_has_uneven_frames() -> None:
    path = VIDEOS / "irregular-phone.mkv"
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        decoded = [(frame.time, frame.rotation, frame.width, frame.height) for frame in container.decode(video=0)]
    gaps = {round(after[0] - before[0], 2) for before, after in pairwise(decoded)}
    assert decoded[0][0] == pytest.approx(1.4, abs=0.01)
    assert all(abs(rotation) == 90 and height > width for _, rotation, width, height in decoded)
    assert len(gaps) >= 4


@pytest.mark.parametrize("name", ["lecture-compost.srt", "portrait-market.vtt", "talk-lighthouse.mkv"])
def test_subtitles_say_what_is_spoken_when_it_is_spoken(name: str) -> None:
    if name.endswith(".mkv"):
        with av.open(str(VIDEOS / name)) as container:
            packets = [packet for packet in container.demux(subtitles=0) if packet.pts is not None]
            lines = [
                (float(p.pts * p.time_base), float((p.pts + p.duration) * p.time_base), bytes(p).decode())
                for p in packets
            ]
    else:
        lines = [(e.start / 1000, e.end / 1000, e.plaintext) for e in pysubs2.load(str(VIDEOS / name))]
    film = next(film for film in FILMS if Path(film.look.name).stem == Path(name).stem)
    assert [text for _, _, text in lines] == [line.text for cut in film.cuts for line in cut.says]
    spoken = {(round(start, 1), round(end, 1)) for start, end, _ in lines}
    asked = [t.moment for t in TRUTH if t.kind == "spoken" and t.moment.video == film.look.name]
    assert asked
    assert all((round(span.start, 1), round(span.end, 1)) in spoken for span in asked)


def test_a_scene_query_is_true_where_the_truth_file_says_and_nowhere_else() -> None:
    """The shots of silent films need no voice, so their times follow from the script alone."""
    silent = [film for film in FILMS if not any(cut.says for cut in film.cuts)]
    rows = {(row["query"], row["kind"]): row for row in truth_of([(film, take_all(film)) for film in silent])}
    names = {film.look.name for film in silent}
    seen = [truth for truth in TRUTH if truth.kind == "seen" and truth.moment.video in names]
    assert len(seen) >= 15
    for truth in seen:
        row = rows[truth.query, "seen"]
        assert truth.moment == Range(row["video"], row["start"], row["end"])


def test_present_queries_name_counts_that_are_drawn() -> None:
    shots = {}
    for film in FILMS:
        for take in take_all(film) if not any(cut.says for cut in film.cuts) else []:
            if isinstance(take.cut.shows, Scenery):
                shots[film.look.name, take.start] = scenery_picture(take.cut.shows, film.look.size).items
    checked = 0
    for truth in (truth for truth in TRUTH if truth.kind == "present"):
        label, least = truth.query.removeprefix("object:").split(">=")
        for span in (truth.moment, *truth.also_ok):
            if (span.video, span.start) in shots:
                assert sum(item.kind == label for item in shots[span.video, span.start]) >= int(least)
                checked += 1
    assert checked >= 5
    assert {t.query for t in TRUTH if t.kind == "present"} == {f"object:{label}>={least}" for label, least in PRESENT}


def test_uneven_frames_cover_the_whole_shot() -> None:
    times = list(frame_times(Look("x.mkv", fps=24, irregular=True), 7.0, 13.5))
    assert times[0] == 7.0
    assert times == sorted(times)
    assert 13.4 < times[-1] < 13.5


def test_the_truth_file_is_plain_json_with_the_documented_fields() -> None:
    rows = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    assert all(set(row) == {"query", "kind", "video", "start", "end", "also_ok"} for row in rows)
    assert all(set(other) == {"video", "start", "end"} for row in rows for other in row["also_ok"])
    assert all(isinstance(truth, Truth) for truth in TRUTH)
