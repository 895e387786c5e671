"""Parts joined over time: strict order, chained pauses, one chain for each place, proximity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query.language.terms import Days, Join
from query.ranking.runs import Run
from query.ranking.sequences import BLUR, best_chains, cut_to, join_stages, near, not_near
from query.service import SearchRequest
from reelseek.records import Channel
from reelseek.results import Evidence, Moment, SearchResult, StageMatch
from reelseek.settings import load_settings
from reelseek.wire import search_payload
from tests.query.conftest import NO_MODELS, Search
from tests.support.query_world import COOKING, LECTURE, MEETING, TRAFFIC, Film, World

THEN = Join("then")


def run(start: float, end: float, confidence: float = 0.9, *, name: str = "", video: str = "v") -> Run:
    evidence = (Evidence(Channel.SPEECH, start, end, name, confidence),)
    stages = (StageMatch(name, start, end, confidence, evidence),) if name else ()
    parts = {Channel.SPEECH: confidence}
    return Run(video, start, end, Channel.SPEECH, confidence, evidence, parts, confidence, stages)


def places(runs: list[Run]) -> list[tuple[float, float]]:
    return [(item.start, item.end) for item in runs]


def ranges(moment: Moment) -> list[tuple[float, float]]:
    return [(stage.start, stage.end) for stage in moment.stages]


def test_a_run_between_many_others_makes_one_chain_and_not_their_product() -> None:
    first = [run(10.0 * n, 10.0 * n + 1, name="a") for n in range(30)]
    second = [run(500.0, 501.0, name="b")]
    (chain,) = best_chains([first, second], [None], 50)
    assert (chain.start, chain.end) == (290.0, 501.0), "the nearest of equals"
    assert [stage.query for stage in chain.stages] == ["a", "b"]


def test_each_place_where_it_happens_is_found_with_its_own_parts() -> None:
    first = [run(100.0 * n, 100.0 * n + 5) for n in range(5)]
    second = [run(100.0 * n + 20, 100.0 * n + 25) for n in range(5)]
    third = [run(100.0 * n + 40, 100.0 * n + 45) for n in range(5)]
    found = best_chains([first, second, third], [30.0, 30.0], 50)
    assert sorted(places(found)) == [(100.0 * n, 100.0 * n + 45) for n in range(5)]


def test_pauses_count_from_the_end_of_the_part_before() -> None:
    parts = [[run(0.0, 10.0)], [run(35.0, 36.0)], [run(60.0, 61.0)]]
    assert best_chains(parts, [25.0, 24.0], 5)
    assert not best_chains(parts, [24.9, 24.0], 5)
    assert not best_chains(parts, [25.0, 23.9], 5), "not from the beginning of the chain"


def test_order_is_strict_but_for_the_blur_of_cuts() -> None:
    assert best_chains([[run(0, 10)], [run(10 - BLUR, 20)]], [None], 5)
    assert not best_chains([[run(0, 10)], [run(9, 20)]], [None], 5)
    assert not best_chains([[run(5, 6)], [run(5, 6)]], [None], 5), "one sentence is not before itself"
    assert not best_chains([[run(0, 1)], [run(5, 6, video="w")]], [None], 5)


def test_the_weakest_part_decides() -> None:
    (chain,) = best_chains([[run(0, 1)], [run(2, 3, 0.4)], [run(4, 5)]], [None, None], 5)
    assert chain.confidence == pytest.approx(0.4, abs=0.01)
    assert sum(chain.parts.values()) == pytest.approx(chain.confidence)


def test_a_surer_part_far_away_does_not_hide_a_near_one_that_is_nearly_as_sure() -> None:
    found = best_chains([[run(0, 1)], [run(5, 6, 0.85), run(3000, 3001, 0.9)]], [None], 5)
    assert places(found)[0] == (0, 6)


def test_five_parts_over_a_long_video_with_many_runs_of_each() -> None:
    groups = [[run(50.0 * n + 10 * stage, 50.0 * n + 10 * stage + 5) for n in range(200)] for stage in range(5)]
    found = best_chains(groups, [6.0] * 4, 200)
    assert len(found) > 10
    assert all(chain.end - chain.start == 45.0 for chain in found)


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 8), st.sampled_from([0.3, 0.6, 0.9])), min_size=1, max_size=5
)


@settings(max_examples=120, deadline=None)
@given(st.lists(spans, min_size=2, max_size=4), st.sampled_from([None, 5.0, 15.0]))
def test_the_first_chain_is_as_good_as_the_best_of_all_combinations(
    groups: list[list[tuple[int, int, float]]], gap: float | None
) -> None:
    stages = [[run(float(s), float(s + n), c) for s, n, c in group] for group in groups]
    gaps = [gap] * (len(stages) - 1)

    def in_order(chain: tuple[Run, ...]) -> bool:
        pairs = pairwise(chain)
        return all(
            b.start - a.end >= -BLUR and b.start > a.start and (gap is None or b.start - a.end <= gap) for a, b in pairs
        )

    possible = [min(item.confidence for item in chain) for chain in product(*stages) if in_order(chain)]
    found = best_chains(stages, gaps, 50)
    assert bool(found) == bool(possible)
    if found:
        assert found[0].confidence == pytest.approx(max(possible), rel=0.1)
    used = [(item.evidence[0].start, item.evidence[0].end, at) for at, item in enumerate(found)]
    assert len(set(used)) == len(used)


def test_while_inside_a_sequence_binds_closer() -> None:
    stages = [[run(0, 5, name="a")], [run(10, 20, name="b")], [run(15, 30, name="c")]]
    (chain,) = join_stages(stages, [THEN, Join("while")], 5)
    assert [(stage.query, stage.start) for stage in chain.stages] == [("a", 0), ("b", 10), ("c", 15)]
    assert (chain.start, chain.end) == (0, 20)


def test_near_takes_both_in_any_order_and_not_near_neither() -> None:
    a = [run(0, 5, name="a"), run(100, 105, name="a"), run(200, 205, name="a")]
    b = [run(10, 12, name="b"), run(90, 95, name="b"), run(150, 151, name="b")]
    assert sorted(places(near(a, b, 10.0, 9))) == [(0, 12), (90, 105)]
    assert [stage.query for stage in near(a, b, 10.0, 9)[0].stages] in (["a", "b"], ["b", "a"])
    assert places(not_near(a, b, 10.0)) == [(200, 205)]


def test_what_is_cut_keeps_the_evidence_that_lies_there() -> None:
    evidence = (Evidence(Channel.SPEECH, 0, 5, "strong", 0.9), Evidence(Channel.SPEECH, 6, 10, "weak", 0.45))
    whole = Run("v", 0, 10, Channel.SPEECH, 0.8, evidence, {Channel.SPEECH: 0.8})
    (cut,) = cut_to([whole], {"v": [(6.0, 20.0)]})
    assert (cut.start, cut.end, cut.evidence) == (6, 10, evidence[1:])
    assert cut.confidence == pytest.approx(0.4)
    assert cut_to([whole], {"v": [(20.0, 30.0)], "w": [(0.0, 5.0)]}) == []


TALK = Film(
    "Panel on bread.mp4",
    300.0,
    said=(
        (10.0, 14.0, "The harvest of wheat was poor this year."),
        (40.0, 44.0, "Bakers complain about the price of flour."),
        (60.0, 64.0, "The harvest of rye was better."),
        (200.0, 204.0, "The price of flour will rise again."),
    ),
    written=((35.0, 50.0, "Price index"), (190.0, 210.0, "Forecast")),
)


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("panel")
    settings_ = load_settings({"data": folder / "data", "engines": NO_MODELS})
    made = World(settings_, folder / "films", [TALK, COOKING, LECTURE, MEETING, TRAFFIC])
    yield made
    made.close()


def find(world: World, query: str) -> SearchResult:
    return world.service.search(SearchRequest(query))


@pytest.mark.parametrize(
    ("query", "film", "parts"),
    [
        ("harvest then flour", TALK, [(10.0, 14.0), (40.0, 44.0)]),
        ("harvest then flour", TALK, [(60.0, 64.0), (200.0, 204.0)]),
        ("wheat then text:index then rye then text:forecast", TALK, [(10, 14), (35, 50), (60, 64), (190, 210)]),
        ("said:flour while text:forecast", TALK, [(200.0, 204.0), (190.0, 210.0)]),
        ("wheat then said:flour while text:index", TALK, [(10.0, 14.0), (40.0, 44.0), (35.0, 50.0)]),
        ("(wheat | barley) then[30s] flour", TALK, [(10.0, 14.0), (40.0, 44.0)]),
        ("said:rye within 20s of text:index", TALK, [(35.0, 50.0), (60.0, 64.0)]),
        ("text:index within 20s of said:rye", TALK, [(35.0, 50.0), (60.0, 64.0)]),
        ("object:bicycle within 15s of object:person", TRAFFIC, [(10.0, 30.0), (40.0, 50.0)]),
    ],
)
def test_sequences_find_their_parts(panel: World, query: str, film: Film, parts: list[tuple[float, float]]) -> None:
    found = [moment for moment in find(panel, query).moments if moment.video_id == film.video_id]
    assert parts in [ranges(moment) for moment in found]


@pytest.mark.parametrize(
    "query",
    [
        "text:forecast then wheat",
        "flour then[10s] rye then[10s] forecast",
        "wheat then penguins",
        "penguins then flour",
        "wheat then flour then knead",
        "said:rye while text:forecast",
        "said:wheat within 10s of text:forecast",
        "not said:flour within 10s of text:forecast",
        "rye then wheat",
    ],
)
def test_what_did_not_happen_in_this_order_is_not_found(panel: World, query: str) -> None:
    assert find(panel, query).moments == ()


def test_without_something_near(panel: World) -> None:
    starts = [moment.start for moment in find(panel, "not text:index within 10s of said:flour").moments]
    assert 200.0 in starts
    assert 40.0 not in starts
    (moment,) = find(panel, "object:person not within 5s of object:bicycle").moments
    assert (moment.start, moment.end) == (10.0, 30.0)
    (moment,) = find(panel, "not object:bicycle within 15s of object:person").moments
    assert (moment.start, moment.end) == (10.0, 25.0), "of a state that is seen the time that is too near goes"


def test_alternatives_find_either(panel: World) -> None:
    for query in ("wheat or rye", "wheat | rye", "said:(wheat | rye)", "harvest of (wheat | rye)"):
        starts = {moment.start for moment in find(panel, query).moments if moment.video_id == TALK.video_id}
        assert starts >= {10.0, 60.0}, query
    assert find(panel, "penguins | walruses").moments == ()
    assert find(panel, "penguins or walruses").moments == ()


def test_a_sentence_with_then_is_found_where_it_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("said")
    film = Film("Talk.mp4", 60.0, said=((5.0, 9.0, "Mix the flour then bake the bread."), (20.0, 24.0, "Or not.")))
    world = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films", [film])
    try:
        moment = find(world, "mix the flour then bake the bread").moments[0]
        assert (moment.start, moment.end) == (5.0, 9.0)
        assert find(world, "mix the flour then said:bread").moments == ()
    finally:
        world.close()


def test_each_part_is_told_with_its_words_time_and_evidence(search: Search) -> None:
    result = search("said:flour then[20s] knead")
    moment = result.moments[0]
    assert [stage.query for stage in moment.stages] == ["said:flour", "knead"]
    assert [stage.evidence[0].start for stage in moment.stages] == [5.0, 20.0]
    assert all(0.5 <= stage.confidence <= 1 for stage in moment.stages)
    assert sum(item.gain for item in moment.contributions) == pytest.approx(moment.confidence, abs=1e-6)
    (payload, *_) = search_payload(result)["moments"]
    assert payload["stages"][1]["query"] == "knead"
    assert payload["stages"][1]["evidence"][0]["text"].startswith("Knead the dough")


def test_lengths_and_days_narrow(panel: World) -> None:
    def videos(query: str) -> set[str]:
        return {moment.video_id for moment in find(panel, query).moments}

    assert videos("flour") == {TALK.video_id, COOKING.video_id}
    assert videos("flour duration:>2m") == {TALK.video_id}
    assert videos("flour duration:<2m") == {COOKING.video_id}
    assert videos("flour duration:90s") == {COOKING.video_id}
    assert videos("flour added:>=2020") == {TALK.video_id, COOKING.video_id}
    assert videos("flour added:<2020") == set()
    assert videos("flour recorded:2020") == set(), "the files do not say when they were recorded"
    assert Days(date(2020, 1, 1)).holds(date(2020, 1, 1))
