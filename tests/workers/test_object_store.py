"""Artefacts in an S3-compatible store: the same life as on a disk, over the real protocol."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.reader import IndexReader
from query.service import SearchRequest, open_service
from reelseek.artefacts import ArtefactStore
from reelseek.errors import NotFound, StorageError
from reelseek.settings import Settings, load_settings
from tests.support.command import command
from tests.support.media import busy, slide, steady, write_video
from tests.support.object_store import ObjectStore, object_store
from workers.collecting import collect_garbage
from workers.indexing import Workspace, index_file, index_paths
from workers.reindexing import reindex_video
from workers.storage import storage_use
from workers.upkeep import rebuild_index

VIDEO = "a" * 32
OFF = dict.fromkeys(("visual", "speech", "screen_text", "objects"), "off")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with object_store(monkeypatch) as store:
        yield store


def _settings(tmp_path: Path, bucket: ObjectStore, **groups: Any) -> Settings:
    engines = OFF | {"sentence": "minilm"}
    return load_settings({"data": tmp_path / "data", "artefacts": bucket.url, "engines": engines, **groups})


def _film(path: Path, seed: int = 1) -> Path:
    scenes = [(5.0, busy(seed)), (5.0, slide("Minutes")), (5.0, busy(seed + 1))]
    return write_video(path, steady(scenes), cues=[(1.0, 4.0, "The lighthouse keeper counts the ships.")])


def test_a_store_of_results_needs_few_requests(bucket: ObjectStore) -> None:
    store, spent = ArtefactStore(bucket.url), bucket.requests
    assert not store.has(VIDEO, "frames", "k")
    assert spent.total() == 1, "one request says that something is not there"
    spent.clear()
    with store.write(VIDEO, "frames", "k") as writer:
        for number in range(20):
            writer.bytes(f"looks/{number}.jpg", b"x" * 1000)
        writer.bytes("empty.txt", b"")
        assert not store.has(VIDEO, "frames", "k")
    assert spent["put_object"] == 22
    assert spent.total() == 23
    spent.clear()
    assert store.has(VIDEO, "frames", "k")
    assert store.read_bytes(VIDEO, "frames", "k", "empty.txt") == b""
    assert store.sizes(VIDEO)["frames", "k"] > 20_000
    assert spent.total() <= 5
    with store.write(VIDEO, "frames", "joined") as writer:
        writer.adopt(VIDEO, "frames", "k", "looks/7.jpg", "looks/0.jpg")
    assert spent["copy_object"] == 1, "the store copies; nothing comes here"
    store.delete(VIDEO, "frames", "k")
    assert store.keys(VIDEO, "frames") == ["joined"]
    assert store.read_bytes(VIDEO, "frames", "joined", "looks/0.jpg") == b"x" * 1000
    with store.working(VIDEO):
        assert ArtefactStore(bucket.url).is_busy(VIDEO)
    assert not store.is_busy(VIDEO)
    assert store.videos() == [VIDEO]
    store.delete_video(VIDEO)
    assert store.videos() == []
    with pytest.raises(NotFound):
        store.read_bytes(VIDEO, "frames", "joined", "looks/0.jpg")


def test_what_another_process_made_is_seen_at_once(bucket: ObjectStore) -> None:
    here, there = ArtefactStore(bucket.url), ArtefactStore(bucket.url)
    assert here.stored(VIDEO) == []
    assert not here.has(VIDEO, "speech", "k")
    with there.write(VIDEO, "speech", "k") as writer:
        writer.bytes("a", b"a")
    assert here.has(VIDEO, "speech", "k")
    assert [item.stage for item in here.stored(VIDEO)] == ["speech"]


def test_a_store_that_cannot_be_used_is_told_in_one_sentence(bucket: ObjectStore) -> None:
    with (
        pytest.raises(StorageError, match="no-such-bucket"),
        ArtefactStore("s3://no-such-bucket/a").write(VIDEO, "speech", "k") as writer,
    ):
        writer.bytes("a", b"a")


def test_a_video_is_indexed_found_renewed_and_tidied(tmp_path: Path, bucket: ObjectStore) -> None:
    path = _film(tmp_path / "film.mkv")
    with Workspace.open(_settings(tmp_path, bucket)) as workspace:
        report = index_file(workspace, path)
        assert report.state == "indexed"
        video_id = report.video_id
        assert workspace.store.current(video_id)["speech"] in workspace.store.keys(video_id, "speech")
        bucket.requests.clear()
        assert index_file(workspace, path).state == "unchanged"
        assert bucket.requests.total() <= 6, bucket.requests
    assert not (tmp_path / "data" / "artefacts").exists()
    with open_service(_settings(tmp_path, bucket)) as service:
        assert service.search(SearchRequest('said:"lighthouse keeper"')).moments[0].video_id == video_id
        assert service.chapters(video_id) is not None
    rule = {"keep_replaced_days": 0}
    with Workspace.open(_settings(tmp_path, bucket, ingest={"segment_max": 6.0}, storage=rule)) as workspace:
        report = reindex_video(workspace, video_id)
        assert {run.name for run in report.stages if run.state == "done"} >= {"segments", "text_vectors"}
        assert {run.name for run in report.stages if run.state == "reused"} >= {"probe", "frames", "speech"}
        before = storage_use(workspace)
        assert before.kinds["replaced"] > 0
        found = collect_garbage(workspace)
        assert found.kinds["replaced"] >= before.kinds["replaced"]
        assert storage_use(workspace).kinds["replaced"] == 0
        assert set(workspace.store.sizes(video_id)) == set(workspace.store.current(video_id).items())
        assert rebuild_index(workspace) == 1
        assert len(IndexReader(workspace.settings).rows("lines")) > 0


def test_the_web_app_shows_pictures_that_lie_in_the_store(tmp_path: Path, bucket: ObjectStore) -> None:
    from web.app import create_app

    with Workspace.open(_settings(tmp_path, bucket)) as workspace:
        video_id = index_file(workspace, _film(tmp_path / "film.mkv")).video_id
    app = create_app(_settings(tmp_path, bucket))
    try:
        client = app.test_client()
        picture = client.get(f"/api/v1/videos/{video_id}/thumbnails/0.jpg")
        assert (picture.status_code, picture.data[:2]) == (200, b"\xff\xd8")
        assert client.get(f"/api/v1/videos/{video_id}/storyboard.vtt").data.startswith(b"WEBVTT")
    finally:
        app.extensions["reelseek"].close()


@pytest.mark.release
def test_a_process_that_is_killed_leaves_nothing_that_counts(
    tmp_path: Path, bucket: ObjectStore, demo_videos: Path
) -> None:
    path = demo_videos / "lecture-compost.mp4"
    settings = _settings(tmp_path, bucket, engines=OFF | {"sentence": "minilm", "screen_text": "rapidocr"})
    flags = [f"--set=engines.{name}={value}" for name, value in settings.engines.model_dump().items() if name in OFF]
    line = command(*flags, "--set", f"artefacts={bucket.url}", "index", str(path), data=tmp_path / "data")
    process = subprocess.Popen(line, env={**os.environ, **bucket.environment})
    store, until = ArtefactStore(bucket.url), time.monotonic() + 120
    while not (store.videos() and any(not item.complete for item in store.stored(store.videos()[0]))):
        assert time.monotonic() < until, "nothing was begun"
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    video_id = store.videos()[0]
    assert store.current(video_id) == {}
    half = [item for item in store.stored(video_id) if not item.complete]
    assert not any(store.has(video_id, item.stage, item.key) for item in half)
    with Workspace.open(settings) as workspace:
        assert {report.state for report in index_paths(workspace, [path])} == {"indexed"}
        assert all(store.has(video_id, stage, key) for stage, key in store.current(video_id).items())
        assert not store.is_busy(video_id), "the dead process counts no more"
        assert collect_garbage(workspace).busy == 0
    with open_service(settings) as service:
        assert service.search(SearchRequest("compost")).moments
