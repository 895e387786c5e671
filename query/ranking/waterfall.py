"""How a run's confidence came about: contributions whose gains always add up to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from query.ranking.runs import Run
from reelseek.records import Channel
from reelseek.results import Contribution

KINDS = {
    Channel.VISUAL: "picture",
    Channel.OBJECTS: "objects",
    Channel.TITLE: "title",
}
"""What a channel's search is called where the producer does not tell; a channel of words is searched as `text`."""

_EXACT = 1e-9


def explained(runs: Sequence[Run], asked: str = "") -> list[Run]:
    """The runs of one requirement, each with contributions: those of its producer, else one made of what it has.

    Args:
        runs: of any channels, weighted, not yet fused.
        asked: the part of the query that they answer; empty where there is one part only.
    """
    ranks: dict[Channel, int] = {}
    places: dict[int, int] = {}
    for at in sorted(range(len(runs)), key=lambda i: -runs[i].confidence):
        channel = runs[at].channel
        places[at] = ranks[channel] = ranks.get(channel, 0) + 1
    return [_told(run, places[at], asked) for at, run in enumerate(runs)]


def _told(run: Run, rank: int, asked: str) -> Run:
    contributions = run.contributions or (
        Contribution(
            channel=run.channel,
            kind=KINDS.get(run.channel, "text"),
            rank=rank,
            raw=run.raw,
            calibrated=min(1.0, run.confidence),
            weight=1.0,
            gain=run.confidence,
        ),
    )
    contributions = tuple(replace(item, rank=item.rank or rank, asked=item.asked or asked) for item in contributions)
    return replace(run, contributions=shared(contributions, run.confidence))


def weighted(run: Run, weight: float) -> Run:
    """A run whose channel counts less for this query, with its explanation."""
    if weight == 1.0:
        return run
    confidence = run.confidence * weight
    contributions = run.contributions or (
        Contribution(run.channel, KINDS.get(run.channel, "text"), 0, run.raw, run.confidence, 1.0, run.confidence),
    )
    contributions = tuple(replace(item, weight=item.weight * weight) for item in contributions)
    return replace(
        run,
        confidence=confidence,
        parts={run.channel: confidence},
        contributions=shared(contributions, confidence),
    )


def shared(contributions: Iterable[Contribution], whole: float) -> tuple[Contribution, ...]:
    """The same contributions with gains in the same proportions that add up to `whole`.

    Where nothing gained anything, what is worth most against chance carries it.
    """
    found = tuple(contributions)
    have = sum(item.gain for item in found)
    if abs(have - whole) <= _EXACT or not found:
        return found
    if have > _EXACT:
        return tuple(replace(item, gain=item.gain * whole / have) for item in found)
    most = max(range(len(found)), key=lambda i: found[i].calibrated * found[i].weight)
    return tuple(replace(item, gain=whole if i == most else 0.0) for i, item in enumerate(found))


def joined(confidence: float, *runs: Run) -> tuple[Contribution, ...]:
    """The contributions of runs that must hold together.

    The weakest decides how sure the whole is; that is shared out in proportion to what each brought, as
    `Run.parts` is.
    """
    return shared((item for run in runs for item in run.contributions), confidence)


def settled(run: Run) -> tuple[Contribution, ...]:
    """A finished run's contributions, the largest gain first; their gains add up to its confidence."""
    (told,) = explained([run])
    return tuple(sorted(told.contributions, key=lambda item: (-item.gain, -item.calibrated, item.channel, item.kind)))


def shortfall(run: Run, cutoff: float) -> str:
    """Why a run is under the cut-off, in a sentence: its weakest part, and what it is worth."""
    contributions = settled(run)
    text = f"{_percent(run.confidence)} sure, under the cut-off of {_percent(cutoff)}"
    gains: dict[str, float] = {}
    for item in contributions:
        gains[item.asked] = gains.get(item.asked, 0.0) + item.gain
    parts = [asked for asked in gains if asked]
    if len(parts) > 1:
        weakest = min(parts, key=lambda asked: gains[asked])
        text += f"; the weakest part is {weakest}"
        contributions = tuple(item for item in contributions if item.asked == weakest)
    best = max(contributions, key=lambda item: item.calibrated * item.weight)
    text += f"; its best evidence ({best.kind}) is worth {_percent(best.calibrated)} against chance"
    if best.weight < 1.0:
        text += f" and counts for {_percent(best.weight)} in this query"
    if len({item.channel for item in contributions}) == 1:
        text += ", and no other channel supports it"
    return f"{text}."


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"
