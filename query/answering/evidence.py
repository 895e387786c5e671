"""What is known of a moment, as text with times and as frames: what an answer is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from query.answering.frames import Shown, Sought, pictures_for
from query.source import Frame, Source
from reelseek.artefacts import ArtefactStore
from reelseek.records import Channel, DetectedObject
from reelseek.results import Evidence, Moment
from reelseek.timecode import format_time
from reelseek.tracks import RELATIONS, stands, tell

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
_RELATIONS = 12
_FRAMES_EACH = 4


@dataclass(frozen=True, slots=True)
class Block:
    """All evidence of one moment. `number` is what a citation names; `items` are in order of time."""

    number: int
    moment: Moment
    items: tuple[Evidence, ...]
    frames: tuple[Shown, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The evidence as a model reads it."""
        return tuple(line_of(item) for item in self.items)


def build(
    moments: Sequence[Moment],
    source: Source,
    store: ArtefactStore,
    *,
    count_tokens: Callable[[str], int],
    tokens: int,
    frames: int,
    relations: frozenset[str] = frozenset(),
    sought: Sought | None = None,
) -> list[Block]:
    """Evidence for the moments, best first, within a budget of tokens and frames.

    The budget is shared out by confidence; what a moment leaves over goes to the next. Lines are chronological, each
    with its time, and a line that recurs later is told again.

    Args:
        sought: what pictures are chosen by; without it those that matched, else spread evenly.
    """
    blocks = []
    weights = [max(0.05, moment.confidence) for moment in moments]
    left_tokens, left_frames = tokens, frames
    for at, moment in enumerate(moments):
        share = int(left_tokens * weights[at] / sum(weights[at:]))
        stills = source.frames_between(moment.video_id, moment.start, moment.end)
        told: dict[tuple[Channel, float, str], Evidence] = {}
        for item in _candidates(moment, source, stills, relations):
            known = (item.channel, item.start, item.text)
            cost = count_tokens(line_of(item))
            if cost <= share and known not in told:
                told[known] = item
                share -= cost
                left_tokens -= cost
        wanted = min(_FRAMES_EACH, -(-left_frames // (len(moments) - at)))
        pictures = tuple(pictures_for(moment, stills, source, store, sought or Sought(), wanted))
        left_frames -= len(pictures)
        items = sorted(told.values(), key=lambda item: (item.start, item.channel, item.text))
        blocks.append(Block(at + 1, moment, tuple(items), pictures))
    return [block for block in blocks if block.items or block.frames]


def _candidates(
    moment: Moment, source: Source, stills: Sequence[Frame], relations: frozenset[str]
) -> Iterator[Evidence]:
    """Pieces of evidence, the most telling first: what matched, what stands beside it, what is seen, what is around."""
    for item in sorted(moment.evidence, key=lambda item: -item.score):
        if item.channel in _TEXTS:
            yield item
    inside = source.lines_between(moment.video_id, moment.start, moment.end, _TEXTS)
    around = source.lines_between(moment.video_id, moment.start - CONTEXT, moment.end + CONTEXT, _TEXTS)
    for line in (*inside, *around):
        yield Evidence(line.channel, line.start, line.end, line.text, 0.0)
    if told := tell(source.tracks_between(moment.video_id, moment.start, moment.end), moment.start, moment.end):
        yield Evidence(Channel.OBJECTS, moment.start, moment.end, told, 0.0)
    for still in stills:
        if still.objects:
            yield Evidence(Channel.OBJECTS, still.start, still.start, describe(still.objects, relations), 0.0)


def line_of(item: Evidence) -> str:
    """`[0:12.0-0:15.5] said: …`."""
    text = " ".join(item.text.split())
    times = format_time(item.start, decimals=1)
    if item.end > item.start:
        times += f"-{format_time(item.end, decimals=1)}"
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
        told = dict.fromkeys(each for i, a in enumerate(objects) for b in objects[i + 1 :] for each in _relations(a, b))
        text += "; " + "; ".join(list(told)[:_RELATIONS])
    return text


def _place(item: DetectedObject) -> str:
    x, y = item.box.centre
    across = "left" if x < 1 / 3 else "right" if x > 2 / 3 else "centre"
    down = "top " if y < 1 / 3 else "bottom " if y > 2 / 3 else ""
    return down + across


def _relations(a: DetectedObject, b: DetectedObject) -> Iterator[str]:
    """All that holds between two things: one can be left of another, above it and touching it."""
    for relation in RELATIONS:
        if stands(a.box, relation, b.box):
            yield f"{a.label} {relation.replace('-', ' ')} {b.label}"
