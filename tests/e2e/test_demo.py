"""The demo library from files to found moments, with the demo's own models, as `make run` does it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.truth import TrueQuery, demo_folder, demo_truth
from query.service import AskRequest, QueryService, SearchRequest, open_service
from reelseek.records import Channel
from reelseek.settings import load_settings
from tests.support.command import run_reelseek

TRUTH = demo_truth()


@pytest.fixture(scope="module")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("demo")
    result = run_reelseek("demo", "--index-only", data=data, timeout=850)
    assert result.returncode == 0, result.stderr
    return data


@pytest.fixture(scope="module")
def service(demo_data: Path) -> Iterator[QueryService]:
    with open_service(load_settings({"data": demo_data})) as opened:
        yield opened


def of_kind(*kinds: str) -> list[TrueQuery]:
    return [true for true in TRUTH if true.kind in kinds]


@pytest.mark.parametrize("true", of_kind("spoken", "written"), ids=lambda true: f"{true.kind}: {true.query}")
def test_every_spoken_and_written_query_finds_its_moment_first(service: QueryService, true: TrueQuery) -> None:
    result = service.search(SearchRequest(query=true.query))
    found = [(moment.title, moment.start, moment.end, moment.confidence) for moment in result.moments[:3]]
    assert true.rank(result.moments) == 1, f"wanted {true.places}, found {found}"


def test_nearly_every_seen_query_finds_its_moment_first(service: QueryService) -> None:
    ranks = {true.query: true.rank(service.search(SearchRequest(query=true.query)).moments) for true in of_kind("seen")}
    assert sum(rank == 1 for rank in ranks.values()) >= 0.9 * len(ranks), ranks


@pytest.mark.parametrize("kind", sorted({true.kind for true in TRUTH} - {"spoken", "written", "seen"}))
def test_most_queries_for_objects_and_sequences_find_their_moment_first(service: QueryService, kind: str) -> None:
    ranks = {true.query: true.rank(service.search(SearchRequest(query=true.query)).moments) for true in of_kind(kind)}
    assert sum(rank == 1 for rank in ranks.values()) >= 0.8 * len(ranks), ranks


def test_every_moment_of_every_query_says_how_its_confidence_came_about(service: QueryService) -> None:
    for true in TRUTH:
        result = service.search(SearchRequest(query=true.query))
        for moment in (*result.moments, *result.near_misses):
            gains = [part.gain for part in moment.contributions]
            assert gains, true.query
            assert sum(gains) == pytest.approx(moment.confidence, abs=1e-6), true.query
            assert moment.place is not None
            assert moment.place.segment >= 1
        assert all(moment.shortfall for moment in result.near_misses)


def test_the_truth_has_several_queries_of_every_kind() -> None:
    assert all(len(of_kind(kind)) >= 5 for kind in ("spoken", "written", "seen", "present"))


@pytest.mark.parametrize(
    "query", ["purple elephant parade in Venice", "the quarterly tax audit of the navy", "zxqv wplk"]
)
def test_what_is_not_in_the_library_is_not_found(service: QueryService, query: str) -> None:
    assert service.search(SearchRequest(query=query)).moments == ()


def test_results_say_that_the_demo_s_own_models_made_them(service: QueryService) -> None:
    result = service.search(SearchRequest(query="two red circles"))
    assert result.channels[Channel.VISUAL] == "openclip:demo"
    assert any("drawn scenes" in note for note in result.notes), result.notes


def test_every_command_on_the_demo_s_folder_uses_its_models_and_doctor_says_why(demo_data: Path) -> None:
    found = json.loads(run_reelseek("search", "two red circles", "--json", data=demo_data).stdout)
    assert found["channels"]["visual"] == "openclip:demo"
    looked = json.loads(run_reelseek("doctor", "--json", data=demo_data).stdout)
    file = str(demo_data / "reelseek.toml")
    assert looked["settings_files"] == [file]
    assert looked["settings"]["engines.demo_models"] == {"value": "True", "origin": file}


def test_the_demo_is_kept_out_of_a_folder_with_other_videos(tmp_path: Path, demo_videos: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(min(video_files(), key=lambda path: path.stat().st_size), mine)
    assert run_reelseek("--set", "engines.screen_text=off", "index", str(mine), data=tmp_path / "data").returncode == 0
    refused = run_reelseek("demo", "--index-only", data=tmp_path / "data")
    assert refused.returncode == 2
    assert "holds other videos" in refused.stderr
    assert not (tmp_path / "data" / "reelseek.toml").exists()


def test_a_question_is_answered_with_citations_inside_the_retrieved_moments(service: QueryService) -> None:
    asked = of_kind("spoken")[0]
    answer = service.ask(AskRequest(question=f"What is said about {asked.query}?"))
    assert not answer.abstained
    assert answer.citations
    for citation in answer.citations:
        assert any(
            moment.video_id == citation.video_id and moment.start - 1 <= citation.start <= moment.end + 1
            for moment in answer.moments
        )


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("How many tests passed?", "14 passed"),
        ("How many steps does the lighthouse have?", "188 steps to the top"),
        ("How often does the bus to the station come?", "every twenty minutes"),
        ("When is the lighthouse open?", "May to October"),
        ("How hot does the heap get?", "sixty five degrees"),
        ("How long may I leave my car?", "two hours"),
        ("How many shelves does the warehouse have?", "shelves = 48"),
        ("How many years did the grandfather light the lamp?", "thirty one years"),
        ("How much compost per square metre?", "Two buckets"),
        ("Who asked for a bigger kitchen?", "doctors"),
        ("Why does the heap smell?", "without air"),
        ("Where can I park my car?", "Behind the church"),
        ("What attracts rats?", "Meat"),
        ("What does the slide about common mistakes say?", "Too wet"),
        ("Was a ship lost in the storm?", "not a single ship"),
        ("How many cars are there?", "3 × car"),
    ],
)
def test_what_a_newcomer_asks_is_answered_first_of_all(service: QueryService, question: str, quoted: str) -> None:
    first, *_ = service.ask(AskRequest(question)).answer.split("\n")
    assert quoted in first


def test_what_comes_after_something_is_read_out_behind_it(service: QueryService) -> None:
    answer = service.ask(AskRequest("What comes after the bacteria?")).answer
    assert answer.index("Bacteria come first") < answer.index("fungi break down") < answer.index("sixty five degrees")


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Mongolia?",
        "How many elephants are there?",
        "When does the train leave?",
        "How much does a ticket cost?",
        "How long is the bridge?",
        "What is the wifi password?",
        "what is this",
    ],
)
def test_what_the_demo_does_not_say_is_not_answered(service: QueryService, question: str) -> None:
    answer = service.ask(AskRequest(question))
    assert answer.abstained, answer.answer


def test_a_second_run_does_nothing_and_says_so(demo_data: Path, service: QueryService) -> None:
    result = run_reelseek("demo", "--index-only", data=demo_data)
    assert result.returncode == 0
    assert "no model ran" in result.stderr
    assert f"{len(video_files())} unchanged" in result.stderr


def test_the_json_of_search_and_ask_has_the_documented_keys(demo_data: Path) -> None:
    found = json.loads(run_reelseek("search", of_kind("written")[0].query, "--json", data=demo_data).stdout)
    assert {"query", "took_ms", "channels", "moments"} <= set(found)
    assert set(found["moments"][0]) >= {
        "video_id", "title", "path", "start", "end", "score", "confidence", "thumbnail", "channels", "evidence",
    }  # fmt: skip
    assert set(found["moments"][0]["evidence"][0]) == {"channel", "start", "end", "text", "score"}
    asked = json.loads(run_reelseek("ask", of_kind("spoken")[0].query, "--json", data=demo_data).stdout)
    assert {"question", "answer", "abstained", "engine", "citations", "moments"} <= set(asked)


def video_files() -> list[Path]:
    return [path for path in demo_folder().iterdir() if path.suffix in {".mp4", ".mkv", ".webm", ".mov"}]
