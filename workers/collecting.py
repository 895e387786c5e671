"""Reclaiming space (`reelseek gc`): what nobody needs, then, above the bound that is set, what can be made again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from index.store import current_generation
from ingest.chunks import PART_SUFFIX
from ingest.storage import FRAMES
from library.records import VideoEntry
from query.digest.notes import STAGE as NOTES
from reelseek.artefacts import Stored
from reelseek.errors import IndexBusy
from reelseek.records import JsonObject
from workers.storage import GB, LOOKS, folder_bytes
from workers.upkeep import purge_hidden
from workers.workspace import Workspace

DAY = 24 * 3600.0
LEFTOVER_SECONDS = DAY
"""What a stopped ingest left is kept this long, so that it goes on where it was."""


@dataclass(slots=True)
class Reclaimed:
    """What was reclaimed, or would be: bytes by what it was.

    Attributes:
        videos: by video, for those that the catalogue knows.
        remaining: bytes of artefacts that are left.
        busy: videos that were left alone because they are being indexed.
        notes: what a person should know.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    videos: Counter[str] = field(default_factory=Counter)
    remaining: int = 0
    busy: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.kinds.total()

    def add(self, kind: str, size: int, video_id: str = "") -> None:
        """Count something."""
        self.kinds[kind] += size
        if video_id:
            self.videos[video_id] += size

    def payload(self) -> JsonObject:
        """As JSON."""
        return {
            "bytes": self.bytes,
            "kinds": dict(self.kinds),
            "videos": dict(self.videos),
            "remaining_artefact_bytes": self.remaining,
            "busy": self.busy,
            "notes": self.notes,
        }


def collect_garbage(
    workspace: Workspace, *, dry_run: bool = False, progress: Callable[[float], None] = lambda _: None
) -> Reclaimed:
    """Reclaim space. What is live, and a video that is being indexed, are never touched.

    Reclaimed are: replaced results, `storage.keep_replaced_days` after they were replaced; parts of finished stages;
    what a stopped ingest left, after a day; artefacts of videos that are not in the catalogue, after
    `storage.keep_replaced_days` too; temporary files of dead processes; rows and versions of the index that nobody
    sees. While the artefacts are above `storage.max_gb`, these go in this order: replaced results of any age, what
    stopped ingests left, pictures between keyframes older than `storage.keep_looks_days`, of the oldest video first.

    Args:
        dry_run: say what would be reclaimed, and reclaim nothing.
        progress: the fraction that was looked at; may raise to stop.
    """
    return _Collection(workspace, dry_run).run(progress)


class _Collection:
    """One run."""

    def __init__(self, workspace: Workspace, dry_run: bool) -> None:
        self._workspace, self._store, self._dry_run = workspace, workspace.store, dry_run
        self._rule, self._now = workspace.settings.storage, time.time()
        self._found = Reclaimed()
        self._kept: dict[str, list[tuple[Stored, str]]] = {}

    def run(self, progress: Callable[[float], None]) -> Reclaimed:
        videos = self._store.videos()
        known = {entry.video_id: entry for entry in self._workspace.catalogue.videos()}
        for number, video_id in enumerate(videos):
            progress(number / len(videos))
            if entry := known.get(video_id):
                self._video(entry)
            else:
                self._stranger(video_id, bool(known))
        self._bound([video_id for video_id in reversed(known) if video_id in self._kept])
        self._temporary()
        self._index()
        return self._found

    def _video(self, entry: VideoEntry) -> None:
        store, video_id = self._store, entry.video_id
        stored = store.stored(video_id)
        self._found.remaining += sum(item.bytes - item.linked // 2 for item in stored)
        if store.is_busy(video_id):
            self._found.busy += 1
            return
        self._sweep(video_id)
        live, changed = store.current(video_id), store.changed(video_id)
        if entry.live_ingest is not None and not live:
            self._found.notes.append(f"{entry.title}: which of its artefacts count is lost; index it again.")
            return
        kept = self._kept[video_id] = []
        for item, kind, since, keep in self._candidates(stored, live, changed):
            if self._now - since >= keep:
                self._delete(video_id, item, kind)
            else:
                kept.append((item, kind))
        frames = next((item for item in stored if item.stage == FRAMES and live.get(FRAMES) == item.key), None)
        if frames is not None:
            kept.append((frames, LOOKS))

    def _candidates(
        self, stored: Collection[Stored], live: dict[str, str], changed: float
    ) -> Iterator[tuple[Stored, str, float, float]]:
        """Results that are not live: what each is, since when, and how long that is kept."""
        for item in stored:
            if live.get(item.stage) == item.key or (item.stage == NOTES and item.complete and item.modified > changed):
                continue
            if not live or item.modified > changed:
                yield item, "unfinished", item.modified, LEFTOVER_SECONDS
            elif item.stage.endswith(PART_SUFFIX) or not item.complete:
                yield item, "parts", changed, 0.0
            else:
                yield item, "replaced", changed, self._rule.keep_replaced_days * DAY

    def _stranger(self, video_id: str, known: bool) -> None:
        """Artefacts of a video that the catalogue does not know."""
        stored = self._store.stored(video_id)
        size = sum(item.bytes for item in stored)
        self._found.remaining += size
        newest = max((item.modified for item in stored), default=0.0)
        if self._store.is_busy(video_id):
            self._found.busy += 1
        elif not known:
            note = "The catalogue knows no video at all: artefacts are left alone, it may be the wrong catalogue."
            if note not in self._found.notes:
                self._found.notes.append(note)
        elif self._now - newest >= self._rule.keep_replaced_days * DAY:
            self._sweep(video_id)
            self._found.add("unknown", size)
            self._found.remaining -= size
            if not self._dry_run:
                self._store.delete_video(video_id)

    def _bound(self, videos: Collection[str]) -> None:
        """Hold the bound on the artefacts, with what can be made again."""
        most = int(self._rule.max_gb * GB)
        if not most:
            return
        for kind in ("replaced", "unfinished", LOOKS):
            for video_id in videos:
                for item in [item for item, what in self._kept[video_id] if what == kind]:
                    if self._found.remaining <= most:
                        return
                    if kind != LOOKS:
                        self._delete(video_id, item, kind)
                    elif self._now - item.modified >= self._rule.keep_looks_days * DAY:
                        self._drop_looks(video_id, item)
        if self._found.remaining > most:
            over = (self._found.remaining - most) / GB
            self._found.notes.append(
                f"The artefacts are {over:.2f} GB above storage.max_gb; nothing is left that can be made again."
            )

    def _delete(self, video_id: str, item: Stored, kind: str) -> None:
        self._count(kind, item.bytes - item.linked, video_id)
        if not self._dry_run:
            self._store.delete(video_id, item.stage, item.key)

    def _drop_looks(self, video_id: str, frames: Stored) -> None:
        names = [name for name in frames.files if name.startswith(LOOKS)]
        if names:
            self._count("looks", sum(frames.files[name] for name in names), video_id)
            if not self._dry_run:
                self._store.drop(video_id, frames.stage, frames.key, names)

    def _sweep(self, video_id: str) -> None:
        if left := self._store.sweep(video_id, dry_run=self._dry_run):
            self._found.add("temporary", left, video_id)

    def _count(self, kind: str, size: int, video_id: str) -> None:
        self._found.add(kind, size, video_id)
        self._found.remaining -= size

    def _temporary(self) -> None:
        """Halves of uploads whose server was killed."""
        for path in (self._workspace.settings.data / "incoming").glob("upload-*"):
            try:
                stat = path.stat()
                if self._now - stat.st_mtime >= LEFTOVER_SECONDS:
                    self._found.add("uploads", stat.st_size)
                    if not self._dry_run:
                        path.unlink()
            except FileNotFoundError:
                continue

    def _index(self) -> None:
        """Rows that nobody sees, tables of old generations, old versions."""
        root = self._workspace.settings.index_path
        if self._dry_run:
            current = current_generation(root)
            old = [folder for folder in root.glob("tables-*") if folder.name != current]
            freed = sum(map(folder_bytes, old))
        else:
            before = folder_bytes(root)
            try:
                purge_hidden(self._workspace)
                self._workspace.writer.maintain(force=True)
            except IndexBusy as error:
                self._found.notes.append(str(error))
            freed = before - folder_bytes(root)
        if freed > 0:
            self._found.add("index", freed)
