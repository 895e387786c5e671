"""The list of videos, one video, upload and removal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apiflask import APIBlueprint
from flask import request, url_for
from werkzeug.datastructures import FileStorage

from library.records import Job, VideoEntry, VideoState
from reelseek.artefacts import storage_errors
from reelseek.errors import InvalidRequest
from reelseek.records import JsonObject, ObjectTrack
from reelseek.tracks import counts_over_time
from web import contents
from web.backend import Backend, backend
from web.object_schemas import ObjectsOut
from web.payloads import job_payload, printable, video_payload
from web.schemas import (
    JobOut,
    ObjectsQuery,
    Upload,
    UploadOut,
    VideoDetail,
    VideoOut,
    VideoPage,
    VideosQuery,
    VideoTags,
)
from web.uploads import keep_upload
from workers.damage import damage_of
from workers.enqueue import enqueue_index, enqueue_reindex
from workers.removing import remove_video
from workers.sound_tracks import sound_tracks
from workers.subtitle_tracks import subtitle_tracks

_UPLOAD: Any = {
    413: "The file is larger than `web.max_upload_bytes`",
    422: "It is no video or sound that can be read",
    507: "The disk is full",
}


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/videos")
    @api.input(VideosQuery, location="query", arg_name="query")
    @api.output(VideoPage)
    def list_videos(query: VideosQuery) -> JsonObject:
        """List the videos, the newest first."""
        return video_page(backend(), query)

    @api.post("/videos")
    @api.doc(responses=_UPLOAD)
    @api.output(UploadOut, status_code=202)
    def upload_video() -> JsonObject:
        """Take a video file (`multipart/form-data`, field `file`); it is indexed in the background."""
        path, job = take_upload(backend(), uploaded_files()[0])
        return {"name": printable(path.name), "job": job_payload(job, backend().catalogue)}

    @api.get("/videos/<video:video_id>")
    @api.output(VideoDetail)
    def video_detail(video_id: str) -> JsonObject:
        """Tell all about one video."""
        return detail_payload(backend(), backend().catalogue.video(video_id))

    @api.get("/videos/<video:video_id>/objects")
    @api.input(ObjectsQuery, location="query", arg_name="query")
    @api.output(ObjectsOut)
    def video_objects(video_id: str, query: ObjectsQuery) -> JsonObject:
        """List the objects that were followed in a video, and how many there are at once."""
        return objects_payload(contents.tracks(backend(), video_id), query)

    @api.put("/videos/<video:video_id>/tags")
    @api.input(VideoTags, location="json", arg_name="wanted")
    @api.output(VideoOut)
    def tag_video(video_id: str, wanted: VideoTags) -> JsonObject:
        """Tag a video; `tag:NAME` in a search asks for it."""
        return video_payload(backend().catalogue.set_tags(video_id, wanted.tags))

    @api.post("/videos/<video:video_id>/index")
    @api.output(JobOut, status_code=202)
    def index_video(video_id: str) -> JsonObject:
        """Have a video indexed again, after a failure or a change of engines."""
        return job_payload(reindex(backend(), video_id), backend().catalogue)

    @api.delete("/videos/<video:video_id>")
    @api.output({}, status_code=204)
    def delete_video(video_id: str) -> str:
        """Remove a video and all that was found in it; an uploaded file is deleted, any other stays where it is."""
        served = backend()
        remove_video(served.catalogue, served.store, served.settings, video_id)
        return ""

    # an upload may be far larger than what a handler's own validation should read, so it is declared, not parsed
    upload_video._spec["body"] = Upload  # type: ignore[attr-defined]
    upload_video._spec["content_type"] = "multipart/form-data"  # type: ignore[attr-defined]


def video_page(served: Backend, query: VideosQuery) -> JsonObject:
    """One page of the videos that fit, the newest first."""
    state = VideoState(query.state) if query.state else None
    first = (query.page - 1) * query.per_page
    ids = query.video or None
    found = served.catalogue.videos(
        query.library, query.q or None, ids, state=state, tag=query.tag, limit=query.per_page, offset=first
    )
    return {
        "videos": [video_payload(video) for video in found],
        "total": served.catalogue.count_videos(query.library, query.q or None, ids, state=state, tag=query.tag),
        "page": query.page,
        "per_page": query.per_page,
    }


def uploaded_files() -> list[FileStorage]:
    """The files of this request, under the upload limit instead of the small one of all other requests."""
    request.max_content_length = backend().settings.web.max_upload_bytes
    with storage_errors("The uploads folder"):
        files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        raise InvalidRequest("No file came with the request.", hint="Send it as the form field `file`.")
    return files


def take_upload(served: Backend, upload: FileStorage) -> tuple[Path, Job]:
    """Keep an uploaded file and have it indexed."""
    path = keep_upload(upload, served.settings)
    return path, enqueue_index(served.catalogue, served.settings, path)


def reindex(served: Backend, video_id: str) -> Job:
    """Queue a video's file; of one whose file is gone, what can be done without it. Raises `NotFound`."""
    video = served.catalogue.video(video_id)
    if video.live_ingest is not None and video.offline:
        return enqueue_reindex(served.catalogue, served.settings, video_id)
    return enqueue_index(served.catalogue, served.settings, contents.file_of(served, video_id))


def objects_payload(tracks: Sequence[ObjectTrack], query: ObjectsQuery) -> JsonObject:
    """The tracks that fit, and the counts of their labels over the whole video."""
    of_label = [track for track in tracks if query.label in ("", track.label)]
    until = float("inf") if query.end is None else query.end
    return {
        "tracks": [asdict(track) for track in of_label if track.start < until and track.end > query.start],
        "counts": {label: [asdict(step) for step in steps] for label, steps in counts_over_time(of_label).items()},
    }


def detail_payload(served: Backend, video: VideoEntry) -> JsonObject:
    """All about one video."""
    indexed = video.live_ingest is not None
    found = contents.segments(served, video.video_id) if indexed else ()
    chapters = contents.chapters(served, video.video_id) if indexed else ()
    return video_payload(video) | {
        "locations": [printable(place.path) for place in video.locations],
        "info": video.info,
        "damage": damage_of(served.settings, video.video_id) if indexed else "",
        "audio_tracks": sound_tracks(video, served.settings.ingest),
        "subtitle_tracks": [
            track | {"file": printable(track["file"]), "title": printable(track["title"])}
            for track in subtitle_tracks(video, served.settings.ingest)
        ],
        "chapters": [
            {
                "index": chapter.index,
                "start": chapter.start,
                "end": chapter.end,
                "title": chapter.title,
                "source": chapter.source,
            }
            for chapter in chapters
        ],
        "segment_list": [
            {
                "index": segment.index,
                "start": segment.start,
                "end": segment.end,
                "speech": segment.speech,
                "screen_text": segment.screen_text,
                "object_counts": segment.object_counts,
                "typical_counts": segment.typical_counts,
                "thumbnail": url_for("api.thumbnail", video_id=video.video_id, segment=segment.index),
            }
            for segment in found
        ],
    }
