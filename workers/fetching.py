"""Videos from URLs: downloaded by yt-dlp behind a filtering proxy, put together and named here."""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.identity import content_id
from ingest.opening import open_media
from ingest.remux import copy_media, suffix_for
from ingest.subtitles import ENDINGS
from library.catalogue import Catalogue
from reelseek.artefacts import storage_errors
from reelseek.errors import EngineUnavailable, Forbidden, InvalidRequest, MediaError, ReelseekError
from reelseek.filenames import link_free, safe_name
from reelseek.records import Chapter
from reelseek.settings import Settings
from reelseek.urls import checked_url, masked
from workers.addresses import AddressGuard
from workers.confined import confined
from workers.download import ANY_PAGE, Download, FetchFailed
from workers.forward_proxy import FilteringProxy
from workers.processes import is_dead, worker_name

SCHEMES = ("http", "https")
_LANGUAGE = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_LONGEST_DESCRIPTION = 8_000
_MOST_SUBTITLES = 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a download brought.

    Attributes:
        path: where the video is.
        known: it was here already, and is not kept twice.
        subtitles: the subtitle files beside it.
    """

    path: Path
    title: str
    known: bool
    subtitles: tuple[Path, ...] = ()


def check_fetching(settings: Settings, url: str) -> str:
    """The URL, if fetching is switched on and it is one that is fetched.

    Raises:
        Forbidden: fetching is off.
        InvalidRequest: it is no http or https URL.
        EngineUnavailable: yt-dlp is not installed.
    """
    if not settings.fetch.enabled:
        raise Forbidden(
            "Fetching videos from URLs is switched off.",
            hint="Switch it on with fetch.enabled = true in reelseek.toml, or REELSEEK_FETCH__ENABLED=true.",
        )
    import importlib.util

    if importlib.util.find_spec("yt_dlp") is None:
        raise EngineUnavailable("Fetching needs yt-dlp.", hint="Install it: pip install 'reelseek[fetch]'")
    return checked_url(url, SCHEMES)


def fetch_video(
    catalogue: Catalogue,
    settings: Settings,
    url: str,
    *,
    folder: Path | None = None,
    max_height: int | None = None,
    progress: Callable[[str, float], None] = lambda _stage, _fraction: None,
    guard: AddressGuard | None = None,
) -> Fetched:
    """Download a video. It appears under its name when it is whole; nothing is left behind of one that fails.

    Args:
        catalogue: to know a video that is here already.
        settings: the limits.
        url: an http or https URL.
        folder: where it goes; None: to the uploads.
        max_height: largest height of the picture; None: that of the settings.
        progress: told `fetch` and the fraction that is done; may raise to stop.
        guard: which addresses are reached; None: as the settings say.

    Raises:
        ReelseekError: it is not fetched; the message says why.
    """
    url = check_fetching(settings, url)
    guard = guard or AddressGuard(settings.fetch.allow_private)
    with (
        _scratch(settings) as scratch,
        FilteringProxy(guard, settings.fetch.max_bytes, 60 * settings.fetch.max_minutes) as proxy,
    ):
        download = Download(settings.fetch, max_height or settings.fetch.max_height, scratch, progress)
        try:
            with confined(proxy.port):
                info = download.run(url, proxy.url)
        except FetchFailed as error:
            if proxy.refusal is not None:
                raise _told(proxy.refusal) from error
            raise
        if proxy.refusal is not None:
            raise _told(proxy.refusal)
        return _keep(catalogue, info, download.files, folder or settings.uploads_path, scratch)


def _told(reason: ReelseekError) -> FetchFailed:
    return FetchFailed(reason.message, hint=reason.hint)


def _keep(catalogue: Catalogue, info: dict[str, Any], files: list[Path], folder: Path, scratch: Path) -> Fetched:
    """Put the downloaded files together, with what is told of them, and give the video its name."""
    title = " ".join(str(info.get("title") or "").split())[:300] or "video"
    whole = _put_together(info, title, files, scratch)
    video_id = content_id(whole)
    known = catalogue.find_video(video_id)
    if known is not None and known.path and Path(known.path).is_file():
        return Fetched(Path(known.path), known.title, known=True)
    try:
        name = safe_name(f"{title}{whole.suffix}")
    except InvalidRequest:
        name = f"video{whole.suffix}"
    with storage_errors("The folder of the videos"):
        path = link_free(whole, folder, name)
        subtitles = tuple(_keep_subtitles(info, path, scratch))
    return Fetched(path, title, known=False, subtitles=subtitles)


def _put_together(info: dict[str, Any], title: str, files: list[Path], scratch: Path) -> Path:
    """One file with everything in it; the very file that was loaded where there is nothing to add.

    Raises:
        FetchFailed: what was loaded is no video.
    """
    try:
        with open_media(files[0]) as container:
            suffix = suffix_for([*container.streams.video, *container.streams.audio])
        tags = _tags(info, title)
        chapters = [
            Chapter(number, float(mark["start_time"]), float(mark["end_time"]), str(mark.get("title") or ""))
            for number, mark in enumerate(info.get("chapters") or ())
            if mark.get("end_time") is not None and mark.get("start_time") is not None
        ]
        if len(files) == 1 and len(tags) == 1 and not chapters:
            return files[0]
        whole = scratch / f"whole{suffix}"
        if copy_media(files, whole, suffix, tags, chapters) > 0:
            return whole
    except MediaError as error:
        if len(files) > 1 or not _opens(files[0]):
            raise FetchFailed(f"What was loaded is no video. {error.message}") from error
        _log.info("%s is kept as it was loaded: %s", files[0].name, error)
    return files[0]


def _opens(path: Path) -> bool:
    try:
        with open_media(path):
            return True
    except MediaError:
        return False


def _tags(info: dict[str, Any], title: str) -> dict[str, str]:
    tags = {"title": title}
    if description := str(info.get("description") or "").strip():
        tags["description"] = description[:_LONGEST_DESCRIPTION]
    if re.fullmatch(r"\d{8}", date := str(info.get("upload_date") or "")):
        tags["date"] = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if uploader := str(info.get("uploader") or "").strip():
        tags["artist"] = uploader[:300]
    if len(tags) > 1 and (page := str(info.get("webpage_url") or "")):
        tags["comment"] = masked(page) if info.get("extractor_key") in ANY_PAGE else page
    return tags


def _keep_subtitles(info: dict[str, Any], video: Path, scratch: Path) -> Iterator[Path]:
    """The subtitles beside the video, `name.en.vtt`."""
    offered = sorted((info.get("requested_subtitles") or {}).items())
    for language, subtitle in offered[:_MOST_SUBTITLES]:
        source = Path(str(subtitle.get("filepath") or ""))
        if not _LANGUAGE.match(language) or source.suffix not in ENDINGS or source.parent != scratch:
            continue
        if source.is_file():
            target = video.with_name(f"{video.stem}.{language}{source.suffix}")
            shutil.move(source, target)
            target.chmod(0o644)
            yield target


@contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """A folder for one download, gone at its end; those of processes that died go too."""
    incoming = settings.data / "incoming"
    with storage_errors("The data folder"):
        incoming.mkdir(parents=True, exist_ok=True)
        for left in incoming.glob("fetch-*"):
            if is_dead(left.name.removeprefix("fetch-").rpartition("-")[0].replace("_", ":")):
                shutil.rmtree(left, ignore_errors=True)
        made = tempfile.mkdtemp(prefix=f"fetch-{worker_name().replace(':', '_')}-", dir=incoming)
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
