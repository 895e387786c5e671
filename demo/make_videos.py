"""Make the demo's videos and their truth file: `python -m demo.make_videos`. Needs espeak-ng."""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from demo.captions import encode_claims, encode_facts, truth_matrix, understand
from demo.documents import draw_code, draw_slide, draw_whiteboard, font
from demo.drawing import COLOURS, GROUNDS, draw_object
from demo.films import FILMS, PRESENT
from demo.scenes import Picture, draw_scene
from demo.script import Board, Cut, Film, Scenery, Screen, Slide, Speaker
from demo.studio import RATE, Cue, Look, Samples, Voice, mix, speak, write_video

HERE = Path(__file__).parent
_LEAD, _PAUSE, _TAIL = 0.5, 1.2, 0.8
"""Silence before, between and after what is said in a shot, in seconds."""
_GRID = 0.25
_IRREGULAR_STEPS = (0.042, 0.125, 0.042, 0.333, 0.083, 0.5, 0.167)


@dataclass(frozen=True, slots=True)
class Take:
    """A shot with its times: when it starts and ends, and when each sentence is spoken."""

    cut: Cut
    start: float
    end: float
    cues: tuple[Cue, ...] = ()
    sounds: tuple[tuple[float, Samples], ...] = ()


def take_all(film: Film, say: Callable[[str, Voice], Samples] = speak) -> list[Take]:
    """Speak everything and lay the shots out one after the other, on a grid of a quarter of a second."""
    takes: list[Take] = []
    start = 0.0
    for cut in film.cuts:
        time, cues, sounds = start + _LEAD, [], []
        for line in cut.says:
            samples = say(line.text, line.voice)
            end = time + len(samples) / RATE
            cues.append(Cue(round(time, 3), round(end, 3), line.text))
            sounds.append((time, samples))
            time = end + _PAUSE
        spoken = time - _PAUSE + _TAIL if cut.says else start
        end = math.ceil(max(start + cut.seconds, spoken) / _GRID) * _GRID
        takes.append(Take(cut, start, end, tuple(cues), tuple(sounds)))
        start = end
    return takes


def picture_of(shows: Scenery | Slide | Screen | Board | Speaker, size: tuple[int, int], age: float) -> Image.Image:
    """What a shot shows `age` seconds after its start."""
    match shows:
        case Scenery():
            return _signed(scenery_picture(shows, size, age).image, shows.sign)
        case Slide():
            return draw_slide(size, shows.title, list(shows.bullets), shows.theme, shows.footer)
        case Screen():
            return draw_code(size, shows.title, _typed(shows, age), dark=shows.dark, menu=shows.menu)
        case Board():
            return draw_whiteboard(size, list(shows.labels), random.Random(shows.seed))
        case Speaker():
            return _speaker(shows, size)


def scenery_picture(shows: Scenery, size: tuple[int, int], age: float = 0.0) -> Picture:
    """A scene with what is in it; it drifts from one side of its place to the other within eight seconds."""
    share = age / 8 - 0.5
    return draw_scene(shows.scene, size, shows.seed, shows.scale, (shows.drift[0] * share, shows.drift[1] * share))


def _typed(screen: Screen, age: float) -> list[str]:
    """The lines of a screen while its last ones are being typed, 40 letters a second."""
    fixed = list(screen.lines[: len(screen.lines) - screen.typed])
    letters = round(max(0.0, age - 0.3) * 40)
    for line in screen.lines[len(fixed) :]:
        if letters <= 0:
            break
        fixed.append(line[:letters])
        letters -= len(line)
    return fixed


def _signed(picture: Image.Image, sign: str) -> Image.Image:
    if sign:
        width, height = picture.size
        draw = ImageDraw.Draw(picture)
        draw.rectangle((0, 0, width, height * 0.085), fill=(40, 44, 60))
        draw.text((width / 2, height * 0.042), sign, font=font(round(height * 0.05)), fill=(250, 250, 250), anchor="mm")
    return picture


def _speaker(shows: Speaker, size: tuple[int, int]) -> Image.Image:
    width, height = size
    picture = Image.new("RGB", size, GROUNDS[shows.wall])
    draw = ImageDraw.Draw(picture)
    tall = height * 1.25
    left = width * 0.5 - tall * 0.25
    draw_object(draw, "person", (left, height * 0.14, left + tall * 0.5, height * 0.14 + tall), COLOURS[shows.shirt])
    draw.rectangle((0, height * 0.84, width, height), fill=(28, 34, 54))
    draw.text((width * 0.04, height * 0.87), shows.name, font=font(round(height * 0.075)), fill=(245, 245, 245))
    return picture


def frames_of(look: Look, takes: list[Take]) -> Iterator[tuple[float, Image.Image]]:
    """Times and pictures of a film; a picture that does not move is drawn once."""
    for take in takes:
        draw: Callable[[float], Image.Image] = partial(picture_of, take.cut.shows, look.size)
        still = None if _moves(take.cut) else draw(0.0)
        for time in frame_times(look, take.start, take.end):
            yield time, still or draw(time - take.start)


def frame_times(look: Look, start: float, end: float) -> Iterator[float]:
    """When pictures stand between two times: evenly, or for changing lengths where the look is irregular."""
    if not look.irregular:
        yield from (start + number / look.fps for number in range(round((end - start) * look.fps)))
        return
    time, number = start, 0
    while time < end - 0.05:
        yield time
        time += _IRREGULAR_STEPS[number % len(_IRREGULAR_STEPS)]
        number += 1
    yield end - 1 / look.fps


def _moves(cut: Cut) -> bool:
    shows = cut.shows
    return (isinstance(shows, Screen) and shows.typed > 0) or (isinstance(shows, Scenery) and shows.drift != (0.0, 0.0))


def make_film(film: Film, folder: Path, say: Callable[[str, Voice], Samples] = speak) -> list[Take]:
    """Write one video; the takes tell what is when."""
    takes = take_all(film, say)
    sounds = [sound for take in takes for sound in take.sounds]
    cues = [cue for take in takes for cue in take.cues]
    track = mix(sounds, takes[-1].end) if sounds else None
    write_video(folder, film.look, frames_of(film.look, takes), track, cues)
    return takes


def truth_of(films: list[tuple[Film, list[Take]]]) -> list[dict[str, Any]]:
    """Every query with the moment it must find, and other moments that would be right as well."""
    rows: list[dict[str, Any]] = []
    for film, takes in films:
        name = film.look.name
        for take in takes:
            for line, cue in zip(take.cut.says, take.cues, strict=True):
                rows += [_row(query, "spoken", name, cue.start, cue.end) for query in line.asks]
            rows += [_row(query, "written", name, take.start, take.end) for query in take.cut.written]
            for query in take.cut.seen:
                rows.append(_row(query, "seen", name, take.start, take.end, _others(films, film, take, query)))
        rows += [_row(query, "sequence", name, takes[a].start, takes[b].end) for query, a, b in film.sequences]
    rows += [row for label, least in PRESENT for row in _present(label, least, films)]
    order = ("spoken", "written", "seen", "present", "sequence")
    return sorted(rows, key=lambda row: order.index(row["kind"]))


def _row(
    query: str, kind: str, video: str, start: float, end: float, also: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {"query": query, "kind": kind, "video": video, "start": start, "end": end, "also_ok": also or []}


def _others(films: list[tuple[Film, list[Take]]], own: Film, shot: Take, query: str) -> list[dict[str, Any]]:
    """Other shots of which the words are true.

    Raises:
        ValueError: they are not true of the shot that they were written for.
    """
    said = encode_claims(understand(query))
    found = []
    for film, takes in films:
        for take in takes:
            if not isinstance(take.cut.shows, Scenery):
                continue
            picture = scenery_picture(take.cut.shows, film.look.size)
            holds = bool(truth_matrix([said], [encode_facts(picture)])[0, 0])
            if film is own and take is shot:
                if not holds:
                    raise ValueError(f"{film.look.name}: {query!r} is not true of {picture.facts()}")
            elif holds:
                found.append({"video": film.look.name, "start": take.start, "end": take.end})
    return found


def _present(label: str, least: int, films: list[tuple[Film, list[Take]]]) -> list[dict[str, Any]]:
    """A query for the first shot with at least so many objects, the others being right as well; none if none has."""
    found: list[dict[str, Any]] = []
    for film, takes in films:
        for take in takes:
            if isinstance(take.cut.shows, Scenery):
                items = scenery_picture(take.cut.shows, film.look.size).items
                if sum(item.kind == label for item in items) >= least:
                    found.append({"video": film.look.name, "start": take.start, "end": take.end})
    query = f"object:{label}>={least}"
    return [_row(query, "present", shot["video"], shot["start"], shot["end"], found[1:]) for shot in found[:1]]


def make_all(args: argparse.Namespace) -> None:
    """Write all videos and the truth file; `args` as `parser` makes them."""
    args.videos.mkdir(parents=True, exist_ok=True)
    made = []
    for film in FILMS:
        takes = make_film(film, args.videos)
        size = (args.videos / film.look.name).stat().st_size
        print(f"{film.look.name}: {takes[-1].end:.2f} s, {size / 1000:.0f} kB", flush=True)
        made.append((film, takes))
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in truth_of(made))
    args.truth.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    print(f"wrote {args.truth}")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m demo.make_videos", description="Draw and speak the demo's videos.")
    made.add_argument("--videos", type=Path, default=HERE / "videos", help="folder to write (default: %(default)s)")
    made.add_argument(
        "--truth", type=Path, default=HERE / "truth.json", help="truth file to write (default: %(default)s)"
    )
    return made


if __name__ == "__main__":
    make_all(parser().parse_args())
