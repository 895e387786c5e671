"""What the index finds, and what it must never do with what it is asked."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from index.reader import IndexReader, Scope
from index.scope import HasObject, Not, OneOf, Overlaps
from index.writer import IndexWriter
from reelseek.errors import InvalidRequest, SpaceMismatch
from reelseek.settings import Settings
from tests.support.documents import TEXT, VISUAL, document_of

SAID = ("the red car is here", "a car that is red", "nothing to see", "東京タワーは高い")
HOSTILE = "' OR 1=1 --"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> IndexReader:
    """Two videos; no test may write here."""
    settings = Settings(data=tmp_path_factory.mktemp("index"))
    writer = IndexWriter(settings)
    writer.publish(document_of("a", SAID, cars=(0, 1, 2, 3), title="Traffic in Lisbon"), "first")
    writer.publish(document_of("b", ("guten Tag", "the car"), language="de", seed=1), "second")
    writer.maintain()
    return IndexReader(settings)


def test_an_index_that_was_never_written_finds_nothing(settings: Settings) -> None:
    reader = IndexReader(settings)
    assert reader.search_text("lines", "car", 5) == []
    assert reader.search_vectors("frames", "visual", np.ones(8, np.float32), 5, space=VISUAL) == []
    assert reader.rows("segments") == []
    assert reader.scan_vectors("frames", "visual", space=VISUAL)[1].shape == (0, 8)
    assert reader.count("lines") == 0
    assert reader.space("frames", "visual") is None
    assert not settings.index_path.exists(), "reading must not make anything"


def test_the_nearest_vector_comes_first_with_its_cosine(reader: IndexReader) -> None:
    vectors = document_of("a", SAID).frame_vectors
    assert vectors is not None
    hits = reader.search_vectors("frames", "visual", vectors[2], 3, space=VISUAL)
    assert (hits[0].row["video_id"], hits[0].row["frame_index"]) == ("a", 2)
    assert hits[0].score == pytest.approx(1.0, abs=2e-3)
    assert hits[1].score == pytest.approx(float(vectors[2] @ _vector_of(reader, hits[1].row)), abs=5e-3)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def _vector_of(reader: IndexReader, row: dict[str, object]) -> np.ndarray:
    rows, vectors = reader.scan_vectors("frames", "visual", space=VISUAL)
    place = [(item["video_id"], item["frame_index"]) for item in rows].index((row["video_id"], row["frame_index"]))
    return vectors[place]


def test_a_phrase_needs_its_words_side_by_side(reader: IndexReader) -> None:
    assert {hit.row["text"] for hit in reader.search_text("lines", "red car", 9)} == {SAID[0], SAID[1], "the car"}
    assert [hit.row["text"] for hit in reader.search_text("lines", "red car", 9, phrase=True)] == [SAID[0]]
    assert {hit.row["text"] for hit in reader.search_text("lines", "is red", 9, every_word=True)} == set(SAID[:2])


def test_words_are_found_in_scripts_without_spaces_in_other_forms_and_with_typing_errors(reader: IndexReader) -> None:
    assert reader.search_text("lines", "東京", 3)[0].row["text"] == SAID[3]
    assert reader.search_text("lines", "CARS", 3)[0].row["video_id"] in {"a", "b"}
    assert reader.search_text("lines", "gutn", 3) == []
    assert reader.search_text("lines", "gutn", 3, fuzziness=1)[0].row["text"] == "guten Tag"


def test_a_title_is_found_as_a_line_over_the_whole_video(reader: IndexReader) -> None:
    row = reader.search_text("lines", "lisbon", 3)[0].row
    assert (row["channel"], row["start"], row["end"]) == ("title", 0.0, 40.0)


@pytest.mark.parametrize("text", ["", "   ", '!?"', "(", "\0", "\udc80", '"unclosed', "a AND (b OR", "text:*", "~9^"])
def test_no_text_is_a_syntax_error(reader: IndexReader, text: str) -> None:
    for phrase in (False, True):
        assert isinstance(reader.search_text("lines", text, 3, phrase=phrase), list)


def test_scopes_narrow_every_kind_of_read(reader: IndexReader) -> None:
    at_least_two = Scope(where=(HasObject("car", 2),))
    assert [row["segment_index"] for row in reader.rows("segments", at_least_two)] == [2, 3]
    assert reader.count("frames", Scope(where=(HasObject("car", 3),))) == 1
    assert reader.count("frames", Scope(where=(Not(HasObject("car")),))) == 3
    german = Scope(where=(OneOf("language", ("de",)),))
    assert {hit.row["video_id"] for hit in reader.search_text("lines", "car", 9, german)} == {"b"}
    assert reader.count("segments", Scope(where=(Overlaps(12.0, 14.0),))) == 2
    only = Scope(video_ids=frozenset({"b"}))
    assert {row["video_id"] for row in reader.scan_vectors("frames", "visual", only, space=VISUAL)[0]} == {"b"}
    assert reader.rows("lines", Scope(video_ids=frozenset())) == []
    assert reader.count("lines", Scope(hidden=frozenset({"first"}))) == 3


def test_rows_come_in_the_order_of_time_with_the_columns_that_were_asked_for(reader: IndexReader) -> None:
    rows = reader.rows("segments", Scope(video_ids=frozenset({"a"})), columns=("start", "speech"))
    assert rows == [{"start": 10.0 * i, "speech": text} for i, text in enumerate(SAID)]
    with pytest.raises(InvalidRequest):
        reader.rows("segments", columns=("start; DROP TABLE",))
    with pytest.raises(InvalidRequest):
        reader.search_text("lines", "x", 3, columns=("video_id",))


@pytest.mark.parametrize("value", [HOSTILE, "'", "''", '"', "\\", "%", "a'); DELETE FROM lines; --", "\n", "東京", ""])
def test_a_hostile_value_is_only_a_value(reader: IndexReader, value: str) -> None:
    before = reader.count("lines")
    assert reader.count("lines", Scope(video_ids=frozenset({value}))) == 0
    assert reader.count("lines", Scope(hidden=frozenset({value}))) == before
    assert reader.count("lines", Scope(where=(OneOf("language", (value,)),))) in (0, 2)  # the titles have none
    assert reader.count("segments", Scope(where=(HasObject(value),))) == 0
    with pytest.raises(InvalidRequest):
        reader.count("lines", Scope(where=(OneOf(value, ("x",)),)))


def test_a_hostile_id_is_stored_and_found_as_it_is(settings: Settings) -> None:
    writer, reader = IndexWriter(settings), IndexReader(settings)
    writer.publish(document_of(HOSTILE, ('it\'s "quoted"',)), HOSTILE)
    writer.publish(document_of("other"), "other")
    assert reader.count("lines", Scope(video_ids=frozenset({HOSTILE}))) == 2
    assert reader.count("lines", Scope(hidden=frozenset({HOSTILE}))) == 2
    writer.purge([HOSTILE])
    assert {row["video_id"] for row in reader.rows("lines")} == {"other"}


def test_what_another_process_writes_is_seen_at_once_and_a_snapshot_stays_as_it_was(settings: Settings) -> None:
    writer, reader = IndexWriter(settings), IndexReader(settings)
    writer.publish(document_of("a"), "1")
    snapshot = reader.snapshot()
    writer.publish(document_of("b"), "2")
    assert reader.count("segments") == 2
    assert snapshot.count("segments") == 1
    assert reader.snapshot().version != snapshot.version
    assert reader.snapshot().version == reader.snapshot().version


def test_a_reader_serves_many_threads(reader: IndexReader) -> None:
    found: list[int] = []

    def look() -> None:
        found.extend(len(reader.snapshot().search_text("lines", "car", 9)) for _ in range(5))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3] * 40


def test_a_space_that_nothing_was_embedded_with_is_refused(reader: IndexReader) -> None:
    with pytest.raises(SpaceMismatch, match="index"):
        reader.search_vectors("frames", "visual", np.ones(6, np.float32), 3, space=TEXT)
    with pytest.raises(SpaceMismatch):
        reader.search_vectors("frames", "visual", np.ones(5, np.float32), 3, space=VISUAL)
