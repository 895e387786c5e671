"""Readings on keyframes joined over time."""

from __future__ import annotations

import pytest

from ingest.screen_text import alike, readable, tracks
from reelseek.records import Box, Channel, Frame, TextBox, TimedText

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
