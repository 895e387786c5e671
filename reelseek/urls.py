"""Addresses that people give: what may be opened, and what of them may be shown."""

from __future__ import annotations

import urllib.parse

from reelseek.errors import InvalidRequest

LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "tcp", "udp", "srt")
"""How a live source may be reached. None of them reads a file."""

_LONGEST = 4_096
_HIDDEN = "***"


def checked_url(url: str, schemes: tuple[str, ...]) -> str:
    """The URL as it was given, if its scheme is one of `schemes` and it names a host.

    Raises:
        InvalidRequest: it is none, or another scheme's.
    """
    url = url.strip()
    wanted = f"It must begin with {', '.join(f'{scheme}://' for scheme in schemes[:-1])} or {schemes[-1]}://."
    if not url or len(url) > _LONGEST or any(not char.isprintable() or char.isspace() for char in url):
        raise InvalidRequest("That is no URL.", hint=wanted)
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidRequest("That is no URL.", hint=wanted) from error
    if parts.scheme.lower() not in schemes:
        raise InvalidRequest(f"A URL of {parts.scheme or 'no scheme'!r} is not opened.", hint=wanted)
    if not parts.hostname and parts.scheme.lower() not in {"udp", "tcp", "srt"}:
        raise InvalidRequest("The URL names no host.")
    return url


def masked(url: str) -> str:
    """The URL without what may be secret in it: user and password, values of the query, an RTMP stream's key."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return _HIDDEN
    if not parts.scheme or not parts.netloc:
        return url if url == "-" or not parts.query else _HIDDEN
    place = parts.netloc.rpartition("@")[2]
    if "@" in parts.netloc:
        place = f"{_HIDDEN}@{place}"
    path = parts.path
    if parts.scheme.lower().startswith("rtmp") and path.strip("/").count("/"):
        path = f"{path.rstrip('/').rpartition('/')[0]}/{_HIDDEN}"
    names = [name.partition("=")[0] for name in parts.query.split("&") if name]
    query = "?" + "&".join(f"{name}={_HIDDEN}" for name in names) if names else ""
    return f"{parts.scheme}://{place}{path}{query}"
