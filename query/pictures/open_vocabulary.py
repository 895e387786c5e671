"""Labels that the library's detector does not know: the pictures most like them go to one that takes any words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engines.protocols import OpenVocabulary
from engines.registry import Engines
from query.answering.frames import picture_of
from query.encoders import Encoders
from query.language.parsing import ObjectCount
from query.ranking.runs import GAP, Run
from query.source import Frame, Source
from reelseek.artefacts import ArtefactStore
from reelseek.errors import EngineUnavailable
from reelseek.records import Channel, Detection, Image, VectorSpace
from reelseek.results import Evidence

LOOKED = 48
"""Pictures that are shown to the detector, the most similar first."""
_VIDEOS = 12
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks for things by any words. Where the settings name no such detector it finds nothing and says nothing.

    Attributes:
        store: where the pictures are.
    """

    engines: Engines
    encoders: Encoders
    store: ArtefactStore

    def runs(self, source: Source, space: VectorSpace | None, count: ObjectCount, k: int) -> tuple[list[Run], str]:
        """Where as many are seen as asked for, and a note that says who looked, or why nobody could.

        Args:
            space: of the pictures' vectors; None where they cannot be searched.
            count: of a label that the library's own detector never found.
            k: pictures asked of the index.
        """
        try:
            detector = self.engines.open_vocabulary()
        except EngineUnavailable as error:
            return [], f"“{count.label}” could not be looked for by any words: {error}"
        if detector is None:
            return [], ""
        if space is None:
            return [], f"{detector.id} looks at the pictures most like “{count.label}”; their channel is off."
        vector = self.encoders.picture_words(count.label)
        videos = source.videos_by_picture(vector, k, _VIDEOS, space)
        frames, vectors = source.pictures(videos, space) if videos else ([], vector[None][:0])
        best = np.argsort(-(vectors @ vector), kind="stable")[:LOOKED]
        looked = self._pictures([frames[index] for index in best])
        found = list(_seen(detector, looked, count))
        note = f"“{count.label}” was looked for by {detector.id}, in the {len(looked)} pictures most like it."
        return _joined(found, count), note

    def _pictures(self, frames: Sequence[Frame]) -> list[tuple[Frame, Image]]:
        """The frames whose pictures are still there."""
        loaded = ((frame, picture_of(self.store, frame)) for frame in frames)
        return [(frame, picture) for frame, picture in loaded if picture is not None]


def _seen(
    detector: OpenVocabulary, looked: Sequence[tuple[Frame, Image]], count: ObjectCount
) -> Iterator[tuple[Frame, tuple[Detection, ...]]]:
    for first in range(0, len(looked), _BATCH):
        part = looked[first : first + _BATCH]
        answers = detector.detect_labels([picture for _, picture in part], [count.label])
        for (frame, _), found in zip(part, answers, strict=True):
            if found and count.holds(len(found)):
                yield frame, found


def _joined(found: Sequence[tuple[Frame, tuple[Detection, ...]]], count: ObjectCount) -> list[Run]:
    """Runs of neighbouring keyframes; the evidence says how many are seen at once."""
    groups: list[list[tuple[Frame, tuple[Detection, ...]]]] = []
    for frame, detections in sorted(found, key=lambda item: (item[0].video_id, item[0].start)):
        last = groups[-1][-1][0] if groups else None
        if last is not None and last.video_id == frame.video_id and frame.start - last.end <= GAP:
            groups[-1].append((frame, detections))
        else:
            groups.append([(frame, detections)])
    return [_run(group, count) for group in groups]


def _run(group: Sequence[tuple[Frame, tuple[Detection, ...]]], count: ObjectCount) -> Run:
    video_id, start, end = group[0][0].video_id, group[0][0].start, group[-1][0].end
    most = max(len(detections) for _, detections in group)
    score = 0.6 + 0.4 * max(detections[0].confidence for _, detections in group)
    text = f"{most} × {count.label}" if most > 1 else count.label
    evidence = Evidence(Channel.OBJECTS, start, end, text, score)
    return Run(video_id, start, end, Channel.OBJECTS, score, (evidence,), {Channel.OBJECTS: score}, score)
