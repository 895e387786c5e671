"""Notes of a video by a model, a note for each of its stretches: taken once, by whoever comes first, and kept.

They lie with the video's artefacts, so that all workers and the next question find them and they go with the video.
A note is named after the words that it is of, the model and what the model was told to do: whatever changes, only what
it touches is taken anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engines.protocols import VlmEngine
from engines.registry import Engines
from index.reader import Scope, Snapshot
from query.answering.prompts import JOIN, NOTES, notes_request
from query.digest.fitting import cut_to
from query.digest.material import Material, read_video
from query.digest.stretches import Stretch, stretches
from query.replies import reply_of
from query.transcript import chapters_of
from reelseek.artefacts import ArtefactStore
from reelseek.errors import EngineUnavailable, NotFound
from reelseek.records import EngineRef

STAGE = "notes"
"""Under which name they are kept among a video's artefacts."""

_FILE = "note.json"
_TOKENS = 220
_MANY_FAILURES = 3
_OVERHEAD = 400


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the segments in which something is said or written have notes."""

    noted: int
    segments: int

    @property
    def whole(self) -> bool:
        """Whether all have."""
        return self.noted >= self.segments

    @property
    def told(self) -> str:
        """It in a sentence."""
        return f"Notes of {self.noted} of {self.segments} segments exist."


@dataclass(frozen=True, slots=True)
class VideoNotes:
    """The stretches of a video, and the notes of them that are there.

    Attributes:
        ingest_id: the rows that the stretches were read from.
        ref: the model that takes, or took, the notes.
    """

    video_id: str
    ingest_id: str
    stretches: tuple[Stretch, ...]
    ref: EngineRef
    store: ArtefactStore

    @property
    def needed(self) -> bool:
        """Whether notes are of use: a video of one stretch is read as it is."""
        return len(self.stretches) > 1

    def missing(self) -> list[Stretch]:
        """The stretches without a note; none where none is needed."""
        if not self.needed:
            return []
        return [item for item in self.stretches if not self.store.has(self.video_id, STAGE, self._key(item))]

    def coverage(self, missing: Sequence[Stretch]) -> Coverage:
        """How far the notes go, where these stretches have none."""
        lacking = {segment for item in missing for segment in item.segments}
        segments = {segment for item in self.stretches for segment in item.segments}
        return Coverage(len(segments - lacking), len(segments))

    def read(self) -> dict[int, str]:
        """The notes that are there, by the number of their stretch; empty where the model had nothing to note."""
        found = {}
        for item in self.stretches:
            try:
                found[item.number] = self._read(self._key(item))
            except NotFound:
                continue
        return found

    def take(
        self, vlm: VlmEngine, wanted: Sequence[Stretch], seconds: float, go_on: Callable[[float], bool]
    ) -> tuple[int, str]:
        """Have notes taken of stretches that have none. Each is kept as soon as it is there.

        Args:
            seconds: for each call of the model.
            go_on: called with the fraction done before each call; false, or an error, ends it.

        Returns:
            How many notes were taken, and why one was not, or an empty text.

        Raises:
            EngineUnavailable: the model failed several times in a row.
            StorageError: the disk is full, read-only or refuses.
        """
        taken, failures, problem = 0, 0, ""
        for at, item in enumerate(wanted):
            key = self._key(item)
            if self.store.has(self.video_id, STAGE, key):
                continue
            if not go_on(at / len(wanted)):
                break
            room = max(200, vlm.context_tokens - _TOKENS - _OVERHEAD)
            try:
                text = reply_of(vlm, notes_request(cut_to(item.block({}), room, vlm), _TOKENS), seconds)
            except EngineUnavailable as error:
                problem, failures = str(error), failures + 1
                if failures >= _MANY_FAILURES:
                    raise
                continue
            failures, taken = 0, taken + 1
            self._write(key, text)
        return taken, problem

    def joined(self, of: Sequence[str], join: Callable[[], str]) -> str:
        """Notes that were joined into one, kept like the notes themselves.

        Args:
            of: the notes, in order.
            join: makes one of them.
        """
        key = self._hash(JOIN, *of)
        try:
            return self._read(key)
        except NotFound:
            text = join()
            self._write(key, text)
            return text

    def _key(self, item: Stretch) -> str:
        return self._hash(NOTES, str(_TOKENS), *item.block({}).lines)

    def _hash(self, *of: str) -> str:
        parts = "\0".join((self.ref.id, self.ref.fingerprint, *of))
        return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def _read(self, key: str) -> str:
        return str(self.store.read_json(self.video_id, STAGE, key, _FILE)["text"])

    def _write(self, key: str, text: str) -> None:
        with self.store.write(self.video_id, STAGE, key) as writer:
            writer.json(_FILE, {"text": text, "engine": self.ref.id})


class NoteTakers(Protocol):
    """Who takes the notes that a summary lacks."""

    def __call__(self, engines: Engines, notes: VideoNotes, seconds: float) -> str:
        """See to it that they are taken, as far as that goes within some seconds.

        Returns:
            What becomes of those that are still missing, in a sentence; an empty text where none is.
        """
        ...


def take_here(engines: Engines, notes: VideoNotes, seconds: float) -> str:
    """Take them in this process (`NoteTakers`): what is not done in time is left to the next question.

    Raises:
        EngineUnavailable: the model fails.
    """
    vlm, until = engines.vlm(), time.monotonic() + seconds
    if vlm is None:
        raise EngineUnavailable("No model is there that could take notes.")
    patience = engines.settings.engines.vlm_timeout
    _, problem = notes.take(vlm, notes.missing(), patience, lambda _: time.monotonic() < until)
    if not notes.missing():
        return ""
    return f"The model failed at others: {problem}" if problem else "The next question goes on with the rest."


def notes_of(
    snapshot: Snapshot,
    store: ArtefactStore,
    video_id: str,
    ingest_id: str,
    ref: EngineRef,
    material: Material | None = None,
) -> VideoNotes:
    """The notes of a video that is in the index.

    Args:
        material: what was read of it already.
    """
    if material is None:
        material = read_video(snapshot, video_id, chapters_of(store, video_id), None)
    rows = snapshot.rows("segments", Scope(video_ids=frozenset((video_id,))), ("start",))
    found = stretches(material, sorted(row["start"] for row in rows))
    return VideoNotes(video_id, ingest_id, tuple(found), ref, store)
