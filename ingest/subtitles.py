"""Subtitles that come with a video: beside it (`name.srt`, `name.en.vtt`, `name.ass`) or inside it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import av
import pysubs2
from av.error import FFmpegError
from av.subtitles.subtitle import AssSubtitle

from ingest.identity import content_id
from ingest.opening import open_media, seconds
from reelseek.errors import MediaError
from reelseek.records import VideoInfo

_PARSED = (".srt", ".vtt", ".ass", ".ssa", ".ttml", ".dfxp")
_DECODED: dict[str, str | None] = {
    ".sub": None, ".smi": "sami", ".sami": "sami", ".mpl": "mpl2", ".mpl2": "mpl2", ".stl": "stl", ".pjs": "pjs",
    ".rt": "realtext", ".jss": "jacosub", ".lrc": "lrc", ".scc": "scc",
}  # fmt: skip
"""Endings that FFmpeg's readers know, with the reader; a `.sub` is one of several."""
ENDINGS = (*_PARSED, *_DECODED)
"""Subtitle files, the best kinds first: of two in one language the first is taken."""
_DEMUXERS = "microdvd,subviewer,subviewer1,mpl2,mpsub,vplayer,sami,stl,pjs,realtext,jacosub,lrc,scc"
"""The readers that may be used; none of them opens another file."""
_PLAIN_CODECS = frozenset({"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", ""})
_FOREVER = 0xFFFFFFFF
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
    sounds: bool = False

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
            said = {mark.casefold() for mark in marks}
            language = bcp47(languages[0]) if languages else ""
            found.append(Sidecar(path, language, "forced" in said, bool(said & {"sdh", "cc", "hi"})))
    return found


def bcp47(language: str) -> str:
    """A language as BCP 47 writes it: `en` for `eng`, `pt-BR` for `pt_br`; empty for unknown ones."""
    first, *rest = language.strip().replace("_", "-").split("-")
    first = _SHORT.get(first.casefold(), first.casefold())
    if first in ("", "und", "mis", "mul", "zxx"):
        return ""
    return "-".join([first, *(part.upper() if len(part) == 2 else part for part in rest)])


def choose_sidecar(video: Path, language: str) -> Sidecar | None:
    """The one to use: in the wanted language, else without one, else by name; `forced` ones only if nothing else is.

    Of several in one language the plain one before the one for the deaf (which names sounds), and by kind of file.
    """

    def place(item: Sidecar) -> tuple[object, ...]:
        ending = ENDINGS.index(item.path.suffix.casefold())
        return item.forced, *_rank(item.language, language), item.sounds, ending, item.path.name

    return min(sidecars(video), key=place, default=None)


def choose_track(info: VideoInfo, language: str, kind: str = "text") -> dict[str, str] | None:
    """The embedded track to use.

    Commentaries and forced tracks (which hold only what is said in another tongue) come last. Of the others: the wanted
    language, else that of the default track, else English, else the first; in that language the plain track before the
    one for the deaf (which names sounds), the default one before others.

    Args:
        kind: `text` or `picture`.
    """
    tracks = [track for track in info.subtitle_tracks if track.get("kind") == kind]
    whole = [track for track in tracks if track.get("role") not in ("forced", "commentary")] or tracks
    if not whole:
        return None
    wanted = language or next((track["language"] for track in whole if track["default"] == "yes"), "")
    return min(
        whole,
        key=lambda item: (_rank(item["language"], wanted)[0], item.get("role") == "sounds", item["default"] != "yes"),
    )


def chosen_track(info: VideoInfo, track: dict[str, str]) -> str:
    """What to tell of the choice: nothing where there was none."""
    others = [item for item in info.subtitle_tracks if item["index"] != track["index"]]
    return f"subtitles: {_named(track)}; not indexed: {', '.join(map(_named, others))}" if others else ""


def role_of(title: str, *, forced: bool, sounds: bool, commentary: bool) -> str:
    """What a subtitle track is for, by its flags and its title: `forced`, `sounds`, `commentary`, or empty."""
    words = set(re.findall(r"[a-z]+", title.casefold()))
    if forced or words & {"forced", "signs"}:
        return "forced"
    if commentary or "commentary" in words:
        return "commentary"
    return "sounds" if sounds or words & {"sdh", "cc", "hearing", "deaf"} else ""


def _named(track: dict[str, str]) -> str:
    told = filter(None, (track.get("title"), track.get("role"), "pictures" if track["kind"] == "picture" else ""))
    details = ", ".join(dict.fromkeys(told))
    return f"{track['language'] or 'unknown language'}{f' ({details})' if details else ''}"


def read_sidecar(path: Path) -> list[Cue]:
    """Read a subtitle file.

    Raises:
        MediaError: it is none, or too large; the message names it.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise MediaError(f"The subtitles {path.name} have more than {_LARGEST >> 20} MB.")
        text = decode_text(path.read_bytes())
        if path.suffix.casefold() in _DECODED:
            return tidy(_decoded_file(text, _DECODED[path.suffix.casefold()]))
        kind = _format(path, text)
        text = _VOICE.sub("\ue000\\1\ue001", text) if kind == "vtt" else text
        parsed = pysubs2.SSAFile.from_string(text, format_=kind)
    except (OSError, ValueError, ParseError, pysubs2.exceptions.Pysubs2Error) as error:
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
            length = seconds(stream, packet.duration) or 0.0
            if codec in _PLAIN_CODECS:
                cues.append(_cue(start, start + length, *_payload(bytes(packet), codec)))
            else:
                cues += _decoded(stream, packet, start, length)
    return tidy(cues)


def _decoded_file(text: str, reader: str | None) -> Iterator[Cue]:
    """The cues of a file in one of the formats that FFmpeg alone knows. It is given the text, not the file."""
    try:
        allowed = {"format_whitelist": _DEMUXERS, "protocol_whitelist": ""}
        with av.open(io.BytesIO(text.encode()), format=reader, options=allowed) as container:
            for stream in container.streams.subtitles:
                for packet in container.demux(stream):
                    if (start := seconds(stream, packet.pts)) is not None:
                        yield from _decoded(stream, packet, start, seconds(stream, packet.duration) or 0.0)
    except FFmpegError:
        return


def _decoded(stream: Any, packet: Any, start: float, length: float) -> list[Cue]:
    """What FFmpeg makes of a packet; a broken one is nothing."""
    try:
        decoded = stream.decode2(packet)
    except FFmpegError:
        return []
    if decoded is None:
        return []
    start += decoded.start_display_time / 1000
    if 0 < decoded.end_display_time < _FOREVER:
        length = (decoded.end_display_time - decoded.start_display_time) / 1000
    cues = []
    for rect in decoded.rects:
        if isinstance(rect, AssSubtitle):
            fields = rect.ass.decode("utf-8", "replace").split(",", _ASS_FIELDS)
            cues.append(_cue(start, start + length, fields[-1], fields[3] if len(fields) > _ASS_FIELDS else ""))
    return cues


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
    return {".vtt": "vtt", ".ttml": "ttml", ".dfxp": "ttml"}.get(path.suffix.casefold(), "srt")


def _rank(language: str, wanted: str) -> tuple[int, str]:
    have, want = language.casefold()[:2], wanted.casefold()[:2]
    if want and have == want:
        return 0, language
    return (1 if not have else 2 if have == "en" else 3), language
