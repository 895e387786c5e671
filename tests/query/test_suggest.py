"""Completions, and near matches of words that the library does not have."""

from __future__ import annotations

import threading
import time

import pytest

from query.service import QueryService, SearchRequest
from query.texts.phonetic import sound_key
from query.texts.spelling import corrected, corrections
from query.texts.suggest import suggest
from query.texts.vocabulary import Name, Vocabularies, Vocabulary
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS, Search
from tests.support.query_world import LECTURE, Film, World

MISHEARD = Film(
    "Operations talk.mp4",
    60.0,
    said=(
        (1.0, 5.0, "We moved all services to cooper netties last year."),
        (10.0, 15.0, "The post gress machines stay where they are."),
        (20.0, 25.0, "Monitoring is done by Prometheus."),
    ),
)


def shown(service: QueryService, text: str, limit: int = 8) -> list[str]:
    return [item.text for item in service.suggest(text, limit)]


def test_words_phrases_and_names_are_completed_commonest_first(service: QueryService) -> None:
    assert shown(service, "bud")[0] == "budget"
    assert "gradient descent" in shown(service, "gradient d")
    assert "Grandmother bakes bread" in shown(service, "grandm")
    assert shown(service, "the learning r")[0] == "the learning rate"
    assert "lisbon" in [text.lower() for text in shown(service, "lis")]
    assert shown(service, "") == []
    assert shown(service, "x" * 500) == []


def test_fields_complete_what_belongs_to_them(service: QueryService) -> None:
    assert shown(service, "object:")[0] == "object:car"
    assert "object:bicycle" in shown(service, "object:b")
    assert shown(service, "said:overf") == ["said:overfitting"]
    assert 'video:"Quarterly meeting"' in shown(service, "video:quart")
    assert "lang:de" in shown(service, "lang:d")
    assert "object:" in shown(service, "ob")
    assert "red said:" in shown(service, "red sai")
    assert shown(service, "a then object:per")[0] == "a then object:person"


def test_only_from_some_videos(service: QueryService) -> None:
    inside = service.suggest("bud", 8, frozenset({LECTURE.video_id}))
    assert all(item.text != "budget" for item in inside)
    assert any(item.text == "gradient" for item in service.suggest("gra", 8, frozenset({LECTURE.video_id})))


def test_what_is_suggested_can_be_searched(service: QueryService) -> None:
    for text in ("gra", "bud", "video:q", "object:", "knead th", "grandm"):
        for item in service.suggest(text):
            result = service.search(SearchRequest(item.text, min_confidence=0.0))
            assert not any("plain words" in note for note in result.notes), item


def test_hostile_names_stay_text() -> None:
    name = 'Evil "quote" <script>\u202e\n said:x ' + "long " * 100
    vocabulary = Vocabulary.of(["plain <script> words"], [Name(name, "title"), Name(name, "object")])
    for text in ("evil", "object:ev"):
        (item, *_) = suggest(text, vocabulary, 5)
        assert "\n" not in item.text
        assert len(item.shown) <= 120
        assert '"quote"' not in item.text


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("kubernetes", "cooper netties"),
        ("postgres", "post gress"),
        ("prometeus", "Prometheus"),
        ("machnies", "machines"),
    ],
)
def test_typing_mistakes_and_misheard_names_have_a_near_match(word: str, instead: str) -> None:
    vocabulary = Vocabulary.of([text for _, _, text in MISHEARD.said])
    (found,) = corrections([word], vocabulary)
    assert found.instead == instead
    assert found.similarity < 1.0 or instead == "post gress"


def test_only_slips_and_same_sounds_are_searched_unasked() -> None:
    vocabulary = Vocabulary.of(["telling layers about visible options", "cooper netties and machines in a location"])
    for word, sure in (("kubernetes", True), ("machnies", True), ("selling", False), ("opinions", False)):
        for found in corrections([word], vocabulary):
            assert found.sure is sure, found
    assert not any(found.sure for found in corrections(["allocation", "players"], vocabulary))


def test_what_the_library_has_or_nothing_is_near_to_is_left_alone() -> None:
    vocabulary = Vocabulary.of([text for _, _, text in MISHEARD.said])
    assert corrections(["service", "moving", "machine", "penguin", "trumpet", "car", "1234"], vocabulary) == ()


def test_words_run_together_sound_the_same() -> None:
    assert sound_key("kubernetes") == sound_key("cooper netties")
    assert sound_key("photo") == sound_key("foto")
    assert sound_key("日本") == ""


def test_a_misheard_name_is_found_and_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("misheard")
    world = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films", [MISHEARD])
    try:
        result = world.service.search(SearchRequest("kubernetes"))
        assert (result.moments[0].video_id, result.moments[0].start) == (MISHEARD.video_id, 1.0)
        assert result.moments[0].confidence < 0.95
        assert any("searched for “cooper netties” as well" in note for note in result.notes)
        assert result.suggestions == ("cooper netties",)
        assert world.service.search(SearchRequest("-kubernetes machines")).suggestions == ()
        scoped = world.service.search(SearchRequest("said:kubernetes"))
        assert scoped.suggestions == ('said:"cooper netties"',)
        assert scoped.moments[0].start == 1.0
        off = load_settings({"data": folder / "data", "engines": NO_MODELS, "query": {"near_words": "off"}})
        world.service.settings = off
        assert world.service.search(SearchRequest("kubernetes")).suggestions == ()
    finally:
        world.close()


def test_what_is_published_can_be_completed_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("growing")
    world = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films", [MISHEARD])
    try:
        assert world.service.suggest("zepp") == []
        world.add(Film("Airships.mp4", 20.0, said=((1.0, 4.0, "The zeppelin rose over the lake."),)))
        deadline = time.monotonic() + 30
        while not (found := [item.text for item in world.service.suggest("zepp")]) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert found[0] == "zeppelin"
    finally:
        world.close()


def test_known_words_are_searched_as_they_are(search: Search) -> None:
    result = search("gradient descent")
    assert result.suggestions == ()
    assert not any("as well" in note for note in result.notes)


def test_a_corrected_query_keeps_everything_else() -> None:
    vocabulary = Vocabulary.of(["cooper netties"])
    found = corrections(["kubernetes"], vocabulary)
    assert corrected('"Kubernetes cluster" -budget then[5s] kubernetes', found).count("cooper netties") == 2


def test_a_vocabulary_is_built_once_for_all_who_wait() -> None:
    built: list[int] = []
    gate = threading.Event()

    def read() -> Vocabulary:
        built.append(1)
        gate.wait(10)
        return Vocabulary.of(["hello"])

    vocabularies = Vocabularies()
    assert vocabularies.get(None, 1, read, 0.0) is None
    assert vocabularies.get(None, 1, read, 0.0) is None
    gate.set()
    found = vocabularies.get(None, 1, read, 10.0)
    assert found is not None
    assert found.words == {"hello": 1}
    assert len(built) == 1


def test_a_large_vocabulary_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("query.texts.vocabulary.MAX_WORDS", 50)
    monkeypatch.setattr("query.texts.vocabulary.MAX_PAIRS", 60)
    texts = [f"common word{number} tail{number}" for number in range(400)]
    vocabulary = Vocabulary.of(texts)
    assert len(vocabulary.words) <= 50
    assert len(vocabulary.pairs) <= 60
    assert vocabulary.words["common"] == 400
