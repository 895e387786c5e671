"""Watched folders."""

from __future__ import annotations

from pathlib import Path

from apiflask import APIBlueprint

from library.records import Job, Library
from reelseek.errors import InvalidRequest
from reelseek.records import JsonObject
from web.backend import Backend, backend
from web.payloads import job_payload, library_payload
from web.schemas import JobOut, LibraryList, LibraryOut, NewLibrary
from workers.enqueue import enqueue_scan


def register(api: APIBlueprint) -> None:
    """Add the routes."""

    @api.get("/libraries")
    @api.output(LibraryList)
    def list_libraries() -> JsonObject:
        """List the watched folders."""
        return {"libraries": [library_payload(library) for library in backend().catalogue.libraries()]}

    @api.post("/libraries")
    @api.input(NewLibrary, location="json", arg_name="new")
    @api.output(LibraryOut, status_code=201)
    def add_library(new: NewLibrary) -> JsonObject:
        """Watch a folder of the server; it is scanned at once."""
        return library_payload(watch_folder(backend(), new.path, new.name))

    @api.delete("/libraries/<number:library_id>")
    @api.output({}, status_code=204)
    def remove_library(library_id: int) -> str:
        """Stop watching a folder; its files stay where they are."""
        backend().catalogue.remove_library(library_id)
        return ""

    @api.post("/libraries/<number:library_id>/scan")
    @api.output(JobOut, status_code=202)
    def scan_library(library_id: int) -> JsonObject:
        """Look for new, changed and vanished files now."""
        library = backend().catalogue.library(library_id)
        return job_payload(scan(backend(), library), backend().catalogue)


def watch_folder(served: Backend, path: str, name: str = "") -> Library:
    """Add a library and have it scanned.

    Raises:
        InvalidRequest: it is no absolute folder that exists here.
    """
    folder = Path(path).expanduser()
    if "\0" in path or not folder.is_absolute() or not folder.is_dir():
        raise InvalidRequest(f"{path!r} is no folder on this server.", hint="Give an absolute path, /home/me/Videos.")
    library = served.catalogue.add_library(folder.resolve(), name)
    scan(served, library)
    return library


def scan(served: Backend, library: Library) -> Job:
    """Have a library scanned."""
    return enqueue_scan(served.catalogue, served.settings, library.library_id)
