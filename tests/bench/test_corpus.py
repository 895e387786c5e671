"""Reading benchmark folders: odd ones too, and what is searched for which split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.evaluation.corpus import BenchQuery, CorpusVideo, read_corpus, read_queries, searched_videos
from reelseek.errors import InvalidRequest, NotFound
from tests.bench.corpora import lines_of


def test_rows_may_be_unsorted_repeated_empty_and_lack_what_is_not_needed(tmp_path: Path) -> None:
    lines_of(
        tmp_path / "corpus.jsonl",
        [
            {"video_id": 7, "start": 9, "end": 10.5, "text": "later"},
            {"video_id": 7, "start": 1.0, "end": 2.0, "text": "  first\nline ", "speaker": None, "extra": [1]},
            {"video_id": 7, "start": 9, "end": 10.5, "text": "later"},
            {"video_id": 7, "start": 4, "end": 5, "text": None},
            {"video_id": "../ü /", "start": -1, "end": 0, "text": "", "video_title": "A title"},
        ],
    )
    number, odd = read_corpus(tmp_path)
    assert [line.text for line in number.utterances] == ["first line", "later"]
    assert (number.video_id, number.title, number.splits, number.duration) == ("7", "7", frozenset(), 10.5)
    assert (odd.video_id, odd.title, odd.utterances, odd.duration) == ("../ü /", "A title", (), 0.0)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{oops", "line 2: it is no JSON"),
        ("[1]", "line 2: it is no JSON object"),
        ('{"start": 0, "end": 1, "text": "x"}', "line 2: it has no video_id"),
        ('{"video_id": "a", "start": 2, "end": 1, "text": "x"}', "line 2: it goes from 2 to 1"),
        ('{"video_id": "a", "start": "soon", "end": 1, "text": "x"}', "line 2: start and end must be seconds"),
        ('{"video_id": "a", "start": 0, "end": 1, "text": ["x"]}', "line 2: its text is no text"),
        ('{"video_id": "a", "start": NaN, "end": 1, "text": "x"}', "line 2: it goes from nan"),
    ],
)
def test_a_broken_row_is_named_by_its_line(tmp_path: Path, row: str, told: str) -> None:
    good = json.dumps({"video_id": "a", "start": 0, "end": 1, "text": "fine"})
    (tmp_path / "corpus.jsonl").write_text(f"{good}\n{row}\n", encoding="utf-8")
    with pytest.raises(InvalidRequest, match=told):
        read_corpus(tmp_path)


def test_queries_are_chosen_by_split_and_type_and_an_unknown_split_names_the_known_ones(tmp_path: Path) -> None:
    row = {"query": "x", "video_id": "a", "relevant": [[0, 1]]}
    lines_of(
        tmp_path / "queries.jsonl",
        [
            {**row, "query_id": 1, "split": "dev", "query_type": "how"},
            {**row, "query_id": 2, "split": "dev", "query_type": "why"},
            {**row, "query_id": 3, "split": "train"},
            {"query_id": 4, "query": "in no video", "split": "dev", "relevant": []},
        ],
    )
    assert [query.query_id for query in read_queries(tmp_path, "dev")] == ["1", "2", "4"]
    assert [query.query_id for query in read_queries(tmp_path, "dev", "why")] == ["2"]
    assert len(read_queries(tmp_path)) == 4
    assert read_queries(tmp_path, "dev")[2].relevant == ()
    with pytest.raises(NotFound, match="dev, train"):
        read_queries(tmp_path, "validation")
    with pytest.raises(NotFound, match="cannot be read"):
        read_queries(tmp_path / "nowhere")


def test_held_out_videos_are_searched_together_and_training_videos_by_themselves() -> None:
    def video(name: str, *splits: str) -> CorpusVideo:
        return CorpusVideo(name, name, (), frozenset(splits))

    parted = [video("a", "train"), video("b", "val"), video("c", "test"), video("d")]
    assert [item.video_id for item in searched_videos(parted, "val")] == ["b", "c", "d"]
    assert [item.video_id for item in searched_videos(parted, "train")] == ["a"]
    assert searched_videos(parted) == parted
    assert searched_videos(parted, "unknown") == parted
    strange = [BenchQuery("q", "x", "a", ((0.0, 1.0),))]
    assert [item.video_id for item in searched_videos(parted, "val", strange)] == ["a", "b", "c", "d"]
    whole = [video("a"), video("b")]
    assert searched_videos(whole, "dev") == whole
    mixed = [video("a", "train", "dev"), video("b", "dev")]
    assert searched_videos(mixed, "dev") == mixed
