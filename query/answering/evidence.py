"""What is known of a moment, as text with times and as frames: what an answer is made from."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from query.source import Frame, Source
from reelseek.artefacts import ArtefactStore
from reelseek.errors import NotFound
from reelseek.records import Channel, DetectedObject, Image
from reelseek.results import Evidence, Moment
from reelseek.timecode import format_time
from reelseek.tracks import tell

CONTEXT = 8.0
"""Seconds around a moment from which more lines are told, as far as the budget allows."""

_TEXTS = (Channel.SPEECH, Channel.SCREEN_TEXT, Channel.CAPTION, Channel.SOUND)
_NAMES = {
    Channel.SPEECH: "said",
    Channel.SCREEN_TEXT: "on screen",
    Channel.CAPTION: "caption",
    Channel.SOUND: "heard",
    Channel.OBJECTS: "objects",
    Channel.VISUAL: "picture",
    Channel.TITLE: "title",
}
_RELATIONS = 6
_FRAMES_EACH = 4


@dataclass(frozen=True, slots=True)
class Block:
    """All evidence of one moment. `number` is what a citation names; `frames` are times of pictures."""

    number: int
    moment: Moment
    lines: tuple[str, ...]
    frames: tuple[tuple[float, Image], ...] = ()


def build(
    moments: Sequence[Moment],
    source: Source,
    store: ArtefactStore,
    *,
    count_tokens: Callable[[str], int],
    tokens: int,
    frames: int,
    relations: frozenset[str] = frozenset(),
) -> list[Block]:
    """Evidence for the moments, best first, within a budget of tokens and frames.

    The budget is shared out by confidence; what a moment leaves over goes to the next. Lines are chronological, each
    with its time, and a line that recurs later is told again.
    """
    blocks = []
    weights = [max(0.05, moment.confidence) for moment in moments]
    left_tokens, left_frames = tokens, frames
    for at, moment in enumerate(moments):
        share = int(left_tokens * weights[at] / sum(weights[at:]))
        stills = source.frames_between(moment.video_id, moment.start, moment.end)
        lines: list[tuple[float, str]] = []
        for start, line in _candidates(moment, source, stills, relations):
            cost = count_tokens(line)
            if cost <= share and (start, line) not in lines:
                lines.append((start, line))
                share -= cost
                left_tokens -= cost
        wanted = min(_FRAMES_EACH, -(-left_frames // (len(moments) - at)))
        pictures = tuple(_pictures(moment, stills, store, wanted))
        left_frames -= len(pictures)
        blocks.append(Block(at + 1, moment, tuple(line for _, line in sorted(lines)), pictures))
    return [block for block in blocks if block.lines or block.frames]


def _candidates(
    moment: Moment, source: Source, stills: Sequence[Frame], relations: frozenset[str]
) -> Iterator[tuple[float, str]]:
    """Lines of evidence, the most telling first: what matched, what stands beside it, what is seen, what is around."""
    for item in sorted(moment.evidence, key=lambda item: -item.score):
        if item.channel in _TEXTS:
            yield item.start, line_of(item)
    inside = source.lines_between(moment.video_id, moment.start, moment.end, _TEXTS)
    around = source.lines_between(moment.video_id, moment.start - CONTEXT, moment.end + CONTEXT, _TEXTS)
    for line in (*inside, *around):
        yield line.start, line_of(Evidence(line.channel, line.start, line.end, line.text, 0.0))
    if told := tell(source.tracks_between(moment.video_id, moment.start, moment.end), moment.start, moment.end):
        yield moment.start, line_of(Evidence(Channel.OBJECTS, moment.start, moment.end, told, 0.0))
    for still in stills:
        if still.objects:
            yield still.start, f"[{format_time(still.start, decimals=1)}] objects: {describe(still.objects, relations)}"


def line_of(item: Evidence) -> str:
    """`[0:12.0-0:15.5] said: …`."""
    text = " ".join(item.text.split())
    times = f"{format_time(item.start, decimals=1)}-{format_time(item.end, decimals=1)}"
    return f"[{times}] {_NAMES[item.channel]}: {text}"


def describe(objects: Sequence[DetectedObject], relations: frozenset[str] = frozenset()) -> str:
    """Objects as count, place, and relation: `2 × car (left, right), person (centre); person left of car`."""
    counts = Counter(item.label for item in objects)
    parts = []
    for label, count in counts.most_common():
        places = [_place(item) for item in objects if item.label == label]
        number = f"{count} × {label}" if count > 1 else label
        parts.append(f"{number} ({', '.join(places[:6])})")
    text = ", ".join(parts)
    if "relation" in relations and len(objects) > 1:
        told = dict.fromkeys(_relation(a, b) for i, a in enumerate(objects) for b in objects[i + 1 :])
        text += "; " + "; ".join(list(told)[:_RELATIONS])
    return text


def _place(item: DetectedObject) -> str:
    x, y = item.box.centre
    across = "left" if x < 1 / 3 else "right" if x > 2 / 3 else "centre"
    down = "top " if y < 1 / 3 else "bottom " if y > 2 / 3 else ""
    return down + across


def _relation(a: DetectedObject, b: DetectedObject) -> str:
    if a.box.iou(b.box) > 0.1:
        return f"{a.label} overlaps {b.label}"
    (ax, ay), (bx, by) = a.box.centre, b.box.centre
    if abs(ax - bx) >= abs(ay - by):
        return f"{a.label} left of {b.label}" if ax < bx else f"{a.label} right of {b.label}"
    return f"{a.label} above {b.label}" if ay < by else f"{a.label} below {b.label}"


def _pictures(
    moment: Moment, stills: Sequence[Frame], store: ArtefactStore, wanted: int
) -> Iterator[tuple[float, Image]]:
    """Keyframes of a moment: those that matched, else spread evenly."""
    if wanted < 1 or not stills:
        return
    seen = [item.start for item in moment.evidence if item.channel in (Channel.VISUAL, Channel.OBJECTS)]
    matched = [still for still in stills if any(abs(still.start - start) < 0.05 for start in seen)]
    step = max(1, len(stills) // wanted)
    chosen = list({still.index: still for still in (*matched, *stills[::step])}.values())[:wanted]
    for still in sorted(chosen, key=lambda item: item.start):
        if (picture := picture_of(store, still)) is not None:  # a picture that is gone leaves the text
            yield still.start, picture


def picture_of(store: ArtefactStore, still: Frame) -> Image | None:
    """A keyframe's picture; None where it is gone."""
    key = store.current(still.video_id).get("frames")
    if key is None:
        return None
    try:
        return _decoded(store.read_bytes(still.video_id, "frames", key, still.image))
    except (NotFound, OSError):
        return None


def _decoded(content: bytes) -> Image:
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB"))
