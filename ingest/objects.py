"""What is present: detections on keyframes and looks, followed over time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engines.protocols import ObjectEngine
from engines.trackers import OVERLAP, follow
from ingest.object_facts import track_of
from ingest.tracking import DOUBTFUL, Seen, Trail, by_overlap, merged, trails_of
from reelseek.records import CountStep, DetectedObject, Detection, EngineRef, Frame, Image, Look, ObjectTrack, Shot
from reelseek.tracks import counts_over_time

OWN_TRACKER = EngineRef(OVERLAP, OVERLAP)
"""Follows by overlap alone, without any library."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a detector sees in one picture. `frame` is the index of the keyframe that it is, -1 for a look."""

    time: float
    detections: tuple[Detection, ...]
    frame: int = -1


@dataclass(frozen=True, slots=True)
class Followed:
    """What is present in a video.

    Attributes:
        frames: for each keyframe the objects on it, with the numbers of their tracks.
        tracks: in order of their first showing; a track's number is its place.
        counts: label to the steps at which the number at once changes.
    """

    frames: tuple[tuple[DetectedObject, ...], ...]
    tracks: tuple[ObjectTrack, ...]
    counts: dict[str, tuple[CountStep, ...]]


def detect_frames(
    engine: ObjectEngine,
    frames: Sequence[Frame],
    looks: Sequence[Look],
    pictures: Callable[[Sequence[str]], list[Image]],
    batch_size: int,
    progress: Callable[[float], None],
) -> list[Sighting]:
    """Detect objects in keyframes and looks.

    Args:
        pictures: loads pictures by their names.
        batch_size: pictures per call of the engine.

    Returns:
        In order of time, with the doubtful detections that `link` needs to follow what is hard to see.
    """
    wanted = [(frame.time, frame.image, frame.index) for frame in frames]
    wanted = sorted([*wanted, *((look.time, look.image, -1) for look in looks)])
    found: list[Sighting] = []
    # pictures of one size go together: a batch of mixed ones would be taken apart again
    for kind in (True, False):
        group = [item for item in wanted if (item[2] >= 0) is kind]
        for first in range(0, len(group), batch_size):
            progress(len(found) / len(wanted))
            part = group[first : first + batch_size]
            answers = engine.detect(pictures([name for _, name, _ in part]), least=LEAST)
            found += [Sighting(time, each, frame) for (time, _, frame), each in zip(part, answers, strict=True)]
    return sorted(found, key=lambda sighting: sighting.time)


LEAST = 0.1
"""Least confidence of a detection that is kept to continue an object: ByteTrack's lower threshold."""


def link(
    sightings: Sequence[Sighting],
    frames: Sequence[Frame],
    shots: Sequence[Shot],
    tracker: EngineRef = OWN_TRACKER,
) -> Followed:
    """Follow objects through each shot: behind a cut there is another picture, and nothing is the same object for sure.

    Args:
        sightings: of the whole video, in order of time.
        frames: all keyframes.
        shots: in order.
        tracker: of `engines.trackers.tracker_ref`.
    """
    starts = [shot.start for shot in shots]
    by_shot: dict[int, list[Sighting]] = {}
    for sighting in sightings:
        # a keyframe knows its shot: a cut is not placed to the millisecond
        at = frames[sighting.frame].shot if sighting.frame >= 0 else bisect_right(starts, sighting.time) - 1
        by_shot.setdefault(max(0, at), []).append(sighting)
    found: list[tuple[Trail, ObjectTrack]] = []
    owners: list[tuple[Seen, int, int]] = []
    for number, group in sorted(by_shot.items()):
        times = [sighting.time for sighting in group]
        end = shots[number].end if shots else max(frame.end for frame in frames)
        for trail in _trails(group, times, tracker):
            found.append((trail, track_of(0, trail, times, max(end, times[-1]))))
            owners += [(item, group[item.picture].frame, len(found) - 1) for item in trail.seen]
    order = sorted(range(len(found)), key=lambda index: (found[index][1].start, -found[index][1].confidence))
    place = {index: number for number, index in enumerate(order)}
    tracks = tuple(_numbered(found[index][1], place[index]) for index in order)
    rows: list[list[DetectedObject]] = [[] for _ in frames]
    for item, frame, index in owners:
        if frame >= 0:
            track = tracks[place[index]]
            rows[frame].append(
                DetectedObject(item.time, track.label, item.detection.confidence, item.box, track.number)
            )
    ordered = tuple(tuple(sorted(row, key=lambda item: -item.confidence)) for row in rows)
    return Followed(ordered, tracks, counts_over_time(tracks))


def _trails(group: Sequence[Sighting], times: Sequence[float], tracker: EngineRef) -> list[Trail]:
    pictures = [merged(sighting.detections, index, sighting.time) for index, sighting in enumerate(group)]
    if not any(item.detection.confidence >= DOUBTFUL for picture in pictures for item in picture):
        return []
    if tracker.id == OVERLAP:
        numbers = by_overlap(times, pictures)
    else:
        numbers = follow(tracker, [[item.detection for item in picture] for picture in pictures])
    return trails_of(times, pictures, numbers)


def _numbered(track: ObjectTrack, number: int) -> ObjectTrack:
    return replace(track, number=number)


def counts(objects: Sequence[DetectedObject]) -> Counter[str]:
    """How many of each label a picture shows."""
    return Counter(item.label for item in objects)
