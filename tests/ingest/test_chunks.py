"""A long video in chunks: the same result whoever did them, early results, and nothing left over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engines.protocols import ObjectEngine
from engines.registry import Engines
from ingest.chunks import Chunk, chunks_of, evenly
from ingest.document import load_document
from ingest.outcome import IngestOutcome
from ingest.pipeline import ingest_chunk, ingest_video
from ingest.running import in_order
from reelseek.artefacts import ArtefactStore
from reelseek.errors import NotFound
from reelseek.records import Detection, Image
from reelseek.setting_groups import IngestSettings
from reelseek.settings import Settings, load_settings
from tests.support.checkpoints import write_openclip, write_yolox
from tests.support.documents import info_of
from tests.support.media import busy, plain, slide, steady, tone, truncated, write_video

CUTS = [0.0, 6.3, 10.1, 17.0, 19.9, 24.4, 31.0]
LENGTH = 38.0


def long_video(path: Path) -> Path:
    """38 seconds: slides and pictures, cuts at `CUTS`, two of them close to the border between two chunks of 10 s."""
    red = plain((200, 30, 30), 640, 360)
    scenes = [slide("Opening words"), busy(1, 640, 360), slide("Second page"), plain((20, 90, 40), 640, 360), red]
    scenes += [slide("Third page", back="navy", ink="white"), slide("Closing words")]
    lengths = np.diff([*CUTS, LENGTH])
    return write_video(path, steady(zip(lengths, scenes, strict=True)))


def settings_for(folder: Path, chunk_seconds: float, **engines: str) -> Settings:
    off = dict.fromkeys(("visual", "sentence", "speech", "screen_text", "objects", "vlm"), "off")
    return load_settings({"data": folder, "engines": off | engines, "ingest": {"chunk_seconds": chunk_seconds}})


def run(path: Path, settings: Settings, engines: Engines, **options: Any) -> IngestOutcome:
    store = ArtefactStore(settings.artefacts_url)
    return ingest_video(path, settings=settings, engines=engines, store=store, **options)


def contents(settings: Settings, outcome: IngestOutcome) -> dict[str, bytes]:
    """All that is stored of a video under its keys, by stage and name."""
    store, found = ArtefactStore(settings.artefacts_url), {}
    for stage, key in outcome.keys.items():
        for name in store.files(outcome.video_id, stage, key):
            if name != "done.json":
                found[f"{stage}/{name}"] = store.read_bytes(outcome.video_id, stage, key, name)
    return found


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every perceiving engine but speech, as settings name it."""
    folder = tmp_path_factory.mktemp("engines")
    return {"visual": f"openclip:{write_openclip(folder / 'clip', fitted=False)}", "sentence": "minilm",
            "screen_text": "rapidocr", "objects": f"onnx:{write_yolox(folder / 'red.onnx')}"}  # fmt: skip


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, names: dict[str, str]) -> Iterator[Engines]:
    with Engines(settings_for(tmp_path_factory.mktemp("data"), 300.0, **names)) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def none(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    return Engines(settings_for(tmp_path_factory.mktemp("none"), 300.0))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_video(tmp_path_factory.mktemp("video") / "long.mp4")


def test_chunks_cover_the_video_and_a_short_rest_joins_the_last() -> None:
    settings = IngestSettings(chunk_seconds=100)
    info = info_of("0" * 32, duration=249.0)
    assert chunks_of(info, settings) == (Chunk(0, 0.0, 100.0), Chunk(1, 100.0, 249.0))
    assert [chunk.end for chunk in chunks_of(info_of("0" * 32, duration=250.0), settings)] == [100.0, 200.0, 250.0]
    assert chunks_of(info_of("0" * 32, duration=149.9), settings) == (Chunk(0, 0.0, 149.9),)
    assert chunks_of(info_of("0" * 32, duration=0.04), settings) == (Chunk(0, 0.0, 0.04),)


def test_a_bound_an_hour_is_shared_among_chunks_and_keeps_what_is_evenly_spread() -> None:
    settings = IngestSettings(chunk_seconds=100)
    assert Chunk(1, 100.0, 200.0).share(3600, settings) == 100
    assert Chunk(0, 0.0, 4.0).share(3600, settings) == 50
    assert list(evenly(range(10), 10)) == list(range(10))
    assert list(evenly(range(10), 5)) == [0, 2, 4, 6, 8]
    assert list(evenly(range(10), 0)) == []


class Counting:
    """The detector, counting the pictures that it is given."""

    def __init__(self, engine: ObjectEngine) -> None:
        self.engine, self.count = engine, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def detect(self, images: Sequence[Image], *, least: float = 0.25) -> list[tuple[Detection, ...]]:
        self.count += len(images)
        return self.engine.detect(images, least=least)


def test_objects_are_looked_for_in_so_many_pictures_an_hour_at_most(
    tmp_path: Path, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = busy(1)
    rolled = ((n / 10, np.roll(picture, 5 * n, axis=1)) for n in range(120))
    path, asked, keyframes = write_video(tmp_path / "moving.mp4", rolled), [], []
    for bound in (7200, 720, 0):
        settings = settings_for(tmp_path / str(bound), 20.0, objects=names["objects"])
        settings.ingest.object_looks_per_hour = bound
        with Engines(settings) as engines:
            detector = engines.objects()
            assert detector is not None
            counting = Counting(detector)
            monkeypatch.setattr(engines, "objects", lambda counting=counting: counting)
            document = load_document(ArtefactStore(settings.artefacts_url), run(path, settings, engines))
        asked.append(counting.count)
        keyframes.append(len(document.frames))
    assert len(set(keyframes)) == 1
    assert asked[0] - keyframes[0] > 10
    assert [count - keyframes[0] for count in asked[1:]] == [2, 0]


def test_many_workers_make_what_one_makes(tmp_path: Path, video: Path, engines: Engines, names: dict[str, str]) -> None:
    alone, shared = (settings_for(tmp_path / name, 10.0, **names) for name in ("alone", "shared"))
    first = run(video, alone, engines)
    store = ArtefactStore(shared.artefacts_url)

    def others(chunks: Sequence[Chunk], _do: Callable[[Chunk], None], done: Callable[[Chunk], bool]) -> None:
        """What other processes do: chunks in another order, one of them twice; and one is left."""
        for chunk in (chunks[3], chunks[2], chunks[0], chunks[0]):
            ingest_chunk(video, chunk.index, settings=shared, engines=engines, store=store, video_id=first.video_id)
            assert done(chunk)
        assert not done(chunks[1])

    second = run(video, shared, engines, share=others)
    assert second.keys == first.keys
    assert contents(shared, second) == contents(alone, first)
    for settings in (alone, shared):
        assert not [path for path in settings.data.rglob("*-part") if any(path.iterdir())]


def test_chunks_find_what_one_pass_finds(tmp_path: Path, video: Path, engines: Engines, names: dict[str, str]) -> None:
    documents = []
    for length in (10.0, 300.0):
        settings = settings_for(tmp_path / str(length), length, **names)
        documents.append(load_document(ArtefactStore(settings.artefacts_url), run(video, settings, engines)))
    chunked, whole = documents
    assert [shot.start for shot in chunked.shots] == pytest.approx([shot.start for shot in whole.shots], abs=1e-6)
    assert [shot.start for shot in whole.shots] == pytest.approx(CUTS, abs=0.15)
    pages = ["Opening words", "Second page", "Third page", "Closing words"]
    written = [
        [(line.text, line.start, line.end) for line in document.lines if line.text in pages] for document in documents
    ]
    assert [text for text, *_ in written[0]] == [text for text, *_ in written[1]] == pages
    assert [span[1:] for span in written[0]] == [pytest.approx(span[1:], abs=0.3) for span in written[1]]
    for frame in whole.frames:  # a chunk's first keyframe may put off the next one for half a second
        assert any(0 <= other.time - frame.time <= 0.6 for other in chunked.frames)
    assert chunked.frame_vectors is not None
    assert len(chunked.frame_vectors) == len(chunked.frames)
    assert chunked.segments[-1].end == pytest.approx(chunked.info.duration)


def test_first_chunks_are_given_early_and_replaced(
    tmp_path: Path, video: Path, engines: Engines, names: dict[str, str]
) -> None:
    settings = settings_for(tmp_path, 10.0, screen_text=names["screen_text"])
    store, seen = ArtefactStore(settings.artefacts_url), []

    def early(outcome: IngestOutcome) -> None:
        document = load_document(store, outcome)
        assert document.info.duration == pytest.approx(LENGTH, abs=0.2)
        seen.append((outcome.covered, document.segments[-1].end, [line.text for line in document.lines]))

    with Engines(settings) as loaded:
        outcome = run(video, settings, loaded, early=early)
    assert [covered for covered, *_ in seen] == [10.0, 20.0]
    assert [end for _, end, _ in seen] == [10.0, 20.0]
    assert "Second page" in seen[1][2]
    assert "Second page" not in seen[0][2]
    assert outcome.covered is None
    assert {(item.stage, item.key) for item in store.stored(outcome.video_id)} == set(outcome.keys.items())


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, video: Path, none: Engines) -> None:
    settings, left = settings_for(tmp_path, 10.0), list[float]()

    def stop(chunks: Sequence[Chunk], do: Callable[[Chunk], None], _done: Callable[[Chunk], bool]) -> None:
        in_order(chunks[:2], do, _done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(video, settings, none, share=stop)

    def count(chunks: Sequence[Chunk], do: Callable[[Chunk], None], done: Callable[[Chunk], bool]) -> None:
        left.extend(chunk.start for chunk in chunks)
        in_order(chunks, do, done)

    run(video, settings, none, share=count)
    assert left == [20.0, 30.0]


def test_chunks_may_be_without_pictures(tmp_path: Path, engines: Engines, names: dict[str, str]) -> None:
    shown = ((25.0 + time, picture) for time, picture in steady([(4.0, slide("Second page"))]))
    path = write_video(tmp_path / "radio.mkv", shown, sound=tone([(0.0, LENGTH)], LENGTH), sound_at=0.0)
    settings, early = settings_for(tmp_path, 10.0, **names), list[float | None]()
    outcome = run(path, settings, engines, early=lambda outcome: early.append(outcome.covered))
    assert early == [30.0], "of the first two chunks there is nothing to show"
    document = load_document(ArtefactStore(settings.artefacts_url), outcome)
    assert [(line.text, line.start) for line in document.lines] == [("Second page", pytest.approx(25.0, abs=0.1))]
    assert document.segments[-1].end == pytest.approx(LENGTH, abs=0.2)


def test_a_file_that_breaks_off_has_empty_last_chunks(tmp_path: Path, none: Engines) -> None:
    path = truncated(long_video(tmp_path / "cut.mkv"), 0.7)
    settings = settings_for(tmp_path / "data", 10.0)
    document = load_document(ArtefactStore(settings.artefacts_url), run(path, settings, none))
    assert 10 < document.frames[-1].time < document.info.duration < LENGTH
    assert document.segments[-1].end == pytest.approx(document.info.duration)


@pytest.mark.parametrize("suffix", ["ts", "flv"])
def test_chunks_of_containers_that_seek_badly_begin_where_they_should(
    tmp_path: Path, none: Engines, suffix: str
) -> None:
    with av.open(str(long_video(tmp_path / "a.mp4"))) as source, av.open(str(tmp_path / f"b.{suffix}"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    found = []
    for length in (10.0, 300.0):
        settings = settings_for(tmp_path / str(length), length)
        outcome = run(tmp_path / f"b.{suffix}", settings, none)
        found.append(load_document(ArtefactStore(settings.artefacts_url), outcome))
    chunked, whole = found
    assert [shot.start for shot in chunked.shots] == pytest.approx([shot.start for shot in whole.shots], abs=1e-6)
    assert len(whole.shots) == len(CUTS)


def test_a_chunk_that_there_is_not(tmp_path: Path, video: Path, none: Engines) -> None:
    settings = settings_for(tmp_path, 300.0)
    store = ArtefactStore(settings.artefacts_url)
    with pytest.raises(NotFound, match="no chunk 1"):
        ingest_chunk(video, 1, settings=settings, engines=none, store=store, video_id="0" * 32)
