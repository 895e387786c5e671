"""Removing a video: what the catalogue knows of it, its artefacts, and its file where it was uploaded."""

from __future__ import annotations

from pathlib import Path

from library.catalogue import Catalogue
from library.records import VideoEntry
from reelseek.artefacts import ArtefactStore, storage_errors
from reelseek.errors import Conflict
from reelseek.settings import Settings


def remove_video(catalogue: Catalogue, store: ArtefactStore, settings: Settings, video_id: str) -> VideoEntry:
    """Remove a video and all that was found in it. An uploaded file is deleted, any other stays where it is.

    Returns:
        What it was.

    Raises:
        NotFound: there is no such video.
        Conflict: its file lies in a watched folder, where the next scan would find it again.
    """
    video = catalogue.video(video_id)
    if any(place.library_id is not None and Path(place.path).exists() for place in video.locations):
        raise Conflict(
            f"{video.title!r} lies in a watched folder and would come back with the next scan.",
            hint="Remove the file or the folder instead.",
        )
    catalogue.delete_video(video_id)
    store.delete_video(video_id)
    for place in video.locations:
        if Path(place.path).parent == settings.uploads_path:
            with storage_errors("The uploads folder"):
                Path(place.path).unlink(missing_ok=True)
    return video
