"""Searching the hand-made library: what is found, where, why, and what is not."""

from __future__ import annotations

import string
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query.service import QueryService, SearchRequest, open_service
from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import Channel
from reelseek.results import Moment, SearchResult
from reelseek.settings import load_settings
from reelseek.timecode import temporal_iou
from reelseek.wire import search_payload
from tests.query.conftest import NO_MODELS, Search
from tests.support.query_world import COOKING, COPY, FILMS, GERMAN, LECTURE, MEETING, TRAFFIC, Film, World, scaled

MEETING_SOUNDS = [(start, end) for start, end, _ in MEETING.heard]


def first(result: SearchResult) -> Moment:
    assert result.moments, f"nothing found for {result.query!r}; near: {result.near_misses}"
    return result.moments[0]


def ranges(moment: Moment) -> list[tuple[float, float]]:
    return [(stage.start, stage.end) for stage in moment.stages]


@pytest.mark.parametrize(
    ("query", "film", "start", "end"),
    [
        ("gradient descent", LECTURE, 0.0, 20.0),
        ("said:(learning rate)", LECTURE, 6.5, 12.0),
        ("overfitting training data", LECTURE, 60.0, 66.0),
        ("homework due on friday", LECTURE, 100.0, 118.0),
        ("knead the dough", COOKING, 20.0, 24.0),
        ("how hot should the oven be?", COOKING, 40.0, 45.0),
        ("who presents the office layout", MEETING, 30.0, 35.0),
        ("the slide about the agenda", MEETING, 140.0, 160.0),
        ("Gipfel", GERMAN, 3.0, 7.0),
        ("what does she say about hiring engineers", MEETING, 90.0, 95.0),
        ("letting the loaf get cold before slicing it", COOKING, 70.0, 74.0),
    ],
)
def test_words_find_their_moment_with_its_boundaries(
    search: Search, query: str, film: Film, start: float, end: float
) -> None:
    moment = first(search(query))
    assert moment.video_id == film.video_id
    assert temporal_iou((moment.start, moment.end), (start, end)) >= 0.8


@pytest.mark.parametrize(
    "query",
    [
        "quantum entanglement of penguins",
        "history of the roman empire",
        "zxqv blorp",
        "submarine volcano eruption",
        "football final penalty shootout",
        "object:elephant",
        "text:password",
        "said:kubernetes",
        '"dough the knead"',
        "the",
    ],
)
def test_what_is_not_there_is_not_found(search: Search, query: str) -> None:
    result = search(query)
    assert result.moments == ()
    assert all(moment.confidence < 0.5 for moment in result.near_misses)


def test_a_near_miss_is_shown_as_such(search: Search) -> None:
    result = search("history of bread in ancient mongolia")
    assert result.moments == ()
    assert result.near_misses
    everything = search("history of bread in ancient mongolia", min_confidence=0.0)
    assert {moment.start for moment in everything.moments} >= {moment.start for moment in result.near_misses}


def test_a_phrase_must_stand_as_it_is(search: Search) -> None:
    found = search('"the budget"').moments
    assert {(moment.start, moment.end) for moment in found} == {(10.0, 14.0), (150.0, 154.0)}
    assert [moment.start for moment in search('"budget for marketing"').moments] == [10.0]


def test_scopes_bind(search: Search) -> None:
    assert set(first(search("said:lisbon")).channels) == {Channel.SPEECH}
    written = search("text:lisbon").moments
    assert {moment.start for moment in written} == {25.0, 140.0}
    assert all(set(moment.channels) == {Channel.SCREEN_TEXT} for moment in written)


@pytest.mark.parametrize("query", ["sound:applause", 'sound:"fire alarm"', "applause", "a fire alarm"])
def test_sounds_are_found(search: Search, query: str) -> None:
    moment = first(search(query))
    assert moment.video_id == MEETING.video_id
    assert (moment.start, moment.end) in MEETING_SOUNDS
    assert set(moment.channels) == {Channel.SOUND}
    assert not search("sound:budget").moments


def test_two_scopes_must_hold_at_one_place(search: Search) -> None:
    result = search("said:gradient text:gradient")
    assert [(moment.start, moment.end) for moment in result.moments] == [(6.5, 12.0)]
    assert search("said:bread text:gradient").moments == ()


def test_excluded_words_take_their_places_away(search: Search) -> None:
    assert {moment.start for moment in search("lisbon").moments} >= {25.0, 140.0}
    assert [moment.start for moment in search("lisbon -layout").moments] == [140.0]
    assert COPY.video_id not in {moment.video_id for moment in search("knead dough -again").moments}
    assert [moment.start for moment in search("object:car -object:person -object:bicycle").moments] == [0.0, 50.0]


def test_object_counts(search: Search) -> None:
    def places(query: str) -> set[tuple[float, float]]:
        return {(moment.start, moment.end) for moment in search(query).moments}

    assert places("object:car") == {(0.0, 20.0), (40.0, 60.0)}
    assert places("object:car>=2") == {(10.0, 20.0), (40.0, 60.0)}
    assert places("object:cars=2") == {(40.0, 60.0)}
    assert places("object:car<1") == {(20.0, 40.0)}
    assert places("object:car object:bicycle") == {(40.0, 50.0)}
    assert places("object:people>1") == {(20.0, 30.0)}


def test_a_number_in_plain_words_prefers_that_number(search: Search) -> None:
    result = search("two cars")
    assert first(result).video_id == TRAFFIC.video_id
    assert (first(result).start, first(result).end) == (40.0, 60.0)
    assert "2 × car" in first(result).evidence[0].text
    scores = {
        moment.start: moment.score
        for moment in (*result.moments, *result.near_misses)
        if moment.video_id == TRAFFIC.video_id
    }
    assert scores[40.0] > scores[10.0] > scores[0.0]


def test_sequences_keep_their_order(search: Search) -> None:
    moment = first(search("flour then knead then oven"))
    assert ranges(moment) == [(5.0, 9.0), (20.0, 24.0), (40.0, 45.0)]
    assert (moment.start, moment.end) == (5.0, 45.0)
    assert search("oven then flour").moments == ()
    assert search("flour then[5s] knead").moments == ()
    assert first(search("flour then[11s] knead")).start == 5.0
    assert search("flour then gradient").moments == (), "both must be in one video"


def test_while_takes_the_time_of_both(search: Search) -> None:
    moment = first(search("text:lisbon while said:maria"))
    assert (moment.start, moment.end) == (30.0, 35.0)
    assert ranges(moment) == [(25.0, 45.0), (30.0, 35.0)]
    assert search("text:lisbon while said:marketing").moments == ()


def test_channels_mix_in_a_sequence(search: Search) -> None:
    moment = first(search("object:person then object:bicycle"))
    assert moment.video_id == TRAFFIC.video_id
    assert ranges(moment)[-1] == (40.0, 50.0)


def test_filters_narrow(search: Search, world: World) -> None:
    both = {moment.video_id for moment in search("knead the dough").moments}
    assert both == {COOKING.video_id, COPY.video_id}
    assert {moment.video_id for moment in search("knead video:grandmother").moments} == {COOKING.video_id}
    assert {moment.video_id for moment in search("knead", video_ids=(COPY.video_id,)).moments} == {COPY.video_id}
    assert {m.video_id for m in search(f"knead video:{COPY.video_id}").moments} == {COPY.video_id}
    assert search("knead lang:de").moments == ()
    assert first(search("see lang:de Aussicht")).video_id == GERMAN.video_id
    assert [moment.start for moment in search("said:budget after:100").moments] == [150.0]
    assert [moment.start for moment in search("said:budget before:1:40").moments] == [10.0]
    assert search("knead before:2001-01-01").moments == ()
    assert {moment.video_id for moment in search("knead after:2001-01-01").moments} == {COOKING.video_id, COPY.video_id}
    world.catalogue.set_tags(COPY.video_id, ["rerun"])
    assert {moment.video_id for moment in search("knead tag:rerun").moments} == {COPY.video_id}
    assert search("knead tag:none").moments == ()


def test_times_are_cut_to_what_was_asked_for(search: Search) -> None:
    moment = first(search("text:(gradient descent) after:5 before:12"))
    assert (moment.start, moment.end) == (5.0, 12.0)


def test_the_same_words_rank_by_how_much_of_the_text_they_are(search: Search) -> None:
    found = search("knead the dough for ten minutes until smooth").moments
    assert [moment.video_id for moment in found[:2]] == [COOKING.video_id, COPY.video_id]
    assert found[0].score > found[1].score


def test_a_title_finds_the_video_and_what_is_inside_goes_first(search: Search) -> None:
    moment = first(search("crossing cam"))
    assert (moment.video_id, moment.start, moment.end) == (TRAFFIC.video_id, 0.0, TRAFFIC.duration)
    assert set(moment.channels) == {Channel.TITLE}
    assert first(search("gradient descent")).end == 20.0


def test_misspelt_words_are_still_found(search: Search) -> None:
    assert first(search("gradiant desent")).video_id == LECTURE.video_id
    exact = first(search("gradient descent")).score
    assert first(search("gradiant desent")).score < exact


def test_each_moment_explains_itself(search: Search) -> None:
    result = search("gradient descent")
    moment = first(result)
    assert sum(moment.channels.values()) == pytest.approx(moment.score, abs=0.02)
    texts = {item.text: item for item in moment.evidence}
    shown = texts["Gradient Descent"]
    assert (shown.channel, shown.start, shown.end) == (Channel.SCREEN_TEXT, 0.0, 20.0)
    assert shown.score > 0.9
    assert any(item.channel is Channel.SPEECH and "gradient descent" in item.text for item in moment.evidence)
    assert moment.thumbnail == f"/api/v1/videos/{LECTURE.video_id}/thumbnails/0.jpg"
    assert Path(moment.path).name == LECTURE.name
    assert set(result.timings_ms) >= {"retrieve", "fuse", "describe"}
    payload = search_payload(result)
    assert payload["channels"] == {
        "visual": None,
        "speech": "subtitles:sidecar",
        "screen_text": "paddleocr:test",
        "objects": "onnx:test",
    }


def test_moments_lie_in_their_videos_and_are_ranked(search: Search) -> None:
    durations = {film.video_id: film.duration for film in FILMS}
    for query in ("budget", "car", "bread", "gradient descent", "knead then oven", "lisbon"):
        moments = search(query, min_confidence=0.0, k=50).moments
        assert [moment.score for moment in moments] == sorted((m.score for m in moments), reverse=True)
        for moment in moments:
            assert 0 <= moment.start <= moment.end <= durations[moment.video_id]
            assert 0 <= moment.confidence <= 1
            assert moment.evidence


def test_k_limits(search: Search) -> None:
    assert len(search("budget", k=1).moments) == 1
    assert len(search("budget", k=1, min_confidence=0.0).moments) == 1


def test_a_channel_that_is_off_is_told_and_not_pretended(search: Search) -> None:
    result = search("seen:(a dog on a beach)")
    assert result.moments == ()
    assert any("pictures is off" in note for note in result.notes)
    assert result.channels[Channel.VISUAL] is None


@pytest.mark.parametrize("query", ["", "   ", "\n"])
def test_an_empty_query_is_refused(search: Search, query: str) -> None:
    with pytest.raises(InvalidRequest):
        search(query)


def test_wrong_numbers_and_unknown_videos_are_refused(search: Search) -> None:
    for options in ({"k": 0}, {"k": 100_000}, {"min_confidence": 2.0}):
        with pytest.raises(InvalidRequest):
            search("bread", **options)
    with pytest.raises(NotFound):
        search("bread", video_ids=("f" * 32,))
    with pytest.raises(NotFound):
        search("bread", library="no such library")


def test_filters_without_words_say_so(search: Search) -> None:
    result = search("video:bread -knead")
    assert result.moments == ()
    assert any("what to look for" in note for note in result.notes)


HOSTILE = [
    "' OR 1=1 --",
    "'; DROP TABLE lines; --",
    "video:\"' OR ''='\"",
    'object:"car\' OR true --">=1',
    "lang:')",
    "tag:%",
    "video:%",
    "said:(a OR b) AND NOT c~2",
    "+car -bread *:* [1 TO 2] {a}",
    "\x00\x01\ud800",
    "a" * 3_000,
    "word dough " * 300,
    "object:car>=999999",
    "after:1e308 car",
    "🙂 ￼ \u202e",
    "((((((((((",
    "then then then while while",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_text_is_only_text(search: Search, query: str) -> None:
    result = search(query)
    assert not {moment.video_id for moment in result.moments} - {film.video_id for film in FILMS}
    if query.startswith(("'", 'video:"', "lang", 'object:"')):
        assert result.moments == ()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=string.printable + "„“äé日", min_size=1, max_size=40).filter(str.strip))
def test_no_text_makes_a_search_fail(service: QueryService, text: str) -> None:
    result = service.search(SearchRequest(text))
    assert all(moment.confidence >= 0.5 for moment in result.moments)


def test_searches_run_side_by_side_and_agree(service: QueryService) -> None:
    queries = ["gradient descent", "knead the dough", "two cars", "budget"] * 3
    alone = {query: [m.start for m in service.search(SearchRequest(query)).moments] for query in set(queries)}
    wrong: list[str] = []

    def run(query: str) -> None:
        if [m.start for m in service.search(SearchRequest(query)).moments] != alone[query]:
            wrong.append(query)

    threads = [threading.Thread(target=run, args=(query,)) for query in queries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_empty_library_finds_nothing_and_says_what_would_run(tmp_path: Path) -> None:
    with open_service(load_settings({"data": tmp_path / "data", "engines": NO_MODELS})) as service:
        result = service.search(SearchRequest("anything"))
        assert result.moments == ()
        assert result.near_misses == ()
        assert set(result.channels) == {Channel.VISUAL, Channel.SPEECH, Channel.SCREEN_TEXT, Channel.OBJECTS}


def test_what_is_added_or_removed_shows_in_the_next_search(tmp_path: Path) -> None:
    world = World(load_settings({"data": tmp_path / "data", "engines": NO_MODELS}), tmp_path / "films", [LECTURE])
    try:
        assert world.service.search(SearchRequest("knead")).moments == ()
        world.add(COOKING)
        assert first(world.service.search(SearchRequest("knead"))).video_id == COOKING.video_id
        world.catalogue.delete_video(COOKING.video_id)
        assert world.service.search(SearchRequest("knead")).moments == ()
    finally:
        world.close()


def test_without_a_sentence_engine_words_are_still_found(tmp_path: Path, world: World) -> None:
    world_settings = load_settings({"data": world.settings.data, "engines": {**NO_MODELS, "sentence": "off"}})
    with open_service(world_settings) as service:
        result = service.search(SearchRequest("knead the dough"))
        assert first(result).video_id == COOKING.video_id
        assert any("meaning of words" in note for note in result.notes)


def test_lines_segments_and_their_times_can_be_listed(service: QueryService) -> None:
    lines = service.lines(COOKING.video_id)
    assert [(line.start, line.end, line.text) for line in lines] == list(COOKING.said)
    assert service.lines(LECTURE.video_id, Channel.SCREEN_TEXT)[0].text == "Gradient Descent"
    assert [segment.start for segment in service.segments(COOKING.video_id)] == [0.0, 30.0, 60.0]
    assert service.segments(TRAFFIC.video_id)[0].object_counts == {"car": 3, "person": 2}
    assert service.chapters(COOKING.video_id) == ()


def test_long_videos_are_not_swallowed_by_their_titles(tmp_path: Path) -> None:
    film = scaled(MEETING, "Lisbon.mkv")
    world = World(load_settings({"data": tmp_path / "data", "engines": NO_MODELS}), tmp_path / "films", [film])
    try:
        starts = {moment.start for moment in world.service.search(SearchRequest("lisbon")).moments}
        assert starts >= {25.0, 140.0}
    finally:
        world.close()
