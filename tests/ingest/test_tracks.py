"""Readings and detections on keyframes joined over time, and chapters made of what was found."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.chapters import chapters
from ingest.screen_text import alike, readable, tracks
from reelseek.records import Box, Channel, Chapter, Frame, Segment, TextBox, TimedText, VideoInfo

TITLE = Box(0.1, 0.1, 0.9, 0.2)
FOOT = Box(0.1, 0.85, 0.5, 0.9)


def frames_at(*times: float, end: float) -> list[Frame]:
    return [Frame(i, t, e, 0, f"{i}.jpg") for i, (t, e) in enumerate(zip(times, [*times[1:], end], strict=True))]


def text(words: str, box: Box = TITLE, confidence: float = 0.9) -> TextBox:
    return TextBox(words, confidence, box)


def spans(lines: tuple[TimedText, ...]) -> list[tuple[str, float, float]]:
    return [(line.text, line.start, line.end) for line in lines]


def test_a_text_is_one_line_from_its_first_to_its_last_showing() -> None:
    frames = frames_at(0.0, 12.0, 20.0, 31.5, end=40.0)
    read = [(), (text("Budget 2026"),), (text("Budget 2026"), text("page two", FOOT)), ()]
    lines = tracks(frames, read, "reader:x")
    assert spans(lines) == [("Budget 2026", 12.0, 31.5), ("page two", 20.0, 31.5)]
    assert {line.source for line in lines} == {"reader:x"}
    assert lines[0].channel == Channel.SCREEN_TEXT


def test_a_second_showing_is_a_second_line() -> None:
    frames = frames_at(0.0, 5.0, 15.0, end=20.0)
    assert spans(tracks(frames, [(text("Agenda"),), (), (text("Agenda"),)], "r")) == [
        ("Agenda", 0.0, 5.0),
        ("Agenda", 15.0, 20.0),
    ]


def test_a_blink_does_not_part_a_showing() -> None:
    frames = frames_at(0.0, 5.0, 5.6, end=10.0)
    assert spans(tracks(frames, [(text("Agenda"),), (), (text("Agenda"),)], "r")) == [("Agenda", 0.0, 10.0)]


def test_misread_letters_are_the_same_text_and_the_surest_reading_wins() -> None:
    frames = frames_at(0.0, 2.0, 4.0, end=6.0)
    read = [(text("Photosynthesls", confidence=0.6),), (text("Photosynthesis"),), (text("Photosynthesis"),)]
    assert spans(tracks(frames, read, "r")) == [("Photosynthesis", 0.0, 6.0)]


def test_another_number_is_another_text() -> None:
    frames = frames_at(0.0, 2.0, end=4.0)
    assert len(tracks(frames, [(text("Slide 3 of 9"),), (text("Slide 4 of 9"),)], "r")) == 2


def test_equal_texts_in_two_places_are_two_lines_and_a_moving_one_is_one() -> None:
    both = (text("Exit", TITLE), text("Exit", FOOT))
    assert len(tracks(frames_at(0.0, 2.0, end=4.0), [both, both], "r")) == 2
    rolling = [(text("Directed by nobody", Box(0.2, y, 0.8, y + 0.05)),) for y in (0.9, 0.6, 0.3)]
    (line,) = tracks(frames_at(0.0, 1.0, 2.0, end=3.0), rolling, "r")
    assert line.box == Box(0.2, 0.3, 0.8, pytest.approx(0.95))


def test_doubtful_readings_and_lone_letters_are_left_out() -> None:
    boxes = [text("maybe", confidence=0.3), text("一"), text("---"), text("7"), text("ok")]
    assert [item.text for item in readable(boxes)] == ["7", "ok"]


@pytest.mark.parametrize(("a", "b", "same"), [("river", "river", True), ("rivers", "rlvers", True), ("a", "b", False)])
def test_alike(a: str, b: str, same: bool) -> None:
    assert (alike(a, b) >= 0.8) is same


def info(duration: float, given: tuple[Chapter, ...] = ()) -> VideoInfo:
    return VideoInfo("0" * 32, "t", duration, 640, 360, 25.0, 0, True, True, 0.0, 1, "mp4", chapters=given)


TOPICS = (
    ("Rivers and lakes", "the river carries water down the valley into the lake"),
    ("Engines", "the piston drives the crankshaft while the valve lets fuel into the cylinder"),
    ("Baking bread", "knead the dough with flour and yeast then bake the loaf in the oven"),
)


def lecture() -> tuple[list[Segment], list[TimedText]]:
    segments, lines = [], []
    for part, (title, words) in enumerate(TOPICS):
        first = 100.0 * part
        for start in np.arange(first, first + 100.0, 20.0).tolist():
            segments.append(Segment(len(segments), start, start + 20.0, speech=words, screen_text=title))
        lines.append(TimedText(Channel.SCREEN_TEXT, first, first + 100.0, title, box=TITLE))
        lines.append(TimedText(Channel.SCREEN_TEXT, first, first + 100.0, "www.example.org", box=FOOT))
    return segments, lines


def test_chapters_begin_where_the_topic_changes_and_are_named_by_the_slide() -> None:
    segments, lines = lecture()
    found = chapters(info(300.0), segments, lines, None)
    assert [(item.start, item.end, item.title) for item in found] == [
        (0.0, 100.0, "Rivers and lakes"),
        (100.0, 200.0, "Engines"),
        (200.0, 300.0, "Baking bread"),
    ]


def test_without_screen_text_chapters_are_named_by_their_own_words() -> None:
    segments, _ = lecture()
    spoken = [Segment(item.index, item.start, item.end, speech=item.speech) for item in segments]
    found = chapters(info(300.0), spoken, [], None)
    assert len(found) == 3
    assert any(word in found[1].title.lower() for word in ("piston", "crankshaft", "valve", "cylinder", "drives"))


def test_vectors_are_used_where_there_are_some() -> None:
    segments, lines = lecture()
    vectors = np.zeros((15, 4), np.float32)
    vectors[:8, 0] = vectors[8:, 1] = 1
    found = chapters(info(300.0), segments, lines, vectors)
    assert [item.start for item in found] == [0.0, 160.0]


def test_the_containers_chapters_win() -> None:
    own = (Chapter(0, 0.0, 50.0, "Mine", "container"),)
    assert chapters(info(300.0, own), *lecture(), None) == own


def test_one_topic_or_no_text_has_no_chapters() -> None:
    same = [Segment(i, 10.0 * i, 10.0 * i + 10, speech="the same words about the same river") for i in range(20)]
    assert chapters(info(200.0), same, [], None) == ()
    assert chapters(info(200.0), [Segment(0, 0.0, 200.0)], [], None) == ()
