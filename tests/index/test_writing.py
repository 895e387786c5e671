"""Publishing, vector spaces, the writers' lock, damage, rebuilding, maintenance."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from index.reader import IndexReader, Scope
from index.schema import COLUMNS
from index.scope import HasEvent, HasObject
from index.store import connect, current_generation
from index.writer import IndexWriter
from library.catalogue import Catalogue, open_catalogue
from library.records import Counts
from reelseek.errors import IndexBusy, IndexDamaged, JobLost, SpaceMismatch
from reelseek.records import Box, Channel, EngineRef, ObjectTrack, PathPoint, VectorSpace
from reelseek.settings import Settings, load_settings
from tests.support.documents import TEXT, VISUAL, document_of, info_of

NEWER = VectorSpace("openclip:large@2", 8)


def _record(catalogue: Catalogue, folder: Path, video_id: str) -> None:
    path = folder / f"{video_id}.mp4"
    path.write_bytes(video_id.encode())
    catalogue.record_video(info_of(video_id), path)


def test_rows_are_unseen_until_the_catalogue_flips_and_then_replace_the_old_ones(
    settings: Settings, tmp_path: Path
) -> None:
    writer, reader = IndexWriter(settings), IndexReader(settings)
    with open_catalogue(settings) as catalogue:
        _record(catalogue, tmp_path, "a")

        def seen() -> list[str]:
            snapshot = reader.snapshot(catalogue.visibility)
            speech = [row["speech"] for row in snapshot.rows("segments")]
            texts = [row["text"] for row in snapshot.rows("lines") if row["channel"] == "speech"]
            assert speech == texts
            return speech

        first = catalogue.begin_ingest("a", "f1")
        writer.publish(document_of("a", ("one", "two")), first)
        assert seen() == []
        catalogue.publish(first, Counts(2, 2, 2), {})
        assert seen() == ["one", "two"]
        second = catalogue.begin_ingest("a", "f2")
        writer.publish(document_of("a", ("three",)), second)
        assert seen() == ["one", "two"]
        catalogue.publish(second, Counts(1, 1, 1), {})
        assert seen() == ["three"]
        assert catalogue.stale_ingests(grace=0) == [first]
        writer.purge([first])
        catalogue.forget_ingests([first])
        assert seen() == ["three"]
        assert reader.ingest_ids() == {second}


def test_a_reader_never_sees_half_a_video_or_twice_while_it_is_published_over_and_over(
    settings: Settings, tmp_path: Path
) -> None:
    """Each generation of the video says its number in every row; a reader must meet one number, in all tables."""
    writer, done, seen = IndexWriter(settings), threading.Event(), list[str]()
    with open_catalogue(settings) as catalogue:
        _record(catalogue, tmp_path, "a")

        def publish(number: int) -> None:
            ingest = catalogue.begin_ingest("a", str(number))
            writer.publish(document_of("a", (f"take {number}",) * 3), ingest)
            catalogue.publish(ingest, Counts(3, 3, 3), {})
            stale = catalogue.stale_ingests(grace=0)
            writer.purge(stale)
            catalogue.forget_ingests(stale)

        def read() -> None:
            reader = IndexReader(settings)
            while not done.is_set():
                snapshot = reader.snapshot(catalogue.visibility)
                segments = [row["speech"] for row in snapshot.rows("segments")]
                lines = [hit.row["text"] for hit in snapshot.search_text("lines", "take", 99)]
                frames = snapshot.count("frames")
                if not (len(segments) == len(lines) == frames == 3 and len({*segments, *lines}) == 1):
                    seen.append(f"{segments} {lines} {frames}")

        publish(0)
        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(1, 15):
            publish(number)
        done.set()
        for thread in threads:
            thread.join()
    assert seen == []


def test_rows_of_a_writer_that_died_before_the_flip_stay_unseen_and_are_purged(
    settings: Settings, tmp_path: Path
) -> None:
    reader = IndexReader(settings)
    with open_catalogue(settings) as catalogue:
        _record(catalogue, tmp_path, "a")
        dead = catalogue.begin_ingest("a", "f")
        process = multiprocessing.get_context("spawn").Process(target=_publish_and_die, args=(settings.data, dead))
        process.start()
        process.join()
        assert process.exitcode == -9
        assert reader.count("segments") == 2
        assert reader.snapshot(catalogue.visibility).count("segments") == 0
        again = catalogue.begin_ingest("a", "f")  # the next attempt gives the dead one up
        assert catalogue.stale_ingests(grace=0) == [dead]
        IndexWriter(settings).purge([dead])
        catalogue.forget_ingests([dead])
        assert reader.count("segments") == 0
        with pytest.raises(JobLost):
            catalogue.publish(dead, Counts(), {})
        catalogue.publish(again, Counts(), {})


def _publish_and_die(data: Path, ingest_id: str) -> None:
    import os
    import signal

    IndexWriter(load_settings({"data": data})).publish(document_of("a", ("one", "two")), ingest_id)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_library_moves_to_another_model_one_video_at_a_time_without_mixing(settings: Settings) -> None:
    writer, reader = IndexWriter(settings), IndexReader(settings)
    writer.publish(document_of("a"), "a1")
    writer.publish(document_of("b"), "b1")
    writer.publish(document_of("a", visual=NEWER), "a2")
    query = np.ones(8, np.float32)
    hidden = Scope(hidden=frozenset({"a1"}))
    assert {
        hit.row["ingest_id"] for hit in reader.search_vectors("frames", "visual", query, 9, hidden, space=VISUAL)
    } == {"b1"}
    assert {
        hit.row["ingest_id"] for hit in reader.search_vectors("frames", "visual", query, 9, hidden, space=NEWER)
    } == {"a2"}
    with pytest.raises(SpaceMismatch, match="which one"):
        reader.search_vectors("frames", "visual", query, 9)
    writer.publish(document_of("b", visual=NEWER), "b2")
    writer.purge(["a1", "b1"])
    writer.maintain()
    assert reader.spaces("frames", "visual") == (NEWER,)
    assert reader.count("frames") == 2


def test_vectors_that_do_not_fit_their_space_are_refused_before_anything_is_written(settings: Settings) -> None:
    writer, reader = IndexWriter(settings), IndexReader(settings)
    good = document_of("a", ("one", "two"))
    for bad in (
        replace(good, visual_space=VectorSpace("openclip:small@1", 16)),
        replace(good, visual_space=None),
        replace(good, line_vectors=np.ones((1, TEXT.dimension), np.float32)),
    ):
        with pytest.raises(SpaceMismatch):
            writer.publish(bad, "bad")
    assert reader.count("segments") == reader.count("lines") == 0


def test_rows_without_a_vector_are_found_by_words_and_never_by_vectors(settings: Settings) -> None:
    document = document_of("a", ("one", "two"))
    assert document.segment_text_vectors is not None
    document.segment_text_vectors[1] = 0
    IndexWriter(settings).publish(document, "1")
    reader = IndexReader(settings)
    hits = reader.search_vectors("segments", "text", np.ones(6, np.float32), 9, space=TEXT)
    assert [hit.row["segment_index"] for hit in hits] == [0]
    assert len(reader.search_text("segments", "two", 9)) == 1
    rows, vectors = reader.scan_vectors("segments", "text", space=TEXT)
    assert (len(rows), vectors.shape) == (1, (1, 6))


def test_writers_of_several_processes_wait_for_one_another_and_lose_nothing(settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_publish_some, args=(settings.data, number)) for number in range(2)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0, 0]
    rows = IndexReader(settings).rows("segments", columns=("ingest_id",))
    assert sorted(row["ingest_id"] for row in rows) == sorted(f"{n}-{i}" for n in range(2) for i in range(5))


def _publish_some(data: Path, number: int) -> None:
    writer = IndexWriter(load_settings({"data": data}))
    for index in range(5):
        writer.publish(document_of(f"v{number}{index}"), f"{number}-{index}")


def test_a_lock_that_is_not_let_go_is_told(settings: Settings) -> None:
    busy = settings.model_copy(update={"index": settings.index.model_copy(update={"lock_timeout": 0.2})})
    settings.data.mkdir(parents=True)
    with FileLock(settings.data / "index.lock"), pytest.raises(IndexBusy, match=r"0 s"):
        IndexWriter(busy).publish(document_of("a"), "1")


def test_a_damaged_table_is_noticed_and_made_again_while_readers_stay(settings: Settings) -> None:
    writer, reader = IndexWriter(settings), IndexReader(settings)
    documents = [(document_of("a", ("one", "two")), "1"), (document_of("b", ("three",)), "2")]
    for document, ingest in documents:
        writer.publish(document, ingest)
    assert writer.validate() == {"segments": 3, "frames": 3, "lines": 5}
    generation = settings.index_path / str(current_generation(settings.index_path))
    for file in (generation / "segments.lance" / "data").iterdir():
        file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(IndexDamaged, match="reelseek index --rebuild"):
        writer.validate()
    with pytest.raises(IndexDamaged):
        IndexReader(settings).rows("segments")
    assert writer.rebuild(iter(documents)) == 2
    assert writer.validate() == {"segments": 3, "frames": 3, "lines": 5}
    assert [row["speech"] for row in reader.rows("segments")] == ["one", "two", "three"]
    assert not generation.exists()


def test_a_rebuild_that_fails_leaves_the_old_tables(settings: Settings) -> None:
    writer, reader = IndexWriter(settings), IndexReader(settings)
    writer.publish(document_of("a"), "1")

    def broken() -> object:
        yield document_of("b"), "2"
        raise OSError("the artefacts are gone")

    with pytest.raises(Exception, match="gone"):
        writer.rebuild(broken())  # type: ignore[arg-type]
    assert {row["video_id"] for row in reader.rows("segments")} == {"a"}
    assert len(list(settings.index_path.glob("tables-*"))) == 1


def test_a_missing_table_is_damage(settings: Settings) -> None:
    import shutil

    writer = IndexWriter(settings)
    writer.publish(document_of("a"), "1")
    shutil.rmtree(settings.index_path / str(current_generation(settings.index_path)) / "lines.lance")
    with pytest.raises(IndexDamaged, match="lines"):
        writer.validate()
    with pytest.raises(IndexDamaged):
        writer.publish(document_of("b"), "2")


def test_maintenance_builds_the_vector_index_and_results_stay_the_same(settings: Settings) -> None:
    small = settings.model_copy(update={"index": settings.index.model_copy(update={"vector_index_rows": 1000})})
    writer, reader = IndexWriter(small), IndexReader(small)
    cars = [1 if index % 100 == 0 else 0 for index in range(600)]
    for number in range(2):
        words = tuple(f"sentence {number} {index}" for index in range(600))
        writer.publish(document_of(f"v{number}", words, cars=cars, seed=number), f"i{number}")
    queries = document_of("v0", ("x",) * 600).frame_vectors
    assert queries is not None
    narrow = Scope(where=(HasObject("car"),))

    def found(scope: Scope) -> list[list[tuple[str, int]]]:
        return [
            [
                (hit.row["video_id"], hit.row["frame_index"])
                for hit in reader.search_vectors("frames", "visual", query, 5, scope, space=VISUAL)
            ]
            for query in queries[:20]
        ]

    exact, exact_narrow = found(Scope()), found(narrow)
    done = writer.maintain()
    assert "built the vector index" in done["frames"]
    indexed = found(Scope())
    same = sum(len(set(a) & set(b)) for a, b in zip(exact, indexed, strict=True))
    assert same >= 95, "recall at 5 against exact search, of 100"
    assert found(narrow) == exact_narrow, "a narrow scope is searched exactly"
    assert len(exact_narrow[0]) == 5


def test_the_label_index_is_really_used(settings: Settings) -> None:
    """It is skipped in silence when the list's child has another name than Arrow's own."""
    IndexWriter(settings).publish(document_of("a", ("x",) * 3, cars=(0, 1, 2)), "1")
    IndexWriter(settings).maintain(force=True)
    folder = settings.index_path / str(current_generation(settings.index_path))
    table = connect(folder, fresh=True).open_table("segments")
    plan = table.search().where("array_has(objects, 'car>=2')").explain_plan(True)
    assert "ScalarIndexQuery" in plan
    assert "objects_idx" in plan


def test_maintenance_bounds_the_number_of_files(settings: Settings) -> None:
    writer = IndexWriter(settings)
    for number in range(55):
        writer.publish(document_of(f"v{number}"), str(number))
    started = time.monotonic()
    done = writer.maintain()
    assert "folded in" in done["segments"], started
    folder = settings.index_path / str(current_generation(settings.index_path))
    table = connect(folder, fresh=True).open_table("segments")
    assert table.stats()["fragment_stats"]["num_fragments"] < 5
    assert len(IndexReader(settings).rows("segments")) == 55
    assert writer.maintain() == {}


def test_a_table_of_an_older_version_gets_the_new_columns_and_is_read_before_and_after(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = IndexWriter(settings), IndexReader(settings)
    since = {"typical_counts", "tracks"}
    with monkeypatch.context() as older:
        columns = {name: kind for name, kind in COLUMNS["segments"].items() if name not in since}
        older.setitem(COLUMNS, "segments", columns)
        writer.publish(document_of("a", cars=[2]), "i1")
    (row,) = reader.rows("segments")
    assert row["tracks"] is None
    assert [hit.row["speech"] for hit in reader.search_text("segments", "hello", 5)] == ["hello there"]
    writer.publish(document_of("b"), "i2")
    assert [row["tracks"] for row in reader.rows("segments")] == [None, ""]


def test_a_segment_holds_its_part_of_each_track_and_what_comes_and_goes(settings: Settings) -> None:
    start, end = Box(0.0, 0.4, 0.2, 0.6), Box(0.8, 0.4, 1.0, 0.6)
    car = ObjectTrack(0, "car", 0.9, 5.0, 15.0, "left", "right", (PathPoint(5.0, start), PathPoint(15.0, end)))
    engine = EngineRef("onnx:x", "f")
    document = document_of("a", ("one", "two", "three"), cars=[1, 1, 0])
    document = replace(document, tracks=(car,), channels={**document.channels, Channel.OBJECTS: engine})
    writer, reader = IndexWriter(settings), IndexReader(settings)
    writer.publish(document, "i1")
    first, second, third = reader.rows("segments")
    assert first["objects"] == ["car>=1", "car enters"]
    assert second["objects"] == ["car>=1", "car leaves"]
    (part,) = json.loads(second["tracks"])
    assert (part["start"], part["end"]) == (5.0, 15.0), "times are those of the whole track"
    assert [point["time"] for point in part["path"]] == [10.0, 15.0]
    assert part["path"][0]["box"]["left"] == pytest.approx(0.4)
    assert third["tracks"] == "[]"
    scope = Scope(where=(HasEvent("car", "leaves"),))
    assert [row["segment_index"] for row in reader.rows("segments", scope)] == [1]
