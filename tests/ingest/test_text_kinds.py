"""Screen text of several kinds told apart: subtitles, tickers, credits, logos, names; on boxes, without a reader."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ingest.burnt_in import BURNT_IN, with_burnt_in
from ingest.screen_text import tracks
from ingest.text_tickers import stitched
from reelseek.records import Box, Channel, Frame, TextBox, TimedText
from tests.support.screen import line

TALK = (
    "I never thought we would", "come back to this place.", "It has not changed at all.", "Look at the old harbour.",
    "Your father built that wall.", "He never told me about it.", "There was a lot to forget.",
)  # fmt: skip


def told(
    pictures: Sequence[tuple[float, Sequence[TextBox]]], end: float, cuts: Sequence[float] = ()
) -> tuple[TimedText, ...]:
    """The lines of a video whose pictures at these times show these texts."""
    times = [time for time, _ in pictures]
    frames = [
        Frame(index, time, until, sum(cut <= time for cut in cuts), f"{index}.jpg")
        for index, (time, until) in enumerate(zip(times, [*times[1:], end], strict=True))
    ]
    return tracks(frames, [tuple(boxes) for _, boxes in pictures], "reader:x")


def screen(lines: Sequence[TimedText]) -> list[str]:
    return [item.text for item in lines if item.channel == Channel.SCREEN_TEXT]


def spoken(lines: Sequence[TimedText]) -> list[str]:
    return [item.text for item in lines if item.channel == Channel.SPEECH]


def test_burnt_in_subtitles_are_what_is_said() -> None:
    pictures = [(2.0 * number, [line(text)]) for number, text in enumerate(TALK)]
    lines = told(pictures, 14.0)
    assert screen(lines) == []
    assert spoken(lines)[0] == "I never thought we would come back to this place."
    assert {item.source for item in lines} == {BURNT_IN}
    assert (lines[0].start, lines[0].end) == (0.0, 4.0)
    assert lines[-1].end == 14.0


def test_subtitles_of_two_lines_are_one_sentence_and_a_logo_stays_a_text() -> None:
    logo = line("CANAL 9", x=0.9, y=0.08)
    pictures = []
    for number in range(0, 6, 2):
        both = [line(TALK[number], y=0.84), line(TALK[number + 1], y=0.92), logo]
        pictures += [(3.0 * number, both), (3.0 * number + 4.0, [logo])]
    pictures.append((18.0, [line(TALK[6]), logo]))
    pictures.append((21.0, [logo]))
    lines = told(pictures, 24.0)
    assert screen(lines) == ["CANAL 9"]
    assert "I never thought we would come back to this place." in spoken(lines)


def test_subtitles_over_fast_cuts_are_still_subtitles() -> None:
    times = [0.5 * number for number in range(28)]
    assert screen(told([(time, [line(TALK[int(time / 2)])]) for time in times], 14.0, cuts=times)) == []


SLIDES = [("Rivers of the world", "long ones"), ("How deltas are formed", "mud and time"),
          ("Fish that live in deltas", "carp and more"), ("What people do there", "farming"),
          ("Dams and their effects", "less mud"), ("What is left to be done", "much")]  # fmt: skip


@pytest.mark.parametrize(
    "pictures",
    [
        pytest.param(
            [(6.0 * n, [line(title, y=0.12), line(body, y=0.5)]) for n, (title, body) in enumerate(SLIDES)],
            id="titles of slides",
        ),
        pytest.param(
            [(30.0 * n + s, boxes) for n, (name, job) in enumerate([("ANNA BERG", "Chief engineer"),
             ("OMAR SALEH", "Software developer"), ("LI WEI", "Head of the garden")])
             for s, boxes in ((0, [line(name, x=0.2, y=0.8), line(job, x=0.2, y=0.87)]), (5, []))],
            id="names of people",
        ),
        pytest.param(
            [(3.0 * n, [line(f"{word} = value({word}, {number})", x=0.3, y=0.1 + 0.1 * number)
             for number, word in enumerate(("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta")[: n + 2])])
             for n in range(6)],
            id="code being written",
        ),
        pytest.param([(2.0 * n, [line(f"00:0{n}", y=0.9)]) for n in range(8)], id="a clock"),
        pytest.param([(9.0 * n, [line(text)]) for n, text in enumerate(TALK[:3])], id="three captions"),
    ],
)  # fmt: skip
def test_other_text_stays_on_the_screen(pictures: list[tuple[float, list[TextBox]]]) -> None:
    cuts = [time for time, _ in pictures]
    lines = told(pictures, pictures[-1][0] + 5.0, cuts=cuts)
    assert spoken(lines) == []
    assert {item.text for _, boxes in pictures for item in boxes} <= set(screen(lines))


def test_what_is_said_already_is_not_doubled() -> None:
    pictures = [(2.0 * number, [line(text)]) for number, text in enumerate(TALK)]
    written = told(pictures, 14.0)
    heard = TimedText(Channel.SPEECH, 0.2, 3.8, "i never thought we'd come back to this place", "whisper:x")
    both = with_burnt_in([heard], written)
    assert spoken(both)[0] == heard.text
    assert sum("come back" in text for text in spoken(both)) == 1
    assert "Look at the old harbour." in spoken(both)
    title = TimedText(Channel.SCREEN_TEXT, 0.0, 1.0, "Title", "reader:x")
    assert with_burnt_in([heard], [title]) == (heard, title)
    later = TimedText(Channel.SPEECH, 60.0, 64.0, "i never thought we'd come back to this place", "whisper:x")
    assert len(spoken(with_burnt_in([later], written))) == len(spoken(written)) + 1


NEWS = "MARKETS RISE AS TALKS GO ON  +++  STORM WARNING FOR THE NORTH COAST  +++  BRIDGE TO OPEN IN SPRING"


def test_a_ticker_is_one_line_with_all_that_ran_by() -> None:
    pictures = []
    for number in range(10):
        shown = NEWS[7 * number : 7 * number + 38]
        boxes = [line("STUDIO", x=0.15, y=0.1), TextBox(shown.strip(), 0.95, Box(0.02, 0.9, 0.98, 0.95))]
        pictures.append((1.0 * number, boxes))
    lines = told(pictures, 10.0)
    assert sorted(screen(lines), key=len)[0] == "STUDIO"
    (ticker,) = [text for text in screen(lines) if text != "STUDIO"]
    assert ticker.split() == NEWS.split()
    assert [(item.start, item.end) for item in lines if item.text == ticker] == [(0.0, 10.0)]


def test_a_ticker_that_begins_again_is_not_told_twice() -> None:
    loop = (NEWS + "  +++  ") * 3
    pictures = [
        (1.0 * n, [TextBox(loop[9 * n : 9 * n + 38].strip(), 0.95, Box(0.02, 0.9, 0.98, 0.95))]) for n in range(24)
    ]
    (ticker,) = screen(told(pictures, 24.0))
    assert ticker.count("BRIDGE TO OPEN") == 1


def test_a_standing_line_across_the_picture_is_no_ticker() -> None:
    text = "The whole of this line stands still at the foot of the page"
    pictures = [(1.0 * n, [TextBox(text, 0.95, Box(0.02, 0.5, 0.98, 0.55))]) for n in range(6)]
    (only,) = told(pictures, 6.0)
    assert (only.text, only.start, only.end) == (text, 0.0, 6.0)


@pytest.mark.parametrize(
    ("before", "row", "joined"),
    [
        ("the quick brown fo", "k brown fox jumps", "the quick brown fox jumps"),
        ("the quick brown fox jumps", "quick brown", "the quick brown fox jumps"),
        ("one thing", "quite another", "one thing quite another"),
    ],
)
def test_sights_of_a_ticker_are_put_together(before: str, row: str, joined: str) -> None:
    assert stitched(before, row) == joined


def test_credits_are_followed_upwards_also_short_names() -> None:
    names = ["Director", "Ann Lee", "Camera", "Bo Ek", "Sound", "Cy Day", "Music", "Di Fry"]
    pictures = []
    for step in range(12):
        places = [(name, 1.0 + 0.12 * index - 0.15 * step) for index, name in enumerate(names)]
        pictures.append((0.5 * step, [line(name, y=y) for name, y in places if 0.05 < y < 0.95]))
    lines = told(pictures, 6.0)
    assert sorted(screen(lines)) == sorted(names)
    assert all(item.box and item.box.bottom - item.box.top > 0.5 for item in lines)


def test_a_logo_that_the_reader_loses_at_times_is_one_line() -> None:
    logo = line("CANAL 9", x=0.9, y=0.08)
    pictures = [(4.0 * n, [] if n in (2, 5, 7) else [logo]) for n in range(12)]
    (only,) = told(pictures, 48.0, cuts=[4.0 * n for n in range(12)])
    assert (only.start, only.end) == (0.0, 48.0)


def test_a_title_shown_again_after_a_while_is_another_line() -> None:
    title = line("Agenda", y=0.2)
    lines = told([(0.0, [title]), (10.0, []), (18.0, [title]), (28.0, [])], 36.0)
    assert [(item.start, item.end) for item in lines] == [(0.0, 10.0), (18.0, 28.0)]
