"""What takes how much space, and whether there is enough for more."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ingest.chunks import PART_SUFFIX
from ingest.storage import FRAMES, MEDIA
from query.digest.notes import STAGE as NOTES
from reelseek.artefacts import Stored
from reelseek.errors import StorageError
from workers.workspace import Workspace

GB = 10**9
ARTEFACT_KINDS = ("pictures", "looks", "vectors", "text", "media", "replaced", "unfinished", "unknown")
OTHER_KINDS = ("index", "catalogue", "models", "uploads", "recordings", "cache")
LOOKS = "looks/"
"""How the names of pictures between keyframes begin."""


@dataclass(frozen=True, slots=True)
class VideoUse:
    """What the artefacts of one video take. `duration` in seconds."""

    video_id: str
    title: str
    duration: float
    kinds: Counter[str]

    @property
    def bytes(self) -> int:
        """All of them."""
        return self.kinds.total()


@dataclass(frozen=True, slots=True)
class StorageUse:
    """What everything takes: bytes by kind, and the artefacts of each video, the largest first."""

    kinds: dict[str, int]
    videos: tuple[VideoUse, ...]
    free: int | None

    @property
    def artefacts(self) -> int:
        """Bytes of all artefacts."""
        return sum(self.kinds[kind] for kind in ARTEFACT_KINDS)

    @property
    def hours(self) -> float:
        """Hours of video that have artefacts and are in the catalogue."""
        return sum(video.duration for video in self.videos) / 3600

    @property
    def bytes_per_hour(self) -> float | None:
        """Bytes of artefacts per hour of video; None without any."""
        return self.artefacts / self.hours if self.hours else None


def storage_use(workspace: Workspace) -> StorageUse:
    """Add everything up. One listing per video of the artefact store, and the folders of this machine."""
    totals: Counter[str] = Counter()
    videos = []
    for video_id in workspace.store.videos():
        entry, live = workspace.catalogue.find_video(video_id), workspace.store.current(video_id)
        kinds: Counter[str] = Counter()
        for stored in workspace.store.stored(video_id):
            kinds.update(_by_kind(stored, live) if entry else {"unknown": stored.bytes})
        totals.update(kinds)
        if entry:
            videos.append(VideoUse(video_id, entry.title, entry.duration, kinds))
    totals.update(_folders(workspace))
    kinds_in_order = {kind: totals[kind] for kind in (*ARTEFACT_KINDS, *OTHER_KINDS)}
    return StorageUse(kinds_in_order, tuple(sorted(videos, key=lambda use: -use.bytes)), free_bytes(workspace))


def _by_kind(stored: Stored, live: dict[str, str]) -> dict[str, int]:
    """Bytes of a result by kind. Files that another result shares are counted there alone, where it is the live one."""
    if live.get(stored.stage) != stored.key and stored.stage != NOTES:
        unfinished = stored.stage.endswith(PART_SUFFIX) or not stored.complete or not live
        return {"unfinished" if unfinished else "replaced": stored.bytes - stored.linked}
    kinds: Counter[str] = Counter()
    for name, size in stored.files.items():
        kinds[_kind_of(stored.stage, name)] += size
    return kinds


def _kind_of(stage: str, name: str) -> str:
    if stage == MEDIA:
        return "media"
    if name.startswith(LOOKS):
        return "looks"
    if name.endswith(".npy"):
        return "vectors"
    return "pictures" if stage == FRAMES and name.endswith(".jpg") else "text"


def _folders(workspace: Workspace) -> dict[str, int]:
    settings = workspace.settings
    catalogue = settings.data.glob("catalogue.sqlite3*")
    return {
        "index": folder_bytes(settings.index_path),
        "catalogue": sum(path.stat().st_size for path in catalogue),
        "models": folder_bytes(settings.models_path),
        "uploads": folder_bytes(settings.data / "uploads") + folder_bytes(settings.data / "incoming"),
        "recordings": folder_bytes(Path(settings.live.folder) if settings.live.folder else settings.data / "live"),
        "cache": folder_bytes(settings.data / "cache"),
    }


def folder_bytes(folder: Path) -> int:
    """Bytes of the files below a folder; files that go meanwhile are passed over."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        except FileNotFoundError:
            continue
    return total


def free_bytes(workspace: Workspace) -> int | None:
    """Free space where the artefacts go; None where they do not go to a disk."""
    return None if not workspace.store.is_local else _free(Path(workspace.store.url).expanduser())


def check_space(workspace: Workspace) -> None:
    """See whether there is enough space to begin an ingest.

    Raises:
        StorageError: less than `storage.min_free_gb` is left for the artefacts, or for the index.
    """
    least, settings = workspace.settings.storage.min_free_gb * GB, workspace.settings
    places = [settings.data] + ([Path(workspace.store.url).expanduser()] if workspace.store.is_local else [])
    for place in places:
        if (free := _free(place)) < least:
            raise StorageError(
                f"{place} has {free / GB:.2f} GB left; nothing is indexed below {least / GB:g} GB"
                " (storage.min_free_gb). What is indexed is still found.",
                hint="`reelseek storage` shows what takes space, `reelseek gc` reclaims what is not needed.",
            )


def _free(folder: Path) -> int:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    return shutil.disk_usage(there).free
