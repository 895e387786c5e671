"""The query language: every form, and that nothing a person types can break it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query.language import MAX_QUERY, Days, Field, Filters, Join, ObjectCount, Query, Stage, Words, parse
from query.plan import make_plan


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
def test_any_text_parses_to_a_plan(text: str) -> None:
    query = parse(text)
    assert isinstance(query, Query)
    assert len(query.joins) == len(query.stages) - 1
    assert all(note.startswith("Character ") for note in query.notes)
    plan = make_plan(query, ("car", "red circle", "person"))
    for stage in plan.stages:
        for requirement in (*stage.requirements, *stage.excluded):
            assert requirement.requests or requirement.objects or requirement.facts
