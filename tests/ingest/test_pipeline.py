"""The whole way from a file to a document: what is found, what is reused, what a stopped run leaves."""

from __future__ import annotations

import dataclasses
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ingest.opening
from engines.protocols import Progress, SpeechEngine, no_progress
from engines.registry import Engines
from ingest.document import load_document, vector_space
from ingest.outcome import IngestOutcome
from ingest.pipeline import ingest_video
from ingest.storage import STAGES, unpacked
from reelseek.artefacts import ArtefactStore
from reelseek.errors import Cancelled, EngineUnavailable, MediaError, NotFound
from reelseek.records import Audio, Channel, TimedText, Word
from reelseek.settings import Settings, load_settings
from tests.support.checkpoints import write_openclip, write_yolox
from tests.support.media import busy, plain, slide, steady, tone, tone_spans, truncated, write_video

OFF = dict.fromkeys(("visual", "sentence", "speech", "speakers", "sounds", "screen_text", "objects", "vlm"), "off")
UNHEARD = dict.fromkeys(("speakers", "sounds"), "off")
"""Of a video without sound."""
SRT = (
    "1\n00:00:01,000 --> 00:00:03,000\nWelcome to the harbour.\n\n"
    "2\n00:00:08,000 --> 00:00:10,000\nNow the lighthouse.\n"
)


def settings_with(folder: Path, **engines: str) -> Settings:
    return load_settings({"data": folder / "data", "engines": OFF | engines})


def states(outcome: IngestOutcome) -> dict[str, str]:
    return {stage.name: stage.state for stage in outcome.stages}


def run(path: Path, settings: Settings, **options: Any) -> IngestOutcome:
    store = ArtefactStore(settings.artefacts_url)
    with Engines(settings) as engines:
        return ingest_video(path, settings=settings, engines=engines, store=store, **options)


@dataclasses.dataclass(frozen=True)
class Indexed:
    """A slide video that real engines have taken apart."""

    path: Path
    settings: Settings
    outcome: IngestOutcome
    events: list[tuple[str, float]]

    @property
    def store(self) -> ArtefactStore:
        return ArtefactStore(self.settings.artefacts_url)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    folder = tmp_path_factory.mktemp("indexed")
    scenes = [(6.0, slide("Harbour lights")), (6.0, slide("Ferry timetable", back="navy", ink="white"))]
    scenes += [(6.0, plain((200, 30, 30), 640, 360)), (6.0, slide("Harbour lights"))]
    path = write_video(folder / "the_harbour.mp4", steady(scenes))
    path.with_suffix(".srt").write_text(SRT)
    engines = {"visual": f"openclip:{write_openclip(folder / 'clip', fitted=False)}", "sentence": "minilm",
               "screen_text": "rapidocr", "objects": f"onnx:{write_yolox(folder / 'red.onnx')}"}  # fmt: skip
    settings, events = settings_with(folder, **engines), list[tuple[str, float]]()
    outcome = run(path, settings, progress=lambda stage, fraction: events.append((stage, fraction)))
    return Indexed(path, settings, outcome, events)


def test_text_on_slides_is_found_when_it_shows_and_twice_when_it_comes_back(indexed: Indexed) -> None:
    document = load_document(indexed.store, indexed.outcome)
    lines = [line for line in document.lines if line.channel == Channel.SCREEN_TEXT]
    assert [line.text for line in lines] == ["Harbour lights", "Ferry timetable", "Harbour lights"]
    for line, start, end in zip(lines, (0.0, 6.0, 18.0), (6.0, 12.0, 24.0), strict=True):
        assert line.start == pytest.approx(start, abs=0.5)
        assert line.end == pytest.approx(end, abs=0.5)
        assert line.box is not None


def test_subtitles_are_the_speech_and_say_so(indexed: Indexed) -> None:
    document = load_document(indexed.store, indexed.outcome)
    spoken = [(line.start, line.end, line.text) for line in document.lines if line.channel == Channel.SPEECH]
    assert spoken == [(1.0, 3.0, "Welcome to the harbour."), (8.0, 10.0, "Now the lighthouse.")]
    channels = {channel: ref.id if ref else None for channel, ref in document.channels.items()}
    assert channels[Channel.SPEECH] == "subtitles:sidecar"
    assert channels[Channel.SCREEN_TEXT] == "rapidocr:PP-OCRv6"
    assert set(channels) == {Channel.VISUAL, Channel.SPEECH, Channel.SCREEN_TEXT, Channel.OBJECTS, Channel.SOUND}
    assert [channel for channel, engine in channels.items() if engine is None] == [Channel.SOUND]


def test_the_document_fits_together(indexed: Indexed) -> None:
    document = load_document(indexed.store, indexed.outcome)
    segments, frames = document.segments, document.frames
    assert [segment.start for segment in segments] == pytest.approx([0.0, 6.0, 12.0, 18.0], abs=0.5)
    assert "Ferry timetable" in segments[1].screen_text
    assert "Ferry timetable" not in segments[0].screen_text
    assert segments[1].speech == "Now the lighthouse."
    ((label, number),) = segments[2].object_counts.items()
    assert number > 1
    assert not any(label in segments[index].object_counts for index in (0, 1, 3))
    assert all(item.time == frames[2].time for item in frames[2].objects)
    assert document.info.title == "the harbour"
    assert document.visual_space is not None
    assert document.text_space is not None
    with Engines(indexed.settings) as engines:
        ref = engines.ref("visual")
        assert ref is not None
        assert document.visual_space == vector_space(ref, document.visual_space.dimension)
    for vectors, rows, space in (
        (document.frame_vectors, len(frames), document.visual_space),
        (document.segment_visual_vectors, len(segments), document.visual_space),
        (document.segment_text_vectors, len(segments), document.text_space),
        (document.line_vectors, len(document.lines), document.text_space),
    ):
        assert vectors is not None
        assert vectors.shape == (rows, space.dimension)
        assert vectors.dtype == np.float32
        wordless = [2] if vectors is document.segment_text_vectors else []
        lengths = np.where(np.isin(np.arange(rows), wordless), 0.0, 1.0)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(lengths, abs=1e-3)
    assert load_document(indexed.store, indexed.outcome.video_id).segments == segments


def test_every_stage_reports_its_progress(indexed: Indexed) -> None:
    assert list(dict.fromkeys(stage for stage, _ in indexed.events)) == list(STAGES)
    for stage in STAGES:
        fractions = [fraction for name, fraction in indexed.events if name == stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
        assert 0.0 <= fractions[0] <= 1.0


def test_a_second_run_opens_no_video_loads_no_model_and_says_so(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("the second run worked")

    monkeypatch.setattr(ingest.opening.av, "open", refuse)
    monkeypatch.setattr(Engines, "_engine", refuse)
    again = run(indexed.path, indexed.settings)
    assert states(again) == dict.fromkeys(STAGES, "reused") | UNHEARD
    assert not again.worked
    assert again.fingerprint == indexed.outcome.fingerprint


def test_a_renamed_file_is_the_same_video_with_its_new_title(indexed: Indexed, tmp_path: Path) -> None:
    copy = tmp_path / "Evening_cruise.mp4"
    shutil.copy(indexed.path, copy)
    shutil.copy(indexed.path.with_suffix(".srt"), copy.with_suffix(".srt"))
    again = run(copy, indexed.settings)
    assert (again.video_id, again.fingerprint) == (indexed.outcome.video_id, indexed.outcome.fingerprint)
    assert load_document(indexed.store, again).info.title == "Evening cruise"
    assert run(copy, indexed.settings, title="Given").info.title == "Given"


def test_another_engine_redoes_its_stage_and_what_depends_on_it_alone(indexed: Indexed, tmp_path: Path) -> None:
    shutil.copytree(indexed.settings.data, tmp_path / "data")
    engines = indexed.settings.engines.model_copy(update={"screen_text": "off"})
    settings = indexed.settings.model_copy(update={"data": tmp_path / "data", "engines": engines})
    again = run(indexed.path, settings)
    assert states(again) == dict.fromkeys(("probe", "frames", "speech", "objects", "visual"), "reused") | {
        "screen_text": "off"
    } | UNHEARD | dict.fromkeys(("segments", "text_vectors", "chapters", "media"), "done")
    assert again.fingerprint != indexed.outcome.fingerprint
    document = load_document(ArtefactStore(settings.artefacts_url), again)
    assert document.channels[Channel.SCREEN_TEXT] is None
    assert all(line.channel == Channel.SPEECH for line in document.lines)
    assert states(run(indexed.path, indexed.settings.model_copy(update={"data": tmp_path / "data"}))) == (
        dict.fromkeys(STAGES, "reused") | UNHEARD
    )


def test_changed_subtitles_redo_speech_and_no_decoding(indexed: Indexed, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    shutil.copy(indexed.path, path)
    settings = settings_with(tmp_path)
    assert states(run(path, settings))["speech"] == "off"
    path.with_suffix(".srt").write_text(SRT)
    again = states(run(path, settings))
    assert (again["frames"], again["speech"], again["segments"]) == ("reused", "done", "done")
    path.with_suffix(".srt").write_text(SRT.replace("lighthouse", "pier"))
    changed = run(path, settings)
    assert states(changed)["speech"] == "done"
    assert load_document(ArtefactStore(settings.artefacts_url), changed).lines[1].text == "Now the pier."


def test_media_are_made_for_people(indexed: Indexed) -> None:
    store, video_id = indexed.store, indexed.outcome.video_id
    key = store.current(video_id)["media"]
    poster = unpacked(store.read_bytes(video_id, "media", key, "poster.jpg"))
    assert poster.shape == (360, 640, 3)
    for segment in load_document(store, indexed.outcome).segments:
        assert unpacked(store.read_bytes(video_id, "media", key, f"thumbs/{segment.index}.jpg")).shape[1] == 320
    sheet = unpacked(store.read_bytes(video_id, "media", key, "storyboard.jpg"))
    vtt = store.read_bytes(video_id, "media", key, "storyboard.vtt").decode()
    assert vtt.startswith("WEBVTT\n\n")
    cues = re.findall(r"(\S+) --> (\S+)\nstoryboard\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)\n", vtt)
    assert [cue[0] for cue in cues] == [f"00:00:{second:02d}.000" for second in (0, 5, 10, 15, 20)]
    assert [cue[1] for cue in cues[:-1]] == [cue[0] for cue in cues[1:]]
    for _, _, x, y, width, height in cues:
        assert int(x) + int(width) <= sheet.shape[1]
        assert int(y) + int(height) <= sheet.shape[0]
    second = [int(number) for number in cues[2][2:]]
    blue = sheet[second[1] + 70, second[0] + 80]
    assert blue[2] > blue[0] + 50


def test_a_stage_that_fails_leaves_whole_stages_only(tmp_path: Path) -> None:
    path, settings = write_video(tmp_path / "a.mp4", steady([(6.0, busy(1))])), settings_with(tmp_path)
    store = ArtefactStore(settings.artefacts_url)

    def stop(stage: str, fraction: float) -> None:
        if stage == "media" and fraction == 0.0:
            raise RuntimeError("the machine went away")

    with pytest.raises(RuntimeError):
        run(path, settings, progress=stop)
    (video_id,) = store.videos()
    assert store.current(video_id) == {}
    with pytest.raises(NotFound):
        load_document(store, video_id)
    assert not list(settings.data.rglob(".tmp-*"))
    again = states(run(path, settings))
    assert (again["frames"], again["segments"], again["media"]) == ("reused", "reused", "done")


def test_a_killed_process_leaves_nothing_half_done(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", steady([(2.0, busy(i)) for i in range(4)]))
    settings = settings_with(tmp_path)
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from tests.ingest.test_pipeline import run, settings_with\n"
        "from ingest.shots import ShotDetector\n"
        "ShotDetector.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"  # the keyframes are written by then
        "run(Path(sys.argv[1]), settings_with(Path(sys.argv[2])))\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(path), str(tmp_path)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(settings.data.rglob(".tmp-*"))
    again = run(path, settings)
    assert states(again)["probe"] == "reused"
    assert states(again)["frames"] == "done"
    assert not list(settings.data.rglob(".tmp-*"))


def test_a_run_can_be_stopped(tmp_path: Path) -> None:
    path, settings = write_video(tmp_path / "a.mp4", steady([(6.0, busy(1))])), settings_with(tmp_path)
    asked = iter([False, False, False, True])
    with pytest.raises(Cancelled):
        run(path, settings, cancelled=lambda: next(asked))


def test_a_silent_video_has_no_speech_and_says_why(tmp_path: Path) -> None:
    path = write_video(tmp_path / "mute.mp4", steady([(2.0, busy(1))]))
    outcome = run(path, settings_with(tmp_path, speech="pocketsphinx"))
    speech = next(stage for stage in outcome.stages if stage.name == "speech")
    assert (speech.state, speech.detail) == ("off", "no audio")
    document = load_document(ArtefactStore(settings_with(tmp_path).artefacts_url), outcome)
    assert len(document.segments) == 1
    assert document.segments[0].end == document.info.duration
    assert document.channels[Channel.SPEECH] is None


def test_sound_alone_is_indexed_and_silence_loads_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, settings = tmp_path / "hush.wav", settings_with(tmp_path, speech="pocketsphinx", screen_text="rapidocr")
    write_video(path, sound=tone([], 12.0))
    path.with_suffix(".vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nA whisper.\n")
    monkeypatch.setattr(Engines, "_engine", lambda self, kind: pytest.fail(f"{kind} was loaded"))
    outcome = run(path, settings)
    document = load_document(ArtefactStore(settings.artefacts_url), outcome)
    assert (document.frames, document.shots) == ((), ())
    assert [segment.speech for segment in document.segments] == ["A whisper."]
    assert {name for name, state in states(outcome).items() if state == "off"} == {
        "frames", "speakers", "sounds", "screen_text", "objects", "visual", "text_vectors", "media"
    }  # fmt: skip
    path.with_suffix(".vtt").unlink()
    assert load_document(ArtefactStore(settings.artefacts_url), run(path, settings)).lines == ()


class _HearsTones(Engines):
    """Engines whose speech engine hears a word wherever a tone sounds, and counts its calls."""

    calls = 0

    def speech(self) -> SpeechEngine:
        engines = self

        class Listener:
            id, fingerprint, note = "tones:test", "1", ""

            def transcribe(
                self, audio: Audio, *, language: str = "", progress: Progress = no_progress
            ) -> tuple[TimedText, ...]:
                engines.calls += 1
                progress(0.5)
                return tuple(
                    TimedText(Channel.SPEECH, start, end, "Beep.", self.id, words=(Word(start, end, "Beep."),))
                    for start, end in tone_spans(audio)
                )

        return Listener()


def test_spoken_words_are_at_their_time_in_the_video(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    voice = tone([(1.0, 1.5), (6.0, 6.5)], 8.0)
    write_video(path, steady([(12.0, busy(1))]), sound=voice, sound_at=3.0, offset=70.0)
    settings = settings_with(tmp_path, speech="pocketsphinx")
    store, engines = ArtefactStore(settings.artefacts_url), _HearsTones(settings)
    document = load_document(store, ingest_video(path, settings=settings, engines=engines, store=store))
    assert [line.start for line in document.lines] == pytest.approx([4.0, 9.0], abs=0.1)
    assert [word.end for line in document.lines for word in line.words] == pytest.approx([4.5, 9.5], abs=0.1)
    assert " ".join(filter(None, (segment.speech for segment in document.segments))) == "Beep. Beep."
    assert engines.calls == 1
    silent = write_video(tmp_path / "silent.mkv", steady([(2.0, busy(1))]), sound=tone([], 2.0))
    assert load_document(store, ingest_video(silent, settings=settings, engines=engines, store=store)).lines == ()
    assert engines.calls == 1


class _Failing(Engines):
    """Engines whose screen-text engine resolves and then cannot be loaded: a broken installation."""

    def screen_text(self) -> None:
        raise EngineUnavailable("The library is broken.")


@pytest.mark.parametrize("spec", ["auto", "rapidocr"])
def test_an_engine_that_cannot_be_loaded_is_a_note_or_an_error(tmp_path: Path, spec: str) -> None:
    path, settings = (
        write_video(tmp_path / "a.mp4", steady([(2.0, busy(1))])),
        settings_with(tmp_path, screen_text=spec),
    )
    store = ArtefactStore(settings.artefacts_url)
    if spec != "auto":
        with pytest.raises(EngineUnavailable, match="broken"):
            ingest_video(path, settings=settings, engines=_Failing(settings), store=store)
        return
    outcome = ingest_video(path, settings=settings, engines=_Failing(settings), store=store)
    written = next(stage for stage in outcome.stages if stage.name == "screen_text")
    assert (written.state, written.detail) == ("off", "The library is broken.")
    assert "screen_text" not in outcome.keys
    assert load_document(store, outcome).channels[Channel.SCREEN_TEXT] is None


def test_a_broken_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    path = truncated(write_video(tmp_path / "a.mp4", steady([(2.0, busy(1))])), 0.4)
    with pytest.raises(MediaError):
        run(path, settings)
    assert ArtefactStore(settings.artefacts_url).videos() == []


def test_a_cut_off_recording_is_indexed_as_far_as_it_goes(tmp_path: Path) -> None:
    path = truncated(write_video(tmp_path / "a.mkv", steady([(1.0, busy(i)) for i in range(12)])), 0.6)
    settings = settings_with(tmp_path)
    document = load_document(ArtefactStore(settings.artefacts_url), run(path, settings))
    assert 4.0 < document.info.duration < 10.0
    assert document.segments[-1].end == document.info.duration
    assert len(document.shots) >= 4


def test_artefacts_can_lie_on_another_file_system(tmp_path: Path) -> None:
    settings = settings_with(tmp_path).model_copy(update={"artefacts": "memory://ingest-test"})
    path = write_video(tmp_path / "a.mp4", steady([(2.0, busy(1))]))
    outcome = run(path, settings)
    assert load_document(ArtefactStore(settings.artefacts_url), outcome.video_id).frames
    assert set(states(run(path, settings)).values()) == {"reused", "off"}
