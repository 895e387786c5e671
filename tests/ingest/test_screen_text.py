"""Generated pictures read by the real engine: what is read again, when a text appears and goes, what kind it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engines.protocols import ScreenTextEngine
from ingest.screen_text import read_frames, read_looks, tracks
from reelseek.records import Channel, EngineRef, Frame, Image, TextBox, TimedText
from reelseek.setting_groups import EngineSettings
from tests.support.screen import HEIGHT, WIDTH, Film, Shot, line, scene, written

PAPER = np.full((HEIGHT, WIDTH, 3), 245, np.uint8)


class Reader:
    """The real engine, counting the pictures that it is given."""

    id, fingerprint, note = "rapidocr:packaged", "f", ""

    def __init__(self) -> None:
        from engines.rapidocr_engine import RapidOcrEngine

        self.engine = RapidOcrEngine(EngineRef(self.id, "f"), None, EngineSettings(threads=1, device="cpu"))
        self.count = 0

    def read(self, images: Sequence[Image]) -> list[tuple[TextBox, ...]]:
        self.count += len(images)
        return self.engine.read(images)


@pytest.fixture(scope="module")
def shared_reader() -> Reader:
    return Reader()


@pytest.fixture
def reader(shared_reader: Reader) -> Reader:
    shared_reader.count = 0
    return shared_reader


def found(reader: ScreenTextEngine, film: Film) -> tuple[TimedText, ...]:
    """All that ingest makes of a film's text."""
    read = read_frames(reader, film.frames, film.pictures, lambda _: None, 8)
    looks = read_looks(reader, film.frames, film.looks, film.pictures, 8, 100)
    return tracks(film.frames, read, "r", looks=film.looks, looks_read=looks, pictures=film.pictures)


def slide(*lines: str) -> Image:
    image = PAPER
    for row, text in enumerate(lines):
        image = written(image, text, 40, 60 + 60 * row, anchor="lm", ink=20, edge=245)
    return image


def test_what_shows_nothing_new_is_not_read(reader: Reader) -> None:
    first, second = slide("Rivers of Europe", "The Rhine"), slide("Rivers of Europe", "The Rhine", "The Danube")
    speaker = scene(1)
    noisy = np.clip(first.astype(int) + np.random.default_rng(0).integers(-2, 3, first.shape), 0, 255).astype(np.uint8)
    blank = np.full_like(first, 30)
    shots = [first, noisy, speaker, first, second, blank, second]
    film = Film([Shot(4.0 * n, image) for n, image in enumerate(shots)], 28.0)
    read = read_frames(reader, film.frames, film.pictures, lambda _: None, 2)
    assert reader.count <= 3
    titles = [[item.text for item in boxes] for boxes in read]
    assert titles[0] == titles[1] == titles[3] == ["Rivers of Europe", "The Rhine"]
    assert titles[4] == titles[6] == ["Rivers of Europe", "The Rhine", "The Danube"]
    assert titles[5] == []


@pytest.mark.parametrize("change", ["a digit", "a word far down", "a word gone"])
def test_small_changes_of_text_are_read(reader: Reader, change: str) -> None:
    before = slide("Budget", "Total 13 400")
    after = {
        "a digit": slide("Budget", "Total 18 400"),
        "a word far down": written(before, "draft", 600, 340, size=12, anchor="rm", ink=110, edge=245),
        "a word gone": slide("Budget"),
    }[change]
    film = Film([Shot(0.0, before), Shot(4.0, after)], 8.0)
    first, second = read_frames(reader, film.frames, film.pictures, lambda _: None, 8)
    assert reader.count == 2
    assert [item.text for item in first] != [item.text for item in second]


def test_a_caption_begins_and_ends_where_the_looks_show_it(reader: Reader) -> None:
    def at(time: float) -> Image:
        image = scene(2, move=time)
        return written(image, "CARLO RUBINI", 150, 290) if 2.2 <= time < 5.3 else image

    times = [0.5 * n for n in range(17)]
    film = Film([Shot(time, at(time), keyframe=time in (0.0, 3.0, 7.0)) for time in times], 8.5)
    (caption,) = (item for item in found(reader, film) if "CARLO" in item.text)
    assert caption.start == pytest.approx(2.2, abs=0.3)
    assert caption.end == pytest.approx(5.3, abs=0.3)


def test_every_keyframe_is_read_where_that_is_asked_for(reader: Reader) -> None:
    film = Film([Shot(float(time), slide("Opening words")) for time in range(4)], 4.0)
    once = read_frames(reader, film.frames, film.pictures, lambda _: None, 8)
    assert reader.count == 1
    assert read_frames(reader, film.frames, film.pictures, lambda _: None, 8, every=True) == once
    assert reader.count == 5


def test_no_more_looks_are_read_than_asked_for_and_those_from_end_to_end(reader: Reader) -> None:
    times = [0.5 * n for n in range(16)]
    captions = [
        "CARLO RUBINI",
        "Everything you love",
        "FOR SCHOOLS",
        "Mornings at six",
        "harvest",
        "TICKETS",
        "again",
        "The end",
    ]
    pictures = [written(scene(2, move=time), captions[int(time)], 150, 40 + 35 * int(time)) for time in times]
    film = Film([Shot(time, image, keyframe=time == 0.0) for time, image in zip(times, pictures, strict=True)], 8.0)
    whole = [item.time for item in read_looks(reader, film.frames, film.looks, film.pictures, 8, 100)]
    assert len(whole) > 4
    some = [item.time for item in read_looks(reader, film.frames, film.looks, film.pictures, 8, 3)]
    assert reader.count == len(whole) + 3
    assert set(some) < set(whole)
    assert max(some) > whole[len(whole) // 2]
    assert read_looks(reader, film.frames, film.looks, film.pictures, 8, 0) == []


def test_a_caption_that_is_coming_in_is_read_when_it_is_whole(reader: Reader) -> None:
    def at(time: float) -> Image:
        shown = "CARLO" if time <= 1.0 else "CARLO RUBINI"
        image = scene(2, move=time)
        return written(image, shown, 60, 180, anchor="lm") if 1.0 <= time < 3.0 else image

    times = [0.5 * n for n in range(8)]
    film = Film([Shot(time, at(time), keyframe=time == 0.0) for time in times], 4.0)
    (look,) = read_looks(reader, film.frames, film.looks, film.pictures, 8, 100)
    assert look.time == 1.5
    assert [box.text for box in look.boxes] == ["CARLO RUBINI"]


def test_a_caption_between_two_keyframes_is_found(reader: Reader) -> None:
    def at(time: float) -> Image:
        image = scene(3, move=time)
        return written(image, "Everything you love", y=200) if 2.9 <= time < 4.6 else image

    times = [0.5 * n for n in range(15)]
    film = Film([Shot(time, at(time), keyframe=time in (0.0, 2.0, 6.0)) for time in times], 7.5)
    (caption,) = (item for item in found(reader, film) if "love" in item.text)
    assert caption.start == pytest.approx(2.9, abs=0.5)
    assert caption.end == pytest.approx(4.6, abs=0.5)
    assert reader.count <= 6


def test_a_fading_title_is_one_line_with_its_best_reading(reader: Reader) -> None:
    fade = [0.0, 0.12, 0.35, 0.7, 1.0, 1.0, 0.7, 0.35, 0.12, 0.0]
    back = scene(4)
    film = Film(
        [Shot(0.5 * n, written(back, "FOR BIGGER ESCAPES", y=180, size=48, opacity=o)) for n, o in enumerate(fade)], 5.0
    )
    (title,) = found(reader, film)
    assert title.text == "FOR BIGGER ESCAPES"
    assert title.start <= 1.5
    assert title.end >= 3.5


TALK = (
    "I never thought we would come back.", "It has not changed at all.", "Look at the old harbour.",
    "Your father built that wall.", "There was a lot to forget.",
)  # fmt: skip


def test_burnt_in_subtitles_of_a_moving_picture_are_speech(reader: Reader) -> None:
    def at(time: float) -> Image:
        said = int(time / 2.5)
        image = written(scene(5, move=time), "KANAL", 590, 30, size=18)
        return written(image, TALK[said], y=325) if said < len(TALK) and time % 2.5 < 2.2 else image

    times = [0.5 * n for n in range(27)]
    film = Film([Shot(time, at(time), keyframe=time % 2 == 0) for time in times], 13.5)
    lines = found(reader, film)
    assert [item.text for item in lines if item.channel == Channel.SPEECH] == list(TALK)
    screen = {item.text: item for item in lines if item.channel == Channel.SCREEN_TEXT}
    assert (screen["KANAL"].start, screen["KANAL"].end) == (0.0, 13.5)
    assert not {text for text in screen if len(text) > 5}
    for number, item in enumerate(item for item in lines if item.channel == Channel.SPEECH):
        assert item.start == pytest.approx(2.5 * number, abs=0.5)


def test_a_ticker_is_put_together(reader: Reader) -> None:
    news = "STORM WARNING FOR THE NORTH COAST   MARKETS RISE AS TALKS GO ON   BRIDGE TO OPEN"

    def at(time: float) -> Image:
        image = scene(6)
        image[330:] = 20
        return written(image, news, 10 - 120 * time, 345, size=22, anchor="lm", edge=20)

    film = Film([Shot(1.0 * n, at(1.0 * n)) for n in range(6)], 6.0)
    (ticker,) = found(reader, film)
    assert (ticker.start, ticker.end) == (0.0, 6.0)
    heard = set(ticker.text.replace(" ", ""))
    assert heard
    for part in ("STORM WARNING", "NORTH COAST", "MARKETS RISE", "TALKS GO ON", "BRIDGE TO OPEN"):
        assert part.replace(" ", "") in ticker.text.replace(" ", "")


def test_credits_that_roll_are_each_one_line(reader: Reader) -> None:
    names = ["Directed by Ann Lee", "Camera Bo Ekman", "Sound Cy Daley", "Music Di Fryer"]

    def at(time: float) -> Image:
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for row, name in enumerate(names):
            image = written(image, name, y=380 + 70 * row - 90 * time)
        return image

    film = Film([Shot(0.5 * n, at(0.5 * n)) for n in range(14)], 7.0)
    lines = found(reader, film)
    assert sorted(item.text for item in lines) == sorted(names)
    assert all(2.5 < item.end - item.start < 6 for item in lines)


def test_terminal_output_stays_on_the_screen(reader: Reader) -> None:
    prompt = ["$ make test", "collected 42 items", "all tests passed in 3 s", "$ git push origin main"]

    def at(count: int) -> Image:
        image = np.full((HEIGHT, WIDTH, 3), 25, np.uint8)
        for row, text in enumerate(prompt[:count]):
            image = written(image, text, 20, 230 + 32 * row, size=20, anchor="lm", edge=25)
        return image

    film = Film([Shot(2.0 * n, at(n + 1)) for n in range(4)], 8.0)
    lines = found(reader, film)
    assert {item.channel for item in lines} == {Channel.SCREEN_TEXT}
    assert [item.start for item in lines] == [0.0, 2.0, 4.0, 6.0]
    assert all(item.end == 8.0 for item in lines)


def test_no_pictures_are_no_lines(reader: Reader) -> None:
    assert read_frames(reader, [], lambda _: [], lambda _: None, 8) == []
    assert tracks([], [], "r") == ()
    frame = Frame(0, 0.0, 5.0, 0, "0.jpg")
    assert [item.end for item in tracks([frame], [(line("Only once"),)], "r")] == [5.0]
