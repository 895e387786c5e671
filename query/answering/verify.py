"""An answer's citations settled: each claim keeps those that support it, and what nothing supports is marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from query.answering.asked import TEXTS, citation_of, flat
from query.answering.claims import Checker, Sentence, Support, sentences_of
from query.answering.evidence import Block
from reelseek.answers import Citation, Claim
from reelseek.records import Channel
from reelseek.results import Evidence

UNSUPPORTED = " (not supported by what was found)"
"""What is written behind a claim that nothing supports."""

Judge = Callable[[Sequence[tuple[str, tuple[Block, ...]]]], Sequence[bool | None]]
"""Asked about claims with the blocks they cite: supported, contradicted, or None where it cannot say."""


@dataclass(frozen=True, slots=True)
class Verified:
    """An answer after its claims were checked.

    Attributes:
        supported: whether anything in it is.
        removed: citations of what the model was never given; moved: claims that another block supports than was cited;
        unsupported, contradicted: claims that were marked, and taken out.
    """

    text: str
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]
    supported: bool
    removed: int = 0
    moved: int = 0
    unsupported: int = 0
    contradicted: int = 0


@dataclass(slots=True)
class _Finding:
    sentence: Sentence
    blocks: tuple[Block, ...]
    support: Support
    contradicted: bool = False


@dataclass(slots=True)
class _Numbering:
    """Blocks as they are first cited, each with the line that says what was claimed."""

    citations: list[Citation] = field(default_factory=list)
    known: dict[int, int] = field(default_factory=dict)

    def number(self, block: Block, claim: str, checker: Checker) -> int:
        if block.number not in self.known:
            citation = _citation(block, claim, checker)
            if citation not in self.citations:
                self.citations.append(citation)
            self.known[block.number] = self.citations.index(citation) + 1
        return self.known[block.number]


def verify(answer: str, blocks: Sequence[Block], checker: Checker, judge: Judge | None = None) -> Verified:
    """Check every sentence of an answer against what it cites, then against the rest of the evidence.

    Args:
        blocks: what the model was given.
        judge: asked about what words cannot confirm, once for all of it.
    """
    known = {block.number: block for block in blocks}
    findings: list[_Finding] = []
    removed = moved = 0
    for sentence in sentences_of(answer):
        valid = tuple(known[number] for number in sentence.cited if number in known)
        removed += len(sentence.cited) - len(valid)
        finding = _find(sentence, valid, blocks, checker)
        moved += bool(valid) and finding.support in (Support.QUOTED, Support.SIMILAR) and finding.blocks[0] not in valid
        findings.append(finding)
    if judge is not None:
        _judged(findings, judge)
    kept = [finding for finding in findings if not finding.contradicted]
    numbering = _Numbering()
    text, claims = _written(kept, numbering, checker)
    return Verified(
        text,
        tuple(numbering.citations),
        tuple(claims),
        any(claim.support != Support.NONE for claim in claims),
        removed,
        moved,
        sum(claim.support == Support.NONE for claim in claims),
        len(findings) - len(kept),
    )


def _find(sentence: Sentence, valid: tuple[Block, ...], blocks: Sequence[Block], checker: Checker) -> _Finding:
    """What a sentence rests on: of the blocks it cites those that say so, else another one that does."""
    if not sentence.claims:
        return _Finding(sentence, valid, Support.NONE)
    found = [(block, support) for block in valid if (support := checker.support(sentence.text, _lines(block)))]
    if not found and len(valid) > 1:  # it may take several of them together
        together = checker.support(sentence.text, [line for block in valid for line in _lines(block)])
        found = [(block, together) for block in valid] if together else []
    if not found:
        others = (block for block in blocks if block not in valid)
        found = [(block, support) for block in others if (support := checker.support(sentence.text, _lines(block)))][:1]
    if found:
        return _Finding(sentence, tuple(block for block, _ in found), found[0][1])
    seen = any(block.frames for block in valid)
    return _Finding(sentence, valid, Support.SEEN if seen else Support.NONE)


def _lines(block: Block) -> list[str]:
    return [flat(item.text) for item in block.items]


def _judged(findings: Sequence[_Finding], judge: Judge) -> None:
    """Let the judge decide what words could not."""
    open_ = [
        finding
        for finding in findings
        if finding.blocks and finding.sentence.claims and finding.support in (Support.SEEN, Support.NONE)
    ]
    if not open_:
        return
    verdicts = judge([(finding.sentence.text, finding.blocks) for finding in open_])
    for finding, verdict in zip(open_, verdicts, strict=False):
        if verdict:
            finding.support = Support.JUDGED
        elif verdict is False:
            finding.contradicted = True


def _written(findings: Sequence[_Finding], numbering: _Numbering, checker: Checker) -> tuple[str, list[Claim]]:
    """The answer again, with its citations numbered as they come and unsupported claims marked."""
    pieces: list[str] = []
    claims: list[Claim] = []
    for finding in findings:
        sentence = finding.sentence
        supported = finding.support is not Support.NONE
        cited = finding.blocks if supported else ()
        numbers = tuple(dict.fromkeys(numbering.number(block, sentence.text, checker) for block in cited))
        mark = UNSUPPORTED if sentence.claims and not supported else "".join(f" [{number}]" for number in numbers)
        body = sentence.written
        end = body[-1] if mark and body[-1:] in ".!?" else ""
        pieces.append(f"{body.removesuffix(end)}{mark}{end}{sentence.gap or ' '}")
        if sentence.claims:
            claims.append(Claim(sentence.text, numbers, str(finding.support)))
    return "".join(pieces).strip(), claims


def _citation(block: Block, claim: str, checker: Checker) -> Citation:
    """Where a block is, with the line of it that says most of what is claimed."""
    moment = block.moment
    inside = [item for item in block.items if item.channel in TEXTS and citation_of(moment, item) is not None]
    if inside:
        best = inside[checker.best(claim, [flat(item.text) for item in inside])]
        if (citation := citation_of(moment, best)) is not None:
            return citation
    for item in sorted(moment.evidence, key=lambda item: -item.score):
        if item.channel is not Channel.TITLE and (citation := citation_of(moment, item)) is not None:
            return citation
    whole = citation_of(moment, Evidence(Channel.VISUAL, moment.start, moment.end, "", moment.confidence))
    assert whole is not None, "a moment always meets itself"
    return whole
