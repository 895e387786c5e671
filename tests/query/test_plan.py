"""What the rules make of plain words."""

from __future__ import annotations

import pytest

from query.language.parsing import ObjectCount, parse
from query.planning.plan import Plan, Requirement, decouple, find_objects, make_plan, match_label
from query.texts.words import contains_phrase, content_terms, stem, stems, tokens
from reelseek.records import Channel

LABELS = ("person", "car", "circle", "red circle", "cell phone")


def only(plan: Plan) -> Requirement:
    (stage,) = plan.stages
    (requirement,) = stage.requirements
    return requirement


@pytest.mark.parametrize(
    ("text", "channel", "request_"),
    [
        ("street sign that says Rue de Londres", Channel.SCREEN_TEXT, "Rue de Londres"),
        ("advert with the words for bigger escapes", Channel.SCREEN_TEXT, "for bigger escapes"),
        ("the slide about gradient descent", Channel.SCREEN_TEXT, "gradient descent"),
        ("the words Mind the gap", Channel.SCREEN_TEXT, "Mind the gap"),
        ("what does she say about the budget?", Channel.SPEECH, "the budget"),
        ("he mentions penguins", Channel.SPEECH, "penguins"),
        ("someone talks about climate change", Channel.SPEECH, "climate change"),
    ],
)
def test_a_cue_moves_the_request_to_its_channel(text: str, channel: Channel, request_: str) -> None:
    requirement = decouple(text)
    assert requirement.requests[channel] == request_
    assert requirement.weight(channel) == 1.0
    assert requirement.weight(Channel.VISUAL) < 1.0
    assert requirement.visual, "rules err: no channel is left out"


@pytest.mark.parametrize(
    ("text", "visual"),
    [
        ("what is said about the car", "the car"),
        ("What did they say about the harbour?", "the harbour"),
        ("a man says hello at the lighthouse", "a man says hello at the lighthouse"),
        ("the slide about gradient descent", "the slide about gradient descent"),
    ],
)
def test_pictures_are_asked_for_the_subject_and_not_for_the_asking(text: str, visual: str) -> None:
    assert decouple(text).visual == visual


def test_a_slide_is_looked_for_by_what_it_is_named_after() -> None:
    requirement = decouple("acknowledgements slide with group photo")
    assert requirement.also == ((Channel.SCREEN_TEXT, "acknowledgements"),)
    assert decouple("slide with lorem ipsum bullet points").requests[Channel.SCREEN_TEXT] == "lorem ipsum"
    assert decouple("a red slide").also == ()
    assert decouple("he explains the budget slide").also == ()


def test_without_a_cue_all_channels_are_asked_alike() -> None:
    requirement = decouple("a train at night")
    assert set(requirement.requests.values()) == {"a train at night"}
    assert requirement.weights == {}


@pytest.mark.parametrize(
    ("text", "objects", "explained"),
    [
        ("two red circles", [("red circle", "=", 2)], 1.0),
        ("3 cars", [("car", "=", 3)], 1.0),
        ("cars", [("car", ">=", 1)], 1.0),
        ("two big blue circles", [("circle", "=", 2)], 0.5),
        ("three women and a phone", [("person", "=", 3), ("cell phone", ">=", 1)], 1.0),
        ("how many cars are there?", [("car", ">=", 1)], 1.0),
        ("a red car at night", [("car", ">=", 1)], 1 / 3),
        ("more than two cars", [("car", ">", 2)], 1.0),
        ("at least three red circles", [("red circle", ">=", 3)], 1.0),
        ("at most 2 people and fewer than four cars", [("person", "<=", 2), ("car", "<", 4)], 1.0),
        ("an umbrella", [], 0.0),
        ("cartoon", [], 0.0),
    ],
)
def test_things_and_numbers_become_object_requests(
    text: str, objects: list[tuple[str, str, int]], explained: float
) -> None:
    found, share = find_objects(text, LABELS)
    assert sorted((count.label, count.op, count.number) for count in found) == sorted(objects)
    assert share == pytest.approx(explained)


@pytest.mark.parametrize(
    ("text", "shown", "lacking"),
    [
        ("a street without cars", "a street", ["car"]),
        ("circles but no red circles", "circles", ["red circle"]),
        ("a desk with no cell phone at night", "a desk at night", ["cell phone"]),
        ("he has no car", "he has no car", []),
        ("there is no doubt about it", "there is no doubt about it", []),
        ("a street without trees", "a street without trees", []),
        ("no cars", "", ["car"]),
    ],
)
def test_what_is_not_to_be_seen_is_not_asked_of_the_pictures(text: str, shown: str, lacking: list[str]) -> None:
    requirement = decouple(text, LABELS)
    assert requirement.visual == shown
    assert [count.label for count in requirement.lacking] == lacking
    assert requirement.requests[Channel.SPEECH] == text, "somebody may say so"
    assert "car" not in {count.label for count in requirement.objects} or not lacking


def test_a_person_names_labels_as_he_likes() -> None:
    assert match_label("People", LABELS) == "person"
    assert match_label("red_circle", LABELS) == "red circle"
    assert match_label("smartphone", LABELS) == "cell phone"
    assert match_label("dog", LABELS) is None
    assert only(make_plan(parse("object:cars>=2"), LABELS)).objects == (ObjectCount("car", ">=", 2),)


def test_what_the_user_scopes_is_binding() -> None:
    assert dict(only(make_plan(parse("said:hello"))).requests) == {Channel.SPEECH: "hello"}
    assert dict(only(make_plan(parse("text:exit"))).requests) == {Channel.SCREEN_TEXT: "exit"}
    assert dict(only(make_plan(parse("seen:dog"))).requests) == {Channel.VISUAL: "dog"}
    assert dict(only(make_plan(parse("object:car"))).requests) == {}


def test_an_excluded_word_does_not_exclude_what_merely_looks_like_it() -> None:
    (stage,) = make_plan(parse("dog -cat"), LABELS).stages
    (excluded,) = stage.excluded
    assert excluded.visual == ""
    assert excluded.phrase
    (stage,) = make_plan(parse("dog -seen:cat"), LABELS).stages
    assert stage.excluded[0].visual == "cat"


@pytest.mark.parametrize("text", ["", "-dog", "video:x", 'video:x -said:"y"'])
def test_filters_and_exclusions_alone_ask_for_nothing(text: str) -> None:
    assert make_plan(parse(text)).empty


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("driving", "drives"),
        ("cities", "city"),
        ("boxes", "box"),
        ("stopped", "stops"),
        ("falling", "falls"),
        ("memorises", "memorise"),
    ],
)
def test_forms_of_a_word_meet(first: str, second: str) -> None:
    assert stem(first) == stem(second)


@pytest.mark.parametrize(("first", "second"), [("bus", "but"), ("car", "card"), ("sing", "sin"), ("new", "news")])
def test_other_words_do_not(first: str, second: str) -> None:
    assert stem(first) != stem(second) or first + "s" == second


def test_tokens_fold_case_accents_numbers_and_split_unspaced_scripts() -> None:
    assert tokens("Crème BRÛLÉE: two's company") == ["creme", "brulee", "2", "company"]
    assert tokens("日本語 GPU") == ["日", "本", "語", "gpu"]
    assert tokens("don’t") == ["dont"]


def test_content_terms_keep_something_of_every_query() -> None:
    assert content_terms("show me the video of the red car") == ("red", "car")
    assert content_terms("to be or not to be") == tuple(stems("to be or not"))
    assert content_terms("video clips") == tuple(stems("video clips"))


def test_a_phrase_stands_side_by_side() -> None:
    assert contains_phrase("Please, slow DOWN now", "slow down")
    assert not contains_phrase("slow it down", "slow down")
    assert not contains_phrase("slowdown", "slow down")
    assert not contains_phrase("anything", "")


@pytest.mark.parametrize(
    ("question", "less"),
    [
        ("Where can I park my car?", True),
        ("how do we turn the heap", True),
        ("where can I see two red cars?", False),
        ("two red cars", False),
    ],
)
def test_what_somebody_wants_to_do_is_told_rather_than_seen(question: str, less: bool) -> None:
    weights = decouple(question, LABELS).weights
    assert (weights.get(Channel.VISUAL, 1.0) < 1.0) == less
    assert weights.get(Channel.SPEECH, 1.0) == 1.0
