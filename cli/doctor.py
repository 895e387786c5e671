"""`reelseek doctor`: whether this installation can work, and where its settings come from."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

import typer
from rich.table import Table
from rich.text import Text

from cli.context import settings_of
from cli.models import channel_lines, channel_payload
from cli.output import console, print_json, printable
from reelseek import __version__
from reelseek.errors import ReelseekError
from reelseek.settings import ENV_PREFIX, Settings, config_file, folder_config_file, known_names, read_config

State = Literal["ok", "note", "problem"]

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "clip": ("open_clip", "torch"),
    "sentence": ("sentence_transformers",),
    "whisper": ("faster_whisper", "whisper"),
    "speakers": ("resemblyzer",),
    "fetch": ("yt_dlp",),
    "paddle": ("paddleocr",),
    "paddle-native": ("paddle",),
    "yolo": ("ultralytics",),
    "vlm": ("transformers", "torchvision"),
    "redis": ("redis",),
    "postgres": ("psycopg",),
    "s3": ("s3fs",),
    "agents": ("mcp",),
    "export": ("opentimelineio",),
}
"""The extras of this distribution, with the modules that show whether each is there."""

_LITTLE_SPACE = 2 << 30
_NO_SPACE = 200 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. Only a `problem` makes the command fail."""

    name: str
    state: State
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting's value and who said so: `default`, `flag`, an environment variable, or the settings file."""

    name: str
    value: str
    origin: str


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    show_settings: Annotated[
        bool, typer.Option("--settings", help="List every setting with its value and where it comes from.")
    ] = False,
) -> None:
    """Look at everything that Reelseek needs, and say what is missing and what helps. Exits 1 for a problem."""
    from engines.registry import Engines

    settings = settings_of(context)
    origins = setting_origins(settings, context.find_root().obj or {})
    checks = [check for look in _LOOKS for check in _guarded(look, settings)]
    channels = Engines(settings).resolutions()
    checks += [
        Check(f"engine: {kind}", "problem", f"{found.spec} cannot run: {found.reason}", found.fix)
        for kind, found in channels.items()
        if found.explicit and found.ref is None
    ]
    if as_json:
        payload = {
            "version": __version__,
            "checks": [asdict(check) for check in checks],
            "channels": {kind: channel_payload(found) for kind, found in channels.items()},
            "settings_files": [str(path) for path in _settings_files(settings)],
            "settings": {item.name: {"value": item.value, "origin": item.origin} for item in origins},
        }
        print_json(payload)
    else:
        out = console()
        out.print(_report(checks))
        out.print()
        out.print(channel_lines(channels.values()))
        out.print()
        out.print(_settings(origins if show_settings else [item for item in origins if item.origin != "default"]))
    if any(check.state == "problem" for check in checks):
        raise typer.Exit(1)


def _report(checks: list[Check]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    marks = {"ok": ("ok", "green"), "note": ("note", "yellow"), "problem": ("PROBLEM", "bold red")}
    for check in checks:
        mark, style = marks[check.state]
        text = Text(printable(check.text))
        text.append(f"  {check.hint}" if check.hint else "", style="cyan")
        table.add_row(Text(mark, style=style), check.name, text)
    return table


def _settings(origins: list[Origin]) -> Table | str:
    if not origins:
        return "All settings are at their defaults (`reelseek doctor --settings` lists them)."
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for item in origins:
        table.add_row(item.name, printable(item.value), printable(item.origin))
    return table


def setting_origins(settings: Settings, flags: Mapping[str, Any]) -> list[Origin]:
    """Every setting with its value and origin; passwords inside URLs are blanked."""
    files = [(path, read_config(path)) for path in _settings_files(settings)]
    environment = {name.upper() for name in os.environ}
    result = []
    for name, _ in known_names():
        variable = ENV_PREFIX + name.upper().replace(".", "__")
        value: Any = settings
        for part in name.split("."):
            value = getattr(value, part)
        if _has(flags, name):
            origin = "flag"
        elif variable in environment:
            origin = variable
        else:
            origin = next((str(path) for path, config in files if _has(config, name)), "default")
        result.append(Origin(name, without_password(str(value)), origin))
    return result


def _settings_files(settings: Settings) -> list[Path]:
    """The settings files that are read, those that win first."""
    return [path for path in (folder_config_file(settings.data), config_file()) if path is not None]


def _has(tree: Mapping[str, Any], name: str) -> bool:
    group, _, rest = name.partition(".")
    if group not in tree:
        return False
    return True if not rest else isinstance(tree[group], Mapping) and _has(tree[group], rest)


def without_password(text: str) -> str:
    """The text with the password of a URL blanked; other texts as they are."""
    if "://" not in text or "@" not in text:
        return text
    parts = urlsplit(text)
    host = parts.netloc.rpartition("@")[2]
    user = (parts.username or "") + (":***" if parts.password else "")
    return urlunsplit(parts._replace(netloc=f"{user}@{host}"))


def _guarded(look: Callable[[Settings], Iterator[Check]], settings: Settings) -> Iterator[Check]:
    """Run one look; an error of ours is its finding, not the end of the report."""
    try:
        yield from look(settings)
    except ReelseekError as error:
        yield Check(look.__name__.strip("_").replace("_", " "), "problem", error.message, error.hint)


def _python(_: Settings) -> Iterator[Check]:
    version = platform.python_version()
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    text = f"{version} on {platform.platform(terse=True)}, {os.cpu_count()} CPUs, SQLite {sqlite3.sqlite_version}"
    yield Check("python", "ok" if fits else "problem", text, "" if fits else "Reelseek needs Python 3.11 to 3.13.")


def _settings_read(settings: Settings) -> Iterator[Check]:
    carried, user = folder_config_file(settings.data), config_file()
    read = [f"{carried} (the data folder's own)"] if carried else []
    read += [str(user)] if user else []
    yield Check("settings", "ok", f"read from {', then '.join(read)}" if read else "no settings file")


def _extras(_: Settings) -> Iterator[Check]:
    absent = [
        extra
        for extra, modules in EXTRAS.items()
        if any(importlib.util.find_spec(module) is None for module in modules)
    ]
    present = [extra for extra in EXTRAS if extra not in absent]
    yield Check("extras", "ok", f"installed: {', '.join(present) or 'none'}")
    if absent:
        hint = f"pip install 'reelseek[{','.join(absent)}]'"
        yield Check("extras", "note", f"not installed: {', '.join(absent)}", hint)
    yield Check("ffmpeg", "ok", "not needed: videos are decoded by the libraries inside the package av")


def _data_folder(settings: Settings) -> Iterator[Check]:
    there = next(path for path in (settings.data, *settings.data.parents) if path.is_dir())
    name = "data folder"
    if (reason := _unwritable(there)) is not None:
        yield Check(
            name, "problem", f"{settings.data} cannot be written: {reason}", "Set REELSEEK_DATA to another one."
        )
        return
    made = "" if there == settings.data else " (made when it is first needed)"
    yield Check(name, "ok", f"{settings.data} can be written{made}")
    free = shutil.disk_usage(there).free
    state: State = "problem" if free < _NO_SPACE else "note" if free < _LITTLE_SPACE else "ok"
    yield Check("space", state, f"{free / 1e9:.1f} GB free", "Free some space." if state != "ok" else "")
    artefacts = Path(settings.artefacts_url)
    if "://" not in settings.artefacts_url and artefacts.is_dir() and (reason := _unwritable(artefacts)) is not None:
        yield Check("artefacts", "problem", f"{artefacts} cannot be written: {reason}")


def _unwritable(folder: Path) -> str | None:
    """Why nothing can be written there; tried, since permissions alone do not tell (read-only mounts, quotas)."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".reelseek-") as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _catalogue(settings: Settings) -> Iterator[Check]:
    from library import keys
    from library.catalogue import Catalogue
    from library.records import VideoState

    url = settings.database_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
        yield Check("catalogue", "ok", "empty: nothing has been indexed yet")
        return
    catalogue = Catalogue(url)
    try:
        count = catalogue.count_videos()
        failed = catalogue.count_videos(state=VideoState.FAILED)
        yield Check("catalogue", "ok", f"{count} videos in {len(catalogue.libraries())} libraries")
        if failed:
            yield Check("catalogue", "note", f"{failed} videos could not be indexed", "See: reelseek videos")
        if not _is_loopback(settings.web.host) and not keys.any_exist(catalogue):
            hint = "Make one with: reelseek keys create NAME"
            yield Check("web", "problem", f"web.host is {settings.web.host} and no API key exists", hint)
    finally:
        catalogue.close()


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host in ("::1", "[::1]")


def _index(settings: Settings) -> Iterator[Check]:
    if not settings.index_path.is_dir():
        yield Check("index", "ok", "empty: nothing has been indexed yet")
        return
    from index.writer import IndexWriter

    rows = IndexWriter(settings).validate()
    yield Check("index", "ok", ", ".join(f"{count} {table}" for table, count in rows.items()) or "empty")


def _broker(settings: Settings) -> Iterator[Check]:
    url = settings.workers.broker
    if not url:
        yield Check("broker", "ok", "a folder in the data folder; no server is needed")
        return
    from kombu import Connection
    from kombu.exceptions import OperationalError

    shown = without_password(url)
    try:
        with Connection(url, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except (OperationalError, OSError, ImportError) as error:
        yield Check("broker", "problem", f"{shown} does not answer: {error}", "Start it, or empty workers.broker.")
        return
    yield Check("broker", "ok", f"{shown} answers")


_LOOKS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    _python,
    _settings_read,
    _extras,
    _data_folder,
    _catalogue,
    _index,
    _broker,
)
