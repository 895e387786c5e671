"""`reelseek models pull`: which weights are wanted, fetched into a staging folder, put in place in one step."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from engines.content import file_hash, remember_hash
from engines.families import KINDS, ON_REQUEST, Family, Kind, families, find_family
from engines.hub import PARTS
from engines.known_weights import Part
from engines.lock import LockedFile, LockedWeights, lock_name, read_lock, write_lock
from engines.offline import online_environment
from engines.resolution import Spec, parse, resolve_spec
from reelseek.errors import SettingsError, StorageError, WeightsError
from reelseek.settings import Settings

PullProgress = Callable[[str, str, int, int], None]
"""Called with (weights, file, bytes of that file that are here, its size)."""

_SPARE = 64 << 20


@dataclass(frozen=True, slots=True)
class Pulled:
    """What became of one wanted set of weights. `state` is `pulled`, or `present` when they were here already."""

    weights: str
    state: str
    path: Path
    commit: str
    size: int


def no_progress(weights: str, file: str, done: int, size: int) -> None:
    """Ignore progress."""


def wanted(targets: Sequence[str], settings: Settings) -> list[Spec]:
    """What to fetch: channels, `family:name`, or, for nothing named, every channel that some download would serve.

    Raises:
        SettingsError: a name is neither a channel nor a family.
        WeightsError: it names weights that no hub carries.
    """
    specs = []
    for target in targets or _channels_with_downloads():
        kind = next((kind for kind in KINDS if kind == target), None)
        spec = _channel_spec(kind, settings) if kind else _named_spec(target)
        if spec is not None:
            specs.append(spec)
    return specs


def _channels_with_downloads() -> list[str]:
    """The channels that some download would serve and that are on without being asked for."""
    served = (kind for kind in KINDS if any(family.pull for family in families(kind) if family.auto))
    return [kind for kind in served if kind not in ON_REQUEST]


def _channel_spec(kind: Kind, settings: Settings) -> Spec | None:
    text: str = getattr(settings.engines, kind)
    if text not in ("auto", "off", "extractive", "none"):
        spec = parse(kind, text)
        return _fetchable(spec) if not spec.path and spec.family.needs_weights else None
    choices = [family for family in families(kind) if family.pull and family.auto]
    if not choices:
        return None
    installed = (f for f in choices if resolve_spec(Spec(f, f.pull), settings, text).state != "missing-extra")
    family = next(installed, choices[0])
    return Spec(family, family.pull)


def _named_spec(target: str) -> Spec:
    family = find_family(target.partition(":")[0])
    if family is None:
        raise SettingsError(
            f"{target!r} is neither a channel nor an engine.",
            hint=f"Channels: {', '.join(KINDS)}; see: reelseek models",
        )
    return _fetchable(parse(family.kind, target))


def _fetchable(spec: Spec) -> Spec:
    spec = Spec(spec.family, spec.name or spec.family.pull, spec.path, spec.repo, spec.revision)
    if not spec.family.needs_weights or spec.path is not None:
        raise WeightsError(f"{spec.family.name} has nothing to fetch.")
    if not _parts(spec):
        known = ", ".join(weights.name for weights in spec.family.weights if weights.parts[0].repo) or "none"
        raise WeightsError(
            f"No hub repository is known for {spec.family.name}:{spec.name} (known: {known}).",
            hint=f"Put the weights into {place_of(spec, Path('<data>/models'))} by hand"
            + (f", or name a repository: {spec.family.name}:OWNER/NAME" if spec.family.template else "")
            + ".",
        )
    return spec


def _parts(spec: Spec) -> tuple[Part, ...]:
    known = spec.family.known(spec.name)
    if known is not None:
        return known.parts if all(part.repo for part in known.parts) else ()
    template = spec.family.template
    if spec.repo and template is not None:
        return (Part(spec.repo, required=template.required, optional=template.optional),)
    return ()


def place_of(spec: Spec, models: Path) -> Path:
    """The folder of these weights."""
    return models / spec.family.kind / spec.family.name / spec.folder


def pull(
    targets: Sequence[str], settings: Settings, progress: PullProgress = no_progress, *, update: bool = False
) -> list[Pulled]:
    """Fetch weights and put them in place. Never leaves a half set where an engine would find it.

    Args:
        targets: channels or `family:name`; see `wanted`.
        settings: where the models folder is.
        progress: called as bytes arrive.
        update: go to the newest commit of a branch instead of the recorded one.

    Raises:
        WeightsError: no hub answers, or what it sends is not what it should be.
        StorageError: the disk is full or cannot be written.
    """
    specs = wanted(targets, settings)
    models = settings.models_path
    try:
        models.mkdir(parents=True, exist_ok=True)
        with FileLock(models / ".pull.lock"):
            return [_pull_one(spec, settings, progress, update=update) for spec in specs]
    except OSError as error:
        raise StorageError(f"The models folder {models} cannot be written: {error}.") from error


def _pull_one(spec: Spec, settings: Settings, progress: PullProgress, *, update: bool) -> Pulled:
    models, place = settings.models_path, place_of(spec, settings.models_path)
    label = f"{spec.family.name}:{spec.name}"
    locked = read_lock(models).get(lock_name(spec.family, spec.folder))
    if place.exists() and not update:
        if locked is None:
            return Pulled(label, "present", place, "put there by hand", 0)
        same = not spec.revision or spec.revision in {*locked.commits.values(), *locked.requested.values()}
        if same and _intact(place, locked, settings):
            return Pulled(label, "present", place, " ".join(locked.commits.values()), locked.size)
    staging = models / ".partial" / lock_name(spec.family, spec.folder).replace("/", "--")
    files: dict[str, LockedFile] = {}
    commits: dict[str, str] = {}
    for part in _parts(spec):
        revision, checksums = _pin(part, spec, None if update else locked)
        job = {
            "repo": part.repo,
            "revision": revision,
            "required": part.required,
            "optional": part.optional,
            "sha256": checksums,
            "target": str(staging / part.folder),
            "place": str(place),
        }
        commits[part.repo], fetched = _fetch(job, label, models, progress)
        for name, file in fetched.items():
            files[f"{part.folder}/{name}" if part.folder else name] = file
    record = LockedWeights({part.repo: revision_of(part, spec) for part in _parts(spec)}, commits, files)
    _install(staging, place, record, spec.family, settings)
    return Pulled(label, "pulled", place, " ".join(commits.values()), record.size)


def revision_of(part: Part, spec: Spec) -> str:
    """The revision that is asked for: the user's `@revision`, else the table's."""
    return spec.revision or part.revision


def _pin(part: Part, spec: Spec, locked: LockedWeights | None) -> tuple[str, dict[str, str]]:
    """The revision to ask for and the checksums to hold it to: the record's, where one for the same request exists."""
    asked = revision_of(part, spec)
    known = dict(part.sha256) if not spec.revision or spec.revision == part.revision else {}
    if locked is None or locked.requested.get(part.repo) != asked or part.repo not in locked.commits:
        return asked, known
    prefix = f"{part.folder}/" if part.folder else ""
    recorded = {
        name.removeprefix(prefix): file.sha256 for name, file in locked.files.items() if name.startswith(prefix)
    }
    return locked.commits[part.repo], recorded | known


def _intact(place: Path, locked: LockedWeights, settings: Settings) -> bool:
    return all(
        (place / name).is_file() and file_hash(place / name, settings.data) == file.sha256
        for name, file in locked.files.items()
    )


def _fetch(job: dict[str, Any], label: str, models: Path, progress: PullProgress) -> tuple[str, dict[str, LockedFile]]:
    """Run the fetching process over one repository. Returns its commit and files."""
    sizes: dict[str, int] = {}
    files: dict[str, LockedFile] = {}
    commit = ""
    with _Fetcher(job) as fetcher:
        for line in fetcher.lines():
            event = json.loads(line)
            match event["event"]:
                case "start":
                    commit, sizes = event["commit"], {file["name"]: file["size"] for file in event["files"]}
                    _check_space(models, sum(sizes.values()), Path(job["target"]))
                case "progress":
                    progress(label, event["file"], event["done"], sizes[event["file"]])
                case "file":
                    files[event["name"]] = LockedFile(event["size"], event["sha256"])
                    progress(label, event["name"], event["size"], event["size"])
                case "error":
                    kind = StorageError if event["kind"] == StorageError.kind else WeightsError
                    raise kind(event["message"], hint=event["hint"])
                case "done":
                    return commit, files
        raise WeightsError(
            f"The process that fetched {label} ended unexpectedly: {fetcher.last_words()}",
            hint="Run the pull again; it goes on.",
        )


class _Fetcher:
    """The fetching process, ended with the block, however the block ends."""

    def __init__(self, job: dict[str, Any]) -> None:
        root = str(Path(__file__).resolve().parent.parent)
        environment = online_environment()
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
        # Plain HTTP with ranges can be continued by a later pull; transfers by Xet cannot.
        environment.setdefault("HF_HUB_DISABLE_XET", "1")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        self._child = subprocess.Popen(
            [sys.executable, "-m", "engines.hub"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            encoding="utf-8",
        )
        assert self._child.stdin is not None
        json.dump(job, self._child.stdin)
        self._child.stdin.close()

    def lines(self) -> Iterator[str]:
        """What it says, line by line, until it ends."""
        assert self._child.stdout is not None
        yield from self._child.stdout

    def last_words(self) -> str:
        """The last line that it wrote to standard error, and how it ended."""
        code = self._child.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'no message'} (exit {code})"

    def __enter__(self) -> _Fetcher:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._child.poll() is None:
            self._child.terminate()
        self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._log.close()


def _check_space(models: Path, needed: int, staging: Path) -> None:
    here = sum(file.stat().st_size for file in staging.rglob("*") if file.is_file()) if staging.is_dir() else 0
    free = shutil.disk_usage(models).free
    if needed - here + _SPARE > free:
        raise StorageError(
            f"The weights need {(needed - here) / 1e6:.0f} MB and {models} has {free / 1e6:.0f} MB free.",
            hint="Free some space, or set another data folder.",
        )


def _install(staging: Path, place: Path, record: LockedWeights, family: Family, settings: Settings) -> None:
    """Make a complete staging folder the weights' folder, in one rename."""
    for file in [file for file in staging.rglob("*") if file.is_file()]:
        if file.relative_to(staging).as_posix() not in record.files:
            file.unlink()  # left over from another commit, or a partial one
    for parts in [*staging.rglob(PARTS)]:
        shutil.rmtree(parts)
    write_lock(settings.models_path, lock_name(family, place.name), record)
    place.parent.mkdir(parents=True, exist_ok=True)
    old = staging.with_name(f"{staging.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.replace(old)
    staging.replace(place)
    shutil.rmtree(old, ignore_errors=True)
    for name, locked in record.files.items():
        remember_hash(place / name, locked.sha256, settings.data)
