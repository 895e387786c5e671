"""The generated library: the same every time, truly true, and found by the product."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.world.clips import Shot, clips_of, filmed, hum
from bench.world.make import index_world, world_settings
from bench.world.measure import ask_absent, ask_present, figures
from bench.world.truth import ABSENT, MOST_PLACES, World, absent_of, queries_of
from bench.world.vocabulary import ACTIONS, KEPT_BACK
from demo.captions import Claim
from demo.script import Speaker
from query.service import open_service

CLIPS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def shots(folder: Path) -> list[Shot]:
    return filmed(clips_of(CLIPS), folder / "clips", hum)


def test_a_seed_always_gives_the_same_world_and_a_small_one_begins_a_large_one() -> None:
    assert clips_of(4) == clips_of(9)[:4]
    assert clips_of(4) != clips_of(4, seed=2)


def test_what_is_filmed_once_is_not_filmed_again(shots: list[Shot], folder: Path) -> None:
    first = folder / "clips" / "world-0000.mp4"
    before = first.stat().st_mtime_ns
    again = filmed(clips_of(2), folder / "clips", hum)
    assert first.stat().st_mtime_ns == before
    assert [(shot.start, shot.end, shot.cues) for shot in again] == [
        (shot.start, shot.end, shot.cues) for shot in shots[: len(again)]
    ]
    assert first.with_suffix(".srt").is_file()


def test_who_talks_is_seen_too(shots: list[Shot]) -> None:
    speaker = next(shot for shot in shots if isinstance(shot.part.cut.shows, Speaker))
    assert isinstance(speaker.part.cut.shows, Speaker)
    places = World(shots).seen(Claim("person", speaker.part.cut.shows.shirt, 1))
    assert (speaker.clip, speaker.start) in {(place.video, place.start) for place in places}


def test_every_query_has_its_places_and_they_lie_in_shots(shots: list[Shot]) -> None:
    queries = queries_of(shots)
    assert {query.kind for query in queries} == {"said", "written", "seen", "long", "sequence"}
    assert len({query.query for query in queries}) == len(queries)
    ends = {shot.clip: max(other.end for other in shots if other.clip == shot.clip) for shot in shots}
    for query in queries:
        assert 1 <= len(query.places) <= MOST_PLACES
        assert all(0 <= place.start < place.end <= ends[place.video] for place in query.places)


def test_absent_queries_are_absent(shots: list[Shot]) -> None:
    absent = absent_of(shots)
    assert len(absent) == sum(ABSENT.values())
    said = " ".join(sentence.text for shot in shots for sentence in shot.part.sentences)
    assert not any(did in said for did, _ in ACTIONS[-KEPT_BACK:])
    written = [line.lower() for shot in shots for line in shot.part.written]
    quoted = [query.query.split('"')[1].lower() for query in absent if query.kind == "written" and '"' in query.query]
    assert quoted
    assert not any(text in line for text in quoted for line in written)
    assert {query.query for query in absent}.isdisjoint(query.query for query in queries_of(shots))


@pytest.mark.release
def test_a_small_world_is_found(shots: list[Shot], folder: Path) -> None:
    pytest.importorskip("open_clip")
    index_world(folder, [folder / "clips" / name for name in dict.fromkeys(shot.clip for shot in shots)])
    with open_service(world_settings(folder)) as service:
        queries = [query for query in queries_of(shots) if query.kind != "long"]
        measured = figures(ask_present(service, queries), ask_absent(service, absent_of(shots)[::4]))
    for kind, least in (("said", 0.9), ("written", 0.9), ("seen", 0.85), ("sequence", 0.8)):
        assert measured["present"][kind]["R@1"] >= least, measured["missed"]
    assert measured["absent_answered"] <= 0.1, measured["wrongly_answered"]
