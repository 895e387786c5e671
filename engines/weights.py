"""Which weights there are for each channel, which of them are here, and whether they are what they should be."""

from __future__ import annotations

import base64
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engines.content import folder_files, remember_hash, sha256_file
from engines.families import FAMILIES, KINDS, Family, Kind
from engines.known_weights import Weights
from engines.lock import LockedWeights, lock_name, read_lock
from engines.resolution import Resolution, Spec, folder_name, present_names, resolve, resolve_spec, weights_in
from reelseek.settings import Settings


@dataclass(frozen=True, slots=True)
class WeightsRow:
    """One engine with one set of weights.

    Attributes:
        size_bytes: on this machine, or of the download where it is absent; 0 when unknown.
        present: the weights are on this machine.
        usable: they and the library are.
        in_use: the settings, or `auto`, take this one.
        source: `owner/name@revision` on the hub, the package that carries it, `by hand`, or `demo`.
        pinned: the revision is a commit, in the table or by an earlier pull.
        needs: command that makes it usable, or empty.
    """

    channel: Kind
    engine: str
    name: str
    size_bytes: int
    licence: str
    present: bool
    usable: bool
    in_use: bool
    source: str
    pinned: bool
    path: Path | None
    needs: str


def weights_table(settings: Settings) -> list[WeightsRow]:
    """Every engine and every set of weights that is known or lies in the models folder, by channel.

    Raises:
        SettingsError: a setting names an engine that does not exist.
    """
    lock = read_lock(settings.models_path)
    chosen = {kind: resolve(kind, settings) for kind in KINDS}
    rows = [
        row
        for kind in KINDS
        for family in FAMILIES
        if family.kind == kind
        for row in _family_rows(family, settings, lock, chosen[kind])
    ]
    listed = {(row.channel, row.engine, row.path) for row in rows}
    for kind, found in chosen.items():
        if found.ref is not None and (kind, found.family, found.weights) not in listed:
            rows.append(_chosen_row(found))
    return rows


def _family_rows(
    family: Family, settings: Settings, lock: dict[str, LockedWeights], chosen: Resolution
) -> Iterator[WeightsRow]:
    if family.remote:
        return
    names = [weights.name for weights in family.weights]
    if family.carried is not None:
        names = [family.carried[2]]
    else:
        names += sorted(present_names(settings.models_path / family.kind / family.name, family) - set(names))
        names += ["demo"] if family.demo and settings.engines.demo_models else []
    for name in names:
        found = resolve_spec(Spec(family, name), settings, "", explicit=False)
        known = family.known(name)
        locked = lock.get(lock_name(family, folder_name(name)))
        here = found.state == "ready" or _is_here(family, name, settings)
        source, pinned = _source(family, known, locked, name)
        yield WeightsRow(
            channel=family.kind,
            engine=family.name,
            name=name,
            size_bytes=found.size_bytes or (known.size if known else 0),
            licence=found.licence,
            present=here,
            usable=found.state == "ready",
            in_use=found.ref is not None and chosen.ref == found.ref,
            source=source,
            pinned=pinned,
            path=found.weights,
            needs=found.fix,
        )


def _chosen_row(found: Resolution) -> WeightsRow:
    """The row of what is set by a path or served elsewhere, which no table knows."""
    source = str(found.weights) if found.weights else "a server"
    return WeightsRow(
        found.kind, found.family, found.name, found.size_bytes, found.licence, present=True, usable=True,
        in_use=True, source=source, pinned=False, path=found.weights, needs="",
    )  # fmt: skip


def _is_here(family: Family, name: str, settings: Settings) -> bool:
    if family.carried is not None:
        return importlib.util.find_spec(family.carried[0]) is not None
    return weights_in(settings.models_path / family.kind / family.name, folder_name(name), family) is not None


def _source(family: Family, known: Weights | None, locked: LockedWeights | None, name: str) -> tuple[str, bool]:
    if family.carried is not None:
        module = family.carried[0]
        return f"package {module.replace('_', '-')}", True
    if locked is not None:
        return ", ".join(f"{repo}@{commit[:12]}" for repo, commit in locked.commits.items()), True
    if name == "demo":
        return "demo", True
    if known is None or not all(part.repo for part in known.parts):
        return "by hand", False
    pinned = all(len(part.revision) == 40 for part in known.parts)
    return ", ".join(f"{part.repo}@{part.revision[:12]}" for part in known.parts), pinned


@dataclass(frozen=True, slots=True)
class Verified:
    """What checking one set of weights found. `unrecorded`: no checksum is known that could be held against it."""

    channel: Kind
    engine: str
    name: str
    state: Literal["ok", "damaged", "unrecorded"]
    detail: str
    files: int


VerifyProgress = Callable[[str, Path], None]


def no_progress(weights: str, file: Path) -> None:
    """Ignore progress."""


def verify(settings: Settings, progress: VerifyProgress = no_progress) -> list[Verified]:
    """Read all weights on this machine and hold them against their recorded checksums.

    Pulled ones are held against `weights.lock.json`, ones put there by hand against the table of known weights, those
    inside packages against the checksums that the package was installed with.

    Raises:
        WeightsError: the record itself is damaged.
    """
    lock = read_lock(settings.models_path)
    results = []
    for family in FAMILIES:
        if family.carried is not None:
            if (found := _verify_carried(family, progress)) is not None:
                results.append(found)
            continue
        root = settings.models_path / family.kind / family.name
        locked_names = {key.rpartition("/")[2] for key in lock if key.startswith(f"{family.kind}/{family.name}/")}
        here = {folder_name(name) for name in present_names(root, family)}
        for name in sorted(here | {name for name in locked_names if (root / name).is_dir()}):
            results.append(
                _verify_one(family, name, lock.get(lock_name(family, folder_name(name))), settings, progress)
            )
    return results


def _verify_one(
    family: Family, name: str, locked: LockedWeights | None, settings: Settings, progress: VerifyProgress
) -> Verified:
    place = settings.models_path / family.kind / family.name / name
    if locked is not None:
        expected = {place / file: value.sha256 for file, value in locked.files.items()}
    else:
        known, found = family.known(name), weights_in(place.parent, name, family)
        checksums = {file: value for part in known.parts for file, value in part.sha256.items()} if known else {}
        expected = {file: checksums[file.name] for file in folder_files(found or place) if file.name in checksums}
    if not expected:
        return Verified(family.kind, family.name, name, "unrecorded", "put there by hand; no checksum is known", 0)
    wrong = []
    for file, value in expected.items():
        progress(f"{family.name}:{name}", file)
        if not file.is_file():
            wrong.append(f"{file.name} is missing")
            continue
        actual = sha256_file(file)
        remember_hash(file, actual, settings.data)  # damage that left size and time alone must not hide behind memory
        if actual != value:
            wrong.append(f"{file.name} has a wrong checksum")
    state: Literal["ok", "damaged"] = "damaged" if wrong else "ok"
    return Verified(family.kind, family.name, name, state, "; ".join(wrong), len(expected))


def _verify_carried(family: Family, progress: VerifyProgress) -> Verified | None:
    """Hold a package's weights against the checksums in its RECORD; None where the package is not installed."""
    assert family.carried is not None
    module, folder, name = family.carried
    owners = importlib.metadata.packages_distributions().get(module)
    if not owners:
        return None
    wrong, count = [], 0
    for file in importlib.metadata.files(owners[0]) or []:
        if not file.as_posix().startswith(f"{module}/{folder}/") or file.hash is None or file.hash.mode != "sha256":
            continue
        count += 1
        path = Path(str(file.locate()))
        progress(f"{family.name}:{name}", path)
        if not path.is_file():
            wrong.append(f"{file.name} is missing")
        elif base64.urlsafe_b64encode(bytes.fromhex(sha256_file(path))).decode().rstrip("=") != file.hash.value:
            wrong.append(f"{file.name} has a wrong checksum")
    if not count:
        return Verified(family.kind, family.name, name, "unrecorded", "the package records no checksums", 0)
    return Verified(family.kind, family.name, name, "damaged" if wrong else "ok", "; ".join(wrong), count)
