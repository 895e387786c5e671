"""Probing: real clips, broken files, and files that pretend."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ingest.identity import content_id
from ingest.probe import open_media, probe
from reelseek.errors import MediaError
from reelseek.records import VideoInfo
from reelseek.setting_groups import IngestSettings
from tests.support.media import busy, plain, steady, tone, truncated, turned, write_video

SETTINGS = IngestSettings()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "my_first-clip.mp4", steady([(1.0, plain((200, 0, 0))), (1.0, plain((0, 0, 200)))]))


def test_every_real_clip_is_described_or_refused_with_a_reason(shared_data: Path) -> None:
    for entry in json.loads((shared_data / "manifest.json").read_text()):
        path, facts = shared_data / entry["file"], entry["probe"]
        unreadable = not facts.get("decoded_frames") and not facts.get("has_audio")
        if unreadable:
            with pytest.raises(MediaError, match=r"^[A-Z].+\.$"):
                probe(path, SETTINGS, "0" * 32)
            continue
        info = probe(path, SETTINGS, "0" * 32)
        assert info.has_video == bool(facts.get("decoded_frames")), path.name
        assert info.has_audio == bool(facts["has_audio"]), path.name
        if entry.get("duration_s"):
            assert info.duration == pytest.approx(entry["duration_s"], abs=0.25), path.name
        if info.has_video:
            assert info.rotation == -facts["rotation"] % 360, path.name
            upright = (facts["height"], facts["width"]) if info.rotation in (90, 270) else None
            if facts.get("sar", "1") == "1" and facts["n_streams"] < 6:  # of several picture streams the best is taken
                assert (info.width, info.height) == (upright or (facts["width"], facts["height"])), path.name


def test_a_made_clip_is_described(clip: Path) -> None:
    info = probe(clip, SETTINGS)
    assert info.video_id == content_id(clip)
    assert info.title == "my first-clip"
    assert info.duration == pytest.approx(2.0, abs=0.1)
    assert (info.width, info.height, info.rotation) == (320, 180, 0)
    assert info.has_video
    assert not info.has_audio
    assert info.size == clip.stat().st_size


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_read_from_the_display_matrix(clip: Path, degrees: int) -> None:
    info = probe(turned(clip, degrees), SETTINGS)
    assert info.rotation == degrees
    assert (info.width, info.height) == ((320, 180) if degrees == 180 else (180, 320))


def test_a_start_offset_is_no_part_of_the_duration(tmp_path: Path) -> None:
    path = write_video(tmp_path / "late.mkv", steady([(3.0, busy(1))]), offset=100.0)
    info = probe(path, SETTINGS)
    assert info.start_offset == pytest.approx(100.0, abs=0.01)
    assert info.duration == pytest.approx(3.0, abs=0.15)


def test_title_chapters_and_tracks_come_from_the_container(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "x.mkv",
        steady([(4.0, busy(1))]),
        title="A day by the\nsea\x07",
        cues=[(0.5, 1.5, "Hello.")],
        chapters=[(0.0, 2.0, "Morning"), (2.0, 9.0, "Evening")],
        offset=10.0,
    )
    info = probe(path, SETTINGS)
    assert info.title == "A day by the sea"
    assert [(c.title, c.source) for c in info.chapters] == [("Morning", "container"), ("Evening", "container")]
    assert [c.start for c in info.chapters] == pytest.approx([0.0, 2.0], abs=0.01)
    assert info.chapters[-1].end <= info.duration
    assert [(track["codec"], track["kind"]) for track in info.subtitle_tracks] == [("srt", "text")]


@pytest.mark.parametrize("ending", [".wav", ".mp3", ".m4a"])
def test_sound_alone_is_accepted(tmp_path: Path, ending: str) -> None:
    info = probe(write_video(tmp_path / f"a{ending}", sound=tone([(0.0, 1.0)], 2.0)), SETTINGS)
    assert (info.has_video, info.has_audio, info.width, info.fps) == (False, True, 0, 0.0)
    assert info.duration == pytest.approx(2.0, abs=0.15)


def test_a_cut_off_file_has_the_duration_of_what_is_there(tmp_path: Path) -> None:
    path = write_video(tmp_path / "cut.mkv", steady([(0.2, busy(i)) for i in range(50)], fps=20))
    whole = probe(path, SETTINGS).duration
    part = probe(truncated(path, 0.5), SETTINGS).duration
    assert whole == pytest.approx(10.0, abs=0.1)
    assert 3.0 < part < 7.0


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.mp4", b"", "empty"),
        ("text.mp4", b"Dear diary, today nothing happened.\n" * 100, "no video or sound"),
        ("noise.mkv", np.random.default_rng(1).bytes(50_000), "no video or sound"),
        ("picture.mp4", b"\x89PNG\r\n\x1a\n" + bytes(200), "no video or sound"),
    ],
)
def test_what_is_no_video_is_refused_with_a_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaError, match=reason) as caught:
        probe(path, SETTINGS)
    assert str(tmp_path) not in caught.value.message


def test_a_cut_off_mp4_is_refused(clip: Path) -> None:
    with pytest.raises(MediaError):
        probe(truncated(clip, 0.5), SETTINGS)


def test_what_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "no.mp4", "not there"), (tmp_path, "not a file")):
        with pytest.raises(MediaError, match=reason):
            probe(path, SETTINGS)
        with pytest.raises(MediaError, match=reason):
            content_id(path)


@pytest.mark.parametrize(
    ("limit", "word"),
    [({"max_duration": 1.0}, "long"), ({"max_pixels": 1000}, "pixels"), ({"max_bytes": 100}, "bytes")],
)
def test_limits_refuse_and_name_themselves(clip: Path, limit: dict[str, float], word: str) -> None:
    with pytest.raises(MediaError, match=word):
        probe(clip, SETTINGS.model_copy(update=limit))


def test_too_many_streams_are_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "two.mp4", steady([(1.0, busy(1))]), sound=tone([(0, 1)], 1.0))
    with pytest.raises(MediaError, match="streams"):
        probe(path, SETTINGS.model_copy(update={"max_streams": 1}))


def test_the_same_content_is_the_same_video_under_any_name(clip: Path) -> None:
    copy = clip.with_name("other name.mov")
    shutil.copy(clip, copy)
    first, second = probe(clip, SETTINGS), probe(copy, SETTINGS)
    assert isinstance(first, VideoInfo)
    assert first.video_id == second.video_id
    assert len(first.video_id) == 32
    assert second.title == "other name"
    with copy.open("ab") as file:
        file.write(b"\0")
    assert content_id(copy) != first.video_id


def test_the_file_is_closed_after_an_error(clip: Path) -> None:
    open_files = Path("/proc/self/fd")
    if not open_files.is_dir():
        pytest.skip("this system does not list a process's open files")
    before = len(list(open_files.iterdir()))
    truncated(clip, 0.5)
    for _ in range(20):
        with pytest.raises(MediaError), open_media(clip):
            pass
    assert len(list(open_files.iterdir())) <= before + 1
