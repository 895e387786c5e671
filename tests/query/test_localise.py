"""Where text is: sentences that continue one another, lines that stand together, readings that waver."""

from __future__ import annotations

from query.source import Line
from query.texts.runs import ScoredLine, text_runs
from query.texts.scale import WordStatistics
from reelseek.records import Channel

WORDS = WordStatistics.of([f"line number{n}" for n in range(100)])


def scored(
    start: float, end: float, text: str, confidence: float, matched: str = "", channel: Channel = Channel.SCREEN_TEXT
) -> ScoredLine:
    line = Line("a", int(start * 10), channel, start, end, text)
    return ScoredLine(line, frozenset(matched.split()), 0.0, confidence)


def ranges(lines: list[ScoredLine], terms: tuple[str, ...] = ("x", "y")) -> list[tuple[float, float]]:
    return sorted((run.start, run.end) for run in text_runs(lines, terms, WORDS))


def said(start: float, end: float, confidence: float, matched: str = "") -> ScoredLine:
    return scored(start, end, "words", confidence, matched, Channel.SPEECH)


def test_sentences_that_are_as_good_or_add_words_are_one_moment() -> None:
    assert ranges([said(0, 5, 0.9, "x"), said(5.5, 9, 0.8, "x")]) == [(0, 9)]
    assert ranges([said(0, 5, 0.6, "x"), said(5.5, 9, 0.3, "y")]) == [(0, 9)]
    assert ranges([said(0, 5, 0.9, "x"), said(5.5, 9, 0.2, "x")]) == [(0, 5), (5.5, 9)]
    assert ranges([said(0, 5, 0.9, "x"), said(12, 15, 0.9, "x")]) == [(0, 5), (12, 15)]


def test_words_spread_over_two_sentences_count_together() -> None:
    (run,) = text_runs([said(0, 5, 0.4, "x"), said(5.5, 9, 0.4, "y")], ("x", "y"), WORDS)
    assert 0.75 < run.confidence < 0.9, "but less than in one sentence that has them all"


def test_beside_a_sentence_with_every_word_one_with_some_of_them_is_another_moment() -> None:
    whole, some = said(0, 5, 0.97, "x y"), said(5.5, 9, 0.9, "x")
    assert [(run.start, run.end) for run in text_runs([whole, some], ("x", "y"), WORDS)] == [(0, 5), (5.5, 9)]
    again = said(5.5, 9, 0.9, "x y")
    assert [(run.start, run.end) for run in text_runs([whole, again], ("x", "y"), WORDS)] == [(0, 9)]


def test_lines_on_screen_together_are_one_text_for_the_time_they_share() -> None:
    assert ranges([scored(0, 20, "Omar", 0.6, "x"), scored(2, 20, "Software Engineer", 0.6, "y")]) == [(2, 20)]
    assert ranges([scored(0, 20, "Omar", 0.6, "x"), scored(30, 40, "Software Engineer", 0.6, "y")]) == [
        (0, 20),
        (30, 40),
    ]


def test_a_text_that_was_read_twice_differently_is_one_moment() -> None:
    assert ranges(
        [scored(31, 33, "2 14 passed in 2.31s", 0.95, "x y"), scored(33, 39, "14 passed in 2.3 1s", 0.94, "x y")]
    ) == [(31, 39)]


def test_another_text_right_after_is_another_moment() -> None:
    assert ranges([scored(0, 10, "Agenda", 0.9, "x"), scored(10, 20, "Budget of the year", 0.9, "x")]) == [
        (0, 10),
        (10, 20),
    ]
    assert ranges([scored(0, 10, "Agenda", 0.9, "x"), scored(25, 30, "Agenda", 0.9, "x")]) == [(0, 10), (25, 30)]


def test_runs_never_mix_videos_or_channels() -> None:
    other = ScoredLine(Line("b", 1, Channel.SPEECH, 5.5, 9, "words"), frozenset(("x",)), 0.0, 0.9)
    written = scored(0, 5, "words", 0.9, "x")
    assert len(text_runs([said(0, 5, 0.9, "x"), other, written], ("x",), WORDS)) == 3
