"""A digest put together: the sentences that stand for the rest, or a model's own words, checked against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engines.protocols import VlmEngine
from query.answering.asked import EXTRACTIVE, flat
from query.answering.claims import Checker, sentences_of
from query.answering.evidence import Block
from query.answering.prompts import summary_request
from query.answering.verify import verify
from query.digest.fitting import Keep, cut_to, joined
from query.digest.material import Material, Passage
from query.digest.sentences import COUNTS, quotes, summary
from query.digest.spellings import Spellings
from query.digest.stretches import Stretch
from query.digest.terms import names as named
from query.digest.terms import spellings, terms
from query.replies import reply_of
from query.texts.scale import WordStatistics
from reelseek.answers import Citation
from reelseek.digests import Digest, Length, Point
from reelseek.errors import EngineUnavailable
from reelseek.records import Channel, Vector
from reelseek.results import Evidence

_LINES = 10
"""Lines next to the question that a model reads beside its notes."""


@dataclass(frozen=True, slots=True)
class Focus:
    """What a digest is to be of.

    Attributes:
        query, vector: what it is focused on, with its meaning; empty and None for all of it.
    """

    length: Length = "medium"
    query: str = ""
    vector: Vector | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A text as a model reads it.

    Attributes:
        stretches: all of it, in order.
        long: whether it is too much to be read at once: notes stand for the stretches.
        notes: those that are there, by the number of their stretch.
        keep: where joined notes are kept.
        said: what a reader of the digest should know; partial: whether stretches without notes stand in extracts only.
    """

    material: Material
    titles: Mapping[str, str]
    stretches: Sequence[Stretch]
    long: bool = False
    notes: Mapping[int, str] = field(default_factory=dict)
    keep: Keep = lambda _, make: make()
    said: tuple[str, ...] = ()
    partial: bool = False


def extractive(material: Material, words: WordStatistics, focus: Focus, titles: Mapping[str, str]) -> Digest:
    """A digest without a model: whole sentences of the videos, cited."""
    points = summary(material, words, focus.length, focus.vector)
    citations = tuple(Citation(item.video_id, item.start, item.end, item.channel, item.text) for item in points)
    text = " ".join(f"{_ended(item.text)} [{number}]" for number, item in enumerate(points, start=1))
    notes = () if points else ("Nothing is said or written here that could be summed up.",)
    return _digest(material, words, focus, titles, EXTRACTIVE, text, points, citations, notes)


def by_model(vlm: VlmEngine, read: Read, checker: Checker, focus: Focus, seconds: float) -> Digest:
    """A digest in a model's words: notes of each stretch (map), what sums them up (reduce), each claim checked.

    Args:
        seconds: for each call of the model.

    Raises:
        EngineUnavailable: the model does not answer, or what it wrote rests on nothing.
    """
    material = read.material
    names = spellings([*material.passages, *_noted_sentences(read)])
    blocks = [_spelt(item.block(read.titles), names) for item in read.stretches]
    lines = _nearest(read, blocks, focus)
    room = room_of(vlm)
    told = joined(vlm, _told(vlm, read, blocks, names), room - room // 3 * bool(lines), seconds, read.keep)
    written = reply_of(vlm, summary_request(_with_lines(told, lines), COUNTS[focus.length], focus.query), seconds)
    verified = verify(names.apply(written), blocks, checker)
    if not verified.citations:
        raise EngineUnavailable(f"{vlm.id} wrote a summary that nothing supports.")
    points = summary(material, checker.words, focus.length, focus.vector)
    notes = list(read.said)
    if verified.unsupported:
        notes.append(f"{verified.unsupported} of its sentences found no support and are marked.")
    said = {flat(names.apply(item.text)): flat(item.text) for item in material.passages} if names.standard else {}
    citations = tuple(replace(item, quote=said.get(item.quote, item.quote)) for item in verified.citations)
    made = _digest(material, checker.words, focus, read.titles, vlm.id, verified.text, points, citations, tuple(notes))
    return replace(made, partial=read.partial)


def room_of(vlm: VlmEngine) -> int:
    """Tokens of evidence that a model is told at once: half of its context."""
    return max(400, vlm.context_tokens // 2)


def _told(vlm: VlmEngine, read: Read, blocks: Sequence[Block], names: Spellings) -> list[Block]:
    """What a model is told of each stretch: its lines where all fit, else the notes of it, or some of its lines."""
    if not read.long:
        return list(blocks)
    share = room_of(vlm) // len(blocks)
    told = []
    for block in blocks:
        if text := read.notes.get(block.number):
            note = Evidence(Channel.CAPTION, block.moment.start, block.moment.end, names.apply(text), 1.0)
            told.append(replace(block, items=(note,)))
        else:
            told.append(cut_to(block, share, vlm))
    return told


def _noted_sentences(read: Read) -> list[Passage]:
    """The sentences of the notes, which may write names in yet another way."""
    return [
        Passage(item.video_id, Channel.SPEECH, 0.0, 0.0, sentence.text, 0)
        for item in read.stretches
        for sentence in sentences_of(read.notes.get(item.number, ""))
    ]


def _spelt(block: Block, names: Spellings) -> Block:
    """A block with its names written in the one way."""
    return replace(block, items=tuple(replace(item, text=names.apply(item.text)) for item in block.items))


def _nearest(read: Read, blocks: Sequence[Block], focus: Focus) -> list[Block]:
    """By stretch the lines that are nearest to what a digest is focused on: notes know of no question."""
    if focus.vector is None or read.material.vectors is None or not read.long:
        return []
    near = set(np.argsort(-(read.material.vectors @ focus.vector))[:_LINES].tolist())
    found, first = [], 0
    for block in blocks:
        items = tuple(item for at, item in enumerate(block.items, start=first) if at in near)
        first += len(block.items)
        found += [replace(block, items=items)] if items else []
    return found


def _with_lines(told: Sequence[Block], lines: Sequence[Block]) -> list[Block]:
    """Notes, each followed by the lines of its stretch that are to be told as well."""
    extra = {block.number: block for block in lines}
    both = [
        replace(item, items=item.items + extra[item.number].items) if item.number in extra else item for item in told
    ]
    rest = [block for number, block in extra.items() if number not in {item.number for item in told}]
    return sorted((*both, *rest), key=lambda block: block.number)


def _digest(
    material: Material,
    words: WordStatistics,
    focus: Focus,
    titles: Mapping[str, str],
    engine: str,
    text: str,
    points: Sequence[Point],
    citations: tuple[Citation, ...],
    notes: tuple[str, ...],
) -> Digest:
    return Digest(
        focus.query,
        focus.length,
        engine,
        text,
        tuple(points),
        citations,
        tuple(quotes(material, words)),
        tuple(named(material, words)),
        tuple(terms(material, words)),
        dict(titles),
        notes,
    )


def _ended(text: str) -> str:
    return text if text[-1:] in ".!?…" else f"{text}."
