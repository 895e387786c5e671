"""What is said and written: lines and segments that have a query's words or mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from query.encoders import Encoders
from query.planning.plan import cue_free_terms
from query.planning.subject import is_question, subject, telling_terms
from query.ranking.runs import Run
from query.source import Block, Line, Source
from query.texts.passage_runs import Ranks, ranked
from query.texts.passages import passages
from query.texts.runs import ScoredLine, text_runs
from query.texts.scale import SentenceScale
from query.texts.signals import Wanted
from query.texts.words import STOP_WORDS, contains_phrase, squash, stem, stems, tokens
from reelseek.records import Channel, Vector, VectorSpace
from reelseek.results import Evidence

LEAST = 0.05
"""Confidence under which a candidate is not even a near miss."""

_MAX_TERMS = 48
_BLOCK_SHARE = 0.9
_TITLE_SHARE = 0.9
_IDLE_SHARE = 0.3
_MEANING_SHARE = 0.92
_SNIPPET = 240


@dataclass(frozen=True, slots=True)
class TextQuery:
    """One text that is looked for in some channels of words.

    Attributes:
        terms: the stems that count.
        wanted: what the full-text index is asked.
        vector: the meaning, or None without a sentence engine.
        bank: the engine's reference vectors, by which its cosines are judged.
        telling: any of the words says what is looked for. One of stop words alone ("the") finds only what has them all
            side by side.
    """

    text: str
    terms: tuple[str, ...]
    wanted: str
    channels: tuple[Channel, ...]
    vector: Vector | None = None
    bank: Vector | None = None
    telling: bool = True

    @property
    def timed(self) -> tuple[Channel, ...]:
        """The channels whose texts have a time."""
        return tuple(channel for channel in self.channels if channel is not Channel.TITLE)

    def scale(self, size: int) -> SentenceScale | None:
        """How cosines are judged among `size` texts."""
        if self.vector is None or self.bank is None:
            return None
        return SentenceScale.of(self.vector, self.bank, size)


@dataclass(frozen=True, slots=True)
class TextRetriever:
    """Finds lines and segments. `space` is None where meaning cannot be searched; `k` counts candidates."""

    source: Source
    encoders: Encoders
    space: VectorSpace | None
    k: int

    def phrase(self, text: str, channels: Sequence[Channel]) -> list[Run]:
        """Lines in which the words stand side by side; each is a sure find."""
        hits = self.source.lines_by_words(text, channels, self.k, phrase=True)
        if len(hits) < self.k:
            # a full-text index may drop stop words; a phrase with many is then found by its other words
            have = {line.key for line in hits}
            more = self.source.lines_by_words(text, channels, self.k)
            hits += [line for line in more if line.key not in have]
        solid = squash(text)
        exact = [
            ScoredLine(line, frozenset(stems(text)), 0.0, 0.99 * _trusted(line))
            for line in hits
            if contains_phrase(line.text, text) or (len(solid) >= 8 and solid in squash(line.text))
        ]
        return text_runs(exact, tuple(dict.fromkeys(stems(text))), self.source.statistics.words)

    def words(self, text: str, channels: Sequence[Channel], asked: str = "") -> list[Run]:
        """Stretches that have the words, or mean them.

        Args:
            asked: the whole request that the text is taken from: who is to say it, what it is about. Passages are
                judged by that.
        """
        query = self._query(text, tuple(channels))
        scale = query.scale(self.source.statistics.lines)
        hits = self._lines(query)
        scored = [self._score(line, query, scale) for line in hits]
        words = self.source.statistics.words
        whole = self._query(asked, query.channels) if asked and asked != text else query
        asks = is_question(whole.text)
        likely = [item for item in scored if item.confidence >= LEAST]
        runs = text_runs(likely, query.terms if query.telling else (), words, asks=asks)
        blocks = self._blocks(query)
        runs += self._spread(query, likely, runs, blocks)
        if not query.telling or not query.timed:
            return runs
        found = passages(self.source, self._wanted(whole), query.timed, self.space, _videos(hits, blocks))
        literal = not asks and any(item.matched.issuperset(query.terms) for item in scored)
        return ranked(found, runs, Ranks.of(hits), literal=literal, asks=asks) if found else runs

    def wanted(self, text: str, channels: Sequence[Channel]) -> Wanted:
        """What passages are judged by for a text."""
        return self._wanted(self._query(text, tuple(channels)))

    def _query(self, text: str, channels: tuple[Channel, ...]) -> TextQuery:
        terms = cue_free_terms(text)
        if len(terms) > _MAX_TERMS:  # of a very long query the rarest count
            weight = self.source.statistics.words.weight
            rare = set(sorted(terms, key=lambda term: -weight(term))[:_MAX_TERMS])
            terms = tuple(term for term in terms if term in rare)
        telling = any(word not in STOP_WORDS for word in tokens(text))
        query = TextQuery(text, terms, _searchable(text, terms), channels, telling=telling)
        if self.space is None:
            return query
        vector = self._meaning(text)
        return replace(query, vector=vector, bank=self.encoders.sentence_bank(vector))

    def _meaning(self, text: str) -> Vector:
        """The meaning of the request and of its subject alone, half and half."""
        about = subject(text)
        whole = self.encoders.sentence(text)
        if about == text:
            return whole
        both = whole + self.encoders.sentence(about)
        return np.asarray(both / max(1e-6, float(np.linalg.norm(both))), dtype=np.float32)

    def _wanted(self, query: TextQuery) -> Wanted:
        terms = telling_terms(query.terms, query.text) if self.source.by_words else ()
        size = self.source.statistics.lines
        weights = np.array([self.source.statistics.words.weight(term) for term in terms], dtype=np.float64)
        scale = query.scale(size)
        return Wanted(terms, weights, query.vector, scale.null if scale is not None else None, size)

    def _lines(self, query: TextQuery) -> list[Line]:
        found = {line.key: line for line in self.source.lines_by_words(query.wanted, query.channels, self.k)}
        if not found and any(len(term) >= 5 for term in query.terms):
            # nothing has any of the words: they may be misspelt here, or misheard there
            hits = self.source.lines_by_words(query.wanted, query.channels, self.k, fuzziness=1)
            found = {line.key: line for line in hits}
        if query.vector is not None and self.space is not None and query.timed:
            for line in self.source.lines_by_vector(query.vector, query.timed, self.k, self.space):
                known = found.get(line.key)
                found[line.key] = replace(known, cosine=line.cosine) if known else line
        return list(found.values())

    def _score(self, line: Line, query: TextQuery, scale: SentenceScale | None) -> ScoredLine:
        matched, closeness = _match(line.text, query.terms)
        words = self.source.statistics.words.confidence(query.terms, matched) * closeness
        if not query.telling and (len(query.terms) < 3 or not contains_phrase(line.text, query.text)):
            words *= _IDLE_SHARE
        meaning = scale.confidence(line.cosine) if scale is not None and line.cosine is not None else 0.0
        fit = 0.95 + 0.05 * _density(line.text, matched)
        confidence = _either(words, meaning) * fit * _trusted(line)
        return ScoredLine(line, matched, meaning, confidence * (_TITLE_SHARE if line.channel is Channel.TITLE else 1.0))

    def _blocks(self, query: TextQuery) -> list[Block]:
        """Segments by words and by meaning."""
        if not query.timed or not query.telling:
            return []
        blocks: dict[tuple[str, int], Block] = {}
        for block in self.source.blocks_by_words(query.wanted, query.timed, self.k):
            blocks[block.video_id, block.index] = block
        if query.vector is not None and self.space is not None:
            for block in self.source.blocks_by_vector(query.vector, self.k, self.space):
                known = blocks.get((block.video_id, block.index))
                blocks[block.video_id, block.index] = replace(known, cosine=block.cosine) if known else block
        return list(blocks.values())

    def _spread(
        self, query: TextQuery, scored: Sequence[ScoredLine], runs: Sequence[Run], blocks: Sequence[Block]
    ) -> list[Run]:
        """Segments whose text as a whole fits better than any line in them: the words are spread over it."""
        scale = query.scale(self.source.statistics.segments)
        found = []
        for block in blocks:
            run = self._block(block, query, scale, scored)
            if run is None or run.confidence < LEAST:
                continue
            if not any(run.overlap(line) > 0 and line.confidence >= 0.8 * run.confidence for line in runs):
                found.append(run)
        return found

    def _block(
        self, block: Block, query: TextQuery, scale: SentenceScale | None, scored: Sequence[ScoredLine]
    ) -> Run | None:
        """A segment as a run of the channel that has most of the words, cut to the lines that have them."""
        by_channel = {
            channel: self.source.statistics.words.confidence(query.terms, _match(block.texts[channel], query.terms)[0])
            for channel in query.timed
            if channel in block.texts
        }
        if not by_channel:
            return None
        channel = max(by_channel, key=lambda item: by_channel[item])
        words = by_channel[channel]
        meaning = scale.confidence(block.cosine) if scale is not None and block.cosine is not None else 0.0
        confidence = _BLOCK_SHARE * _either(words, meaning)
        inside = sorted(
            (item for item in scored if _inside(item, block, channel) and item.confidence >= 0.3 * confidence),
            key=lambda item: item.line.start,
        )
        start, end = block.start, block.end
        if len(inside) > 1 and words >= meaning:
            start, end = max(start, inside[0].line.start), min(end, max(item.line.end for item in inside))
        evidence = tuple(
            Evidence(channel, item.line.start, item.line.end, item.line.text, item.confidence) for item in inside[:6]
        ) or (Evidence(channel, start, end, _snippet(block.texts[channel], query.terms), confidence),)
        raw = block.cosine if block.cosine is not None else block.bm25
        return Run(block.video_id, start, end, channel, confidence, evidence, {channel: confidence}, raw)


def _videos(lines: Sequence[Line], blocks: Sequence[Block]) -> list[str]:
    """The videos of what was found, likeliest first: summed reciprocal ranks (Cormack et al. 2009)."""
    searches: list[list[str]] = [
        [line.video_id for line in sorted(lines, key=lambda item: -item.bm25) if line.bm25 > 0],
        [line.video_id for line in sorted(lines, key=lambda item: -(item.cosine or -1.0)) if line.cosine is not None],
        [block.video_id for block in sorted(blocks, key=lambda item: -item.bm25) if block.bm25 > 0],
        [
            block.video_id
            for block in sorted(blocks, key=lambda item: -(item.cosine or -1.0))
            if block.cosine is not None
        ],
    ]
    worth: dict[str, float] = {}
    for found in searches:
        for rank, video_id in enumerate(dict.fromkeys(found)):
            worth[video_id] = worth.get(video_id, 0.0) + 1.0 / (60 + rank)
    return sorted(worth, key=lambda video_id: -worth[video_id])


def _inside(item: ScoredLine, block: Block, channel: Channel) -> bool:
    line = item.line
    same = line.video_id == block.video_id and line.channel is channel
    return same and line.start < block.end and line.end > block.start


def _trusted(line: Line) -> float:
    """What the engine's own doubt leaves of a line."""
    return 0.7 + 0.3 * line.certainty


def _either(words: float, meaning: float) -> float:
    """Two views of the same text: the surer one, and a little more where both agree.

    Meaning alone never counts for as much as all the words themselves.
    """
    meaning *= _MEANING_SHARE
    high, low = max(words, meaning), min(words, meaning)
    return high + 0.3 * (1.0 - high) * max(0.0, (low - 0.2) / 0.8)


def _searchable(text: str, terms: Sequence[str]) -> str:
    """The query's own words whose stems are terms: the index stems for itself."""
    wanted = set(terms)
    kept = [word for word in tokens(text) if stem(word) in wanted]
    raw = [word for word in text.split() if word.casefold() not in STOP_WORDS and not stems(word)]
    return " ".join(dict.fromkeys((*kept, *raw))) or text


def _match(text: str, terms: Sequence[str]) -> tuple[frozenset[str], float]:
    """Which terms occur in a text, and how exactly: 1, or less for those found by one edit or without spaces."""
    have = stems(text)
    present = set(have)
    matched = {term for term in terms if term in present}
    closeness = 1.0
    missing = [term for term in terms if term not in matched and len(term) >= 5]
    if missing and len(text) <= 2_000:
        solid = squash(text)
        near = {
            term
            for term in missing
            if term in solid or any(-2 < len(word) - len(term) < 2 and _one_edit(term, word) for word in present)
        }
        if near:
            closeness = 1.0 - 0.15 * len(near) / (len(near) + len(matched))
            matched |= near
    return frozenset(matched), closeness


def _one_edit(a: str, b: str) -> bool:
    """Whether one letter changed, added or dropped makes `b` of `a` (both at least five letters)."""
    if abs(len(a) - len(b)) > 1 or len(b) < 5 or any(char.isdigit() for char in a + b):
        return False
    if len(a) > len(b):
        a, b = b, a
    at = next((i for i, char in enumerate(a) if char != b[i]), len(a))
    return a[at + (len(a) == len(b)) :] == b[at + 1 :]


def _density(text: str, matched: frozenset[str]) -> float:
    words = [word for word in stems(text) if word not in STOP_WORDS]
    return sum(word in matched for word in words) / len(words) if words else 0.0


def _snippet(text: str, terms: Sequence[str]) -> str:
    """The part of a long text around its first matching word."""
    if len(text) <= _SNIPPET:
        return text
    wanted = set(terms)
    position = 0
    at = 0
    for word in text.split():
        at = text.find(word, at)
        if wanted & set(stems(word)):
            position = at
            break
        at += len(word)
    start = max(0, position - _SNIPPET // 3)
    return ("…" if start else "") + text[start : start + _SNIPPET].strip() + "…"
