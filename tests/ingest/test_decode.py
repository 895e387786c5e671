"""The one decoding pass: right times, upright pictures, broken packets, shots and keyframes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ingest.chunks import chunks_of
from ingest.decode import DecodeReport, Picture, fitted, pictures
from ingest.keyframes import Kept, KeyframeSelector, place
from ingest.probe import probe
from ingest.shots import ShotDetector
from ingest.storage import FRAMES
from ingest.watching import shown, watch
from reelseek.artefacts import ArtefactStore
from reelseek.errors import MediaError
from reelseek.records import Frame, Shot
from reelseek.setting_groups import IngestSettings
from tests.support.media import Timed, busy, plain, slide, steady, truncated, turned, write_video
from tests.support.odd_media import film

SETTINGS = IngestSettings()


def look(path: Path, settings: IngestSettings = SETTINGS) -> tuple[list[Picture], tuple[Shot, ...], tuple[Frame, ...]]:
    """All small pictures, the shots and the keyframes of a file."""
    info, detector, selector = probe(path, settings, "0" * 32), ShotDetector(), KeyframeSelector(settings)
    seen: list[Picture] = []
    kept: list[Kept] = []
    for picture in pictures(path, info, settings, DecodeReport()):
        chosen = selector.consider(picture, cut=detector.add(picture))
        kept += [chosen] if chosen else []
        seen.append(picture)
    return seen, *place(kept, detector.finish(info.duration), info.duration)


def test_every_real_clip_gives_keyframes_or_a_reason(shared_data: Path, tmp_path: Path) -> None:
    store, found = ArtefactStore(str(tmp_path)), 0
    for entry in json.loads((shared_data / "manifest.json").read_text()):
        path = shared_data / entry["file"]
        # The longer clips of ordinary content are the business of the whole product's test.
        ordinary = entry["role"] == "content" and (entry["duration_s"] > 8 or entry["probe"]["width"] > 700)
        if not entry["probe"].get("decoded_frames") or ordinary:
            continue
        info = probe(path, SETTINGS, entry["sha256"][:32])
        with store.write(info.video_id, FRAMES, "k") as writer:
            (chunk,) = chunks_of(info, SETTINGS)
            result = shown([watch(path, info, SETTINGS, chunk, writer, lambda fraction: None)], info.duration)
        frames, shots = result["frames"], result["shots"]
        assert frames, path.name
        assert {shot["index"] for shot in shots} == {frame["shot"] for frame in frames}, path.name
        times = [frame["time"] for frame in frames]
        assert times == sorted(set(times)), path.name
        assert all(0 <= f["time"] <= f["end"] <= info.duration + 1 for f in frames), path.name
        assert (shots[0]["start"], shots[-1]["end"]) == (0.0, pytest.approx(info.duration)), path.name
        found += 1
    assert found > 30


def test_a_partly_broken_clip_keeps_what_can_be_decoded(shared_data: Path) -> None:
    path = shared_data / "video" / "decord_corrupted.mp4"
    info, report = probe(path, SETTINGS, "0" * 32), DecodeReport()
    seen = list(pictures(path, info, SETTINGS, report))
    assert report.broken >= 1
    assert "broken" in report.note
    assert seen[-1].time > 2.5
    with pytest.raises(MediaError, match="max_decode_errors"):
        list(pictures(path, info, SETTINGS.model_copy(update={"max_decode_errors": 0}), DecodeReport()))


def test_a_film_that_was_cut_off_says_that_it_breaks_off_and_a_whole_one_says_nothing(tmp_path: Path) -> None:
    for cut, note in ((False, ""), (True, "the file breaks off")):
        path = film(tmp_path / "a.mp4", "-g", "10", "-movflags", "+faststart")
        if cut:
            truncated(path, 0.75)
        report = DecodeReport()
        assert list(pictures(path, probe(path, SETTINGS, "0" * 32), SETTINGS, report))
        assert report.note.endswith(note)
        assert bool(report.note) == cut


def test_times_are_the_pictures_own_in_a_variable_frame_rate_with_an_offset(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 2.0, 2.1, 7.3, 7.35, 9.0]
    path = write_video(tmp_path / "vfr.mkv", ((time, busy(i)) for i, time in enumerate(times)), offset=50.0)
    seen, _, frames = look(path)
    assert [picture.time for picture in seen] == pytest.approx([0.0, 0.08, 2.0, 2.1, 7.3, 9.0], abs=0.002)
    assert {round(frame.time, 2) for frame in frames} >= {0.0, 2.0, 7.3}


def test_two_samples_a_second_whatever_the_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", steady([(5.0, busy(1))], fps=25))
    sampled = [picture.time for picture in look(path)[0] if picture.sampled]
    assert sampled == pytest.approx([0.0, 0.52, 1.0, 1.52, 2.0, 2.52, 3.0, 3.52, 4.0, 4.52], abs=0.03)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_pictures_are_upright(tmp_path: Path, degrees: int) -> None:
    upright = np.zeros((160, 320, 3), np.uint8)
    upright[:80, :160] = (250, 0, 0)
    stored = np.ascontiguousarray(np.rot90(upright, k=degrees // 90))
    path = write_video(tmp_path / "r.mp4", steady([(1.0, stored)]))
    if degrees:
        turned(path, degrees)
    image = look(path)[0][0].image(320)
    assert image.shape == upright.shape
    assert image[20, 40, 0] > 200
    assert image[20, 300].max() < 60
    assert image[140, 40].max() < 60


def test_pictures_are_fitted_and_never_enlarged() -> None:
    assert fitted(1920, 1080, 960) == (960, 540)
    assert fitted(320, 180, 960) == (320, 180)
    assert fitted(1, 5000, 100) == (1, 100)


def test_cuts_are_found_where_they_are(tmp_path: Path) -> None:
    scenes = [(3.1, busy(1)), (2.3, busy(2)), (4.0, busy(3))]
    _, shots, frames = look(write_video(tmp_path / "cuts.mp4", steady(scenes, fps=25)))
    assert [shot.start for shot in shots] == pytest.approx([0.0, 3.1, 5.4], abs=0.09)
    assert [frame.time for frame in frames] == pytest.approx([0.0, 3.1, 5.4], abs=0.09)
    assert [frame.shot for frame in frames] == [0, 1, 2]
    assert frames[0].end == pytest.approx(3.1, abs=0.09)


def test_a_fade_through_black_parts_two_shots(tmp_path: Path) -> None:
    first, second = busy(4).astype(float), busy(5).astype(float)
    dim = [1 - i / 10 for i in range(10)]
    scenes = [(2.0, first), *((0.1, first * f) for f in dim), (0.5, first * 0)]
    scenes += [*((0.1, second * (1 - f)) for f in dim), (2.0, second)]
    path = write_video(tmp_path / "fade.mp4", steady([(t, p.astype(np.uint8)) for t, p in scenes], fps=20))
    _, shots, _ = look(path)
    assert len(shots) in (2, 3)
    assert all(2.8 < shot.start < 3.8 for shot in shots[1:])


def test_a_still_video_has_one_keyframe_and_a_long_showing(tmp_path: Path) -> None:
    _, shots, frames = look(write_video(tmp_path / "still.mp4", steady([(8.0, slide("Nothing moves"))])))
    assert len(shots) == len(frames) == 1
    assert frames[0].end == pytest.approx(8.0, abs=0.15)


def test_a_new_line_of_text_on_a_slide_makes_a_keyframe_at_its_time(tmp_path: Path) -> None:
    scenes = [
        (3.0, slide("Rivers")),
        (3.2, slide("Rivers", "carry water")),
        (3.0, slide("Rivers", "carry water", "far")),
    ]
    _, shots, frames = look(write_video(tmp_path / "slides.mp4", steady(scenes, fps=10)))
    assert [frame.time for frame in frames] == pytest.approx([0.0, 3.0, 6.2], abs=0.11)
    assert len(shots) == 1


def test_motion_makes_keyframes_seldom(tmp_path: Path) -> None:
    def moving() -> list[Timed]:
        frames = []
        for step in range(200):
            picture = plain((30, 30, 30))
            picture[40:140, step : step + 100] = (240, 200, 40)
            frames.append((step / 20, picture))
        return frames

    _, shots, frames = look(write_video(tmp_path / "moving.mp4", moving()))
    assert len(shots) == 1
    assert 3 <= len(frames) <= 8
    gaps = np.diff([frame.time for frame in frames])
    assert gaps.max() <= 4.1


def test_a_shot_without_a_keyframe_joins_its_neighbour() -> None:
    shots, frames = place([Kept(0.0, 1.0), Kept(5.0, 0.3)], [1.0, 4.9], 9.0)
    assert [(shot.start, shot.end) for shot in shots] == [(0.0, 4.9), (4.9, 9.0)]
    assert [(frame.shot, frame.end) for frame in frames] == [(0, 4.9), (1, 9.0)]


def test_hardware_that_is_not_there_leaves_decoding_to_the_processor(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", steady([(2.0, busy(1)), (2.0, busy(2))], fps=25))
    expected = [picture.time for picture in look(path, SETTINGS.model_copy(update={"hardware": "off"}))[0]]
    assert len(expected) > 20
    for wanted in ("auto", "nosuchdevice"):
        found = look(path, SETTINGS.model_copy(update={"hardware": wanted}))[0]
        assert [picture.time for picture in found] == expected


def test_a_chunk_s_pictures_are_those_of_the_whole_at_its_times(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", steady([(1.7, busy(seed)) for seed in range(7)], fps=25))
    info = probe(path, SETTINGS, "0" * 32)
    sampled = [item.time for item in pictures(path, info, SETTINGS, DecodeReport()) if item.sampled]
    part = [item.time for item in pictures(path, info, SETTINGS, DecodeReport(), 4.0, 8.0) if item.sampled]
    assert part == [time for time in sampled if 4.0 <= time < 8.0]
    assert len(part) == 8
