"""The JSON forms of results, the same in the API and on the command line."""

from __future__ import annotations

from reelseek.answers import Answer, Citation, Step
from reelseek.digests import Digest, Point, Term
from reelseek.records import Channel, Chapter, JsonObject
from reelseek.results import Contribution, Evidence, Group, Moment, Place, SearchResult, StageMatch


def search_payload(result: SearchResult) -> JsonObject:
    """The JSON of a search."""
    return {
        "query": result.query,
        "took_ms": round(result.took_ms, 1),
        "channels": {channel.value: engine for channel, engine in result.channels.items()},
        "level": result.level,
        "moments": [moment_payload(moment) for moment in result.moments],
        "groups": [group_payload(group) for group in result.groups],
        "near_misses": [moment_payload(moment) for moment in result.near_misses],
        "notes": list(result.notes),
        "suggestions": list(result.suggestions),
        "timings_ms": {stage: round(value, 2) for stage, value in result.timings_ms.items()},
    }


def answer_payload(answer: Answer) -> JsonObject:
    """The JSON of an answer."""
    return {
        "question": answer.question,
        "answer": answer.answer,
        "abstained": answer.abstained,
        "engine": answer.engine,
        "citations": [citation_payload(citation) for citation in answer.citations],
        "moments": [moment_payload(moment) for moment in answer.moments],
        "near_misses": [moment_payload(moment) for moment in answer.near_misses],
        "notes": list(answer.notes),
        "claims": [
            {"text": claim.text, "citations": list(claim.citations), "support": claim.support}
            for claim in answer.claims
        ],
        "understood": answer.understood,
        "choice": answer.choice,
        "option_scores": list(answer.option_scores),
        "steps": [step_payload(step) for step in answer.steps],
    }


def step_payload(step: Step) -> JsonObject:
    """The JSON of a step of deep mode."""
    return {
        "number": step.number,
        "tool": step.tool,
        "arguments": step.arguments,
        "thought": step.thought,
        "told": step.told,
        "seconds": step.seconds,
        "tokens": step.tokens,
    }


def moment_payload(moment: Moment) -> JsonObject:
    """The JSON of one moment."""
    payload: JsonObject = {
        "video_id": moment.video_id,
        "title": moment.title,
        "path": moment.path,
        "start": round(moment.start, 3),
        "end": round(moment.end, 3),
        "score": round(moment.score, 6),
        "confidence": round(moment.confidence, 4),
        "thumbnail": moment.thumbnail,
        "channels": {channel.value: round(score, 6) for channel, score in moment.channels.items()},
        "evidence": [evidence_payload(item) for item in moment.evidence],
        "offline": moment.offline,
        "contributions": [contribution_payload(item) for item in moment.contributions],
        "place": place_payload(moment.place) if moment.place is not None else None,
        "shortfall": moment.shortfall,
    }
    if moment.stages:
        payload["stages"] = [stage_payload(stage) for stage in moment.stages]
    return payload


def stage_payload(stage: StageMatch) -> JsonObject:
    """The JSON of one part of a sequence."""
    return {
        "query": stage.query,
        "start": round(stage.start, 3),
        "end": round(stage.end, 3),
        "confidence": round(stage.confidence, 4),
        "evidence": [evidence_payload(item) for item in stage.evidence],
    }


def evidence_payload(item: Evidence) -> JsonObject:
    """The JSON of one piece of evidence."""
    return _timed(item.channel, item.start, item.end) | {"text": item.text, "score": round(item.score, 6)}


def group_payload(group: Group) -> JsonObject:
    """The JSON of a video or chapter with its best moments."""
    return {
        "video_id": group.video_id,
        "title": group.title,
        "path": group.path,
        "chapter": _chapter(group.chapter),
        "start": round(group.start, 3),
        "end": round(group.end, 3),
        "confidence": round(group.confidence, 4),
        "found": group.found,
        "offline": group.offline,
        "moments": [moment_payload(moment) for moment in group.moments],
    }


def place_payload(place: Place) -> JsonObject:
    """The JSON of where a moment sits."""
    return {
        "duration": round(place.duration, 3),
        "share": round(place.share, 4),
        "chapter": _chapter(place.chapter),
        "chapters": place.chapters,
        "segment": place.segment,
        "segments": place.segments,
        "steps": [
            {"start": round(step.start, 3), "end": round(step.end, 3), "text": step.text} for step in place.steps
        ],
    }


def _chapter(chapter: Chapter | None) -> JsonObject | None:
    """A chapter with its number, from 1."""
    if chapter is None:
        return None
    return {
        "number": chapter.index + 1,
        "title": chapter.title,
        "start": round(chapter.start, 3),
        "end": round(chapter.end, 3),
    }


def contribution_payload(item: Contribution) -> JsonObject:
    """The JSON of one step of a moment's score."""
    return {
        "channel": item.channel.value,
        "kind": item.kind,
        "rank": item.rank,
        "raw": round(item.raw, 6),
        "calibrated": round(item.calibrated, 4),
        "weight": round(item.weight, 4),
        "gain": round(item.gain, 6),
        "asked": item.asked,
    }


def citation_payload(citation: Citation) -> JsonObject:
    """The JSON of one citation."""
    return {
        "video_id": citation.video_id,
        **_timed(citation.channel, citation.start, citation.end),
        "quote": citation.quote,
    }


def _timed(channel: Channel, start: float, end: float) -> JsonObject:
    return {"channel": channel.value, "start": round(start, 3), "end": round(end, 3)}


def digest_payload(digest: Digest) -> JsonObject:
    """The JSON of a summary."""
    return {
        "query": digest.query,
        "length": digest.length,
        "engine": digest.engine,
        "text": digest.text,
        "points": [_point_payload(point) for point in digest.points],
        "citations": [citation_payload(citation) for citation in digest.citations],
        "quotes": [_point_payload(point) for point in digest.quotes],
        "names": [_term_payload(term) for term in digest.names],
        "terms": [_term_payload(term) for term in digest.terms],
        "videos": digest.videos,
        "notes": list(digest.notes),
        "partial": digest.partial,
    }


def _point_payload(point: Point) -> JsonObject:
    return _timed(point.channel, point.start, point.end) | {
        "video_id": point.video_id,
        "text": point.text,
        "weight": point.weight,
        "chapter": point.chapter,
    }


def _term_payload(term: Term) -> JsonObject:
    return {
        "text": term.text,
        "kind": term.kind,
        "count": term.count,
        "times": [{"start": round(start, 3), "end": round(end, 3)} for start, end in term.times],
        "context": term.context,
    }
