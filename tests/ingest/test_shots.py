"""Shot boundaries: cuts, dissolves and fades are found where they are, motion and flashes are none."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.shots import Judgement, judged, small_pictures, truth
from ingest.decode import Picture
from ingest.shots import ShotDetector
from ingest.thumbnails import Thumbnails
from reelseek.records import Image
from tests.support.media import busy

Scene = Callable[[float], Image]
FPS = 12.5


def picture(time: float, small: Image) -> Picture:
    """A small picture as the decoding pass gives it; what else a picture has, the detector does not ask for."""
    planes = np.ascontiguousarray(np.moveaxis(small, -1, 0))
    return Picture(time, planes, False, None, None, (128, 72), 0)  # type: ignore[arg-type]


def scene(seed: int, speed: float = 0.0) -> Scene:
    """A scene of blurred shapes that the camera passes at `speed` (widths of the picture per second)."""
    import cv2

    rng = np.random.default_rng(seed)
    base = np.stack([rng.integers(20, 236, (72, 1024)), *rng.integers(90, 166, (2, 72, 1024))], axis=-1)
    wide = cv2.resize(base[::9, ::16].astype(np.uint8), (1024, 72), interpolation=cv2.INTER_CUBIC)

    def at(time: float) -> Image:
        left = int(speed * time * 128) % 896
        noise = np.random.default_rng(round(time * 1000)).integers(-2, 3, (72, 128, 3))
        return np.clip(wide[:, left : left + 128] + noise, 0, 255).astype(np.uint8)

    return at


def plain(luma: int) -> Scene:
    """Nothing but one grey."""
    return lambda time: np.full((72, 128, 3), (luma, 128, 128), np.uint8)


def mixed(first: Scene, second: Scene, share: float, time: float) -> Image:
    """One picture of a dissolve."""
    return np.round((1 - share) * first(time) + share * second(time)).astype(np.uint8)


def film(*parts: tuple[float, Callable[[float, float], Image]]) -> list[Picture]:
    """Pictures of parts one after the other; each part is given the time and the share of it that has passed."""
    pictures, start = [], 0.0
    for length, show in parts:
        count = round(length * FPS)
        pictures += [picture(start + i / FPS, show(start + i / FPS, i / count)) for i in range(count)]
        start += count / FPS
    return pictures


def shown(one: Scene) -> Callable[[float, float], Image]:
    return lambda time, _: one(time)


def dissolving(first: Scene, second: Scene) -> Callable[[float, float], Image]:
    return lambda time, share: mixed(first, second, share, time)


def cuts(pictures: Iterable[Picture], duration: float | None = None) -> list[float]:
    pictures = list(pictures)
    detector = ShotDetector()
    for one in pictures:
        detector.add(one)
    return detector.finish(pictures[-1].time + 0.08 if duration is None else duration)


@pytest.mark.parametrize("speed", [0.0, 0.15, 0.3])
def test_cuts_between_moving_scenes_are_found_to_the_picture(speed: float) -> None:
    parts = film(*((2.4, shown(scene(seed, speed))) for seed in range(5)))
    assert cuts(parts) == pytest.approx([2.4, 4.8, 7.2, 9.6])


@pytest.mark.parametrize("length", [0.48, 0.96, 1.92, 2.4])
def test_a_dissolve_is_one_boundary_in_its_middle(length: float) -> None:
    first, second = scene(11, 0.05), scene(12, 0.05)
    found = cuts(film((3.2, shown(first)), (length, dissolving(first, second)), (3.2, shown(second))))
    assert found == pytest.approx([3.2 + length / 2], abs=0.17)


@pytest.mark.parametrize(("luma", "hold"), [(16, 0.0), (16, 0.48), (235, 0.48), (16, 3.2)])
def test_a_fade_through_one_colour_is_one_boundary_and_a_long_dark_is_a_shot(luma: int, hold: float) -> None:
    first, second, nothing = scene(13), scene(14), plain(luma)
    found = cuts(
        film(
            (3.2, shown(first)),
            (0.64, dissolving(first, nothing)),
            (hold, shown(nothing)),
            (0.64, dissolving(nothing, second)),
            (3.2, shown(second)),
        )
    )
    assert len(found) == (2 if hold > 2 else 1)
    assert all(3.2 - 0.1 <= time <= 3.2 + 1.28 + hold + 0.1 for time in found)


def test_a_fade_out_and_in_of_one_scene_is_no_boundary() -> None:
    one, dark = scene(15), plain(16)
    assert (
        cuts(film((2.4, shown(one)), (0.5, dissolving(one, dark)), (0.5, dissolving(dark, one)), (2.4, shown(one))))
        == []
    )


def test_flashes_are_no_cuts() -> None:
    one = scene(16, 0.05)
    flash = plain(230)
    pictures = film((2.4, shown(one)), (0.08, shown(flash)), (1.6, shown(one)), (0.16, shown(flash)), (2.4, shown(one)))
    assert cuts(pictures) == []


def test_a_change_of_light_is_no_cut() -> None:
    one = scene(17)
    dim: Scene = lambda time: (one(time) * np.array([0.5, 1, 1])).astype(np.uint8)  # noqa: E731
    assert cuts(film((2.4, shown(one)), (1.2, dissolving(one, dim)), (2.4, shown(dim)))) == []


def test_somebody_passing_the_lens_is_no_cut() -> None:
    street = scene(18)

    def passing(time: float, share: float) -> Image:
        shown_picture, left = street(time), int(share * 256) - 128
        shown_picture[:, max(0, left) : max(0, left + 128)] = (30, 128, 128)
        return shown_picture

    assert cuts(film((2.4, shown(street)), (0.8, passing), (2.4, shown(street)))) == []


@pytest.mark.parametrize("speed", [0.4, 0.8])
def test_a_fast_pan_is_no_cut(speed: float) -> None:
    still, still_after = scene(19), scene(19, speed)
    pictures = film((2.4, shown(still)), (1.6, lambda time, share: still_after(share * 1.6)), (0.0, shown(still)))
    assert cuts(pictures) == []


def test_text_that_comes_and_goes_is_no_cut() -> None:
    street = scene(20)

    def captioned(time: float, share: float) -> Image:
        shown_picture = street(time)
        shown_picture[58:68, 8:120] = (20, 128, 128)
        shown_picture[61:65, 12:100:3] = (235, 128, 128)
        return shown_picture

    assert cuts(film((2.4, shown(street)), (2.4, captioned), (2.4, shown(street)))) == []


def test_uneven_and_rare_pictures_give_the_same_cuts() -> None:
    pictures = film(*((2.4, shown(scene(seed, 0.1))) for seed in range(30, 34)))
    rng = np.random.default_rng(5)
    uneven = [one for i, one in enumerate(pictures) if i % 30 == 0 or rng.random() < 0.6]
    assert cuts(uneven, 9.6) == pytest.approx([2.4, 4.8, 7.2])
    slides = [picture(float(i), scene(40 + i // 6)(0.0)) for i in range(18)]
    assert cuts(slides, 18.0) == pytest.approx([6.0, 12.0])


def test_a_part_with_two_seconds_around_it_gives_the_cuts_of_the_whole() -> None:
    rng, parts = np.random.default_rng(7), []
    scenes = [scene(50 + i, float(rng.choice([0.0, 0.1, 0.4]))) for i in range(24)]
    for first, second in pairwise(scenes):
        parts.append((float(rng.uniform(0.6, 3.0)), shown(first)))
        kind = rng.integers(0, 4)
        if kind == 0:
            parts.append((float(rng.uniform(0.4, 2.4)), dissolving(first, second)))
        elif kind == 1:
            dark = plain(16)
            parts += [
                (0.5, dissolving(first, dark)),
                (float(rng.uniform(0, 2.4)), shown(dark)),
                (0.5, dissolving(dark, second)),
            ]
    pictures = film(*parts)
    duration = pictures[-1].time + 0.08
    whole = cuts(pictures, duration)
    assert len(whole) > 15
    for length in (5.0, 13.7):
        found: list[float] = []
        for start in np.arange(0.0, duration, length):
            near = [one for one in pictures if start - 2.0 <= one.time < start + length + 2.0]
            found += [time for time in cuts(near, duration) if start <= time < start + length]
        assert found == whole


def test_memory_stays_flat() -> None:
    window = Thumbnails(5.0)
    small = np.moveaxis(busy(1)[:72, :128], -1, 0)
    for number in range(5 * window.SIZE):
        window.add(number / FPS, small)
        assert window.count - window.first <= window.SIZE
    assert window.time(window.count - 1) - window.time(window.first) >= 5.0


def test_transitions_made_by_ffmpeg_are_found(tmp_path: Path) -> None:
    path = tmp_path / "transitions.mp4"
    sources = [
        "mandelbrot=s=320x180:r=25",
        "testsrc2=s=320x180:r=25",
        "life=s=320x180:r=25:mold=10:ratio=0.1:seed=3",
        "rgbtestsrc=s=320x180:r=25",
    ]
    inputs = [part for source in sources for part in ("-f", "lavfi", "-t", "4", "-i", source)]
    steps = "".join(f"[{i}]format=yuv420p,settb=AVTB[v{i}];" for i in range(4))
    steps += "[v0][v1]xfade=transition=fade:duration=1:offset=3[a];"
    steps += "[a][v2]xfade=transition=fadeblack:duration=1:offset=6[b];[b][v3]concat=n=2:v=1"
    subprocess.run(
        ["ffmpeg", "-v", "error", *inputs, "-filter_complex", steps, "-pix_fmt", "yuv420p", str(path)], check=True
    )
    found = cuts(small_pictures(path))
    assert len(found) == 3
    assert 2.75 <= found[0] <= 4.25
    assert 5.75 <= found[1] <= 7.25
    assert found[2] == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.release)])
def test_the_cuts_of_the_real_clips_are_found(shared_data: Path, every: bool) -> None:
    halves: dict[str, Judgement] = {}
    for name, clip in truth().items():
        if every or clip.transitions:
            found = cuts(small_pictures(shared_data / "video" / name))
            halves[clip.half] = halves.get(clip.half, Judgement()) + judged(found, clip)
    assert {half for half, result in halves.items() if result.f1 >= 0.9} == {"tuning", "reporting"}
