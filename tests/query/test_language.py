"""The query language: every form, and that nothing a person types can break it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from query.language.parsing import (
    MAX_QUERY,
    Days,
    Either,
    Example,
    Field,
    Filters,
    Join,
    Near,
    ObjectCount,
    Query,
    Span,
    Speaker,
    Stage,
    Words,
    parse,
)
from query.planning.plan import make_plan


def one(text: str) -> Stage:
    query = parse(text)
    assert query.notes == ()
    assert len(query.stages) == 1
    return query.stages[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("red car", (Words("red car"),)),
        ('"slow down" please', (Words("slow down", phrase=True), Words("please"))),
        ("„langsam fahren“", (Words("langsam fahren", phrase=True),)),
        ("said:hello said:there", (Words("hello there", Field.SAID),)),
        ("sound:applause", (Words("applause", Field.SOUND),)),
        ('text:"Q3 plan"', (Words("Q3 plan", Field.TEXT, phrase=True),)),
        ('seen:"a red hat"', (Words("a red hat", Field.SEEN),)),
        ("SEEN:(a man in a hat)", (Words("a man in a hat", Field.SEEN),)),
        ("dog -cat", (Words("dog"), Words("cat", negated=True))),
        ('dog -said:"big cat"', (Words("dog"), Words("big cat", Field.SAID, phrase=True, negated=True))),
        ("well-known c++ f(x) http://a.b foo:bar", (Words("well-known c++ f(x) http://a.b foo:bar"),)),
        ("- a -- b", (Words("- a -- b"),)),
        ("authentic thenar meanwhile", (Words("authentic thenar meanwhile"),)),
    ],
)
def test_words_in_all_their_forms(text: str, words: tuple[Words, ...]) -> None:
    assert one(text).words == words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("object:car", ObjectCount("car", ">=", 1)),
        ("object:car>=2", ObjectCount("car", ">=", 2)),
        ("object:car == 3", ObjectCount("car", "=", 3)),
        ('object:"traffic light"<2', ObjectCount("traffic light", "<", 2)),
        ("-object:person", ObjectCount("person", ">=", 1, negated=True)),
        ("not object:person", ObjectCount("person", ">=", 1, negated=True)),
        ("object:car=2-4", ObjectCount("car", ">=", 2, most=4)),
    ],
)
def test_object_counts(text: str, count: ObjectCount) -> None:
    assert one(text).objects == (count,)


@pytest.mark.parametrize(("op", "holds"), [(">=", {2, 3}), ("<=", {0, 1, 2}), ("=", {2}), (">", {3}), ("<", {0, 1})])
def test_what_a_count_means(op: str, holds: set[int]) -> None:
    count = ObjectCount("car", op, 2)
    assert {number for number in range(4) if count.holds(number)} == holds
    assert count.present == (0 not in holds)


def test_filters() -> None:
    query = parse("lecture video:maths video:week tag:x lang:de after:1:30 before:2m")
    assert query.filters == Filters(("maths", "week"), ("x",), ("de",), after=90.0, before=120.0)
    assert query.stages == (Stage((Words("lecture"),)),)


def test_dates_and_times_are_told_apart() -> None:
    assert parse("x after:2024-05-31 before:2025").filters == Filters(
        added=(Days(date(2024, 5, 31)), Days(end=date(2025, 1, 1)))
    )
    assert parse("x after:300 before:2300").filters == Filters(after=300.0, before=2300.0)


def test_sequences() -> None:
    query = parse('the door opens then[30s] said:hello Then[1:30] object:dog while "Exit"')
    assert list(query.joins) == [Join("then", 30.0), Join("then", 90.0), Join("while")]
    assert query.stages == (
        Stage((Words("the door opens"),)),
        Stage((Words("hello", Field.SAID),)),
        Stage((), (ObjectCount("dog"),)),
        Stage((Words("Exit", phrase=True),)),
    )


def either(*texts: str) -> Either:
    return Either(tuple(Stage((Words(text),)) for text in texts))


def said(text: str) -> Stage:
    return Stage((Words(text, Field.SAID),))


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("cats | dogs", Stage(either=(either("cats", "dogs"),))),
        ("cats or dogs", Stage(either=(either("cats", "dogs"),))),
        ("a red car OR a yellow bus", Stage(either=(either("a red car", "a yellow bus"),))),
        ("red (car | bus) at night", Stage(either=(either("red car at night", "red bus at night"),))),
        ("said:(cost | budget)", Stage(either=(Either((said("cost"), said("budget"))),))),
        ("said:cost or text:budget", Stage(either=(Either((said("cost"), Stage((Words("budget", Field.TEXT),)))),))),
        ("(said:a | said:b) object:car", Stage((), (ObjectCount("car"),), either=(Either((said("a"), said("b"))),))),
        ("-(cat | dog) horse", Stage((Words("cat", negated=True), Words("dog", negated=True), Words("horse")))),
        ("dog NOT cat", Stage((Words("dog"), Words("cat", negated=True)))),
        ("((cats | dogs))", Stage(either=(either("cats", "dogs"),))),
        ("the budget (for next year)", Stage((Words("the budget for next year"),))),
        ("speaker:maria said:budget", Stage((Words("budget", Field.SAID),), speakers=(Speaker("maria"),))),
        ("image:one cat", Stage((Words("cat"),), examples=(Example("image", "one"),))),
        ("like:film@1:20-1:30", Stage(examples=(Example("like", "film", 80.0, 90.0),))),
        ('like:"My film"@80s', Stage(examples=(Example("like", "My film", 80.0),))),
    ],
)
def test_alternatives_brackets_and_examples(text: str, stage: Stage) -> None:
    assert one(text) == stage


@pytest.mark.parametrize(
    ("text", "anchor", "other", "window", "negated"),
    [
        ("said:hello within 10s of object:dog", said("hello"), Stage((), (ObjectCount("dog"),)), 10.0, False),
        ("a dog within 2 minutes of a cat", Stage((Words("a dog"),)), Stage((Words("a cat"),)), 120.0, False),
        ("not said:hello within 10s of dog", Stage((Words("dog"),)), said("hello"), 10.0, True),
        ("not red car within 1:30 of dog", Stage((Words("dog"),)), Stage((Words("red car"),)), 90.0, True),
        ("dog not within 10 s of said:hello", Stage((Words("dog"),)), said("hello"), 10.0, True),
        ("NOT dog WITHIN 1h OF cat", Stage((Words("cat"),)), Stage((Words("dog"),)), 3600.0, True),
    ],
)
def test_proximity(text: str, anchor: Stage, other: Stage, window: float, negated: bool) -> None:
    stage = one(text)
    assert stage == Stage(anchor.words, anchor.objects, near=(Near(other, window, negated),))


def test_a_sequence_of_all_of_it() -> None:
    query = parse("(said:a | text:b) then[2 minutes] not object:car within 5s of object:dog then c while d or e")
    assert query.notes == ()
    assert query.joins == (Join("then", 120.0), Join("then"), Join("while"))
    assert [len(stage.either) for stage in query.stages] == [1, 0, 0, 1]
    assert query.stages[1].near[0].negated
    assert [stage.text for stage in query.stages] == [
        "(said:a | text:b)",
        "not object:car within 5s of object:dog",
        "c",
        "d or e",
    ]


@pytest.mark.parametrize(
    ("text", "span", "fits", "not_"),
    [
        ("duration:>10m", Span(600.0, above=True), 601, 600),
        ("duration:<90s", Span(most=90.0, closed=False), 89, 90),
        ("duration:>=1:30", Span(90.0), 90, 89),
        ("duration:5m-10m", Span(300.0, 600.0), 600, 601),
        ("duration:> 2 hours", None, 0, 0),
        ('duration:">2 hours"', Span(7200.0, above=True), 7201, 7200),
        ("duration:10m", Span(540.0, 660.0), 630, 700),
    ],
)
def test_lengths(text: str, span: Span | None, fits: float, not_: float) -> None:
    query = parse(f"dog {text}")
    if span is None:  # 2 h cannot be told from 2 and a word
        assert query.filters.durations[0].holds(3)
        return
    assert query.filters.durations == (span,)
    assert span.holds(fits)
    assert not span.holds(not_)


def test_days() -> None:
    filters = parse("dog recorded:2024-05 added:>=2024 added:<2025-02-03 recorded:2024-05-31 added:>2023").filters
    assert filters.recorded == (
        Days(date(2024, 5, 1), date(2024, 6, 1)),
        Days(date(2024, 5, 31), date(2024, 6, 1)),
    )
    assert filters.added == (Days(date(2024, 1, 1)), Days(end=date(2025, 2, 3)), Days(date(2024, 1, 1)))
    assert filters.recorded[0].holds(date(2024, 5, 31))
    assert not filters.recorded[0].holds(date(2024, 6, 1))


@pytest.mark.parametrize(
    "text",
    [
        "to be or not to be",
        "then we add the flour",
        "mix the flour, then we add the water to it",
        "if the rate is too high then the loss explodes",
        "what has happened since then",
        "since then the company has grown",
        "it took a while to settle",
        "more or less the same",
        "one or two remarks on that",
        "we can use buttons or we can use knobs for the volume",
        "whether speech recognition or a remote control is better",
        "do you want a speech recogniser or a display?",
        "why is it not within ten minutes of the station",
        "the trousers do not fit",
        "within reason of course",
        "Now and then he smiles",
        "WE SHOULD STOP THEN",
        "is there a red car then a bus?",
    ],
)
def test_sentences_are_words(text: str) -> None:
    assert one(text) == Stage((Words(text if text != "WE SHOULD STOP THEN" else "WE SHOULD STOP then"),))


def test_plain_operators_may_be_a_sentence_too() -> None:
    assert parse("mix the flour then bake the bread").spoken == "mix the flour then bake the bread"
    assert parse("red cars or yellow buses").spoken
    for explicit in ("said:flour then bread", "flour THEN bread", "flour then[3s] bread", "cats | dogs", "cats"):
        assert parse(explicit).spoken == ""


def test_in_a_question_then_and_while_are_words() -> None:
    query = parse("What does he say while the slide is shown?")
    assert query.stages == (Stage((Words("What does he say while the slide is shown?"),)),)
    assert query.joins == ()


@pytest.mark.parametrize(
    ("text", "position", "left"),
    [
        ('say "hello', 5, "say hello"),
        ("said:", 6, "said"),
        ("object:car>=many", 11, "car many"),
        ("object:>2", 8, "2"),
        ("a then[soon] b", 3, "a b"),
        ("a then", 7, "a then"),
        ("after:2024-13 x", 7, "2024-13 x"),
        ("-video:x cat", 1, "x cat"),
        ("cat then -dog", 1, "cat then dog"),
        ("a then[3s b", 3, "a 3s b"),
        ("cat | | dog", 7, "cat dog"),
        ("| dog", 1, "dog"),
        ("cat |", 6, "cat"),
        ("dog WITHIN soon OF cat", 5, "dog WITHIN soon OF cat"),
        ("x duration:long", 12, "x long"),
        ("x recorded:yesterday", 12, "x yesterday"),
        ("x (said: | b) y", 10, "x b y"),
        ("(dog THEN cat) x", 6, "dog THEN cat x"),
        ("like:film x", 6, "film x"),
        ("like:film@5-2 x", 1, "film@5-2 x"),
        ("-(said:a text:b) c", 1, "a b c"),
        ("dog | -cat", 5, "dog cat"),
        ("object:car=4-2 x", 11, "car 4-2 x"),
    ],
)
def test_a_mistake_is_pointed_at_and_its_words_are_searched(text: str, position: int, left: str) -> None:
    query = parse(text)
    assert len(query.notes) == 1
    assert query.notes[0].startswith(f"Character {position}")
    assert query.stages[0].words[0].text == left


def test_a_query_that_is_too_long_is_cut_and_says_so() -> None:
    query = parse("word " * 2_000)
    assert str(MAX_QUERY) in query.notes[0]
    assert len(query.stages[0].words[0].text) <= MAX_QUERY


PIECES = st.sampled_from(
    [
        *"\"“”„«»()[]-<>=:\\'`%;\0\n\t ",
        "then",
        "while",
        "then[",
        "or",
        "OR",
        "|",
        "not",
        "NOT",
        "within 10s of",
        "NOT WITHIN 2m OF",
        "(a | b)",
        "(said:a",
        "speaker:",
        "like:a@1-2",
        "image:",
        "duration:>3m",
        "recorded:",
        "chapter:x",
        "said:",
        "object:",
        "car>=2",
        "video:",
        "after:",
        "2024-02-31",
        "a",
        "é",
        "日本",
        "\ud800",
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join), st.lists(PIECES, max_size=14).map(" ".join)
    )
)
@example("00:CAR")
def test_any_text_parses_to_a_plan(text: str) -> None:
    query = parse(text)
    assert isinstance(query, Query)
    assert len(query.joins) == len(query.stages) - 1
    assert all(note.startswith("Character ") for note in query.notes)
    plan = make_plan(query, ("car", "red circle", "person"))
    for stage in plan.stages:
        for requirement in (*stage.every_requirement(), *stage.excluded):
            assert requirement.requests or requirement.objects or requirement.facts or requirement.example


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4), st.sampled_from(["", " "]))
def test_no_pattern_repeated_makes_reading_slow(pieces: list[str], between: str) -> None:
    """No time is measured: what backtracks without end at 4,000 characters runs into the suite's own limit."""
    unit = between.join(pieces) + between
    query = parse(unit * (MAX_QUERY // max(1, len(unit))))
    assert len(query.joins) == len(query.stages) - 1


@pytest.mark.parametrize(
    "unit",
    ["(", "((a", '("', '(" (', "not ", "NOT a ", "then[", "(a | ", "within 1s of ", "a NOT WITHIN 1s OF ", "1:1"],
)
def test_what_invites_backtracking_is_read(unit: str) -> None:
    assert parse(unit * (MAX_QUERY // len(unit))).stages
