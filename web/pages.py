"""The pages for people, rendered here so that everything works without scripts; scripts only make it quicker."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from itertools import islice
from typing import Any

from apiflask import APIBlueprint
from flask import Response, abort, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from library import keys
from library.describing import job_words
from library.records import VideoEntry, VideoState
from query.examples.stretches import write_stretch
from query.service import SearchRequest
from reelseek import __version__
from reelseek.errors import Conflict, InvalidRequest, ReelseekError
from reelseek.records import Channel, Image, JsonObject
from reelseek.results import nearest
from reelseek.timecode import parse_time
from reelseek.tracks import events
from web import answers, contents, refining, saved_pages
from web.api.examples import sent_pictures
from web.api.jobs import job_payloads
from web.api.libraries import scan, watch_folder
from web.api.search import search_request
from web.api.sources import source_payloads
from web.api.status import engine_payloads
from web.api.videos import reindex, take_upload, uploaded_files, video_page
from web.auth import KEY_COMMAND, SESSION_KEY
from web.backend import Backend, backend
from web.example_schemas import ExampleQuery, UploadedExamples
from web.export_schemas import MOMENTS_MAX
from web.forms import fields, told
from web.payloads import video_payload
from web.pictures import preview
from web.schemas import VideosQuery, VideoTags
from web.search_schemas import SearchQuery
from workers.damage import damage_of
from workers.removing import remove_video

_PER_PAGE = 48
_FAILED_SHOWN = 20
_PICTURES_SHOWN = 8


def blueprint() -> APIBlueprint:
    """The pages."""
    pages = APIBlueprint("pages", __name__, enable_openapi=False)
    pages.context_processor(_common)
    pages.get("/")(search)
    pages.post("/search-by-picture")(search_image)
    pages.get("/library")(library)
    pages.post("/library/upload")(upload)
    pages.post("/library/folders")(add_library)
    pages.post("/library/folders/<number:library_id>/scan")(scan_library)
    pages.post("/library/folders/<number:library_id>/remove")(remove_library)
    pages.get("/videos/<video:video_id>")(video)
    pages.post("/videos/<video:video_id>/tags")(tag)
    pages.post("/videos/<video:video_id>/remove")(delete)
    pages.post("/videos/<video:video_id>/index")(index_again)
    pages.post("/jobs/<number:job_id>/retry")(retry_job)
    pages.get("/saved")(saved_pages.saved_list)
    pages.post("/saved")(saved_pages.add_saved)
    pages.get("/saved/<number:search_id>")(saved_pages.saved_one)
    pages.post("/saved/<number:search_id>/remove")(saved_pages.remove_saved)
    pages.get("/login")(login_form)
    pages.post("/login")(login)
    pages.post("/logout")(logout)
    return pages


def _common() -> dict[str, Any]:
    """What every page shows. A page for somebody who is not signed in shows nothing of the library."""
    engines = _engines(backend()) if "engines_shown" in g else []
    return {"version": __version__, "engines": engines, "selection_most": MOMENTS_MAX}


def _engines(served: Backend) -> list[JsonObject]:
    return engine_payloads(served)


def search() -> str | BaseResponse:
    """The search page: an empty box, moments, or an answer."""
    if "mark" in request.args:
        return redirect(refining.marked_url(), 303)
    query = fields(ExampleQuery, request.args.to_dict())
    return _found(query, "ask" if request.args.get("mode") == "ask" else "search")


def search_image() -> str:
    """Moments that look like pictures or a clip."""
    sent = {name: upload for name in ("image", "clip") if (upload := request.files.get(name)) and upload.filename}
    if not sent:
        raise InvalidRequest("No picture came with the request.", hint="Choose one, or drop it on the search box.")
    query = fields(UploadedExamples, {**request.form.to_dict(), **sent})
    return _found(query, "search", sent_pictures(query))


def _found(query: ExampleQuery, mode: str, images: Mapping[str, Image] | None = None) -> str:
    served = backend()
    g.engines_shown = True
    view: dict[str, Any] = {"notes": (), "moments": (), "near_misses": (), "answer": None, "took_ms": 0.0}
    view |= {"groups": (), "level": query.level, "timings_ms": {}, "suggestions": ()}
    asked = bool(query.q or query.example or query.like or images)
    if asked and mode == "ask" and query.q and not images:
        view |= answers.answer_view(served, query, request.args)
        view["notes"] = _without_banner(view["answer"].notes, served)
    elif asked:
        result = served.service.search(search_request(query, images))
        view |= {
            "notes": _without_banner(result.notes, served),
            "moments": result.moments,
            "near_misses": nearest(result.near_misses),
            "took_ms": result.took_ms,
            "groups": result.groups,
            "timings_ms": result.timings_ms,
            "suggestions": result.suggestions,
        }
    return render_template(
        "search.html",
        asked=asked,
        form={
            "q": query.q,
            "mode": mode,
            "library": query.library,
            "example": ",".join(write_stretch(stretch) for stretch in query.example),
            "by": query.by,
        },
        libraries=served.catalogue.libraries(),
        counts=_counts(served),
        warming=served.is_warming,
        pictures=[preview(image) for image in islice((images or {}).values(), _PICTURES_SHOWN)],
        examples_shown=refining.shown(query.example, served.catalogue),
        like_shown=refining.shown(query.like, served.catalogue),
        unlike_shown=refining.shown(query.unlike, served.catalogue),
        **view,
    )


def _without_banner(notes: tuple[str, ...], served: Backend) -> list[str]:
    """The notes that the banner above them does not say already."""
    said = {f"{engine['engine']}: {engine['note']}" for engine in _engines(served) if engine["note"]}
    return [note for note in notes if note not in said]


def _counts(served: Backend) -> dict[str, int]:
    count = served.catalogue.count_videos
    return {
        "total": count(),
        "indexed": count(state=VideoState.INDEXED) + count(state=VideoState.MISSING),
        "failed": count(state=VideoState.FAILED),
    }


def library() -> str | BaseResponse:
    """The library page: uploads, folders, what is under way, the videos."""
    served = backend()
    g.engines_shown = True
    form = fields(VideosQuery, {"per_page": str(_PER_PAGE)} | request.args.to_dict())
    page = video_page(served, form)
    pages = -(-page["total"] // form.per_page)
    if form.page > pages > 0:  # the videos of a page that was kept have gone
        return redirect(url_for("pages.library", **{**request.args.to_dict(), "page": pages}), 303)
    return render_template(
        "library.html",
        form=form,
        videos=page["videos"],
        pages=pages,
        counts=_counts(served),
        libraries=served.catalogue.libraries(),
        sources=source_payloads(served),
        jobs=job_payloads(served, "active", 50),
        failed_jobs=_set_aside(served),
        max_upload=served.settings.web.max_upload_bytes,
        message=session.pop("message", ""),
    )


def _set_aside(served: Backend) -> list[JsonObject]:
    """Jobs that wait for a person. A file that cannot be indexed is told at its video instead."""
    failed = job_payloads(served, "quarantined", _FAILED_SHOWN) + job_payloads(served, "failed", _FAILED_SHOWN)
    return [job for job in failed if job["state"] == "quarantined" or job["kind"] != "index"]


def _to_library(message: str) -> BaseResponse:
    return told(message, "pages.library")


def upload() -> BaseResponse:
    """Take uploaded files from the form."""
    names = [take_upload(backend(), file)[0].name for file in uploaded_files()]
    return _to_library(f"Uploaded {', '.join(names)}.")


def add_library() -> BaseResponse:
    """Watch a folder."""
    try:
        added = watch_folder(backend(), request.form.get("path", "").strip())
    except ReelseekError as error:
        return _to_library(str(error))
    return _to_library(f"Watching {added.name}; it is being scanned.")


def scan_library(library_id: int) -> BaseResponse:
    """Scan a folder now."""
    found = backend().catalogue.library(library_id)
    scan(backend(), found)
    return _to_library(f"{found.name} is being scanned.")


def remove_library(library_id: int) -> BaseResponse:
    """Stop watching a folder."""
    removed = backend().catalogue.remove_library(library_id)
    return _to_library(f"{removed.name} is no longer watched.")


def tag(video_id: str) -> BaseResponse:
    """Tag a video with the words of the form, which commas part."""
    wanted = fields(VideoTags, {"tags": request.form.get("tags", "").split(",")})
    backend().catalogue.set_tags(video_id, wanted.tags)
    return redirect(url_for("pages.video", video_id=video_id), 303)


def delete(video_id: str) -> BaseResponse:
    """Remove a video."""
    served = backend()
    try:
        removed = remove_video(served.catalogue, served.store, served.settings, video_id)
    except Conflict as error:
        return _to_library(str(error))
    return _to_library(f"{removed.title} was removed.")


def index_again(video_id: str) -> BaseResponse:
    """Have a video indexed again."""
    job = reindex(backend(), video_id)
    return _to_library(f"{job_words(job, backend().catalogue)} is indexed again.")


def retry_job(job_id: int) -> BaseResponse:
    """Queue a failed job again."""
    job = backend().ledger.retry(job_id)
    return _to_library(f"{job_words(job, backend().catalogue)} is tried again.")


def video(video_id: str) -> str:
    """The page of one video."""
    served = backend()
    g.engines_shown = True
    entry = served.catalogue.video(video_id)
    query = fields(SearchQuery, request.args.to_dict())
    start, end = _second("t"), _second("end")
    kind = Channel.SCREEN_TEXT if request.args.get("kind") == Channel.SCREEN_TEXT else Channel.SPEECH
    indexed = entry.live_ingest is not None
    lines = contents.lines(served, video_id, kind) if indexed else ()
    tracks = contents.tracks(served, video_id) if indexed else ()
    result = served.service.search(SearchRequest(query.q, k=query.k, video_ids=(video_id,))) if query.q else None
    return render_template(
        "video.html",
        video=video_payload(entry) | {"added_at": entry.added_at, "fps": (entry.info or {}).get("fps", 0)},
        query=query.q,
        start=start,
        end=end if end > start else None,
        indexed=indexed,
        kind=kind.value,
        lines=lines,
        lines_reason=_why_no_lines(entry, kind),
        language=next((line.language for line in lines if line.language), ""),
        chapters=contents.chapters(served, video_id) if indexed else (),
        short=answers.in_short(served, video_id) if indexed else None,
        lanes=contents.lanes(tracks, contents.segments(served, video_id)) if indexed else (),
        moves=events(tracks),
        stills=_stills(served, entry) if indexed and entry.offline else (),
        damage=damage_of(served.settings, video_id) if indexed else "",
        result=result,
        near_misses=nearest(result.near_misses) if result else (),
    )


def _stills(served: Backend, entry: VideoEntry) -> list[dict[str, object]]:
    """Pictures of a video that cannot be played: one of each segment."""
    if not entry.width:
        return []
    return [
        {"start": found.start, "url": url_for("api.thumbnail", video_id=entry.video_id, segment=found.index)}
        for found in contents.segments(served, entry.video_id)
    ]


def _second(name: str) -> float:
    """A second that a link names; a bad one is the beginning."""
    try:
        return parse_time(request.args.get(name, "0"))
    except InvalidRequest:
        return 0.0


def _why_no_lines(entry: VideoEntry, kind: Channel) -> str:
    if entry.state in (VideoState.NEW, VideoState.QUEUED, VideoState.INDEXING):
        return "It comes when the video is indexed."
    if entry.live_ingest is None:
        return "Nothing was found in this video: it could not be indexed."
    if kind is Channel.SPEECH and entry.info and not entry.has_audio:
        return "This video has no sound."
    if kind is Channel.SCREEN_TEXT and entry.info and not entry.width:
        return "This video has no pictures."
    what = "Speech" if kind is Channel.SPEECH else "Text on screen"
    if entry.channels.get(kind.value) is None:
        return f"{what} was not looked at: that channel was off when the video was indexed."
    return "Nothing is said in this video." if kind is Channel.SPEECH else "No text stands on screen in this video."


def login_form() -> str:
    """The form for a key."""
    return render_template("login.html", key_command=KEY_COMMAND, failed=False, next=_next())


def login() -> BaseResponse:
    """Open a session with a key."""
    key = keys.check_key(backend().catalogue, request.form.get("key", "").strip())
    if key is None:
        page = render_template("login.html", key_command=KEY_COMMAND, failed=True, next=_next())
        return Response(page, 401)
    session.clear()
    session[SESSION_KEY] = key.key_id
    return redirect(_next(), 303)


def logout() -> BaseResponse:
    """End the session."""
    session.clear()
    return redirect(url_for("pages.login_form"), 303)


def _next() -> str:
    """Where to go after signing in: a path of this server, never another one."""
    target = request.args.get("next", "/")
    parts = urllib.parse.urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith(("//", "/\\")):
        abort(400)
    return target
