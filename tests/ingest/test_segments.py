"""Segments: they cover the video, keep their lengths and cut no word."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.segments import overlapping, segments
from ingest.stages import NEIGHBOUR_WORDS, texts_in_context
from reelseek.records import Box, Channel, CountStep, Frame, Segment, Shot, TextBox, TimedText, Word
from reelseek.setting_groups import IngestSettings

SETTINGS = IngestSettings()
EVERYWHERE = Box(0.1, 0.1, 0.9, 0.2)


def shots_at(times: list[float], duration: float) -> list[Shot]:
    starts = [0.0, *times]
    return [Shot(i, start, end) for i, (start, end) in enumerate(zip(starts, [*times, duration], strict=True))]


def sentence(start: float, text: str, pace: float = 0.4) -> TimedText:
    words = tuple(Word(start + i * pace, start + i * pace + pace * 0.8, word) for i, word in enumerate(text.split()))
    return TimedText(Channel.SPEECH, start, words[-1].end, text, "test", words=words)


def check(found: tuple[Segment, ...], duration: float, words: list[tuple[float, float]]) -> None:
    assert found[0].start == 0
    assert found[-1].end == duration
    for before, after in itertools.pairwise(found):
        assert before.end == after.start
        for start, end in words:
            assert not start + 1e-6 < after.start < end - 1e-6
    assert [item.index for item in found] == list(range(len(found)))
    for item in found:
        assert 0 < item.end - item.start <= SETTINGS.segment_max + 1e-6
    if duration <= SETTINGS.segment_min:
        assert len(found) == 1


@settings(max_examples=120, deadline=None)
@given(data=st.data(), duration=st.floats(0.05, 200))
def test_segments_cover_the_video_and_cut_no_word(data: st.DataObject, duration: float) -> None:
    cuts = sorted(data.draw(st.sets(st.floats(0.6, max(0.7, duration)), max_size=15)))
    cuts = [cut for cut in cuts if cut < duration]
    spans: list[tuple[float, float]] = []
    time = 0.0
    for gap, length in data.draw(st.lists(st.tuples(st.floats(0, 6), st.floats(0.05, 2)), max_size=60)):
        if time + gap + length > duration:
            break
        spans.append((time + gap, time + gap + length))
        time = spans[-1][1]
    groups = [spans[i : i + 5] for i in range(0, len(spans), 5)]
    lines = [
        TimedText(
            Channel.SPEECH,
            group[0][0],
            group[-1][1],
            "w " * len(group),
            words=tuple(Word(start, end, "w") for start, end in group),
        )
        for group in groups
    ]
    found = segments(duration, shots_at(cuts, duration), [], lines, SETTINGS)
    check(found, duration, spans)
    assert " ".join(item.speech for item in found if item.speech).split() == ["w"] * len(spans)


@settings(max_examples=60, deadline=None)
@given(duration=st.floats(5.01, 400), cuts=st.sets(st.floats(1, 399), max_size=20))
def test_without_speech_every_segment_has_the_wanted_length(duration: float, cuts: set[float]) -> None:
    inside = sorted(cut for cut in cuts if cut < duration - 0.5)
    found = segments(duration, shots_at(inside, duration), [], [], SETTINGS)
    check(found, duration, [])
    assert all(item.end - item.start >= SETTINGS.segment_min - 1e-6 for item in found)


def test_cuts_are_taken_at_shots_and_at_sentence_ends() -> None:
    lines = [sentence(0.5 + 6 * i, "these nine words make up one single spoken sentence") for i in range(6)]
    found = segments(37.0, shots_at([12.3, 24.4], 37.0), [], lines, SETTINGS)
    starts = [item.start for item in found]
    assert 12.3 in starts
    assert 24.4 in starts
    for start in starts[1:]:
        assert not any(line.start < start < line.end for line in lines)
    assert all("nine words" in item.speech for item in found)


def test_a_static_shot_is_cut_where_the_slide_changes() -> None:
    titles = ["Introduction to rivers", "How lakes are made", "The sea and its tides"]
    frames = [
        Frame(i, 14.0 * i, 14.0 * (i + 1), 0, f"{i}.jpg", screen_text=(TextBox(title, 1.0, EVERYWHERE),))
        for i, title in enumerate(titles)
    ]
    lines = [TimedText(Channel.SCREEN_TEXT, f.time, f.end, titles[f.index], box=EVERYWHERE) for f in frames]
    found = segments(42.0, shots_at([], 42.0), frames, lines, SETTINGS)
    assert {14.0, 28.0} <= {item.start for item in found}
    for item in found:
        assert item.screen_text == titles[int(item.start // 14)]


def test_a_short_video_is_one_segment_with_everything_in_it() -> None:
    frames = [Frame(0, 0.0, 1.0, 0, "0.jpg"), Frame(1, 1.0, 4.0, 0, "1.jpg")]
    cars = {"car": (CountStep(1.0, 3), CountStep(2.0, 1), CountStep(4.0, 0))}
    line = TimedText(Channel.SPEECH, 0.5, 3.0, "Three cars wait.", speaker="ANN")
    (only,) = segments(4.0, shots_at([], 4.0), frames, [line], SETTINGS, cars)
    assert (only.start, only.end, only.speech) == (0.0, 4.0, "Three cars wait.")
    assert (only.object_counts, only.typical_counts) == ({"car": 3}, {"car": 1})
    assert only.speakers == ("ANN",)


def test_a_word_longer_than_a_segment_stops_nothing() -> None:
    line = TimedText(Channel.SPEECH, 0.0, 80.0, "Ooooh", words=(Word(0.0, 80.0, "Ooooh"),))
    found = segments(80.0, shots_at([], 80.0), [], [line], SETTINGS)
    check(found, 80.0, [])


def test_three_hours_are_cut_in_reasonable_time_and_shape() -> None:
    lines = [sentence(8.0 * i, "a sentence of a few words", 0.5) for i in range(1350)]
    found = segments(10_800.0, shots_at([], 10_800.0), [], lines, SETTINGS)
    check(found, 10_800.0, [])
    assert 360 <= len(found) <= 2160


def standing_camera(hour: float) -> tuple[list[Frame], dict[str, list[CountStep]], list[float]]:
    """An hour of one shot: traffic that flickers all the time, and every few minutes somebody steps in or out."""
    random = np.random.default_rng(7)
    times = np.arange(0.0, hour, 7.0) + random.uniform(0, 2, math.ceil(hour / 7.0))
    times[0] = 0.0
    turns = sorted(random.choice(times[20:-20], 14, replace=False).tolist())
    frames = [
        Frame(i, start, end, 0, f"{i}.jpg")
        for i, (start, end) in enumerate(zip(times.tolist(), [*times[1:].tolist(), hour], strict=True))
    ]
    cars = [CountStep(time, int(random.integers(4, 7))) for time in times.tolist()]
    people = [CountStep(turn, 3 * ((number + 1) % 2)) for number, turn in enumerate(turns)]
    return frames, {"car": cars, "person": people}, turns


def test_an_hour_of_one_shot_is_cut_where_somebody_steps_in_or_out() -> None:
    frames, present, turns = standing_camera(3600.0)
    found = segments(3600.0, shots_at([], 3600.0), frames, [], SETTINGS, present)
    check(found, 3600.0, [])
    assert 120 <= len(found) <= 400
    starts = [item.start for item in found]
    assert all(min(abs(turn - start) for start in starts) < 0.05 for turn in turns)
    changing = [item for item in found if "person" in item.object_counts]
    assert 0.2 < sum(item.end - item.start for item in changing) / 3600.0 < 0.8


def test_an_hour_of_a_talking_head_is_cut_in_the_pauses() -> None:
    random = np.random.default_rng(3)
    lines: list[TimedText] = []
    time, pauses = 1.0, []
    while time < 3580.0:
        line = sentence(time, "words " * int(random.integers(4, 12)))
        lines.append(line)
        pause = float(random.choice([0.15, 0.2, 0.3, 2.5], p=[0.3, 0.3, 0.25, 0.15]))
        if pause > 2:
            pauses.append(line.end)
        time = line.end + pause
    frames = [Frame(0, 0.0, 3600.0, 0, "0.jpg")]
    found = segments(3600.0, shots_at([], 3600.0), frames, lines, SETTINGS)
    starts = [item.start for item in found[1:]]
    assert not any(line.start + 1e-6 < start < line.end - 1e-6 for start in starts for line in lines)
    used = sum(any(end - 1e-6 <= start <= end + 2.6 for start in starts) for end in pauses)
    assert used / len(pauses) > 0.8


def test_one_more_car_is_a_smaller_change_than_the_first_people() -> None:
    present = {"car": [CountStep(0.0, 4), CountStep(14.0, 5)], "person": [CountStep(17.0, 2)]}
    found = segments(32.0, shots_at([], 32.0), [], [], SETTINGS, present)
    assert [item.start for item in found] == [0.0, 17.0]


def test_the_keyframes_of_a_segment_are_those_that_stood_in_it() -> None:
    frames = [Frame(i, 10.0 * i, 10.0 * i + 10.0, 0, f"{i}.jpg") for i in range(6)]

    def standing(start: float, end: float) -> list[int]:
        return [frame.index for frame in overlapping(frames, start, end)]

    assert standing(0.0, 20.0) == [0, 1]
    assert standing(19.8, 30.3) == [2]  # what reaches in by a moment is left out
    assert standing(12.0, 14.0) == [1]
    assert standing(70.0, 80.0) == [5]
    assert overlapping([], 0.0, 1.0) == []


def test_a_segment_is_embedded_with_what_is_said_before_and_after_it_but_not_with_their_slides() -> None:
    long = " ".join(f"w{n}" for n in range(3 * NEIGHBOUR_WORDS))
    cut = [
        Segment(0, 0, 10, speech=long, screen_text="title"),
        Segment(1, 10, 20, speech="the battery", screen_text="costs"),
        Segment(2, 20, 30),
        Segment(3, 30, 40, speech="end"),
    ]
    first, second, silent, last = texts_in_context(cut)
    assert second.startswith(f"w{2 * NEIGHBOUR_WORDS} ")
    assert second.endswith("the battery\ncosts")
    assert "title" in first
    assert "the battery" in first
    assert silent == ""
    assert last == "end"
