"""yt-dlp as a library: what it may do, what it takes, and its errors as sentences."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reelseek.errors import MediaError, ReelseekError
from reelseek.setting_groups import FetchSettings
from workers.confined import at_large

FETCH_STAGE = "fetch"
ANY_PAGE = frozenset({"Generic", "HTML5MediaEmbed"})
"""What yt-dlp calls pages of sites that it does not know."""

_PROTOCOLS = frozenset({"http", "https", "m3u8_native", "m3u8", "http_dash_segments"})
_NO_PROGRAM = "/nonexistent/reelseek-starts-no-program"
_NOISE = re.compile(r"\x1b\[[0-9;]*m|^ERROR: |^\[[^\]]+\] |; please report this issue.*$|\(caused by .*$", re.DOTALL)

_log = logging.getLogger(__name__)


class FetchFailed(MediaError):
    """A download did not succeed. `may_pass`: another attempt may."""

    def __init__(self, message: str, *, hint: str = "", may_pass: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.may_pass = may_pass


class Download:
    """One run of yt-dlp, as a library, with everything off that is not needed.

    Args:
        limits: the limits.
        max_height: largest height of the picture.
        folder: where the files go; it is this run's alone.
        progress: told `fetch` and the fraction that is done; may raise to stop.
    """

    def __init__(
        self, limits: FetchSettings, max_height: int, folder: Path, progress: Callable[[str, float], None]
    ) -> None:
        self._limits, self._max_height, self._folder, self._progress = limits, max_height, folder, progress
        self._parts, self._part = 1, 0
        self.files: list[Path] = []
        """What was loaded: one file, or pictures and sound."""

    def run(self, url: str, proxy: str) -> dict[str, Any]:
        """Load a URL through a proxy, and give what yt-dlp knows of it.

        Raises:
            FetchFailed: it is not loaded.
        """
        import yt_dlp  # type: ignore[import-untyped]
        from yt_dlp import globals as yt_dlp_globals
        from yt_dlp.postprocessor import FFmpegPostProcessor  # type: ignore[import-untyped]

        yt_dlp_globals.plugin_dirs.value = []
        FFmpegPostProcessor._ffmpeg_location.set(_NO_PROGRAM)
        self._progress(FETCH_STAGE, 0.0)
        try:
            with yt_dlp.YoutubeDL(self._options(proxy)) as downloader:
                info = downloader.extract_info(url, download=True)
        except ReelseekError:
            raise
        except yt_dlp.utils.YoutubeDLError as error:
            cause = error.__cause__ or error.__context__
            while cause is not None:
                if isinstance(cause, ReelseekError):
                    raise cause from error
                cause = cause.__cause__ or cause.__context__
            raise FetchFailed(f"It cannot be fetched: {_plain(str(error))}", may_pass=_may_pass(error)) from error
        except OSError as error:
            raise FetchFailed(f"It cannot be fetched: {error}", may_pass=True) from error
        entries = list(info.get("entries") or ()) if info else []
        if info and len(entries) == 1:
            # a page with one video in it; the page's title is the better one
            info = {**entries[0], "title": info.get("title") or entries[0].get("title")}
        if info and info.get("extractor_key") in ANY_PAGE:
            info["title"] = re.sub(r" \(1\)$", "", str(info.get("title") or ""))  # how it counts what a page embeds
        for found in (info or {}).get("requested_downloads") or ():
            path = Path(found["filepath"])
            if path.is_file() and path.parent == self._folder:
                self.files.append(path)
        if not info or not self.files:
            raise FetchFailed("It holds no video that can be fetched.")
        self._refuse_above_limit(sum(path.stat().st_size for path in self.files))
        return dict(info)

    def _options(self, proxy: str) -> dict[str, Any]:
        return {
            "proxy": proxy,
            "format": self._formats,
            "paths": {"home": str(self._folder)},
            "outtmpl": {"default": "media-%(format_id)s.%(ext)s"},
            "restrictfilenames": True,
            "match_filter": self._check,
            "progress_hooks": [self._hook],
            "logger": _Quiet(),
            "quiet": True,
            "noprogress": True,
            "color": "never",
            "noplaylist": True,
            "playlist_items": "1:2",
            "writesubtitles": True,
            "subtitleslangs": ["all", "-live_chat"],
            "subtitlesformat": "vtt/srt/ass/ssa",
            # nothing but this library: no programs, no add-ons, no one's cookies, passwords or caches
            "ffmpeg_location": _NO_PROGRAM,
            "external_downloader": {"default": "native"},
            "hls_prefer_native": True,
            "js_runtimes": {},
            "remote_components": set(),
            "postprocessors": [],
            "fixup": "never",
            "cachedir": False,
            "usenetrc": False,
            "enable_file_urls": False,
            "socket_timeout": 30,
            "retries": 3,
            "fragment_retries": 3,
            "extractor_retries": 1,
            "skip_unavailable_fragments": False,
            "continuedl": False,
            "updatetime": False,
        }

    def _check(self, info: dict[str, Any], *, incomplete: bool = False) -> str | None:  # noqa: ARG002 (as yt-dlp calls it)
        """Refuse what is known to be too much before it is loaded."""
        if info.get("_type", "video") != "video":
            return None
        if (info.get("n_entries") or 1) > 1:
            raise FetchFailed("It is a list of videos.", hint="Name the videos one by one.")
        if info.get("is_live"):
            raise FetchFailed("It is live.", hint="Add it as a live source: reelseek live add NAME URL")
        if (duration := info.get("duration")) and duration > self._limits.max_duration:
            limit = self._limits.max_duration
            raise FetchFailed(f"It is {duration:.0f} s long; the limit is {limit:.0f} s (fetch.max_duration).")
        return None

    def _formats(self, context: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The best pictures that are not too high, and the best sound where those have none; never by a program."""
        usable = [
            found
            for found in context["formats"]
            if found.get("protocol") in _PROTOCOLS and not found.get("has_drm") and not found.get("fragments_are_files")
        ]
        moving = [found for found in reversed(usable) if found.get("vcodec") != "none"]
        sounds = [
            found for found in reversed(usable) if found.get("vcodec") == "none" and found.get("acodec") != "none"
        ]
        fitting = [found for found in moving if (found.get("height") or 0) <= self._max_height]
        chosen = (fitting or sorted(moving, key=lambda found: found.get("height") or 0))[:1]
        if not chosen or chosen[0].get("acodec") == "none":
            chosen += sounds[:1]
        if not chosen:
            raise FetchFailed("None of its formats can be fetched without other programs.")
        self._parts = len(chosen)
        for found in chosen:
            # without a program, yt-dlp loads a playlist's segments by itself
            yield {**found, "protocol": "m3u8_native"} if found["protocol"] == "m3u8" else found

    def _refuse_above_limit(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise FetchFailed(f"It has {size} bytes; the limit is {self._limits.max_bytes} (fetch.max_bytes).")

    def _hook(self, status: dict[str, Any]) -> None:
        total = status.get("total_bytes") or status.get("total_bytes_estimate") or 0
        self._refuse_above_limit(max(status.get("total_bytes") or 0, status.get("downloaded_bytes") or 0))
        if status.get("status") == "finished":
            self._part += 1
        done = (status.get("downloaded_bytes") or 0) / total if total and status.get("status") != "finished" else 0.0
        with at_large():
            self._progress(FETCH_STAGE, min(1.0, (self._part + min(1.0, done)) / self._parts))


class _Quiet:
    """What yt-dlp would print goes to the log; an error comes as an exception as well."""

    def debug(self, text: str) -> None:
        _log.debug("%s", text)

    info = warning = error = debug


def _plain(text: str) -> str:
    """yt-dlp's message as a sentence, without its colours and its advice."""
    while (shorter := _NOISE.sub("", text).strip()) != text:
        text = shorter
    return text if text.endswith(".") else f"{text}."


def _may_pass(error: Exception) -> bool:
    """Whether it may work later: a server that is busy, a connection that broke."""
    return bool(re.search(r"HTTP Error (?:429|5\d\d)|timed out|reset|broke|IncompleteRead|closed", str(error)))
