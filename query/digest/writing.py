"""A digest put together: the sentences that stand for the rest, or a model's own words, checked against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines.protocols import VlmEngine
from query.answering.asked import EXTRACTIVE
from query.answering.claims import Checker
from query.answering.evidence import Block, line_of
from query.answering.prompts import notes_request, summary_request
from query.answering.verify import verify
from query.digest.material import Material, Passage
from query.digest.notes import KeptNotes
from query.digest.sentences import COUNTS, quotes, summary
from query.digest.terms import names, terms
from query.replies import reply_of
from query.texts.scale import WordStatistics
from reelseek.answers import Citation
from reelseek.digests import Digest, Length, Point
from reelseek.errors import EngineUnavailable
from reelseek.records import Channel, Vector
from reelseek.results import Evidence, Moment

MAX_BLOCKS = 60
"""Stretches that a model takes notes of; of a longer text every stretch grows."""

_NOTE_TOKENS = 220


@dataclass(frozen=True, slots=True)
class Focus:
    """What a digest is to be of.

    Attributes:
        query, vector: what it is focused on, with its meaning; empty and None for all of it.
    """

    length: Length = "medium"
    query: str = ""
    vector: Vector | None = None


def extractive(material: Material, words: WordStatistics, focus: Focus, titles: Mapping[str, str]) -> Digest:
    """A digest without a model: whole sentences of the videos, cited."""
    points = summary(material, words, focus.length, focus.vector)
    citations = tuple(Citation(item.video_id, item.start, item.end, item.channel, item.text) for item in points)
    text = " ".join(f"{_ended(item.text)} [{number}]" for number, item in enumerate(points, start=1))
    notes = () if points else ("Nothing is said or written here that could be summed up.",)
    return _digest(material, words, focus, titles, EXTRACTIVE, text, points, citations, notes)


def by_model(
    vlm: VlmEngine,
    material: Material,
    checker: Checker,
    focus: Focus,
    titles: Mapping[str, str],
    seconds: float,
    kept: KeptNotes,
) -> Digest:
    """A digest in a model's words: notes of each stretch (map), a summary of the notes (reduce), each claim checked.

    Args:
        seconds: for each call of the model.
        kept: where notes are kept for the next digest and question.

    Raises:
        EngineUnavailable: the model does not answer, or what it wrote rests on nothing.
    """
    budget = max(400, vlm.context_tokens // 2)
    blocks = _blocks(material, titles, budget, vlm)
    told = blocks
    if len(blocks) > 1:
        told = [_noted(vlm, block, focus.query, seconds, kept) for block in blocks]
    written = reply_of(vlm, summary_request(told, COUNTS[focus.length], focus.query), seconds)
    verified = verify(written, blocks, checker)
    if not verified.citations:
        raise EngineUnavailable(f"{vlm.id} wrote a summary that nothing supports.")
    points = summary(material, checker.words, focus.length, focus.vector)
    notes = []
    if verified.unsupported:
        notes.append(f"{verified.unsupported} of its sentences found no support and are marked.")
    return _digest(
        material, checker.words, focus, titles, vlm.id, verified.text, points, verified.citations, tuple(notes)
    )


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
        tuple(names(material, words)),
        tuple(terms(material, words)),
        dict(titles),
        notes,
    )


def _ended(text: str) -> str:
    return text if text[-1:] in ".!?…" else f"{text}."


def _blocks(material: Material, titles: Mapping[str, str], budget: int, vlm: VlmEngine) -> list[Block]:
    """The material in stretches that fit into half of the model's context, each within one chapter."""
    costs = [vlm.count_tokens(line_of(_evidence(item))) for item in material.passages]
    budget = max(budget, -(-sum(costs) // MAX_BLOCKS))
    groups: list[list[Passage]] = []
    spent = 0
    for passage, cost in zip(material.passages, costs, strict=True):
        if not groups or spent + cost > budget or groups[-1][-1].part != passage.part:
            groups.append([])
            spent = 0
        groups[-1].append(passage)
        spent += cost
    return [_block(number, group, titles) for number, group in enumerate(groups, start=1)]


def _block(number: int, group: Sequence[Passage], titles: Mapping[str, str]) -> Block:
    start, end = min(item.start for item in group), max(item.end for item in group)
    items = tuple(_evidence(item) for item in group)
    title = titles.get(group[0].video_id, group[0].video_id)
    moment = Moment(group[0].video_id, title, "", start, end, 1.0, 1.0, "", {}, items)
    return Block(number, moment, items)


def _evidence(passage: Passage) -> Evidence:
    return Evidence(passage.channel, passage.start, passage.end, passage.text, 1.0)


def _noted(vlm: VlmEngine, block: Block, query: str, seconds: float, kept: KeptNotes) -> Block:
    """A stretch as the model's notes of it; one that it takes no notes of stays as it is, cut."""
    key = kept.key(vlm.fingerprint, query, block.moment.video_id, *block.lines)
    notes = kept.read(key)
    if not notes:
        try:
            notes = reply_of(vlm, notes_request(block, query, _NOTE_TOKENS), seconds)
        except EngineUnavailable:
            notes = ""
        if not notes:
            return Block(block.number, block.moment, block.items[:8])
        kept.write(key, notes)
    note = Evidence(Channel.CAPTION, block.moment.start, block.moment.end, notes, 1.0)
    return Block(block.number, block.moment, (note,))
