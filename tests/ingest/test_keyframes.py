"""Which pictures are kept: every text that is shown, few of what stands still, none for noise; and looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.recordings import Recording, camera, lecture, screen
from bench.shots import small_pictures
from ingest.decode import Picture
from ingest.keyframes import KeyframeSelector, LookSelector, place
from ingest.segments import segments
from ingest.shots import ShotDetector
from reelseek.records import Image
from reelseek.setting_groups import IngestSettings

SETTINGS = IngestSettings()
FPS = 12.5
Show = Callable[[float, Image], None]


def pictures(length: float, show: Show, *, noise: float = 0.0, luma: int = 200) -> list[Picture]:
    """Small pictures of a plain ground on which `show` draws for each time."""
    random, found, sampled = np.random.default_rng(1), [], -1
    for number in range(round(length * FPS)):
        time = number / FPS
        small = np.full((72, 128, 3), (luma, 128, 128), np.uint8)
        show(time, small)
        if noise:
            small = np.clip(small + random.normal(0, noise, small.shape), 0, 255).astype(np.uint8)
        half = int(time * SETTINGS.sample_fps)
        planes = np.ascontiguousarray(np.moveaxis(small, -1, 0))
        found.append(Picture(time, planes, half > sampled, None, None, (128, 72), 0))  # type: ignore[arg-type]
        sampled = half
    return found


def chosen(seen: Iterable[Picture]) -> tuple[list[float], list[float], int]:
    """Times of keyframes and looks, and how many pictures were sampled."""
    keyframes, detector = KeyframeSelector(SETTINGS), ShotDetector()
    looks = LookSelector(keyframes)
    kept: list[float] = []
    looked: list[float] = []
    sampled = 0
    for picture in seen:
        sampled += picture.sampled
        if keyframes.consider(picture, cut=detector.add(picture)) is not None:
            kept.append(picture.time)
        elif picture.sampled and looks.consider(picture):
            looked.append(picture.time)
    return kept, looked, sampled


def test_all_sampled_pictures_are_kept_where_that_is_asked_for() -> None:
    seen = pictures(5.0, lambda time, small: None)
    assert len(chosen(seen)[0]) == 1
    selector = KeyframeSelector(IngestSettings(keyframes="all"))
    assert [selector.consider(picture) is not None for picture in seen] == [picture.sampled for picture in seen]
    assert sum(picture.sampled for picture in seen) == 10


def block(small: Image, top: int, left: int, height: int, width: int, change: int) -> None:
    """Letters: every second cell is another by `change`."""
    cells = small[top : top + height, left : left + width : 2, 0].astype(int)
    small[top : top + height, left : left + width : 2, 0] = np.clip(cells + change, 0, 255)


@pytest.mark.parametrize(
    ("place", "change"),
    [
        pytest.param((4, 100, 1, 12), -60, id="small text in a corner"),
        pytest.param((30, 40, 2, 2), -90, id="one letter"),
        pytest.param((62, 30, 2, 60), 50, id="a subtitle"),
        pytest.param((20, 20, 2, 50), -12, id="faint text"),
    ],
)
def test_new_text_is_kept_within_two_seconds(place: tuple[int, int, int, int], change: int) -> None:
    def show(time: float, small: Image) -> None:
        block(small, 40, 10, 2, 40, -120)
        if time >= 5.0:
            block(small, *place, change)

    kept, _, _ = chosen(pictures(12.0, show, noise=1.0))
    assert len(kept) == 2
    assert 5.0 <= kept[1] <= 7.1


def test_a_line_that_appears_at_once_is_kept_at_once() -> None:
    def show(time: float, small: Image) -> None:
        for line in range(int(time // 3)):
            block(small, 10 + 8 * line, 10, 2, 80, -120)

    kept, _, _ = chosen(pictures(12.0, show))
    assert kept == pytest.approx([0.0, 3.0, 6.0, 9.0], abs=0.17)


@pytest.mark.parametrize("noise", [1.0, 2.5])
def test_noise_flicker_and_pulsing_keep_nothing(noise: float) -> None:
    coarse = np.random.default_rng(2).integers(-4, 5, (2, 72, 128))

    def show(time: float, small: Image) -> None:
        block(small, 40, 10, 2, 40, -120)
        pulse = coarse[int(time / 2.0) % 2] + round(3 * np.sin(time * 9))
        small[..., 0] = np.clip(small[..., 0].astype(int) + pulse, 0, 255)

    kept, looks, _ = chosen(pictures(40.0, show, noise=noise))
    assert len(kept) <= 4
    assert len(looks) <= 4


def test_a_slow_drift_is_seen() -> None:
    def show(time: float, small: Image) -> None:
        small[10:30, 20:60, 0] = 200 - min(120, int(time * 2))

    kept, _, _ = chosen(pictures(60.0, show))
    assert 4 <= len(kept) <= 24


def test_a_blinking_caret_keeps_little() -> None:
    def show(time: float, small: Image) -> None:
        block(small, 20, 10, 2, 60, -120)
        if time % 1.0 < 0.5:
            small[20:22, 72, 0] = 0

    kept, looks, sampled = chosen(pictures(40.0, show))
    assert len(kept) <= sampled * 0.1
    assert len(looks) <= 3


def test_what_never_rests_gives_a_keyframe_in_every_interval_and_looks_at_every_sample() -> None:
    def show(time: float, small: Image) -> None:
        left = 90 + int(10 * np.sin(2 * time))
        small[40:60, left : left + 12, 0] = 40

    kept, looks, sampled = chosen(pictures(60.0, show))
    assert np.diff(kept).max() <= SETTINGS.keyframe_interval + 0.6
    assert len(kept) <= sampled * 0.2
    assert len(kept) + len(looks) >= sampled * 0.8


def test_a_whole_moving_picture_gives_a_keyframe_every_two_seconds() -> None:
    texture = np.random.default_rng(4).integers(0, 256, (9, 64)).repeat(8, 0).repeat(8, 1).astype(np.uint8)

    def show(time: float, small: Image) -> None:
        small[..., 0] = texture[:, int(time * 12) : int(time * 12) + 128]

    kept, _, _ = chosen(pictures(20.0, show))
    assert 8 <= len(kept) <= 12


def test_text_that_scrolls_is_seen_before_it_is_gone() -> None:
    rows = np.random.default_rng(5).integers(0, 2, (600, 45)).repeat(2, 1)
    rows[np.arange(600) % 6 > 1] = 0

    def show(time: float, small: Image) -> None:
        top = int(time * 9)
        small[:, 20:110, 0] = np.where(rows[top : top + 72], 40, 200)

    kept, _, _ = chosen(pictures(40.0, show))
    assert np.diff(kept).max() <= 4.6  # a line is on screen for 8 s


@pytest.mark.parametrize("draw", [lecture, screen, camera])
def test_recordings_drop_four_of_five_and_lose_no_text(draw: Callable[..., Recording], tmp_path: Path) -> None:
    recording = draw(40.0, 480, 270)
    kept, _, sampled = chosen(small_pictures(recording.write(tmp_path / "recording.mp4")))
    assert len(kept) <= 0.2 * sampled
    lost = [item for item in recording.written if not _seen(item.start, item.end, kept)]
    assert not lost


def _seen(start: float, end: float, kept: Sequence[float]) -> bool:
    return any(start <= time < end for time in kept)


def test_one_shot_of_a_camera_is_cut_where_something_happens() -> None:
    random = np.random.default_rng(6)
    ground = random.integers(60, 200, (9, 16)).repeat(8, 0).repeat(8, 1)
    walks, box = [(50.3, 56.0), (131.0, 134.0), (262.4, 270.0)], 205.2

    def show(time: float, small: Image) -> None:
        small[..., 0] = ground * (1 - 0.2 * time / 300)
        for leaf in range(5):
            left = int(104 + 3 * np.sin(2.1 * time + leaf))
            small[10 + 4 * leaf : 14 + 4 * leaf, left : left + 14, 0] = 60 + 20 * np.sin(3.3 * time + 2 * leaf)
        for start, end in walks:
            if start <= time < end:
                left = int((time - start) / (end - start) * 100)
                small[30:60, left : left + 8, 0] = 30
        if time >= box:
            small[50:60, 60:72, 0] = 230

    keyframes = KeyframeSelector(SETTINGS)
    kept = [keyframes.consider(picture) for picture in pictures(300.0, show, noise=0.8)]
    shots, frames = place([one for one in kept if one], [], 300.0)
    starts = [segment.start for segment in segments(300.0, shots, frames, (), SETTINGS)]
    assert np.diff([frame.time for frame in frames]).max() <= SETTINGS.keyframe_interval + 0.6
    events = [*walks, (box, box)]
    assert all(min(abs(start - at) for at in event for start in starts) <= 1.5 for event in events)
