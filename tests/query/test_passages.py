"""Lines judged with what stands around them."""

from __future__ import annotations

import numpy as np
import pytest

from query.planning.subject import is_question, subject, telling_terms
from query.ranking.runs import Run
from query.source import Line
from query.texts.passage_runs import Ranks, ranked
from query.texts.passages import Passage
from query.texts.signals import SIGNALS, Wanted, signals_of
from query.texts.video_text import PassageText, VideoText
from reelseek.records import Channel

WIDTH = 4


def video(name: str, *texts: str, speaker: str = "", title: str = "") -> VideoText:
    lines = [
        Line(name, row, Channel.SPEECH, 10.0 * row, 10.0 * row + 5, text, speaker=speaker)
        for row, text in enumerate(texts)
    ]
    return VideoText.of(
        name, lines, np.zeros((len(lines), WIDTH)), np.zeros((0, 2)), np.zeros((0, WIDTH), dtype=np.float32), title
    )


def signal(texts: PassageText, name: str, *terms: str) -> list[float]:
    wanted = Wanted(terms, np.ones(len(terms)))
    return [float(value) for value in signals_of(texts, wanted)[:, SIGNALS.index(name)]]


def test_words_around_a_line_count_and_never_those_of_another_video() -> None:
    texts = PassageText.of([video("a", "batteries", "nothing", "nothing"), video("b", "nothing", "cost")])
    near = signal(texts, "words_25", "batteri", "cost")
    assert near[1] > 0
    assert near[2] == 0
    assert near[3] > 0
    assert signal(texts, "line_words", "batteri")[1:] == [0, 0, 0, 0]


def test_a_video_that_is_about_it_lifts_all_its_lines() -> None:
    texts = PassageText.of([video("a", "cost", "cost", "nothing"), video("b", "nothing", "other", "more")])
    about = signal(texts, "video_words", "cost")
    assert min(about[:3]) > max(about[3:])


def test_lines_that_do_not_count_are_as_if_they_were_not_there() -> None:
    texts = PassageText.of([video("a", "cost", "nothing")])
    wanted = Wanted(("cost",), np.ones(1))
    found = signals_of(texts, wanted, np.array([False, True]))
    assert found[:, SIGNALS.index("words_25")].tolist() == [0, 0]


def test_what_the_title_says_a_line_need_not_repeat() -> None:
    lines = "188 steps", "lighthouse keeper", "the sea"
    plain = signal(PassageText.of([video("a", *lines)]), "covered", "step", "lighthous")
    titled = signal(PassageText.of([video("a", *lines, title="talk-lighthouse")]), "covered", "step", "lighthous")
    assert plain[0] == plain[1]
    assert titled[0] > plain[0], "the lighthouse's steps"
    assert titled[1:] == plain[1:], "the title alone makes no line a find"


def test_who_speaks_is_told_by_name() -> None:
    texts = PassageText.of([video("a", "one", speaker="Maria Lopez"), video("b", "two", speaker="Tom")])
    assert signal(texts, "speaker", "maria") == [1, 0]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("how do I crop a picture", True),
        ("the discussion about batteries", True),
        ("batteries?", True),
        ("the gardener wrapped the presents", False),
        ("a red car", False),
        ("knead the dough", False),
    ],
)
def test_what_is_looked_for_is_told_from_what_is_asked(text: str, asks: bool) -> None:
    assert is_question(text) == asks


def test_the_subject_of_a_request_is_what_is_left_without_asking() -> None:
    assert subject("How do I crop a picture?") == "crop a picture"
    assert subject("Summarize the discussion about battery life.") == "battery life"
    assert subject("What is said about the car?") == "car"
    assert subject("how many red cars") == "red cars"
    assert subject("nitrogen from fresh peelings") == "nitrogen from fresh peelings"
    assert subject("What is this?") == "What is this?"


def test_what_is_counted_is_looked_for() -> None:
    assert telling_terms(("step", "lighthous"), "How many steps does the lighthouse have?") == ("step", "lighthous")
    assert telling_terms(("step", "color"), "what are the steps to change the color") == ("color",)


def test_a_passage_is_shown_with_its_own_line_before_a_surer_one_beside_it() -> None:
    asked = Line("a", 0, Channel.SPEECH, 20.0, 25.0, "the bus comes every twenty minutes")
    passage = Passage(asked, 20.0, 33.0, 5.0, 0.9, 1.0, 1.0, 12.0)
    own = Run("a", 20.0, 25.0, Channel.SPEECH, 0.68, (), {Channel.SPEECH: 0.68}, 1.0)
    beside = Run("a", 26.0, 33.0, Channel.SPEECH, 0.69, (), {Channel.SPEECH: 0.69}, 1.0)
    found = ranked([passage], [beside, own], Ranks({}, {}), literal=False, asks=True)
    assert (found[0].start, found[0].end) == (20.0, 25.0)


def test_near_misses_are_as_sure_as_their_lines_and_keep_the_order_of_passages() -> None:
    lines = [Line("a", row, Channel.SPEECH, 100.0 * row, 100.0 * row + 5, f"line {row}") for row in range(3)]
    found = [
        Passage(line, line.start, line.end, 0.0, confidence, 1.0, 1.0, 12.0)
        for line, confidence in zip(lines, (0.03, 0.02, 0.01), strict=True)
    ]
    runs = [Run("a", row.start, row.end, Channel.SPEECH, 0.45, (), {Channel.SPEECH: 0.45}, 1.0) for row in lines]
    asked = ranked(found, runs, Ranks({}, {}), literal=False, asks=True)
    assert 0.3 < asked[0].confidence < 0.5, "not found, but near"
    assert sorted(asked, key=lambda run: -run.confidence) == asked
    assert len({run.confidence for run in asked}) == 3


def test_a_question_keeps_the_order_of_passages_and_a_word_looked_for_goes_first_where_it_surely_is() -> None:
    lines = [Line("a", row, Channel.SPEECH, 100.0 * row, 100.0 * row + 5, f"line {row}") for row in range(3)]
    found = [
        Passage(line, line.start - 9, line.end + 9, 5.0, confidence, 1.0, 1.0, 12.0)
        for line, confidence in zip(lines, (0.6, 0.5, 0.4), strict=True)
    ]
    sure = Run("a", 200.0, 205.0, Channel.SPEECH, 0.95, (), {Channel.SPEECH: 0.95}, 1.0)
    asked = ranked(found, [sure], Ranks({}, {}), literal=False, asks=True)
    assert [run.start for run in asked] == [-9.0, 91.0, 200.0]
    assert [run.confidence for run in asked] == sorted((run.confidence for run in asked), reverse=True)
    assert asked[0].confidence == 0.6, "a line that resembles what is asked makes no passage surer"
    assert all(abs(sum(item.gain for item in run.contributions) - run.confidence) < 1e-9 for run in asked)
    nearly = ranked(found, [sure], Ranks({}, {}), literal=False, asks=False)
    assert [run.start for run in nearly] == [-9.0, 91.0, 200.0]
    assert nearly[0].confidence > 0.8, "of words that are looked for a sure line has most"
    looked_for = ranked(found, [sure], Ranks({}, {}), literal=True, asks=False)
    assert max(looked_for, key=lambda run: run.confidence).start == 200.0
