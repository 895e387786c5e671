"""Chapters: where they begin, how they are named, whose win; and the measures that say how good they are."""

from __future__ import annotations

import json
import resource
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.chapters import measure, true_borders
from bench.segmentation import flags, pk, window_diff
from bench.topic_baselines import text_tiling, tw_finch
from engines.registry import Engines
from ingest.chapters import chapters, listed_chapters
from ingest.segments import segments as cut_into_segments
from reelseek.records import Box, Channel, Chapter, Segment, TimedText, Vector, VideoInfo
from reelseek.setting_groups import IngestSettings
from reelseek.settings import load_settings

TITLE = Box(0.1, 0.1, 0.9, 0.2)
FOOT = Box(0.1, 0.85, 0.5, 0.9)
TOPICS = (
    ("Rivers and lakes", "the river carries water down the valley into the lake"),
    ("Engines", "the piston drives the crankshaft while the valve lets fuel into the cylinder"),
    ("Baking bread", "knead the dough with flour and yeast then bake the loaf in the oven"),
)


def info(duration: float, given: tuple[Chapter, ...] = (), **tags: str) -> VideoInfo:
    return VideoInfo("0" * 32, "t", duration, 640, 360, 25.0, 0, True, True, 0.0, 1, "mp4", chapters=given, tags=tags)


def lecture(screen: bool = True) -> tuple[list[Segment], list[TimedText]]:
    """Three topics of 100 s each in segments of 20 s, with a slide each where wanted."""
    segments: list[Segment] = []
    lines: list[TimedText] = []
    for part, (title, words) in enumerate(TOPICS):
        first = 100.0 * part
        for start in np.arange(first, first + 100.0, 20.0).tolist():
            segments.append(
                Segment(len(segments), start, start + 20.0, speech=words, screen_text=title if screen else "")
            )
            lines.append(TimedText(Channel.SPEECH, start + 1, start + 15, words))
        if screen:
            lines.append(TimedText(Channel.SCREEN_TEXT, first, first + 100.0, title, box=TITLE))
            lines.append(TimedText(Channel.SCREEN_TEXT, first, first + 100.0, "www.example.org", box=FOOT))
    return segments, lines


def test_chapters_begin_where_the_topic_changes_and_are_named_by_the_slide() -> None:
    found = chapters(info(300.0), *lecture())
    assert [(item.start, item.end, item.title) for item in found] == [
        (0.0, 100.0, "Rivers and lakes"),
        (100.0, 200.0, "Engines"),
        (200.0, 300.0, "Baking bread"),
    ]
    assert [item.index for item in found] == [0, 1, 2]


def test_without_screen_text_chapters_are_named_by_phrases_of_their_own() -> None:
    found = chapters(info(300.0), *lecture(screen=False))
    assert [item.start for item in found] == [0.0, 100.0, 200.0]
    owned = ("river valley lake", "piston crankshaft valve fuel cylinder", "dough flour yeast loaf")
    for item, own in zip(found, owned, strict=True):
        words = item.title.lower().replace(",", "").split()
        assert any(word in own for word in words)
        assert not {"the", "while", "into", "with", "then"} & set(words)


def test_a_phrase_is_kept_together_and_small_talk_names_nothing() -> None:
    talk = (
        (
            "um okay so the remote control needs a lithium battery",
            "yeah right the lithium battery of the remote control, you know",
        ),
        ("okay so we uh paint the garden fence in dark green", "yeah the garden fence, I mean, dark green is nice"),
    )
    lines, segments = [], []
    for index in range(20):
        words = talk[index // 10][index % 2]
        lines.append(TimedText(Channel.SPEECH, 15.0 * index, 15.0 * index + 9, words))
        segments.append(Segment(index, 15.0 * index, 15.0 * index + 15, speech=words))
    first, second = chapters(info(300.0), segments, lines)
    assert first.end == second.start == pytest.approx(150.0)
    assert "lithium battery" in first.title.lower()
    assert "remote control" in first.title.lower()
    assert "garden fence" in second.title.lower()
    assert not {"okay", "yeah", "um", "uh", "know", "mean", "nice"} & set(
        f"{first.title} {second.title}".lower().split()
    )


def test_vectors_of_the_lines_decide_where_there_are_some() -> None:
    segments, lines = lecture(screen=False)
    vectors = np.zeros((15, 4), np.float32)
    vectors[:8, 0] = vectors[8:, 1] = 1
    assert [item.start for item in chapters(info(300.0), segments, lines, vectors)] == [0.0, 160.0]


def test_a_silent_video_is_parted_by_what_is_seen() -> None:
    segments = [Segment(i, 12.0 * i, 12.0 * i + 12) for i in range(50)]
    random = np.random.default_rng(2)
    scenes = random.standard_normal((3, 16))
    pictures = scenes[np.repeat([0, 1, 2], [20, 14, 16])] + 0.3 * random.standard_normal((50, 16))
    found = chapters(info(600.0), segments, [], None, pictures.astype(np.float32))
    assert [item.start for item in found] == pytest.approx([0.0, 240.0, 408.0], abs=12.1)
    assert [item.title for item in found] == ["Chapter 1", "Chapter 2", "Chapter 3"]
    still = np.repeat(scenes[:1], 50, axis=0).astype(np.float32)
    assert chapters(info(600.0), segments, [], None, still) == ()


def test_the_containers_chapters_win() -> None:
    own = (Chapter(0, 0.0, 50.0, "Mine", "container"),)
    assert chapters(info(300.0, own, description="0:00 A\n1:00 B\n2:00 C"), *lecture()) == own


def test_a_list_in_the_description_wins_over_what_is_found() -> None:
    told = "My trip.\n\n00:00 - Arrival\n1:10 - The old harbour (with boats)\n02:30: Way home\n\nThanks for watching!"
    found = chapters(info(300.0, description=told), *lecture())
    assert [(item.start, item.end, item.title, item.source) for item in found] == [
        (0.0, 70.0, "Arrival", "description"),
        (70.0, 150.0, "The old harbour (with boats)", "description"),
        (150.0, 300.0, "Way home", "description"),
    ]


@pytest.mark.parametrize(
    "told",
    [
        "Meet me at 10:30 or 11:45, or at 12:15.",
        "0:00 Intro\n1:00 End",
        "0:30 Late start\n1:00 Two\n2:00 Three",
        "0:00 One\n0:05 Too near\n2:00 Three",
        "0:00 One\n2:00 Two\n1:00 Backwards",
        "0:00 One\n1:00 Two\n9:00 Beyond the end",
        "0:00\n1:00\n2:00",
        "",
    ],
)
def test_times_in_a_description_that_are_no_list_of_chapters(told: str) -> None:
    assert listed_chapters({"comment": told}, 300.0) == ()


def test_a_description_without_line_breaks_is_read_too() -> None:
    found = listed_chapters({"COMMENT": "0:00 Intro 1:00:00 The long middle 1:30:00 End"}, 7200.0)
    assert [(item.start, item.title) for item in found] == [
        (0.0, "Intro"),
        (3600.0, "The long middle"),
        (5400.0, "End"),
    ]


def test_one_topic_a_short_clip_or_nothing_known_is_one_piece() -> None:
    same = [Segment(i, 10.0 * i, 10.0 * i + 10, speech="the same words about the same river") for i in range(60)]
    lines = [TimedText(Channel.SPEECH, s.start, s.end, s.speech) for s in same]
    assert chapters(info(600.0), same, lines) == ()
    assert chapters(info(600.0), [Segment(i, 10.0 * i, 10.0 * i + 10) for i in range(60)], []) == ()
    segments, lines = lecture()
    short = [segment for segment in segments if segment.start < 100.0]
    assert chapters(info(100.0), short, lines) == ()
    assert chapters(info(0.0), [], []) == ()


def eight_hours(rng: np.random.Generator) -> tuple[list[Segment], list[TimedText], Vector, list[float]]:
    lines, vectors, borders, time = [], [], [], 0.0
    topics = rng.standard_normal((16, 384)).astype(np.float32)
    for topic in topics:
        borders.append(time)
        while time < borders[-1] + 1800.0 - 4:
            lines.append(TimedText(Channel.SPEECH, time, time + 3.0, "some words that are said here"))
            vectors.append(topic + 2.0 * rng.standard_normal(384).astype(np.float32))
            time += 3.2
        time = borders[-1] + 1800.0
    rows = np.array(vectors, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    segments = [Segment(i, 12.8 * i, 12.8 * i + 12.8, speech="some words that are said here") for i in range(2250)]
    return segments, lines, rows, borders


def test_eight_hours_are_parted_in_bounded_memory() -> None:
    segments, lines, vectors, borders = eight_hours(np.random.default_rng(5))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = chapters(info(28_800.0), segments, lines, vectors)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000  # KiB
    starts = [item.start for item in found]
    hit = [min(abs(start - border) for start in starts) < 60 for border in borders]
    assert sum(hit) >= 12
    assert len(found) <= 24


def units(text: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Segments as in `aaabb`: a new letter begins a new one."""
    return np.array([0] + [int(a != b) for a, b in pairwise(text)])


def test_measures_by_hand() -> None:
    truth = units("aaaabbbb")  # two segments of four: the window is 2, six pairs (i, i + 2)
    assert pk(truth, truth) == window_diff(truth, truth) == 0.0
    # No cut: the pairs (2, 4) and (3, 5) are wrongly together.
    assert pk(truth, units("aaaaaaaa")) == window_diff(truth, units("aaaaaaaa")) == pytest.approx(2 / 6)
    # One late by one: (2, 4) wrongly together, (4, 6) wrongly apart, (3, 5) rightly apart.
    assert pk(truth, units("aaaaabbb")) == window_diff(truth, units("aaaaabbb")) == pytest.approx(2 / 6)
    # The right one and one beside it: Pk sees (4, 6) alone wrong; WindowDiff also (3, 5), which holds two borders.
    assert pk(truth, units("aaaabccc")) == pytest.approx(1 / 6)
    assert window_diff(truth, units("aaaabccc")) == pytest.approx(2 / 6)


def test_borders_become_units_and_topic_ranges_become_borders() -> None:
    assert flags([0.0, 3.4, 9.9], 10.0).tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    ranges = [(50.0, 140.0), (142.0, 500.0), (560.0, 900.0), (5.0, 10.0)]
    assert true_borders(ranges, 1000.0) == [50.0, 142.0, 500.0, 560.0, 900.0]


def test_the_yardsticks_find_what_they_should() -> None:
    texts = [topic for _, topic in TOPICS for _ in range(60)]
    found = text_tiling(texts, [2.0 * index for index in range(180)], 3)
    assert found == pytest.approx([120.0, 240.0], abs=12.0)
    rows = np.repeat(np.eye(3, dtype=np.float32), [4, 6, 5], axis=0)
    labels = tw_finch(rows, list(range(15)), 3)
    assert [labels[i] != labels[i - 1] for i in range(1, 15)] == [i in (4, 10) for i in range(1, 15)]


@pytest.mark.release
def test_real_meetings_are_parted_better_than_by_equal_lengths_and_texttiling(
    shared_data: Path, tmp_path: Path
) -> None:
    figures = measure(load_settings({"data": tmp_path}), "val", folder=shared_data / "bench" / "qmsum_ami")
    ours = figures["methods"]["reelseek"]
    for name in ("TextTiling", "equal lengths, true number", "equal lengths, every 5 min"):
        for measured in ("Pk", "WindowDiff"):
            assert ours[measured] < figures["methods"][name][measured] - 0.05, (name, measured)
    assert 2.0 < ours["segments"] < 8.0


def test_titles_of_a_real_meeting_are_phrases_that_are_said(shared_data: Path, tmp_path: Path) -> None:
    rows = [
        json.loads(line) for line in (shared_data / "bench" / "qmsum_ami" / "corpus.jsonl").open(encoding="utf-8")
        if '"video_id": "ES2002a"' in line
    ]  # fmt: skip
    spoken = [row for row in rows if row["end"] < 600.0]
    lines = [TimedText(Channel.SPEECH, row["start"], row["end"] + 0.01, row["text"]) for row in spoken]
    duration = max(line.end for line in lines)
    segments = cut_into_segments(duration, [], [], lines, IngestSettings())
    with Engines(load_settings({"data": tmp_path})) as engines:
        engine = engines.sentence()
        assert engine is not None
        vectors = engine.encode([line.text for line in lines])
        found = chapters(info(duration), segments, lines, vectors, None, engine.encode)
    assert 2 <= len(found) <= 6
    assert any(abs(item.start - 142.66) < 30 for item in found)  # from introductions to favourite animals
    assert len({item.title for item in found}) == len(found)
    whole = " ".join(line.text for line in lines).casefold()
    for item in found:
        assert all(phrase.casefold() in whole for phrase in item.title.split(", ")), item.title
