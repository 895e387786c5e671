"""Subtitles that come with a video: beside it (`name.srt`, `name.en.vtt`, `name.ass`) or inside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pysubs2
from av.error import FFmpegError

from ingest.identity import content_id
from ingest.opening import open_media, seconds
from reelseek.errors import MediaError
from reelseek.records import VideoInfo

ENDINGS = (".srt", ".vtt", ".ass", ".ssa")
SIDECAR, EMBEDDED = "subtitles:sidecar", "subtitles:embedded"
_LARGEST = 32 << 20
_LANGUAGE = re.compile(r"^[a-z]{2,3}(?:[-_][a-z0-9]{2,8})*$", re.IGNORECASE)
_MARKS = frozenset({"forced", "sdh", "cc", "hi", "default", "full"})
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>", re.IGNORECASE)
_KEPT_VOICE = re.compile("\ue000([^\ue001]*)\ue001")
"""How a voice is carried past pysubs2, which drops WebVTT's tags."""
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>|\{\\[^}]*\}")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": ""}
_ASS_FIELDS = 8
# ISO 639-2, as containers write it, to the two letters that BCP 47 prefers.
_PAIRS = (
    "ara:ar bul:bg cat:ca ces:cs chi:zh cze:cs dan:da deu:de dut:nl ell:el eng:en est:et fas:fa fin:fi fra:fr fre:fr "
    "ger:de gre:el heb:he hin:hi hrv:hr hun:hu ice:is ind:id isl:is ita:it jpn:ja kor:ko lav:lv lit:lt may:ms msa:ms "
    "nld:nl nor:no per:fa pol:pl por:pt ron:ro rum:ro rus:ru slk:sk slo:sk slv:sl spa:es srp:sr swe:sv tam:ta tel:te "
    "tha:th tur:tr ukr:uk urd:ur vie:vi zho:zh"
)
_SHORT = dict(pair.split(":") for pair in _PAIRS.split())


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle as it is shown: start, end (s), its text without tags, its lines as they were."""

    start: float
    end: float
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A subtitle file beside a video."""

    path: Path
    language: str
    forced: bool

    @property
    def content_hash(self) -> str:
        """Changes with the file."""
        return content_id(self.path)


def sidecars(video: Path) -> list[Sidecar]:
    """The subtitle files beside a video, by name."""
    found = []
    try:
        neighbours = sorted(video.parent.iterdir())
    except OSError:
        return []
    stem = video.stem.casefold()
    for path in neighbours:
        name = path.name.casefold()
        if path.suffix.casefold() not in ENDINGS or not name.startswith(stem + ".") or not path.is_file():
            continue
        middle = path.stem[len(video.stem) + 1 :]
        marks = middle.split(".") if middle else []
        languages = [mark for mark in marks if _LANGUAGE.match(mark) and mark.casefold() not in _MARKS]
        if all(mark.casefold() in _MARKS or mark in languages for mark in marks) and len(languages) <= 1:
            forced = any(mark.casefold() == "forced" for mark in marks)
            found.append(Sidecar(path, bcp47(languages[0]) if languages else "", forced))
    return found


def bcp47(language: str) -> str:
    """A language as BCP 47 writes it: `en` for `eng`, `pt-BR` for `pt_br`; empty for unknown ones."""
    first, *rest = language.strip().replace("_", "-").split("-")
    first = _SHORT.get(first.casefold(), first.casefold())
    if first in ("", "und", "mis", "mul", "zxx"):
        return ""
    return "-".join([first, *(part.upper() if len(part) == 2 else part for part in rest)])


def choose_sidecar(video: Path, language: str) -> Sidecar | None:
    """The one to use: in the wanted language, else without one, else by name; `forced` ones only if nothing else is."""
    return min(sidecars(video), key=lambda item: (item.forced, *_rank(item.language, language)), default=None)


def choose_track(info: VideoInfo, language: str) -> dict[str, str] | None:
    """The embedded text track to use: in the wanted language, else the default one, else the first."""
    texts = [track for track in info.subtitle_tracks if track.get("kind") == "text"]
    return min(texts, key=lambda item: (_rank(item["language"], language)[0], item["default"] != "yes"), default=None)


def read_sidecar(path: Path) -> list[Cue]:
    """Read a subtitle file.

    Raises:
        MediaError: it is none, or too large; the message names it.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise MediaError(f"The subtitles {path.name} have more than {_LARGEST >> 20} MB.")
        text = decode_text(path.read_bytes())
        kind = _format(path, text)
        text = _VOICE.sub("\ue000\\1\ue001", text) if kind == "vtt" else text
        parsed = pysubs2.SSAFile.from_string(text, format_=kind)
    except (OSError, ValueError, pysubs2.exceptions.Pysubs2Error) as error:
        raise MediaError(f"The subtitles {path.name} cannot be read: {error}.") from error
    cues = []
    for event in parsed:
        if not event.is_comment:
            cues.append(_cue(event.start / 1000, event.end / 1000, event.text, event.name))
    return tidy(cues)


def read_track(path: Path, info: VideoInfo, index: int) -> list[Cue]:
    """Read an embedded text track by its stream index, times relative to the video's start.

    Raises:
        MediaError: the file cannot be opened.
    """
    cues = []
    with open_media(path) as container:
        stream = container.streams[index]
        codec = next((track["codec"] for track in info.subtitle_tracks if track["index"] == str(index)), "")
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, FFmpegError):
                break
            start = seconds(stream, packet.pts)
            if start is None:
                continue
            start -= info.start_offset
            text, name = _payload(bytes(packet), codec)
            cues.append(_cue(start, start + (seconds(stream, packet.duration) or 0.0), text, name))
    return tidy(cues)


def decode_text(content: bytes) -> str:
    """A subtitle file's text: by its byte-order mark, UTF-16 where zeros show it, else UTF-8, else Windows' Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if b"\0" in (head := content[:256]):
        return content.decode("utf-16-be" if head[::2].count(0) > head[1::2].count(0) else "utf-16-le", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def tidy(cues: Iterable[Cue]) -> list[Cue]:
    """Cues in order, without empty ones, and without lines that a rolling caption only repeats."""
    kept: list[Cue] = []
    for cue in sorted(cues, key=lambda item: (item.start, item.end)):
        end = cue.end if cue.end > cue.start else cue.start + _reading_time(cue.text)
        text = cue.text
        if kept and cue.start - kept[-1].end < 0.1:
            text = _without_repeat(kept[-1].text, text)
        if text and end > 0:
            kept.append(Cue(max(0.0, cue.start), end, text, cue.speaker))
    return kept


def _without_repeat(before: str, text: str) -> str:
    if text == before:
        return ""
    lines = text.split("\n")
    while len(lines) > 1 and lines[0].strip() and before.endswith(lines[0].strip()):
        lines.pop(0)
    return "\n".join(lines)


def _reading_time(text: str) -> float:
    return max(1.0, len(text) / 15)


def _cue(start: float, end: float, text: str, name: str = "") -> Cue:
    voice = _VOICE.search(text) or _KEPT_VOICE.search(text)
    text = _KEPT_VOICE.sub("", text)
    text = text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    text = _TAG.sub("", text)
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return Cue(start, end, "\n".join(line for line in lines if line), (voice.group(1) if voice else name).strip())


def _payload(content: bytes, codec: str) -> tuple[str, str]:
    """Text and speaker of a packet."""
    if codec == "mov_text":
        return content[2 : 2 + int.from_bytes(content[:2], "big")].decode("utf-8", "replace"), ""
    text = content.decode("utf-8", "replace").rstrip("\0")
    if codec in ("ass", "ssa"):
        fields = text.split(",", _ASS_FIELDS)
        return (fields[-1], fields[3]) if len(fields) > _ASS_FIELDS else (text, "")
    return text, ""


def _format(path: Path, text: str) -> str:
    if text.lstrip("\ufeff \r\n").startswith("WEBVTT"):
        return "vtt"
    if "[Script Info]" in text[:4096] or "[Events]" in text[:65536]:
        return "ass"
    return {".vtt": "vtt", ".srt": "srt"}.get(path.suffix.casefold(), "srt")


def _rank(language: str, wanted: str) -> tuple[int, str]:
    have, want = language.casefold()[:2], wanted.casefold()[:2]
    if want and have == want:
        return 0, language
    return (1 if not have else 2 if have == "en" else 3), language
